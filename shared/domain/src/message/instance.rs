//! What a process with a service in it tells of itself, now and then, to every gateway. Nobody keeps it.

use super::body;
use crate::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A service lives in a process. Whose it is, the sender says: the broker vouches for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstanceAlive {
    /// Its own from its start to its end.
    pub instance_id: Uuid,
    /// The machine, or the container, by its own name; empty where it does not know it.
    pub host: String,
    /// The number of the process there.
    pub process: u32,
    /// The program's version.
    pub version: String,
    /// When it was started.
    pub since: Timestamp,
    /// How it is.
    pub state: Living,
    /// Messages that it has taken and not settled.
    pub in_hand: u64,
}

/// How a process is, in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Living {
    /// It works.
    Alive,
    /// It was told to stop: it takes nothing more, and finishes what it has taken.
    Stopping,
    /// It has ended in order: this is the last that is heard of it.
    Stopped,
}

body! { InstanceAlive => "InstanceAlive.v1" }
