//! After how long an attempt that failed is made again.

use std::time::Duration;

/// How often a delivery is tried before it is dead. Source: Partner Center's ten.
pub(crate) const ATTEMPTS: u32 = 10;
/// After the first attempt; each time it is so many times as long, up to the longest. Nine waits: eleven hours at most.
const FIRST: Duration = Duration::from_secs(10);
const TIMES: u32 = 3;
/// However often, and whatever the receiver asks for.
const LONGEST: Duration = Duration::from_secs(4 * 3600);

/// How long to wait after so many attempts. Half of it is chance, so that what failed at once does not come again at once; a receiver
/// that asks for a later time (`Retry-After`) gets it, within the bound.
pub(super) fn wait(attempts: u32, fraction: f64, asked: Option<Duration>) -> Duration {
    grown(FIRST, TIMES, attempts, LONGEST).mul_f64(0.5 + fraction / 2.0).max(asked.unwrap_or_default()).min(LONGEST)
}

/// The first, `times` as long with each that failed before it, and no longer than the longest.
pub(super) fn grown(first: Duration, times: u32, failures: u32, longest: Duration) -> Duration {
    first.saturating_mul(times.saturating_pow(failures.saturating_sub(1))).min(longest)
}

/// `Retry-After` in seconds. Source: RFC 9110, section 10.2.3; its other form, a date, is not read: the own wait holds then.
pub(super) fn retry_after(value: &str) -> Option<Duration> {
    value.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound_and_are_never_the_same() {
        let longest: Vec<u64> = (1..ATTEMPTS).map(|attempts| wait(attempts, 1.0, None).as_secs()).collect();
        assert_eq!(longest, [10, 30, 90, 270, 810, 2_430, 7_290, 14_400, 14_400]);
        assert_eq!(wait(1, 0.0, None), Duration::from_secs(5));
        assert_eq!(wait(u32::MAX, 1.0, None), LONGEST);
    }

    #[test]
    fn a_receiver_is_heard_within_the_bound() {
        assert_eq!(wait(1, 0.0, retry_after(" 60 ")), Duration::from_secs(60));
        assert_eq!(wait(5, 0.0, retry_after("1")), Duration::from_secs(405), "sooner than that helps nobody");
        assert_eq!(wait(1, 0.0, retry_after("999999999")), LONGEST);
        for other in ["", "-1", "soon", "Fri, 31 Dec 1999 23:59:59 GMT", "99999999999999999999999"] {
            assert_eq!(retry_after(other), None, "{other}");
        }
    }
}
