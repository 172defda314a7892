//! What can happen to a saga, and what follows.

use super::{IllegalMove, Saga};
use planshift_domain::{
    message::request::{Act, ActOutcome},
    said::Said,
    step::{Action, Step},
    transition::Failure,
};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// It was accepted.
    Started,
    /// A packet of eligibility's answer.
    Checked(Checked),
    /// A packet of another step (or the release of eligibility) was answered.
    Answered(Answer),
    /// A person acts.
    Act {
        /// What they want.
        act: ActKind,
        /// Who.
        actor: String,
        /// Why.
        reason: String,
    },
    /// Time has passed.
    Clock,
}

/// [`Act`], hashable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActKind {
    /// Before the pivot: undo it.
    Cancel,
    /// At `NeedsOperator`: go on.
    Resume,
    /// Accept a compensated failure.
    Close,
}
impl From<Act> for ActKind {
    fn from(act: Act) -> Self {
        match act {
            Act::Cancel => Self::Cancel,
            Act::Resume => Self::Resume,
            Act::Close => Self::Close,
        }
    }
}

/// What a packet of eligibility's answer says, without its lines.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Checked {
    /// The command's attempt.
    pub attempt: u32,
    /// Which packet.
    pub packet: u32,
    /// Of how many.
    pub packets: u32,
    /// No rule blocks.
    pub eligible: bool,
    /// Lines in all.
    pub lines: u32,
    /// Resellers in all.
    pub resellers: u32,
}

/// What became of a packet, without its items.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Answer {
    /// Of which step.
    pub step: Step,
    /// Command or undo.
    pub action: Action,
    /// Which packet.
    pub packet: u32,
    /// The command's attempt.
    pub attempt: u32,
    /// Items without an error.
    pub good: u32,
    /// Items that were refused.
    pub refused: u32,
    /// The first of these.
    pub first: Option<Failure>,
}

/// What is recorded of the packet that was answered, if it was answered before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Known {
    /// The attempt of the recorded answer.
    pub attempt: u32,
    /// Its items without an error.
    pub good: u32,
    /// Its items that were refused.
    pub refused: u32,
}

/// Which packets of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    /// All of them.
    All,
    /// Those without a good answer: unanswered, or refused in an earlier attempt.
    Pending,
}

/// Commands to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Send {
    /// Of which step.
    pub step: Step,
    /// Command or undo.
    pub action: Action,
    /// Which packets.
    pub which: Which,
}

/// Something for the history.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Note {
    /// What happened, a word.
    pub event: &'static str,
    /// Why, in words.
    pub text: String,
    /// Who, where it was a person.
    pub actor: Option<String>,
    /// The state afterwards.
    pub state: planshift_domain::transition::State,
}

/// What follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The saga afterwards.
    pub saga: Saga,
    /// The answer is news and must be recorded (and its items with it); false: stale or a repetition.
    pub record: bool,
    /// Commands to send.
    pub send: Vec<Send>,
    /// For the history.
    pub notes: Vec<Note>,
    /// For the person who acted.
    pub outcome: Option<ActOutcome>,
}

impl Decision {
    pub(super) fn nothing(saga: &Saga) -> Self {
        Self { saga: saga.clone(), record: false, send: Vec::new(), notes: Vec::new(), outcome: None }
    }
    /// Nothing about the saga has changed.
    pub fn is_nothing(&self, before: &Saga) -> bool {
        !self.record && self.send.is_empty() && self.notes.is_empty() && self.saga == *before
    }
    pub(super) fn note(&mut self, event: &'static str, said: impl Into<Said>) {
        self.notes.push(Note { event, text: said.into().into(), actor: None, state: self.saga.state() });
    }
    pub(super) fn go(
        &mut self,
        to: planshift_domain::transition::State,
        now: planshift_domain::time::Timestamp,
        said: impl Into<Said>,
    ) -> Result<(), IllegalMove> {
        self.saga.move_to(to, now)?;
        self.note("Moved", said);
        Ok(())
    }
    pub(super) fn command(&mut self, step: Step, action: Action) {
        let packets = self.saga.packets_of(step);
        let since = self.saga.attempt;
        let tally = self.saga.tally_mut(step, action);
        tally.packets = packets;
        tally.since = since;
        self.send.push(Send { step, action, which: Which::All });
    }
}
