//! How fast the effects of one partner are asked for: a token bucket, closed for a while where the outside system says so.
//!
//! What comes back is spread: each group that is put off is told a time at which the ones before it have had theirs.

use std::time::Duration;

/// The shortest and the longest time that an outside system is left alone: what it says itself is kept within.
pub(super) const SHORTEST: Duration = Duration::from_millis(100);
pub(super) const LONGEST: Duration = Duration::from_secs(300);
/// How long, where it does not say.
pub(super) const UNSAID: Duration = Duration::from_secs(1);

/// What an outside system has asked for, kept within bounds.
pub(super) fn bounded(asked: Option<Duration>) -> Duration {
    asked.unwrap_or(UNSAID).clamp(SHORTEST, LONGEST)
}

/// Times are microseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    tokens: f64,
    filled: i64,
    closed_until: i64,
    promised_until: i64,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(now: i64, burst: u32) -> Self {
        Self { tokens: f64::from(burst), filled: now, closed_until: now, promised_until: now }
    }

    /// Takes a token, or says after how long there will be one.
    pub(super) fn take(&mut self, now: i64, rate: Option<f64>, burst: u32) -> Result<(), Duration> {
        if now < self.closed_until {
            return Err(between(now, self.closed_until));
        }
        let Some(rate) = rate else { return Ok(()) };
        let since = between(self.filled, now).as_secs_f64();
        self.tokens = (self.tokens + since * rate).min(f64::from(burst.max(1)));
        self.filled = self.filled.max(now);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        // one token's worth of time behind those who were told before
        let one = micros(Duration::from_secs_f64(1.0 / rate));
        self.promised_until = self.promised_until.max(now).saturating_add(one).min(now.saturating_add(micros(LONGEST)));
        Err(between(now, self.promised_until))
    }

    /// Closed for this long: the outside system has had enough of this partner.
    pub(super) fn close(&mut self, now: i64, asked: Option<Duration>) -> Duration {
        self.closed_until = self.closed_until.max(now.saturating_add(micros(bounded(asked))));
        between(now, self.closed_until)
    }

    /// Would a new one do as well?
    pub(super) fn is_idle(&self, now: i64, rate: Option<f64>, burst: u32) -> bool {
        let full = rate.is_none_or(|rate| self.tokens + between(self.filled, now).as_secs_f64() * rate >= f64::from(burst));
        full && now >= self.closed_until && now >= self.promised_until
    }
}

pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// How long from one instant to another; nothing where the clock went back.
pub(super) fn between(from: i64, to: i64) -> Duration {
    Duration::from_micros(u64::try_from(to.saturating_sub(from)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_burst_at_once_and_then_the_rate() {
        let mut bucket = Bucket::new(0, 3);
        let mut take = |now| bucket.take(now, Some(2.0), 3);
        assert_eq!([take(0), take(0), take(0)], [Ok(()); 3]);
        // whoever is put off is told a time of its own
        assert_eq!([take(0), take(0)], [Err(Duration::from_millis(500)), Err(Duration::from_secs(1))]);
        assert_eq!([take(SECOND / 2), take(SECOND)], [Ok(()), Ok(())]);
        assert_eq!((0..9).filter(|_| take(100 * SECOND).is_ok()).count(), 3, "a pause does not save up more than a burst");
    }

    #[test]
    fn without_a_rate_only_the_outside_system_says_no() {
        let mut bucket = Bucket::new(0, 1);
        assert!((0..100).all(|_| bucket.take(0, None, 1).is_ok()));
        assert_eq!(bucket.close(0, Some(Duration::from_secs(7))), Duration::from_secs(7));
        assert_eq!(bucket.take(2 * SECOND, None, 1), Err(Duration::from_secs(5)));
        assert!(!bucket.is_idle(2 * SECOND, None, 1) && bucket.is_idle(7 * SECOND, None, 1));
        assert_eq!(bucket.take(7 * SECOND, None, 1), Ok(()));
    }

    #[test]
    fn what_is_asked_for_is_kept_within_bounds() {
        assert_eq!(bounded(Some(Duration::ZERO)), SHORTEST);
        assert_eq!(bounded(Some(Duration::from_secs(86_400))), LONGEST);
        assert_eq!(bounded(None), UNSAID);
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing_and_takes_nothing() {
        let mut bucket = Bucket::new(10 * SECOND, 1);
        assert_eq!(bucket.take(10 * SECOND, Some(1.0), 1), Ok(()));
        assert!(bucket.take(SECOND, Some(1.0), 1).is_err());
        assert_eq!(bucket.take(11 * SECOND, Some(1.0), 1), Ok(()));
    }
}
