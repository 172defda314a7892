//! The model of one transition, as the checker sees it.

use crate::{
    action::{self, Action},
    bounds::{Bounds, Replicas},
    goals::{Goals, Met},
    judge,
    rules::{self, Rule},
    sent::Interval,
    snapshot::Snapshot,
    step::step,
    turn::{self, Cause, Turn},
    twin::Twin,
    way,
};
use planshift_domain::transition::State;
use stateright::{Model, Property};
use std::sync::{
    OnceLock,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

/// A transition within bounds, sound or with a defect.
#[derive(Debug)]
pub struct TransitionModel {
    /// What is explored.
    pub bounds: Bounds,
    /// The defect, if any.
    pub twin: Option<Twin>,
    /// What was met.
    pub met: Met,
    /// States from which an end is known to be reachable.
    pub ways: way::Known,
    /// Rules that were found broken, and goals that were seen: the first state of each is the one that counts.
    found: AtomicU32,
    /// States looked at.
    looked_at: AtomicU64,
    /// The first rule that was found broken, and after how many states.
    first: OnceLock<(Rule, u64)>,
}

impl TransitionModel {
    /// The model within these bounds.
    pub fn new(bounds: Bounds, twin: Option<Twin>) -> Self {
        Self {
            bounds,
            twin,
            met: Met::default(),
            ways: way::Known::default(),
            found: AtomicU32::new(0),
            looked_at: AtomicU64::new(0),
            first: OnceLock::new(),
        }
    }

    /// It has this defect.
    pub fn is(&self, twin: Twin) -> bool {
        self.twin == Some(twin)
    }

    /// The first rule that was found broken, and after how many states.
    pub fn first_broken(&self) -> Option<(Rule, u64)> {
        self.first.get().copied()
    }

    /// What a replica's turn comes to.
    pub fn turn(&self, state: &Snapshot, who: u8, cause: Cause) -> Turn {
        turn::turn(self, &state.stored, state.replicas[usize::from(who)].remembered, state.ineligible, cause)
    }

    /// The action that begins (and unless turns are interleaved, ends) a turn.
    pub const fn begin(&self, who: u8, cause: Cause) -> Action {
        match self.bounds.replicas {
            Replicas::Interleaved(_) => Action::Commit(who, cause),
            Replicas::Whole | Replicas::Remembering(_) => Action::Turn(who, cause, action::Fate::Through),
        }
    }

    /// How far the version stored as sent moves by what was confirmed.
    pub fn apply(&self, told: Interval) -> u8 {
        if self.is(Twin::GapsForgotten) { told.to.max(0) as u8 } else { told.apply() }
    }

    /// Notes which rules the step from `before` to `state` has broken.
    pub fn judge(&self, before: &Snapshot, state: &mut Snapshot) {
        let same = before.ledger == state.ledger && before.effects == state.effects && before.stored.saga == state.stored.saga;
        if !same {
            state.broken = state.broken.and(judge::judge(&self.bounds, state));
        }
    }

    /// Whether a rule holds in a state; once it was found broken, that state stands for it.
    pub(crate) fn holds(&self, rule: Rule, state: &Snapshot, holds: fn(&Self, &Snapshot) -> bool) -> bool {
        if rule == rules::I3 {
            self.looked_at.fetch_add(1, Ordering::Relaxed);
        }
        if !state.broken.has(rule) && (self.found.load(Ordering::Relaxed) & rule.mask() != 0 || holds(self, state)) {
            return true;
        }
        let is_first = self.found.fetch_or(rule.mask(), Ordering::Relaxed) & rule.mask() == 0;
        if is_first {
            self.first.get_or_init(|| (rule, self.looked_at.load(Ordering::Relaxed)));
        }
        !is_first
    }

    /// Notes what is met by being in a state.
    fn meet(&self, state: &Snapshot) {
        let Some(saga) = &state.stored.saga else { return };
        let resumed = saga.attempt > 1;
        match saga.state() {
            State::Completed => self.met.note(if resumed { Goals::COMPLETED.and(Goals::RESUMED_TO_COMPLETED) } else { Goals::COMPLETED }),
            State::Compensated => {
                self.met.note(if resumed { Goals::COMPENSATED.and(Goals::RESUMED_TO_COMPENSATED) } else { Goals::COMPENSATED });
            }
            State::Ineligible => self.met.note(Goals::INELIGIBLE),
            State::NeedsOperator => self.met.note(Goals::NEEDS_OPERATOR),
            _ => {}
        }
    }
}

impl Model for TransitionModel {
    type State = Snapshot;
    type Action = Action;

    fn init_states(&self) -> Vec<Snapshot> {
        let sound = way::until(self, Snapshot::first(&self.bounds, false), self.bounds.from);
        let begin = if self.bounds.from == State::Requested { Some(Snapshot::first(&self.bounds, false)) } else { sound };
        let ineligible = self.bounds.ineligible.then(|| Snapshot::first(&self.bounds, true));
        begin.into_iter().chain(ineligible).collect()
    }

    fn actions(&self, state: &Snapshot, actions: &mut Vec<Action>) {
        action::actions(self, state, actions);
    }

    fn next_state(&self, state: &Snapshot, action: Action) -> Option<Snapshot> {
        let next = step(self, state, action)?;
        self.meet(&next);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        rules::properties()
    }
}
