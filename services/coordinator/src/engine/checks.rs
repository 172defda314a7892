//! The invariants that the coordinator sees while it runs, asked at every step of every saga, of what is in memory anyway.

use crate::{
    saga::{Note, Saga, is_legal},
    store::transitions::Stored,
};
use planshift_domain::{
    message::reply::ItemAnswer,
    step::{Action, Step},
    time::Timestamp,
    transition::{Evidence, State},
};
use planshift_invariants::{
    Checked, checks,
    data::{self, Answers, Id, Progress, Stand},
};

/// All of them.
pub(crate) const WATCHED: [&str; 14] = ["I3", "I4", "I7", "I10", "I12", "I14", "I16", "I19", "I21", "S1", "S2", "S3", "S4", "S6"];

/// From a saga as it was stored to what was decided.
pub(super) fn step(stored: &Stored, after: &Saga, notes: &[Note], checked: &mut Vec<Checked>) {
    let (before, id) = (&stored.saga, id_of(stored));
    let states: Vec<State> = before.left().into_iter().chain([before.state()]).chain(notes.iter().map(|note| note.state)).collect();
    let has_ended = after.ended_at.is_some();
    let history = checks::HistoryOf { transition: id, states: &states, state: after.state(), has_ended };
    let entries = (stored.history + 1..).zip(notes.iter().map(|note| note.state));
    let (was, is) = (progress(id, before), progress(id, after));
    checked.extend([
        checks::moves_are_legal(&history, is_legal, State::is_end, State::NeedsOperator),
        checks::change_is_told(id, (before.state(), after.state()), stored.history, entries),
        checks::suspends_last(&is),
        checks::completes_by_evidence(&is),
        checks::maps_under_every_plan(&is),
        checks::no_line_is_skipped(&is),
        checks::gives_everything_back(&is),
        checks::undo_is_proven(&is),
        checks::never_turns_past_the_pivot(&is),
    ]);
    checked.extend(checks::goes_on(&was, &is));
}

/// An answer that tells of an effect, or of an undo.
pub(super) fn answer(stored: &Stored, step: Step, action: Action, items: &[ItemAnswer], checked: &mut Vec<Checked>) {
    if items.iter().any(|item| matches!(item.evidence, Evidence::Done | Evidence::Undone)) {
        checked.push(checks::was_commanded(&progress(id_of(stored), &stored.saga), of(step), action == Action::Undo));
    }
}

/// A transition that begins: nobody else of its customer is under way, or the index would have refused it.
pub(super) fn begins(stored: &Stored) -> Checked {
    checks::one_live_transition(Id(stored.customer.0.as_u128()), &[id_of(stored)])
}

const fn id_of(stored: &Stored) -> Id {
    Id(stored.id.0.as_u128())
}

const fn of(step: Step) -> data::Step {
    match step {
        Step::Eligibility => data::Step::Eligibility,
        Step::Purchasing => data::Step::Purchasing,
        Step::Mapping => data::Step::Mapping,
        Step::Suspension => data::Step::Suspension,
    }
}

fn progress(id: Id, saga: &Saga) -> Progress {
    let stand = match saga.state() {
        State::Completed => Stand::Completed,
        State::Ineligible => Stand::Ineligible,
        State::Compensated => Stand::Compensated,
        State::NeedsOperator => Stand::NeedsOperator,
        _ => Stand::UnderWay,
    };
    let back = |state| matches!(state, State::Compensating | State::Compensated);
    let answers = |step, action| {
        let tally = saga.tally(step, action);
        Answers { commanded: tally.commanded(), proven: tally.proven(), good: tally.good }
    };
    Progress {
        id,
        stand,
        turns_back: back(saga.state()) || saga.left().is_some_and(back),
        lines: saga.lines,
        plans: saga.plans,
        ended_at: saga.ended_at.map(Timestamp::as_micros),
        steps: Step::ALL.map(|step| [answers(step, Action::Do), answers(step, Action::Undo)]),
    }
}
