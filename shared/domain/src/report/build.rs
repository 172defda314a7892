//! What a report says, from what is known of the transition.

use super::{EvidenceEntry, Failed, NextStep, Report, UnderPlan, Undone, UndoneKind};
use crate::{
    account::facts::{PlanStatus, SubscriptionStatus},
    audit::EXCHANGED,
    history::HistoryEntry,
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
        next: next(view, &under_plan),
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
    match view.state {
        State::Completed => format!(
            "All went well: {} under {}, and the commerce subscriptions they came with are suspended.",
            counted(view.lines.len(), "Azure subscription is", "Azure subscriptions are"),
            counted(view.plans.len(), "Azure plan", "Azure plans"),
        ),
        State::Ineligible => format!("The customer may not move now: {}.", counted(view.reasons.len(), "reason blocks", "reasons block")),
        State::Compensated if cancelled(view) => "It was cancelled, and what it had done was undone.".to_owned(),
        State::Compensated => "It failed before the pivot, and what it had done was undone.".to_owned(),
        State::NeedsOperator if past_pivot(view) => {
            "A step failed for good after the pivot: everything else has ended, and from here it only goes forward.".to_owned()
        }
        State::NeedsOperator => "Something could not be undone: everything else has ended, and an operator is asked.".to_owned(),
        State::Compensating => "It is being undone.".to_owned(),
        _ => format!("It is under way, in the state {}.", view.state),
    }
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
        said_by: "the eligibility rules".to_owned(),
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
    match failure.code.as_str() {
        CANCELLED => {
            history.iter().rev().find(|e| e.event == CANCELLED).map_or_else(|| "the one who cancelled it".to_owned(), |e| e.actor.clone())
        }
        TIMED_OUT => "the coordinator".to_owned(),
        _ => failure.step.name().to_owned(),
    }
}

fn undone(view: &TransitionView) -> Vec<Undone> {
    let lines = view.lines.iter().filter(|line| line.state == LineState::Compensated).map(|line| Undone {
        kind: UndoneKind::AzureSubscription,
        resource_id: line.azure_subscription_id.to_string(),
        evidence: format!(
            "mapping's ledger says undone; it is under no plan, and its commerce subscription {} is {}",
            line.commerce_subscription_id, line.commerce_status
        ),
    });
    let undoing = matches!(view.state, State::Compensated | State::Compensating | State::NeedsOperator);
    let plans = view.plans.iter().filter(|plan| undoing && plan.status == PlanStatus::Suspended).map(|plan| Undone {
        kind: UndoneKind::AzurePlan,
        resource_id: plan.plan_id.to_string(),
        evidence: match &plan.partner_id {
            Some(reseller) => format!("the plan of reseller {reseller} is suspended; the next attempt makes it active again"),
            None => "the plan is suspended; the next attempt makes it active again".to_owned(),
        },
    });
    lines.chain(plans).collect()
}

fn as_it_was(view: &TransitionView) -> Vec<String> {
    if view.state == State::Ineligible {
        return vec!["Nothing was bought, mapped or suspended.".to_owned()];
    }
    if !matches!(view.state, State::Compensated | State::NeedsOperator | State::Compensating) {
        return Vec::new();
    }
    let count = |wanted: &dyn Fn(&crate::view::LineView) -> bool| view.lines.iter().filter(|line| wanted(line)).count();
    let mut said = Vec::new();
    let free = count(&|line| line.plan_id.is_none());
    if free > 0 {
        said.push(format!("{} under no plan, and billed as before.", counted(free, "Azure subscription is", "Azure subscriptions are")));
    }
    let active = count(&|line| line.commerce_status == SubscriptionStatus::Active);
    if active > 0 {
        said.push(format!("{} active.", counted(active, "commerce subscription is", "commerce subscriptions are")));
    }
    let kept = view.plans.iter().filter(|plan| plan.reused && plan.status == PlanStatus::Active).count();
    if kept > 0 && view.state == State::Compensated {
        said.push(format!("{} active before and still.", counted(kept, "Azure plan was", "Azure plans were")));
    }
    if view.lines.is_empty() && view.plans.is_empty() {
        said.push("Nothing was bought, mapped or suspended.".to_owned());
    }
    said.push("Nobody's use of Azure and nobody's admin rights were touched.".to_owned());
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

fn next(view: &TransitionView, under_plan: &[UnderPlan]) -> Vec<NextStep> {
    let step = |who: &str, what: String, command: Option<String>| NextStep { who: who.to_owned(), what, command };
    let (id, customer) = (view.transition_id, view.customer_id);
    let start = || Some(format!("planshift start --customer {customer}"));
    match view.state {
        State::Completed => vec![step("Nobody", "There is nothing left to do.".to_owned(), None)],
        State::Ineligible => vec![
            step(
                "The partner",
                "Put right what blocks, each reason as it says, and import the account again:".to_owned(),
                Some("planshift import ACCOUNTS.json".to_owned()),
            ),
            step("The partner", "Then start again:".to_owned(), start()),
        ],
        State::Compensated => {
            let accept = step(
                "The partner",
                "To leave it at that, accept it as it is (Azure can be bought for the customer again then):".to_owned(),
                Some(format!("planshift close {id}")),
            );
            let again = if cancelled(view) { "Start again when it is wanted:" } else { "Put right what failed, and start again:" };
            vec![accept, step("The partner", again.to_owned(), start())]
        }
        State::NeedsOperator => {
            let active = under_plan.iter().filter(|line| line.commerce_status == SubscriptionStatus::Active).count();
            let what = if past_pivot(view) {
                format!(
                    "Put right why {} could not be suspended, then let it go on:",
                    counted(active, "commerce subscription", "commerce subscriptions")
                )
            } else {
                "Put right what could not be undone, then let it go on:".to_owned()
            };
            vec![step("The operator", what, Some(format!("planshift resume {id}")))]
        }
        _ => vec![step("Nobody", "It goes on by itself. To see it:".to_owned(), Some(format!("planshift watch {id}")))],
    }
}

/// `1 plan`, `2,000 plans`.
fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", super::text::grouped(count), if count == 1 { one } else { many })
}
