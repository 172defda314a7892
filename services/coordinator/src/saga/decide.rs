//! The decision.

use super::{Decision, Event, IllegalMove, Known, Limits, Rules, Saga, Send, Which, compensation, event::ActKind, forward, paused};
use planshift_domain::{
    message::request::ActOutcome,
    said::{Said, because, failures, story},
    step::{Action, Step},
    time::Timestamp,
    transition::{Failure, State},
};

/// What follows from `event`. `known` is what is recorded of the packet that the event is about.
///
/// An answer is not a move: it is recorded in whatever state it finds, and only then the saga looks whether it can go on.
///
/// # Errors
/// `IllegalMove` where the function itself is at fault: no input leads there.
pub fn decide(saga: &Saga, event: &Event, known: Option<Known>, now: Timestamp, rules: &Rules) -> Result<Decision, IllegalMove> {
    let limits = &rules.limits;
    let mut decision = Decision::nothing(saga);
    match event {
        Event::Started => forward::start(&mut decision, now)?,
        Event::Checked(checked) => forward::checked(&mut decision, checked, known, now)?,
        Event::Answered(answer) => {
            if record(&mut decision, answer, known) {
                match answer.action {
                    Action::Do => forward::answered(&mut decision, answer, now)?,
                    Action::Undo => compensation::answered(&mut decision, now)?,
                }
            }
        }
        Event::Act { act, actor, reason } => act_on(&mut decision, *act, actor, reason, now, limits)?,
        // a saga that is held, or is to be, has no deadlines
        Event::Clock if paused::stands_still(saga, rules) => {}
        Event::Clock => clock(&mut decision, now, limits)?,
    }
    if saga.state() == State::Requested && decision.saga.state() == State::CheckingEligibility {
        // however long it has waited in line
        decision.saga.give_up_at = now.plus_seconds(i64::from(limits.total_seconds));
    }
    if decision.saga.state() == State::Compensating && saga.state() != State::Compensating {
        // the undoing has the whole time again: a transition that ran out of it is not put before an operator for that
        decision.saga.give_up_at = now.plus_seconds(i64::from(limits.total_seconds));
    }
    if decision.record || decision.saga.state() != saga.state() {
        // any answer moves the deadline, so that a long queue is not mistaken for silence
        decision.saga.resend_at = now.plus_seconds(i64::from(limits.resend_seconds));
    }
    paused::hold(&mut decision, saga, now, rules);
    Ok(decision)
}

/// Counts an answer, once. False: it says nothing new.
fn record(decision: &mut Decision, answer: &super::Answer, known: Option<Known>) -> bool {
    let attempt = decision.saga.attempt;
    let tally = decision.saga.tally_mut(answer.step, answer.action);
    let of_ours = tally.commanded() && answer.packet < tally.packets && answer.attempt <= attempt;
    // what was refused in an earlier attempt is being tried again: that refusal is history
    let outdated = answer.refused > 0 && answer.attempt < tally.since;
    // an effect that is there, or undone, is final; a refusal may be followed by a better answer
    let news = known.is_none_or(|known| known.refused > 0 && (answer.attempt > known.attempt || answer.refused < known.refused));
    if !of_ours || outdated || !news {
        return false;
    }
    // a refusal that `resume` took back is no longer counted as answered
    let counted = known.filter(|known| known.refused == 0 || known.attempt >= tally.since);
    if let Some(known) = counted {
        tally.faulty -= u32::from(known.refused > 0);
    } else {
        tally.answered += 1;
    }
    tally.good = tally.good - known.map_or(0, |known| known.good) + answer.good;
    tally.faulty += u32::from(answer.refused > 0);
    decision.record = true;
    true
}

fn act_on(decision: &mut Decision, act: ActKind, actor: &str, reason: &str, now: Timestamp, limits: &Limits) -> Result<(), IllegalMove> {
    let state = decision.saga.state();
    let allowed = match act {
        ActKind::Cancel => state.step().is_some() || state == State::Requested,
        ActKind::Resume => state == State::NeedsOperator,
        ActKind::Close => state == State::Compensated,
    };
    if act == ActKind::Cancel && decision.saga.is_past_pivot() {
        decision.outcome = Some(ActOutcome::PastThePivot(state));
        return Ok(());
    }
    if !allowed {
        decision.outcome = Some(ActOutcome::NotAllowedInState(state));
        return Ok(());
    }
    let first_new = decision.notes.len();
    match act {
        ActKind::Cancel => {
            let step = state.step().unwrap_or(Step::Eligibility);
            let failure = Failure {
                step,
                resource_id: String::new(),
                code: "Cancelled".into(),
                description: failures::CANCELLED.with(&[&actor, &because(reason)]).into(),
            };
            compensation::begin(decision, failure, now)?;
        }
        ActKind::Resume => resume(decision, reason, now, limits)?,
        ActKind::Close => {
            if decision.saga.closed_at.is_none() {
                decision.saga.closed_at = Some(now);
                decision.note("Closed", story::CLOSED.with(&[&because(reason)]));
            }
        }
    }
    for note in &mut decision.notes[first_new..] {
        note.actor = Some(actor.to_owned());
    }
    decision.outcome = Some(ActOutcome::Accepted);
    Ok(())
}

/// Goes back to the state that was left, with a new attempt for what was refused there.
fn resume(decision: &mut Decision, reason: &str, now: Timestamp, limits: &Limits) -> Result<(), IllegalMove> {
    let Some(left) = decision.saga.left() else { return Ok(()) };
    decision.saga.attempt += 1;
    let attempt = decision.saga.attempt;
    let retried: &[(Step, Action)] = match left {
        State::SuspendingCommerce => &[(Step::Suspension, Action::Do)],
        _ => &[(Step::Mapping, Action::Undo), (Step::Purchasing, Action::Undo), (Step::Eligibility, Action::Undo)],
    };
    for (step, action) in retried {
        let tally = decision.saga.tally_mut(*step, *action);
        tally.answered -= tally.faulty;
        tally.faulty = 0;
        tally.since = attempt;
    }
    decision.saga.give_up_at = now.plus_seconds(i64::from(limits.total_seconds));
    decision.go(left, now, story::RESUMED.with(&[&attempt, &because(reason)]))?;
    let before = decision.send.len();
    match left {
        State::SuspendingCommerce => forward::after_suspension(decision, now)?,
        _ => compensation::answered(decision, now)?,
    }
    if decision.saga.state() == left && decision.send.len() == before {
        decision.send.extend(pending(&decision.saga));
    }
    Ok(())
}

/// The step that is being done or undone.
pub fn under_way(saga: &Saga) -> Option<(Step, Action)> {
    left_at(saga, saga.state())
}

/// The step that is done or undone in a state: the one that it stands in, or the one that it left for an operator.
pub fn left_at(saga: &Saga, state: State) -> Option<(Step, Action)> {
    match state {
        State::Compensating => compensation::under_way(saga).map(|step| (step, Action::Undo)),
        state => state.step().map(|step| (step, Action::Do)),
    }
}

/// What has no good answer, in whatever step is under way: to be sent again.
pub fn pending(saga: &Saga) -> Vec<Send> {
    under_way(saga).into_iter().map(|(step, action)| Send { step, action, which: Which::Pending }).collect()
}

fn clock(decision: &mut Decision, now: Timestamp, limits: &Limits) -> Result<(), IllegalMove> {
    let state = decision.saga.state();
    if state.is_settled() {
        return Ok(());
    }
    if now >= decision.saga.give_up_at {
        let hours = f64::from(limits.total_seconds) / 3600.0;
        let said = failures::TIMED_OUT.with(&[&hours]);
        let failure =
            |said: &Said, step| Failure { step, resource_id: String::new(), code: "TimedOut".into(), description: said.to_string() };
        if state == State::Compensating || decision.saga.is_past_pivot() {
            let step = state.step().or_else(|| compensation::under_way(&decision.saga)).unwrap_or(Step::Suspension);
            decision.saga.failure.get_or_insert_with(|| failure(&said, step));
            return decision.go(State::NeedsOperator, now, said);
        }
        return compensation::begin(decision, failure(&said, state.step().unwrap_or(Step::Eligibility)), now);
    }
    if now >= decision.saga.resend_at {
        decision.send.extend(pending(&decision.saga));
        decision.saga.resend_at = now.plus_seconds(i64::from(limits.resend_seconds));
        decision.note("Resent", story::RESENT);
    }
    Ok(())
}
