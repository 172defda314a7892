//! Who owns the usage of Azure subscriptions from when, asked of mapping, whose it is to know.

use super::body;
use crate::{
    ids::{AzureSubscriptionId, CustomerId, PartnerId, PlanId, TransitionId},
    ownership::{ChangePoint, Owner},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How many Azure subscriptions are asked for at once: with the few change points that each has, an answer of some 100 KB.
pub const OWNERSHIP_AT_MOST: usize = 500;

/// Who owns the usage of these Azure subscriptions of a partner, from when?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadOwnership {
    /// The request.
    pub request_id: Uuid,
    /// Whose.
    pub partner_id: PartnerId,
    /// Which: at most [`OWNERSHIP_AT_MOST`].
    pub azure_subscription_ids: Vec<AzureSubscriptionId>,
}

/// Mapping's answer: those of them that the partner has. The others are none of this partner's, or are not known at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnershipRead {
    /// The request.
    pub request_id: Uuid,
    /// In the order of their ids.
    pub subscriptions: Vec<OwnedSubscription>,
}

/// An Azure subscription with all its change points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnedSubscription {
    /// Which.
    pub azure_subscription_id: AzureSubscriptionId,
    /// Whose it is by the newest facts.
    pub customer_id: CustomerId,
    /// All of them, in the order of their times and revisions; none where no transition has come to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<OwnershipPoint>,
}

/// From `from` on the usage is the plan's; without one, the legacy commerce subscription's. Of those of one instant the highest revision
/// counts. What was told once is told for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnershipPoint {
    /// A whole UTC hour.
    pub from: Timestamp,
    /// From 0.
    pub revision: u32,
    /// The plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_id: Option<PlanId>,
    /// By which transition.
    pub transition_id: TransitionId,
}

impl OwnershipPoint {
    /// As the ledger reckons with it.
    pub fn point(&self) -> ChangePoint {
        ChangePoint { from: self.from, revision: self.revision, owner: self.plan_id.map_or(Owner::Legacy, Owner::Plan) }
    }
}

body! {
    ReadOwnership => "ReadOwnership.v1",
    OwnershipRead => "OwnershipRead.v1",
}
