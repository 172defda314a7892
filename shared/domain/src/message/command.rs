//! What the coordinator tells a worker to do. The same for every step: a packet of items, each with one effect.

use super::body;
use crate::{
    account::facts::{CustomerFacts, PartnerFacts, PlanFacts, ResellerFacts, RoleFacts, SubscriptionFacts, SubscriptionStatus},
    ids::{AzureSubscriptionId, CommerceSubscriptionId, CustomerId, ImportId, PartnerId, PlanId, Reseller, TransitionId},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many items a packet carries unless set otherwise.
pub const PACKET_ITEMS: u32 = 50;

/// A packet of items of one transition. `T` says which step, `I` what an item is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Packet<I> {
    /// The transition.
    pub transition_id: TransitionId,
    /// Whose customer.
    pub partner_id: PartnerId,
    /// Who moves.
    pub customer_id: CustomerId,
    /// The version of the customer's facts that the transition is about; a worker that lacks it retries.
    pub facts_version: u32,
    /// Its number within the step, from 0.
    pub packet: u32,
    /// From 1; raised by a `resume`.
    pub attempt: u32,
    /// From when the plans own the usage (mapping only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Timestamp>,
    /// What to do. Each stands alone: one at fault never takes the others down.
    pub items: Vec<I>,
}

/// Something that has one effect.
pub trait Item: Clone + Serialize + for<'de> Deserialize<'de> + Send + Sync + 'static {
    /// Its key in the effect ledger, the same for the command and its undo.
    fn key(&self) -> String;
}

/// A customer to check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerItem {
    /// How many lines, findings or resellers an answer may carry.
    pub packet_items: u32,
    /// What was shown before the start: the customer is eligible only where the plan still has this hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_hash: Option<String>,
}
/// A plan to have for a reseller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanItem {
    /// Whose plan.
    pub reseller: Reseller,
}
/// An Azure subscription to put under a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MapItem {
    /// What is mapped.
    pub azure_subscription_id: AzureSubscriptionId,
    /// To which plan.
    pub plan_id: PlanId,
}
/// A commerce subscription to suspend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SuspendItem {
    /// What is suspended.
    pub commerce_subscription_id: CommerceSubscriptionId,
}

impl Item for CustomerItem {
    fn key(&self) -> String {
        "customer".to_owned()
    }
}
impl Item for PlanItem {
    fn key(&self) -> String {
        self.reseller.key().to_owned()
    }
}
impl Item for MapItem {
    fn key(&self) -> String {
        self.azure_subscription_id.to_string()
    }
}
impl Item for SuspendItem {
    fn key(&self) -> String {
        self.commerce_subscription_id.to_string()
    }
}

macro_rules! packet_types {
    ($($(#[$doc:meta])* $name:ident($item:ty) = $wire:literal),* $(,)?) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Packet<$item>);
        body!($name => $wire);
        impl From<Packet<$item>> for $name {
            fn from(packet: Packet<$item>) -> Self {
                Self(packet)
            }
        }
        impl From<$name> for Packet<$item> {
            fn from(message: $name) -> Self {
                message.0
            }
        }
    )* };
}
packet_types! {
    /// May this customer move? One item, answered in as many packets as it takes.
    CheckEligibility(CustomerItem) = "CheckEligibility.v1",
    /// The check is of no more use: a check that comes later is fenced off.
    ReleaseEligibility(CustomerItem) = "ReleaseEligibility.v1",
    /// Have one plan for each reseller.
    PurchasePlans(PlanItem) = "PurchasePlans.v1",
    /// Put away what was bought or made active.
    UndoPurchasePlans(PlanItem) = "UndoPurchasePlans.v1",
    /// Put Azure subscriptions under their plans.
    MapSubscriptions(MapItem) = "MapSubscriptions.v1",
    /// Put them back.
    UndoMapSubscriptions(MapItem) = "UndoMapSubscriptions.v1",
    /// Suspend commerce subscriptions.
    SuspendSubscriptions(SuspendItem) = "SuspendSubscriptions.v1",
}

/// Facts of some customers, for one worker: of each what that worker owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TakeFacts<F> {
    /// The import.
    pub import_id: ImportId,
    /// The chunk of the import, from 0.
    pub chunk: u32,
    /// For its customers.
    pub partner_id: PartnerId,
    /// Customers, or parts of them.
    pub customers: Vec<FactsPart<F>>,
}

/// A part of a customer's facts under the version that the coordinator gave them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FactsPart<F> {
    /// The customer.
    pub customer_id: CustomerId,
    /// Counts up with every import of the customer.
    pub version: u32,
    /// Which part, from 0.
    pub part: u32,
    /// How many parts make the version whole.
    pub parts: u32,
    /// What the worker owns of it.
    pub facts: F,
}

/// What eligibility owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EligibilityFacts {
    /// The partner as it was at the import.
    pub partner: PartnerFacts,
    /// The customer without its subscriptions.
    pub customer: CustomerFacts,
    /// Resellers on record in this part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resellers: Vec<ResellerFacts>,
    /// Subscriptions of this part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscriptions: Vec<SubscriptionFacts>,
    /// Plans of this part: an active one is reused, and that is worth a warning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<PlanFacts>,
}
/// What purchasing owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PurchasingFacts {
    /// Plans of this part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<PlanFacts>,
}
/// What mapping owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MappingFacts {
    /// Azure subscriptions of this part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscriptions: Vec<AzureSubscriptionFacts>,
}
/// An Azure subscription, as mapping knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AzureSubscriptionFacts {
    /// The entitlement.
    pub azure_subscription_id: AzureSubscriptionId,
    /// What the customer calls it.
    pub friendly_name: String,
    /// Who administers it on behalf: kept as it is, whatever happens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleFacts>,
}
/// What suspension owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SuspensionFacts {
    /// Commerce subscriptions of this part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscriptions: Vec<CommerceSubscriptionFacts>,
}
/// A commerce subscription, as suspension knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommerceSubscriptionFacts {
    /// The commerce subscription.
    pub commerce_subscription_id: CommerceSubscriptionId,
    /// Its status at the import.
    pub status: SubscriptionStatus,
}

/// [`EligibilityFacts`] of some customers.
pub type TakeEligibilityFacts = TakeFacts<EligibilityFacts>;
/// [`PurchasingFacts`] of some customers.
pub type TakePurchasingFacts = TakeFacts<PurchasingFacts>;
/// [`MappingFacts`] of some customers.
pub type TakeMappingFacts = TakeFacts<MappingFacts>;
/// [`SuspensionFacts`] of some customers.
pub type TakeSuspensionFacts = TakeFacts<SuspensionFacts>;
body! {
    TakeEligibilityFacts => "TakeEligibilityFacts.v1",
    TakePurchasingFacts => "TakePurchasingFacts.v1",
    TakeMappingFacts => "TakeMappingFacts.v1",
    TakeSuspensionFacts => "TakeSuspensionFacts.v1",
}
