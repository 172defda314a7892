//! Those in this process who wait for a transition to change, and the event that wakes them.
//!
//! With several replicas the event may have gone to another: so a task (`look`) asks the read model, in one statement for all
//! who wait, and wakes those whose transition has moved on.

use planshift_domain::{ids::TransitionId, transition::TransitionRow};
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// Who waits for which transition. Cheap to clone; clones share.
#[derive(Clone)]
pub(crate) struct Hub {
    shared: Arc<Shared>,
}

/// What was told of a transition last.
#[derive(Clone, Debug, Default)]
struct Told {
    version: u32,
    row: Option<Arc<TransitionRow>>,
}

type WaitedFor = HashMap<TransitionId, watch::Sender<Told>>;

struct Shared {
    waited_for: Mutex<WaitedFor>,
    limit: usize,
    /// Counts up when something has changed, whatever it is.
    any: watch::Sender<u64>,
}

impl Hub {
    /// At most `limit` transitions are waited for at once.
    pub(crate) fn new(limit: usize) -> Self {
        Self { shared: Arc::new(Shared { waited_for: Mutex::default(), limit, any: watch::channel(0).0 }) }
    }

    /// From now on, changes of this transition wake the waiter; where too many wait already, nothing does.
    pub(crate) fn wait_for(&self, id: TransitionId) -> Waiter {
        let mut waited_for = self.shared.lock();
        let room = waited_for.len() < self.shared.limit;
        let changes = match waited_for.entry(id) {
            Entry::Occupied(entry) => Some(entry.get().subscribe()),
            Entry::Vacant(entry) if room => Some(entry.insert(watch::channel(Told::default()).0).subscribe()),
            Entry::Vacant(_) => None,
        };
        Waiter { id, changes, shared: self.shared.clone() }
    }

    /// From now on, any change wakes the waiter.
    pub(crate) fn wait_for_any(&self) -> FeedWaiter {
        FeedWaiter(self.shared.any.subscribe())
    }

    /// Tells that something has changed.
    pub(crate) fn any_changed(&self) {
        self.shared.any.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Does anybody wait for whatever changes?
    pub(crate) fn anyone_waits_for_any(&self) -> bool {
        self.shared.any.receiver_count() > 0
    }

    /// Tells that the read model has had an event with this row.
    pub(crate) fn changed(&self, row: &TransitionRow) {
        if let Some(sender) = self.shared.lock().get(&row.id) {
            sender.send_modify(|told| {
                // a row that is not newer may have closed a gap, and a later one may not have been seen yet: the read model knows
                let news = row.version > told.version;
                *told = Told { version: row.version.max(told.version), row: news.then(|| Arc::new(row.clone())) };
            });
        }
    }

    /// Tells which version was found in the read model; who has been told of it already is left alone.
    pub(crate) fn found(&self, id: TransitionId, version: u32) {
        if let Some(sender) = self.shared.lock().get(&id) {
            sender.send_if_modified(|told| {
                let news = version > told.version;
                if news {
                    *told = Told { version, row: None };
                }
                news
            });
        }
    }

    /// The transitions that somebody waits for.
    pub(crate) fn waited_for(&self) -> Vec<TransitionId> {
        self.shared.lock().keys().copied().collect()
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shared.lock().len()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, WaitedFor> {
        // a panic elsewhere leaves the map whole: each change of it is a single one
        self.waited_for.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits for whatever changes.
pub(crate) struct FeedWaiter(watch::Receiver<u64>);

impl FeedWaiter {
    /// Completes when something has changed since the last call. Cancel-safe.
    pub(crate) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Somebody who waits.
pub(crate) struct Waiter {
    id: TransitionId,
    changes: Option<watch::Receiver<Told>>,
    shared: Arc<Shared>,
}

impl Waiter {
    /// Completes when something of the transition has changed since the last call, with its row where that is known. Cancel-safe.
    pub(crate) async fn changed(&mut self) -> Option<Arc<TransitionRow>> {
        if let Some(changes) = &mut self.changes
            && changes.changed().await.is_ok()
        {
            return changes.borrow_and_update().row.clone();
        }
        std::future::pending().await
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        // with the map locked: nobody can begin to wait between the drop and the look
        let mut waited_for = self.shared.lock();
        self.changes = None;
        if waited_for.get(&self.id).is_some_and(|sender| sender.receiver_count() == 0) {
            waited_for.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use futures::FutureExt as _;
    use planshift_domain::transition::State;
    use uuid::Uuid;

    fn row(id: TransitionId, version: u32) -> TransitionRow {
        TransitionRow { version, ..fixtures::transition(id.0.as_u128(), version, State::Requested) }
    }

    #[tokio::test]
    async fn a_waiter_is_woken_for_its_own_transition_and_forgotten_when_gone() {
        let hub = Hub::new(10);
        let (one, two) = (TransitionId(Uuid::from_u128(1)), TransitionId(Uuid::from_u128(2)));
        let (mut first, mut second) = (hub.wait_for(one), hub.wait_for(one));
        hub.changed(&row(two, 1));
        assert!(first.changed().now_or_never().is_none());
        hub.changed(&row(one, 1));
        assert_eq!(first.changed().await.unwrap().version, 1);
        second.changed().await;
        assert!(first.changed().now_or_never().is_none(), "told once");
        assert_eq!(hub.waited_for(), [one]);
        hub.found(one, 1);
        assert!(first.changed().now_or_never().is_none(), "no news");
        hub.found(one, 2);
        assert!(first.changed().await.is_none(), "found, and not told");
        drop(first);
        assert_eq!(hub.len(), 1);
        drop(second);
        assert_eq!(hub.len(), 0);
    }

    #[tokio::test]
    async fn those_beyond_the_limit_are_not_woken() {
        let hub = Hub::new(1);
        let _first = hub.wait_for(TransitionId(Uuid::from_u128(1)));
        let id = TransitionId(Uuid::from_u128(2));
        let mut second = hub.wait_for(id);
        hub.changed(&row(id, 1));
        assert!(second.changed().now_or_never().is_none());
    }
}
