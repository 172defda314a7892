//! What is checked in every state, under the ids of the catalogue.

use crate::{model::TransitionModel, snapshot::Snapshot, step::waits_in_vain, way::can_end};
use stateright::Property;

/// A check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its bit in [`Broken`].
    bit: u32,
    /// Its name: the catalogue's id, and what of it is looked at.
    pub name: &'static str,
}

/// Rules that were broken on the way to a state. A sound model never sets one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Broken(u32);

impl Broken {
    /// Notes that it was broken unless it `holds`.
    pub const fn expect(&mut self, holds: bool, rule: Rule) {
        if !holds {
            self.0 |= 1 << rule.bit;
        }
    }

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// None was.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// It was.
    pub const fn has(self, rule: Rule) -> bool {
        self.0 & (1 << rule.bit) != 0
    }
}

impl Rule {
    /// Its bit, for sets of rules.
    pub const fn mask(self) -> u32 {
        1 << self.bit
    }
}

macro_rules! rules {
    ($($id:ident = $bit:literal, $name:literal, $holds:expr;)*) => {
        $(
            #[doc = $name]
            pub const $id: Rule = Rule { bit: $bit, name: $name };
        )*
        /// All of them.
        pub const RULES: &[Rule] = &[$($id),*];

        /// Each rule, as something that holds in every state.
        pub(crate) fn properties() -> Vec<Property<TransitionModel>> {
            vec![$(Property::always($name, |model, state| model.holds($id, state, $holds))),*]
        }
    };
}

/// Whether a rule that looks at single states holds there; those that look at steps leave a mark in the state.
type Holds = fn(&TransitionModel, &Snapshot) -> bool;
const NO_MARK: Holds = |_, _| true;

rules! {
    I3 = 0, "I3 suspended only after its plan is active and its line is mapped", NO_MARK;
    I4 = 1, "I4 after Completed each line is under its plan and suspended", NO_MARK;
    I7 = 2, "I7 one plan for each reseller", NO_MARK;
    I11 = 3, "I11 the same message again has no second effect", NO_MARK;
    I13 = 4, "I13 a plan with something attached is not suspended", NO_MARK;
    I14 = 5, "I14 only legal moves", NO_MARK;
    I16 = 6, "I16 after Compensated everything is as it was", NO_MARK;
    I21 = 7, "I21 progress never goes back but in Compensating", NO_MARK;
    S1 = 8, "S1 no Compensated without each undo confirmed", NO_MARK;
    S2 = 9, "S2 past the pivot nothing is undone", NO_MARK;
    S3 = 10, "S3 the counts of good answers only grow", NO_MARK;
    S4 = 11, "S4 what has come to an end stays as it is", NO_MARK;
    S6 = 12, "S6 no effect without the command of a transition", NO_MARK;
    S7_SENT = 13, "S7 what counts as sent was sent", NO_MARK;
    S7_WAITING = 14, "S7 without a loss nothing waits for a deadline", |model, state| !waits_in_vain(model, state);
    END = 15, "an end can be reached", can_end;
}
