//! The messages that services exchange: one type on the wire for each, with its version in the name.
//!
//! | from | to | types |
//! |---|---|---|
//! | coordinator | worker | [`command`]: do this packet, undo that packet, take these facts |
//! | worker | coordinator | [`reply`]: what became of it |
//! | gateway | coordinator | [`request`]: import, start, cancel, resume, close |
//! | gateway | eligibility | [`plan`]: what would a transition do, and the answer |
//! | gateway | mapping | [`ownership`]: who owns usage from when, and the answer |
//! | gateway | coordinator | [`operator`]: steps paused for everyone, what is stuck, why |
//! | coordinator | gateway | [`request`], [`operator`]: the answers, to the one who asked |
//! | any | gateway | [`notice`]: what became of a redriven message |
//! | any | every gateway | [`instance`]: that it lives, and in which version |
//! | coordinator | all who listen | [`event`]: what changed, with versions |

pub mod command;
pub mod event;
pub mod instance;
pub mod notice;
pub mod operator;
pub mod ownership;
pub mod plan;
pub mod reply;
pub mod request;

use serde::{Serialize, de::DeserializeOwned};

/// A message's body.
pub trait Body: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The type on the wire with its version: `MapSubscriptions.v1`.
    const TYPE: &'static str;
}

macro_rules! body {
    ($($type:ty => $name:literal),* $(,)?) => { $(impl $crate::message::Body for $type { const TYPE: &'static str = $name; })* };
}
pub(crate) use body;
