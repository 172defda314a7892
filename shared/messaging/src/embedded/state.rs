//! The queues in memory. Nothing here waits: every change is one step under the lock.

use crate::{DeadLetter, Message, Queue, Service};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::sync::Notify;

/// A queue keeps the messages themselves up to this many bytes; those beyond are read from the file when their turn comes.
pub(crate) const QUEUE_MEMORY_BYTES: usize = 32 * 1024 * 1024;

/// An asker's queue holds at most this many answers: one that has stopped reading must not fill the memory.
const MOST_ANSWERS: usize = 10_000;

/// Which queue: one of those with a name in the file, or an asker's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Durable(Queue),
    Answers(String),
}

/// What is known of a message that waits or is being worked on.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Its row in the file (answers have a number too, and no row).
    pub(crate) row: i64,
    /// The message, unless it is in the file alone.
    pub(crate) message: Option<Message>,
    /// What the message takes in memory, about.
    pub(crate) size: usize,
    pub(crate) sender: Option<Service>,
    pub(crate) attempts: u32,
    pub(crate) redelivered: bool,
    pub(crate) dead: Option<DeadLetter>,
}

/// What was delivered: where it came from, to go back there.
struct Taken {
    position: u64,
    entry: Entry,
}

#[derive(Default)]
struct QueueState {
    /// In the order of delivery.
    ready: BTreeMap<u64, Entry>,
    /// Bytes of the messages in `ready`.
    bytes: usize,
    delayed: usize,
    unsettled: usize,
    changed: Arc<Notify>,
}

/// The consumers' side of a queue.
struct Subscription {
    queue: Key,
    prefetch: usize,
    /// By row.
    unsettled: BTreeMap<i64, Taken>,
}

/// All queues, their consumers, and what waits for its time.
#[derive(Default)]
pub(crate) struct State {
    queues: HashMap<Key, QueueState>,
    subscriptions: HashMap<u64, Subscription>,
    /// By due time (microseconds since 1970), then position.
    delayed: BTreeMap<(i64, u64), (Key, Entry)>,
    next_position: u64,
    /// Numbers of answers, negative so that they never meet a row's.
    last_answer: i64,
}

impl State {
    /// Appends to a queue. The message stays in memory while the queue is below its limit.
    pub(crate) fn push(&mut self, key: &Key, mut entry: Entry) {
        let position = self.position();
        let queue = self.queues.entry(key.clone()).or_default();
        if matches!(key, Key::Durable(_)) && queue.bytes + entry.size > QUEUE_MEMORY_BYTES {
            entry.message = None;
        }
        queue.put(position, entry);
    }

    /// Puts an answer into its asker's queue; `false` where there is no such asker, or it has stopped reading.
    pub(crate) fn answer(&mut self, name: &str, sender: Service, message: Message) -> bool {
        let key = Key::Answers(name.to_owned());
        if self.queues.get(&key).is_none_or(|queue| queue.ready.len() >= MOST_ANSWERS) {
            return false;
        }
        self.last_answer -= 1;
        let size = super::record::size(&message);
        let row = self.last_answer;
        self.push(&key, Entry { row, message: Some(message), size, sender: Some(sender), attempts: 0, redelivered: false, dead: None });
        true
    }

    /// Puts a message into the queue of every asker that reads.
    pub(crate) fn tell_askers(&mut self, sender: Service, message: &Message) {
        let is_asker = |key: &Key| if let Key::Answers(name) = key { Some(name.clone()) } else { None };
        let names: Vec<String> = self.queues.keys().filter_map(is_asker).collect();
        for name in names {
            self.answer(&name, sender, message.clone());
        }
    }

    /// Keeps an entry until `due`.
    pub(crate) fn delay(&mut self, key: Key, mut entry: Entry, due: i64) {
        if matches!(key, Key::Durable(_)) {
            entry.message = None;
        }
        let position = self.position();
        self.queues.entry(key.clone()).or_default().delayed += 1;
        self.delayed.insert((due, position), (key, entry));
    }

    /// Moves what is due to its queue, and says when the next one is.
    pub(crate) fn release(&mut self, now: i64) -> Option<i64> {
        while let Some(first) = self.delayed.first_entry() {
            if first.key().0 > now {
                return Some(first.key().0);
            }
            let (key, entry) = first.remove();
            // An asker's queue is gone with its asker, and what waited for it too.
            if let Some(queue) = self.queues.get_mut(&key) {
                queue.delayed -= 1;
                self.push(&key, entry);
            }
        }
        None
    }

    /// A new consumer of a queue. Returns what tells it that the queue has something.
    pub(crate) fn subscribe(&mut self, id: u64, queue: Key, prefetch: usize) -> Arc<Notify> {
        let changed = self.queues.entry(queue.clone()).or_default().changed.clone();
        self.subscriptions.insert(id, Subscription { queue, prefetch, unsettled: BTreeMap::new() });
        changed
    }

    /// A consumer is gone: what it had goes back to where it was, to be delivered again. An asker's queue goes with it.
    pub(crate) fn unsubscribe(&mut self, id: u64) {
        let Some(subscription) = self.subscriptions.remove(&id) else { return };
        if let Key::Answers(_) = subscription.queue {
            self.queues.remove(&subscription.queue);
        } else if let Some(queue) = self.queues.get_mut(&subscription.queue) {
            for Taken { position, mut entry } in subscription.unsettled.into_values() {
                entry.redelivered = true;
                queue.unsettled -= 1;
                queue.put(position, entry);
            }
        }
    }

    /// Takes the next entries for a consumer: at most `max`, within its prefetch, and of about `bytes` altogether.
    pub(crate) fn take(&mut self, id: u64, max: usize, bytes: usize) -> Vec<Entry> {
        let Some(subscription) = self.subscriptions.get_mut(&id) else { return Vec::new() };
        let Some(queue) = self.queues.get_mut(&subscription.queue) else { return Vec::new() };
        let room = subscription.prefetch.saturating_sub(subscription.unsettled.len()).min(max);
        let mut batch = Vec::new();
        let mut total = 0;
        while batch.len() < room && total < bytes {
            let Some((position, entry)) = queue.ready.pop_first() else { break };
            if entry.message.is_some() {
                queue.bytes -= entry.size;
            }
            total += entry.size;
            queue.unsettled += 1;
            // What is delivered is not kept here as well, except an answer, which has no other place.
            let kept = if entry.row < 0 { entry.clone() } else { entry.without_message() };
            subscription.unsettled.insert(entry.row, Taken { position, entry: kept });
            batch.push(entry);
        }
        batch
    }

    /// Gives back what was taken and never reached the consumer's caller.
    pub(crate) fn put_back(&mut self, id: u64, entries: Vec<Entry>) {
        let Some(subscription) = self.subscriptions.get_mut(&id) else { return };
        let Some(queue) = self.queues.get_mut(&subscription.queue) else { return };
        for mut entry in entries {
            if let Some(taken) = subscription.unsettled.remove(&entry.row) {
                if entry.row > 0 {
                    entry.message = None;
                }
                queue.unsettled -= 1;
                queue.put(taken.position, entry);
            }
        }
    }

    /// How often a delivery was tried before; `None` where the consumer does not have it (any more).
    pub(crate) fn attempts(&self, id: u64, row: i64) -> Option<u32> {
        self.subscriptions.get(&id)?.unsettled.get(&row).map(|taken| taken.entry.attempts)
    }

    /// Takes a delivery away from its consumer, settled. `None` where it is not the consumer's any more.
    pub(crate) fn withdraw(&mut self, id: u64, row: i64) -> Option<(Key, Entry)> {
        let subscription = self.subscriptions.get_mut(&id)?;
        let taken = subscription.unsettled.remove(&row)?;
        if let Some(queue) = self.queues.get_mut(&subscription.queue) {
            queue.unsettled -= 1;
        }
        Some((subscription.queue.clone(), taken.entry))
    }

    pub(crate) fn consumers(&self, queue: Queue) -> usize {
        let key = Key::Durable(queue);
        self.subscriptions.values().filter(|subscription| subscription.queue == key).count()
    }

    pub(crate) fn depth(&self, queue: Queue) -> super::QueueDepth {
        self.queues.get(&Key::Durable(queue)).map_or_else(super::QueueDepth::default, |queue| super::QueueDepth {
            ready: queue.ready.len(),
            delayed: queue.delayed,
            unsettled: queue.unsettled,
            bytes_in_memory: queue.bytes,
        })
    }

    fn position(&mut self) -> u64 {
        self.next_position += 1;
        self.next_position
    }
}

impl Entry {
    /// A copy that leaves the message to the file.
    fn without_message(&self) -> Self {
        Self {
            row: self.row,
            message: None,
            size: self.size,
            sender: self.sender,
            attempts: self.attempts,
            redelivered: self.redelivered,
            dead: self.dead.clone(),
        }
    }
}

impl QueueState {
    fn put(&mut self, position: u64, entry: Entry) {
        if entry.message.is_some() {
            self.bytes += entry.size;
        }
        self.ready.insert(position, entry);
        self.changed.notify_waiters();
    }
}
