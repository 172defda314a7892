//! The coordinator: owns transitions, their history, and the lock on a customer.
//!
//! | module | holds |
//! |---|---|
//! | [`saga`] | the decision: a pure function, and its table of legal moves |
//! | [`engine`] | the shell around it: loads, decides, commits, builds what is published |
//! | [`store`] | every statement |
//! | [`handler`], [`timers`] | what makes turns: messages, and time |
//! | [`inspect`] | what is stored, for verification |

pub mod engine;
pub mod handler;
pub mod inspect;
pub mod saga;
pub mod store;
pub mod timers;

pub use saga::Limits;
pub use store::MIGRATIONS;

use engine::Engine;
use handler::CoordinatorHandler;
use planshift_messaging::SharedBroker;
use planshift_storage::Database;
use planshift_worker::{Ports, Running, Service, metrics::Metrics, run::RunOptions};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Whose queue, schema and broker user.
pub const SERVICE: Service = Service::Coordinator;

/// How many transitions may be under way at a time where nothing else is said.
pub const UNDER_WAY: u32 = 1_000;

/// The variable that says how many transitions may be under way at a time.
pub const UNDER_WAY_VARIABLE: &str = "PLANSHIFT_UNDER_WAY";

/// How many transitions may be under way at a time, as the environment says it.
///
/// # Errors
/// In words: it says something else than a number from 1.
pub fn under_way_from(environment: impl Fn(&str) -> Option<String>) -> Result<u32, String> {
    let Some(text) = environment(UNDER_WAY_VARIABLE).filter(|text| !text.is_empty()) else { return Ok(UNDER_WAY) };
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| format!("{UNDER_WAY_VARIABLE}: {text:?} is no number from 1"))
}

/// How the coordinator is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Packets and deadlines.
    pub limits: Limits,
    /// How many transitions may be under way at a time, in all replicas together: further ones wait in line. At least 1.
    pub under_way: u32,
    /// Batches and attempts.
    pub run: RunOptions,
    /// Where it counts.
    pub metrics: Metrics,
}

impl Default for Options {
    fn default() -> Self {
        Self { limits: Limits::default(), under_way: UNDER_WAY, run: RunOptions::default(), metrics: Metrics::default() }
    }
}

impl Options {
    /// The coordinator, ready to run on this database and broker.
    pub fn build(self, database: Database, broker: SharedBroker, ports: Ports) -> Coordinator {
        let engine = Engine::new(database, ports.clone(), self.limits, self.under_way.max(1));
        let engine = Arc::new(engine.watched_by(self.metrics.clone()));
        let handler = CoordinatorHandler { engine: engine.clone() };
        Coordinator { messages: Running::new(handler, broker.clone(), ports, self.run, self.metrics), engine, broker }
    }
}

/// The coordinator, ready to run.
pub struct Coordinator {
    messages: Running<CoordinatorHandler>,
    engine: Arc<Engine>,
    broker: SharedBroker,
}

impl Coordinator {
    /// Runs until `stop`, finishing what is taken.
    pub async fn run(self, stop: CancellationToken) {
        let spawn = self.engine.ports.spawn.clone();
        let timers = spawn.spawn(Box::pin(timers::run(self.engine.clone(), self.broker, stop.clone())));
        self.messages.run(stop).await;
        timers.await;
        if let Err(error) = self.engine.flush_sent().await {
            tracing::debug!(%error, "what was sent is found out again at the next start");
        }
    }
}
