//! A worker's answer: as an event for the saga, and as changes of rows.

use super::work::Work;
use crate::{
    saga::{Answer, Checked, Event},
    store::rows::LineChange,
};
use planshift_domain::{
    ids::{Reseller, TransitionId, parse_guid},
    message::reply::{EligibilityChecked, ItemAnswer, PacketAnswer, PacketGivenUp},
    step::{Action, Step},
    transition::{Evidence, Failure, Finding, LineRow, PacketRow, PlanRow},
};

/// What the saga needs to know of an eligibility packet.
pub fn checked_event(checked: &EligibilityChecked) -> Event {
    Event::Checked(Checked {
        attempt: checked.attempt,
        packet: checked.packet,
        packets: checked.packets,
        eligible: checked.eligible,
        lines: checked.lines_total,
        resellers: checked.resellers_total,
    })
}

/// Nothing is in scope, but a transition has completed: that is the reason, in the same place of the order.
pub fn merge_completed(checked: &mut EligibilityChecked, completed: Option<TransitionId>) {
    let Some(completed) = completed else { return };
    for reason in &mut checked.findings.reasons {
        if reason.code == "NoAzureSubscriptions" {
            *reason = Finding {
                code: "UpgradeAlreadyCompleted".into(),
                resource_id: reason.resource_id.clone(),
                description: format!("Transition {completed} has completed, and nothing is left to move"),
            };
        }
    }
}

/// The packet's row, and its lines.
pub fn record_checked(work: &mut Work, checked: EligibilityChecked) {
    let version = work.stored.version;
    work.packets.push(PacketRow {
        step: Step::Eligibility,
        action: Action::Do,
        packet: checked.packet,
        attempt: checked.attempt,
        good: 1,
        refused: 0,
        findings: checked.findings,
        version,
    });
    work.new_lines.extend(checked.lines.into_iter().map(|line| LineRow {
        azure_subscription_id: line.azure_subscription_id,
        commerce_subscription_id: line.commerce_subscription_id,
        reseller: line.reseller,
        packet: checked.packet,
        error: None,
        undo: None,
        version,
    }));
}

/// A fenced command is an answer without an effect, never a good one: it must not count towards the pivot.
fn is_good(action: Action, item: &ItemAnswer) -> bool {
    match action {
        Action::Do => item.evidence == Evidence::Done,
        Action::Undo => matches!(item.evidence, Evidence::Undone | Evidence::Fenced),
    }
}

/// What the saga needs to know of an answer.
pub fn answered_event(step: Step, answer: &PacketAnswer) -> Event {
    let good = answer.items.iter().filter(|item| is_good(answer.action, item)).count();
    let first = answer.items.iter().find(|item| !is_good(answer.action, item)).map(|item| {
        let error = item.error.clone();
        let (code, description) =
            error.map_or_else(|| ("Fenced".to_owned(), "It was undone before it came".to_owned()), |error| (error.code, error.description));
        Failure { step, resource_id: item.item.clone(), code, description }
    });
    Event::Answered(Answer {
        step,
        action: answer.action,
        packet: answer.packet,
        attempt: answer.attempt,
        good: count(good),
        refused: count(answer.items.len() - good),
        first,
    })
}

/// Writes down what an answer says: the packet, and of its items what differs.
pub fn record_answered(work: &mut Work, step: Step, answer: &PacketAnswer) {
    let version = work.stored.version;
    let Event::Answered(summary) = answered_event(step, answer) else { return };
    work.packets.push(PacketRow {
        step,
        action: answer.action,
        packet: answer.packet,
        attempt: answer.attempt,
        good: summary.good,
        refused: summary.refused,
        findings: Default::default(),
        version,
    });
    match step {
        Step::Eligibility => {}
        Step::Purchasing => work.plans.extend(answer.items.iter().filter_map(|item| plan_row(item, answer.action, version))),
        Step::Mapping | Step::Suspension => {
            work.line_changes.extend(answer.items.iter().filter_map(|item| line_change(step, answer, item, version)));
        }
    }
}

fn plan_row(item: &ItemAnswer, action: Action, version: u32) -> Option<PlanRow> {
    Some(PlanRow {
        reseller: Reseller::from_key(&item.item).ok()?,
        plan_id: item.plan.as_ref().map(|plan| plan.plan_id),
        reused: item.plan.as_ref().is_some_and(|plan| plan.reused),
        status: item.plan.as_ref().map(|plan| plan.status),
        error: item.error.clone(),
        undo: undo_evidence(item, action),
        version,
    })
}

/// What an item says about being undone: an undo always, a command where the fence met it.
fn undo_evidence(item: &ItemAnswer, action: Action) -> Option<Evidence> {
    (action == Action::Undo || matches!(item.evidence, Evidence::Undone | Evidence::Fenced)).then_some(item.evidence)
}

/// A line that went as its packet did needs no row of its own, unless an earlier attempt left an error there.
fn line_change(step: Step, answer: &PacketAnswer, item: &ItemAnswer, version: u32) -> Option<LineChange> {
    let undo = if step == Step::Mapping { undo_evidence(item, answer.action) } else { None };
    let differs = undo.is_some() || item.error.is_some() || answer.attempt > 1;
    let id = parse_guid(&item.item)?;
    let error = match (&item.error, item.evidence) {
        (Some(error), _) => Some(Some((step, error.clone()))),
        // it was never done, so what refused it stays the reason
        (None, Evidence::Fenced | Evidence::Refused) => None,
        (None, Evidence::Done | Evidence::Undone) => Some(None),
    };
    differs.then_some(LineChange { packet: answer.packet, item: id, error, undo, version })
}

/// A packet that was given up is a packet whose every item was refused.
pub fn given_up(work: &Work, step: Step, given_up: &PacketGivenUp, items: Vec<String>) -> PacketAnswer {
    let items = if items.is_empty() { vec![work.stored.customer.to_string()] } else { items };
    PacketAnswer {
        transition_id: given_up.transition_id,
        action: given_up.action,
        packet: given_up.packet,
        attempt: given_up.attempt,
        items: items
            .into_iter()
            .map(|item| ItemAnswer { item, evidence: Evidence::Refused, error: Some(given_up.error.clone()), plan: None })
            .inspect(|item| tracing::debug!(%step, item = item.item, "given up"))
            .collect(),
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
