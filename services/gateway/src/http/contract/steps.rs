//! Steps that are paused for everyone.

use super::{
    api::Api,
    operation::Operation,
    shapes::{count, list, object},
    upgrades::{who_and_certainly_why, who_and_why},
};
use planshift_domain::message::operator::StepState;

pub(super) fn describe(api: &Api) {
    let steps = object().has("items", list(api.of::<StepState>())).has("waiting", count()).has("underWayLimit", count());
    let steps = api.named("Steps", steps);
    const ALL: &str = "Every step.";
    api.add(Operation::get("/v1/steps", "getSteps", "How each step is, and how many transitions wait.").json(200, ALL, steps.clone()));
    api.add(
        Operation::post("/v1/steps/{step}/pause", "pauseStep", "Nothing of the step is sent any more.")
            .says("Why, must be said.")
            .body(who_and_certainly_why())
            .json(200, ALL, steps.clone()),
    );
    api.add(
        Operation::post("/v1/steps/{step}/resume", "resumeStep", "The step goes on.").may_have_body(who_and_why()).json(200, ALL, steps),
    );
}
