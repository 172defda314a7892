//! What operators ask the coordinator through the gateway: steps paused for everyone, what is stuck, and why.

use super::body;
use crate::{
    history::HistoryEntry,
    ids::{CustomerId, PartnerId, TransitionId},
    step::{Action, Step},
    time::Timestamp,
    transition::{Failure, State},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How many packets an explanation lists at most.
pub const EXPLAINED_PACKETS: u32 = 50;
/// How many entries of the history an explanation has: the last ones.
pub const EXPLAINED_HISTORY: usize = 10;
/// How many transitions one answer lists at most.
pub const STUCK_AT_MOST: u32 = 500;

/// Pause or resume a step for everyone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActOnStep {
    /// The request: the same again is no new act.
    pub request_id: Uuid,
    /// Which step.
    pub step: Step,
    /// What to do.
    pub act: StepActKind,
    /// Who asks.
    pub actor: String,
    /// Why, in the asker's words.
    pub reason: String,
}

/// What may be done to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StepActKind {
    /// Nothing of it is sent any more, and its deadlines stand still; what is on its way goes to its end.
    Pause,
    /// It goes on.
    Resume,
}

impl StepActKind {
    /// As it is stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }

    /// The act of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Pause, Self::Resume].into_iter().find(|act| act.name() == name)
    }
}

/// How are the steps?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadSteps {
    /// The request.
    pub request_id: Uuid,
}

/// The answer to both: every step, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepsRead {
    /// The request.
    pub request_id: Uuid,
    /// The steps.
    pub steps: Vec<StepState>,
    /// How many transitions wait in line to begin.
    pub waiting: u32,
    /// How many may be under way at a time.
    pub under_way_limit: u32,
}

/// How a step is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepState {
    /// Which step.
    pub step: Step,
    /// It is paused.
    pub paused: bool,
    /// The last act about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<StepActed>,
    /// Transitions with commands (or undos) of it that were sent and are not all answered.
    pub in_flight: u32,
    /// Transitions that are held at it.
    pub held: u32,
    /// It is paused, and nothing of it is on its way any more.
    pub drained: bool,
}

/// An act about a step, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepActed {
    /// What was done.
    pub act: StepActKind,
    /// Who did it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// What does this transition wait for?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExplainTransition {
    /// The request.
    pub request_id: Uuid,
    /// The transition.
    pub transition_id: TransitionId,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransitionExplained {
    /// The request.
    pub request_id: Uuid,
    /// Nothing where the coordinator has no such transition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

/// Why a transition stands where it stands: which rule of the saga it is at, what that waits for, and what happened last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The transition.
    pub transition_id: TransitionId,
    /// Whose customer.
    pub partner_id: PartnerId,
    /// Who moves.
    pub customer_id: CustomerId,
    /// Where it stands.
    pub state: State,
    /// Its version.
    pub version: u32,
    /// The last version whose messages the broker has confirmed; lower than `version`: some are still to be sent.
    pub sent: u32,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// The rule that it is at: what has to be so before it goes on.
    pub rule: String,
    /// What it waits for, in a line.
    pub waits_for: String,
    /// It waits in line: how many of its partner are before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_it: Option<u32>,
    /// It is held at a paused step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldAt>,
    /// The packets without a good answer, the first of them.
    pub packets: Vec<AwaitedPacket>,
    /// How many there are in all.
    pub packets_total: u32,
    /// When what is not answered is sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resend_at: Option<Timestamp>,
    /// When its time is used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub give_up_at: Option<Timestamp>,
    /// What failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The end of its history.
    pub history: Vec<HistoryEntry>,
}

/// Where a transition is held, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldAt {
    /// The paused step.
    pub step: Step,
    /// Since when its time stands still.
    pub since: Timestamp,
    /// The act that paused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<StepActed>,
}

/// A packet that was commanded and has no good answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AwaitedPacket {
    /// Of which step, and so which worker has it.
    pub step: Step,
    /// Done or undone.
    pub action: Action,
    /// Which one, from 0.
    pub packet: u32,
    /// The attempt.
    pub attempt: u32,
    /// The `message_id` of the command.
    pub message_id: String,
    /// It was answered, and something in it refused; false: it was not answered.
    pub refused: bool,
}

/// Which transitions have not moved for a while?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListStuck {
    /// The request.
    pub request_id: Uuid,
    /// Only this partner's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner_id: Option<PartnerId>,
    /// Not since then.
    pub unchanged_since: Timestamp,
    /// How many at most: 1 to [`STUCK_AT_MOST`].
    pub limit: u32,
}

/// The answer: the longest first. Those that wait in line are not among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StuckListed {
    /// The request.
    pub request_id: Uuid,
    /// The first of them.
    pub transitions: Vec<StuckTransition>,
    /// How many there are in all.
    pub total: u32,
}

/// A transition that has not moved for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StuckTransition {
    /// The transition.
    pub transition_id: TransitionId,
    /// Whose customer.
    pub partner_id: PartnerId,
    /// Who moves.
    pub customer_id: CustomerId,
    /// Where it stands.
    pub state: State,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// What it waits for, in a line.
    pub waits_for: String,
}

body! {
    ActOnStep => "ActOnStep.v1",
    ReadSteps => "ReadSteps.v1",
    StepsRead => "StepsRead.v1",
    ExplainTransition => "ExplainTransition.v1",
    TransitionExplained => "TransitionExplained.v1",
    ListStuck => "ListStuck.v1",
    StuckListed => "StuckListed.v1",
}
