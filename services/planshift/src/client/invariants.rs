//! What a verification has found, as the API is told it.

use super::{Api, ApiError};
use planshift_domain::time::Timestamp;
use serde::Serialize;

/// A pass.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PassTold {
    /// Who has made it.
    pub reporter: String,
    /// When it ended.
    pub ended_at: Timestamp,
    /// The time from pass to pass; 0: it is one alone.
    pub every_seconds: u64,
    /// How long it took.
    pub took_millis: u64,
    /// What was checked.
    pub invariants: Vec<InvariantTold>,
}

/// An invariant.
#[derive(Clone, Debug, Serialize)]
pub struct InvariantTold {
    /// Its id in the catalogue.
    pub id: &'static str,
    /// What must hold.
    pub statement: &'static str,
    /// How many items were looked at.
    pub checked: u64,
    /// How many violate it.
    pub violations: u64,
    /// The first of them.
    pub found: Vec<BrokenTold>,
}

/// What violates an invariant.
#[derive(Clone, Debug, Serialize)]
pub struct BrokenTold {
    /// Which item.
    pub subject: String,
    /// In words.
    pub text: String,
}

impl Api {
    /// Tells what a pass has found.
    ///
    /// # Errors
    /// Any.
    pub async fn tell_invariants(&self, pass: &PassTold) -> Result<(), ApiError> {
        self.send(self.client.put(format!("{}/v1/invariants", self.base)).json(pass)).await.map(drop)
    }
}
