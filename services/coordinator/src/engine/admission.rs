//! Who begins, of those who wait in line: the oldest of each partner, and first the partners with the fewest under way.

use super::work::Work;
use crate::{
    saga::{Limits, Note},
    store::{admission, transitions},
};
use planshift_domain::{
    ids::{PartnerId, TransitionId},
    time::Timestamp,
    transition::State,
};
use planshift_storage::{StorageError, Transaction};
use std::collections::{BTreeMap, BTreeSet};

/// How many begin in one turn at most.
const AT_ONCE: u32 = 200;

/// A deadline that never comes (the year 9999): who waits has none.
pub const NEVER: Timestamp = Timestamp::from_micros(253_402_300_799_000_000);

/// How many of which partner may begin.
pub fn share(room: u32, under_way: &[(PartnerId, u32)], waiting: &[PartnerId]) -> BTreeMap<PartnerId, u32> {
    let under_way: BTreeMap<PartnerId, u32> = under_way.iter().copied().collect();
    let of = |partner: &PartnerId| under_way.get(partner).copied().unwrap_or(0);
    let mut next: BTreeSet<(u32, PartnerId)> = waiting.iter().map(|partner| (of(partner), *partner)).collect();
    let mut shares = BTreeMap::new();
    for _ in 0..room {
        let Some((count, partner)) = next.pop_first() else { break };
        *shares.entry(partner).or_default() += 1;
        next.insert((count + 1, partner));
    }
    shares
}

/// Takes those whose turn it is out of their lines, locked. Nothing has happened to them yet.
pub async fn admit(tx: &mut Transaction, limit: u32, limits: &Limits) -> Result<Vec<Work>, StorageError> {
    let (under_way, waiting) = admission::partners(tx).await?;
    let room = limit.saturating_sub(under_way.iter().map(|(_, count)| count).sum());
    let mut ids: Vec<TransitionId> = Vec::new();
    for (partner, count) in share(room.min(AT_ONCE), &under_way, &waiting) {
        ids.extend(admission::oldest(tx, partner, count).await?);
    }
    let admitted = transitions::load(tx, &ids, limits).await?.into_iter();
    Ok(admitted.filter(|stored| stored.waiting && stored.saga.state() == State::Requested).map(|stored| Work::new(stored, false)).collect())
}

impl Work {
    /// It waits in line: accepted, with the customer locked, without a deadline.
    pub fn wait_in_line(&mut self, limit: u32, now: Timestamp) {
        self.stored.waiting = true;
        (self.stored.saga.resend_at, self.stored.saga.give_up_at) = (NEVER, NEVER);
        let text = format!("Accepted; {limit} transitions are under way, as many as may be: it waits in line. The customer is locked");
        self.note(Note { event: "Waiting", text, actor: None, state: State::Requested }, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn partner(n: u128) -> PartnerId {
        PartnerId(Uuid::from_u128(n))
    }

    #[test]
    fn who_has_the_fewest_under_way_comes_first() {
        let shares = |room, under_way: &[(u128, u32)], waiting: &[u128]| {
            let under_way: Vec<_> = under_way.iter().map(|(n, count)| (partner(*n), *count)).collect();
            let waiting: Vec<_> = waiting.iter().map(|n| partner(*n)).collect();
            share(room, &under_way, &waiting).into_iter().map(|(partner, count)| (partner.0.as_u128(), count)).collect::<Vec<_>>()
        };
        assert_eq!(shares(0, &[], &[1, 2]), []);
        assert_eq!(shares(5, &[], &[]), []);
        assert_eq!(shares(5, &[], &[1]), [(1, 5)]);
        assert_eq!(shares(4, &[], &[1, 2]), [(1, 2), (2, 2)]);
        assert_eq!(shares(4, &[(1, 10), (2, 1)], &[1, 2, 3]), [(2, 2), (3, 2)]);
        assert_eq!(shares(3, &[(9, 100)], &[1]), [(1, 3)], "who does not wait takes no share");
    }
}
