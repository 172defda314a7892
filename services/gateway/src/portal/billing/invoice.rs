//! A file of an invoice, and what is wrong with it, line by line.

use super::{
    asked::Part,
    brought::{faults, is_said_here, refused, state, why},
    invoices::{File, period},
    table::passed,
};
use crate::{
    auth::Right,
    http::{ApiError, Parameters},
    portal::{
        api::encoded,
        customer::Collection,
        finish::{Page, see},
        form::Form,
        frame::{Content, Place, page as framed},
        parts::{id, number, time},
        upload::{FILE, Upload},
        visit::Visit,
    },
};
use axum::{
    extract::Path,
    response::{IntoResponse as _, Response},
};
use maud::{Markup, html};
use planshift_domain::{ids::CustomerId, time::Timestamp};
use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;

/// How many findings a page has: as many as one looks through.
const FINDINGS: u32 = 100;

#[derive(Deserialize)]
struct Findings {
    #[serde(flatten)]
    page: Collection<Finding>,
    /// Those of a customer that are not listed.
    unlisted: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    fault: String,
    series: String,
    customer_id: CustomerId,
    azure_subscription_id: Option<String>,
    meter_id: String,
    from: Timestamp,
    to: Timestamp,
    expected: String,
    found: String,
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    invoice: String,
    row: u64,
}

/// `GET /portal/billing/invoices/{id}`; with `format=csv` its findings as a table.
pub(in crate::portal) async fn page(visit: Visit, Path(invoice): Path<String>, parameters: Parameters) -> Result<Response, ApiError> {
    let base = format!("/v1/invoices/{}", encoded(&invoice));
    let file: File = visit.get(&base).await?;
    if parameters.get("format") == Some("csv") {
        return passed(&visit, &format!("{base}/findings?format=csv")).await;
    }
    Ok(shown(&visit, &file, &parameters, None).await?.into_response())
}

/// The page; with why a file that was to replace it was refused.
async fn shown(visit: &Visit, file: &File, parameters: &Parameters, error: Option<&ApiError>) -> Result<Page, ApiError> {
    let base = format!("/v1/invoices/{}", file.invoice_id);
    let after = parameters.get("after").map(|token| format!("&continuationToken={}", encoded(token))).unwrap_or_default();
    let found = match file.state.as_str() {
        "Done" => Some(visit.get::<Findings>(&format!("{base}/findings?size={FINDINGS}{after}")).await?),
        // what does not count is compared with nothing
        _ => None,
    };
    let mut ids: Vec<_> = found.iter().flat_map(|found| &found.page.items).map(|one| one.customer_id).collect();
    ids.dedup();
    let names = visit.app.model.customer_names(visit.context.caller.partner, &ids).await?;
    let say = |en, fr| visit.say(en, fr);
    let here = format!("{}/{}", Part::Invoices.path(), file.invoice_id);
    let name = file.name(visit);
    let body = html! {
        p.path { a href=(Part::Invoices.path()) { (say("Invoices", "Factures")) } }
        div.title { h1 { (name) } (state(visit, &file.state)) }
        @if let Some(error) = error { (why(visit, error)) }
        @if parameters.get("wasHere").is_some() { p.notice.held role="status" { (say("This very file was here already. Nothing has changed.", "Ce fichier était déjà là. Rien n’a changé.")) } }
        (facts(visit, file))
        @if let Some(total) = file.faults.filter(|total| *total > 0) { div.notice.bad { (faults(visit, total, file.listed_faults.as_deref().unwrap_or_default())) } }
        @if let Some(found) = &found { (findings(visit, found, &names, &here, parameters.get("after").is_some())) }
        @if file.state == "Done" && visit.may(Right::Manage) {
            (replacing(visit, file, &here, error.is_some()))
            (withdrawing(visit, &here))
        }
    };
    Ok(framed(visit, &Content { title: name, place: Place::Billing, is_live: false, body }))
}

fn facts(visit: &Visit, file: &File) -> Markup {
    let (say, locale) = (|en, fr| visit.say(en, fr), visit.locale());
    html! {
        section.card {
            dl {
                dt { (say("Series", "Série")) } dd { @match file.series.as_str() { "D" => (say("D, the legacy offer's", "D, de l’ancienne offre")), "G" => (say("G, the plan's", "G, du plan")), other => (other) } }
                dt { (say("Period", "Période")) } dd { (period(file)) }
                dt { (say("Lines", "Lignes")) } dd { (number(file.lines, locale)) @if file.unbilled > 0 { ", " (number(file.unbilled, locale)) (say(" not billed yet", " pas encore facturées")) } }
                dt { (say("Brought", "Apportée")) } dd { (time(file.created_at)) ", " (file.actor) }
                dt { (say("Id", "ID")) } dd { (id(visit, &file.invoice_id)) }
                dt { "SHA-256" } dd { code { (file.document) } }
                @if let Some(withdrawn) = &file.withdrawn {
                    dt { (say("Withdrawn", "Retirée")) } dd { (time(withdrawn.at)) ", " (withdrawn.by) @if !withdrawn.reason.is_empty() { (visit.colon()) (withdrawn.reason) } }
                    @if let Some(other) = &withdrawn.replaced_by { dt { (say("Replaced by", "Remplacée par")) } dd { a href={ (Part::Invoices.path()) "/" (other) } { (other) } } }
                }
            }
        }
    }
}

fn findings(visit: &Visit, found: &Findings, names: &HashMap<CustomerId, String>, here: &str, is_later: bool) -> Markup {
    let (say, locale) = (|en, fr| visit.say(en, fr), visit.locale());
    let rows = &found.page.items;
    let day = |at: Timestamp| at.to_string().chars().take(10).collect::<String>();
    let whole = found.page.next().is_none() && !is_later;
    html! {
        section data-findings=(rows.len()) {
            div.title {
                h2 { (say("What is wrong with it", "Ce qui ne va pas")) }
                @if whole { span.count { (number(rows.len() as u64, locale)) } }
                @if !rows.is_empty() { span.push { a.button href={ (here) "?format=csv" } { "CSV" } } }
            }
            @if rows.is_empty() && whole {
                p.notice.good { (say("Nothing: every line is what was metered, and nothing that belongs here is missing.", "Rien : chaque ligne est ce qui a été mesuré, et rien ne manque de ce qui va ici.")) }
            } @else {
                div.scroll tabindex="0" role="region" aria-label=(say("What is wrong with it", "Ce qui ne va pas")) {
                    table.list {
                        thead { tr {
                            th scope="col" { (say("Fault", "Défaut")) } th scope="col" { (say("On", "Sur")) } th scope="col" { (say("Lines", "Lignes")) } th scope="col" { (say("Customer", "Client")) }
                            th.amount scope="col" { (say("Expected", "Attendu")) } th.amount scope="col" { (say("Found", "Trouvé")) } th scope="col" { (say("Days", "Jours")) } th.wide scope="col" { (say("Meter", "Compteur")) }
                        } }
                        tbody { @for one in rows { tr {
                            td { (fault(visit, &one.fault)) }
                            td { (one.series) }
                            td { @if one.lines.is_empty() { span.quiet { (say("on no line", "sur aucune ligne")) } } @for line in &one.lines { div { @if !line.invoice.is_empty() { (line.invoice) ", " } (say("row ", "ligne ")) (number(line.row, locale)) } } }
                            td {
                                a href={ "/portal/customers/" (one.customer_id) } { @match names.get(&one.customer_id) { Some(name) => (name), None => (one.customer_id) } }
                                @if let Some(azure) = &one.azure_subscription_id { a.under href={ "/portal/customers/" (one.customer_id) "/azure/" (azure) } { (azure) } }
                            }
                            td.amount { (one.expected) } td.amount { (one.found) }
                            td { span.id { (day(one.from)) } @if one.to.seconds_since(one.from) > 86_400.0 { " – " span.id { (day(one.to)) } } }
                            td.wide { code { (one.meter_id) } }
                        } } }
                    }
                }
            }
            @if found.unlisted > 0 { p { (number(found.unlisted, locale)) (say(" more of the same customer are not listed.", " autres du même client ne sont pas listés.")) } }
            nav.pages aria-label=(say("Pages of the list", "Pages de la liste")) {
                @if is_later { a.button href=(here) { (say("First page", "Première page")) } }
                @if let Some(next) = found.page.next() { a.button rel="next" href={ (here) "?after=" (encoded(&next)) } { (say("Next page", "Page suivante")) } }
            }
        }
    }
}

fn fault(visit: &Visit, fault: &str) -> Markup {
    let text = match fault {
        "missing" => visit.say("missing", "manque"),
        "onTheWrongInvoice" => visit.say("on the wrong invoice", "sur la mauvaise facture"),
        "doubled" => visit.say("doubled", "en double"),
        "notMetered" => visit.say("not metered", "non mesuré"),
        "wronglyCharged" => visit.say("wrongly charged", "mal calculé"),
        other => other,
    };
    html! { span.mark.bad { (text) } }
}

/// A corrected file takes the place of this one: what that means, and the file.
fn replacing(visit: &Visit, file: &File, here: &str, is_open: bool) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        details.group open[is_open] {
            summary { (say("Replace it…", "La remplacer…")) }
            form.stack method="post" enctype="multipart/form-data" action={ (here) "/replace" } {
                (visit.form_token())
                p {
                    (say("Replace ", "Remplacer ")) b { (file.name(visit)) } ", " (period(file)) ", " (number(file.lines, visit.locale())) @if file.lines == 1 { (say(" line", " ligne")) } @else { (say(" lines", " lignes")) } (say(", brought ", ", apportée ")) (time(file.created_at)) (say(" by ", " par ")) (file.actor) (say("?", " ?"))
                }
                p { (say("The file that you choose counts in its place from the moment that all of it is taken; this one stays here as it was, and is compared with nothing. A file that has faults changes nothing. It must have all the lines, not only those that were wrong.", "Le fichier choisi compte à sa place dès qu’il est pris en entier ; celui-ci reste ici tel quel, et n’est plus comparé à rien. Un fichier qui a des erreurs ne change rien. Il doit avoir toutes les lignes, pas seulement celles qui étaient fausses.")) }
                label for="file" { (say("The corrected file", "Le fichier corrigé")) }
                input id="file" type="file" name=(FILE) accept=(if file.series == "D" { ".csv,.txt" } else { ".csv,.json,.ndjson,.jsonl,.txt" }) required;
                button.danger type="submit" { (say("Replace it", "La remplacer")) }
            }
        }
    }
}

/// `POST /portal/billing/invoices/{id}/replace`: leads to the one that counts now; or says on the page of the one that was to be replaced why not.
pub(in crate::portal) async fn replace(
    visit: Visit,
    Path(invoice): Path<String>,
    parameters: Parameters,
    upload: Upload,
) -> Result<Response, ApiError> {
    let file: File = visit.get(&format!("/v1/invoices/{}", encoded(&invoice))).await?;
    let (id, partner, series) = (&file.invoice_id, file.partner_id, encoded(&file.series));
    match upload.send(&visit, &format!("/v1/invoices?series={series}&partnerId={partner}&replaces={id}")).await {
        Ok(taken) => {
            let was_here = if taken["wasHere"] == true { "?wasHere=1" } else { "" };
            Ok(see(&format!("{}/{}{was_here}", Part::Invoices.path(), taken["invoiceId"].as_str().unwrap_or_default())))
        }
        Err(error) if is_said_here(&error) => {
            // as it is now: somebody else may have replaced it
            let file: File = visit.get(&format!("/v1/invoices/{id}")).await?;
            Ok(refused(&error, shown(&visit, &file, &parameters, Some(&error)).await?))
        }
        Err(error) => Err(error),
    }
}

fn withdrawing(visit: &Visit, here: &str) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    html! {
        details.group {
            summary { (say("Withdraw it…", "La retirer…")) }
            form.stack method="post" action={ (here) "/withdraw" } {
                (visit.form_token())
                p { (say("A file that was wrong: it stays here as it was, and is compared with nothing from then on.", "Un fichier erroné : il reste ici tel quel, et n’est plus comparé à rien.")) }
                label for="reason" { (say("Why (kept for ever)", "Pourquoi (gardé pour toujours)")) }
                input id="reason" name="reason" maxlength="1000" autocomplete="off";
                button.danger type="submit" { (say("Withdraw", "Retirer")) }
            }
        }
    }
}

/// `POST /portal/billing/invoices/{id}/withdraw`. Once more changes nothing.
pub(in crate::portal) async fn withdraw(visit: Visit, Path(invoice): Path<String>, form: Form) -> Result<Response, ApiError> {
    let invoice = encoded(&invoice);
    let body = json!({ "reason": form.text("reason") });
    visit.api.post(&visit.context, None, &format!("/v1/invoices/{invoice}/withdraw"), &body).await?;
    Ok(see(&format!("{}/{invoice}", Part::Invoices.path())))
}
