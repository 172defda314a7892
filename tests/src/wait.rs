//! Waiting for a condition, with a deadline.

use std::time::{Duration, Instant};

/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Asks `look` until it gives something, and returns that.
///
/// # Panics
/// When `limit` has passed; the message names `what`.
pub fn until_some<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < limit, "waited {limit:?} in vain: {what}");
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Asks `holds` until it says yes.
///
/// # Panics
/// As [`until_some`].
pub fn until(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    until_some(what, limit, || holds().then_some(()));
}
