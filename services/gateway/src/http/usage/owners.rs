//! `GET /v1/customers/{customer}/azureSubscriptions/{subscription}/ownership`: who owns a subscription's usage from when. Mapping is asked,
//! so that it is as things are now.

use super::{super::answer::Answer, with_owner};
use crate::{
    app::App,
    http::{context::Context, customers::Whose, errors::ApiError},
    words::words,
};
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};
use planshift_billing::owned::intervals;
use planshift_domain::{
    ids::AzureSubscriptionId,
    message::ownership::{OwnershipPoint, ReadOwnership},
};
use serde_json::{Value, json};

/// The change points as they were appended, and the intervals that they come to.
pub(in crate::http) async fn ownership(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    whose: Whose,
    Path((_, subscription)): Path<(String, String)>,
) -> Result<Answer, ApiError> {
    let none = || {
        let text = words!("The customer has no Azure subscription {subscription}.", "Le client n’a pas d’abonnement Azure {subscription}.");
        ApiError::new(StatusCode::NOT_FOUND, "404", "AzureSubscriptionNotFound", text)
    };
    let azure: AzureSubscriptionId = subscription.parse().map_err(|_| none())?;
    let question = ReadOwnership { request_id: app.ports.random.id(), partner_id: whose.partner(), azure_subscription_ids: vec![azure] };
    let answer = app.ask(&question, &context.trace).await?;
    let found = answer.subscriptions.into_iter().find(|one| one.azure_subscription_id == azure && one.customer_id == whose.customer());
    let found = found.ok_or_else(none)?;
    let points: Vec<_> = found.points.iter().map(OwnershipPoint::point).collect();
    let intervals = intervals(&points);
    let ends = intervals.iter().skip(1).map(|next| next.from).chain([None]);
    let shown = intervals.iter().zip(ends).map(|(one, end)| with_owner(json!({ "from": one.from, "to": end }), one.owner));
    let appended = found.points.iter().map(|point| {
        let value = json!({ "from": point.from, "revision": point.revision, "transitionId": point.transition_id });
        with_owner(value, point.point().owner)
    });
    Answer::json(&json!({
        "azureSubscriptionId": azure,
        "customerId": found.customer_id,
        "intervals": shown.collect::<Vec<Value>>(),
        "points": appended.collect::<Vec<Value>>(),
    }))
}
