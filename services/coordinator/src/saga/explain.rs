//! In words: which rule a saga is at, and what it waits for.

use super::{Saga, under_way};
use planshift_domain::{
    step::{Action, Step},
    transition::State,
};

/// The rule that a saga is at: what has to be so before it goes on.
pub fn rule(saga: &Saga) -> &'static str {
    match saga.state() {
        State::Requested => "a transition begins when there is room under the limit of those under way, the oldest of each partner first",
        State::CheckingEligibility => "plans are had once every packet of the check is answered and no rule blocks",
        State::PurchasingPlans => "mapping begins once every packet of plans is answered and none is refused; a refusal turns back",
        State::MappingSubscriptions => {
            "the pivot is passed once every packet of mappings is answered and every line is mapped; a refusal turns back"
        }
        State::SuspendingCommerce => "it is completed once every packet of suspensions is answered; past the pivot nothing turns back",
        State::Compensating => "each step that was ever commanded is undone as a whole, in reverse, and every undo is confirmed",
        State::NeedsOperator => "what was refused for good is tried again when a person resumes it; the customer stays locked until then",
        State::Completed | State::Ineligible | State::Compensated => "it has come to its end",
    }
}

/// What it waits for, in a line.
pub fn waits_for(saga: &Saga) -> String {
    let at = under_way(saga);
    if let Some(held) = saga.held {
        return format!("{} is paused, and it is held there since {}", held.step, held.since);
    }
    match (saga.state(), at) {
        (State::Requested, _) => "room under the limit of those under way".to_owned(),
        (State::NeedsOperator, _) => {
            let refused = saga.failure.as_ref().map_or_else(String::new, |f| format!(": {} {}: {}", f.step, f.code, f.description));
            format!("an operator who resumes it{refused}")
        }
        (_, Some((step, action))) => {
            let tally = saga.tally(step, action);
            let open = tally.packets - tally.answered;
            let what = match (step, action) {
                (Step::Eligibility, Action::Undo) => "the release of the check".to_owned(),
                (_, Action::Do) => format!("answers of {step}"),
                (_, Action::Undo) => format!("the undo of {step}"),
            };
            format!("{what}: {} unanswered of {}", open, super::forward::count(tally.packets, "packet"))
        }
        _ => "nothing".to_owned(),
    }
}
