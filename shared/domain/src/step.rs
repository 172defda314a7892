//! The steps of a transition, and what kind each one is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A step of the saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// May this customer move?
    Eligibility,
    /// One Azure plan for each reseller.
    Purchasing,
    /// Every Azure subscription under the plan of its reseller.
    Mapping,
    /// Every legacy commerce subscription suspended.
    Suspension,
}

/// What the saga may do about a step that fails (the saga literature's terms).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Has an undo; comes before the pivot.
    Compensatable,
    /// Has no undo and is repeated until it succeeds; comes after the pivot.
    Retriable,
}

impl Step {
    /// The definition of the saga: its steps in order.
    pub const ALL: [Self; 4] = [Self::Eligibility, Self::Purchasing, Self::Mapping, Self::Suspension];

    /// The last step that can be undone. When it is wholly done, the pivot is passed: from there only forward.
    pub const PIVOT: Self = Self::Mapping;

    /// The step's kind.
    pub const fn kind(self) -> StepKind {
        match self {
            Self::Eligibility | Self::Purchasing | Self::Mapping => StepKind::Compensatable,
            Self::Suspension => StepKind::Retriable,
        }
    }

    /// The step's name on the wire, on the command line and in ledgers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eligibility => "eligibility",
            Self::Purchasing => "purchasing",
            Self::Mapping => "mapping",
            Self::Suspension => "suspension",
        }
    }
}

// A saga with a step that cannot be undone before the pivot, or one that must be after it, does not compile.
const _: () = {
    let mut i = 0;
    while i < Step::ALL.len() {
        let before_or_at_pivot = Step::ALL[i] as u8 <= Step::PIVOT as u8;
        assert!(matches!(Step::ALL[i].kind(), StepKind::Compensatable) == before_or_at_pivot, "a compensatable step after the pivot");
        i += 1;
    }
};

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no step: eligibility, purchasing, mapping or suspension was expected")]
pub struct UnknownStep(pub String);

impl FromStr for Step {
    type Err = UnknownStep;
    fn from_str(text: &str) -> Result<Self, UnknownStep> {
        Self::ALL.into_iter().find(|step| step.name().eq_ignore_ascii_case(text)).ok_or_else(|| UnknownStep(text.to_owned()))
    }
}

/// Do, or undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// The step's effect.
    Do,
    /// Its compensation.
    Undo,
}

impl Action {
    /// `do` or `undo`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Do => "do",
            Self::Undo => "undo",
        }
    }
}
