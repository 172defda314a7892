//! What changed, for whoever listens: whole rows, each with its own version, so that order and duplicates do not matter.

use super::body;
use crate::{
    audit::CustomerEntry,
    history::HistoryEntry,
    ids::{CustomerId, PartnerId},
    transition::{LineRow, PacketRow, PlanRow, TransitionRow},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Those of one chunk.
    pub customers: Vec<ImportedCustomer>,
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
}

body! {
    TransitionChanged => "TransitionChanged.v1",
    AccountImported => "AccountImported.v1",
}
