//! The decision: production's, and around it the twins whose defect is in it.

use crate::{snapshot::Stored, twin::Twin};
use planshift_coordinator::saga::{
    ActKind, Answer, Decision, Event, IllegalMove, Known, Limits, Saga, Send, Tally, Which, decide as production,
};
use planshift_domain::{
    step::{Action, Step},
    time::Timestamp,
    transition::{Failure, State},
};

/// The settings: times are told apart only as before, at and after a deadline.
pub const fn limits(packet_items: u8) -> Limits {
    Limits { packet_items: packet_items as u32, resend_seconds: 60, total_seconds: 3600 }
}

/// So many seconds after the beginning.
pub const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

/// The decision, as the twin has it.
///
/// # Errors
/// Where production says so: the saga is at fault.
pub fn decide(
    twin: Option<Twin>,
    stored: &Stored,
    saga: &Saga,
    event: &Event,
    known: Option<Known>,
    now: Timestamp,
    limits: &Limits,
) -> Result<Decision, IllegalMove> {
    let decide = |saga: &Saga, event: &Event, known| production(saga, event, known, now, &(*limits).into());
    match (twin, event) {
        (Some(Twin::AnswersCountedTwice), Event::Answered(_)) => decide(saga, event, None),
        (Some(Twin::StaleAnswersApplied), Event::Answered(answer)) if answer.attempt < saga.attempt => {
            decide(saga, &Event::Answered(Answer { attempt: saga.attempt, ..answer.clone() }), None)
        }
        // as if it had not come yet
        (Some(Twin::NoResend), Event::Clock) if now < saga.give_up_at => production(saga, event, known, at(0), &(*limits).into()),
        (Some(Twin::DeadlineGuessesSuccess), Event::Clock) => guess_success(stored, saga, limits, decide),
        (Some(Twin::DeadlineGuessesFailure), Event::Clock) if now >= saga.give_up_at => {
            let mut tallies = *saga.tallies();
            for tally in tallies.iter_mut().map(|of_step| &mut of_step[Action::Do as usize]) {
                if !tally.all_answered() {
                    *tally = Tally::default();
                }
            }
            decide(&forged(saga, saga.state(), tallies, limits), event, known)
        }
        (Some(Twin::CancelPastThePivot), Event::Act { act: ActKind::Cancel, .. }) if saga.state() == State::SuspendingCommerce => {
            decide(&forged(saga, State::MappingSubscriptions, *saga.tallies(), limits), event, known)
        }
        (Some(Twin::EndLeft), Event::Answered(_)) if saga.state() == State::Compensated => {
            let mut decision = decide(saga, event, known)?;
            decision.saga = forged(saga, State::Compensating, *saga.tallies(), limits);
            decision.saga.ended_at = None;
            Ok(decision)
        }
        (Some(Twin::CompensatedByHand), _) => {
            let mut decision = decide(saga, event, known)?;
            if decision.saga.state() == State::Compensating {
                decision.saga = forged(&decision.saga, State::Compensated, *decision.saga.tallies(), limits);
                decision.saga.ended_at = Some(now);
            }
            Ok(decision)
        }
        (Some(Twin::PivotIgnored), _) => {
            let mut decision = decide(saga, event, known)?;
            let mapping = *decision.saga.tally(Step::Mapping, Action::Do);
            if decision.saga.state() == State::MappingSubscriptions && mapping.answered > 0 && mapping.faulty == 0 {
                let mut tallies = *decision.saga.tallies();
                let (packets, since) = (decision.saga.packets_of(Step::Suspension), decision.saga.attempt);
                tallies[Step::Suspension as usize][Action::Do as usize] = Tally { packets, since, ..Tally::default() };
                decision.saga = forged(&decision.saga, State::SuspendingCommerce, tallies, limits);
                decision.send.push(Send { step: Step::Suspension, action: Action::Do, which: Which::All });
            }
            Ok(decision)
        }
        _ => decide(saga, event, known),
    }
}

/// What production would never make of it.
fn forged(saga: &Saga, state: State, tallies: [[Tally; 2]; 4], limits: &Limits) -> Saga {
    let mut forged = Saga::restored(state, None, tallies, limits);
    forged.attempt = saga.attempt;
    forged.lines = saga.lines;
    forged.plans = saga.plans;
    forged.packet_items = saga.packet_items;
    forged.failure.clone_from(&saga.failure);
    forged.effective_at = saga.effective_at;
    forged.resend_at = saga.resend_at;
    forged.give_up_at = saga.give_up_at;
    forged.ended_at = saga.ended_at;
    forged
}

/// Answers whatever is pending itself, and well.
fn guess_success(
    stored: &Stored,
    saga: &Saga,
    limits: &Limits,
    decide: impl Fn(&Saga, &Event, Option<Known>) -> Result<Decision, IllegalMove>,
) -> Result<Decision, IllegalMove> {
    let mut decision = decide(saga, &Event::Clock, None)?;
    let Some(Send { step, action, .. }) = decision.send.first().copied() else { return Ok(decision) };
    if (step, action) == (Step::Eligibility, Action::Do) {
        return Ok(decision);
    }
    let items = if step == Step::Purchasing { decision.saga.plans } else { decision.saga.lines };
    for packet in 0..decision.saga.tally(step, action).packets {
        let known = u8::try_from(packet).ok().and_then(|packet| stored.packet(step, action, packet).known());
        let good = if step == Step::Eligibility { 1 } else { limits.packet_items.min(items - packet * limits.packet_items) };
        let answer = Answer { step, action, packet, attempt: decision.saga.attempt, good, refused: 0, first: None };
        let next = decide(&decision.saga, &Event::Answered(answer), known)?;
        decision.saga = next.saga;
        decision.send.extend(next.send);
        decision.notes.extend(next.notes);
    }
    Ok(decision)
}

/// The same saga without words, and with its times where they were: neither changes what may happen.
pub fn canonical(mut saga: Saga) -> Saga {
    saga.failure = saga.failure.map(|_| failure(Step::Eligibility));
    saga.effective_at = saga.effective_at.map(|_| at(3600));
    saga.resend_at = at(60);
    saga.give_up_at = at(3600);
    saga.ended_at = saga.ended_at.map(|_| at(0));
    saga
}

/// Something that failed, without words.
pub const fn failure(step: Step) -> Failure {
    Failure { step, resource_id: String::new(), code: String::new(), description: String::new() }
}
