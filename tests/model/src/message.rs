//! What is under way between coordinator and workers. As little of each message as decides what follows from it.

use planshift_domain::step::{Action, Step};
use std::fmt;

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Message {
    /// The customer is to be moved.
    Start,
    /// A person acts.
    Act(Act),
    /// The coordinator commands.
    Command(Packet),
    /// A packet of eligibility's answer.
    Checked {
        /// The command's attempt.
        attempt: u8,
        /// Which one.
        packet: u8,
    },
    /// A worker's answer to a packet, or that it has given it up.
    Answer(Answer),
}

/// A command, or the undo of one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Packet {
    /// Of which step.
    pub step: Step,
    /// Command or undo.
    pub action: Action,
    /// Its number.
    pub packet: u8,
    /// Its attempt.
    pub attempt: u8,
}

/// What became of a packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Answer {
    /// Which one.
    pub of: Packet,
    /// Items without an error.
    pub good: u8,
    /// Items that were refused.
    pub refused: u8,
}

/// What a person wants. The same number is the same request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// To undo it.
    Cancel,
    /// To go on after `NeedsOperator`, for that attempt.
    Resume(u8),
}

impl Act {
    /// The number of the request, from 1.
    pub const fn request(self) -> u8 {
        match self {
            Self::Cancel => 1,
            Self::Resume(attempt) => 1 + attempt,
        }
    }
}

impl Message {
    /// It is for a worker; all others are for the coordinator.
    pub const fn is_command(self) -> bool {
        matches!(self, Self::Command(_))
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("a start"),
            Self::Act(Act::Cancel) => f.write_str("a cancel"),
            Self::Act(Act::Resume(attempt)) => write!(f, "a resume of attempt {attempt}"),
            Self::Command(packet) => write!(f, "{packet}"),
            Self::Checked { attempt, packet } => write!(f, "the check's answer, packet {packet} of attempt {attempt}"),
            Self::Answer(answer) => write!(f, "the answer to {answer:?}"),
        }
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} packet {} attempt {}", self.action.name(), self.step, self.packet, self.attempt)
    }
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {} good {} refused", self.of, self.good, self.refused)
    }
}
