//! Effects that are first had from a system outside: the port, and what keeps its calls within bounds.
//!
//! | file | does |
//! |---|---|
//! | `bucket` | how fast the effects of one partner are asked for |
//! | `breaker` | whether the outside system is called at all |
//! | `calls` | jobs to outcomes: so many calls in flight, each with a time limit |
//!
//! When an effect is asked for and when it is undone is decided by [`crate::step`]; what goes over the wire is the port's.

mod breaker;
mod bucket;
mod calls;

pub(crate) use calls::{Job, OUTCOMES, Outcome, Outside, Wait, Want};

use async_trait::async_trait;
use planshift_domain::{ids::PartnerId, transition::ItemError};
use planshift_telemetry::TraceContext;
use std::{fmt, sync::Arc, time::Duration};

/// What is asked about an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Have it. The same key again has the same effect once.
    Provision,
    /// Is it there?
    LookUp,
    /// Let there be none, now and later: what is there is undone, and the key is never had again.
    Undo,
}

/// An effect of an outside system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// What makes it one and the same: letters, digits, `-`, `.` and `_` alone.
    pub key: String,
    /// Whose: what limits one partner does not limit the others.
    pub partner: PartnerId,
    /// What is wanted, JSON.
    pub body: String,
}

/// What an outside system said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The effect is there.
    Done,
    /// It has never heard of the key. Said to a look-up.
    Absent,
    /// There is no effect, for a reason of business.
    Refused(ItemError),
    /// There is no effect, and the key is never had again. `had`: there was one once, and it was undone.
    Gone {
        /// Whether there was one.
        had: bool,
    },
    /// It has taken the request, and is not through.
    Pending {
        /// When to look again, where it says so.
        after: Option<Duration>,
    },
    /// This partner asks too much.
    Throttled {
        /// When to ask again, where it says so.
        after: Option<Duration>,
    },
    /// It has no time for anybody.
    Busy {
        /// When to ask again.
        after: Duration,
    },
    /// Nobody knows what came of the call, and why.
    Unknown(String),
}

/// An outside system that has effects. It is called by several tasks at once.
#[async_trait]
pub trait Provisioner: Send + Sync + 'static {
    /// Calls it once, beneath that span. The caller sets the time limit: a call may be dropped at any time.
    async fn call(&self, call: Call, effect: &Effect, trace: &TraceContext) -> Reply;
}

/// Bounds of the calls of a process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Calls in flight, at most.
    pub in_flight: usize,
    /// How long one may take.
    pub timeout: Duration,
    /// Calls a second for each partner; `None`: as many as the outside system takes.
    pub rate: Option<f64>,
    /// Calls of a partner that may come at once after a pause.
    pub burst: u32,
}

impl Default for Limits {
    /// 16 calls in flight, 10 seconds each, no rate.
    fn default() -> Self {
        Self { in_flight: 16, timeout: Duration::from_secs(10), rate: None, burst: 50 }
    }
}

/// An outside system, and the bounds of its calls.
#[derive(Clone)]
pub struct Target {
    /// What is called.
    pub provisioner: Arc<dyn Provisioner>,
    /// How.
    pub limits: Limits,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("limits", &self.limits).finish_non_exhaustive()
    }
}
