//! The receiving end of a queue.

use super::state::{Entry, Key};
use super::store::NewRow;
use super::writer::{Job, Settled};
use super::{Core, record};
use crate::{BrokerError, Consumer, DeadLetter, Delivery, DeliveryTag, Queue, Settlement, delay, letters};
use planshift_storage::StorageError;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

/// A batch takes no further message once it has this many bytes.
const BATCH_BYTES: usize = 32 * 1024 * 1024;
/// How long until messages that could not be read from the file are tried again.
const READ_AGAIN: Duration = Duration::from_millis(200);

/// Consumers are numbered over all brokers of the process: a tag from before a restart must not fit.
static NEXT_CONSUMER: AtomicU64 = AtomicU64::new(1);

pub(crate) struct EmbeddedConsumer {
    core: Arc<Core>,
    id: u64,
    queue: Key,
    changed: Arc<Notify>,
    closed: CancellationToken,
}

impl EmbeddedConsumer {
    /// `prefetch` is at least 1.
    pub(crate) fn subscribe(core: Arc<Core>, queue: Key, prefetch: usize, closed: CancellationToken) -> Self {
        let id = NEXT_CONSUMER.fetch_add(1, Ordering::Relaxed);
        let changed = core.state().subscribe(id, queue.clone(), prefetch.max(1));
        Self { core, id, queue, changed, closed }
    }

    /// Waits until something can be taken, and takes it. `None` once closed.
    async fn take(&self, max: usize) -> Option<TakenBatch<'_>> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Listening before looking: what arrives in between is not missed.
            changed.as_mut().enable();
            if self.closed.is_cancelled() {
                return None;
            }
            let entries = self.core.state().take(self.id, max, BATCH_BYTES);
            if !entries.is_empty() {
                return Some(TakenBatch { consumer: self, entries });
            }
            tokio::select! {
                () = changed => {}
                () = self.closed.cancelled() => return None,
            }
        }
    }

    /// What is there now, without waiting for more.
    async fn there_now(&self, max: usize) -> Result<Vec<Delivery>, StorageError> {
        loop {
            let entries = self.core.state().take(self.id, max, BATCH_BYTES);
            let nothing = entries.is_empty();
            let mut batch = TakenBatch { consumer: self, entries };
            self.complete(&mut batch).await?;
            if nothing || !batch.entries.is_empty() {
                return Ok(std::mem::take(&mut batch.entries).into_iter().filter_map(|entry| self.delivery(entry)).collect());
            }
        }
    }

    /// Reads what is in the file alone. An entry without a row any more is taken out.
    async fn complete(&self, batch: &mut TakenBatch<'_>) -> Result<(), StorageError> {
        let missing: Vec<i64> = batch.entries.iter().filter(|entry| entry.message.is_none()).map(|entry| entry.row).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut found = self.core.store.messages(&missing).await?;
        for entry in &mut batch.entries {
            if entry.message.is_none() {
                entry.message = found.remove(&entry.row);
            }
        }
        let (complete, lost): (Vec<_>, Vec<_>) = std::mem::take(&mut batch.entries).into_iter().partition(|entry| entry.message.is_some());
        batch.entries = complete;
        let mut state = self.core.state();
        for entry in lost {
            tracing::error!(row = entry.row, "a message is not in the broker's file any more");
            state.withdraw(self.id, entry.row);
        }
        Ok(())
    }

    fn delivery(&self, entry: Entry) -> Option<Delivery> {
        Some(Delivery {
            tag: DeliveryTag { epoch: self.id, wire: entry.row.cast_unsigned(), part: 0 },
            message: entry.message?,
            content_type: None,
            sender: entry.sender,
            attempts: entry.attempts,
            redelivered: entry.redelivered,
            dead: entry.dead,
        })
    }

    fn queue_name(&self) -> String {
        match &self.queue {
            Key::Durable(queue) => queue.name().to_owned(),
            Key::Answers(name) => name.clone(),
        }
    }

    /// Answers live in memory: done, kept for later there, or stored as a dead letter like any other.
    fn settle_answer(&self, row: i64, settlement: Settlement, dead_letters: &mut Vec<NewRow>) {
        let mut state = self.core.state();
        let Some((key, entry)) = state.withdraw(self.id, row) else { return };
        let tried = u32::from(!matches!(settlement, Settlement::Wait { .. }));
        match settlement {
            Settlement::Ack => {}
            Settlement::Retry { delay } | Settlement::Wait { delay } => {
                state.delay(key, Entry { attempts: entry.attempts + tried, ..entry }, due(delay));
                self.core.due_changed.notify_one();
            }
            Settlement::Dead { reason, description } => {
                let attempts = entry.attempts + 1;
                let dead = DeadLetter { reason, queue: self.queue_name(), attempts, description };
                if let Some(message) = entry.message {
                    let (sender, size) = (entry.sender, entry.size);
                    dead_letters.push(NewRow { row: 0, queue: Queue::Dead, sender, attempts, size, message, dead: Some(dead) });
                }
            }
        }
    }
}

/// Entries on their way to the consumer's caller: back into the queue if the call is dropped half-way.
struct TakenBatch<'a> {
    consumer: &'a EmbeddedConsumer,
    entries: Vec<Entry>,
}

impl Drop for TakenBatch<'_> {
    fn drop(&mut self) {
        if !self.entries.is_empty() {
            self.consumer.core.state().put_back(self.consumer.id, std::mem::take(&mut self.entries));
        }
    }
}

#[async_trait::async_trait]
impl Consumer for EmbeddedConsumer {
    async fn next(&mut self, max: usize) -> Option<Vec<Delivery>> {
        loop {
            let mut batch = self.take(max.max(1)).await?;
            match self.complete(&mut batch).await {
                Ok(()) if batch.entries.is_empty() => {}
                Ok(()) => return Some(std::mem::take(&mut batch.entries).into_iter().filter_map(|entry| self.delivery(entry)).collect()),
                Err(error) => {
                    tracing::warn!(error = %error, "messages could not be read from the broker's file; trying again");
                    drop(batch);
                    tokio::time::sleep(READ_AGAIN).await;
                }
            }
        }
    }

    async fn settle(&mut self, settlements: Vec<(DeliveryTag, Settlement)>) -> Result<(), BrokerError> {
        let mut acknowledged = Vec::new();
        let mut settled = Settled { consumer: self.id, ..Settled::default() };
        let mut dead_answers = Vec::new();
        for (tag, settlement) in settlements {
            if tag.epoch != self.id {
                continue;
            }
            let row = tag.wire.cast_signed();
            if matches!(self.queue, Key::Answers(_)) {
                self.settle_answer(row, settlement, &mut dead_answers);
                continue;
            }
            let Some(attempts) = self.core.state().attempts(self.id, row) else { continue };
            match settlement {
                Settlement::Ack => acknowledged.push(row),
                Settlement::Retry { delay } => settled.delay.push((row, due(delay), attempts + 1)),
                Settlement::Wait { delay } => settled.delay.push((row, due(delay), attempts)),
                Settlement::Dead { reason, description } => {
                    let dead = DeadLetter { reason, queue: self.queue_name(), attempts: attempts + 1, description };
                    settled.bury.push((row, dead));
                }
            }
        }
        if !acknowledged.is_empty() {
            let mut state = self.core.state();
            acknowledged.retain(|row| state.withdraw(self.id, *row).is_some());
            drop(state);
            self.core.acknowledged.add(&acknowledged);
        }
        let (done, outcome) = oneshot::channel();
        let job = if !dead_answers.is_empty() {
            Job::Publish { rows: dead_answers, done }
        } else if !settled.delay.is_empty() || !settled.bury.is_empty() {
            Job::Settle { settled, done }
        } else {
            return Ok(());
        };
        let gone = || BrokerError::Unavailable("it was closed".to_owned());
        self.core.jobs.send(job).map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
    }
}

/// A pass through the dead letters: consumed and not settled, and back in their place when it is over.
pub(crate) struct EmbeddedLetters {
    consumer: EmbeddedConsumer,
    waiting: VecDeque<Delivery>,
}

impl EmbeddedLetters {
    pub(crate) fn begin(core: Arc<Core>, closed: CancellationToken) -> Self {
        let consumer = EmbeddedConsumer::subscribe(core, Key::Durable(Queue::Dead), usize::MAX, closed);
        Self { consumer, waiting: VecDeque::new() }
    }
}

#[async_trait::async_trait]
impl letters::Letters for EmbeddedLetters {
    async fn next(&mut self) -> Result<Option<Delivery>, BrokerError> {
        if self.waiting.is_empty() {
            self.waiting.extend(self.consumer.there_now(letters::BATCH).await?);
        }
        Ok(self.waiting.pop_front())
    }

    async fn take_out(&mut self, tag: DeliveryTag) -> Result<(), BrokerError> {
        self.consumer.settle(vec![(tag, Settlement::Ack)]).await
    }

    async fn end(self: Box<Self>) {}
}

impl Drop for EmbeddedConsumer {
    fn drop(&mut self) {
        self.core.state().unsubscribe(self.id);
    }
}

/// When a retry comes back.
fn due(wanted: Duration) -> i64 {
    let (_, wait) = delay::choose(wanted);
    record::now() + i64::try_from(wait.as_micros()).unwrap_or(i64::MAX / 2)
}
