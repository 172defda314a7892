//! How long a retry waits: a few levels, so that a broker without a delay plugin needs only a few queues.
//!
//! A delay is rounded up to a level, and the wait is drawn between the longer of the wanted delay and half of the level,
//! and the whole level: never shorter than wanted (a callee's Retry-After is honoured), and spread, so that what failed
//! together does not come back together. Who wants spread asks for a little less than a level.

use rand::RngExt;
use std::time::Duration;

/// A delay level: a queue of its own on a broker that has no other means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayLevel {
    /// Names its exchange and its queue: `planshift.delay.NAME`.
    pub name: &'static str,
    /// The longest that a message waits there.
    pub length: Duration,
}

/// The levels, shortest first, each about four times the one before: a wait in vain costs at most that factor.
pub const DELAY_LEVELS: [DelayLevel; 6] = [
    DelayLevel { name: "250ms", length: Duration::from_millis(250) },
    DelayLevel { name: "1s", length: Duration::from_secs(1) },
    DelayLevel { name: "4s", length: Duration::from_secs(4) },
    DelayLevel { name: "15s", length: Duration::from_secs(15) },
    DelayLevel { name: "1m", length: Duration::from_secs(60) },
    DelayLevel { name: "5m", length: LONGEST_DELAY },
];

/// What is wanted longer than this waits this long: an outage is noticed to be over after five minutes at the latest.
pub const LONGEST_DELAY: Duration = Duration::from_secs(300);

/// The level for a wanted delay, and how long this one message waits there.
pub(crate) fn choose(wanted: Duration) -> (DelayLevel, Duration) {
    let level = DELAY_LEVELS.into_iter().find(|level| level.length >= wanted).unwrap_or(DELAY_LEVELS[DELAY_LEVELS.len() - 1]);
    let shortest = wanted.max(level.length / 2).min(level.length);
    let wait = rand::rng().random_range(shortest.as_millis() as u64..=level.length.as_millis() as u64);
    (level, Duration::from_millis(wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_never_shorter_than_wanted_nor_longer_than_its_level() {
        for wanted in [0, 1, 100, 250, 251, 999, 1_000, 3_999, 60_000, 60_001, 300_000].map(Duration::from_millis) {
            for _ in 0..100 {
                let (level, wait) = choose(wanted);
                assert!(wait >= wanted && wait >= level.length / 2 && wait <= level.length, "{wanted:?}: {level:?} {wait:?}");
            }
        }
    }

    #[test]
    fn the_shortest_level_that_is_long_enough_is_taken_and_the_last_one_beyond() {
        assert_eq!(choose(Duration::ZERO).0.name, "250ms");
        assert_eq!(choose(Duration::from_millis(900)).0.name, "1s");
        assert_eq!(choose(Duration::from_secs(16)).0.name, "1m");
        assert_eq!(choose(Duration::from_secs(3_600)).1, LONGEST_DELAY);
    }

    #[test]
    fn waits_are_spread() {
        let waits: std::collections::BTreeSet<_> = (0..50).map(|_| choose(Duration::from_millis(600)).1).collect();
        assert!(waits.len() > 10, "{waits:?}");
    }
}
