//! What services tell about messages themselves.

use super::body;
use crate::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A dead letter that was given another chance came to its end: handled, or given up again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageEnded {
    /// The redrive that it was published by, as its header named it.
    pub redrive: String,
    /// The message.
    pub message_id: String,
    /// Whose queue it came to.
    pub service: String,
    /// Why it was given up again; absent: it was handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead: Option<GivenUp>,
    /// When.
    pub at: Timestamp,
}

/// Why a message was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GivenUp {
    /// The code: `x-planshift-reason`.
    pub reason: String,
    /// In words.
    pub description: String,
}

body! { MessageEnded => "MessageEnded.v1" }
