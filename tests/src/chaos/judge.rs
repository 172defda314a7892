//! The judge: what clients asked for and were told, held against what is stored. Pure, so that it can be tried on histories in which
//! something went wrong.
//!
//! | word | of transitions | of effects |
//! |---|---|---|
//! | attempted | starts that clients sent | items that the saga has commanded |
//! | acknowledged | those that were answered with a transition | items that the transition reports as done |
//! | lost | acknowledged, and the transition is not there, or has never ended | reported as done, and the effect is not there |
//! | duplicated | one start became two, or a customer has two at once | one item had its effect more than once |
//! | recovered | acknowledged after a try whose outcome was not known | there, though a try before was refused or its outcome not known |
//! | unexpected | there, and nobody asked for it | there, and not commanded, or not reported |

use super::{
    evidence::{Evidence, Line},
    history::{Recorded, Told, View},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};
use uuid::Uuid;

/// An item of a transition: a reseller, an Azure subscription, a commerce subscription.
type Item = (Uuid, String);

/// A row of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What it is about.
    pub of: &'static str,
    /// See the module.
    pub attempted: usize,
    /// See the module.
    pub acknowledged: usize,
    /// See the module, named.
    pub lost: Vec<String>,
    /// See the module, named.
    pub duplicated: Vec<String>,
    /// See the module.
    pub recovered: usize,
    /// See the module, named.
    pub unexpected: Vec<String>,
}

impl Verdict {
    /// Nothing is wrong.
    pub const fn is_clean(&self) -> bool {
        self.lost.is_empty() && self.duplicated.is_empty() && self.unexpected.is_empty()
    }
}

/// What an effect of one kind comes to.
#[derive(Debug, Default)]
struct Effects {
    attempted: BTreeSet<Item>,
    acknowledged: BTreeSet<Item>,
    /// How often it is there.
    present: BTreeMap<Item, usize>,
    /// A try before the one that did it was refused, or its outcome was not known to somebody.
    retried: BTreeSet<Item>,
}

impl Effects {
    fn verdict(self, of: &'static str) -> Verdict {
        let name = |(transition, item): &Item| format!("{item} of {transition}");
        let is_there = |item: &Item| self.present.contains_key(item);
        let asked_and_told = |item: &Item| self.attempted.contains(item) && self.acknowledged.contains(item);
        Verdict {
            of,
            attempted: self.attempted.len(),
            acknowledged: self.acknowledged.len(),
            lost: self.acknowledged.iter().filter(|item| !is_there(item)).map(name).collect(),
            duplicated: self.present.iter().filter(|(_, count)| **count > 1).map(|(item, _)| name(item)).collect(),
            recovered: self.acknowledged.iter().filter(|item| is_there(item) && self.retried.contains(*item)).count(),
            unexpected: self.present.keys().filter(|item| !asked_and_told(item)).map(name).collect(),
        }
    }
}

/// The table: transitions first, then effects by their kinds.
pub fn judge(recorded: &Recorded, evidence: &Evidence) -> Vec<Verdict> {
    let recovered = recovered_starts(recorded);
    vec![
        transitions(recorded, evidence),
        plans(evidence, &recovered).verdict("plans had"),
        plans_undone(evidence, &recovered).verdict("plans undone"),
        mapped(evidence, &recovered).verdict("subscriptions mapped"),
        given_back(evidence, &recovered).verdict("mappings undone"),
        suspended(evidence, &recovered).verdict("subscriptions suspended"),
    ]
}

/// Transitions whose client did not know at first what became of its start.
fn recovered_starts(recorded: &Recorded) -> BTreeSet<Uuid> {
    let accepted = |told: &Option<Told>| if let Some(Told::Accepted(id)) = told { Some(*id) } else { None };
    recorded.starts.values().filter(|start| start.was_unknown).filter_map(|start| accepted(&start.told)).collect()
}

fn transitions(recorded: &Recorded, evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict { of: "transitions", attempted: recorded.starts.len(), ..Verdict::default() };
    let mut by_request: BTreeMap<Uuid, Vec<_>> = BTreeMap::new();
    let mut live: BTreeMap<Uuid, usize> = BTreeMap::new();
    for transition in &evidence.transitions {
        by_request.entry(transition.request_id).or_default().push(transition);
        *live.entry(transition.customer_id).or_default() += usize::from(!transition.has_ended);
        let is_asked_for = recorded
            .starts
            .get(&transition.request_id)
            .is_some_and(|start| start.customer == transition.customer_id && !matches!(start.told, Some(Told::Refused(..))));
        if !is_asked_for {
            verdict.unexpected.push(format!("{} of customer {}", transition.id, transition.customer_id));
        }
    }
    verdict.duplicated.extend(by_request.iter().filter(|(_, of)| of.len() > 1).map(|(request, _)| format!("the start {request}")));
    verdict
        .duplicated
        .extend(live.iter().filter(|(_, count)| **count > 1).map(|(customer, _)| format!("live ones of customer {customer}")));
    for start in recorded.starts.values() {
        let Some(Told::Accepted(id)) = &start.told else { continue };
        verdict.acknowledged += 1;
        verdict.recovered += usize::from(start.was_unknown);
        let stored = by_request.get(&start.request).and_then(|of| of.iter().find(|transition| transition.id == *id));
        match (stored, evidence.views.get(id)) {
            (None, _) => verdict.lost.push(format!("{id} is not there")),
            (Some(transition), _) if !transition.has_ended => verdict.lost.push(format!("{id} has not ended: {}", transition.state)),
            (Some(_), None) => verdict.lost.push(format!("{id} is not shown by the API")),
            (Some(stored), Some(view)) if view.state != stored.state => {
                verdict.lost.push(format!("{id} is {}, and the API shows {}", stored.state, view.state));
            }
            (Some(_), Some(_)) => {}
        }
    }
    verdict
}

/// Lines of transitions that have been in a state.
fn lines_of<'a>(evidence: &'a Evidence, states: &'a [&str]) -> impl Iterator<Item = &'a Line> {
    let has_reached = |id, state: &str| evidence.reached.contains(&(id, state.to_owned()));
    evidence.lines.iter().filter(move |line| states.iter().all(|state| has_reached(line.transition_id, state)))
}

fn azure(line: &Line) -> Item {
    (line.transition_id, line.azure_subscription_id.to_string())
}

/// The items of a step that were tried again, or whose transition's client was in doubt.
fn retried(evidence: &Evidence, step: &str, recovered: &BTreeSet<Uuid>) -> BTreeSet<Item> {
    let of =
        evidence.ledger.iter().filter(|((transition, at, _), (_, attempt))| at == step && (*attempt > 1 || recovered.contains(transition)));
    of.map(|((transition, _, item), _)| (*transition, item.clone())).collect()
}

fn views<'a>(evidence: &'a Evidence, state: &'a str) -> impl Iterator<Item = &'a View> {
    evidence.views.values().filter(move |view| view.state == state)
}

fn plans(evidence: &Evidence, recovered: &BTreeSet<Uuid>) -> Effects {
    let mut effects = Effects { retried: retried(evidence, "purchasing", recovered), ..Effects::default() };
    effects.attempted = lines_of(evidence, &["PurchasingPlans"]).map(|line| (line.transition_id, line.reseller.clone())).collect();
    // of a transition that was compensated nothing is to be left
    for view in views(evidence, "Completed") {
        effects.acknowledged.extend(view.plans.iter().map(|plan| (view.transition_id, plan.reseller())));
    }
    let mut bought: BTreeMap<(Uuid, &str), usize> = BTreeMap::new();
    for plan in &evidence.plans {
        *bought.entry((plan.customer_id, &plan.reseller)).or_default() += 1;
    }
    for plan in evidence.plans.iter().filter(|plan| plan.is_active) {
        // a second one for the same reseller, active or not, was bought once too often
        let count = bought.get(&(plan.customer_id, plan.reseller.as_str())).copied().unwrap_or_default();
        effects.present.insert((plan.activated_by.unwrap_or_default(), plan.reseller.clone()), count);
    }
    effects
}

fn plans_undone(evidence: &Evidence, recovered: &BTreeSet<Uuid>) -> Effects {
    let mut effects = Effects { retried: retried(evidence, "purchasing", recovered), ..Effects::default() };
    let lines = lines_of(evidence, &["PurchasingPlans", "Compensating"]);
    effects.attempted = lines.map(|line| (line.transition_id, line.reseller.clone())).collect();
    for view in views(evidence, "Compensated") {
        for plan in &view.plans {
            let item = (view.transition_id, plan.reseller());
            effects.acknowledged.insert(item.clone());
            let row = evidence.plans.iter().find(|row| row.plan_id == plan.plan_id);
            // a later transition may have made it active again, as its own
            if row.is_some_and(|row| !(row.is_active && row.activated_by == Some(view.transition_id))) {
                effects.present.insert(item, 1);
            }
        }
    }
    // what a ledger says was undone is told, too
    for ((transition, step, item), (state, _)) in &evidence.ledger {
        if step == "purchasing" && state == "undone" {
            effects.present.entry((*transition, item.clone())).or_insert(1);
        }
    }
    effects
}

/// How many change points a transition made for a subscription, to a plan and back.
fn points(evidence: &Evidence) -> BTreeMap<(Uuid, Uuid), (usize, usize)> {
    let mut points: BTreeMap<(Uuid, Uuid), (usize, usize)> = BTreeMap::new();
    for (azure, transition, plan) in &evidence.points {
        let (to_plan, back) = points.entry((*transition, *azure)).or_default();
        *(if plan.is_some() { to_plan } else { back }) += 1;
    }
    points
}

fn mapped(evidence: &Evidence, recovered: &BTreeSet<Uuid>) -> Effects {
    let mut effects = Effects { retried: retried(evidence, "mapping", recovered), ..Effects::default() };
    effects.attempted = lines_of(evidence, &["MappingSubscriptions"]).map(azure).collect();
    let points = points(evidence);
    for view in evidence.views.values() {
        for line in view.lines.iter().filter(|line| line.plan_id.is_some()) {
            effects.acknowledged.insert((view.transition_id, line.azure_subscription_id.to_string()));
        }
    }
    for (azure, (plan, by)) in &evidence.attached {
        let (to_plan, _) = points.get(&(*by, *azure)).copied().unwrap_or_default();
        let reported = evidence.views.get(by).and_then(|view| view.lines.iter().find(|line| line.azure_subscription_id == *azure));
        // attached to another plan than is told, or without owning any usage: not the effect that was reported
        let is_as_told = reported.is_none_or(|line| line.plan_id.is_none_or(|told| told == *plan));
        if to_plan > 0 && is_as_told {
            effects.present.insert((*by, azure.to_string()), to_plan);
        }
    }
    // what was undone since, but had happened twice
    for ((transition, azure), (to_plan, _)) in points {
        if to_plan > 1 {
            effects.present.insert((transition, azure.to_string()), to_plan);
        }
    }
    effects
}

fn given_back(evidence: &Evidence, recovered: &BTreeSet<Uuid>) -> Effects {
    let mut effects = Effects { retried: retried(evidence, "mapping", recovered), ..Effects::default() };
    effects.attempted = lines_of(evidence, &["MappingSubscriptions", "Compensating"]).map(azure).collect();
    for view in evidence.views.values() {
        for line in view.lines.iter().filter(|line| line.state == "Compensated") {
            effects.acknowledged.insert((view.transition_id, line.azure_subscription_id.to_string()));
        }
        // mapped and given back, in a packet with one that was refused: a line's own error comes first
        for line in view.lines.iter().filter(|line| view.state == "Compensated" && line.state == "Failed") {
            let item = line.azure_subscription_id.to_string();
            let key = (view.transition_id, "mapping".to_owned(), item.clone());
            if evidence.ledger.get(&key).is_some_and(|(state, _)| state == "undone") {
                effects.acknowledged.insert((view.transition_id, item));
            }
        }
    }
    for ((transition, azure), (_, back)) in points(evidence) {
        let is_still_there = evidence.attached.get(&azure).is_some_and(|(_, by)| *by == transition);
        if back > 0 && !is_still_there {
            effects.present.insert((transition, azure.to_string()), back);
        }
    }
    effects
}

fn suspended(evidence: &Evidence, recovered: &BTreeSet<Uuid>) -> Effects {
    let mut effects = Effects { retried: retried(evidence, "suspension", recovered), ..Effects::default() };
    let lines = lines_of(evidence, &["SuspendingCommerce"]);
    effects.attempted = lines.map(|line| (line.transition_id, line.commerce_subscription_id.to_string())).collect();
    for view in evidence.views.values() {
        for line in view.lines.iter().filter(|line| line.state == "Completed" && line.commerce_status == "suspended") {
            effects.acknowledged.insert((view.transition_id, line.commerce_subscription_id.to_string()));
        }
    }
    for (commerce, row) in &evidence.suspended {
        let changes = usize::try_from(row.changes).unwrap_or_default();
        effects.present.insert((row.suspended_by.unwrap_or_default(), commerce.to_string()), changes);
    }
    effects
}

/// The first few of what is wrong, for who reads the log.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (word, items) in [("lost", &self.lost), ("duplicated", &self.duplicated), ("unexpected", &self.unexpected)] {
            for item in items.iter().take(5) {
                writeln!(f, "{}: {word}: {item}", self.of)?;
            }
        }
        Ok(())
    }
}
