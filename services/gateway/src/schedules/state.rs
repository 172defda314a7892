//! Where a schedule stands, and what is done to it.

use crate::batches::{from_names, names};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

from_names! { ScheduleState }

/// Where a schedule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub(crate) enum ScheduleState {
    /// Nothing has begun.
    Waiting,
    /// Its first day has begun. Whether something begins just now, its batch says.
    Running,
    /// An end: every row has come to its own.
    Completed,
    /// An end: nothing more begins because of it.
    Cancelled,
}
names! { ScheduleState: Waiting, Running, Completed, Cancelled }

impl ScheduleState {
    /// Nothing more happens because of it.
    pub(crate) const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled)
    }
}

/// What happens to a schedule. The first are people's acts, the others its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScheduleAct {
    Create,
    Move,
    Cancel,
    Begin,
    Complete,
}
names! { ScheduleAct: Create, Move, Cancel, Begin, Complete }
