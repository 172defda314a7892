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
    provisioner::Target,
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
    /// Where effects are first had, if anywhere.
    pub provisioner: Option<Target>,
    /// Batches and attempts.
    pub run: RunOptions,
    /// Where it counts.
    pub metrics: Metrics,
}

impl Options {
    /// With an outside system that has the effects first, and as many messages in hand as keep it busy.
    #[must_use]
    pub fn provisioned_by(self, provisioner: Option<Target>) -> Self {
        let run = provisioner.as_ref().map_or(self.run, |target| RunOptions::waiting_outside(target.limits.in_flight));
        Self { provisioner, run, ..self }
    }

    /// The worker, ready to run on this database and broker.
    pub fn build(self, database: Database, broker: planshift_messaging::SharedBroker, ports: Ports) -> Running<StepHandler<Purchasing>> {
        let handler = self.handler(database, ports.clone());
        Running::new(handler, broker, ports, self.run, self.metrics)
    }

    /// The handler alone, for one who hands it batches.
    pub fn handler(&self, database: Database, ports: Ports) -> StepHandler<Purchasing> {
        let options = StepOptions { faults: self.faults.clone(), provisioner: self.provisioner.clone(), metrics: self.metrics.clone() };
        StepHandler::new(Purchasing::new(ports.random.clone(), self.metrics.clone()), database, ports, options)
    }
}
