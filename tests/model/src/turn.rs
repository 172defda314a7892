//! A turn of the coordinator, as `engine::turn` does it for one transition: load, let everything happen, write, and say what is to
//! be published.

use crate::{
    decision::{at, canonical, decide, failure, limits},
    goals::Goals,
    message::{Act, Answer, Message, Packet},
    model::TransitionModel,
    rules::{Broken, I11, I14, I21, S3, S4},
    sent::Interval,
    snapshot::{Output, Recorded, Stored},
    twin::Twin,
};
use planshift_coordinator::saga::{ActKind, Checked, Event, Known, Note, Saga, Send, Which, is_legal, pending};
use planshift_domain::{
    message::request::ActOutcome,
    step::{Action, Step},
    transition::State,
};
use planshift_invariants::{
    checks::{HistoryOf, moves_are_legal},
    data::Id,
};
use std::{fmt, sync::Arc};

/// What a turn is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A message from the queue (or, for an act that is in no queue, from a person).
    One(Message),
    /// Two messages in one batch, in this order.
    Two(Message, Message),
    /// The deadline for silence.
    Silence,
    /// The time is used up.
    Total,
    /// What may not have been sent is told again.
    Recovery,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(message) => write!(f, "{message}"),
            Self::Two(first, second) => write!(f, "{first} and {second} in one batch"),
            Self::Silence => f.write_str("the deadline for silence"),
            Self::Total => f.write_str("the end of its time"),
            Self::Recovery => f.write_str("the recovery of what may not have been sent"),
        }
    }
}

/// What came out of it.
#[derive(Debug)]
pub struct Turn {
    /// What is to be written; `behind` does not count this turn's version yet.
    pub stored: Stored,
    /// There is something to write.
    pub changed: bool,
    /// What the version stored as sent becomes with it: so much further.
    pub sent: u8,
    /// What is to be published.
    pub output: Output,
    /// Rules that were broken.
    pub broken: Broken,
}

/// One transition within a turn.
struct Work<'a> {
    model: &'a TransitionModel,
    stored: Stored,
    /// The version as it was found, and as it will be, relative to the one stored as sent.
    version: u8,
    sent: u8,
    new: bool,
    changed: bool,
    tell_all: bool,
    ineligible: bool,
    now: i64,
    send: Vec<Send>,
    broken: Broken,
}

/// Does a turn by a replica that remembers `remembered`.
pub fn turn(model: &TransitionModel, stored: &Stored, remembered: Option<Interval>, ineligible: bool, cause: Cause) -> Turn {
    let sent = remembered.map_or(0, |told| model.apply(told));
    let mut work = Work {
        model,
        version: stored.behind,
        stored: stored.clone(),
        sent,
        new: false,
        changed: false,
        tell_all: false,
        ineligible,
        now: 0,
        send: Vec::new(),
        broken: Broken::default(),
    };
    match cause {
        Cause::One(message) => work.message(message),
        Cause::Two(first, second) => {
            work.message(first);
            work.message(second);
        }
        Cause::Silence => {
            work.now = 60;
            work.happen(&Event::Clock, None);
            model.met.note(Goals::RESENT);
        }
        Cause::Total => {
            work.now = 3600;
            work.happen(&Event::Clock, None);
            model.met.note(Goals::TIMED_OUT);
        }
        Cause::Recovery => work.recover(true),
    }
    work.done()
}

impl Work<'_> {
    fn message(&mut self, message: Message) {
        match message {
            Message::Start if self.stored.saga.is_none() => {
                let limits = limits(self.model.bounds.packet_items);
                self.stored.saga = Some(Arc::new(canonical(Saga::requested(at(0), &limits))));
                (self.new, self.changed) = (true, true);
                self.version = 1;
                self.happen(&Event::Started, None);
            }
            // asked again: its first messages may never have been sent
            Message::Start => self.recover(false),
            Message::Act(act) => self.act(act),
            Message::Checked { attempt, packet } => {
                let bounds = &self.model.bounds;
                let (packets, eligible) = (bounds.checked_packets(self.ineligible).into(), !self.ineligible);
                let of_eligible = |n: u8| if eligible { n.into() } else { 0 };
                let (lines, resellers) = (of_eligible(bounds.lines), of_eligible(bounds.plans));
                let checked = Checked { attempt: attempt.into(), packet: packet.into(), packets, eligible, lines, resellers };
                self.answer(&Event::Checked(checked), Step::Eligibility, Action::Do, packet, Recorded { attempt, good: 1, refused: 0 });
            }
            Message::Answer(Answer { of, good, refused }) => {
                let answer = planshift_coordinator::saga::Answer {
                    step: of.step,
                    action: of.action,
                    packet: of.packet.into(),
                    attempt: of.attempt.into(),
                    good: good.into(),
                    refused: refused.into(),
                    first: (refused > 0).then(|| failure(of.step)),
                };
                let recorded = Recorded { attempt: of.attempt, good, refused };
                self.answer(&Event::Answered(answer), of.step, of.action, of.packet, recorded);
            }
            Message::Command(_) => {}
        }
    }

    /// An answer that says nothing new may be a redelivery after a crash: what the state says is pending is sent again then.
    fn answer(&mut self, event: &Event, step: Step, action: Action, packet: u8, recorded: Recorded) {
        let before = self.stored.packet(step, action, packet);
        let late = self.stored.saga.as_ref().is_some_and(|saga| action == Action::Do && saga.state().step() != Some(step));
        let (news, _) = self.happen(event, before.known());
        if !news {
            self.model.met.note(Goals::STALE_ANSWER);
            return self.recover(false);
        }
        if late {
            self.model.met.note(Goals::LATE_ANSWER);
        }
        if before.refused > 0 && recorded.refused == 0 && before.attempt == recorded.attempt {
            self.model.met.note(Goals::GIVEN_UP_AND_DONE);
        }
        if let Some(place) = self.stored.packet_mut(step, action, packet) {
            *place = recorded;
        }
    }

    fn act(&mut self, act: Act) {
        if self.stored.acted == act.request() && !self.model.is(Twin::ActsNotRemembered) {
            self.model.met.note(Goals::ACT_AGAIN);
            return self.recover(false);
        }
        let kind = match act {
            Act::Cancel => ActKind::Cancel,
            Act::Resume(_) => ActKind::Resume,
        };
        let (_, outcome) = self.happen(&Event::Act { act: kind, actor: String::new(), reason: String::new() }, None);
        match outcome {
            Some(ActOutcome::Accepted) if self.changed => {
                self.stored.acted = act.request();
                // nobody resumes more often than that, so a further attempt is a request that was taken twice
                let attempt = self.stored.saga.as_ref().map_or(0, |saga| saga.attempt);
                self.broken.expect(attempt <= self.model.bounds.attempts.into(), I11);
            }
            Some(ActOutcome::PastThePivot(_)) => self.model.met.note(Goals::CANCEL_REFUSED),
            _ => {}
        }
    }

    /// Tells everything again where the messages of the stored version are not known to have been sent.
    fn recover(&mut self, whatever_this_turn_does: bool) {
        let Some(saga) = &self.stored.saga else { return };
        let unsent = self.sent < self.version && !self.model.is(Twin::NoRecovery);
        if unsent && (whatever_this_turn_does || !self.changed) && !self.tell_all {
            self.tell_all = true;
            self.send.extend(pending(saga));
            self.model.met.note(Goals::TOLD_AGAIN);
        }
    }

    /// Lets it happen. Says whether an answer was news, and what became of an act.
    fn happen(&mut self, event: &Event, known: Option<Known>) -> (bool, Option<ActOutcome>) {
        let Some(before) = self.stored.saga.clone() else { return (false, None) };
        let limits = limits(self.model.bounds.packet_items);
        let Ok(decision) = decide(self.model.twin, &self.stored, &before, event, known, at(self.now), &limits) else {
            self.broken.expect(false, I14);
            return (false, None);
        };
        if decision.is_nothing(&before) {
            return (false, decision.outcome);
        }
        self.version += u8::from(!self.changed);
        self.changed = true;
        let after = canonical(decision.saga);
        self.check(&before, &after, &decision.notes);
        self.stored.saga = Some(Arc::new(after));
        self.send.extend(decision.send);
        (decision.record, decision.outcome)
    }

    /// What must hold from one state of the saga to the next.
    fn check(&mut self, before: &Saga, after: &Saga, notes: &[Note]) {
        let states: Vec<State> =
            std::iter::once(before.state()).chain(notes.iter().map(|note| note.state)).chain([after.state()]).collect();
        let has_ended = after.ended_at.is_some();
        let history = HistoryOf { transition: Id(1), states: &states, state: after.state(), has_ended };
        let legal = moves_are_legal(&history, is_legal, State::is_end, State::NeedsOperator);
        let moved = states.iter().find(|state| **state != before.state());
        let back_where_it_left = before.state() != State::NeedsOperator || moved.is_none() || moved.copied() == before.left();
        self.broken.expect(legal.violations.is_empty() && back_where_it_left, I14);

        let turning_back = |saga: &Saga| {
            let compensating = |state| matches!(state, State::Compensating | State::Compensated);
            compensating(saga.state()) || saga.left().is_some_and(compensating)
        };
        let goes_on = after.mapped() >= before.mapped() && after.suspended() >= before.suspended();
        self.broken.expect(goes_on || turning_back(before) || turning_back(after), I21);
        let grows = |step, action| after.tally(step, action).good >= before.tally(step, action).good;
        let all_grow = Step::ALL.into_iter().all(|step| grows(step, Action::Do) && grows(step, Action::Undo));
        self.broken.expect(all_grow, S3);
        let same_end = (after.state(), after.left(), after.ended_at, after.failure.is_some())
            == (before.state(), before.left(), before.ended_at, before.failure.is_some());
        self.broken.expect(!before.state().is_end() || same_end, S4);
    }

    fn done(self) -> Turn {
        let commands = self.commands();
        let from = if self.tell_all || self.new { -1 } else { self.version as i8 - i8::from(self.changed) };
        let told = (self.changed || self.tell_all).then_some(Interval { from, to: self.version as i8 });
        Turn {
            stored: self.stored,
            changed: self.changed,
            // what is remembered is written along with a change, never for itself
            sent: if self.changed { self.sent } else { 0 },
            output: Output { commands, told },
            broken: self.broken,
        }
    }

    /// The commands of what is to be sent, as `engine::output` builds them.
    fn commands(&self) -> Vec<Message> {
        let Some(saga) = &self.stored.saga else { return Vec::new() };
        let mut commands = Vec::new();
        for send in &self.send {
            self.packets(saga, *send, &mut commands);
            if self.model.is(Twin::PlansUndoneAtOnce) && (send.step, send.action) == (Step::Mapping, Action::Undo) {
                self.packets(saga, Send { step: Step::Purchasing, ..*send }, &mut commands);
            }
        }
        commands
    }

    fn packets(&self, saga: &Saga, send: Send, commands: &mut Vec<Message>) {
        let count = u8::try_from(saga.packets_of(send.step)).unwrap_or(u8::MAX);
        for packet in 0..count {
            let unanswered = self.stored.packet(send.step, Action::Do, packet).attempt == 0;
            // the check is one command with an answer in many packets: one of these says nothing of the others
            let checks = (send.step, send.action) == (Step::Eligibility, Action::Do) && !self.model.is(Twin::CheckNotAskedAgain);
            if send.which == Which::Pending && !checks && self.stored.packet(send.step, send.action, packet).is_good()
                || send.action == Action::Undo && unanswered && self.model.is(Twin::UndoesOnlyWhatWasAnswered)
            {
                continue;
            }
            let attempt = u8::try_from(saga.attempt).unwrap_or(u8::MAX);
            commands.push(Message::Command(Packet { step: send.step, action: send.action, packet, attempt }));
        }
    }
}
