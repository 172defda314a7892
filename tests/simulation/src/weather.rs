//! What goes wrong between a process and the broker, and between a process and its database: how often, and right now.

use crate::{
    chance::Chance,
    outside::Fate,
    sim::ProcessId,
    tally::{self, Tally},
};
use planshift_messaging::Service;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How often things go wrong, each from 0 (never) to 1 (always). A seed has most of them at 0 and a few high: what everything
/// does at once hides what two things do together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Likelihoods {
    /// A publication is lost on its way.
    pub lost: f64,
    /// All of a publication is stored, and its confirms are lost.
    pub confirm_lost: f64,
    /// The first messages of a publication are stored, then the connection is lost.
    pub half_published: f64,
    /// A message is returned or refused, the others of its publication are confirmed.
    pub returned: f64,
    /// A message is there twice.
    pub doubled: f64,
    /// A message comes late: by milliseconds up to minutes.
    pub late: f64,
    /// A message overtakes others.
    pub overtakes: f64,
    /// The channel is lost as acknowledgements are on their way: they are, or are not, heard, and what was unsettled comes again.
    pub channel_lost: f64,
    /// A message that is delivered again is given up by the broker, which does so after very many deliveries.
    pub given_up: f64,
    /// The database is not reached.
    pub unreached: f64,
    /// The transaction loses against another.
    pub conflict: f64,
    /// It commits, and the answer is lost.
    pub commit_unheard: f64,
    /// It does not commit, and the answer is lost.
    pub commit_lost: f64,
    /// A call of an outside system goes wrong, in one of several ways.
    pub call: f64,
}

/// The likelihoods by name.
type Field = fn(&mut Likelihoods) -> &mut f64;
const FIELDS: [(Field, f64); 12] = [
    (|l| &mut l.lost, 0.2),
    (|l| &mut l.confirm_lost, 0.2),
    (|l| &mut l.half_published, 0.2),
    (|l| &mut l.returned, 0.1),
    (|l| &mut l.doubled, 0.3),
    (|l| &mut l.late, 0.2),
    (|l| &mut l.overtakes, 0.5),
    (|l| &mut l.channel_lost, 0.2),
    (|l| &mut l.unreached, 0.1),
    (|l| &mut l.conflict, 0.2),
    (|l| &mut l.commit_unheard, 0.2),
    (|l| &mut l.commit_lost, 0.2),
];

impl Likelihoods {
    /// Those of a seed: some kinds of fault, each between rare and frequent.
    pub fn draw(seed: u64, chance: &mut Chance) -> Self {
        // a stream of its own: the others stay what they were
        let mut limit = Chance::new(seed, "delivery limit");
        let given_up = if limit.happens(0.3) { 0.3 * limit.fraction() } else { 0.0 };
        let mut outside = Chance::new(seed, "calls");
        let call = *outside.pick(&[0.0, 0.02, 0.1, 0.4]);
        let mut likelihoods = Self { given_up, call, ..Self::default() };
        let share = *chance.pick(&[0.0, 0.15, 0.3, 0.3, 0.5, 0.9]);
        for (field, most) in FIELDS {
            if chance.happens(share) {
                let strength = chance.fraction();
                *field(&mut likelihoods) = most * strength * strength;
            }
        }
        likelihoods
    }
}

/// What becomes of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publication {
    /// Stored and confirmed.
    Confirmed,
    /// Lost, and the publisher is told that the broker was not reached.
    Lost,
    /// Stored, and the publisher is told the same.
    Unconfirmed,
    /// So many of its messages are stored, and the publisher is told the same.
    Half(usize),
}

/// What becomes of a message on its way into a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The broker does not take it, and says so.
    pub is_returned: bool,
    /// When it can be delivered, from now; a second entry: it is there twice.
    pub after: (Duration, Option<Duration>),
    /// How many it overtakes.
    pub overtakes: u64,
}

/// What becomes of settlements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Heard.
    Heard,
    /// Heard, and the channel is lost then.
    ThenLost,
    /// The channel is lost before.
    Unheard,
}

/// What becomes of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// Done, and heard.
    Heard,
    /// Done, and nobody heard.
    Unheard,
    /// Not done, and nobody heard.
    Lost,
    /// Lost against another one.
    Conflict,
}

/// The weather. Cheap to clone; clones are the same one.
#[derive(Clone)]
pub struct Weather {
    state: Arc<Mutex<State>>,
}

struct State {
    chance: Chance,
    likelihoods: Likelihoods,
    /// Who does not reach the broker.
    cut_off: BTreeSet<ProcessId>,
    /// Whose database is away.
    away: BTreeSet<Service>,
    /// What went wrong, and how often.
    tally: Tally,
    /// Nothing goes wrong any more.
    is_fine: bool,
}

impl State {
    /// Does it go wrong, this time?
    fn strikes(&mut self, fault: &'static str, likelihood: f64) -> bool {
        let strikes = self.chance.happens(likelihood);
        if strikes {
            self.tally.add(fault);
        }
        strikes
    }
}

impl Weather {
    /// The weather of a seed.
    pub fn new(seed: u64, likelihoods: Likelihoods) -> Self {
        let (cut_off, away) = (BTreeSet::new(), BTreeSet::new());
        let state = State { chance: Chance::new(seed, "weather"), likelihoods, cut_off, away, tally: Tally::default(), is_fine: false };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Counts something that went wrong elsewhere.
    pub fn count(&self, fault: &'static str) {
        self.state().tally.add(fault);
    }

    /// What went wrong so far, and how often.
    pub fn tally(&self) -> Tally {
        self.state().tally.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on nothing goes wrong.
    pub fn clear_up(&self) {
        let mut state = self.state();
        state.likelihoods = Likelihoods::default();
        state.is_fine = true;
        state.cut_off.clear();
        state.away.clear();
    }

    /// Cuts a process off from the broker, or joins it again.
    pub fn cut_off(&self, process: ProcessId, cut: bool) {
        let cut_off = &mut self.state().cut_off;
        if cut {
            cut_off.insert(process)
        } else {
            cut_off.remove(&process)
        };
    }

    /// Does the process not reach the broker?
    pub fn is_cut_off(&self, process: ProcessId) -> bool {
        self.state().cut_off.contains(&process)
    }

    /// Takes a service's database away, or brings it back.
    pub fn take_away(&self, service: Service, away: bool) {
        let taken = &mut self.state().away;
        if away {
            taken.insert(service)
        } else {
            taken.remove(&service)
        };
    }

    /// Is the database not reached, this time?
    pub fn is_unreached(&self, service: Service) -> bool {
        let mut state = self.state();
        let likelihood = state.likelihoods.unreached;
        state.away.contains(&service) || state.strikes(tally::UNREACHED, likelihood)
    }

    /// Does a statement lose against another transaction?
    pub fn conflicts(&self) -> bool {
        let mut state = self.state();
        // a transaction has a dozen statements
        let likelihood = state.likelihoods.conflict / 12.0;
        state.strikes(tally::CONFLICT, likelihood)
    }

    /// What becomes of a commit.
    pub fn commit(&self, service: Service) -> Commit {
        let state = &mut *self.state();
        let likelihoods = state.likelihoods;
        if state.strikes(tally::COMMIT_UNHEARD, likelihoods.commit_unheard) {
            Commit::Unheard
        } else if state.strikes(tally::COMMIT_LOST, likelihoods.commit_lost) || state.away.contains(&service) {
            Commit::Lost
        } else if state.strikes(tally::CONFLICT, likelihoods.conflict) {
            Commit::Conflict
        } else {
            Commit::Heard
        }
    }

    /// What becomes of a publication of so many messages.
    pub fn publication(&self, messages: usize) -> Publication {
        let state = &mut *self.state();
        let likelihoods = state.likelihoods;
        if state.strikes(tally::LOST, likelihoods.lost) {
            Publication::Lost
        } else if state.strikes(tally::UNCONFIRMED, likelihoods.confirm_lost) {
            Publication::Unconfirmed
        } else if state.strikes(tally::HALF_PUBLISHED, likelihoods.half_published) {
            Publication::Half(state.chance.place(messages + 1))
        } else {
            Publication::Confirmed
        }
    }

    /// What becomes of a message.
    pub fn passage(&self) -> Passage {
        let state = &mut *self.state();
        let likelihoods = state.likelihoods;
        let late = |chance: &mut Chance| chance.time(Duration::from_millis(1), Duration::from_secs(200));
        let is_returned = state.strikes(tally::RETURNED, likelihoods.returned);
        let first = if state.strikes(tally::LATE, likelihoods.late) { late(&mut state.chance) } else { Duration::ZERO };
        let second = state.strikes(tally::DOUBLED, likelihoods.doubled).then(|| {
            let is_late = state.chance.happens(0.5);
            if is_late { late(&mut state.chance) } else { Duration::ZERO }
        });
        let overtakes = if state.strikes(tally::OVERTAKES, likelihoods.overtakes) { state.chance.below(20) } else { 0 };
        Passage { is_returned, after: (first, second), overtakes }
    }

    /// Is a message that is delivered again given up by the broker?
    pub fn gives_up(&self) -> bool {
        let state = &mut *self.state();
        let likelihood = state.likelihoods.given_up;
        state.strikes(tally::GIVEN_UP, likelihood)
    }

    /// What becomes of a call of an outside system.
    pub fn call(&self) -> Fate {
        let state = &mut *self.state();
        if !state.chance.happens(state.likelihoods.call) {
            return Fate::Answered;
        }
        let after = state.chance.time(Duration::from_millis(1), Duration::from_secs(60));
        let (fault, fate) = *state.chance.pick(&[
            (tally::CALL_UNHEARD, Fate::Unheard(after)),
            (tally::CALL_LOST, Fate::Lost),
            (tally::CALL_THROTTLED, Fate::Throttled),
            (tally::CALL_BUSY, Fate::Busy),
            (tally::CALL_PENDING, Fate::Pending(after)),
        ]);
        state.tally.add(fault);
        fate
    }

    /// Is everything well from now on?
    pub fn is_fine(&self) -> bool {
        self.state().is_fine
    }

    /// What becomes of settlements.
    pub fn settlement(&self) -> Settled {
        let state = &mut *self.state();
        let likelihood = state.likelihoods.channel_lost;
        if !state.strikes(tally::CHANNEL_LOST, likelihood) {
            Settled::Heard
        } else if state.chance.happens(0.5) {
            Settled::ThenLost
        } else {
            Settled::Unheard
        }
    }
}
