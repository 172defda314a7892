//! Files of usage: brought here, and all that were.

use super::{
    asked::{Asked, Part, choose},
    brought::{faults, is_said_here, refused, state, why},
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
use planshift_domain::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// An import, as the API has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Import {
    import_id: String,
    state: String,
    format: String,
    actor: String,
    created_at: Timestamp,
    records: u64,
    added: u64,
    repeated: u64,
    corrected: u64,
    faults: Option<u64>,
    #[serde(default)]
    listed_faults: Option<Vec<Value>>,
    #[serde(default)]
    same_file_as: Option<String>,
}

/// `GET /portal/billing/usage`.
pub(in crate::portal) async fn page(visit: Visit, parameters: Parameters) -> Result<Page, ApiError> {
    shown(&visit, &parameters, None).await
}

/// `POST /portal/billing/usage`.
pub(in crate::portal) async fn bring(visit: Visit, parameters: Parameters, upload: Upload) -> Result<Response, ApiError> {
    let named = parameters.get("partnerId").map(|partner| format!("partnerId={}", encoded(partner))).unwrap_or_default();
    match upload.send(&visit, &format!("/v1/usage?{named}")).await {
        Ok(taken) => {
            let id = taken["importId"].as_str().unwrap_or_default();
            let more = if named.is_empty() { String::new() } else { format!("&{named}") };
            Ok(see(&format!("{}?import={id}{more}", Part::Usage.path())))
        }
        Err(error) if is_said_here(&error) => Ok(refused(&error, shown(&visit, &parameters, Some(&error)).await?)),
        Err(error) => Err(error),
    }
}

async fn shown(visit: &Visit, parameters: &Parameters, error: Option<&ApiError>) -> Result<Page, ApiError> {
    let Some(asked) = Asked::of(visit, parameters).await? else { return choose(visit, Part::Usage).await };
    let found: Collection<Import> = visit.get(&format!("/v1/usage/imports?partnerId={}{}", asked.partner, asked.going_on())).await?;
    let one = match parameters.get("import").filter(|_| error.is_none()) {
        Some(id) => Some(visit.get::<Import>(&format!("/v1/usage/imports/{}", encoded(id))).await?),
        None => None,
    };
    let next = found.next().map(|next| format!("{}&after={}", asked.to(Part::Usage, asked.month), encoded(&next)));
    let say = |en, fr| visit.say(en, fr);
    let body = html! {
        @if let Some(error) = error { (why(visit, error)) }
        @if let Some(one) = &one { (told(visit, one)) }
        @if visit.may(Right::Manage) { (form(visit, &asked)) }
        @if found.items.is_empty() { div.empty { p.lead { (say("No usage was brought yet.", "Aucune consommation n’a encore été apportée.")) } } } @else { (table(visit, &asked, &found.items)) }
        nav.pages aria-label=(say("Pages of the list", "Pages de la liste")) {
            @if asked.after.is_some() { a.button href=(asked.to(Part::Usage, asked.month)) { (say("First page", "Première page")) } }
            @if let Some(next) = next { a.button rel="next" href=(next) { (say("Next page", "Page suivante")) } }
        }
    };
    Ok(asked.page(visit, Part::Usage, &body))
}

/// What became of one.
fn told(visit: &Visit, one: &Import) -> Markup {
    let (say, locale) = (|en, fr| visit.say(en, fr), visit.locale());
    let look = match one.state.as_str() {
        "Done" => "good",
        "Refused" | "Broken" => "bad",
        _ => "held",
    };
    html! {
        div class={ "notice " (look) } role="status" {
            p.lead { (state(visit, &one.state)) " " (number(one.records, locale)) (say(" records: ", " enregistrements : ")) (number(one.added, locale)) (say(" new, ", " nouveaux, ")) (number(one.repeated, locale)) (say(" known already, ", " déjà connus, ")) (number(one.corrected, locale)) (say(" corrected.", " corrigés.")) }
            @if one.same_file_as.is_some() { p { (say("This very file was here already. Nothing has changed.", "Ce fichier était déjà là. Rien n’a changé.")) } }
            @if let Some(total) = one.faults.filter(|total| *total > 0) { (faults(visit, total, one.listed_faults.as_deref().unwrap_or_default())) }
        }
    }
}

fn form(visit: &Visit, asked: &Asked) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        section.card {
            h2 { (say("Bring usage records", "Apporter la consommation")) }
            form.stack method="post" enctype="multipart/form-data" action={ (Part::Usage.path()) (asked.named('?')) } {
                (visit.form_token())
                label for="file" { (say("File: utilisation records, or the daily rated usage file (CSV, JSON, NDJSON)", "Fichier : relevés d’utilisation, ou fichier de consommation quotidienne (CSV, JSON, NDJSON)")) }
                input id="file" type="file" name=(FILE) accept=".csv,.json,.ndjson,.jsonl,.txt" required aria-describedby="file-help";
                p.fine id="file-help" { (say("All of it is taken, or nothing. What is known already changes nothing; another quantity of the same record is a correction.", "Tout est pris, ou rien. Ce qui est déjà connu ne change rien ; une autre quantité du même enregistrement est une correction.")) }
                button.primary type="submit" { (say("Bring it", "Apporter")) }
            }
        }
    }
}

fn table(visit: &Visit, asked: &Asked, imports: &[Import]) -> Markup {
    let (say, locale) = (|en, fr| visit.say(en, fr), visit.locale());
    html! {
        div.scroll tabindex="0" role="region" aria-label=(say("Usage records", "Consommation")) {
            table.list {
                thead { tr {
                    th scope="col" { (say("Brought", "Apporté")) } th scope="col" { (say("State", "État")) } th.amount scope="col" { (say("Records", "Enregistrements")) } th.amount scope="col" { (say("New", "Nouveaux")) }
                    th.amount.wide scope="col" { (say("Known already", "Déjà connus")) } th.amount.wide scope="col" { (say("Corrected", "Corrigés")) } th.wide scope="col" { (say("Format", "Format")) } th.wide scope="col" { (say("By", "Par")) }
                } }
                tbody { @for one in imports { tr {
                    td { a.name href={ (Part::Usage.path()) "?import=" (one.import_id) (asked.named('&')) } { (time(one.created_at)) } }
                    td { (state(visit, &one.state)) @if let Some(total) = one.faults.filter(|total| *total > 0) { span.under { (say("faults: ", "erreurs : ")) (number(total, locale)) } } }
                    td.amount { (number(one.records, locale)) } td.amount { (number(one.added, locale)) }
                    td.amount.wide { (number(one.repeated, locale)) } td.amount.wide { (number(one.corrected, locale)) }
                    td.wide { (one.format) } td.wide { (one.actor) }
                } } }
            }
        }
    }
}
