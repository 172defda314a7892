//! A step of the model: what a state becomes by an action.

use crate::{
    action::{Action, Fate, Published},
    bounds::Replicas,
    message::{Answer, Message, Packet},
    model::TransitionModel,
    rules::S4,
    sent::Interval,
    snapshot::{Loop, Output, Pending, Snapshot},
    symmetry,
    turn::{Cause, Turn},
    twin::Twin,
    worker,
};
use planshift_domain::{step::Action as Does, step::Step, transition::State};

/// The state afterwards; `None` where nothing comes of it.
pub fn step(model: &TransitionModel, before: &Snapshot, action: Action) -> Option<Snapshot> {
    let mut state = before.clone();
    match action {
        Action::Work(packet, refused, fate) => work(model, &mut state, packet, refused, fate)?,
        Action::GiveUp { packet, redriven } => give_up(model, &mut state, packet, redriven),
        Action::Lose(message) => {
            state.take(message);
            state.left.losses -= 1;
        }
        Action::Flush(who) => flush(model, &mut state, who),
        Action::Restart(who) => {
            state.replicas[usize::from(who)].remembered = None;
            state.left.crashes -= 1;
        }
        Action::Turn(who, cause, fate) => whole_turn(model, &mut state, who, cause, fate)?,
        Action::Commit(who, cause) => commit(model, &mut state, who, cause)?,
        Action::Publish(who, which, fate) => finish(model, &mut state, who, which, fate)?,
    }
    let ended = before.stored.saga.as_ref().is_some_and(|saga| saga.state().is_end());
    state.broken.expect(!ended || before.effects == state.effects, S4);
    model.judge(before, &mut state);
    symmetry::rename(model, &mut state);
    Some(state)
}

fn work(model: &TransitionModel, state: &mut Snapshot, packet: Packet, refused: Option<u8>, fate: Fate) -> Option<()> {
    let message = Message::Command(packet);
    let crashed = matches!(fate, Fate::CrashAfter(_));
    let mut committed = state.clone();
    let answers = worker::commit(model, &mut committed, packet, refused)?;
    let published = match fate {
        // a check that is fenced has no answer
        Fate::CrashAfter(published) if answers.is_empty() && published != Published::Some(0) => return None,
        Fate::CrashAfter(published) => published,
        Fate::Through | Fate::ComesAgain => Published::All,
    };
    if refused.is_some() {
        let left = match packet.action {
            Does::Do => &mut committed.left.refusals,
            Does::Undo => &mut committed.left.undo_refusals,
        };
        *left -= 1;
    }
    // the twins have committed nothing when they end
    let loses_commit = crashed && (model.is(Twin::WorkerAcknowledgesFirst) || model.is(Twin::WorkerPublishesFirst));
    if !loses_commit {
        *state = committed;
    }
    let acknowledged = if crashed { model.is(Twin::WorkerAcknowledgesFirst) } else { fate == Fate::Through };
    if acknowledged {
        state.take(message);
    }
    if !(crashed && model.is(Twin::WorkerAcknowledgesFirst)) {
        answers.into_iter().enumerate().filter(|(n, _)| published.has(*n)).for_each(|(_, answer)| state.send(answer));
    }
    spend(state, fate);
    Some(())
}

fn spend(state: &mut Snapshot, fate: Fate) {
    match fate {
        Fate::Through => {}
        Fate::ComesAgain => state.left.duplicates -= 1,
        Fate::CrashAfter(_) => state.left.crashes -= 1,
    }
}

/// A dead letter, and word of it; an operator may send it once more.
fn give_up(model: &TransitionModel, state: &mut Snapshot, packet: Packet, redriven: bool) {
    if !redriven {
        state.take(Message::Command(packet));
    }
    // of plans the coordinator knows no items, and the check is one: it counts one refusal
    let refused = match packet.step {
        Step::Eligibility | Step::Purchasing => 1,
        Step::Mapping | Step::Suspension => model.bounds.items_of(packet.step, packet.packet).len() as u8,
    };
    state.send(Message::Answer(Answer { of: packet, good: 0, refused }));
    state.left.given_up -= 1;
}

/// Writes what a replica remembers.
fn flush(model: &TransitionModel, state: &mut Snapshot, who: u8) {
    let remembered = state.replicas[usize::from(who)].remembered;
    let by = remembered.map_or(0, |told| model.apply(told));
    state.move_sent(by);
    state.replicas[usize::from(who)].remembered = None;
}

fn is_timer(cause: Cause) -> bool {
    matches!(cause, Cause::Silence | Cause::Total | Cause::Recovery)
}

/// The messages that it is about, taken out of the network; and what it costs.
fn take(state: &mut Snapshot, cause: Cause) -> Vec<Message> {
    let silent = state.is_quiet();
    let messages = match cause {
        Cause::One(message) => vec![message],
        Cause::Two(first, second) => vec![first, second],
        Cause::Silence | Cause::Recovery => {
            // what comes while something is under way comes too early
            if !silent {
                state.left.hurries = state.left.hurries.saturating_sub(1);
            }
            Vec::new()
        }
        Cause::Total => {
            state.left.timeouts -= 1;
            Vec::new()
        }
    };
    for message in &messages {
        let was_there = state.take(*message);
        if !was_there && *message == Message::Act(crate::message::Act::Cancel) {
            state.left.cancels = state.left.cancels.saturating_sub(1);
        }
    }
    messages
}

fn whole_turn(model: &TransitionModel, state: &mut Snapshot, who: u8, cause: Cause, fate: Fate) -> Option<()> {
    let turn = model.turn(state, who, cause);
    let nothing = !turn.changed && turn.output.is_empty() && turn.broken.is_none();
    if nothing && (is_timer(cause) || matches!(fate, Fate::CrashAfter(_))) {
        return None;
    }
    let taken = take(state, cause);
    if let Fate::CrashAfter(published) = fate {
        state.left.crashes -= 1;
        state.replicas[usize::from(who)].remembered = None;
        if model.is(Twin::CoordinatorAcknowledgesFirst) {
            return Some(());
        }
        if !model.is(Twin::CoordinatorPublishesFirst) {
            write(model, state, who, &turn);
        }
        let output = moved(&turn);
        publish(state, &output, published);
        taken.into_iter().for_each(|message| state.send(message));
        return Some(());
    }
    write(model, state, who, &turn);
    let output = moved(&turn);
    publish(state, &output, Published::All);
    confirm(model, state, who, output.told);
    acknowledge(state, taken, fate);
    Some(())
}

/// The output of a turn once it is written: what it tells is relative to the version stored as sent, which it has moved.
fn moved(turn: &Turn) -> Output {
    Output { commands: turn.output.commands.clone(), told: turn.output.told.map(|told| told.after(turn.sent)) }
}

fn acknowledge(state: &mut Snapshot, taken: Vec<Message>, fate: Fate) {
    if fate == Fate::ComesAgain {
        state.left.duplicates -= 1;
        taken.into_iter().for_each(|message| state.send(message));
    }
}

/// Commits a turn.
fn write(model: &TransitionModel, state: &mut Snapshot, who: u8, turn: &Turn) {
    state.broken = state.broken.and(turn.broken);
    if !turn.changed {
        return;
    }
    let behind = state.stored.behind + 1;
    state.stored = turn.stored.clone();
    state.stored.behind = behind;
    state.untold.written(behind);
    state.move_sent(turn.sent);
    let remembered = &mut state.replicas[usize::from(who)].remembered;
    if turn.sent > 0 && remembered.is_some_and(|told| told.to <= 0) {
        *remembered = None;
    }
    if model.is(Twin::SentWhenCommitted) {
        state.move_sent(state.stored.behind);
    }
}

/// The broker takes these of the messages.
fn publish(state: &mut Snapshot, output: &Output, published: Published) {
    output.commands.iter().enumerate().filter(|(n, _)| published.has(*n)).for_each(|(_, command)| state.send(*command));
    if let Some(told) = output.told
        && published == Published::All
    {
        if told.from < 0 {
            state.untold.told_up_to(told.to);
        } else {
            state.untold.told(told.to);
        }
    }
}

/// The broker has confirmed everything of a turn.
fn confirm(model: &TransitionModel, state: &mut Snapshot, who: u8, told: Option<Interval>) {
    let Some(told) = told else { return };
    if model.bounds.replicas == Replicas::Whole {
        let by = model.apply(told);
        state.move_sent(by.min(state.stored.behind));
        return;
    }
    if told.from > 0 {
        model.met.note(crate::goals::Goals::GAP);
    }
    let remembered = &mut state.replicas[usize::from(who)].remembered;
    *remembered = Some(Interval::joined(*remembered, told));
}

fn commit(model: &TransitionModel, state: &mut Snapshot, who: u8, cause: Cause) -> Option<()> {
    let turn = model.turn(state, who, cause);
    let nothing = !turn.changed && turn.output.is_empty() && turn.broken.is_none();
    if nothing && is_timer(cause) {
        return None;
    }
    let taken = take(state, cause);
    let (output, unwritten) = if model.is(Twin::NoLock) {
        (turn.output.clone(), turn.changed.then(|| Box::new(turn.stored.clone())))
    } else {
        write(model, state, who, &turn);
        (moved(&turn), None)
    };
    state.broken = state.broken.and(turn.broken);
    if nothing {
        // nothing to publish: it is acknowledged at once
        return Some(());
    }
    let which = if is_timer(cause) { Loop::Timers } else { Loop::Messages };
    state.replicas[usize::from(who)].pending[which as usize] = Some(Box::new(Pending { taken, output, unwritten }));
    Some(())
}

fn finish(model: &TransitionModel, state: &mut Snapshot, who: u8, which: Loop, fate: Fate) -> Option<()> {
    let pending = *state.replicas[usize::from(who)].pending[which as usize].take()?;
    let Pending { taken, output, unwritten } = pending;
    if let Fate::CrashAfter(published) = fate {
        state.left.crashes -= 1;
        publish(state, &output, published);
        taken.into_iter().for_each(|message| state.send(message));
        // the process's other loop ends with it, before it has published anything
        let replica = std::mem::take(&mut state.replicas[usize::from(who)]);
        for other in replica.pending.into_iter().flatten() {
            other.taken.into_iter().for_each(|message| state.send(message));
        }
        return Some(());
    }
    if let Some(unwritten) = unwritten {
        let version = output.told.map_or(0, |told| told.to.max(0) as u8);
        state.stored = *unwritten;
        state.stored.behind = version;
        state.untold.written(version);
    }
    publish(state, &output, Published::All);
    confirm(model, state, who, output.told);
    acknowledge(state, taken, fate);
    Some(())
}

/// Nothing is under way, nothing will be told again, and the transition still waits: only a deadline can help it. That may be so
/// once a message was lost, and never otherwise.
pub fn waits_in_vain(model: &TransitionModel, state: &Snapshot) -> bool {
    let nothing_was_lost = state.left.losses == model.bounds.faults.losses;
    let waits = state.stored.saga.as_ref().is_none_or(|saga| !saga.state().is_settled() && state.stored.behind == 0);
    nothing_was_lost && waits && state.is_quiet()
}

/// It has come to rest: an end, or a person has been asked and will not resume once more; everything was told.
pub fn is_at_rest(model: &TransitionModel, state: &Snapshot) -> bool {
    let Some(saga) = &state.stored.saga else { return false };
    let asked = saga.state() == State::NeedsOperator && saga.attempt >= u32::from(model.bounds.attempts);
    (saga.state().is_end() || asked) && state.stored.behind == 0 && state.is_quiet()
}
