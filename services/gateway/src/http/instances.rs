//! `/v1/instances`: the processes that live, each with its service and version, and those that have ended not long ago.

use super::{actor::for_operators, answer::Answer, context::Context, errors::ApiError};
use crate::{app::App, words::Words};
use axum::{Extension, extract::State};
use planshift_domain::{message::operator::ReadSteps, step::Step};
use std::{collections::HashMap, time::Duration};

const WHAT: &Words = &Words::both("Processes", "Les processus");
/// How long the coordinator may take to say which steps are paused: who lives is to be seen all the more where it does not answer.
const STEPS_TIME: Duration = Duration::from_secs(2);

/// `GET /v1/instances`.
pub(super) async fn read(State(app): State<App>, Extension(context): Extension<Context>) -> Result<Answer, ApiError> {
    for_operators(&context, WHAT)?;
    let question = ReadSteps { request_id: context.request_id };
    let paused: Option<HashMap<Step, bool>> = match app.asker.ask(&question, &context.trace, STEPS_TIME.min(app.settings.answer)).await {
        Ok(read) => Some(read.steps.into_iter().map(|step| (step.step, step.paused)).collect()),
        Err(error) => {
            tracing::debug!(%error, "which steps are paused is not told");
            None
        }
    };
    let mut roll = app.asker.instances().roll(app.ports.clock.now());
    for one in &mut roll.items {
        // a worker has the name of its step
        one.step_paused = one.service.parse().ok().and_then(|step: Step| paused.as_ref()?.get(&step).copied());
    }
    Answer::json(&roll)
}
