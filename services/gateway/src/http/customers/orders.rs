//! Orders: those that were made through this API, and the pending ones that the newest import tells of. Source: the domain's section 6.5.

use super::{Whose, carts::offer};
use crate::{
    app::App,
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::Parameters,
        pages::{Asked, LARGEST_PAGE, Page, again, link, place_of, token_of, whole},
    },
    model::Order,
    words::words,
};
use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use planshift_domain::account::facts::OrderFacts;
use serde_json::{Value, json};
use uuid::Uuid;

/// `GET /v1/customers/{id}/orders`: the pending ones that an import tells of stand on the first page.
pub(in crate::http) async fn list(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let asked = Asked::read(&headers, &parameters, LARGEST_PAGE)?;
    let after = asked.after(place_of)?;
    let customer = whose.head(&app, &context).await?.customer;
    let (mut orders, total) = app.model.orders(whose.partner, whose.customer, after, asked.size + 1).await?;
    let next = asked.cut(&mut orders, |last| token_of(last.created_at, last.id));
    let mut items: Vec<Value> = Vec::new();
    if after.is_none() {
        items.extend(customer.orders.iter().map(|facts| told(whose, facts)));
    }
    items.extend(orders.iter().map(|order| resource(whose, order, &customer.currency_code)));
    let total = total + customer.orders.len() as u64;
    let page = Page { items, total: Some(total), next, ..Page::default() };
    asked.answer(&format!("/customers/{}/orders", whose.customer), &again(&parameters, &["partnerId"]), page)
}

/// `GET /v1/customers/{id}/orders/{id}`.
pub(in crate::http) async fn order(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
    Path((_, id)): Path<(String, String)>,
) -> Result<Answer, ApiError> {
    let facts = whose.head(&app, &context).await?.customer;
    if let Some(pending) = facts.orders.iter().find(|order| order.id.eq_ignore_ascii_case(&id)) {
        return Answer::json(&told(whose, pending));
    }
    Answer::json(&resource(whose, &find(&app, whose, &id).await?, &facts.currency_code))
}

/// `GET /v1/customers/{id}/orders/{id}/provisioningstatus`: what is ordered here is there with its order.
pub(in crate::http) async fn provisioning(
    State(app): State<App>,
    whose: Whose,
    Path((_, id)): Path<(String, String)>,
) -> Result<Answer, ApiError> {
    let order = find(&app, whose, &id).await?;
    let items = order.lines.iter().map(|line| {
        json!({
            "lineItemNumber": line.number,
            "status": "Fulfilled",
            "quantityProvisioningInformation": [{ "quantity": 1, "status": "Fulfilled" }],
        })
    });
    whole(&format!("/customers/{}/orders/{}/provisioningstatus", whose.customer, order.id), items.collect())
}

async fn find(app: &App, whose: Whose, id: &str) -> Result<Order, ApiError> {
    let none = || {
        let text = words!("The customer has no order {id}.", "Le client n’a pas de commande {id}.");
        ApiError::new(StatusCode::NOT_FOUND, "20000", "OrderNotFound", text)
    };
    let wanted = Uuid::try_parse(id).map_err(|_| none())?;
    app.model.order(whose.partner, whose.customer, wanted).await?.ok_or_else(none)
}

/// An order that an import tells of.
fn told(whose: Whose, facts: &OrderFacts) -> Value {
    json!({
        "id": facts.id,
        "referenceCustomerId": whose.customer,
        "status": facts.status,
        "lineItems": [],
        "attributes": { "objectType": "Order" },
    })
}

/// An order that was made here.
pub(super) fn resource(whose: Whose, order: &Order, currency_code: &str) -> Value {
    let lines = order.lines.iter().map(|line| {
        let offer = offer(line.bought);
        json!({
            "lineItemNumber": line.number,
            "offerId": offer.offer_id,
            "subscriptionId": line.subscription_id,
            "friendlyName": offer.title,
            "quantity": 1,
            "partnerIdOnRecord": line.reseller,
            "links": {
                "subscription": link(format!("/customers/{}/subscriptions/{}", whose.customer, line.subscription_id)),
                "provisioningStatus": link(format!("/customers/{}/orders/{}/provisioningstatus", whose.customer, order.id)),
            },
        })
    });
    json!({
        "id": order.id,
        "referenceCustomerId": whose.customer,
        "billingCycle": order.lines.first().map(|line| offer(line.bought).billing_cycle),
        "currencyCode": currency_code,
        "creationDate": order.created_at,
        "status": "completed",
        "lineItems": lines.collect::<Vec<_>>(),
        "links": { "self": link(format!("/customers/{}/orders/{}", whose.customer, order.id)) },
        "attributes": { "objectType": "Order" },
    })
}
