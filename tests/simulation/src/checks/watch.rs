//! What is published, looked at as it is published.
//!
//! - One version of a transition is told in one way, whoever tells it; what has ended stays (S4); counts of what is done grow but
//!   on the way back (S3, I21).
//! - Nothing is suspended before every line is mapped (I3); no plan is put away before every mapping is undone (I13);
//!   `Compensated` is not told before every ledger says so (S1). What the ledgers say is read at that moment.
//! - A message that was redriven is told to have ended.
//! - None begins beyond the limit of those under way.

use super::Finding;
use crate::{
    broker::Listener,
    fleet::Stores,
    sim::{ProcessId, Sim},
};
use planshift_coordinator::Line;
use planshift_domain::{
    ids::TransitionId,
    message::{
        Body,
        command::{SuspendSubscriptions, UndoPurchasePlans},
        event::TransitionChanged,
        notice::MessageEnded,
    },
    transition::{State, TransitionRow},
};
use planshift_messaging::{Outgoing, Service};
use planshift_storage::{Args, Statement};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// Looks at everything that is published.
pub struct Watch {
    sim: Sim,
    stores: Stores,
    /// How many transitions may be under way at a time.
    under_way: u32,
    state: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    told: BTreeMap<TransitionId, BTreeMap<u32, TransitionRow>>,
    /// Transitions in the order of their first event.
    order: Vec<TransitionId>,
    /// Which transitions a customer, a subscription, a plan is of.
    subjects: HashMap<Uuid, BTreeSet<Uuid>>,
    /// Redrives whose message was told to have ended.
    ended: BTreeSet<String>,
    findings: BTreeSet<Finding>,
}

/// Items of a transition in a ledger that are done, by the ledger's word.
static DONE: Statement = Statement::new("SELECT count(*) FROM ledger WHERE transition_id = $1 AND state = 'done'");
/// Transitions that have begun, and not ended.
static UNDER_WAY: Statement =
    Statement::new("SELECT count(*) FROM transitions WHERE ended_at IS NULL AND NOT waiting AND state <> 'NeedsOperator'");
static LINES: Statement = Statement::new("SELECT count(*) FROM lines WHERE transition_id = $1");

impl Watch {
    /// Nothing seen yet.
    pub fn new(sim: &Sim, stores: &Stores, line: &Line) -> Self {
        Self { sim: sim.clone(), stores: stores.clone(), under_way: line.under_way, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, Seen> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was found, and all that the told versions show in the end.
    pub fn findings(&self) -> Vec<Finding> {
        let state = self.state();
        let mut findings: Vec<Finding> = state.findings.iter().cloned().collect();
        for (id, versions) in &state.told {
            for (before, after) in versions.values().zip(versions.values().skip(1)) {
                judge(*id, before, after, &mut findings);
            }
        }
        findings
    }

    /// Of these redrives, those whose message was never told to have ended.
    pub fn unfinished(&self, redriven: &[String]) -> Vec<Finding> {
        let state = self.state();
        let lost = redriven.iter().filter(|redrive| !state.ended.contains(*redrive));
        lost.map(|redrive| Finding::new("redrive", format!("nobody told what became of the message of redrive {redrive}"), [])).collect()
    }

    /// Names for people: T1, T2 … in the order of their first events.
    pub fn labels(&self) -> HashMap<Uuid, String> {
        (1..).zip(&self.state().order).map(|(number, id)| (id.0, format!("T{number}"))).collect()
    }

    /// The transitions that these are, or that they belong to.
    pub fn transitions_of(&self, subjects: &BTreeSet<Uuid>) -> BTreeSet<Uuid> {
        let state = self.state();
        let of = |subject: &Uuid| match state.subjects.get(subject) {
            Some(transitions) => transitions.clone(),
            None if state.told.contains_key(&TransitionId(*subject)) => BTreeSet::from([*subject]),
            None => BTreeSet::new(),
        };
        subjects.iter().flat_map(of).collect()
    }

    /// How many transitions were told of.
    pub fn transitions(&self) -> usize {
        self.state().order.len()
    }

    /// The state that was told last, of each transition.
    pub fn states(&self) -> Vec<State> {
        self.state().told.values().filter_map(|versions| versions.last_key_value()).map(|(_, row)| row.state).collect()
    }

    fn count(&self, service: Service, statement: &Statement, id: TransitionId) -> i64 {
        self.number(service, statement, Args::new().value(id.0))
    }

    fn all(&self, service: Service, statement: &Statement) -> i64 {
        self.number(service, statement, Args::new())
    }

    fn number(&self, service: Service, statement: &Statement, args: Args) -> i64 {
        let rows = self.stores.get(&service).and_then(|store| store.look(statement, args).ok());
        rows.and_then(|rows| rows.first()?.get(0).ok()).unwrap_or_default()
    }

    pub(super) fn find(&self, check: &str, id: TransitionId, text: String) {
        self.sim.note(ProcessId::NOBODY, Some(id.0), || format!("FOUND {check}: {text}"));
        self.state().findings.insert(Finding::new(check, text, [id.0]));
    }

    fn changed(&self, event: TransitionChanged) {
        let row = event.transition;
        let id = row.id;
        let told = {
            let mut state = self.state();
            if !state.told.contains_key(&id) {
                state.order.push(id);
            }
            let subjects = event.lines.iter().flat_map(|line| [line.azure_subscription_id.0, line.commerce_subscription_id.0]);
            let plans = event.plans.iter().filter_map(|plan| plan.plan_id.map(|plan| plan.0));
            for subject in subjects.chain(plans).chain([row.customer_id.0]) {
                state.subjects.entry(subject).or_default().insert(id.0);
            }
            let known = state.told.entry(id).or_default();
            match known.get(&row.version) {
                Some(known) => *known == row,
                None => {
                    known.insert(row.version, row.clone());
                    true
                }
            }
        };
        if !told {
            self.find("one version", id, format!("version {} of {id} is told in two ways", row.version));
        }
        self.sim.note(ProcessId::NOBODY, Some(id.0), || {
            let failure = row.failure.as_ref().map_or(String::new(), |f| format!(", {} at {} in {}", f.code, f.resource_id, f.step));
            format!(
                "{id} version {}: {} ({} of {} mapped, {} suspended{failure})",
                row.version, row.state, row.mapped, row.lines, row.suspended
            )
        });
        if row.state == State::CheckingEligibility {
            let under_way = self.all(Service::Coordinator, &UNDER_WAY);
            if under_way > i64::from(self.under_way) {
                self.find("limit", id, format!("{id} begins while {under_way} are under way, and {} may be", self.under_way));
            }
        }
        if row.state == State::Compensated {
            for service in [Service::Mapping, Service::Purchasing, Service::Eligibility] {
                let left = self.count(service, &DONE, id);
                if left > 0 {
                    self.find(
                        "S1",
                        id,
                        format!("{id} is told to be Compensated while {left} item(s) are done by the ledger of {}", service.name()),
                    );
                }
            }
        }
    }

    fn commanded(&self, kind: &str, id: TransitionId) {
        let mapped = self.count(Service::Mapping, &DONE, id);
        if kind == UndoPurchasePlans::TYPE && mapped > 0 {
            self.find("I13", id, format!("the plans of {id} are to be put away while {mapped} of its lines are mapped"));
        }
        if kind == SuspendSubscriptions::TYPE {
            let lines = self.count(Service::Coordinator, &LINES, id);
            if mapped < lines {
                self.find("I3", id, format!("subscriptions of {id} are to be suspended while {mapped} of its {lines} lines are mapped"));
            }
        }
    }
}

impl Listener for Watch {
    fn published(&self, _sender: Service, outgoing: &Outgoing) {
        let message = &outgoing.message;
        let kind = message.kind.as_str();
        if kind == TransitionChanged::TYPE {
            if let Ok(event) = serde_json::from_slice(&message.body) {
                self.changed(event);
            }
        } else if kind == MessageEnded::TYPE {
            if let Ok(ended) = serde_json::from_slice::<MessageEnded>(&message.body) {
                self.state().ended.insert(ended.redrive);
            }
        } else if (kind == UndoPurchasePlans::TYPE || kind == SuspendSubscriptions::TYPE)
            && let Ok(id) = message.correlation_id.parse()
        {
            self.commanded(kind, TransitionId(id));
        }
    }
}

/// Two versions, one after the other (there may be others between them that nobody told).
fn judge(id: TransitionId, before: &TransitionRow, after: &TransitionRow, findings: &mut Vec<Finding>) {
    let between = format!("{id} between its versions {} and {}", before.version, after.version);
    if before.state.is_end() && before.state != after.state {
        findings.push(Finding::new("S4", format!("{between} went from {} to {}", before.state, after.state), [id.0]));
    }
    let goes_back = matches!(after.state, State::Compensating | State::Compensated) || after.left_state == Some(State::Compensating);
    if (after.mapped < before.mapped && !goes_back) || after.suspended < before.suspended {
        let text = format!(
            "{between} went from {} mapped and {} suspended to {} and {}",
            before.mapped, before.suspended, after.mapped, after.suspended
        );
        findings.push(Finding::new("S3", text, [id.0]));
    }
    if after.history < before.history || after.facts_version != before.facts_version || after.customer_id != before.customer_id {
        findings.push(Finding::new("one version", format!("{between} lost a part of itself"), [id.0]));
    }
}
