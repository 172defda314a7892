//! What changed, for whoever listens: whole rows, each with its own version, so that order and duplicates do not matter.

use super::body;
use crate::{
    account::facts::{CustomerPart, Relationship, ResellerFacts, SubscriptionFacts, SubscriptionStatus},
    audit::CustomerEntry,
    history::HistoryEntry,
    ids::{CustomerId, MpnId, PartnerId},
    time::Timestamp,
    transition::{LineRow, PacketRow, PlanRow, TransitionRow},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A transition changed: its row, and the rows beneath it that changed with it. Routing key `transition.STATE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransitionChanged {
    /// The transition.
    pub transition: TransitionRow,
    /// Plans that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<PlanRow>,
    /// Lines that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineRow>,
    /// Packets that were answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packets: Vec<PacketRow>,
    /// New history entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<HistoryEntry>,
}

/// Facts of customers were taken. Routing key `account.imported`; `customer.audited` where it only tells of chains.
///
/// Chains are told in this type so that a gateway of a version before them takes it too, and is not stopped by what it does not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccountImported {
    /// Whose customers.
    pub partner_id: PartnerId,
    /// The partner's name.
    pub partner_name: String,
    /// When the import began: of two that tell of a reseller, the later one holds.
    #[serde(default)]
    pub begun_at: Option<Timestamp>,
    /// Those of one chunk.
    pub customers: Vec<ImportedCustomer>,
    /// The resellers on record of their subscriptions, and further ones of the document, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resellers: Vec<ResellerFacts>,
    /// Entries of any customers' chains; those of one in the order of their numbers. They never change: order and duplicates do not
    /// matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audit: Vec<CustomerEntry>,
}

/// A customer, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportedCustomer {
    /// The customer.
    pub customer_id: CustomerId,
    /// The version of its facts.
    pub version: u32,
    /// Its name.
    pub company_name: String,
    /// Its domain.
    pub domain: String,
    /// Its country, as an ISO code; empty where a message before this field tells.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub country: String,
    /// Its relationship to the partner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relationship_to_partner: Option<Relationship>,
    /// Its budget, a decimal as it stood in the document; none where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// In which currency it is billed, ISO 4217; empty where a message before this field tells.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub currency_code: String,
    /// The resellers on record of the subscriptions in this chunk.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resellers: Vec<MpnId>,
    /// Which part of the customer this chunk has, from 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub part: u32,
    /// How many Azure subscriptions that are not deleted are in this part; none where a message before this field tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure_subscriptions: Option<u32>,
}

fn is_zero(part: &u32) -> bool {
    *part == 0
}

impl ImportedCustomer {
    /// The customer of a part.
    pub fn of(part: &CustomerPart, version: u32) -> Self {
        let counts = |facts: &&SubscriptionFacts| facts.azure_subscription_id.is_some() && facts.status != SubscriptionStatus::Deleted;
        let subscriptions = part.subscriptions.iter().filter(counts).count();
        Self {
            customer_id: part.customer_id,
            version,
            company_name: part.customer.company_name.clone(),
            domain: part.customer.domain.clone(),
            country: part.customer.country.clone(),
            relationship_to_partner: Some(part.customer.relationship_to_partner),
            budget: part.customer.budget.clone(),
            currency_code: part.customer.currency_code.clone(),
            resellers: part.resellers.iter().map(|reseller| reseller.mpn_id.clone()).collect(),
            part: part.part,
            azure_subscriptions: u32::try_from(subscriptions).ok(),
        }
    }
}

/// These resellers and those of these parts, each once, in the order of their MPN ids.
pub fn resellers_of<'a>(resellers: &'a [ResellerFacts], parts: impl IntoIterator<Item = &'a CustomerPart>) -> Vec<ResellerFacts> {
    let all = parts.into_iter().flat_map(|part| &part.resellers).chain(resellers);
    let by_id: BTreeMap<&MpnId, &ResellerFacts> = all.map(|reseller| (&reseller.mpn_id, reseller)).collect();
    by_id.into_values().cloned().collect()
}

body! {
    TransitionChanged => "TransitionChanged.v1",
    AccountImported => "AccountImported.v1",
}
