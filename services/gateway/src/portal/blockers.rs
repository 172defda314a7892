//! What stands in the way of each customer: asked of eligibility after the page is there, for it takes some milliseconds each. How many
//! things it is, is kept: lists are sorted by it.

use super::{
    finish::{Page, see},
    form::Form,
    selection::Selection,
    visit::Visit,
};
use crate::{
    http::{ApiError, Parameters},
    model::{Blocked, LookedAt},
    words::words,
};
use axum::response::Response;
use futures::StreamExt as _;
use maud::{Markup, html};
use planshift_domain::ids::{CustomerId, PartnerId};
use serde_json::{Value, json};

/// How many customers are asked about in one go: those of a page.
const MOST: usize = 50;
/// How many of those that nobody has looked at yet: as many as are answered for in a second or so.
const MOST_NEW: u32 = 200;
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
    // whose a customer is, where the page does not say so
    let own = if visit.context.caller.sees_all() { visit.app.model.only_partner().await? } else { visit.context.caller.partner };
    let keys: Vec<_> = ids.iter().filter_map(|(customer, partner)| Some((partner.or(own)?, *customer))).collect();
    let before = visit.app.model.before_looking(&keys).await?;
    let asked = futures::stream::iter(
        ids.into_iter().map(|(customer, partner)| async move { (customer, partner, one(visit, customer, partner).await) }),
    );
    let told: Vec<(CustomerId, Option<PartnerId>, Result<Value, ApiError>)> = asked.buffered(AT_ONCE).collect().await;
    let found = told.iter().filter_map(|(customer, partner, answer)| {
        let partner = partner.or(own)?;
        let before = before.iter().find(|before| (before.partner, before.customer) == (partner, *customer))?;
        Some((*before, count(answer.as_ref().ok()?)))
    });
    visit.app.model.keep_blockers(&found.collect::<Vec<Blocked>>()).await?;
    Ok(Page::new(html! { @for (customer, _, answer) in &told { div data-for=(customer) { (said(visit, answer)) } } }))
}

/// `POST /portal/customers/look`: asks about some of those that nobody has looked at yet, and shows the list again. A script sends it until
/// none is left.
pub(super) async fn look(visit: Visit, form: Form) -> Result<Response, ApiError> {
    let selection = Selection::read(|name| form.text(name).map(str::to_owned))?;
    let only = if visit.context.caller.sees_all() { visit.app.model.only_partner().await? } else { None };
    let filter = selection.filter(&visit, only);
    let visit = &visit;
    let unknown = visit.app.model.not_looked_at(&filter, MOST_NEW).await?;
    let asked = unknown.into_iter().map(|before: LookedAt| async move {
        let answer = one(visit, before.customer, Some(before.partner)).await;
        // what cannot be told now stays unknown
        answer.ok().map(|answer| (before, count(&answer)))
    });
    let found: Vec<Option<Blocked>> = futures::stream::iter(asked).buffered(AT_ONCE).collect().await;
    visit.app.model.keep_blockers(&found.into_iter().flatten().collect::<Vec<_>>()).await?;
    Ok(see(&selection.address()))
}

async fn one(visit: &Visit, customer: CustomerId, partner: Option<PartnerId>) -> Result<Value, ApiError> {
    let question = json!({ "customerId": customer, "partnerId": partner, "productFamily": "Azure" });
    // a question of its own, whatever id the page was asked for with
    let anew = Some(visit.app.ports.random.id());
    Ok(visit.api.post(&visit.context, anew, "/v1/productupgrades/eligibility", &question).await?.body)
}

/// What stands in the way. That it moves already is its state, which stands beside it.
fn reasons(answer: &Value) -> Vec<&Value> {
    let reasons = answer["reasons"].as_array().into_iter().flatten();
    reasons.filter(|reason| reason["code"] != "UpgradeInProgress").collect()
}

/// How many there are in all: of many the answer has the first.
fn count(answer: &Value) -> u32 {
    let beside = answer["reasons"].as_array().map_or(0, Vec::len) - reasons(answer).len();
    let total = answer["reasonsTotal"].as_u64().unwrap_or_default().saturating_sub(beside as u64);
    u32::try_from(total).unwrap_or(u32::MAX)
}

fn said(visit: &Visit, answer: &Result<Value, ApiError>) -> Markup {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            return html! { span.quiet title=(error.text(visit.locale())) { (visit.say("cannot be told now", "ne peut être dit maintenant")) } };
        }
    };
    let real = reasons(answer);
    let text = |reason: &Value, name: &str| reason[name].as_str().unwrap_or_default().to_owned();
    match real.first() {
        None if answer["isEligible"] == true => html! { span.free { (visit.say("Nothing", "Rien")) } },
        None => html! { span.quiet { "–" } },
        Some(first) => html! {
            span.fault title=(text(first, "code")) { (text(first, "description")) }
            @if count(answer) > 1 { span.quiet { " +" (count(answer) - 1) } }
        },
    }
}
