//! How fast a partner may ask: a bucket of tokens for each, which fills evenly. Operators have none.
//!
//! Each replica counts for itself.

use planshift_domain::{ids::PartnerId, time::Timestamp};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// How many partners are remembered before those that have not asked for long are forgotten.
const PARTNERS: usize = 10_000;

/// The buckets.
pub(crate) struct Pace {
    /// How many requests a second fill again.
    rate: f64,
    /// How many may come at once.
    burst: f64,
    buckets: Mutex<HashMap<PartnerId, Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    at: Timestamp,
}

impl Pace {
    /// So many requests a minute, and so many at once.
    pub(crate) fn new(per_minute: u32, burst: u32) -> Self {
        Self { rate: f64::from(per_minute.max(1)) / 60.0, burst: f64::from(burst.max(1)), buckets: Mutex::default() }
    }

    /// Takes one request of a partner; or says after how many seconds it may come again.
    pub(crate) fn take(&self, partner: PartnerId, now: Timestamp) -> Result<(), u32> {
        // a panic elsewhere leaves it whole: at worst a request is counted twice
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= PARTNERS && !buckets.contains_key(&partner) {
            buckets.retain(|_, bucket| self.filled(*bucket, now) < self.burst);
        }
        let bucket = buckets.entry(partner).or_insert(Bucket { left: self.burst, at: now });
        let left = self.filled(*bucket, now);
        *bucket = Bucket { left: if left >= 1.0 { left - 1.0 } else { left }, at: now };
        if left >= 1.0 {
            return Ok(());
        }
        // at most a minute, for the rate is at least one a minute
        Err(((1.0 - left) / self.rate).ceil().clamp(1.0, 60.0) as u32)
    }

    fn filled(&self, bucket: Bucket, now: Timestamp) -> f64 {
        // a clock that is set back fills nothing
        (bucket.left + now.seconds_since(bucket.at).max(0.0) * self.rate).min(self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_burst_then_as_fast_as_it_fills_and_each_partner_alone() {
        let pace = Pace::new(30, 3);
        let (one, other) = (PartnerId(Uuid::from_u128(1)), PartnerId(Uuid::from_u128(2)));
        for _ in 0..3 {
            assert_eq!(pace.take(one, at(0)), Ok(()));
        }
        assert_eq!(pace.take(one, at(0)), Err(2));
        assert_eq!(pace.take(other, at(0)), Ok(()));
        assert_eq!(pace.take(one, at(1)), Err(1), "a refusal costs nothing");
        assert_eq!(pace.take(one, at(2)), Ok(()));
        assert_eq!(pace.take(one, at(1)), Err(2), "a clock that goes back");
        for _ in 0..3 {
            assert_eq!(pace.take(one, at(1_000)), Ok(()));
        }
        assert!(pace.take(one, at(1_000)).is_err(), "it never holds more than a burst");
    }

    #[test]
    fn partners_that_ask_no_more_are_forgotten() {
        let pace = Pace::new(60, 2);
        for n in 0..=PARTNERS as u128 {
            pace.take(PartnerId(Uuid::from_u128(n)), at(i64::try_from(n).unwrap())).unwrap();
        }
        assert!(pace.buckets.lock().unwrap().len() < 10);
    }
}
