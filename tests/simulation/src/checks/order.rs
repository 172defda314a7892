//! Who begins, looked at after each commit of the coordinators, when nobody has done anything since.
//!
//! - None begins in the background while an interactive one stays in line, and none passes those of its own priority.
//! - No more begin in the background than may be under way there.
//! - Of two partners with a line, the one that has fewer rounds under way begins: as many rounds as its weight goes into what it has.

use super::Watch;
use crate::store::MemoryStore;
use planshift_coordinator::Line;
use planshift_domain::ids::{PartnerId, TransitionId};
use planshift_storage::{Args, Row, Statement, StorageError};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

static LIVE: Statement = Statement::new(
    "SELECT id, partner_id, background, waiting, state = 'NeedsOperator', 1 + lines / packet_items FROM transitions WHERE ended_at IS NULL",
);

/// A transition that has not ended.
#[derive(Clone, Copy)]
struct Live {
    partner: PartnerId,
    background: bool,
    waits: bool,
    /// It waits for an operator, and takes no place.
    stands: bool,
    work: u64,
}

type All = BTreeMap<TransitionId, Live>;

/// Compares what is stored after a commit with what was before.
pub struct Order {
    store: MemoryStore,
    line: Line,
    before: Mutex<All>,
}

impl Order {
    /// Nothing stored yet.
    pub fn new(store: MemoryStore, line: &Line) -> Self {
        Self { store, line: line.clone(), before: Mutex::default() }
    }

    /// After a commit.
    pub fn look(&self, watch: &Watch) {
        // before there are tables there is nothing to see
        let Ok(rows) = self.store.look(&LIVE, Args::new()) else { return };
        let Ok(after) = rows.iter().map(read).collect::<Result<All, StorageError>>() else { return };
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = |(id, live): &(&TransitionId, &Live)| !live.waits && !live.stands && before.get(id).is_none_or(|was| was.waits);
        let stays = |(id, live): &(&TransitionId, &Live)| live.waits && before.get(id).is_some_and(|was| was.waits);
        let in_line: Vec<(&TransitionId, &Live)> = after.iter().filter(stays).collect();
        for (id, live) in after.iter().filter(begins) {
            let is_new = !before.contains_key(id);
            // one that was moved up in this commit has waited in the other line
            let passed = |(of, other): &&(&TransitionId, &Live)| {
                let was_there = before.get(of).is_some_and(|was| was.background == other.background);
                was_there && if live.background { !other.background || is_new } else { !other.background && is_new }
            };
            if let Some((passed, _)) = in_line.iter().find(passed) {
                watch.find("order", *id, format!("{id} begins before {passed}, which stays in line"));
            }
            if live.background {
                self.limited(*id, &after, watch);
            }
            if !is_new && before.get(id).is_some_and(|was| was.background == live.background) {
                self.shared((*id, live), &after, &in_line, watch);
            }
        }
        *before = after;
    }

    fn limited(&self, id: TransitionId, after: &All, watch: &Watch) {
        let under_way = after.values().filter(|live| live.background && !live.waits && !live.stands).count();
        if under_way > self.line.background as usize {
            let limit = self.line.background;
            watch.find("limit", id, format!("{id} begins with {under_way} under way in the background, and {limit} may be"));
        }
    }

    /// The last of its partner that began had the fewest rounds of all with a line then: the others have only got more since.
    fn shared(&self, (id, begins): (TransitionId, &Live), after: &All, in_line: &[(&TransitionId, &Live)], watch: &Watch) {
        let work = |partner: PartnerId| -> u64 {
            let of_it = after.values().filter(|live| live.partner == partner && live.background == begins.background);
            of_it.filter(|live| !live.waits && !live.stands).map(|live| live.work).sum()
        };
        let rounds = |partner: PartnerId, work: u64| work / u64::from(self.line.weights.of(partner));
        let own = rounds(begins.partner, work(begins.partner).saturating_sub(1));
        let others = in_line.iter().filter(|(_, other)| other.background == begins.background && other.partner != begins.partner);
        for (other, live) in others {
            let theirs = rounds(live.partner, work(live.partner));
            if theirs < own {
                let text = format!("{id} begins when its partner has {own} round(s) under way, and that of {other}, in line, {theirs}");
                return watch.find("shares", id, text);
            }
        }
    }
}

fn read(row: &Row) -> Result<(TransitionId, Live), StorageError> {
    let live = Live {
        partner: PartnerId(row.get(1)?),
        background: row.get(2)?,
        waits: row.get(3)?,
        stands: row.get(4)?,
        work: u64::try_from(row.get::<i64>(5)?).unwrap_or_default(),
    };
    Ok((TransitionId(row.get(0)?), live))
}
