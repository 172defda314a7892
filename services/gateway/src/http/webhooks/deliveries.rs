//! `/webhooks/v1/deliveries`: what was told, what was not, and what is given up; begun anew one by one.

use super::not_registered;
use crate::{
    app::App,
    hooks::{Delivery, DeliveryFilter, DeliveryState, EventName},
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{A_GUID, Parameters},
        pages::{Asked as Page, Page as Items, again, link, place_of, token_of},
    },
    words::{Words, words},
};
use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use planshift_domain::ids::{PartnerId, parse_guid};
use serde_json::{Value, json};

/// How many it has unless asked otherwise.
const PAGE: u32 = 100;
const A_DELIVERY_STATE: &Words = &Words::both("pending, delivered or dead", "pending, delivered ou dead");
const AN_EVENT: &Words =
    &Words::both("the name of an event, as product-upgrade-failed", "le nom d’un événement, comme product-upgrade-failed");

type Asked = (State<App>, Extension<Context>);

/// `GET /webhooks/v1/deliveries?state=&event=&size=`, newest first, by key.
pub(in crate::http) async fn list(
    (State(app), Extension(context)): Asked,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let partner: Option<PartnerId> = parameters.parse("partnerId", A_GUID, |text| text.parse().ok())?;
    let filter = DeliveryFilter {
        // a caller that is a partner sees its own, whatever it asks for
        partner: context.caller.partner.or(partner),
        state: parameters.parse("state", A_DELIVERY_STATE, DeliveryState::from_name)?,
        event: parameters.parse("event", AN_EVENT, EventName::from_name)?,
    };
    let asked = Page::read(&headers, &parameters, PAGE)?;
    let (found, more) = app.webhooks.deliveries(&filter, asked.after(place_of)?, asked.size).await?;
    let next = found.last().filter(|_| more).map(|last| token_of(last.created_at, last.id));
    let items = found.iter().map(summary).collect();
    // how many there are in all is not counted: there may be very many
    let query = again(&parameters, &["partnerId", "state", "event"]);
    asked.answer("/webhooks/v1/deliveries", &query, Items { items, next, ..Items::default() })
}

/// `GET /webhooks/v1/deliveries/{id}`: one, with its body and its attempts.
pub(in crate::http) async fn one((State(app), Extension(context)): Asked, Path(id): Path<String>) -> Result<Answer, ApiError> {
    shown(&find(&app, &context, &id).await?)
}

/// `POST /webhooks/v1/deliveries/{id}/redeliver`: sent anew, whatever became of it, with ten attempts. 202.
pub(in crate::http) async fn redeliver((State(app), Extension(context)): Asked, Path(id): Path<String>) -> Result<Answer, ApiError> {
    let known = find(&app, &context, &id).await?;
    if app.webhooks.registration(known.partner).await?.is_none() {
        return Err(not_registered());
    }
    app.webhooks.redeliver(known.id, known.partner).await?;
    Ok(shown(&find(&app, &context, &id).await?)?.status(StatusCode::ACCEPTED))
}

async fn find(app: &App, context: &Context, id: &str) -> Result<Delivery, ApiError> {
    let unknown = || {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "404",
            "WebhookDeliveryNotFound",
            words!("There is no delivery {id}.", "La remise {id} n’existe pas."),
        )
    };
    let known = parse_guid(id).ok_or_else(unknown)?;
    let delivery = app.webhooks.delivery(known).await?;
    delivery.filter(|delivery| context.caller.sees(delivery.partner)).ok_or_else(unknown)
}

fn summary(delivery: &Delivery) -> Value {
    let last = delivery.tries.last();
    json!({
        "id": delivery.id,
        "partnerId": delivery.partner,
        "event": delivery.event,
        "transitionId": delivery.transition,
        "happenedAt": delivery.happened_at,
        "createdAt": delivery.created_at,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "lastAttemptAt": last.map(|attempt| attempt.at),
        "lastStatus": last.and_then(|attempt| attempt.status),
        "lastError": last.and_then(|attempt| attempt.error.as_deref()),
        "nextAttemptAt": delivery.next_at,
        "endedAt": delivery.ended_at,
        "links": { "self": link(format!("/webhooks/v1/deliveries/{}", delivery.id)) },
        "attributes": { "objectType": "WebhookDelivery" },
    })
}

fn shown(delivery: &Delivery) -> Result<Answer, ApiError> {
    let mut whole = summary(delivery);
    whole["tries"] = json!(delivery.tries);
    // as it is sent, so that its signature can be checked by hand
    whole["body"] = json!(delivery.body);
    Answer::json(&whole)
}
