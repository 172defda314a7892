//! What becomes of a call of the simulator.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// What goes wrong, and how often.
#[derive(Clone, Debug, Default)]
pub struct Troubles {
    /// How long each call takes.
    pub latency: Duration,
    /// And so much more at most, by chance.
    pub jitter: Duration,
    /// The share of calls that are answered 429, from 0 to 1.
    pub throttled: f64,
    /// The share of calls that are answered 500 once they have had their effect.
    pub failed_after: f64,
    /// The share of calls that are never answered, half of them after their effect.
    pub silent: f64,
    /// The share of calls that are answered 503 with Retry-After.
    pub busy: f64,
    /// Calls a second that a partner may make; 0: as many as it likes.
    pub rate_per_partner: f64,
    /// The seed of all chance.
    pub seed: u64,
}

/// What becomes of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Answered,
    /// 429, and after how many seconds to come again.
    Throttled(u64),
    FailedAfter,
    SilentBefore,
    SilentAfter,
    Busy,
}

pub(super) struct Dice {
    troubles: Troubles,
    random: StdRng,
    /// When each partner may call again.
    next: HashMap<String, Instant>,
}

impl Dice {
    pub(super) fn new(troubles: Troubles) -> Self {
        let random = StdRng::seed_from_u64(troubles.seed);
        Self { troubles, random, next: HashMap::new() }
    }

    /// How long this call takes, and what becomes of it. `partner`: whose it is, where it says so.
    pub(super) fn throw(&mut self, partner: Option<&str>, now: Instant) -> (Duration, Fate) {
        let latency = self.troubles.latency + self.troubles.jitter.mul_f64(self.random.random::<f64>());
        if let Some(after) = partner.and_then(|partner| self.too_soon(partner, now)) {
            return (latency, Fate::Throttled(after.as_secs().max(1)));
        }
        let Troubles { throttled, failed_after, silent, busy, .. } = self.troubles;
        let mut left = self.random.random::<f64>();
        for (share, fate) in [
            (throttled, Fate::Throttled(1)),
            (failed_after, Fate::FailedAfter),
            (silent / 2.0, Fate::SilentBefore),
            (silent / 2.0, Fate::SilentAfter),
            (busy, Fate::Busy),
        ] {
            if left < share {
                return (latency, fate);
            }
            left -= share;
        }
        (latency, Fate::Answered)
    }

    /// A second's worth of calls may come at once.
    fn too_soon(&mut self, partner: &str, now: Instant) -> Option<Duration> {
        if self.troubles.rate_per_partner <= 0.0 {
            return None;
        }
        let each = Duration::from_secs_f64(1.0 / self.troubles.rate_per_partner);
        let next = self.next.entry(partner.to_owned()).or_insert(now);
        let ahead = next.saturating_duration_since(now);
        if ahead > Duration::from_secs(1) {
            return Some(ahead);
        }
        *next = (*next).max(now) + each;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_has_the_same_troubles_in_the_shares_asked_for() {
        let troubles = Troubles { throttled: 0.1, failed_after: 0.2, silent: 0.1, busy: 0.1, seed: 7, ..Troubles::default() };
        let thrown = || {
            let (mut dice, now) = (Dice::new(troubles.clone()), Instant::now());
            (0..2_000).map(|_| dice.throw(Some("a"), now).1).collect::<Vec<_>>()
        };
        let fates = thrown();
        assert_eq!(fates, thrown());
        let share = |fate: Fate| fates.iter().filter(|one| **one == fate).count() as f64 / 2_000.0;
        for (fate, expected) in [(Fate::FailedAfter, 0.2), (Fate::SilentAfter, 0.05), (Fate::Busy, 0.1), (Fate::Answered, 0.5)] {
            assert!((share(fate) - expected).abs() < 0.04, "{fate:?}: {}", share(fate));
        }
    }

    #[test]
    fn a_partner_that_is_too_fast_is_throttled_alone() {
        let (mut dice, now) = (Dice::new(Troubles { rate_per_partner: 2.0, ..Troubles::default() }), Instant::now());
        let fates: Vec<_> = (0..5).map(|_| dice.throw(Some("a"), now).1).collect();
        assert_eq!(fates, [Fate::Answered, Fate::Answered, Fate::Answered, Fate::Throttled(1), Fate::Throttled(1)]);
        assert_eq!([dice.throw(Some("b"), now).1, dice.throw(None, now).1], [Fate::Answered; 2]);
        assert_eq!(dice.throw(Some("a"), now + Duration::from_secs(2)).1, Fate::Answered);
    }
}
