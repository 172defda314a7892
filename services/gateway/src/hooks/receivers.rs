//! How partners' receivers are, as far as this replica has seen: who is served next, with how much, and who is left alone for a while.
//!
//! A receiver that is away is tried with one event, later and later, up to a minute: while it is away for a night, its events neither
//! come by the thousand nor use up their attempts. Whatever somebody asks for (a test, a redelivery, another URL) is tried at once.

use super::retry;
use planshift_domain::{ids::PartnerId, time::Timestamp};
use std::{collections::HashMap, time::Duration};

/// How many deliveries a batch has.
const BATCH: u32 = 40;
/// How long a receiver is left alone after its first failure; each time twice as long, up to the longest.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// What is known of them.
#[derive(Default)]
pub(super) struct Receivers(HashMap<PartnerId, Last>);

#[derive(Clone, Copy)]
struct Last {
    at: Timestamp,
    /// Batches that failed, one after the other, up to the last one.
    failures: u32,
    /// Not before.
    again: Timestamp,
}

impl Receivers {
    /// A batch has ended.
    pub(super) fn served(&mut self, partner: PartnerId, is_well: bool, now: Timestamp, fraction: f64) {
        let before = self.0.get(&partner).map_or(0, |last| last.failures);
        let failures = if is_well { 0 } else { before.saturating_add(1) };
        let pause = if is_well { Duration::ZERO } else { retry::grown(FIRST, 2, failures, LONGEST).mul_f64(0.5 + fraction / 2.0) };
        let again = Timestamp::from_micros(now.as_micros() + super::deliveries::micros(pause));
        self.0.insert(partner, Last { at: now, failures, again });
    }

    /// Somebody has asked for an attempt.
    pub(super) fn forget(&mut self, partner: PartnerId) {
        self.0.remove(&partner);
    }

    /// May it be called now?
    pub(super) fn may_be_called(&self, partner: PartnerId, now: Timestamp) -> bool {
        // a clock that was set back leaves nobody alone for longer
        self.0.get(&partner).is_none_or(|last| now >= last.again || now < last.at)
    }

    /// How many of its events are taken.
    pub(super) fn batch(&self, partner: PartnerId) -> u32 {
        self.0.get(&partner).map_or(BATCH, |last| if last.failures == 0 { BATCH } else { 1 })
    }

    /// Whoever was served longest ago comes first.
    pub(super) fn turn(&self, partner: PartnerId) -> Option<Timestamp> {
        // nothing comes before anything
        self.0.get(&partner).map(|last| last.at)
    }
}

/// Is a receiver that answers so away, or over its limits? Any other answer is about the one event.
pub(super) const fn is_away(status: Option<u16>) -> bool {
    matches!(status, None | Some(408 | 425 | 429 | 500..))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{at, id};

    #[test]
    fn one_that_fails_is_left_alone_longer_and_longer_and_is_itself_again_at_once() {
        let (mut receivers, one, other) = (Receivers::default(), id(1), id(2));
        assert!(receivers.may_be_called(one, at(0)));
        assert_eq!(receivers.batch(one), BATCH);
        let mut now = at(0);
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            receivers.served(one, false, now, 1.0);
            assert!(
                !receivers.may_be_called(one, now.plus_seconds(seconds - 1)) && receivers.may_be_called(one, now.plus_seconds(seconds))
            );
            assert_eq!(receivers.batch(one), 1);
            now = now.plus_seconds(seconds);
        }
        assert!(receivers.may_be_called(other, now));
        assert!(receivers.may_be_called(one, at(-5)), "a clock that goes back");
        receivers.served(one, true, now, 1.0);
        assert!(receivers.may_be_called(one, now));
        assert_eq!(receivers.batch(one), BATCH);
        receivers.served(one, false, now, 0.0);
        assert!(!receivers.may_be_called(one, now));
        receivers.forget(one);
        assert!(receivers.may_be_called(one, now), "somebody has asked");
    }

    #[test]
    fn who_was_never_served_and_then_who_was_served_longest_ago_comes_first() {
        let (mut receivers, partners) = (Receivers::default(), [1, 2, 3].map(id::<PartnerId>));
        receivers.served(partners[0], true, at(9), 0.5);
        receivers.served(partners[1], true, at(5), 0.5);
        let mut sorted = partners;
        sorted.sort_by_key(|partner| receivers.turn(*partner));
        assert_eq!(sorted, [partners[2], partners[1], partners[0]]);
    }

    #[test]
    fn an_answer_about_one_event_is_no_sign_of_being_away() {
        for away in [None, Some(408), Some(429), Some(500), Some(503), Some(599)] {
            assert!(is_away(away), "{away:?}");
        }
        for here in [200, 301, 400, 401, 404, 410, 422] {
            assert!(!is_away(Some(here)), "{here}");
        }
    }
}
