//! What a transition would do, asked of eligibility before it is started. Nothing is bought, marked or remembered.
//!
//! The answer is of bounded size, however many subscriptions there are; its hash is over all of them. A start that carries the hash
//! does what was shown or nothing: eligibility makes the plan again in the transaction of the check, and compares.

use super::body;
use crate::{
    ids::{AzureSubscriptionId, CommerceSubscriptionId, CustomerId, PartnerId, PlanId, Reseller},
    time::Timestamp,
    transition::Findings,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How many groups an answer lists at most: a customer with more resellers on record is rare, and told how many there are.
pub const PLANNED_GROUPS: usize = 200;
/// How many subscriptions of a group are listed at most.
pub const PLANNED_SUBSCRIPTIONS_OF_A_GROUP: usize = 100;
/// How many subscriptions are listed at most in all groups together.
pub const PLANNED_SUBSCRIPTIONS: usize = 1_000;

/// The code of the reason that ends a transition whose start carried the hash of another plan.
pub const PLAN_CHANGED: &str = "PlanChanged";

/// What would a transition of this customer do?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanTransition {
    /// The request.
    pub request_id: Uuid,
    /// Whose customer.
    pub partner_id: PartnerId,
    /// Who would move.
    pub customer_id: CustomerId,
}

/// Eligibility's answer to [`PlanTransition`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransitionPlanned {
    /// The request.
    pub request_id: Uuid,
    /// What was found.
    pub outcome: PlanOutcome,
}

/// What eligibility found about a customer that is to move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum PlanOutcome {
    /// The plan.
    Planned(Box<PlannedTransition>),
    /// No import of this partner has told of the customer.
    UnknownCustomer,
    /// An import of the customer is under way, and not all of it has come.
    ImportUnderWay,
}

/// What a transition would do, were it started now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedTransition {
    /// The version of the facts that it is made of: the newest that is whole.
    pub facts_version: u32,
    /// The instant that the rules were asked at.
    pub checked_at: Timestamp,
    /// SHA-256, hexadecimal: over the facts' version, everything in scope with its reseller and its ids, the plans to buy and to
    /// use again, and the reasons and warnings; not over times or texts.
    pub plan_hash: String,
    /// Nothing is in scope.
    pub nothing_in_scope: bool,
    /// How many subscriptions are in scope.
    pub subscriptions_total: u32,
    /// How many groups there are.
    pub groups_total: u32,
    /// The first [`PLANNED_GROUPS`] of them, in the order of their resellers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<PlannedGroup>,
    /// As an assessment has them: the first thousand reasons and as many warnings.
    #[serde(default, skip_serializing_if = "Findings::is_empty")]
    pub findings: Findings,
    /// How many reasons there are in all.
    pub reasons_total: u32,
    /// How many warnings there are in all.
    pub warnings_total: u32,
    /// The customer's budget as its document has it, a decimal in `currency_code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// ISO 4217.
    pub currency_code: String,
}

/// The subscriptions of one reseller: they go under one plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedGroup {
    /// The reseller on record.
    pub reseller: Reseller,
    /// Its name, where the document tells of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reseller_name: Option<String>,
    /// How many subscriptions it has.
    pub subscriptions_total: u32,
    /// The first of them, in the order of their commerce ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscriptions: Vec<PlannedSubscription>,
    /// Where the plan comes from.
    pub plan: PlanSource,
}

/// A subscription in scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedSubscription {
    /// The commerce subscription, which would be suspended.
    pub commerce_subscription_id: CommerceSubscriptionId,
    /// The Azure subscription, which would be mapped; absent while it is not provisioned, and that blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure_subscription_id: Option<AzureSubscriptionId>,
    /// What the customer calls it.
    pub friendly_name: String,
}

/// Where the plan of a group comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "source")]
pub enum PlanSource {
    /// None is there: one is had from purchasing, which buys one unless an earlier transition that was undone left one of its own.
    Bought,
    /// The document tells of an active one.
    #[serde(rename_all = "camelCase")]
    InDocument {
        /// The one of the smallest id.
        plan_id: PlanId,
    },
    /// An earlier transition has put subscriptions of this reseller under one.
    #[serde(rename_all = "camelCase")]
    OfEarlierTransition {
        /// The active one of the smallest id that the document tells of, where it does: of the two, the smaller id is taken.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        in_document: Option<PlanId>,
    },
}

body! {
    PlanTransition => "PlanTransition.v1",
    TransitionPlanned => "TransitionPlanned.v1",
}
