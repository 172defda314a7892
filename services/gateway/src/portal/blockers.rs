//! What stands in the way of each customer of a page: asked of eligibility after the page is there, for it takes some milliseconds each.

use super::{finish::Page, visit::Visit};
use crate::{
    http::{ApiError, Parameters},
    words::words,
};
use futures::StreamExt as _;
use maud::{Markup, html};
use planshift_domain::ids::{CustomerId, PartnerId};
use serde_json::{Value, json};

/// How many customers are asked about in one go: those of a page.
const MOST: usize = 50;
/// How many questions are under way at once: so many that it is quick, and so few that nobody else waits.
const AT_ONCE: usize = 8;

/// `GET /portal/blockers?customers=ID,ID…`: pieces of the page, one for each customer.
pub(super) async fn read(visit: Visit, parameters: Parameters) -> Result<Page, ApiError> {
    let wrong = || {
        let text = words!("The parameter customers must be at most {MOST} ids.", "Le paramètre customers doit être au plus {MOST} ID.");
        ApiError::bad_input("InvalidParameter", text)
    };
    let ids = parameters.get("customers").unwrap_or_default().split(',').filter(|id| !id.is_empty());
    let ids = ids.map(|one| {
        let (customer, partner) = one.split_once(':').map_or((one, None), |(customer, partner)| (customer, Some(partner)));
        let partner: Option<PartnerId> = partner.map(|partner| partner.parse().map_err(|_| wrong())).transpose()?;
        Ok((customer.parse::<CustomerId>().map_err(|_| wrong())?, partner))
    });
    let ids: Vec<_> = ids.collect::<Result<_, ApiError>>()?;
    if ids.len() > MOST {
        return Err(wrong());
    }
    let visit = &visit;
    let asked =
        futures::stream::iter(ids.into_iter().map(|(customer, partner)| async move { (customer, one(visit, customer, partner).await) }));
    let told: Vec<(CustomerId, Markup)> = asked.buffered(AT_ONCE).collect().await;
    Ok(Page::new(html! { @for (customer, text) in told { div data-for=(customer) { (text) } } }))
}

async fn one(visit: &Visit, customer: CustomerId, partner: Option<PartnerId>) -> Markup {
    let question = json!({ "customerId": customer, "partnerId": partner, "productFamily": "Azure" });
    // a question of its own, whatever id the page was asked for with
    let anew = Some(visit.app.ports.random.id());
    match visit.api.post(&visit.context, anew, "/v1/productupgrades/eligibility", &question).await {
        Ok(answered) => said(visit, &answered.body),
        Err(error) => {
            html! { span.quiet title=(error.text(visit.locale())) { (visit.say("cannot be told now", "ne peut être dit maintenant")) } }
        }
    }
}

fn said(visit: &Visit, answer: &Value) -> Markup {
    let reasons: Vec<&Value> = answer["reasons"].as_array().into_iter().flatten().collect();
    // that it moves already is its state, which stands beside it
    let real: Vec<&Value> = reasons.iter().copied().filter(|reason| reason["code"] != "UpgradeInProgress").collect();
    let text = |reason: &Value, name: &str| reason[name].as_str().unwrap_or_default().to_owned();
    match real.first() {
        None if answer["isEligible"] == true => html! { span.free { (visit.say("Nothing", "Rien")) } },
        None => html! { span.quiet { "–" } },
        Some(first) => html! {
            span.fault title=(text(first, "code")) { (text(first, "description")) }
            @if real.len() > 1 { span.quiet { " +" (real.len() - 1) } }
        },
    }
}
