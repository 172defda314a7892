//! Which versions' messages were confirmed. Written along with a later commit, so that no commit is made for it alone.
//!
//! A turn confirms an interval: from the version it found to the version it left. `sent` moves on only where an interval begins
//! at or before it. So the messages of a version that were never sent (a crash before publishing, and then a turn about something
//! else) stay visible as `sent < version`, however many later versions were sent.

use planshift_domain::ids::TransitionId;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What a turn did to a transition, as far as sending goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The transition.
    pub id: TransitionId,
    /// The version before the turn; 0 where everything was told again.
    pub from: u32,
    /// The version after it.
    pub to: u32,
    /// Nothing more happens to it by itself.
    pub settled: bool,
}

impl Told {
    /// What `sent` becomes by this.
    pub const fn apply(&self, sent: u32) -> u32 {
        if self.from <= sent && self.to > sent { self.to } else { sent }
    }
}

/// How often an interval is offered to the database: at every flush, for longer than the recovery takes to come by.
const MOST_OFFERS: u32 = 30;

/// Intervals that were confirmed but are not written yet: for each transition one.
#[derive(Debug, Default)]
pub struct Sent {
    waiting: Mutex<HashMap<TransitionId, (Told, u32)>>,
}

impl Sent {
    fn lock(&self) -> MutexGuard<'_, HashMap<TransitionId, (Told, u32)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything of these turns was confirmed.
    pub fn confirm(&self, turns: &[Told]) {
        let mut waiting = self.lock();
        for told in turns {
            let (entry, _) = waiting.entry(told.id).or_insert((*told, 0));
            if told.from <= entry.to && entry.from <= told.to {
                entry.from = entry.from.min(told.from);
                entry.to = entry.to.max(told.to);
            }
            // a gap between the two stays a gap: the recovery will tell everything again
            entry.settled |= told.settled;
        }
    }

    /// What `sent` of this transition is, where the database says `stored`.
    pub fn of(&self, id: TransitionId, stored: u32) -> u32 {
        self.lock().get(&id).map_or(stored, |(told, _)| told.apply(stored))
    }

    /// What a commit is to write: the settled ones, or (for a flush) everything. Kept here until it is [`written`](Self::written).
    pub fn unwritten(&self, everything: bool) -> Vec<Told> {
        self.lock().values().map(|(told, _)| *told).filter(|told| everything || told.settled).collect()
    }

    /// `sent` of this transition was committed as this.
    pub fn written(&self, id: TransitionId, sent: u32) {
        let mut waiting = self.lock();
        if waiting.get(&id).is_some_and(|(told, _)| told.to <= sent) {
            waiting.remove(&id);
        }
    }

    /// These were offered to the database. What was not taken waits for another replica to write the part before it; where that
    /// part was lost with its replica, it would wait for ever: the recovery finds it out, and it is dropped here.
    pub fn offered(&self, told: &[Told]) {
        let mut waiting = self.lock();
        for told in told {
            if let Some((entry, offers)) = waiting.get_mut(&told.id) {
                *offers += 1;
                if *offers > MOST_OFFERS && *entry == *told {
                    waiting.remove(&told.id);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ID: TransitionId = TransitionId(Uuid::from_u128(1));

    fn told(from: u32, to: u32) -> Told {
        Told { id: ID, from, to, settled: false }
    }

    #[test]
    fn later_versions_do_not_hide_one_that_was_never_sent() {
        let sent = Sent::default();
        // version 2 was committed and lost with its process; version 3 was sent
        sent.confirm(&[told(2, 3)]);
        assert_eq!(sent.of(ID, 1), 1);
        sent.confirm(&[told(0, 3)]);
        assert_eq!(sent.of(ID, 1), 3, "everything was told again");
    }

    #[test]
    fn neighbours_join_and_gaps_stay() {
        let sent = Sent::default();
        sent.confirm(&[told(1, 2), told(2, 3)]);
        assert_eq!(sent.of(ID, 1), 3);
        sent.confirm(&[told(4, 5)]);
        assert_eq!(sent.of(ID, 1), 3);
        sent.written(ID, 3);
        assert!(sent.unwritten(true).is_empty());
    }
}
