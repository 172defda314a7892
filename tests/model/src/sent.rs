//! Which versions were told: what the coordinator stores of it, and what a replica remembers of it.
//!
//! Versions count up for ever, so they are kept relative to the last one that is stored as sent: two states that differ only in
//! how many versions it took to get there are the same state.

use planshift_coordinator::engine::Told;
use planshift_domain::ids::TransitionId;
use uuid::Uuid;

/// Versions from `from` (exclusive) to `to` (inclusive) were confirmed. 0 is the version stored as sent, -1 any before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    /// The version before the turn; -1 where everything was told again.
    pub from: i8,
    /// The version after it.
    pub to: i8,
}

impl Interval {
    /// What the stored version becomes by this: the production rule.
    pub fn apply(self) -> u8 {
        let (Ok(to), from) = (u32::try_from(self.to), u32::try_from(self.from).unwrap_or(0)) else { return 0 };
        let told = Told { id: TransitionId(Uuid::nil()), from, to, settled: false };
        u8::try_from(told.apply(0)).unwrap_or(u8::MAX)
    }

    /// The same once the stored version has moved on.
    #[must_use]
    pub fn after(self, moved: u8) -> Self {
        let less = |n: i8| (i16::from(n) - i16::from(moved)).max(-1) as i8;
        Self { from: less(self.from), to: less(self.to) }
    }

    /// What a replica remembers once `told` was confirmed too, as `Sent::confirm` joins them: neighbours join, gaps stay.
    #[must_use]
    pub fn joined(remembered: Option<Self>, told: Self) -> Self {
        match remembered {
            None => told,
            Some(old) if told.from <= old.to && old.from <= told.to => Self { from: old.from.min(told.from), to: old.to.max(told.to) },
            Some(old) => old,
        }
    }
}

/// Versions that were written and whose messages were never sent: bit `n` is the version `n + 1` after the one stored as sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Untold(u32);

impl Untold {
    const fn bit(version: i8) -> u32 {
        if version < 1 || version > 32 { 0 } else { 1 << (version - 1) }
    }

    /// This version was written.
    pub const fn written(&mut self, version: u8) {
        self.0 |= Self::bit(version as i8);
    }

    /// The messages of this version were sent.
    pub const fn told(&mut self, version: i8) {
        self.0 &= !Self::bit(version);
    }

    /// Everything up to this version was told.
    pub const fn told_up_to(&mut self, version: i8) {
        let mut n = 1;
        while n <= version {
            self.told(n);
            n += 1;
        }
    }

    /// The stored version moves on. False where it passes one that was never told.
    pub const fn moved(&mut self, by: u8) -> bool {
        let passed = self.0 & ((1_u64 << by) - 1) as u32;
        self.0 = ((self.0 as u64) >> by) as u32;
        passed == 0
    }

    /// There is none.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(from: i8, to: i8) -> Interval {
        Interval { from, to }
    }

    #[test]
    fn gaps_stay_and_everything_told_again_closes_them() {
        assert_eq!(interval(0, 2).apply(), 2);
        assert_eq!(interval(1, 2).apply(), 0, "version 1 was never told");
        assert_eq!(interval(-1, 3).apply(), 3);
        assert_eq!(interval(-1, -1).apply(), 0);
        assert_eq!(Interval::joined(Some(interval(0, 1)), interval(1, 2)), interval(0, 2));
        assert_eq!(Interval::joined(Some(interval(0, 1)), interval(2, 3)), interval(0, 1));
        assert_eq!(Interval::joined(Some(interval(2, 3)), interval(-1, 4)), interval(-1, 4));
    }

    #[test]
    fn what_was_never_told_is_noticed_when_it_is_passed() {
        let mut untold = Untold::default();
        untold.written(1);
        untold.written(2);
        untold.told(2);
        assert!(!Untold(untold.0).moved(2));
        untold.told_up_to(2);
        assert!(untold.moved(2) && untold.is_none());
    }
}
