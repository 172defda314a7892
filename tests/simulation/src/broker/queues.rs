//! The queues. Nothing here waits: every change is one step under the lock.

use super::Buried;
use crate::sim::ProcessId;
use planshift_messaging::{DeadLetter, Message, Queue, Service};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};
use tokio::sync::Notify;

/// A place in a queue: what has a lower one is delivered first.
type Position = (u64, u64);

/// Which queue: one of those with a name, or an asker's own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    Named(&'static str),
    Answers(String),
}

impl Key {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::Answers(name) => name,
        }
    }
}

impl From<Queue> for Key {
    fn from(queue: Queue) -> Self {
        Self::Named(queue.name())
    }
}

/// A message that waits, or is being worked on.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) message: Arc<Message>,
    pub(super) sender: Option<Service>,
    pub(super) attempts: u32,
    pub(super) redelivered: bool,
    pub(super) dead: Option<DeadLetter>,
}

/// How much a queue holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Can be delivered now.
    pub ready: usize,
    /// Waits for its time.
    pub delayed: usize,
    /// Was delivered and is not settled.
    pub unsettled: usize,
}

#[derive(Default)]
struct QueueState {
    ready: BTreeMap<Position, Entry>,
    delayed: usize,
    unsettled: usize,
    changed: Arc<Notify>,
}

struct Subscription {
    queue: Key,
    process: Option<ProcessId>,
    prefetch: usize,
    unsettled: BTreeMap<u64, (Position, Entry)>,
}

/// All queues, their consumers, and what waits for its time.
#[derive(Default)]
pub(super) struct Queues {
    queues: HashMap<Key, QueueState>,
    subscriptions: HashMap<u64, Subscription>,
    /// By due time, in microseconds, then in the order of coming.
    delayed: BTreeMap<(i64, u64), (Key, Entry)>,
    last: u64,
}

impl Queues {
    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Is there a queue of that name? Those of services always are.
    pub(super) fn exists(&self, key: &Key) -> bool {
        matches!(key, Key::Named(_)) || self.queues.contains_key(key)
    }

    /// The queues of all askers, in an order that is always the same.
    pub(super) fn askers(&self) -> Vec<Key> {
        let names = self.queues.keys().filter_map(|key| if let Key::Answers(name) = key { Some(name) } else { None });
        names.collect::<BTreeSet<_>>().into_iter().map(|name| Key::Answers(name.clone())).collect()
    }

    /// Appends to a queue; or before the last so many of it.
    pub(super) fn push(&mut self, key: &Key, entry: Entry, overtakes: u64) {
        let number = self.number();
        let queue = self.queues.entry(key.clone()).or_default();
        let position = if overtakes == 0 { None } else { queue.ready.keys().rev().nth(overtakes as usize - 1).copied() };
        // one that overtakes stands right before the one it overtakes last
        let position = position.map_or((number, 0), |(before, _)| (before.saturating_sub(1), number));
        queue.ready.insert(position, entry);
        queue.changed.notify_waiters();
    }

    /// Keeps an entry until `due`.
    pub(super) fn delay(&mut self, key: Key, entry: Entry, due: i64) {
        let number = self.number();
        let queue = self.queues.entry(key.clone()).or_default();
        queue.delayed += 1;
        queue.changed.notify_waiters();
        self.delayed.insert((due, number), (key, entry));
    }

    /// Moves what is due to its queue, and says when the next one is.
    pub(super) fn release(&mut self, now: i64) -> Option<i64> {
        while let Some(first) = self.delayed.first_entry() {
            if first.key().0 > now {
                return Some(first.key().0);
            }
            let (key, entry) = first.remove();
            // an asker's queue is gone with its asker, and what waited for it too
            if let Some(queue) = self.queues.get_mut(&key) {
                queue.delayed -= 1;
                self.push(&key, entry, 0);
            }
        }
        None
    }

    /// A new consumer of a queue: its number, and what tells it that the queue has something.
    pub(super) fn subscribe(&mut self, queue: Key, prefetch: usize, process: Option<ProcessId>) -> (u64, Arc<Notify>) {
        let number = self.number();
        let changed = self.queues.entry(queue.clone()).or_default().changed.clone();
        self.subscriptions.insert(number, Subscription { queue, process, prefetch, unsettled: BTreeMap::new() });
        (number, changed)
    }

    /// A consumer is gone: what it had goes back to where it was, to be delivered again. An asker's queue goes with it.
    pub(super) fn unsubscribe(&mut self, consumer: u64) -> usize {
        let Some(subscription) = self.subscriptions.remove(&consumer) else { return 0 };
        let count = subscription.unsettled.len();
        if let Key::Answers(_) = subscription.queue {
            self.queues.remove(&subscription.queue);
        } else if let Some(queue) = self.queues.get_mut(&subscription.queue) {
            for (position, entry) in subscription.unsettled.into_values() {
                queue.unsettled -= 1;
                queue.ready.insert(position, Entry { redelivered: true, ..entry });
            }
            queue.changed.notify_waiters();
        }
        count
    }

    /// Everything that a process consumes is lost to it, as if its connection were.
    pub(super) fn disconnect(&mut self, process: ProcessId) {
        let mut theirs: Vec<u64> = self.subscriptions.iter().filter(|(_, s)| s.process == Some(process)).map(|(id, _)| *id).collect();
        theirs.sort_unstable();
        for consumer in theirs {
            if let Some(queue) = self.subscriptions.get(&consumer).and_then(|s| self.queues.get(&s.queue)) {
                queue.changed.notify_waiters();
            }
            self.unsubscribe(consumer);
        }
    }

    /// Is there such a consumer?
    pub(super) fn has(&self, consumer: u64) -> bool {
        self.subscriptions.contains_key(&consumer)
    }

    /// Takes the next entries for a consumer, each with its number: at most `max`, within its prefetch, and of about `bytes`.
    pub(super) fn take(&mut self, consumer: u64, max: usize, bytes: usize) -> Vec<(u64, Entry)> {
        let Some(subscription) = self.subscriptions.get_mut(&consumer) else { return Vec::new() };
        let Some(queue) = self.queues.get_mut(&subscription.queue) else { return Vec::new() };
        let room = subscription.prefetch.saturating_sub(subscription.unsettled.len()).min(max);
        let mut batch = Vec::new();
        let mut total = 0;
        while batch.len() < room && total < bytes {
            let Some((position, entry)) = queue.ready.pop_first() else { break };
            total += entry.message.body.len();
            queue.unsettled += 1;
            self.last += 1;
            subscription.unsettled.insert(self.last, (position, entry.clone()));
            batch.push((self.last, entry));
        }
        batch
    }

    /// Takes a delivery away from its consumer, settled. `None` where it is not the consumer's any more.
    pub(super) fn withdraw(&mut self, consumer: u64, delivery: u64) -> Option<(Key, Entry)> {
        let subscription = self.subscriptions.get_mut(&consumer)?;
        let (_, entry) = subscription.unsettled.remove(&delivery)?;
        if let Some(queue) = self.queues.get_mut(&subscription.queue) {
            queue.unsettled -= 1;
            // there is room for another one
            queue.changed.notify_waiters();
        }
        Some((subscription.queue.clone(), entry))
    }

    pub(super) fn consumers(&self, queue: Queue) -> usize {
        let key = Key::from(queue);
        self.subscriptions.values().filter(|subscription| subscription.queue.name() == key.name()).count()
    }

    pub(super) fn depth(&self, queue: Queue) -> Depth {
        self.queues.get(&Key::from(queue)).map_or_else(Depth::default, |queue| Depth {
            ready: queue.ready.len(),
            delayed: queue.delayed,
            unsettled: queue.unsettled,
        })
    }

    pub(super) fn dead_letters(&self) -> Vec<Buried> {
        let dead = self.queues.get(&Key::from(Queue::Dead)).into_iter().flat_map(|queue| queue.ready.values());
        dead.filter_map(|entry| Some(Buried { message: (*entry.message).clone(), dead: entry.dead.clone()? })).collect()
    }
}
