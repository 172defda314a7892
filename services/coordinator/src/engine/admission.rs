//! Who begins: interactive starts before all in the background, and of each priority the partners in their turn, the oldest of each first.

use super::{
    shares::{Contender, Turns, share},
    work::Work,
};
use crate::{
    line::{Line, Weights},
    saga::{Limits, Note},
    store::{
        admission::{self, Counted, UnderWay},
        transitions,
    },
};
use planshift_domain::{
    ids::{PartnerId, TransitionId},
    message::request::{Priority, StartTransition},
    said::story,
    time::Timestamp,
    transition::State,
};
use planshift_storage::{StorageError, Transaction};
use std::collections::{BTreeMap, HashMap};

/// How many begin in one turn at most.
const AT_ONCE: u32 = 200;

/// A deadline that never comes (the year 9999): who waits has none.
pub const NEVER: Timestamp = Timestamp::from_micros(253_402_300_799_000_000);

/// How many may begin at once, of those that have just been accepted.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    all: u32,
    background: u32,
    interactive_waits: bool,
    background_waits: bool,
}

impl Room {
    /// For nobody.
    pub const NONE: Self = Self { all: 0, background: 0, interactive_waits: false, background_waits: false };

    /// Of what is there now.
    pub async fn now(tx: &mut Transaction, line: &Line) -> Result<Self, StorageError> {
        let nobody = Counted { under_way: 0, background: 0, interactive_waits: false, background_waits: false };
        let counted = admission::count(tx).await?.unwrap_or(nobody);
        Ok(Self {
            all: line.under_way.saturating_sub(counted.under_way),
            background: line.background.saturating_sub(counted.background),
            interactive_waits: counted.interactive_waits,
            background_waits: counted.background_waits,
        })
    }

    /// May one begin? Nobody passes those of his own priority who wait, and nobody in the background an interactive one.
    pub const fn take(&mut self, priority: Priority) -> bool {
        let interactive = priority.is_interactive();
        let may = self.all > 0 && !self.interactive_waits && (interactive || (self.background > 0 && !self.background_waits));
        match (may, interactive) {
            (true, true) => self.all -= 1,
            (true, false) => {
                self.all -= 1;
                self.background -= 1;
            }
            (false, true) => self.interactive_waits = true,
            (false, false) => self.background_waits = true,
        }
        may
    }
}

/// Takes those whose turn it is out of their lines, locked. Nothing has happened to them yet.
pub async fn admit(tx: &mut Transaction, line: &Line, turns: &mut [Turns; 2], limits: &Limits) -> Result<Vec<Work>, StorageError> {
    let under_way = admission::under_way(tx).await?;
    let total = |of: &dyn Fn(&&UnderWay) -> bool| under_way.iter().filter(of).map(|of| of.transitions).sum::<u32>();
    let mut room = line.under_way.saturating_sub(total(&|_| true)).min(AT_ONCE);
    let in_background = line.background.saturating_sub(total(&|of| of.priority == Priority::Background));
    let mut ids: Vec<TransitionId> = Vec::new();
    for (priority, turns) in Priority::ALL.into_iter().zip(turns) {
        let of_it = if priority.is_interactive() { room } else { room.min(in_background) };
        if of_it > 0 {
            let work = under_way.iter().filter(|of| of.priority == priority).map(|of| (of.partner, of.work)).collect();
            let first = first_of(tx, (priority, &line.weights), of_it, work, turns).await?;
            room = room.saturating_sub(u32::try_from(first.len()).unwrap_or(u32::MAX));
            ids.extend(first);
        }
    }
    let admitted = transitions::load(tx, &ids, limits).await?.into_iter();
    Ok(admitted.filter(|stored| stored.waiting && stored.saga.state() == State::Requested).map(|stored| Work::new(stored, false)).collect())
}

/// The first of the lines of a priority. Fewer than there is room for only where nobody of it is left in line.
async fn first_of(
    tx: &mut Transaction,
    (priority, weights): (Priority, &Weights),
    mut room: u32,
    mut work: HashMap<PartnerId, u64>,
    turns: &mut Turns,
) -> Result<Vec<TransitionId>, StorageError> {
    let mut partners = admission::partners(tx, priority).await?;
    let mut first: BTreeMap<PartnerId, Vec<TransitionId>> = BTreeMap::new();
    while room > 0 && !partners.is_empty() {
        let contender = |partner: &PartnerId| Contender {
            partner: *partner,
            under_way: work.get(partner).copied().unwrap_or(0),
            weight: weights.of(*partner),
        };
        let contenders: Vec<Contender> = partners.iter().map(contender).collect();
        for (partner, count) in share(room, &contenders, turns) {
            let taken = first.entry(partner).or_default();
            let before = u32::try_from(taken.len()).unwrap_or(u32::MAX);
            *taken = admission::oldest(tx, priority, partner, before + count).await?;
            let more = u32::try_from(taken.len()).unwrap_or(u32::MAX).saturating_sub(before);
            room = room.saturating_sub(more);
            *work.entry(partner).or_default() += u64::from(more);
            if more < count {
                // its line is at its end: what it leaves is for the others
                partners.retain(|other| *other != partner);
            }
        }
    }
    Ok(first.into_values().flatten().collect())
}

impl Work {
    /// It waits in line: accepted, with the customer locked, without a deadline.
    pub fn wait_in_line(&mut self, line: &Line, now: Timestamp) {
        self.stored.waiting = true;
        (self.stored.saga.resend_at, self.stored.saga.give_up_at) = (NEVER, NEVER);
        let said = match self.stored.priority {
            Priority::Interactive => story::WAITS_IN_LINE.with(&[&line.under_way]),
            Priority::Background => story::WAITS_IN_THE_BACKGROUND.with(&[&line.background.min(line.under_way)]),
        };
        self.note(Note { event: "Waiting", text: said.into(), actor: None, state: State::Requested }, now);
    }

    /// An interactive start finds it in line in the background: it is interactive from now on. Says whether that was so; it may have
    /// begun meanwhile.
    pub fn move_up(&mut self, start: &StartTransition, now: Timestamp) -> bool {
        let in_line = self.stored.waiting && self.stored.saga.state() == State::Requested;
        if !in_line || self.stored.priority.is_interactive() {
            return false;
        }
        self.stored.version = self.next_version();
        (self.changed, self.moved_up) = (true, true);
        self.stored.priority = Priority::Interactive;
        self.stored.moved_up_by = Some(start.request_id);
        if start.plan_hash.is_some() {
            // whoever starts it now has seen this plan
            self.stored.plan_hash.clone_from(&start.plan_hash);
        }
        let text = story::MOVED_UP.into();
        self.note(Note { event: "MovedUp", text, actor: Some(start.actor.clone()), state: State::Requested }, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Priority::{Background, Interactive};

    fn taken(mut room: Room, starts: &[Priority]) -> Vec<bool> {
        starts.iter().map(|priority| room.take(*priority)).collect()
    }

    #[test]
    fn nobody_passes_those_before_him_and_the_background_passes_nobody() {
        let room = |all, background, interactive_waits, background_waits| Room { all, background, interactive_waits, background_waits };
        assert_eq!(taken(room(2, 1, false, false), &[Background, Background, Interactive, Interactive]), [true, false, true, false]);
        assert_eq!(taken(room(5, 5, false, true), &[Background, Interactive]), [false, true], "past those in the background");
        assert_eq!(taken(room(5, 5, true, false), &[Background, Interactive]), [false, false]);
        assert_eq!(taken(room(1, 5, false, false), &[Interactive, Background, Background]), [true, false, false]);
        assert_eq!(taken(Room::NONE, &[Interactive, Background]), [false, false]);
    }
}
