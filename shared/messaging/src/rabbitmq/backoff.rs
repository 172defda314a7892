//! Growing, jittered waits between attempts to reach the broker.

use rand::RngExt;
use std::time::{Duration, Instant};

const SHORTEST: Duration = Duration::from_millis(100);
/// An outage is noticed to be over after this time at the latest.
const LONGEST: Duration = Duration::from_secs(5);
/// What lasted this long was a success; what broke sooner counts as another failure.
const SUCCESS: Duration = Duration::from_secs(10);

pub(super) struct Backoff {
    wait: Duration,
    since: Option<Instant>,
}

impl Backoff {
    pub(super) const fn new() -> Self {
        Self { wait: SHORTEST, since: None }
    }

    /// It works, for now.
    pub(super) fn established(&mut self) {
        self.since = Some(Instant::now());
    }

    /// It failed, or broke: how long to wait.
    pub(super) fn failed(&mut self) -> Duration {
        if self.since.take().is_some_and(|since| since.elapsed() >= SUCCESS) {
            self.wait = SHORTEST;
        }
        let wait = self.wait;
        self.wait = (wait * 2).min(LONGEST);
        // Half of it is chance: replicas that lost one broker do not come back all at once.
        wait.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..12).map(|_| backoff.failed()).collect();
        assert!(waits[0] <= SHORTEST && waits[0] >= SHORTEST / 2, "{waits:?}");
        assert!(waits[11] <= LONGEST && waits[11] >= LONGEST / 2, "{waits:?}");
        backoff.established();
        assert!(backoff.failed() >= LONGEST / 2, "what breaks at once is a failure like any other");
    }
}
