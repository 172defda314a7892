//! The services' rows as the values that checks look at.

use planshift_coordinator::inspect::Transition;
use planshift_domain::{
    account::facts::{PlanStatus, SubscriptionStatus},
    ids::TransitionId,
    ownership::{ChangePoint, Owner},
    step,
    transition::State,
};
use planshift_invariants::data::{Attachment, Effect, Entry, Id, Ledger, Legacy, LegacyStatus, Mark, Point, Stand, Step, StoredPlan};
use planshift_storage::ledger::{LedgerMark, LedgerState};
use uuid::Uuid;

pub(super) fn id(id: impl Into<Uuid>) -> Id {
    Id(id.into().as_u128())
}

pub(super) const fn stand(state: State) -> Stand {
    match state {
        State::Completed => Stand::Completed,
        State::Ineligible => Stand::Ineligible,
        State::Compensated => Stand::Compensated,
        State::NeedsOperator => Stand::NeedsOperator,
        _ => Stand::UnderWay,
    }
}

pub(super) const fn step(of: Step) -> step::Step {
    match of {
        Step::Eligibility => step::Step::Eligibility,
        Step::Purchasing => step::Step::Purchasing,
        Step::Mapping => step::Step::Mapping,
        Step::Suspension => step::Step::Suspension,
    }
}

pub(super) fn commanded(transition: &Transition) -> [bool; 4] {
    Step::ALL.map(|of| transition.commanded(step(of)))
}

/// Puts a row of a step's ledger where the checks expect it.
pub(super) fn enter(ledger: &mut Ledger, of: Step, row: &LedgerMark) {
    let (step_stored, item) = (row.key.step.as_str(), row.key.item.as_str());
    let effect = match row.state {
        LedgerState::Intent => Effect::Intent,
        LedgerState::Done => Effect::Done,
        LedgerState::Refused => Effect::Refused,
        LedgerState::Undone => Effect::Undone,
        LedgerState::Fenced => Effect::Fenced,
    };
    let entry = Entry { effect, at: row.at };
    let guid = Uuid::try_parse(item).ok().map(id);
    match (of, guid) {
        _ if step_stored != of.name() => ledger.strange.push(format!("{step_stored} {item}")),
        (Step::Eligibility, _) if item == "customer" => ledger.check = Some(entry),
        (Step::Purchasing, _) => drop(ledger.purchases.insert(item.to_owned(), entry)),
        (Step::Mapping, Some(azure)) => {
            ledger.mappings.insert(azure, entry);
        }
        (Step::Suspension, Some(commerce)) => {
            ledger.suspensions.insert(commerce, entry);
        }
        _ => ledger.strange.push(format!("{step_stored} {item}")),
    }
}

pub(super) fn attachment(row: &planshift_mapping::inspect::Under) -> Attachment {
    Attachment { plan: row.plan_id.map(id), by: row.attached_by.map(id) }
}

pub(super) fn point(point: &ChangePoint, by: TransitionId) -> Point {
    let plan = match point.owner {
        Owner::Legacy => None,
        Owner::Plan(plan) => Some(id(plan)),
    };
    Point { from: point.from.as_micros(), revision: point.revision, plan, by: id(by) }
}

pub(super) fn legacy(row: &planshift_suspension::inspect::CommerceSubscription) -> Legacy {
    let status = match row.status {
        SubscriptionStatus::Suspended => LegacyStatus::Suspended,
        SubscriptionStatus::Deleted => LegacyStatus::Deleted,
        _ => LegacyStatus::Other,
    };
    Legacy { status, suspended_by: row.suspended_by.map(id) }
}

pub(super) fn mark(row: &planshift_eligibility::inspect::Line) -> Mark {
    Mark { line_of: id(row.transition_id), reseller: row.reseller.key().to_owned(), commerce: id(row.commerce_subscription_id) }
}

pub(super) fn plan(row: &planshift_purchasing::inspect::Plan) -> StoredPlan {
    StoredPlan {
        plan: id(row.plan_id),
        reseller: row.reseller.key().to_owned(),
        active: row.status == PlanStatus::Active,
        deleted: row.status == PlanStatus::Deleted,
        bought: row.bought,
        activated_by: row.activated_by.map(id),
    }
}
