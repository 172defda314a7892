//! Files of invoices: brought here, and all that were.

use super::{
    asked::{Asked, Part, choose},
    brought::{is_said_here, refused, state, why},
};
use crate::{
    auth::Right,
    http::{ApiError, Parameters},
    portal::{
        api::encoded,
        customer::Collection,
        finish::{Page, see},
        parts::{number, time},
        upload::{FILE, Upload},
        visit::Visit,
    },
};
use axum::response::Response;
use maud::{Markup, html};
use planshift_domain::{ids::PartnerId, time::Timestamp};
use serde::Deserialize;
use serde_json::Value;

/// A file of an invoice, as the API has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct File {
    pub(super) invoice_id: String,
    pub(super) partner_id: PartnerId,
    pub(super) series: String,
    pub(super) state: String,
    pub(super) actor: String,
    pub(super) document: String,
    pub(super) created_at: Timestamp,
    pub(super) lines: u64,
    pub(super) unbilled: u64,
    pub(super) numbers: Vec<String>,
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
    pub(super) faults: Option<u64>,
    #[serde(default)]
    pub(super) listed_faults: Option<Vec<Value>>,
    pub(super) withdrawn: Option<Withdrawn>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Withdrawn {
    pub(super) by: String,
    pub(super) at: Timestamp,
    pub(super) reason: String,
    pub(super) replaced_by: Option<String>,
}

impl File {
    /// The numbers that its lines have, or else which series it is of.
    pub(super) fn name(&self, visit: &Visit) -> String {
        match self.numbers.is_empty() {
            true => format!("{} {}", visit.say("Series", "Série"), self.series),
            false => self.numbers.join(", "),
        }
    }
}

/// `GET /portal/billing/invoices`.
pub(in crate::portal) async fn page(visit: Visit, parameters: Parameters) -> Result<Page, ApiError> {
    shown(&visit, &parameters, None).await
}

/// `POST /portal/billing/invoices`.
pub(in crate::portal) async fn bring(visit: Visit, parameters: Parameters, upload: Upload) -> Result<Response, ApiError> {
    let series = upload.form.text("series").unwrap_or_default().to_owned();
    let named = parameters.get("partnerId").map(|partner| format!("&partnerId={}", encoded(partner))).unwrap_or_default();
    match upload.send(&visit, &format!("/v1/invoices?series={}{named}", encoded(&series))).await {
        Ok(taken) => {
            let was_here = if taken["wasHere"] == true { "?wasHere=1" } else { "" };
            Ok(see(&format!("/portal/billing/invoices/{}{was_here}", taken["invoiceId"].as_str().unwrap_or_default())))
        }
        Err(error) if is_said_here(&error) => Ok(refused(&error, shown(&visit, &parameters, Some(&error)).await?)),
        Err(error) => Err(error),
    }
}

async fn shown(visit: &Visit, parameters: &Parameters, error: Option<&ApiError>) -> Result<Page, ApiError> {
    let Some(asked) = Asked::of(visit, parameters).await? else { return choose(visit, Part::Invoices).await };
    let found: Collection<File> = visit.get(&format!("/v1/invoices?partnerId={}{}", asked.partner, asked.going_on())).await?;
    let next = found.next().map(|next| format!("{}&after={}", asked.to(Part::Invoices, asked.month), encoded(&next)));
    let say = |en, fr| visit.say(en, fr);
    let body = html! {
        @if let Some(error) = error { (why(visit, error)) }
        @if visit.may(Right::Manage) { (form(visit, &asked)) }
        @if found.items.is_empty() { div.empty { p.lead { (say("No invoice was brought yet.", "Aucune facture n’a encore été apportée.")) } } } @else { (table(visit, &found.items)) }
        nav.pages aria-label=(say("Pages of the list", "Pages de la liste")) {
            @if asked.after.is_some() { a.button href=(asked.to(Part::Invoices, asked.month)) { (say("First page", "Première page")) } }
            @if let Some(next) = next { a.button rel="next" href=(next) { (say("Next page", "Page suivante")) } }
        }
    };
    Ok(asked.page(visit, Part::Invoices, &body))
}

fn form(visit: &Visit, asked: &Asked) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        section.card {
            h2 { (say("Bring an invoice", "Apporter une facture")) }
            form.stack method="post" enctype="multipart/form-data" action={ (Part::Invoices.path()) (asked.named('?')) } {
                (visit.form_token())
                fieldset {
                    legend { (say("Which invoice", "Quelle facture")) }
                    label { input type="radio" name="series" value="D" required; " " (say("D, the legacy offer's: the usage-based reconciliation file (CSV)", "D, de l’ancienne offre : le fichier de rapprochement de consommation (CSV)")) }
                    label { input type="radio" name="series" value="G" required; " " (say("G, the plan's: daily rated usage, as billed (CSV, JSON, NDJSON)", "G, du plan : la consommation quotidienne facturée (CSV, JSON, NDJSON)")) }
                }
                label for="file" { (say("File", "Fichier")) }
                input id="file" type="file" name=(FILE) accept=".csv,.json,.ndjson,.jsonl,.txt" required aria-describedby="file-help";
                p.fine id="file-help" { (say("All of it is taken, or nothing. The same file again changes nothing. Bring all files of a month: what is on no line is told as missing.", "Tout est pris, ou rien. Le même fichier ne change rien. Apportez tous les fichiers d’un mois : ce qui n’est sur aucune ligne est dit manquant.")) }
                button.primary type="submit" { (say("Bring it", "Apporter")) }
            }
        }
    }
}

fn table(visit: &Visit, files: &[File]) -> Markup {
    let (say, locale) = (|en, fr| visit.say(en, fr), visit.locale());
    html! {
        div.scroll tabindex="0" role="region" aria-label=(say("Invoices", "Factures")) {
            table.list {
                thead { tr {
                    th scope="col" { (say("Invoice", "Facture")) } th scope="col" { (say("Series", "Série")) } th scope="col" { (say("State", "État")) } th scope="col" { (say("Period", "Période")) }
                    th.amount scope="col" { (say("Lines", "Lignes")) } th.wide scope="col" { (say("Brought", "Apportée")) } th.wide scope="col" { (say("By", "Par")) }
                } }
                tbody { @for one in files { tr {
                    td { a.name href={ "/portal/billing/invoices/" (one.invoice_id) } { (one.name(visit)) } }
                    td { (one.series) }
                    td { (state(visit, &one.state)) }
                    td { (period(one)) }
                    td.amount { (number(one.lines, locale)) }
                    td.wide { (time(one.created_at)) }
                    td.wide { (one.actor) }
                } } }
            }
        }
    }
}

/// The days that it is of, as invoices have them: in UTC.
pub(super) fn period(one: &File) -> Markup {
    let day = |at: Timestamp| at.to_string().chars().take(10).collect::<String>();
    html! {
        @match (one.from, one.to) { (Some(from), Some(to)) => { span.id { (day(from)) } " – " span.id { (day(to)) } }, _ => span.quiet { "–" } }
    }
}
