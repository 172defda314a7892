//! `GET /v1/steps`, `POST /v1/steps/{step}/pause` and `/resume`: steps paused for everyone, for the hours when something that they need
//! is down.

use super::{
    actor::{actor, for_operators, reason, reason_required},
    answer::Answer,
    context::Context,
    errors::ApiError,
    fields::Fields,
};
use crate::{
    app::App,
    words::{Words, words},
};
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};
use planshift_domain::{
    message::operator::{ActOnStep, ReadSteps, StepActKind, StepsRead},
    step::Step,
};
use serde_json::json;

const WHAT: &Words = &Words::both("Steps", "Les étapes");

/// How each step is.
pub(super) async fn read(State(app): State<App>, Extension(context): Extension<Context>) -> Result<Answer, ApiError> {
    for_operators(&context, WHAT)?;
    let read = app.ask(&ReadSteps { request_id: context.request_id }, &context.trace).await?;
    answer(&read)
}

/// Nothing of the step is sent any more.
pub(super) async fn pause(app: State<App>, context: Extension<Context>, step: Path<String>, fields: Fields) -> Result<Answer, ApiError> {
    act(app, context, step, &fields, StepActKind::Pause).await
}

/// It goes on.
pub(super) async fn resume(app: State<App>, context: Extension<Context>, step: Path<String>, fields: Fields) -> Result<Answer, ApiError> {
    act(app, context, step, &fields, StepActKind::Resume).await
}

async fn act(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(step): Path<String>,
    fields: &Fields,
    act: StepActKind,
) -> Result<Answer, ApiError> {
    for_operators(&context, WHAT)?;
    let step: Step = step.parse().map_err(|unknown: planshift_domain::step::UnknownStep| {
        let text = words!("{unknown}", "L’étape n’existe pas : {unknown}");
        ApiError::new(StatusCode::NOT_FOUND, "404", "UnknownStep", text)
    })?;
    let reason = match act {
        StepActKind::Pause => reason_required(fields, &words!("why is the step paused?", "pourquoi l’étape est-elle suspendue ?"))?,
        StepActKind::Resume => reason(fields)?,
    };
    let actor = actor(fields, &context)?;
    let read = app.ask(&ActOnStep { request_id: context.request_id, step, act, actor, reason }, &context.trace).await?;
    answer(&read)
}

fn answer(read: &StepsRead) -> Result<Answer, ApiError> {
    Answer::json(&json!({ "items": read.steps, "waiting": read.waiting, "underWayLimit": read.under_way_limit }))
}
