//! `/webhooks/v1/registration/validationEvents`: a test event, and how it went.

use super::{not_registered, whose};
use crate::{
    app::App,
    hooks::{DeliveryState, EventName, Tested},
    http::{answer::Answer, context::Context, errors::ApiError, fields::Parameters},
    words::words,
};
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};
use planshift_domain::ids::parse_guid;
use serde_json::{Value, json};

type Asked = (State<App>, Extension<Context>);

/// `POST /webhooks/v1/registration/validationEvents`: has `test-created` sent, also where the registration does not name it. The
/// request's id is the event's: the same request again is the same event. Two a minute.
pub(in crate::http) async fn test((State(app), Extension(context)): Asked, parameters: Parameters) -> Result<Answer, ApiError> {
    let partner = whose(&context, &parameters)?;
    match app.webhooks.test(partner, context.request_id).await?.ok_or_else(not_registered)? {
        Tested::Now(id) => Answer::json(&json!({ "correlationId": id })),
        Tested::After(seconds) => Err(ApiError::too_fast(seconds)),
    }
}

/// `GET /webhooks/v1/registration/validationEvents/{correlationId}`: each attempt of it. Kept for seven days.
pub(in crate::http) async fn outcome(
    (State(app), Extension(context)): Asked,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let unknown = || {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "404",
            "WebhookDeliveryNotFound",
            words!("There is no validation event {id}.", "L’événement de validation {id} n’existe pas."),
        )
    };
    let known = parse_guid(&id).ok_or_else(unknown)?;
    let delivery = app.webhooks.delivery(known).await?.ok_or_else(unknown)?;
    if !context.caller.sees(delivery.partner) || delivery.event != EventName::TestCreated.name() {
        return Err(unknown());
    }
    // an operator may name the partner; where it is another one, there is none
    if context.caller.sees_all() && parameters.get("partnerId").is_some() && whose(&context, &parameters)? != delivery.partner {
        return Err(unknown());
    }
    let url = app.webhooks.registration(delivery.partner).await?.map(|registration| registration.url);
    let results: Vec<Value> = delivery
        .tries
        .iter()
        .map(|attempt| {
            json!({
                "responseCode": attempt.status.map(|status| status.to_string()),
                "responseMessage": attempt.error.as_deref().unwrap_or_default(),
                "systemError": attempt.status.is_none(),
                "dateTimeUtc": attempt.at,
            })
        })
        .collect();
    let status = match delivery.state {
        DeliveryState::Pending => "pending",
        DeliveryState::Delivered => "completed",
        DeliveryState::Dead => "failed",
    };
    Answer::json(&json!({
        "correlationId": delivery.id,
        "partnerId": delivery.partner,
        "status": status,
        "callbackUrl": url,
        "results": results,
    }))
}
