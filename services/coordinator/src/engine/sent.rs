//! Which versions' messages were confirmed. Written along with a later commit, so that no commit is made for it alone.

use planshift_domain::ids::TransitionId;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Versions that were confirmed but are not written yet.
#[derive(Debug, Default)]
pub struct Sent {
    waiting: Mutex<HashMap<TransitionId, Confirmed>>,
}

#[derive(Clone, Copy, Debug)]
struct Confirmed {
    version: u32,
    ended: bool,
}

impl Sent {
    fn lock(&self) -> MutexGuard<'_, HashMap<TransitionId, Confirmed>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything of these versions was confirmed. `ended`: nothing more will be written of it by itself.
    pub fn confirm(&self, versions: &[(TransitionId, u32, bool)]) {
        let mut waiting = self.lock();
        for (id, version, ended) in versions {
            let entry = waiting.entry(*id).or_insert(Confirmed { version: 0, ended: false });
            *entry = Confirmed { version: entry.version.max(*version), ended: entry.ended || *ended };
        }
    }

    /// The version of this transition that is known to be confirmed, 0 if none is waiting.
    pub fn version(&self, id: TransitionId) -> u32 {
        self.lock().get(&id).map_or(0, |confirmed| confirmed.version)
    }

    /// What a commit is to write: the ends, or (for a flush) everything. Kept here until it is [`written`](Self::written).
    pub fn unwritten(&self, everything: bool) -> Vec<(TransitionId, u32)> {
        self.lock().iter().filter(|(_, c)| everything || c.ended).map(|(id, c)| (*id, c.version)).collect()
    }

    /// It was committed.
    pub fn written(&self, id: TransitionId, version: u32) {
        let mut waiting = self.lock();
        if waiting.get(&id).is_some_and(|confirmed| confirmed.version <= version) {
            waiting.remove(&id);
        }
    }
}
