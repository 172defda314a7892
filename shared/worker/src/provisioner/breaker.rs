//! Whether the outside system is called at all: not for a while after several calls in a row that nobody knows the outcome of.
//!
//! What it refuses, and what it has no time for because of one partner, says that it is well.

use super::bucket::{between, micros};
use std::time::Duration;

/// So many faults in a row open it.
const FAULTS: u32 = 5;
/// How long it is open first; twice as long each time that the call that tries fails too.
const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(60);
/// How long those wait who come while one call tries.
const TRYING: Duration = Duration::from_secs(1);

/// Times are microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breaker {
    /// Calls go through; so many faults in a row.
    Closed { faults: u32 },
    /// None does until then.
    Open { until: i64, length: Duration },
    /// One tries, which ends by then.
    HalfOpen { until: i64, length: Duration },
}

impl Breaker {
    pub(super) const fn new() -> Self {
        Self::Closed { faults: 0 }
    }

    /// May a call be made that ends within `limit`? Where not: after how long to ask again.
    pub(super) fn admit(&mut self, now: i64, limit: Duration) -> Result<(), Duration> {
        match *self {
            Self::Closed { .. } => Ok(()),
            Self::Open { until, .. } if now < until => Err(between(now, until)),
            Self::HalfOpen { until, .. } if now < until => Err(TRYING),
            // a call that tried and never told is as one that failed
            Self::Open { length, .. } | Self::HalfOpen { length, .. } => {
                *self = Self::HalfOpen { until: now.saturating_add(micros(limit)), length };
                Ok(())
            }
        }
    }

    /// A call was answered.
    pub(super) const fn answered(&mut self) {
        *self = Self::new();
    }

    /// A call was not, or by nobody who knows.
    pub(super) fn failed(&mut self, now: i64, asked: Option<Duration>) {
        let open = |length: Duration| Self::Open { until: now.saturating_add(micros(asked.unwrap_or_default().max(length))), length };
        *self = match *self {
            Self::Closed { faults } if faults + 1 < FAULTS => Self::Closed { faults: faults + 1 },
            Self::Closed { .. } => open(FIRST),
            Self::HalfOpen { length, .. } => open((length * 2).min(LONGEST)),
            // of calls that were under way when it opened
            open @ Self::Open { .. } => open,
        };
    }

    /// As the metric says it.
    pub(super) const fn level(self) -> f64 {
        match self {
            Self::Closed { .. } => 0.0,
            Self::HalfOpen { .. } => 1.0,
            Self::Open { .. } => 2.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const LIMIT: Duration = Duration::from_secs(10);

    fn opened() -> Breaker {
        let mut breaker = Breaker::new();
        (0..FAULTS).for_each(|_| breaker.failed(0, None));
        breaker
    }

    #[test]
    fn faults_in_a_row_open_it_and_an_answer_starts_the_count_again() {
        let mut breaker = Breaker::new();
        for _ in 0..3 {
            (1..FAULTS).for_each(|_| breaker.failed(0, None));
            assert_eq!(breaker.admit(0, LIMIT), Ok(()));
            breaker.answered();
        }
        assert_eq!(opened().admit(0, LIMIT), Err(FIRST));
        assert_eq!((opened().level(), breaker.level()), (2.0, 0.0));
    }

    #[test]
    fn one_call_tries_while_the_others_wait() {
        let mut breaker = opened();
        assert_eq!(breaker.admit(2 * SECOND, LIMIT), Ok(()));
        assert_eq!((breaker.level(), breaker.admit(2 * SECOND, LIMIT)), (1.0, Err(TRYING)));
        breaker.failed(3 * SECOND, None);
        assert_eq!(breaker.admit(3 * SECOND, LIMIT), Err(FIRST * 2));
        assert_eq!(breaker.admit(7 * SECOND, LIMIT), Ok(()));
        breaker.answered();
        assert_eq!([breaker.admit(7 * SECOND, LIMIT), breaker.admit(7 * SECOND, LIMIT)], [Ok(()); 2]);
    }

    #[test]
    fn a_call_that_tried_and_never_told_does_not_keep_it_half_open() {
        let mut breaker = opened();
        assert_eq!(breaker.admit(2 * SECOND, LIMIT), Ok(()));
        assert_eq!(breaker.admit(11 * SECOND, LIMIT), Err(TRYING));
        assert_eq!(breaker.admit(12 * SECOND, LIMIT), Ok(()));
    }

    #[test]
    fn it_never_stays_open_for_long() {
        let mut breaker = opened();
        let mut now = 0;
        for _ in 0..20 {
            let Err(wait) = breaker.admit(now, LIMIT) else { panic!("open") };
            assert!(wait <= LONGEST);
            now += micros(wait);
            assert_eq!(breaker.admit(now, LIMIT), Ok(()));
            breaker.failed(now, None);
        }
    }
}
