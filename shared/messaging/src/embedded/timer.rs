//! Brings retries back when they are due.

use super::{Core, record};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The wall clock is read again at least this often: it may be set while nothing is due.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);

/// Starts the task. It ends with the broker.
pub(crate) fn spawn(core: Weak<Core>, due_changed: Arc<Notify>, closed: CancellationToken) {
    tokio::spawn(async move { closed.run_until_cancelled(run(core, due_changed)).await });
}

async fn run(core: Weak<Core>, due_changed: Arc<Notify>) {
    loop {
        // Not held while asleep: the broker goes when its last user does.
        let Some(next) = core.upgrade().map(|core| core.state().release(record::now())) else { return };
        let wait =
            next.map_or(LONGEST_SLEEP, |due| Duration::from_micros(u64::try_from(due - record::now()).unwrap_or(0)).min(LONGEST_SLEEP));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = due_changed.notified() => {}
        }
    }
}
