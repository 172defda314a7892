//! The legal moves.

use planshift_domain::transition::State::{self, *};

/// From each state, the states that it may be left to. `NeedsOperator` goes back to the state that it left.
pub const MOVES: [(State, &[State]); 10] = [
    (Requested, &[CheckingEligibility, Compensating]),
    (CheckingEligibility, &[Ineligible, PurchasingPlans, Compensating]),
    (PurchasingPlans, &[MappingSubscriptions, Compensating]),
    (MappingSubscriptions, &[SuspendingCommerce, Compensating]),
    (SuspendingCommerce, &[Completed, NeedsOperator]),
    (Compensating, &[Compensated, NeedsOperator]),
    (NeedsOperator, &[SuspendingCommerce, Compensating]),
    (Completed, &[]),
    (Ineligible, &[]),
    (Compensated, &[]),
];

/// A move that is not in the table: a defect of the saga, never of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a transition may not go from {from} to {to}")]
pub struct IllegalMove {
    /// Where it stands.
    pub from: State,
    /// Where it was to go.
    pub to: State,
}

/// Is it in the table?
pub fn is_legal(from: State, to: State) -> bool {
    MOVES.iter().any(|(state, next)| *state == from && next.contains(&to))
}
