//! The one task that writes the file: whoever waits at the same time shares one commit.

use super::state::{Entry, Key, State};
use super::store::{Changes, NewRow, Store};
use super::{Acknowledged, Core};
use crate::{BrokerError, DeadLetter, Queue};
use planshift_storage::StorageError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// One commit takes at most this many messages …
const GROUP_MESSAGES: usize = 4_096;
/// … of at most about this many bytes: the first of them waits for the last.
const GROUP_BYTES: usize = 16 * 1024 * 1024;
/// An acknowledgement that no other commit takes along is deleted after this time.
const ACKNOWLEDGEMENT_LINGER: Duration = Duration::from_millis(100);

pub(crate) type Done = oneshot::Sender<Result<(), BrokerError>>;

/// Something to be committed.
pub(crate) enum Job {
    /// New messages. Their row numbers are given here, in the order of the jobs.
    Publish { rows: Vec<NewRow>, done: Done },
    /// What became of deliveries of one consumer, other than acknowledgements.
    Settle { settled: Settled, done: Done },
    /// Commit what is left and end.
    Stop { done: oneshot::Sender<()> },
}

/// Deliveries that are not simply done with.
#[derive(Default)]
pub(crate) struct Settled {
    pub(crate) consumer: u64,
    /// Row, due time, attempts from now on.
    pub(crate) delay: Vec<(i64, i64, u32)>,
    /// Rows that become dead letters.
    pub(crate) bury: Vec<(i64, DeadLetter)>,
}

/// Starts the task. It ends with `Stop`, or when all senders of jobs are gone.
pub(crate) fn spawn(
    store: Store,
    jobs: mpsc::UnboundedReceiver<Job>,
    acknowledged: Arc<Acknowledged>,
    healthy: Arc<AtomicBool>,
    next_row: i64,
    core: Weak<Core>,
) {
    tokio::spawn(Writer { store, jobs, acknowledged, healthy, next_row, core }.run());
}

struct Writer {
    store: Store,
    jobs: mpsc::UnboundedReceiver<Job>,
    acknowledged: Arc<Acknowledged>,
    healthy: Arc<AtomicBool>,
    next_row: i64,
    core: Weak<Core>,
}

impl Writer {
    async fn run(mut self) {
        loop {
            let linger = async {
                self.acknowledged.some.notified().await;
                tokio::time::sleep(ACKNOWLEDGEMENT_LINGER).await;
            };
            let mut group = Vec::new();
            let mut stop = None;
            let open = tokio::select! {
                job = self.jobs.recv() => match job {
                    Some(Job::Stop { done }) => { stop = Some(done); true }
                    Some(job) => { group.push(job); true }
                    None => false,
                },
                () = linger => true,
            };
            if stop.is_none() {
                stop = self.drain(&mut group);
            }
            self.commit(group).await;
            if let Some(done) = stop {
                // The one who closes may have gone away: closed is closed.
                let _ = done.send(());
                return;
            }
            if !open {
                return;
            }
        }
    }

    /// Takes what else waits, up to the limits of a group. Returns whom to tell if it is to be the last one.
    fn drain(&mut self, group: &mut Vec<Job>) -> Option<oneshot::Sender<()>> {
        let (mut messages, mut bytes) = group.iter().map(Job::weight).fold((0, 0), |sum, weight| (sum.0 + weight.0, sum.1 + weight.1));
        while messages < GROUP_MESSAGES && bytes < GROUP_BYTES {
            match self.jobs.try_recv() {
                Ok(Job::Stop { done }) => return Some(done),
                Ok(job) => {
                    let weight = job.weight();
                    messages += weight.0;
                    bytes += weight.1;
                    group.push(job);
                }
                Err(_) => break,
            }
        }
        None
    }

    async fn commit(&mut self, mut group: Vec<Job>) {
        for job in &mut group {
            if let Job::Publish { rows, .. } = job {
                for new in rows {
                    new.row = self.next_row;
                    self.next_row += 1;
                }
            }
        }
        let deleted = self.acknowledged.take();
        let changes = changes(&group, &deleted);
        if changes.insert.is_empty() && changes.delay.is_empty() && changes.bury.is_empty() && deleted.is_empty() {
            answer(group, &Ok(()));
            return;
        }
        let outcome = self.store.commit(&changes).await;
        drop(changes);
        self.healthy.store(outcome.is_ok(), Ordering::Relaxed);
        match &outcome {
            Ok(()) => {
                if let Some(core) = self.core.upgrade() {
                    apply(&core, &mut group);
                }
            }
            Err(error) => {
                tracing::error!(error = %error, "the broker's file could not be written");
                self.acknowledged.add(&deleted);
            }
        }
        answer(group, &outcome);
    }
}

impl Job {
    /// Messages and bytes.
    fn weight(&self) -> (usize, usize) {
        match self {
            Self::Publish { rows, .. } => (rows.len(), rows.iter().map(|new| new.size).sum()),
            Self::Settle { settled, .. } => (settled.delay.len() + settled.bury.len(), 0),
            Self::Stop { .. } => (0, 0),
        }
    }
}

fn changes<'a>(group: &'a [Job], deleted: &'a [i64]) -> Changes<'a> {
    let mut changes = Changes { delete: deleted, ..Changes::default() };
    for job in group {
        match job {
            Job::Publish { rows, .. } => changes.insert.extend(rows),
            Job::Settle { settled, .. } => {
                changes.delay.extend(&settled.delay);
                changes.bury.extend(settled.bury.iter().map(|(row, dead)| (*row, dead)));
            }
            Job::Stop { .. } => {}
        }
    }
    changes
}

/// What was committed becomes visible: in the queues, in the order of the rows.
fn apply(core: &Core, group: &mut [Job]) {
    let mut state = core.state();
    let mut delayed = false;
    for job in group {
        match job {
            Job::Publish { rows, .. } => {
                for new in rows.drain(..) {
                    state.push(&Key::Durable(new.queue), entry(new));
                }
            }
            Job::Settle { settled, .. } => {
                delayed |= !settled.delay.is_empty();
                settle(&mut state, settled);
            }
            Job::Stop { .. } => {}
        }
    }
    drop(state);
    if delayed {
        core.due_changed.notify_one();
    }
}

fn settle(state: &mut State, settled: &mut Settled) {
    for (row, due, attempts) in settled.delay.drain(..) {
        // Its consumer may be gone meanwhile: then it was put back already, and is delivered once more.
        if let Some((key, entry)) = state.withdraw(settled.consumer, row) {
            let dead = entry.dead.map(|dead| DeadLetter { attempts, ..dead });
            state.delay(key, Entry { attempts, redelivered: false, dead, ..entry }, due);
        }
    }
    for (row, dead) in settled.bury.drain(..) {
        if let Some((_, entry)) = state.withdraw(settled.consumer, row) {
            let buried = Entry { attempts: dead.attempts, redelivered: false, dead: Some(dead), ..entry };
            state.push(&Key::Durable(Queue::Dead), buried);
        }
    }
}

fn entry(new: NewRow) -> Entry {
    Entry {
        row: new.row,
        message: Some(new.message),
        size: new.size,
        sender: new.sender,
        attempts: new.attempts,
        redelivered: false,
        dead: new.dead,
    }
}

/// Tells everyone in the group. Who has gone away meanwhile does not know, as with any broker.
fn answer(group: Vec<Job>, outcome: &Result<(), StorageError>) {
    for job in group {
        if let Job::Publish { done, .. } | Job::Settle { done, .. } = job {
            let _ = done.send(match outcome {
                Ok(()) => Ok(()),
                Err(error) => Err(BrokerError::Store(again(error))),
            });
        }
    }
}

/// The same error for each of those who share a commit.
fn again(error: &StorageError) -> StorageError {
    match error {
        StorageError::CommitUnknown(text) => StorageError::CommitUnknown(text.clone()),
        StorageError::Conflict(text) => StorageError::Conflict(text.clone()),
        StorageError::Statement(text) => StorageError::Statement(text.clone()),
        StorageError::Schema(text) => StorageError::Schema(text.clone()),
        StorageError::Unavailable(text) => StorageError::Unavailable(text.clone()),
        other => StorageError::Unavailable(other.to_string()),
    }
}
