//! What an exploration must have met: a check whose interesting case never came has shown nothing.

use std::sync::atomic::{AtomicU32, Ordering};

/// A set of things to meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goals(u32);

macro_rules! goals {
    ($($(#[$doc:meta])* $name:ident = $bit:literal, $text:literal;)*) => {
        impl Goals {
            $($(#[$doc])* pub const $name: Self = Self(1 << $bit);)*
            const ALL: &[(Self, &'static str)] = &[$((Self::$name, $text)),*];
        }
    };
}

goals! {
    /// It completed.
    COMPLETED = 0, "Completed";
    /// It was compensated.
    COMPENSATED = 1, "Compensated";
    /// A rule blocked.
    INELIGIBLE = 2, "Ineligible";
    /// A person was asked.
    NEEDS_OPERATOR = 3, "NeedsOperator";
    /// It completed after a resume.
    RESUMED_TO_COMPLETED = 4, "resumed to Completed";
    /// It was compensated after a resume.
    RESUMED_TO_COMPENSATED = 5, "resumed to Compensated";
    /// A command met `fenced` or `undone`, and had no effect.
    FENCE_HIT = 6, "fence hit";
    /// The same message again got the ledger's answer.
    ANSWERED_AGAIN = 7, "answered again from the ledger";
    /// An answer said nothing new.
    STALE_ANSWER = 8, "stale answer";
    /// An answer was recorded in a state that did not wait for it.
    LATE_ANSWER = 9, "late answer recorded";
    /// Output that was lost in a crash was told again.
    TOLD_AGAIN = 10, "told again";
    /// A deadline sent commands again.
    RESENT = 11, "sent again after silence";
    /// A cancel came past the pivot and was refused.
    CANCEL_REFUSED = 12, "cancel refused past the pivot";
    /// An item that had been refused was done under a later attempt.
    RETRIED = 13, "refused, then done";
    /// A command older than a refusal.
    STALE_COMMAND = 14, "stale command";
    /// A packet was given up and done all the same.
    GIVEN_UP_AND_DONE = 15, "given up, then done";
    /// The same act came again and was recognised.
    ACT_AGAIN = 16, "act recognised";
    /// The total time was used up.
    TIMED_OUT = 17, "timed out";
    /// A version was found whose messages were never sent, behind one whose were.
    GAP = 18, "gap in what was sent";
}

impl Goals {
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of these that are not among `met`, in words.
    pub fn missing(self, met: Self) -> Vec<&'static str> {
        Self::ALL.iter().filter(|(goal, _)| self.0 & goal.0 & !met.0 != 0).map(|(_, text)| *text).collect()
    }

    /// These, in words.
    pub fn words(self) -> Vec<&'static str> {
        self.missing(Self::NONE)
    }
}

/// What was met so far, by all threads.
#[derive(Debug, Default)]
pub struct Met(AtomicU32);

impl Met {
    /// Notes it.
    pub fn note(&self, goal: Goals) {
        if self.0.load(Ordering::Relaxed) & goal.0 != goal.0 {
            self.0.fetch_or(goal.0, Ordering::Relaxed);
        }
    }

    /// Everything so far.
    pub fn all(&self) -> Goals {
        Goals(self.0.load(Ordering::Relaxed))
    }
}
