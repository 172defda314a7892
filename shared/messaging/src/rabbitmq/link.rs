//! A connection and its supervisor: up, or on its way there.

use super::address::Address;
use super::backoff::Backoff;
use super::topology;
use lapin::{Channel, Connection};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A connection that is not up by then is not coming up.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// How often a connection is looked at. Whoever uses it notices sooner; this is for those who wait.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A polite close is given up after this time.
pub(super) const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// A connection that is made again whenever it is lost. Cheap to clone.
#[derive(Clone)]
pub(super) struct Link {
    current: watch::Receiver<Option<Arc<Connection>>>,
    end: CancellationToken,
    /// How often it was made.
    made: Arc<AtomicU64>,
}

impl Link {
    /// Starts the supervisor. It ends, closing the connection, with `end`.
    pub(super) fn start(address: Address, name: String, end: CancellationToken) -> (Self, JoinHandle<()>) {
        let (sender, current) = watch::channel(None);
        let made = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn(supervise(address, name, sender, made.clone(), end.clone()));
        (Self { current, end, made }, task)
    }

    /// A new channel on the connection, as soon as there is one that is not blocked. Waits for as long as it takes.
    /// `None` once the supervisor has ended.
    pub(super) async fn channel(&self, blocked_is_no_hindrance: bool) -> Option<Channel> {
        let mut current = self.current.clone();
        loop {
            let connection = current.wait_for(Option::is_some).await.ok()?.clone()?;
            let status = connection.status();
            if status.connected()
                && (blocked_is_no_hindrance || !status.blocked())
                && let Ok(channel) = connection.create_channel().await
            {
                return Some(channel);
            }
            drop(connection);
            // Not usable: the supervisor sees that too, and replaces it; or it is unblocked.
            let changed = tokio::time::timeout(LOOK_EVERY, current.changed()).await;
            if matches!(changed, Ok(Err(_))) {
                return None;
            }
        }
    }

    /// Connected, and neither lost nor blocked.
    pub(super) fn is_up(&self) -> bool {
        let current = self.current.borrow();
        current.as_ref().is_some_and(|connection| connection.status().connected() && !connection.status().blocked())
    }

    /// How often it was made so far.
    pub(super) fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    pub(super) fn end(&self) {
        self.end.cancel();
    }
}

async fn supervise(
    address: Address,
    name: String,
    current: watch::Sender<Option<Arc<Connection>>>,
    made: Arc<AtomicU64>,
    end: CancellationToken,
) {
    let mut backoff = Backoff::new();
    while !end.is_cancelled() {
        match end.run_until_cancelled(connect(&address, &name)).await {
            None => break,
            Some(Ok(connection)) => {
                tracing::info!(connection = name, "connected to the broker");
                made.fetch_add(1, Ordering::Relaxed);
                backoff.established();
                let connection = Arc::new(connection);
                current.send_replace(Some(connection.clone()));
                if end.run_until_cancelled(lost(&connection)).await.is_none() {
                    current.send_replace(None);
                    let _ = tokio::time::timeout(CLOSE_DEADLINE, connection.close(200, "OK".into())).await;
                    break;
                }
                tracing::warn!(connection = name, "the connection to the broker was lost");
                current.send_replace(None);
            }
            Some(Err(reason)) => tracing::warn!(connection = name, reason, "the broker is not reached"),
        }
        let _ = end.run_until_cancelled(tokio::time::sleep(backoff.failed())).await;
    }
}

async fn connect(address: &Address, name: &str) -> Result<Connection, String> {
    let connecting = async {
        let connection = address.connect(name).await?;
        topology::declare(&connection, address.manner()).await?;
        Ok(connection)
    };
    tokio::time::timeout(CONNECT_DEADLINE, connecting).await.unwrap_or_else(|_| Err("no answer in time".to_owned()))
}

/// Waits until the connection is of no more use.
async fn lost(connection: &Connection) {
    while connection.status().connected() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
