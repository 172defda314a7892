//! A transition: its states, and what it says about a customer, a plan, a line.

use crate::{
    account::facts::PlanStatus,
    ids::{AzureSubscriptionId, BatchId, CommerceSubscriptionId, CustomerId, PartnerId, PlanId, Reseller, TransitionId},
    step::{Action, Step},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a transition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum State {
    /// Accepted; the customer is locked for others.
    Requested,
    /// Eligibility was asked.
    CheckingEligibility,
    /// One plan for each reseller is being had.
    PurchasingPlans,
    /// Packets are in flight on any number of mapping workers.
    MappingSubscriptions,
    /// Past the pivot: every line is mapped, and the answers prove it. From here only forward.
    SuspendingCommerce,
    /// What was ever commanded is being undone, in reverse.
    Compensating,
    /// An end: all went well.
    Completed,
    /// An end: a blocking rule holds, and nothing was touched.
    Ineligible,
    /// An end: everything is as it was.
    Compensated,
    /// A step past the pivot, or an undo, failed for good and everything else has ended. The lock is kept.
    NeedsOperator,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 10] = [
        Self::Requested,
        Self::CheckingEligibility,
        Self::PurchasingPlans,
        Self::MappingSubscriptions,
        Self::SuspendingCommerce,
        Self::Compensating,
        Self::Completed,
        Self::Ineligible,
        Self::Compensated,
        Self::NeedsOperator,
    ];

    /// Final, and the lock is free.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Completed | Self::Ineligible | Self::Compensated)
    }

    /// Nothing more happens by itself: an end, or an operator is asked.
    pub const fn is_settled(self) -> bool {
        self.is_end() || matches!(self, Self::NeedsOperator)
    }

    /// As it is written on the wire and in databases.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "Requested",
            Self::CheckingEligibility => "CheckingEligibility",
            Self::PurchasingPlans => "PurchasingPlans",
            Self::MappingSubscriptions => "MappingSubscriptions",
            Self::SuspendingCommerce => "SuspendingCommerce",
            Self::Compensating => "Compensating",
            Self::Completed => "Completed",
            Self::Ineligible => "Ineligible",
            Self::Compensated => "Compensated",
            Self::NeedsOperator => "NeedsOperator",
        }
    }

    /// The state of that name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name().eq_ignore_ascii_case(name))
    }

    /// The step that is under way in this state.
    pub const fn step(self) -> Option<Step> {
        match self {
            Self::CheckingEligibility => Some(Step::Eligibility),
            Self::PurchasingPlans => Some(Step::Purchasing),
            Self::MappingSubscriptions => Some(Step::Mapping),
            Self::SuspendingCommerce => Some(Step::Suspension),
            _ => None,
        }
    }
}
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A reason that blocks, or a warning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// A code of the tables in the account document's rules.
    pub code: String,
    /// What it is about: a partner, customer, Azure (or commerce) id, or an MPN id.
    pub resource_id: String,
    /// In words, with what to do.
    pub description: String,
}

/// An error of one line or plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemError {
    /// A stable code.
    pub code: String,
    /// In words.
    pub description: String,
}

/// What failed first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// In which step.
    pub step: Step,
    /// At which item: an MPN id or `none`, an Azure id, a commerce id; the customer id where it is about the whole step.
    pub resource_id: String,
    /// A stable code; `Cancelled`, `TimedOut` …
    pub code: String,
    /// In words.
    pub description: String,
}

/// What the effect ledger says of an item after a command or an undo: the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Evidence {
    /// The effect is there.
    Done,
    /// There is no effect, for a reason of business.
    Refused,
    /// The effect was there and was undone.
    Undone,
    /// There was no effect, and a command that comes later will be refused.
    Fenced,
}
impl Evidence {
    /// As ledgers and databases write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Undone => "undone",
            Self::Fenced => "fenced",
        }
    }
    /// The evidence of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Done, Self::Refused, Self::Undone, Self::Fenced].into_iter().find(|e| e.name() == name)
    }
}

/// A line: one Azure subscription and the commerce subscription it came with.
///
/// A line that goes well is written once; what its packets answered says how far it is ([`crate::view::line_progress`]).
/// Only what differs from its packet stands here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineRow {
    /// What is mapped.
    pub azure_subscription_id: AzureSubscriptionId,
    /// What is suspended.
    pub commerce_subscription_id: CommerceSubscriptionId,
    /// The reseller on record.
    pub reseller: Reseller,
    /// Its packet, the same in every step.
    pub packet: u32,
    /// The step at which it failed, with the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<(Step, ItemError)>,
    /// What the undo of its mapping found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Evidence>,
    /// The transition's version when this row was last written.
    pub version: u32,
}

/// A plan that the transition bought or took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanRow {
    /// Whose plan.
    pub reseller: Reseller,
    /// Absent while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_id: Option<PlanId>,
    /// It was there already.
    pub reused: bool,
    /// Its present status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<PlanStatus>,
    /// Why there is none, or why it could not be given back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ItemError>,
    /// What the undo of its purchase found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Evidence>,
    /// The transition's version when this row was last written.
    pub version: u32,
}

/// A packet that was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PacketRow {
    /// Of which step.
    pub step: Step,
    /// Command or undo.
    pub action: Action,
    /// Its number, from 0.
    pub packet: u32,
    /// The attempt that was answered, from 1.
    pub attempt: u32,
    /// Items without an error.
    pub good: u32,
    /// Items that were refused.
    pub refused: u32,
    /// Reasons and warnings (eligibility only), in their order.
    #[serde(default, skip_serializing_if = "Findings::is_empty")]
    pub findings: Findings,
    /// The transition's version when this row was written.
    pub version: u32,
}

/// A slice of a customer's reasons and warnings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Findings {
    /// What blocks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Finding>,
    /// What to know before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Finding>,
}
impl Findings {
    /// Neither.
    pub const fn is_empty(&self) -> bool {
        self.reasons.is_empty() && self.warnings.is_empty()
    }
}

/// The row of a batch that a transition is of: who made the batch knows by it which of its rows has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchRow {
    /// The batch.
    pub batch_id: BatchId,
    /// The row's number within the batch.
    pub row: u32,
    /// Which attempt at the row, from 1: a row that failed may be tried again.
    pub attempt: u32,
}

/// A transition without its lines, plans and packets: of fixed size, however many of them there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransitionRow {
    /// The transition.
    pub id: TransitionId,
    /// Counts up with every change; the highest version of a row is the true one.
    pub version: u32,
    /// Whose customer.
    pub partner_id: PartnerId,
    /// Who moves.
    pub customer_id: CustomerId,
    /// Where it stands.
    pub state: State,
    /// For `NeedsOperator`: the state that it left, and that `resume` goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_state: Option<State>,
    /// The version of the customer's facts that it is about.
    pub facts_version: u32,
    /// What failed first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Azure subscriptions that move.
    pub lines: u32,
    /// Plans, one for each reseller.
    pub plans: u32,
    /// Lines mapped so far.
    pub mapped: u32,
    /// Commerce subscriptions suspended so far.
    pub suspended: u32,
    /// From when the plans own the usage: one whole UTC hour for all lines, fixed when mapping starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Timestamp>,
    /// When it was accepted.
    pub started_at: Timestamp,
    /// When it came to an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Who asked for it.
    pub started_by: String,
    /// When a compensated failure was accepted as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// How many history entries it has.
    pub history: u32,
    /// W3C trace context of its start.
    pub traceparent: String,
    /// The row of a batch that it is of; none where it was started by itself, and in what versions before batches have told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchRow>,
}
