//! The way back: everything ever commanded is undone, answered or not, in reverse: mappings, plans, the check.
//!
//! A step is undone as a whole before the one before it, since a plan with something attached cannot be suspended. Within a
//! step one undo that fails does not stop the others.

use super::{Decision, IllegalMove, Saga, forward::count};
use planshift_domain::{
    step::{Action, Step},
    time::Timestamp,
    transition::{Failure, State},
};

/// In reverse. Suspension comes after the pivot and is never undone.
const ORDER: [Step; 3] = [Step::Mapping, Step::Purchasing, Step::Eligibility];

/// Turns back because of `failure`.
pub(super) fn begin(decision: &mut Decision, failure: Failure, now: Timestamp) -> Result<(), IllegalMove> {
    let text = format!("{} in {}: everything that was commanded is undone, in reverse", failure.code, failure.step);
    decision.saga.failure = Some(failure);
    decision.go(State::Compensating, now, text)?;
    answered(decision, now)
}

/// The step that is being undone: the last one commanded that is not proven undone.
pub(super) fn under_way(saga: &Saga) -> Option<Step> {
    ORDER.into_iter().find(|step| saga.tally(*step, Action::Do).commanded() && !saga.tally(*step, Action::Undo).proven())
}

/// Goes on with the undoing, as far as the answers allow.
pub(super) fn answered(decision: &mut Decision, now: Timestamp) -> Result<(), IllegalMove> {
    if decision.saga.state() != State::Compensating {
        return Ok(());
    }
    let Some(step) = under_way(&decision.saga) else {
        return decision.go(State::Compensated, now, "Everything ever commanded is confirmed undone or fenced");
    };
    let tally = *decision.saga.tally(step, Action::Undo);
    if !tally.commanded() {
        decision.command(step, Action::Undo);
    } else if tally.all_answered() {
        decision.go(
            State::NeedsOperator,
            now,
            format!("The undo of {step} failed for good in {}; all others have ended", count(tally.faulty, "packet")),
        )?;
    }
    Ok(())
}
