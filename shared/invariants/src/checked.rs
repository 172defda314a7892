//! What a check says.

use std::fmt;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Violation {
    /// Of which invariant.
    pub invariant: &'static str,
    /// What it is about: the id of a transition, a customer, a subscription.
    pub subject: String,
    /// In words.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.text)
    }
}

/// What a check has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Which invariant.
    pub invariant: &'static str,
    /// How many items it has looked at.
    pub items: u64,
    /// What must not be.
    pub violations: Vec<Violation>,
}

impl Checked {
    /// Nothing looked at yet.
    pub const fn of(invariant: &'static str) -> Self {
        Self { invariant, items: 0, violations: Vec::new() }
    }

    /// Looks at one more item.
    pub(crate) fn item(&mut self) {
        self.items += 1;
    }

    /// Unless it `holds`, a violation about `subject`; says whether it holds.
    pub(crate) fn expect(&mut self, holds: bool, subject: impl fmt::Display, text: impl FnOnce() -> String) -> bool {
        if !holds {
            self.violations.push(Violation { invariant: self.invariant, subject: subject.to_string(), text: text() });
        }
        holds
    }
}
