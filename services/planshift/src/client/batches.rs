//! Batches, through the API.

use super::{Api, ApiError, IMPORT_TIMEOUT, REQUEST_ID, said};
use crate::cli::{ExportFormat, WhoArgs};
use planshift_domain::{ids::PartnerId, time::Timestamp};
use reqwest::header;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A batch, as far as this client reads it; the rest of it is printed as it came.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// Which.
    pub batch_id: Uuid,
    /// The partner's own name of it.
    pub external_reference_id: String,
    /// Where it stands.
    pub state: String,
    /// Nothing more happens to it by itself.
    pub settled: bool,
    /// Why it stopped.
    #[serde(default)]
    pub note: String,
    /// How many rows it has.
    pub rows: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// How many rows are in each state; none in lists.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
    /// How far it is.
    #[serde(default)]
    pub percent: u32,
    /// Nothing is under way.
    #[serde(default)]
    pub drained: bool,
    /// When it ends, should it go on as fast as lately.
    #[serde(default)]
    pub expected_end: Option<Timestamp>,
    /// What the dry run has come to.
    #[serde(default)]
    pub plan: Option<BatchPlan>,
    /// Whatever else there is.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Batch {
    /// How many rows are in this state.
    pub fn count(&self, state: &str) -> u64 {
        self.counts.get(state).copied().unwrap_or_default()
    }

    /// All that was asked for has gone well.
    pub fn went_well(&self) -> bool {
        matches!(self.state.as_str(), "Draft" | "Planned") || (self.state == "Completed" && self.count("completed") == self.rows)
    }
}

/// What a dry run has come to.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchPlan {
    /// Rows that have no plan yet.
    pub wanted: u64,
    /// Customers that may move.
    pub eligible: u64,
    /// Customers that may not.
    pub refused: u64,
    /// Subscriptions that would move.
    pub subscriptions: u64,
    /// Plans that would be bought.
    pub plans_to_buy: u64,
    /// Plans that would be used again.
    pub plans_to_reuse: u64,
    /// Plans that would be made active again.
    pub plans_to_reactivate: u64,
    /// Customers for each reason.
    pub reasons: Vec<BatchReason>,
}

/// Why customers may not move.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct BatchReason {
    /// The code.
    pub code: String,
    /// How many.
    pub customers: u64,
}

/// A row of a batch, as far as tables show it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchRow {
    /// Which.
    pub row: u64,
    /// Who moves.
    pub customer_id: Uuid,
    /// The customer's name.
    #[serde(default)]
    pub company_name: Option<String>,
    /// The partner's own name of it.
    #[serde(default)]
    pub external_reference_id: String,
    /// Where it stands.
    pub state: String,
    /// Its transition.
    #[serde(default)]
    pub transition_id: Option<Uuid>,
    /// Why it failed or was refused.
    #[serde(default)]
    pub code: Option<String>,
    /// Whatever else there is.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A page of a list.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct BatchItems<T> {
    /// What is on it.
    pub items: Vec<T>,
}

impl Api {
    /// Makes a batch of a document. The same `request` again is the same batch.
    ///
    /// # Errors
    /// A refusal with the faults of the rows; any other.
    pub async fn create_batch(
        &self,
        kind: &'static str,
        body: reqwest::Body,
        query: &[(&str, String)],
        request: Uuid,
    ) -> Result<Batch, ApiError> {
        let request =
            self.client.post(self.batches("")).query(query).header(header::CONTENT_TYPE, kind).header(REQUEST_ID, request.to_string());
        self.json(request.timeout(IMPORT_TIMEOUT).body(body)).await
    }

    /// A batch.
    ///
    /// # Errors
    /// Any.
    pub async fn batch(&self, id: Uuid) -> Result<Batch, ApiError> {
        self.json(self.client.get(self.batches(&format!("/{id}")))).await
    }

    /// Batches, the newest first.
    ///
    /// # Errors
    /// Any.
    pub async fn list_batches(
        &self,
        state: Option<&str>,
        partner: Option<PartnerId>,
        reference: Option<&str>,
        size: u32,
    ) -> Result<BatchItems<Batch>, ApiError> {
        let mut request = self.client.get(self.batches("")).query(&[("size", size)]);
        if let Some(state) = state {
            request = request.query(&[("state", state)]);
        }
        if let Some(partner) = partner {
            request = request.query(&[("partnerId", partner)]);
        }
        if let Some(reference) = reference {
            request = request.query(&[("externalReferenceId", reference)]);
        }
        self.json(request).await
    }

    /// Rows of a batch, in their order.
    ///
    /// # Errors
    /// Any.
    pub async fn batch_rows(&self, id: Uuid, state: Option<&str>, size: u32) -> Result<BatchItems<BatchRow>, ApiError> {
        let mut request = self.client.get(self.batches(&format!("/{id}/rows"))).query(&[("size", size)]);
        if let Some(state) = state {
            request = request.query(&[("state", state)]);
        }
        self.json(request).await
    }

    /// Does something to a batch (`act` is the last part of the path), with more properties than who and why.
    ///
    /// # Errors
    /// A refusal with the name `NotAllowedInState` or `NotPlanned`; any other.
    pub async fn act_on_batch(&self, id: Uuid, act: &str, who: &WhoArgs, more: &[(&str, bool)]) -> Result<Batch, ApiError> {
        let mut body = said(who);
        more.iter().filter(|(_, value)| *value).for_each(|(name, value)| body[*name] = Value::from(*value));
        let request = self.client.post(self.batches(&format!("/{id}/{act}"))).json(&body);
        self.json(request.header(REQUEST_ID, Uuid::new_v4().to_string())).await
    }

    /// All rows of a batch, written as they come.
    ///
    /// # Errors
    /// Where they cannot be written; any other.
    pub async fn export_batch(&self, id: Uuid, format: ExportFormat, out: &mut dyn std::io::Write) -> Result<(), ApiError> {
        let format = match format {
            ExportFormat::Csv => "csv",
            ExportFormat::Json => "json",
        };
        let request = self.client.get(self.batches(&format!("/{id}/results"))).query(&[("format", format)]).timeout(IMPORT_TIMEOUT);
        let mut response = self.send(request).await?;
        while let Some(piece) = response.chunk().await.map_err(|source| self.unreachable(source))? {
            out.write_all(&piece).map_err(ApiError::Written)?;
        }
        Ok(())
    }

    fn batches(&self, rest: &str) -> String {
        format!("{}/v1/productUpgrades/batches{rest}", self.base)
    }
}
