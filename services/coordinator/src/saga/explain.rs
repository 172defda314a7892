//! In words: which rule a saga is at, and what it waits for.

use super::{Saga, under_way};
use planshift_domain::{
    said::{Said, Sentence, nouns, story},
    step::{Action, Step},
    transition::State,
};

/// The rule that a saga is at: what has to be so before it goes on.
pub fn rule(saga: &Saga) -> Sentence {
    match saga.state() {
        State::Requested => story::BEGINS,
        State::CheckingEligibility => story::CHECKS,
        State::PurchasingPlans => story::BUYS,
        State::MappingSubscriptions => story::MAPS,
        State::SuspendingCommerce => story::SUSPENDS,
        State::Compensating => story::UNDOES,
        State::NeedsOperator => story::NEEDS_A_PERSON,
        State::Completed | State::Ineligible | State::Compensated => story::HAS_ENDED,
    }
}

/// What it waits for, in a line.
pub fn waits_for(saga: &Saga) -> Said {
    if let Some(held) = saga.held {
        return story::WAITS_WHILE_PAUSED.with(&[&held.step, &held.since]);
    }
    match (saga.state(), under_way(saga)) {
        (State::Requested, _) => story::WAITS_FOR_ROOM.into(),
        (State::NeedsOperator, _) => match &saga.failure {
            Some(f) => story::WAITS_FOR_AN_OPERATOR_ABOUT.with(&[&f.step, &f.code, &f.description]),
            None => story::WAITS_FOR_AN_OPERATOR.into(),
        },
        (_, Some((step, action))) => {
            let tally = saga.tally(step, action);
            let (open, packets) = (tally.packets - tally.answered, nouns::PACKET.in_words(tally.packets));
            match (step, action) {
                (Step::Eligibility, Action::Undo) => story::WAITS_FOR_THE_RELEASE.with(&[&open, &packets]),
                (_, Action::Do) => story::WAITS_FOR_ANSWERS.with(&[&step, &open, &packets]),
                (_, Action::Undo) => story::WAITS_FOR_THE_UNDO.with(&[&step, &open, &packets]),
            }
        }
        _ => story::WAITS_FOR_NOTHING.into(),
    }
}
