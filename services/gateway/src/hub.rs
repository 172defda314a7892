//! Those in this process who wait for a transition to change, and the event that wakes them.
//!
//! Waking is a courtesy: with several replicas the event may have gone to another, so whoever waits also looks.

use planshift_domain::ids::TransitionId;
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

struct Shared {
    /// The highest version told of each transition that somebody waits for.
    waited_for: Mutex<HashMap<TransitionId, watch::Sender<u32>>>,
    limit: usize,
}

impl Hub {
    /// At most `limit` transitions are waited for at once.
    pub(crate) fn new(limit: usize) -> Self {
        Self { shared: Arc::new(Shared { waited_for: Mutex::default(), limit }) }
    }

    /// From now on, changes of this transition wake the waiter; where too many wait already, nothing does.
    pub(crate) fn wait_for(&self, id: TransitionId) -> Waiter {
        let mut waited_for = self.shared.lock();
        let room = waited_for.len() < self.shared.limit;
        let changes = match waited_for.entry(id) {
            Entry::Occupied(entry) => Some(entry.get().subscribe()),
            Entry::Vacant(entry) if room => Some(entry.insert(watch::channel(0).0).subscribe()),
            Entry::Vacant(_) => None,
        };
        Waiter { id, changes, shared: self.shared.clone() }
    }

    /// Tells that the read model has this version of the transition now.
    pub(crate) fn changed(&self, id: TransitionId, version: u32) {
        if let Some(sender) = self.shared.lock().get(&id) {
            sender.send_modify(|told| *told = version.max(*told));
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shared.lock().len()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<TransitionId, watch::Sender<u32>>> {
        // a panic elsewhere leaves the map whole: each change of it is a single one
        self.waited_for.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits.
pub(crate) struct Waiter {
    id: TransitionId,
    changes: Option<watch::Receiver<u32>>,
    shared: Arc<Shared>,
}

impl Waiter {
    /// Completes when the transition has changed since the last call. Cancel-safe.
    pub(crate) async fn changed(&mut self) {
        let gone = match &mut self.changes {
            Some(changes) => changes.changed().await.is_err(),
            None => true,
        };
        if gone {
            std::future::pending::<()>().await;
        }
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
    use futures::FutureExt as _;
    use uuid::Uuid;

    #[tokio::test]
    async fn a_waiter_is_woken_for_its_own_transition_and_forgotten_when_gone() {
        let hub = Hub::new(10);
        let (one, two) = (TransitionId(Uuid::from_u128(1)), TransitionId(Uuid::from_u128(2)));
        let (mut first, mut second) = (hub.wait_for(one), hub.wait_for(one));
        hub.changed(two, 1);
        assert!(first.changed().now_or_never().is_none());
        hub.changed(one, 1);
        first.changed().await;
        second.changed().await;
        assert!(first.changed().now_or_never().is_none(), "told once");
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
        hub.changed(id, 1);
        assert!(second.changed().now_or_never().is_none());
    }
}
