//! The way back: everything ever commanded is undone, answered or not, in reverse: mappings, plans, the check.
//!
//! A step is undone as a whole before the one before it, since a plan with something attached cannot be suspended. Within a
//! step one undo that fails does not stop the others.

use super::{Decision, IllegalMove, Saga};
use planshift_domain::{
    said::{nouns, story},
    step::{Action, Step},
    time::Timestamp,
    transition::{Failure, State},
};

/// In reverse. Suspension comes after the pivot and is never undone.
const ORDER: [Step; 3] = [Step::Mapping, Step::Purchasing, Step::Eligibility];

/// Turns back because of `failure`.
pub(super) fn begin(decision: &mut Decision, failure: Failure, now: Timestamp) -> Result<(), IllegalMove> {
    let said = story::TURNS_BACK.with(&[&failure.code, &failure.step]);
    decision.saga.failure = Some(failure);
    decision.go(State::Compensating, now, said)?;
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
        return decision.go(State::Compensated, now, story::UNDONE);
    };
    let tally = *decision.saga.tally(step, Action::Undo);
    if !tally.commanded() {
        decision.command(step, Action::Undo);
    } else if tally.all_answered() {
        decision.go(State::NeedsOperator, now, story::UNDO_FAILED.with(&[&step, &nouns::PACKET.in_words(tally.faulty)]))?;
    }
    Ok(())
}
