//! `POST /v1/productUpgrades/{id}/status` and its alias: Partner Center's ProductUpgradesStatus.
//!
//! Source: the domain's sections 3.1, 3.2 and 6.1.

use super::{AZURE, UpgradeRequest, find_parts};
use crate::{
    app::App,
    http::{answer::Answer, context::Context, errors::ApiError, fields::Fields, findings, reasons},
    model::Status,
    view::assemble,
    words::{Locale, Words, words},
};
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};
use planshift_domain::{
    time::Timestamp,
    transition::{Failure, State as TransitionState},
    view::{LineState, LineView, TransitionView},
};
use serde_json::{Value, json};

pub(in crate::http) async fn status(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Answer, ApiError> {
    let UpgradeRequest { customer_id, .. } = UpgradeRequest::read(&fields)?;
    let parts = find_parts(&app, &context, &id).await?;
    let row = &parts.known.row;
    if row.customer_id != customer_id {
        let text = words!(
            "The upgrade {} is not of the customer {customer_id}.",
            "La mise à niveau {} n’est pas du client {customer_id}.",
            row.id
        );
        return Err(ApiError::new(StatusCode::BAD_REQUEST, "900111", "UpgradeCustomerMismatch", text));
    }
    Answer::json(&compatible(&assemble(parts, app.ports.clock.now()), context.locale))
}

/// A transition in Microsoft's terms.
fn compatible(view: &TransitionView, locale: Locale) -> Value {
    let upgraded = view.ended_at.filter(|_| view.state == TransitionState::Completed);
    let mut status = json!({
        "id": view.transition_id,
        "productFamily": AZURE,
        "status": Status::of(view.state).name(),
        "lineItems": view.lines.iter().map(|line| line_item(line, upgraded, locale)).collect::<Vec<_>>(),
        "attributes": { "objectType": "ProductUpgradesStatus" },
    });
    if let Some(error) = error_of(view, locale) {
        status["errorDetails"] = error;
    }
    status
}

fn line_item(line: &LineView, upgraded: Option<Timestamp>, locale: Locale) -> Value {
    let status = match line.state {
        LineState::NotStarted => "NotStarted",
        LineState::InProgress => "InProgress",
        LineState::Completed => "Completed",
        LineState::Failed | LineState::Compensated => "Failed",
    };
    let mut item = json!({
        "sourceProduct": { "id": line.azure_subscription_id, "name": "AzureSubscription" },
        "sourceCommerceSubscriptionId": line.commerce_subscription_id,
        "status": status,
    });
    if let Some(plan) = line.plan_id {
        item["targetProduct"] = json!({ "id": plan, "name": "Microsoft Azure plan" });
    }
    if let Some(at) = upgraded.filter(|_| line.state == LineState::Completed) {
        item["upgradedDate"] = json!(seven_digits(at));
    }
    match &line.error {
        Some(error) => item["errorDetails"] = details(&error.code, &findings::told(error.description.clone(), locale)),
        None if line.state == LineState::Compensated => {
            let text = words!(
                "It was mapped to the plan, and is where it was before: the upgrade failed.",
                "Il avait été rattaché au plan, et il est de nouveau où il était : la mise à niveau a échoué."
            );
            item["errorDetails"] = details("Compensated", text.text(locale));
        }
        None => {}
    }
    item
}

fn error_of(view: &TransitionView, locale: Locale) -> Option<Value> {
    match (&view.failure, view.reasons.first()) {
        (Some(Failure { code, description, .. }), _) => Some(details(code, &findings::told(description.clone(), locale))),
        (None, Some(reason)) if view.state == TransitionState::Ineligible => {
            let text = Words::translated(&reason.description, findings::french(reason));
            Some(details(reasons::refusal_of(&reason.code).code, text.text(locale)))
        }
        _ => None,
    }
}

/// The documents call the text `message`, the SDKs `description`.
fn details(code: &str, text: &str) -> Value {
    json!({ "code": code, "message": text, "description": text })
}

/// RFC 3339 with the seven fractional digits of .NET: `2019-08-29T23:47:28.8524550Z`.
fn seven_digits(at: Timestamp) -> String {
    let text = at.to_string();
    let text = text.trim_end_matches('Z');
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{seconds}.{fraction:0<7}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_seven_fractional_digits() {
        for (given, printed) in [
            ("2019-08-29T23:47:28Z", "2019-08-29T23:47:28.0000000Z"),
            ("2019-08-29T23:47:28.8524Z", "2019-08-29T23:47:28.8524000Z"),
            ("2019-08-29T23:47:28.852455512Z", "2019-08-29T23:47:28.8524550Z"),
        ] {
            assert_eq!(seven_digits(given.parse().unwrap()), printed);
        }
    }
}
