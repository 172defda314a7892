//! What the API answers about a transition that is planned, as far as this client reads it.

use super::{Api, ApiError};
use planshift_domain::{
    ids::{CustomerId, PartnerId, PlanId},
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The answer, read and as it came.
#[derive(Clone, Debug)]
pub struct Planned {
    /// As it came.
    pub whole: Value,
    /// Read.
    pub plan: Plan,
}

/// What a transition would do.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Who would move.
    pub customer_id: CustomerId,
    /// Nothing blocks.
    pub is_eligible: bool,
    /// What a start is to keep to.
    pub plan_hash: String,
    /// How many subscriptions would move.
    pub subscriptions_total: u32,
    /// How many groups there are.
    pub groups_total: u32,
    /// The first of them.
    pub groups: Vec<PlanGroup>,
    /// What blocks.
    pub reasons: Vec<PlanFinding>,
    /// How many reasons there are.
    pub reasons_total: u32,
    /// What to know before.
    pub warnings: Vec<PlanFinding>,
    /// How many warnings there are.
    pub warnings_total: u32,
    /// The customer's budget.
    pub budget: Option<PlanBudget>,
    /// What changes on the invoices.
    pub invoices: PlanInvoices,
}

/// The subscriptions of a reseller.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanGroup {
    /// The reseller's MPN id.
    pub partner_id: Option<String>,
    /// Its name.
    #[serde(default)]
    pub reseller_name: Option<String>,
    /// How many there are.
    pub subscriptions_total: u32,
    /// Where their plan comes from.
    pub plan: PlanSourceSaid,
}

/// Where a plan comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanSourceSaid {
    /// `buy`, `reuse`, `reactivate`.
    pub action: String,
    /// The plan, where it is there.
    pub plan_id: Option<PlanId>,
    /// In words.
    pub why: String,
}

/// A reason or a warning.
#[derive(Clone, Debug, Deserialize)]
pub struct PlanFinding {
    /// Its code.
    pub code: String,
    /// In words.
    pub description: String,
}

/// A budget.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanBudget {
    /// A decimal.
    pub amount: String,
    /// In this currency.
    pub currency_code: String,
}

/// What changes on the invoices.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanInvoices {
    /// When.
    pub effective_at: PlanEffectiveAt,
}

/// When the plans own the usage.
#[derive(Clone, Debug, Deserialize)]
pub struct PlanEffectiveAt {
    /// At the earliest.
    pub earliest: Timestamp,
}

impl Api {
    /// What the transition of a customer would do; `partner` says whose it is where several partners have it.
    ///
    /// # Errors
    /// Any.
    pub async fn plan(&self, customer: CustomerId, partner: Option<PartnerId>) -> Result<Planned, ApiError> {
        let mut body = json!({ "customerId": customer, "productFamily": "Azure" });
        if let Some(partner) = partner {
            body["partnerId"] = json!(partner);
        }
        let whole: Value = self.json(self.client.post(format!("{}/v1/productUpgrades/plan", self.base)).json(&body)).await?;
        let plan =
            serde_json::from_value(whole.clone()).map_err(|source| ApiError::Garbled { url: self.base.clone(), source: source.into() })?;
        Ok(Planned { whole, plan })
    }
}
