//! What the saga remembers of a transition: of fixed size, however many lines it has.

use super::{Hold, IllegalMove, Paused};
use planshift_domain::{
    step::{Action, Step},
    time::Timestamp,
    transition::{Failure, State},
};
use serde::{Deserialize, Serialize};

/// The settings that the decision needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Items in a packet.
    pub packet_items: u32,
    /// Seconds of silence after which unanswered commands are sent again.
    pub resend_seconds: u32,
    /// Seconds after which a transition that has not got through is compensated, or put before an operator.
    pub total_seconds: u32,
}
impl Default for Limits {
    fn default() -> Self {
        Self { packet_items: planshift_domain::message::command::PACKET_ITEMS, resend_seconds: 120, total_seconds: 72 * 3600 }
    }
}

/// What a decision depends on besides the saga itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rules {
    /// Packets and deadlines.
    pub limits: Limits,
    /// Steps that are paused.
    pub paused: Paused,
}
impl From<Limits> for Rules {
    /// With no step paused.
    fn from(limits: Limits) -> Self {
        Self { limits, paused: Paused::NONE }
    }
}

/// How far the packets of one step and action are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tally {
    /// How many packets were commanded; 0: none yet.
    #[serde(rename = "p")]
    pub packets: u32,
    /// How many have been answered for good.
    #[serde(rename = "a")]
    pub answered: u32,
    /// How many of these have items that were refused.
    #[serde(rename = "f")]
    pub faulty: u32,
    /// The attempt from which refusals count: those of earlier ones were taken back by a `resume`.
    #[serde(rename = "s")]
    pub since: u32,
    /// How many items were answered without an error.
    #[serde(rename = "g")]
    pub good: u32,
}
impl Tally {
    /// It was commanded.
    pub const fn commanded(&self) -> bool {
        self.packets > 0
    }
    /// Every packet was answered.
    pub const fn all_answered(&self) -> bool {
        self.commanded() && self.answered == self.packets
    }
    /// Every packet was answered, and nothing in them was refused: the evidence.
    pub const fn proven(&self) -> bool {
        self.all_answered() && self.faulty == 0
    }
}

/// The saga of one transition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Saga {
    /// Where it stands. Changed through [`Saga::move_to`] alone.
    state: State,
    /// For `NeedsOperator`: the state it left.
    left: Option<State>,
    /// The attempt of its commands, from 1; a `resume` raises it.
    pub attempt: u32,
    /// Lines in all.
    pub lines: u32,
    /// Plans in all.
    pub plans: u32,
    /// Items in a packet, fixed at the start.
    pub packet_items: u32,
    /// By step and action.
    tallies: [[Tally; 2]; 4],
    /// What failed first.
    pub failure: Option<Failure>,
    /// From when the plans own the usage.
    pub effective_at: Option<Timestamp>,
    /// When silence is long enough to send again.
    pub resend_at: Timestamp,
    /// When its time is used up.
    pub give_up_at: Timestamp,
    /// It is held at a paused step.
    pub held: Option<Hold>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When a compensated failure was accepted as it is.
    pub closed_at: Option<Timestamp>,
}

/// What is stored of a saga besides its columns.
pub type Tallies = [[Tally; 2]; 4];

impl Saga {
    /// A transition that was just accepted.
    pub fn requested(now: Timestamp, limits: &Limits) -> Self {
        Self {
            state: State::Requested,
            left: None,
            attempt: 1,
            lines: 0,
            plans: 0,
            packet_items: limits.packet_items.max(1),
            tallies: Tallies::default(),
            failure: None,
            effective_at: None,
            resend_at: now.plus_seconds(i64::from(limits.resend_seconds)),
            give_up_at: now.plus_seconds(i64::from(limits.total_seconds)),
            held: None,
            ended_at: None,
            closed_at: None,
        }
    }

    /// A transition as it was stored; the public fields are to be set by the caller.
    pub fn restored(state: State, left: Option<State>, tallies: Tallies, limits: &Limits) -> Self {
        Self { state, left, tallies, ..Self::requested(Timestamp::from_micros(0), limits) }
    }

    /// Where it stands.
    pub const fn state(&self) -> State {
        self.state
    }
    /// For `NeedsOperator`: the state that it left.
    pub const fn left(&self) -> Option<State> {
        self.left
    }
    /// All tallies, for storing.
    pub const fn tallies(&self) -> &Tallies {
        &self.tallies
    }
    /// How far a step is.
    pub const fn tally(&self, step: Step, action: Action) -> &Tally {
        &self.tallies[step as usize][action as usize]
    }
    pub(super) const fn tally_mut(&mut self, step: Step, action: Action) -> &mut Tally {
        &mut self.tallies[step as usize][action as usize]
    }

    /// How many packets the step has.
    pub fn packets_of(&self, step: Step) -> u32 {
        match step {
            Step::Eligibility => 1,
            Step::Purchasing => self.plans.div_ceil(self.packet_items),
            Step::Mapping | Step::Suspension => self.lines.div_ceil(self.packet_items),
        }
    }

    /// It stands past the pivot: in a state after it, or asked an operator from there.
    pub fn is_past_pivot(&self) -> bool {
        let past = |state| matches!(state, State::SuspendingCommerce | State::Completed);
        past(self.state) || self.left.is_some_and(past)
    }

    /// Every step that was ever commanded has been undone or fenced, and the answers prove it.
    pub fn is_wholly_undone(&self) -> bool {
        Step::ALL.iter().all(|step| !self.tally(*step, Action::Do).commanded() || self.tally(*step, Action::Undo).proven())
    }

    /// Lines that are under their plan.
    pub fn mapped(&self) -> u32 {
        let undone = self.tally(Step::Mapping, Action::Undo).good;
        self.tally(Step::Mapping, Action::Do).good.saturating_sub(undone)
    }

    /// Lines whose commerce subscription is suspended.
    pub const fn suspended(&self) -> u32 {
        self.tally(Step::Suspension, Action::Do).good
    }

    /// The one way to change the state.
    ///
    /// # Errors
    /// `IllegalMove` where the table has no such move, or the state's evidence is missing.
    pub(super) fn move_to(&mut self, to: State, now: Timestamp) -> Result<(), IllegalMove> {
        let from = self.state;
        let evidence = match to {
            State::Compensated => self.is_wholly_undone(),
            State::SuspendingCommerce => {
                let mapping = self.tally(Step::Mapping, Action::Do);
                mapping.proven() && mapping.good == self.lines
            }
            State::Completed => self.tally(Step::Suspension, Action::Do).proven(),
            _ => true,
        };
        let back_where_it_left = from != State::NeedsOperator || self.left == Some(to);
        if !super::is_legal(from, to) || !evidence || !back_where_it_left {
            return Err(IllegalMove { from, to });
        }
        self.left = (to == State::NeedsOperator).then_some(from);
        self.state = to;
        if to.is_end() {
            self.ended_at = Some(now);
        }
        Ok(())
    }
}
