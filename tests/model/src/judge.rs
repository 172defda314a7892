//! The catalogue's own checks, on what is stored and what has really happened.
//!
//! Of a state they see the transition's stand, which steps it has commanded, ledgers and effects. That is the same in most states
//! of an exploration, so each such view is judged once.

use crate::{
    bounds::Bounds,
    rules::{Broken, I3, I4, I7, I11, I13, I16, Rule, S1, S2, S6},
    snapshot::{Effect, ITEMS, Row, Snapshot},
};
use planshift_domain::{
    step::{Action, Step},
    transition::State,
};
use planshift_invariants::{
    Checked, checks,
    data::{self, Attachment, Entry, Id, Legacy, LegacyStatus, Line, Plan, Stand, StoredPlan, Transition},
};
use planshift_storage::ledger::LedgerState;
use std::{cell::RefCell, collections::HashMap};

/// What the checks see of a state.
#[derive(Clone, PartialEq, Eq, Hash)]
struct View {
    lines: u8,
    plans: u8,
    state: Option<State>,
    commanded: [bool; 4],
    ledger: [[Row; ITEMS]; 4],
    effects: [[Effect; ITEMS]; 4],
}

thread_local! {
    static JUDGED: RefCell<HashMap<View, Broken>> = RefCell::default();
}

impl View {
    fn of(bounds: &Bounds, state: &Snapshot) -> Self {
        let saga = state.stored.saga.as_ref();
        Self {
            lines: bounds.lines,
            plans: bounds.plans,
            state: saga.map(|saga| saga.state()),
            commanded: Step::ALL.map(|step| saga.is_some_and(|saga| saga.tally(step, Action::Do).commanded())),
            ledger: state.ledger,
            effects: state.effects,
        }
    }
}

/// The rules that what is stored in `state` breaks.
pub fn judge(bounds: &Bounds, state: &Snapshot) -> Broken {
    let view = View::of(bounds, state);
    JUDGED.with_borrow_mut(|judged| {
        if let Some(broken) = judged.get(&view) {
            return *broken;
        }
        let broken = look(&view);
        judged.insert(view, broken);
        broken
    })
}

/// What is wrong with `state`, in words.
pub fn words(bounds: &Bounds, state: &Snapshot) -> Vec<String> {
    let transition = transition(&View::of(bounds, state));
    look_each(&transition).into_iter().flat_map(|(_, checked)| checked.violations).map(|violation| violation.to_string()).collect()
}

fn look(view: &View) -> Broken {
    let mut broken = Broken::default();
    for (rule, checked) in look_each(&transition(view)) {
        broken.expect(checked.violations.is_empty(), rule);
    }
    let at_most_once = |effect: &Effect| effect.had <= 1 && effect.undone <= effect.had;
    broken.expect(view.effects.as_flattened().iter().all(at_most_once), I11);
    broken
}

fn look_each(transition: &Transition) -> [(Rule, Checked); 8] {
    [
        (I3, checks::suspended_last(transition)),
        (I4, checks::completed_wholly(transition)),
        (I7, checks::one_plan_each(transition)),
        (I13, checks::plans_in_use_are_active(transition)),
        (I16, checks::as_it_was(transition)),
        (S1, checks::undone_wholly(transition)),
        (S2, checks::nothing_undone_past_the_pivot(transition)),
        (S6, checks::effects_were_commanded(transition)),
    ]
}

const TRANSITION: Id = Id(1);

fn reseller(plan: usize) -> String {
    format!("{plan}")
}
fn plan_id(plan: usize) -> Id {
    Id(0x100 + plan as u128)
}
fn azure_id(line: usize) -> Id {
    Id(0x200 + line as u128)
}
fn commerce_id(line: usize) -> Id {
    Id(0x300 + line as u128)
}

/// As the checks want it.
fn transition(view: &View) -> Transition {
    let effect = |step: Step, item: usize| view.effects[step as usize][item];
    let entry = |step: Step, item: usize| {
        view.ledger[step as usize][item].map(|(says, _)| {
            let effect = match says {
                LedgerState::Intent => data::Effect::Intent,
                LedgerState::Done => data::Effect::Done,
                LedgerState::Refused => data::Effect::Refused,
                LedgerState::Undone => data::Effect::Undone,
                LedgerState::Fenced => data::Effect::Fenced,
            };
            Entry { effect, at: 0 }
        })
    };
    let (line_count, plan_count) = (usize::from(view.lines), usize::from(view.plans));
    let lines = (0..line_count).map(|n| {
        let (mapped, suspended) = (effect(Step::Mapping, n).is_there(), effect(Step::Suspension, n).is_there());
        let (plan, by) = if mapped { (Some(plan_id(n % plan_count)), Some(TRANSITION)) } else { (None, None) };
        let (status, suspended_by) = if suspended { (LegacyStatus::Suspended, Some(TRANSITION)) } else { (LegacyStatus::Other, None) };
        Line {
            azure: azure_id(n),
            commerce: commerce_id(n),
            reseller: reseller(n % plan_count),
            attachment: Some(Attachment { plan, by }),
            legacy: Some(Legacy { status, suspended_by }),
            mark: None,
        }
    });
    let plans = (0..plan_count).map(|n| {
        let bought = effect(Step::Purchasing, n);
        let stored = StoredPlan {
            plan: plan_id(n),
            reseller: reseller(n),
            active: bought.is_there(),
            deleted: false,
            bought: true,
            activated_by: bought.is_there().then_some(TRANSITION),
        };
        let was_bought = bought.had > 0;
        // a plan that something is attached to is looked at even where it was never bought
        Plan { reseller: reseller(n), plan: was_bought.then_some(plan_id(n)), stored: Some(stored) }
    });
    let ledger = data::Ledger {
        check: entry(Step::Eligibility, 0),
        purchases: (0..plan_count).filter_map(|n| entry(Step::Purchasing, n).map(|e| (reseller(n), e))).collect(),
        mappings: (0..line_count).filter_map(|n| entry(Step::Mapping, n).map(|e| (azure_id(n), e))).collect(),
        suspensions: (0..line_count).filter_map(|n| entry(Step::Suspension, n).map(|e| (commerce_id(n), e))).collect(),
        strange: Vec::new(),
    };
    let stand = match view.state {
        Some(State::NeedsOperator) => Stand::NeedsOperator,
        Some(State::Completed) => Stand::Completed,
        Some(State::Ineligible) => Stand::Ineligible,
        Some(State::Compensated) => Stand::Compensated,
        _ => Stand::UnderWay,
    };
    Transition {
        id: TRANSITION,
        stand,
        commanded: view.commanded,
        line_count,
        plan_count,
        lines: lines.collect(),
        plans: plans.collect(),
        ledger,
    }
}
