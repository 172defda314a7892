//! The receiving end of a queue.

use super::{
    Core, DELIVERY_LIMIT, Line,
    handle::lost,
    line,
    queues::{Entry, Key},
};
use crate::weather::Settled;
use async_trait::async_trait;
use planshift_messaging::{BrokerError, Consumer, DELAY_LEVELS, DeadLetter, Delivery, DeliveryTag, LONGEST_DELAY, Queue, Settlement};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A batch takes no further message once it has this many bytes.
const BATCH_BYTES: usize = 32 * 1024 * 1024;

/// A consumer.
pub(super) struct MemoryConsumer {
    core: Arc<Core>,
    id: u64,
    queue: Key,
    prefetch: usize,
    changed: Arc<Notify>,
    line: Option<Line>,
    closed: CancellationToken,
}

impl MemoryConsumer {
    pub(super) fn subscribe(core: Arc<Core>, queue: Key, prefetch: u16, line: Option<Line>, closed: CancellationToken) -> Self {
        let prefetch = usize::from(prefetch.max(1));
        let (id, changed) = core.queues().subscribe(queue.clone(), prefetch, line.as_ref().map(|line| line.process));
        Self { core, id, queue, prefetch, changed, line, closed }
    }

    /// The channel is lost: what was unsettled comes again, to whoever consumes. False where the queue went with it.
    fn lose_channel(&mut self) -> bool {
        let mut queues = self.core.queues();
        let unsettled = queues.unsubscribe(self.id);
        let is_own = matches!(self.queue, Key::Answers(_));
        if !is_own {
            let process = self.line.as_ref().map(|line| line.process);
            (self.id, self.changed) = queues.subscribe(self.queue.clone(), self.prefetch, process);
        }
        drop(queues);
        if let Some(line) = &self.line {
            line.note(None, || format!("loses its channel of {} with {unsettled} unsettled", self.queue.name()));
        }
        !is_own
    }

    /// Is this still the channel that it was?
    pub(super) const fn is_on(&self, epoch: u64) -> bool {
        self.id == epoch
    }

    /// What can be delivered now, without a wait for more.
    pub(super) async fn what_is_there(&self, max: usize) -> Result<Vec<Delivery>, BrokerError> {
        if let Some(line) = &self.line {
            line.pass().await;
            if line.is_cut() {
                return Err(lost());
            }
        }
        let mut queues = self.core.queues();
        if !queues.has(self.id) {
            return Err(lost());
        }
        queues.release(self.core.now());
        let taken = queues.take(self.id, max, BATCH_BYTES);
        drop(queues);
        Ok(taken.into_iter().map(|taken| self.delivery(taken)).collect())
    }

    fn delivery(&self, (number, entry): (u64, Entry)) -> Delivery {
        let Entry { message, sender, attempts, redelivered, dead } = entry;
        if let Some(line) = &self.line {
            let again = if redelivered { ", again" } else { "" };
            line.note(line::about(&message.correlation_id), || {
                format!(
                    "takes {} {}{again}{}",
                    message.kind,
                    message.message_id,
                    if attempts > 0 { format!(", attempt {}", attempts + 1) } else { String::new() }
                )
            });
        }
        let tag = DeliveryTag { epoch: self.id, wire: number, part: 0 };
        Delivery { tag, message: (*message).clone(), content_type: None, sender, attempts, redelivered, dead }
    }

    fn bury(&self, key: &Key, entry: Entry, reason: String, description: String) {
        if let Some(line) = &self.line {
            let message = &entry.message;
            line.note(line::about(&message.correlation_id), || {
                format!("gives up {} {}: {reason}: {description}", message.kind, message.message_id)
            });
        }
        let attempts = entry.attempts + 1;
        let dead = DeadLetter { reason, queue: key.name().to_owned(), attempts, description };
        self.core.queues().push(&Key::from(Queue::Dead), Entry { attempts, redelivered: false, dead: Some(dead), ..entry }, 0);
    }

    /// Without those that the broker gives up, since they were delivered and not settled too often. Nobody hears of that.
    fn within_the_limit(&self, mut taken: Vec<(u64, Entry)>) -> Vec<(u64, Entry)> {
        if let (Some(line), Key::Named(_)) = (&self.line, &self.queue) {
            taken.retain(|(number, entry)| {
                let is_given_up = entry.redelivered && line.weather.gives_up();
                let withdrawn = if is_given_up { self.core.queues().withdraw(self.id, *number) } else { None };
                if let Some((key, entry)) = withdrawn {
                    self.bury(&key, entry, DELIVERY_LIMIT.to_owned(), String::new());
                }
                !is_given_up
            });
        }
        taken
    }

    fn settle_now(&self, settlements: Vec<(DeliveryTag, Settlement)>) {
        let now = self.core.now();
        for (tag, settlement) in settlements {
            if tag.epoch != self.id {
                continue;
            }
            let mut queues = self.core.queues();
            let Some((key, entry)) = queues.withdraw(self.id, tag.wire) else { continue };
            let attempts = entry.attempts + u32::from(!matches!(settlement, Settlement::Wait { .. }));
            match settlement {
                Settlement::Ack => {}
                Settlement::Retry { delay } | Settlement::Wait { delay } => {
                    let wait = wait_of(delay, self.core.ports.random.fraction());
                    let dead = entry.dead.clone().map(|dead| DeadLetter { attempts, ..dead });
                    let due = now + i64::try_from(wait.as_micros()).unwrap_or(i64::MAX / 2);
                    queues.delay(key, Entry { attempts, redelivered: false, dead, ..entry }, due);
                }
                Settlement::Dead { reason, description } => {
                    drop(queues);
                    self.bury(&key, entry, reason, description);
                }
            }
        }
    }
}

/// How long a retry waits: between what is wanted and the level above it.
fn wait_of(wanted: Duration, fraction: f64) -> Duration {
    let level = DELAY_LEVELS.into_iter().map(|level| level.length).find(|length| *length >= wanted).unwrap_or(LONGEST_DELAY);
    let shortest = wanted.max(level / 2).min(level);
    shortest + (level - shortest).mul_f64(fraction)
}

#[async_trait]
impl Consumer for MemoryConsumer {
    async fn next(&mut self, max: usize) -> Option<Vec<Delivery>> {
        loop {
            if let Some(line) = self.line.clone() {
                line.pass().await;
                if line.is_cut() || !self.core.queues().has(self.id) {
                    if !self.lose_channel() {
                        return None;
                    }
                    line.reached().await;
                }
            }
            let changed = self.changed.clone();
            let changed = changed.notified();
            tokio::pin!(changed);
            // listening before looking: what arrives in between is not missed
            changed.as_mut().enable();
            if self.closed.is_cancelled() {
                return None;
            }
            let now = self.core.now();
            let (taken, due) = {
                let mut queues = self.core.queues();
                let due = queues.release(now);
                (queues.take(self.id, max.max(1), BATCH_BYTES), due)
            };
            let is_something = !taken.is_empty();
            let taken = self.within_the_limit(taken);
            if is_something && taken.is_empty() {
                continue;
            }
            if !taken.is_empty() {
                return Some(taken.into_iter().map(|taken| self.delivery(taken)).collect());
            }
            let wait = due.map_or(Duration::from_secs(3_600), |due| Duration::from_micros(u64::try_from(due - now).unwrap_or(0)));
            tokio::select! {
                biased;
                () = self.closed.cancelled() => return None,
                () = changed => {}
                () = self.core.ports.clock.sleep(wait) => {}
            }
        }
    }

    async fn settle(&mut self, settlements: Vec<(DeliveryTag, Settlement)>) -> Result<(), BrokerError> {
        let Some(line) = self.line.clone() else {
            self.settle_now(settlements);
            return Ok(());
        };
        line.pass().await;
        let fate = if line.is_cut() { Settled::Unheard } else { line.weather.settlement() };
        if fate != Settled::Unheard {
            self.settle_now(settlements);
        }
        if fate != Settled::Heard {
            // tags of a lost channel are nobody's: the broker delivers again
            self.lose_channel();
        }
        line.pass().await;
        Ok(())
    }
}

impl Drop for MemoryConsumer {
    fn drop(&mut self) {
        self.core.queues().unsubscribe(self.id);
    }
}
