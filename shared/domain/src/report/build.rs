//! What a report says, from what is known of the transition.

use super::{EvidenceEntry, Failed, NextStep, Report, UnderPlan, Undone, UndoneKind};
use crate::{
    account::facts::{PlanStatus, SubscriptionStatus},
    audit::EXCHANGED,
    history::HistoryEntry,
    said::{Said, Sentence, nouns, report as say, story},
    step::Step,
    transition::{Failure, State},
    view::{LineState, TransitionView},
};

/// The code of a failure that a person caused by cancelling.
const CANCELLED: &str = "Cancelled";
/// The code of a failure for lack of time.
const TIMED_OUT: &str = "TimedOut";
/// How many of the last history entries prove the outcome: the last moves and what led to them.
const EVIDENCE_ENTRIES: usize = 3;

pub(super) fn report(view: &TransitionView, history: &[HistoryEntry]) -> Report {
    let under_plan = under_plan(view);
    Report {
        transition_id: view.transition_id,
        customer_id: view.customer_id,
        state: view.state,
        started_at: view.started_at,
        ended_at: view.ended_at,
        summary: summary(view),
        failed: failed(view, history),
        undone: undone(view),
        as_it_was: as_it_was(view),
        next: next(view, history, &under_plan),
        under_plan: if view.state == State::Completed { Vec::new() } else { under_plan },
        evidence: last(history),
    }
}

/// The last entries that are told to people, in order: what was sent and got is for who checks.
fn last(history: &[HistoryEntry]) -> Vec<EvidenceEntry> {
    let told = history.iter().rev().filter(|entry| entry.event != EXCHANGED);
    let mut last: Vec<EvidenceEntry> = told.take(EVIDENCE_ENTRIES).map(evidence).collect();
    last.reverse();
    last
}

fn summary(view: &TransitionView) -> String {
    let said: Said = match view.state {
        State::Completed => {
            say::ALL_WENT_WELL.with(&[&nouns::AZURE_SUBSCRIPTION_IS.of(view.lines.len()), &nouns::AZURE_PLAN.of(view.plans.len())])
        }
        State::Ineligible => say::MAY_NOT_MOVE.with(&[&nouns::REASON_BLOCKS.of(view.reasons.len())]),
        State::Compensated if cancelled(view) => say::WAS_CANCELLED.into(),
        State::Compensated => say::FAILED.into(),
        State::NeedsOperator if past_pivot(view) => say::FAILED_PAST_THE_PIVOT.into(),
        State::NeedsOperator => say::NOT_UNDONE.into(),
        State::Compensating => say::BEING_UNDONE.into(),
        _ => say::UNDER_WAY.with(&[&view.state]),
    };
    said.into()
}

fn cancelled(view: &TransitionView) -> bool {
    view.failure.as_ref().is_some_and(|failure| failure.code == CANCELLED)
}

/// Past the pivot, suspensions are what fails; before it, what is left is an undo.
fn past_pivot(view: &TransitionView) -> bool {
    view.failure.as_ref().is_some_and(|failure| failure.step == Step::Suspension)
}

fn failed(view: &TransitionView, history: &[HistoryEntry]) -> Vec<Failed> {
    let reasons = view.reasons.iter().map(|reason| Failed {
        step: Step::Eligibility,
        resource_id: reason.resource_id.clone(),
        code: reason.code.clone(),
        description: reason.description.clone(),
        said_by: say::RULES.into(),
    });
    let first = view.failure.as_ref().map(|failure| Failed {
        step: failure.step,
        resource_id: failure.resource_id.clone(),
        code: failure.code.clone(),
        description: failure.description.clone(),
        said_by: said_by(failure, history),
    });
    let mut failed: Vec<Failed> = reasons.chain(first).collect();
    for line in &view.lines {
        let Some(error) = &line.error else { continue };
        let (azure, commerce) = (line.azure_subscription_id.to_string(), line.commerce_subscription_id.to_string());
        if failed.iter().take(view.reasons.len() + 1).any(|f| (f.resource_id == azure || f.resource_id == commerce) && f.code == error.code)
        {
            continue; // what failed first is one of them
        }
        let suspension = past_pivot(view);
        failed.push(Failed {
            step: if suspension { Step::Suspension } else { Step::Mapping },
            resource_id: if suspension { commerce } else { azure },
            code: error.code.clone(),
            description: error.description.clone(),
            said_by: if suspension { "suspension" } else { "mapping" }.to_owned(),
        });
    }
    failed
}

fn said_by(failure: &Failure, history: &[HistoryEntry]) -> String {
    // whoever cancelled turned it back
    let cancelled = |entry: &&HistoryEntry| story::TURNS_BACK.is_said_by(&entry.text);
    match failure.code.as_str() {
        CANCELLED => history.iter().rev().find(cancelled).map_or_else(|| say::WHOEVER_CANCELLED.into(), |entry| entry.actor.clone()),
        TIMED_OUT => say::COORDINATOR.into(),
        _ => failure.step.name().to_owned(),
    }
}

fn undone(view: &TransitionView) -> Vec<Undone> {
    let lines = view.lines.iter().filter(|line| line.state == LineState::Compensated).map(|line| Undone {
        kind: UndoneKind::AzureSubscription,
        resource_id: line.azure_subscription_id.to_string(),
        evidence: say::LINE_UNDONE.with(&[&line.commerce_subscription_id, &line.commerce_status]).into(),
    });
    let undoing = matches!(view.state, State::Compensated | State::Compensating | State::NeedsOperator);
    let plans = view.plans.iter().filter(|plan| undoing && plan.status == PlanStatus::Suspended).map(|plan| Undone {
        kind: UndoneKind::AzurePlan,
        resource_id: plan.plan_id.to_string(),
        evidence: match &plan.partner_id {
            Some(reseller) => say::PLAN_UNDONE.with(&[reseller]).into(),
            None => say::PLAN_WITHOUT_RESELLER_UNDONE.into(),
        },
    });
    lines.chain(plans).collect()
}

fn as_it_was(view: &TransitionView) -> Vec<String> {
    if view.state == State::Ineligible {
        return vec![say::NOTHING_DONE.into()];
    }
    if !matches!(view.state, State::Compensated | State::NeedsOperator | State::Compensating) {
        return Vec::new();
    }
    let count = |wanted: &dyn Fn(&crate::view::LineView) -> bool| view.lines.iter().filter(|line| wanted(line)).count();
    let mut said = Vec::new();
    let free = count(&|line| line.plan_id.is_none());
    if free > 0 {
        said.push(nouns::AZURE_SUBSCRIPTION_FREE.of(free));
    }
    let active = count(&|line| line.commerce_status == SubscriptionStatus::Active);
    if active > 0 {
        said.push(nouns::COMMERCE_SUBSCRIPTION_ACTIVE.of(active));
    }
    let kept = view.plans.iter().filter(|plan| plan.reused && plan.status == PlanStatus::Active).count();
    if kept > 0 && view.state == State::Compensated {
        said.push(nouns::AZURE_PLAN_STILL_ACTIVE.of(kept));
    }
    if view.lines.is_empty() && view.plans.is_empty() {
        said.push(say::NOTHING_DONE.into());
    }
    said.push(say::USE_UNTOUCHED.into());
    said
}

fn under_plan(view: &TransitionView) -> Vec<UnderPlan> {
    let attached = view.lines.iter().filter_map(|line| {
        Some(UnderPlan {
            azure_subscription_id: line.azure_subscription_id,
            plan_id: line.plan_id?,
            commerce_subscription_id: line.commerce_subscription_id,
            commerce_status: line.commerce_status,
        })
    });
    attached.collect()
}

fn evidence(entry: &HistoryEntry) -> EvidenceEntry {
    EvidenceEntry {
        number: entry.number,
        at: entry.at,
        text: if entry.text.is_empty() { entry.event.clone() } else { format!("{}: {}", entry.event, entry.text) },
        hash: entry.hash.clone(),
    }
}

fn next(view: &TransitionView, history: &[HistoryEntry], under_plan: &[UnderPlan]) -> Vec<NextStep> {
    let told = |who: Sentence, what: Said, command: Option<String>| NextStep { who: who.into(), what: what.into(), command };
    let step = |who: Sentence, what: Sentence, command: Option<String>| told(who, what.into(), command);
    let (id, customer) = (view.transition_id, view.customer_id);
    let start = || Some(format!("planshift start --customer {customer}"));
    match view.state {
        State::Completed => vec![step(say::NOBODY, say::NOTHING_LEFT, None)],
        State::Ineligible => vec![
            step(say::PARTNER, say::PUT_RIGHT_WHAT_BLOCKS, Some("planshift import ACCOUNTS.json".to_owned())),
            step(say::PARTNER, say::THEN_START, start()),
        ],
        State::Compensated => {
            let accept = step(say::PARTNER, say::ACCEPT, Some(format!("planshift close {id}")));
            let again = if cancelled(view) { say::START_WHEN_WANTED } else { say::PUT_RIGHT_AND_START };
            let closed = history.iter().any(|entry| story::CLOSED.is_said_by(&entry.text));
            (!closed).then_some(accept).into_iter().chain([step(say::PARTNER, again, start())]).collect()
        }
        State::NeedsOperator => {
            let active = under_plan.iter().filter(|line| line.commerce_status == SubscriptionStatus::Active).count();
            let what = if past_pivot(view) {
                say::PUT_RIGHT_SUSPENSIONS.with(&[&nouns::COMMERCE_SUBSCRIPTION.of(active)])
            } else {
                say::PUT_RIGHT_UNDO.into()
            };
            vec![told(say::OPERATOR, what, Some(format!("planshift resume {id}")))]
        }
        _ => vec![step(say::NOBODY, say::GOES_ON, Some(format!("planshift watch {id}")))],
    }
}
