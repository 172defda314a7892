//! What of a customer's budget is spent in this month, and the warnings that it has led to, until somebody has seen to them.

use super::{api::encoded, customer::whose, finish::see, form::Form, parts::time, visit::Visit};
use crate::{
    auth::Right,
    http::{ApiError, Parameters},
};
use axum::{extract::Path, response::Response};
use maud::{Markup, html};
use planshift_domain::time::Timestamp;
use serde::Deserialize;
use serde_json::json;

/// What is spent, as the API has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spending {
    month: String,
    amount: Option<String>,
    currency_code: String,
    percent_used: Option<String>,
    is_complete: bool,
    utilization_records: u64,
    is_up_to_date: bool,
}

/// A warning, as the API has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Warning {
    threshold: u32,
    at: Timestamp,
    acknowledged: Option<Acknowledged>,
}

#[derive(Deserialize)]
struct Acknowledged {
    at: Timestamp,
    by: String,
    reason: String,
}

/// A bar is full at so many percent: what is beyond is told in words.
const FULL: u32 = 100;
/// From how many percent on it is said by colour too.
const NEAR: u32 = 80;

/// The card of a customer's page.
pub(super) fn card(visit: &Visit, spending: &Spending, warnings: &[Warning], here: &str, first: &str) -> Markup {
    let say = |en, fr| visit.say(en, fr);
    let open = warnings.iter().any(|warning| warning.acknowledged.is_none());
    // rounded down, as it was told
    let whole = spending.percent_used.as_ref().and_then(|percent| percent.split('.').next()?.parse::<u32>().ok());
    html! {
        section.card {
            h2 { (say("Spent in ", "Dépensé en ")) (spending.month) }
            p.large { @match &spending.amount { Some(amount) => { (amount) " " (spending.currency_code) }, None => (say("Not known", "Inconnu")) } }
            @if let (Some(percent), Some(whole)) = (&spending.percent_used, whole) {
                p { span class={ "mark " (if whole >= FULL { "bad" } else if whole >= NEAR { "held" } else { "good" }) } { (percent) " %" } (say(" of the budget", " du budget")) }
                progress aria-label=(say("Of the budget", "Du budget")) value=(whole.min(FULL)) max=(FULL) {}
            }
            @if spending.amount.is_none() && spending.utilization_records > 0 {
                p.fine { (say("Utilisation records have no prices: how much that is, is not known before rated usage comes.", "Les relevés d’utilisation n’ont pas de prix : le montant n’est connu qu’avec la consommation valorisée.")) }
            } @else if spending.amount.is_some() && !spending.is_complete {
                p.fine { (say("A part: some records state no amount in this currency.", "Une partie : certains enregistrements n’ont pas de montant dans cette devise.")) }
            }
            @if !spending.is_up_to_date { p.fine { (say("Usage that came just now is being added.", "La consommation qui vient d’arriver est en cours d’ajout.")) } }
            @if !warnings.is_empty() { ul.plain-list { @for warning in warnings { li {
                span class={ "mark " (if warning.acknowledged.is_some() { "idle" } else { "bad" }) } { (warning.threshold) " %" } " " (say("reached ", "atteint le ")) (time(warning.at))
                @if let Some(seen) = &warning.acknowledged { span.under { (say("seen by ", "vu par ")) (seen.by) ", " (time(seen.at)) @if !seen.reason.is_empty() { (visit.colon()) (seen.reason) } } }
            } } } }
            @if open && visit.may(Right::Manage) {
                form method="post" action={ (here) "/warnings" (first) } {
                    (visit.form_token()) (visit.key())
                    input type="hidden" name="month" value=(spending.month);
                    // what comes while somebody looks at this page stays open
                    @if let Some(newest) = warnings.iter().map(|warning| warning.at).max() { input type="hidden" name="until" value=(newest); }
                    label.visually-hidden for="seen" { (say("What was done (kept for ever)", "Ce qui a été fait (gardé pour toujours)")) }
                    div.filters {
                        input id="seen" name="reason" maxlength="1000" autocomplete="off" placeholder=(say("What was done", "Ce qui a été fait"));
                        button type="submit" { (say("Seen to it", "C’est vu")) }
                    }
                }
            }
        }
    }
}

/// `POST /portal/customers/{customer}/warnings`: somebody has seen to those of a month.
pub(super) async fn acknowledge(
    visit: Visit,
    Path(customer): Path<String>,
    parameters: Parameters,
    form: Form,
) -> Result<Response, ApiError> {
    let (customer, more) = (encoded(&customer), whose(&parameters, '&'));
    let month = form.text("month").map(|month| format!("month={}", encoded(month))).unwrap_or_default();
    let until = form.text("until").map(|until| format!("&until={}", encoded(until))).unwrap_or_default();
    let uri = format!("/v1/customers/{customer}/budget/acknowledge?{month}{until}{more}");
    visit.api.post(&visit.context, Some(form.key()?), &uri, &json!({ "reason": form.text("reason") })).await?;
    Ok(see(&format!("/portal/customers/{customer}{}", whose(&parameters, '?'))))
}
