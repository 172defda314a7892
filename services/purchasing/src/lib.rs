//! The purchasing worker: one Azure plan for each reseller of a customer.
//!
//! An active plan is reused, one that an earlier compensation suspended is made active again, and only else is one bought. An
//! undo suspends what its transition bought or made active, and leaves alone what was active before.

pub mod inspect;
mod store;
mod worker;

pub use worker::Purchasing;

use planshift_storage::{Database, Migration};
use planshift_worker::{
    Ports, Running, Service,
    metrics::Metrics,
    run::RunOptions,
    step::{Faults, StepHandler, StepOptions},
};

/// Whose queue, schema and broker user.
pub const SERVICE: Service = Service::Purchasing;

/// The schema's versions.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "effect ledger, facts, plans",
    sql: concat!(planshift_storage::ledger_table!(), planshift_worker::facts_tables!(), include_str!("../migrations/0001_plans.sql")),
}];

/// How the worker is run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Resellers (MPN id or `none`) that are refused for good.
    pub faults: Faults,
    /// Batches and attempts.
    pub run: RunOptions,
    /// Where it counts.
    pub metrics: Metrics,
}

impl Options {
    /// The worker, ready to run on this database and broker.
    pub fn build(self, database: Database, broker: planshift_messaging::SharedBroker, ports: Ports) -> Running<StepHandler<Purchasing>> {
        let handler = self.handler(database, ports.clone());
        Running::new(handler, broker, ports, self.run, self.metrics)
    }

    /// The handler alone, for one who hands it batches.
    pub fn handler(&self, database: Database, ports: Ports) -> StepHandler<Purchasing> {
        let options = StepOptions { faults: self.faults.clone(), metrics: self.metrics.clone() };
        StepHandler::new(Purchasing::new(ports.random.clone(), self.metrics.clone()), database, ports, options)
    }
}
