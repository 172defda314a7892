//! A second, small model: starts. Two people want to move the same customer, their requests come once or more often, in any order,
//! to two replicas that may crash; a transition that came to its end makes room for the next.
//!
//! The transitions begin and end by the production decision; the lock around a start is modelled as it is in `engine::starts`: the
//! customer's row is locked, and then the request, and a live transition, are looked for.

use crate::decision::{at, canonical, limits};
use planshift_coordinator::saga::{Checked, Event, Saga, decide};
use planshift_invariants::{checks::one_live_transition, data::Id};
use stateright::{Checker, HasDiscoveries, Model, Property};

/// The model; with the defect it looks first and locks later.
#[derive(Clone, Copy, Debug)]
pub struct StartsModel {
    /// Looks for a live transition without a lock.
    pub looks_without_lock: bool,
    /// Crashes and duplicates.
    pub faults: (u8, u8),
}

/// A transition: the request that made it, and its saga.
type Started = (u8, Saga);

/// A state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Requests under way, by number.
    requests: Vec<u8>,
    /// All transitions, in the order of their starts.
    transitions: Vec<Started>,
    /// For each request, the transitions that it was told it had started.
    told: [Vec<usize>; 2],
    /// A replica that has looked and found nothing, and for which request.
    looked: [Option<u8>; 2],
    /// Crashes and duplicates left.
    left: (u8, u8),
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A replica handles a request; it ends in the middle (`crash`), or the request comes once more (`again`).
    Handle {
        /// Which request.
        request: u8,
        /// It ends after the commit.
        crash: bool,
        /// It comes once more.
        again: bool,
    },
    /// The defect: a replica looks whether there is a live transition.
    Look(u8, u8),
    /// And inserts one, where it saw none.
    Insert(u8),
    /// The live transition comes to an end.
    End(usize),
}

impl State {
    fn live(&self) -> Vec<Id> {
        let live = self.transitions.iter().enumerate().filter(|(_, (_, saga))| !saga.state().is_end());
        live.map(|(n, _)| Id(n as u128)).collect()
    }

    fn insert(&mut self, request: u8) {
        let limits = limits(1);
        let saga = Saga::requested(at(0), &limits);
        if let Ok(decision) = decide(&saga, &Event::Started, None, at(0), &limits.into()) {
            self.transitions.push((request, canonical(decision.saga)));
        }
    }

    fn tell(&mut self, request: u8) {
        let made = self.transitions.iter().position(|(by, _)| *by == request);
        if let Some(made) = made
            && !self.told[usize::from(request)].contains(&made)
        {
            self.told[usize::from(request)].push(made);
        }
    }

    fn take(&mut self, request: u8) {
        if let Some(place) = self.requests.iter().position(|r| *r == request) {
            self.requests.remove(place);
        }
    }
}

impl Model for StartsModel {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State { requests: vec![0, 1], transitions: vec![], told: [vec![], vec![]], looked: [None, None], left: self.faults }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Step>) {
        let mut requests = state.requests.clone();
        requests.dedup();
        for request in requests {
            if self.looks_without_lock {
                let free = (0..2).find(|replica| state.looked[usize::from(*replica)].is_none());
                actions.extend(free.map(|replica| Step::Look(replica, request)));
                continue;
            }
            actions.push(Step::Handle { request, crash: false, again: false });
            if state.left.0 > 0 {
                actions.push(Step::Handle { request, crash: true, again: true });
            }
            if state.left.1 > 0 {
                actions.push(Step::Handle { request, crash: false, again: true });
            }
        }
        actions.extend((0..2).filter(|replica| state.looked[usize::from(*replica)].is_some()).map(Step::Insert));
        let live = state.transitions.iter().position(|(_, saga)| !saga.state().is_end());
        actions.extend(live.map(Step::End));
    }

    fn next_state(&self, before: &State, step: Step) -> Option<State> {
        let mut state = before.clone();
        match step {
            Step::Handle { request, crash, again } => {
                state.take(request);
                let known = state.transitions.iter().any(|(by, _)| *by == request);
                if !known && state.live().is_empty() {
                    state.insert(request);
                }
                if crash {
                    state.left.0 -= 1;
                } else {
                    state.tell(request);
                    state.left.1 -= u8::from(again);
                }
                if again {
                    state.requests.push(request);
                    state.requests.sort_unstable();
                }
            }
            Step::Look(replica, request) => {
                state.take(request);
                let known = state.transitions.iter().any(|(by, _)| *by == request);
                if !known && state.live().is_empty() {
                    state.looked[usize::from(replica)] = Some(request);
                } else {
                    state.tell(request);
                }
            }
            Step::Insert(replica) => {
                let request = state.looked[usize::from(replica)].take()?;
                state.insert(request);
                state.tell(request);
            }
            Step::End(number) => {
                let checked = Checked { attempt: 1, packet: 0, packets: 1, eligible: false, lines: 0, resellers: 0 };
                let saga = &state.transitions[number].1;
                let decision = decide(saga, &Event::Checked(checked), None, at(0), &limits(1).into()).ok()?;
                state.transitions[number].1 = canonical(decision.saga);
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("I10 one live transition for a customer", |_, state: &State| {
                one_live_transition(Id(0), &state.live()).violations.is_empty()
            }),
            Property::always("S5 a request makes one transition, and is told the same", |_, state: &State| {
                let made = |request: u8| state.transitions.iter().filter(|(by, _)| *by == request).count();
                (0..2).all(|request| made(request) <= 1) && state.told.iter().all(|told| told.len() <= 1)
            }),
            Property::sometimes("both have moved", |_, state: &State| {
                state.transitions.len() == 2 && state.transitions.iter().all(|(_, saga)| saga.state().is_end())
            }),
        ]
    }
}

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// States.
    pub unique: usize,
    /// Properties that do not hold, with the steps that show it.
    pub broken: Vec<(&'static str, usize)>,
    /// The interesting case was met.
    pub met: bool,
}

/// Explores it.
pub fn explore(model: StartsModel) -> Found {
    let finish = if model.looks_without_lock { HasDiscoveries::AnyFailures } else { HasDiscoveries::All };
    let checker = model.checker().finish_when(finish).spawn_bfs().join();
    let mut broken = Vec::new();
    let mut met = false;
    for (name, path) in checker.discoveries() {
        if name == "both have moved" {
            met = true;
        } else {
            broken.push((name, path.into_actions().len()));
        }
    }
    broken.sort_by_key(|(_, steps)| *steps);
    Found { unique: checker.unique_state_count(), broken, met }
}
