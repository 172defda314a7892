//! The coordinator: owns transitions, their history, and the lock on a customer.
//!
//! | module | holds |
//! |---|---|
//! | [`saga`] | the decision: a pure function, and its table of legal moves |
//! | [`engine`] | the shell around it: loads, decides, commits, builds what is published |
//! | [`store`] | every statement |
//! | [`handler`], [`timers`] | what makes turns: messages, and time |

pub mod engine;
pub mod handler;
pub mod saga;
pub mod store;
pub mod timers;

pub use saga::Limits;
pub use store::MIGRATIONS;

use engine::Engine;
use planshift_messaging::Broker;
use planshift_storage::Database;
use planshift_worker::{Ports, run};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The coordinator, ready to run.
pub struct Coordinator {
    engine: Arc<Engine>,
    broker: Arc<dyn Broker>,
    options: run::RunOptions,
}

impl Coordinator {
    /// A coordinator on its own database.
    pub fn new(db: Database, broker: Arc<dyn Broker>, ports: Ports, limits: Limits, options: run::RunOptions) -> Self {
        Self { engine: Arc::new(Engine::new(db, ports, limits)), broker, options }
    }

    /// Runs until `stop`, finishing what is taken.
    pub async fn run(self, stop: CancellationToken) {
        let ports = self.engine.ports.clone();
        let handler = Arc::new(handler::CoordinatorHandler { engine: self.engine.clone() });
        let timers = timers::run(self.engine, self.broker.clone(), stop.clone());
        let timers = ports.spawn.spawn(Box::pin(timers));
        run::run(handler, self.broker, ports, self.options, stop).await;
        timers.await;
    }
}
