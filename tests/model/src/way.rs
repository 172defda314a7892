//! From every state an end can be reached: shown by going there.
//!
//! From a state on, nothing more goes wrong: whatever is under way is handled, one after the other, what may not have been sent is
//! told again, after silence the deadline comes, and a person who is asked resumes while there are attempts. If that comes to rest
//! at an end, an end can be reached. It is more than that some way leads there: the plain one does, without another fault, cancel
//! or timeout to help.
//!
//! The next state on that way is itself a state of the model, so each state needs one step to one that is known already.

use crate::{
    action::{Action, Fate},
    message::{Act, Message},
    model::TransitionModel,
    snapshot::{Loop, Snapshot, fingerprint},
    step::{is_at_rest, step},
    turn::Cause,
};
use planshift_domain::transition::State;
use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, Hasher},
    sync::{Mutex, PoisonError},
};

/// The most steps to an end: a way that is longer goes round in a circle.
const MOST_STEPS: usize = 500;
const SHARDS: usize = 64;

/// States from which an end can be reached, by their fingerprints.
#[derive(Debug)]
pub struct Known([Mutex<HashSet<u64, BuildHasherDefault<AsItIs>>>; SHARDS]);

impl Default for Known {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Known {
    fn shard(&self, state: u64) -> std::sync::MutexGuard<'_, HashSet<u64, BuildHasherDefault<AsItIs>>> {
        self.0[(state >> 58) as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A fingerprint is a hash already.
#[derive(Debug, Default)]
pub struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = (self.0 << 8) | u64::from(*byte));
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}

/// An end can be reached from here.
pub fn can_end(model: &TransitionModel, state: &Snapshot) -> bool {
    if !state.broken.is_none() {
        return true; // that is reported by itself
    }
    let mut walked = vec![fingerprint(state)];
    let mut here = None;
    for _ in 0..MOST_STEPS {
        let now = here.as_ref().unwrap_or(state);
        let name = walked[walked.len() - 1];
        if model.ways.shard(name).contains(&name) || is_at_rest(model, now) {
            for name in walked {
                model.ways.shard(name).insert(name);
            }
            return true;
        }
        let Some(next) = onwards(model, now).and_then(|action| step(model, now, action)) else { return false };
        if !next.broken.is_none() {
            return true;
        }
        walked.push(fingerprint(&next));
        here = Some(next);
    }
    false
}

/// What happens next when nothing goes wrong.
pub fn onwards(model: &TransitionModel, state: &Snapshot) -> Option<Action> {
    for (who, replica) in (0..).zip(&state.replicas) {
        for (which, pending) in [Loop::Messages, Loop::Timers].into_iter().zip(&replica.pending) {
            if pending.is_some() {
                return Some(Action::Publish(who, which, Fate::Through));
            }
        }
    }
    let turn = |cause| model.begin(0, cause);
    if let Some(message) = state.network.first() {
        return Some(match message {
            Message::Command(packet) => Action::Work(*packet, None, Fate::Through),
            message => turn(Cause::One(*message)),
        });
    }
    if state.stored.behind > 0 {
        let remembers = |told| model.apply(told) > 0;
        let flushes = (0..).zip(&state.replicas).find(|(_, replica)| replica.remembered.is_some_and(remembers));
        return Some(flushes.map_or_else(|| turn(Cause::Recovery), |(who, _)| Action::Flush(who)));
    }
    let saga = state.stored.saga.as_ref()?;
    if saga.state() == State::NeedsOperator {
        let attempt = u8::try_from(saga.attempt).unwrap_or(u8::MAX);
        return Some(turn(Cause::One(Message::Act(Act::Resume(attempt)))));
    }
    Some(turn(Cause::Silence))
}

/// The state in which the transition first stands at `target`, when all goes well.
pub fn until(model: &TransitionModel, mut state: Snapshot, target: State) -> Option<Snapshot> {
    for _ in 0..MOST_STEPS {
        if state.stored.saga.as_ref().is_some_and(|saga| saga.state() == target) {
            return Some(state);
        }
        let action = onwards(model, &state)?;
        state = step(model, &state, action)?;
    }
    None
}
