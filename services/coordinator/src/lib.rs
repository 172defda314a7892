//! The coordinator: owns transitions, their history, and the lock on a customer.
//!
//! | module | holds |
//! |---|---|
//! | [`saga`] | the decision: a pure function, and its table of legal moves |
//! | [`engine`] | the shell around it: loads, decides, commits, builds what is published |
//! | [`store`] | every statement |
//! | [`handler`], [`timers`] | what makes turns: messages, and time |
//! | [`mod@line`] | settings: how many may be under way, and how partners share them |
//! | [`inspect`] | what is stored, for verification |

pub mod engine;
pub mod handler;
pub mod inspect;
pub mod line;
pub mod saga;
pub mod store;
pub mod timers;

pub use line::{Line, Weights};
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

/// How the coordinator is run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Packets and deadlines.
    pub limits: Limits,
    /// How many transitions may be under way at a time, and how partners share them.
    pub line: Line,
    /// Batches and attempts.
    pub run: RunOptions,
    /// Where it counts.
    pub metrics: Metrics,
}

impl Options {
    /// The coordinator, ready to run on this database and broker.
    pub fn build(self, database: Database, broker: SharedBroker, ports: Ports) -> Coordinator {
        let engine = Engine::new(database, ports.clone(), self.limits, self.line);
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
