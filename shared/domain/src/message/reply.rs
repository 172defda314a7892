//! What a worker answers the coordinator. A packet is answered once, when every item in it is final.

use super::body;
use crate::{
    account::facts::PlanStatus,
    ids::{AzureSubscriptionId, CommerceSubscriptionId, ImportId, PlanId, Reseller, TransitionId},
    step::Action,
    time::Timestamp,
    transition::{Evidence, Findings, ItemError},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Packet `packet` of `packets` of what eligibility found. Lines, findings and resellers are each cut into slices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EligibilityChecked {
    /// The transition.
    pub transition_id: TransitionId,
    /// The command's attempt.
    pub attempt: u32,
    /// Which packet, from 0.
    pub packet: u32,
    /// Of how many (at least one).
    pub packets: u32,
    /// The instant that the rules were asked at; the same in every packet.
    pub checked_at: Timestamp,
    /// No rule blocks.
    pub eligible: bool,
    /// Nothing is in scope.
    pub nothing_in_scope: bool,
    /// How many lines there are in all; 0 unless eligible.
    pub lines_total: u32,
    /// How many resellers there are in all; 0 unless eligible.
    pub resellers_total: u32,
    /// This packet's lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<EligibleLine>,
    /// This packet's reasons and warnings, in their order over all packets.
    #[serde(default, skip_serializing_if = "Findings::is_empty")]
    pub findings: Findings,
}

/// A subscription that may move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EligibleLine {
    /// The Azure subscription.
    pub azure_subscription_id: AzureSubscriptionId,
    /// The commerce subscription.
    pub commerce_subscription_id: CommerceSubscriptionId,
    /// The reseller on record.
    pub reseller: Reseller,
}

/// What became of each item of a packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PacketAnswer {
    /// The transition.
    pub transition_id: TransitionId,
    /// Command or undo.
    pub action: Action,
    /// The packet.
    pub packet: u32,
    /// The command's attempt.
    pub attempt: u32,
    /// One for each item of the command.
    pub items: Vec<ItemAnswer>,
}

/// What became of an item: what the effect ledger says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ItemAnswer {
    /// The item's key.
    pub item: String,
    /// The evidence. For an undo, `refused` means that it could not be undone.
    pub evidence: Evidence,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ItemError>,
    /// The plan that was bought or taken, with its present status (purchasing only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanAnswer>,
}

/// A plan, as purchasing had it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanAnswer {
    /// The plan.
    pub plan_id: PlanId,
    /// It was there already.
    pub reused: bool,
    /// Its status now.
    pub status: PlanStatus,
}

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident = $wire:literal),* $(,)?) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub PacketAnswer);
        body!($name => $wire);
        impl From<PacketAnswer> for $name {
            fn from(answer: PacketAnswer) -> Self {
                Self(answer)
            }
        }
    )* };
}
answers! {
    /// Eligibility's answer to a release.
    EligibilityReleased = "EligibilityReleased.v1",
    /// Purchasing's answer.
    PlansAnswered = "PlansAnswered.v1",
    /// Mapping's answer.
    MappingAnswered = "MappingAnswered.v1",
    /// Suspension's answer.
    SuspensionAnswered = "SuspensionAnswered.v1",
}

/// A worker has stored a chunk of facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FactsTaken {
    /// The import.
    pub import_id: ImportId,
    /// The chunk.
    pub chunk: u32,
}

/// A worker has used up its attempts at a packet: it is a dead letter now, and the saga must not wait for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PacketGivenUp {
    /// The transition.
    pub transition_id: TransitionId,
    /// Command or undo.
    pub action: Action,
    /// The packet.
    pub packet: u32,
    /// The command's attempt.
    pub attempt: u32,
    /// The last fault, in words.
    pub error: ItemError,
}

body! {
    EligibilityChecked => "EligibilityChecked.v1",
    FactsTaken => "FactsTaken.v1",
    PacketGivenUp => "PacketGivenUp.v1",
}
