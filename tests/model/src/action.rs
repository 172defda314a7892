//! What can happen next, and how it ends.

use crate::{
    bounds::Replicas,
    message::{Act, Message, Packet},
    model::TransitionModel,
    snapshot::{Loop, Snapshot},
    turn::Cause,
};
use planshift_domain::{step::Action as Does, step::Step, transition::State};
use std::fmt;

/// How the handling of a message (or a deadline) ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Committed, published, acknowledged.
    Through,
    /// The same, and the message comes once more.
    ComesAgain,
    /// Committed, and the process ends when the broker has these of its messages: nothing is acknowledged.
    CrashAfter(Published),
}

/// What of an output the broker has when the process ends: some of it in any order, since it is published in one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// Of its first messages (commands, answers) these, a bit for each; not all that there is.
    Some(u8),
    /// All of it.
    All,
}

impl Published {
    /// Every possibility for an output of so many messages, of which the last one may be an event: who hears an event without
    /// the commands before it learns nothing that matters, so it counts with all of them only.
    fn each(messages: usize, event: bool) -> impl Iterator<Item = Self> {
        let some = 1_u8 << messages;
        let less = if event || messages == 0 { 0 } else { 1 };
        let all = (event || messages > 0).then_some(Self::All);
        (0..some - less).map(Self::Some).chain(all)
    }

    /// Message number `n` was published.
    pub const fn has(self, n: usize) -> bool {
        match self {
            Self::Some(bits) => bits & (1 << n) != 0,
            Self::All => true,
        }
    }
}

/// A step of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A replica takes something and commits, and all that follows.
    Turn(u8, Cause, Fate),
    /// A replica takes something and commits.
    Commit(u8, Cause),
    /// A replica publishes what it has committed, and acknowledges.
    Publish(u8, Loop, Fate),
    /// A replica writes what it remembers as confirmed.
    Flush(u8),
    /// A replica ends while it has nothing under way, and is started again.
    Restart(u8),
    /// A worker handles a packet; where there is a number, that item of it is refused.
    Work(Packet, Option<u8>, Fate),
    /// A worker has used up its attempts at a packet; the packet may be redriven later.
    GiveUp {
        /// Which.
        packet: Packet,
        /// It is redriven later.
        redriven: bool,
    },
    /// A message is lost.
    Lose(Message),
}

/// Who does what, message by message.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Turn(who, cause, fate) => write!(f, "coordinator {who} handles {cause}{fate}"),
            Self::Commit(who, cause) => write!(f, "coordinator {who} handles {cause} as far as the commit"),
            Self::Publish(who, which, fate) => write!(f, "coordinator {who} publishes what its {which} have committed{fate}"),
            Self::Flush(who) => write!(f, "coordinator {who} writes what it remembers as sent"),
            Self::Restart(who) => write!(f, "coordinator {who} ends and is started again"),
            Self::Work(packet, None, fate) => write!(f, "a worker handles {packet}{fate}"),
            Self::Work(packet, Some(item), fate) => write!(f, "a worker handles {packet} and refuses item {item} of it{fate}"),
            Self::GiveUp { packet, redriven: false } => write!(f, "a worker has used up its attempts at {packet}"),
            Self::GiveUp { packet, redriven: true } => {
                write!(f, "a worker has used up its attempts at {packet}, which will be redriven")
            }
            Self::Lose(message) => write!(f, "lost: {message}"),
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Through => Ok(()),
            Self::ComesAgain => f.write_str(", and it will come once more"),
            Self::CrashAfter(Published::All) => f.write_str(", commits, publishes everything, and crashes before it acknowledges"),
            Self::CrashAfter(Published::Some(0)) => f.write_str(", commits, and crashes before it publishes"),
            Self::CrashAfter(Published::Some(some)) => {
                let numbers: Vec<String> = (0..8).filter(|n| some & (1 << n) != 0).map(|n: u8| n.to_string()).collect();
                write!(f, ", commits, and crashes when only these of its messages are published: {}", numbers.join(", "))
            }
        }
    }
}

/// The most versions that may be waiting to be told before silence has to wait for the recovery, which always comes first.
const MOST_BEHIND: u8 = 3;

/// Everything that may happen in a state.
pub fn actions(model: &TransitionModel, state: &Snapshot, actions: &mut Vec<Action>) {
    if !state.broken.is_none() {
        return;
    }
    let mut last = None;
    for &message in &state.network {
        if last.replace(message) == Some(message) {
            continue;
        }
        match message {
            Message::Command(packet) => work(model, state, packet, actions),
            _ => (0..model.bounds.replicas.count()).for_each(|who| turns(model, state, who, Cause::One(message), Some(message), actions)),
        }
        if state.left.losses > 0 && matches!(message, Message::Command(_) | Message::Checked { .. } | Message::Answer(_)) {
            actions.push(Action::Lose(message));
        }
    }
    if model.bounds.batches {
        pairs(model, state, actions);
    }
    persons(model, state, actions);
    time(model, state, actions);
    memory(model, state, actions);
    for (who, replica) in (0..).zip(&state.replicas) {
        for (which, pending) in [Loop::Messages, Loop::Timers].into_iter().zip(&replica.pending) {
            let Some(pending) = pending else { continue };
            actions.push(Action::Publish(who, which, Fate::Through));
            if state.left.duplicates > 0 && !pending.taken.is_empty() {
                actions.push(Action::Publish(who, which, Fate::ComesAgain));
            }
            crashes(state, pending.output.commands.len(), pending.output.told.is_some(), |fate| {
                actions.push(Action::Publish(who, which, fate));
            });
        }
    }
}

fn crashes(state: &Snapshot, messages: usize, event: bool, mut push: impl FnMut(Fate)) {
    if state.left.crashes > 0 {
        Published::each(messages, event).for_each(|published| push(Fate::CrashAfter(published)));
    }
}

fn work(model: &TransitionModel, state: &Snapshot, packet: Packet, actions: &mut Vec<Action>) {
    let checks = (packet.step, packet.action) == (Step::Eligibility, Does::Do);
    let may_refuse = match packet.action {
        Does::Do => state.left.refusals > 0 && !checks,
        Does::Undo => state.left.undo_refusals > 0,
    };
    let items = model.bounds.items_of(packet.step, packet.packet).len();
    let refused = (0..items as u8).map(Some).filter(|_| may_refuse);
    let outputs = if checks { model.bounds.checked_packets(state.ineligible) } else { 1 };
    for refused in std::iter::once(None).chain(refused) {
        actions.push(Action::Work(packet, refused, Fate::Through));
        if state.left.duplicates > 0 {
            actions.push(Action::Work(packet, refused, Fate::ComesAgain));
        }
        crashes(state, outputs.into(), false, |fate| actions.push(Action::Work(packet, refused, fate)));
    }
    if state.left.given_up > 0 {
        actions.extend([true, false].map(|redriven| Action::GiveUp { packet, redriven }));
    }
}

/// A turn of a replica about something, if it has the time.
fn turns(model: &TransitionModel, state: &Snapshot, who: u8, cause: Cause, taken: Option<Message>, actions: &mut Vec<Action>) {
    let which = if matches!(cause, Cause::One(_) | Cause::Two(..)) { Loop::Messages } else { Loop::Timers };
    if state.replicas[usize::from(who)].pending[which as usize].is_some() {
        return;
    }
    if matches!(model.bounds.replicas, Replicas::Interleaved(_)) {
        actions.push(Action::Commit(who, cause));
        return;
    }
    actions.push(Action::Turn(who, cause, Fate::Through));
    if state.left.duplicates > 0 && taken.is_some() {
        actions.push(Action::Turn(who, cause, Fate::ComesAgain));
    }
    if state.left.crashes > 0 {
        let output = model.turn(state, who, cause).output;
        crashes(state, output.commands.len(), output.told.is_some(), |fate| actions.push(Action::Turn(who, cause, fate)));
    }
}

fn pairs(model: &TransitionModel, state: &Snapshot, actions: &mut Vec<Action>) {
    let mut messages: Vec<Message> = state.network.iter().copied().filter(|message| !message.is_command()).collect();
    messages.dedup();
    for &first in &messages {
        for &second in messages.iter().filter(|second| **second != first) {
            for who in 0..model.bounds.replicas.count() {
                turns(model, state, who, Cause::Two(first, second), Some(first), actions);
            }
        }
    }
}

fn persons(model: &TransitionModel, state: &Snapshot, actions: &mut Vec<Action>) {
    let Some(saga) = &state.stored.saga else { return };
    let mut act = |act: Act| {
        let message = Message::Act(act);
        for who in 0..model.bounds.replicas.count() {
            turns(model, state, who, Cause::One(message), Some(message), actions);
        }
    };
    if state.left.cancels > 0 && !state.network.contains(&Message::Act(Act::Cancel)) {
        act(Act::Cancel);
    }
    let attempt = u8::try_from(saga.attempt).unwrap_or(u8::MAX);
    if saga.state() == State::NeedsOperator
        && attempt < model.bounds.attempts
        && !state.network.contains(&Message::Act(Act::Resume(attempt)))
    {
        act(Act::Resume(attempt));
    }
}

fn time(model: &TransitionModel, state: &Snapshot, actions: &mut Vec<Action>) {
    let Some(saga) = &state.stored.saga else { return };
    let quiet = state.is_quiet();
    for who in 0..model.bounds.replicas.count() {
        if !saga.state().is_settled() {
            let silent = quiet && state.stored.behind <= MOST_BEHIND;
            if silent || state.left.hurries > 0 {
                turns(model, state, who, Cause::Silence, None, actions);
            }
            if state.left.timeouts > 0 {
                turns(model, state, who, Cause::Total, None, actions);
            }
        }
        if state.stored.behind > 0 && (quiet || state.left.hurries > 0) {
            turns(model, state, who, Cause::Recovery, None, actions);
        }
    }
}

fn memory(model: &TransitionModel, state: &Snapshot, actions: &mut Vec<Action>) {
    for (who, replica) in (0..).zip(&state.replicas) {
        let Some(told) = replica.remembered else { continue };
        if model.apply(told) > 0 {
            actions.push(Action::Flush(who));
        }
        if state.left.crashes > 0 && replica.pending.iter().all(Option::is_none) {
            actions.push(Action::Restart(who));
        }
    }
}
