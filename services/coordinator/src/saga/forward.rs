//! The way on: eligibility, plans, mappings, the pivot, suspensions.

use super::{Answer, Checked, Decision, IllegalMove, Known, compensation};
use planshift_domain::{
    said::{failures, nouns, story},
    step::{Action, Step},
    time::Timestamp,
    transition::{Failure, State},
};

pub(super) fn start(decision: &mut Decision, now: Timestamp) -> Result<(), IllegalMove> {
    if decision.saga.state() != State::Requested {
        return Ok(());
    }
    decision.note("Started", story::STARTED);
    decision.go(State::CheckingEligibility, now, story::ASKED)?;
    decision.command(Step::Eligibility, Action::Do);
    Ok(())
}

/// A packet of eligibility's answer. Once all have come, the saga knows whether, and with what, to go on.
pub(super) fn checked(decision: &mut Decision, checked: &Checked, known: Option<Known>, now: Timestamp) -> Result<(), IllegalMove> {
    let saga = &mut decision.saga;
    if saga.state() != State::CheckingEligibility || known.is_some() || checked.attempt != saga.attempt || checked.packet >= checked.packets
    {
        return Ok(());
    }
    let tally = saga.tally_mut(Step::Eligibility, Action::Do);
    tally.packets = checked.packets;
    tally.answered += 1;
    tally.good += 1;
    decision.record = true;
    if !tally.all_answered() {
        return Ok(());
    }
    // one command was sent, whatever the number of packets in its answer
    tally.packets = 1;
    tally.answered = 1;
    if !checked.eligible {
        return decision.go(State::Ineligible, now, story::BLOCKED);
    }
    saga.lines = checked.lines;
    saga.plans = checked.resellers;
    let (lines, plans) = (nouns::AZURE_SUBSCRIPTION.in_words(checked.lines), nouns::PLAN.in_words(checked.resellers));
    decision.go(State::PurchasingPlans, now, story::ELIGIBLE.with(&[&lines, &plans]))?;
    decision.command(Step::Purchasing, Action::Do);
    Ok(())
}

/// An answer to a command was recorded: on, back, or wait for the others.
pub(super) fn answered(decision: &mut Decision, answer: &Answer, now: Timestamp) -> Result<(), IllegalMove> {
    let state = decision.saga.state();
    if let Some(first) = &answer.first
        && decision.saga.failure.is_none()
        && state.step() == Some(answer.step)
    {
        decision.saga.failure = Some(first.clone());
        decision.note("Refused", story::REFUSED.with(&[&answer.step, &first.resource_id, &first.code, &first.description]));
    }
    match (state, answer.step) {
        // a check that was given up; one that was answered comes through `checked`
        (State::CheckingEligibility, Step::Eligibility) => after_compensatable(decision, Step::Eligibility, now),
        (State::PurchasingPlans, Step::Purchasing) => after_compensatable(decision, Step::Purchasing, now),
        (State::MappingSubscriptions, Step::Mapping) => after_compensatable(decision, Step::Mapping, now),
        (State::SuspendingCommerce, Step::Suspension) => after_suspension(decision, now),
        _ => Ok(()),
    }
}

/// One refusal before the pivot turns the saga back; all good answers take it on.
fn after_compensatable(decision: &mut Decision, step: Step, now: Timestamp) -> Result<(), IllegalMove> {
    let tally = *decision.saga.tally(step, Action::Do);
    if tally.faulty > 0 {
        let failure = decision.saga.failure.take().unwrap_or_else(|| unexplained(step));
        return compensation::begin(decision, failure, now);
    }
    if !tally.proven() || step == Step::Eligibility {
        return Ok(());
    }
    if step == Step::Purchasing {
        let effective_at = now.next_whole_hour();
        decision.saga.effective_at = Some(effective_at);
        decision.go(State::MappingSubscriptions, now, story::PLANS_ACTIVE.with(&[&effective_at]))?;
        decision.command(Step::Mapping, Action::Do);
    } else {
        decision.go(State::SuspendingCommerce, now, story::MAPPED)?;
        decision.command(Step::Suspension, Action::Do);
    }
    Ok(())
}

/// After the pivot nothing turns back: when every packet was answered, it is done, or an operator is asked.
pub(super) fn after_suspension(decision: &mut Decision, now: Timestamp) -> Result<(), IllegalMove> {
    let tally = *decision.saga.tally(Step::Suspension, Action::Do);
    if tally.proven() {
        decision.saga.failure = None;
        decision.go(State::Completed, now, story::SUSPENDED)
    } else if tally.all_answered() {
        decision.saga.failure.get_or_insert_with(|| unexplained(Step::Suspension));
        decision.go(State::NeedsOperator, now, story::SUSPENSION_FAILED.with(&[&nouns::PACKET.in_words(tally.faulty)]))
    } else {
        Ok(())
    }
}

fn unexplained(step: Step) -> Failure {
    Failure { step, resource_id: String::new(), code: "Refused".into(), description: failures::NO_REASON.into() }
}
