//! The installation itself: its processes and its queues, as the API tells them.

use super::{Api, ApiError};
use planshift_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Processes.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Instances {
    /// By service, those that live first.
    pub items: Vec<Instance>,
    /// The versions of those that live.
    pub versions: Vec<String>,
    /// The gateway has listened long enough to have heard everybody.
    pub complete: bool,
    /// When somebody was heard last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<Timestamp>,
    /// Services of which there are more than are listed.
    pub too_many: Vec<String>,
}

/// A process with a service in it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// What lives in it.
    pub service: String,
    /// Its own from its start to its end.
    pub instance_id: Uuid,
    /// The machine, or the container.
    pub host: String,
    /// The number of the process there.
    pub process: u32,
    /// The program's version.
    pub version: String,
    /// alive, stopping, stopped or gone.
    pub state: String,
    /// When it was started.
    pub since: Timestamp,
    /// When it was heard last.
    pub last_seen: Timestamp,
    /// Messages that it has taken and not settled.
    pub in_hand: u64,
    /// Its step is paused for everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_paused: Option<bool>,
}

impl Instance {
    /// It is there.
    pub fn is_living(&self) -> bool {
        matches!(self.state.as_str(), "alive" | "stopping")
    }
}

/// Queues.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Queues {
    /// Each of them.
    pub items: Vec<QueueShown>,
}

/// A queue.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueShown {
    /// Its name.
    pub name: String,
    /// service, dead or delayed.
    pub kind: String,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// seen, missing or hidden.
    pub state: String,
    /// Messages that can be delivered now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<u64>,
    /// How many take from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumers: Option<u64>,
}

impl Api {
    /// Which processes live.
    ///
    /// # Errors
    /// Any.
    pub async fn instances(&self) -> Result<Instances, ApiError> {
        self.json(self.client.get(format!("{}/v1/instances", self.base))).await
    }

    /// How much queues hold.
    ///
    /// # Errors
    /// Any.
    pub async fn queues(&self) -> Result<Queues, ApiError> {
        self.json(self.client.get(format!("{}/v1/queues", self.base))).await
    }
}
