//! `GET /v1/productUpgrades/{id}/why` and `/stuck`: asked of the coordinator, which alone knows what a transition waits for.

use super::find;
use crate::{
    app::App,
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{A_GUID, Parameters},
        findings,
    },
    words::Words,
};
use axum::{
    Extension,
    extract::{Path, State},
};
use planshift_domain::{
    ids::PartnerId,
    message::operator::{ExplainTransition, Explanation, ListStuck, STUCK_AT_MOST},
    time::seconds_of,
};
use serde_json::json;

/// How long a transition has not moved that is listed as stuck, in seconds, where nothing else is said.
const STUCK_AFTER: i64 = 15 * 60;
/// What a length of time must be.
const A_LENGTH: &Words = &Words::both("a length of time like 90s, 15m or 2h", "une durée comme 90s, 15m ou 2h");
/// How many are listed where nothing else is said.
const STUCK_LISTED: u32 = 50;

/// `GET …/{id}/why`: the rule that it is at, what that waits for, and what happened last.
pub(in crate::http) async fn why(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let known = find(&app, &context, &id).await?;
    let question = ExplainTransition { request_id: context.request_id, transition_id: known.row.id };
    let explanation = app.ask(&question, &context.trace).await?.explanation.ok_or_else(|| ApiError::unknown_upgrade(&id))?;
    // its history stays as it was written: hashes are over it
    Answer::json(&Explanation {
        rule: findings::told(explanation.rule, context.locale),
        waits_for: findings::told(explanation.waits_for, context.locale),
        failure: findings::failure(explanation.failure, context.locale),
        ..explanation
    })
}

/// `GET …/stuck?longerThan=15m&size=50`: those that have not moved for that long, the longest first.
pub(in crate::http) async fn stuck(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let longer = parameters.parse("longerThan", A_LENGTH, |text| seconds_of(text).filter(|s| *s >= 0))?;
    let partner_id: Option<PartnerId> = parameters.parse("partnerId", A_GUID, |text| text.parse().ok())?;
    if partner_id.is_some_and(|partner| !context.caller.sees(partner)) {
        return Answer::json(&json!({ "totalCount": 0, "items": [] }));
    }
    let question = ListStuck {
        request_id: context.request_id,
        partner_id: partner_id.or(context.caller.partner),
        unchanged_since: app.ports.clock.now().plus_seconds(-longer.unwrap_or(STUCK_AFTER)),
        limit: parameters.number("size", 1, STUCK_AT_MOST)?.unwrap_or(STUCK_LISTED),
    };
    let mut listed = app.ask(&question, &context.trace).await?;
    for one in &mut listed.transitions {
        one.waits_for = findings::told(std::mem::take(&mut one.waits_for), context.locale);
    }
    Answer::json(&json!({ "totalCount": listed.total, "items": listed.transitions }))
}
