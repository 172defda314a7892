//! The suspension worker: legacy commerce subscriptions, suspended once everything else is done.
//!
//! It comes after the pivot: there is no undo, and a refusal waits for an operator. A suspension is a write that checks the
//! version it has read, as Partner Center's `If-Match` does.

pub mod inspect;
mod store;
mod worker;

pub use worker::{REASON, Suspension};

use planshift_storage::{Database, Migration};
use planshift_worker::{
    Ports, Running, Service,
    metrics::Metrics,
    provisioner::Target,
    run::RunOptions,
    step::{Faults, StepHandler, StepOptions},
};

/// Whose queue, schema and broker user.
pub const SERVICE: Service = Service::Suspension;

/// The schema's versions.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "effect ledger, facts, commerce subscriptions",
    sql: concat!(
        planshift_storage::ledger_table!(),
        planshift_worker::facts_tables!(),
        include_str!("../migrations/0001_commerce_subscriptions.sql")
    ),
}];

/// How the worker is run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Commerce ids that are refused for good.
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
    pub fn build(self, database: Database, broker: planshift_messaging::SharedBroker, ports: Ports) -> Running<StepHandler<Suspension>> {
        let handler = self.handler(database, ports.clone());
        Running::new(handler, broker, ports, self.run, self.metrics)
    }

    /// The handler alone, for one who hands it batches.
    pub fn handler(&self, database: Database, ports: Ports) -> StepHandler<Suspension> {
        let options = StepOptions { faults: self.faults.clone(), provisioner: self.provisioner.clone(), metrics: self.metrics.clone() };
        StepHandler::new(Suspension::new(self.metrics.clone()), database, ports, options)
    }
}
