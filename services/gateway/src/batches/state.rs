//! Where a batch and its rows stand, and the one table of what may follow.

use planshift_domain::transition::State as TransitionState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! names {
    ($type:ident: $($variant:ident),* $(,)?) => {
        impl $type {
            /// All of them.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            /// As it is stored and printed.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($variant)),*
                }
            }

        }
    };
}
macro_rules! from_names {
    ($($type:ident),*) => { $(
        impl $type {
            /// The one of that name, in any case.
            pub(crate) fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.name().eq_ignore_ascii_case(name))
            }
        }
    )* };
}
pub(crate) use {from_names, names};
from_names! { BatchState, RowState }

/// Where a batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub(crate) enum BatchState {
    /// Its rows are stored, and nothing has begun.
    Draft,
    /// The plan of each row is being asked for.
    Planning,
    /// Every row has its plan.
    Planned,
    /// Rows are started, as many at once as may be.
    Running,
    /// Nothing new starts; what is under way goes to its end.
    Pausing,
    /// Nothing is under way.
    Paused,
    /// Too many have failed: nothing new starts by itself.
    Stopped,
    /// Rows that have not started are cancelled; what is under way goes to its end, or is undone.
    Cancelling,
    /// An end: nothing more is started.
    Cancelled,
    /// An end, until something is tried again: every row has come to one, or needs an operator.
    Completed,
}
names! { BatchState: Draft, Planning, Planned, Running, Pausing, Paused, Stopped, Cancelling, Cancelled, Completed }

impl BatchState {
    /// Has somebody to do something for it?
    pub(crate) const fn is_at_work(self) -> bool {
        matches!(self, Self::Planning | Self::Running | Self::Pausing | Self::Cancelling)
    }

    /// Nothing more happens by itself, though rows may still be under way.
    pub(crate) const fn is_settled(self) -> bool {
        !self.is_at_work()
    }
}

/// What happens to a batch. The first are people's acts, the others its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub(crate) enum Move {
    Plan,
    Start,
    Pause,
    Resume,
    Cancel,
    Retry,
    Recheck,
    /// Its schedule lets it go on: its hours have begun.
    Open,
    /// Its hours are over, or what is left of it is for later days.
    Close,
    AllPlanned,
    AllPlannedToStart,
    Drain,
    Stop,
    Complete,
}
names! { Move: Plan, Start, Pause, Resume, Cancel, Retry, Recheck, Open, Close, AllPlanned, AllPlannedToStart, Drain, Stop, Complete }

/// What may follow: in this state, this happens, and then it is in that one. Nothing else may.
const MOVES: &[(BatchState, Move, BatchState)] = {
    use BatchState::*;
    &[
        (Draft, Move::Plan, Planning),
        (Planned, Move::Plan, Planning),
        (Planning, Move::AllPlanned, Planned),
        (Planning, Move::AllPlannedToStart, Running),
        (Draft, Move::Start, Running),
        (Planned, Move::Start, Running),
        (Running, Move::Pause, Pausing),
        (Pausing, Move::Drain, Paused),
        (Pausing, Move::Resume, Running),
        (Paused, Move::Resume, Running),
        (Running, Move::Close, Pausing),
        (Pausing, Move::Open, Running),
        (Paused, Move::Open, Running),
        (Running, Move::Stop, Stopped),
        (Stopped, Move::Resume, Running),
        (Running, Move::Complete, Completed),
        (Draft, Move::Cancel, Cancelling),
        (Planning, Move::Cancel, Cancelling),
        (Planned, Move::Cancel, Cancelling),
        (Running, Move::Cancel, Cancelling),
        (Pausing, Move::Cancel, Cancelling),
        (Paused, Move::Cancel, Cancelling),
        (Stopped, Move::Cancel, Cancelling),
        (Cancelling, Move::Drain, Cancelled),
        // what is tried again while it rests is started when it goes on
        (Running, Move::Retry, Running),
        (Paused, Move::Retry, Paused),
        (Stopped, Move::Retry, Running),
        (Completed, Move::Retry, Running),
        (Running, Move::Recheck, Running),
        (Paused, Move::Recheck, Paused),
        (Stopped, Move::Recheck, Running),
        (Completed, Move::Recheck, Running),
        // a dry run is made again for those that it refused
        (Planned, Move::Recheck, Planning),
    ]
};

/// The state that follows; nothing where it may not happen.
pub(crate) fn next(state: BatchState, happens: Move) -> Option<BatchState> {
    MOVES.iter().find(|(from, what, _)| *from == state && *what == happens).map(|(.., to)| *to)
}

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub(crate) enum RowState {
    /// It has not been started.
    Waiting,
    /// The coordinator is being asked.
    Starting,
    /// Its transition is under way.
    Running,
    /// Its transition has completed.
    Completed,
    /// A blocking rule holds, by its transition or by the dry run; nothing was touched.
    Ineligible,
    /// Its transition failed, and was undone.
    Failed,
    /// Its transition needs an operator. It goes on as that transition does.
    NeedsOperator,
    /// The coordinator did not begin a transition.
    Refused,
    /// It was cancelled before it started, or its transition was, and was undone.
    Cancelled,
}
names! { RowState: Waiting, Starting, Running, Completed, Ineligible, Failed, NeedsOperator, Refused, Cancelled }

impl RowState {
    /// Of a transition in this state, which failed with this code where it did.
    pub(crate) fn of(state: TransitionState, failure: Option<&str>) -> Self {
        match state {
            TransitionState::Completed => Self::Completed,
            TransitionState::Ineligible => Self::Ineligible,
            TransitionState::Compensated if failure == Some(CANCELLED) => Self::Cancelled,
            TransitionState::Compensated => Self::Failed,
            TransitionState::NeedsOperator => Self::NeedsOperator,
            TransitionState::Requested
            | TransitionState::CheckingEligibility
            | TransitionState::PurchasingPlans
            | TransitionState::MappingSubscriptions
            | TransitionState::SuspendingCommerce
            | TransitionState::Compensating => Self::Running,
        }
    }

    /// Somebody waits for it to end.
    pub(crate) const fn is_under_way(self) -> bool {
        matches!(self, Self::Starting | Self::Running)
    }

    /// Nothing more happens to it by itself.
    pub(crate) const fn is_end(self) -> bool {
        !matches!(self, Self::Waiting | Self::Starting | Self::Running)
    }

    /// Counts against the batch: what it stops by, and what is tried again (but for what needs an operator).
    pub(crate) const fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::NeedsOperator | Self::Refused)
    }
}

/// The failure of a transition that somebody cancelled.
const CANCELLED: &str = "Cancelled";

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_move_stands_once_and_every_state_is_reached_and_left() {
        let unique: BTreeSet<_> = MOVES.iter().map(|(from, what, _)| (*from, what.name())).collect();
        assert_eq!(unique.len(), MOVES.len());
        let mut reached = BTreeSet::from([BatchState::Draft]);
        for _ in BatchState::ALL {
            reached.extend(MOVES.iter().filter(|(from, ..)| reached.contains(from)).map(|(.., to)| *to).collect::<Vec<_>>());
        }
        assert_eq!(reached.len(), BatchState::ALL.len(), "{reached:?}");
        for state in BatchState::ALL {
            let is_left = MOVES.iter().any(|(from, ..)| from == state);
            assert_eq!(is_left, *state != BatchState::Cancelled, "{state:?}");
            let can_end = next(*state, Move::Cancel).is_some();
            let is_end = matches!(state, BatchState::Cancelling | BatchState::Cancelled | BatchState::Completed);
            assert_eq!(can_end, !is_end, "whatever has not ended can be cancelled: {state:?}");
        }
    }

    #[test]
    fn names_are_read_back_in_any_case() {
        for state in BatchState::ALL {
            assert_eq!(BatchState::from_name(&state.name().to_lowercase()), Some(*state));
        }
        for state in RowState::ALL {
            assert_eq!(RowState::from_name(&state.name().to_uppercase()), Some(*state));
            assert!(!(state.is_under_way() && state.is_end()));
        }
        assert_eq!(BatchState::from_name("Open"), None);
    }

    #[test]
    fn a_row_is_where_its_transition_is() {
        assert_eq!(RowState::of(TransitionState::Compensated, Some("Cancelled")), RowState::Cancelled);
        assert_eq!(RowState::of(TransitionState::Compensated, Some("FaultInjected")), RowState::Failed);
        assert_eq!(RowState::of(TransitionState::Compensated, None), RowState::Failed);
        for state in TransitionState::ALL {
            assert_eq!(RowState::of(state, None).is_end(), state.is_settled(), "{state}");
        }
    }
}
