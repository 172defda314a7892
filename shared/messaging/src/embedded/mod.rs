//! The broker in this process: queues in memory, what was accepted in one SQLite file.
//!
//! - `publish` returns when its messages are committed; publishers that wait at the same time share one commit.
//! - An acknowledgement is deleted along with the next commit. One that is lost in a crash is a redelivery, as with any broker.
//! - A retry or a dead letter is committed before `settle` returns, in one step: nothing is lost or doubled in between.
//! - A queue keeps message bodies in memory up to a limit, and the rest in the file alone.
//! - Answers go to queues in memory that are gone with their askers; an unknown asker's answer is dropped.
//! - The broker knows who publishes, because it hands each service its own handle ([`EmbeddedBroker::for_service`]).
//!
//! One process at a time may have the file open: the queues are in its memory.

mod consumer;
mod handle;
mod load;
mod record;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod timer;
mod writer;

use crate::{BrokerError, Queue, Service, SharedBroker};
use state::State;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use store::Store;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use writer::Job;

/// The broker in this process. Cheap to clone; gone, with everything in flight, when the last clone, handle and consumer is.
#[derive(Clone)]
pub struct EmbeddedBroker {
    core: Arc<Core>,
}

/// How much a queue holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// Can be delivered now.
    pub ready: usize,
    /// Waits for its retry.
    pub delayed: usize,
    /// Was delivered and is not settled.
    pub unsettled: usize,
    /// What is ready and in memory, about. The rest is in the file alone.
    pub bytes_in_memory: usize,
}

/// What handles, consumers and tasks share.
pub(crate) struct Core {
    state: std::sync::Mutex<State>,
    store: Store,
    /// To the writer, which ends when the last sender is gone.
    jobs: mpsc::UnboundedSender<Job>,
    /// Acknowledged and not deleted yet.
    acknowledged: Arc<Acknowledged>,
    /// The earliest due time changed.
    due_changed: Arc<Notify>,
    /// Did the last commit succeed?
    healthy: Arc<AtomicBool>,
    closed: CancellationToken,
}

/// Row numbers of acknowledged messages, until a commit deletes them.
#[derive(Default)]
pub(crate) struct Acknowledged {
    rows: std::sync::Mutex<Vec<i64>>,
    some: Notify,
}

impl EmbeddedBroker {
    /// Opens the broker's file, creating it where there is none, and takes up what it holds. Needs a Tokio runtime.
    ///
    /// # Errors
    /// `BrokerError::Store` where the file cannot be opened or read.
    pub async fn open(path: &Path) -> Result<Self, BrokerError> {
        let store = Store::open(path).await?;
        let (state, next_row) = load::load(&store).await?;
        let (jobs, queue) = mpsc::unbounded_channel();
        let acknowledged = Arc::new(Acknowledged::default());
        let healthy = Arc::new(AtomicBool::new(true));
        let core = Arc::new(Core {
            state: std::sync::Mutex::new(state),
            store: store.clone(),
            jobs,
            acknowledged: acknowledged.clone(),
            due_changed: Arc::new(Notify::new()),
            healthy: healthy.clone(),
            closed: CancellationToken::new(),
        });
        writer::spawn(store, queue, acknowledged, healthy, next_row, Arc::downgrade(&core));
        timer::spawn(Arc::downgrade(&core), core.due_changed.clone(), core.closed.clone());
        Ok(Self { core })
    }

    /// The handle that a service publishes and consumes with. What it publishes carries the service as its sender.
    /// Closing it ends its own consumers and publishing, and nobody else's.
    pub fn for_service(&self, service: Service) -> SharedBroker {
        Arc::new(handle::Handle::new(self.core.clone(), service))
    }

    /// How much a queue holds, for health and metrics.
    pub fn depth(&self, queue: Queue) -> QueueDepth {
        self.core.state().depth(queue)
    }

    /// Ends every consumer, commits what is under way, and closes the file.
    pub async fn close(&self) {
        self.core.closed.cancel();
        let (done, finished) = tokio::sync::oneshot::channel();
        if self.core.jobs.send(Job::Stop { done }).is_ok() {
            // The writer drops the sender where it is gone already: closed is closed.
            let _ = finished.await;
        }
        self.core.store.close().await;
    }
}

impl Core {
    /// The queues. A panic in another thread leaves them consistent: every change is made under one lock, without waiting.
    pub(crate) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        // Ends the timer; the writer ends because its channel closes.
        self.closed.cancel();
    }
}

impl Acknowledged {
    pub(crate) fn add(&self, rows: &[i64]) {
        if !rows.is_empty() {
            self.lock().extend_from_slice(rows);
            self.some.notify_one();
        }
    }

    /// What is to be deleted now; to be given back with `add` where the commit fails.
    pub(crate) fn take(&self) -> Vec<i64> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<i64>> {
        self.rows.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
