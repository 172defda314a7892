//! The mapping worker: Azure subscriptions, the plan that each is under, and who owns each one's usage from when.
//!
//! Attachment changes at once, ownership on whole UTC hours; both in the transaction that writes the effect ledger. The service
//! that is scaled out: any number of it may run.

pub mod inspect;
mod store;
mod tell;
mod worker;

pub use worker::Mapping;

use planshift_storage::{Database, Migration};
use planshift_worker::{
    Ports, Running, Service,
    metrics::Metrics,
    provisioner::Target,
    run::RunOptions,
    step::{Faults, StepHandler, StepOptions},
};

/// Whose queue, schema and broker user.
pub const SERVICE: Service = Service::Mapping;

/// The schema's versions.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "effect ledger, facts, Azure subscriptions, ownership",
    sql: concat!(
        planshift_storage::ledger_table!(),
        planshift_worker::facts_tables!(),
        include_str!("../migrations/0001_azure_subscriptions.sql")
    ),
}];

/// How the worker is run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Azure ids that are refused for good.
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
    pub fn build(self, database: Database, broker: planshift_messaging::SharedBroker, ports: Ports) -> Running<StepHandler<Mapping>> {
        let handler = self.handler(database, ports.clone());
        Running::new(handler, broker, ports, self.run, self.metrics)
    }

    /// The handler alone, for one who hands it batches.
    pub fn handler(&self, database: Database, ports: Ports) -> StepHandler<Mapping> {
        let options = StepOptions { faults: self.faults.clone(), provisioner: self.provisioner.clone(), metrics: self.metrics.clone() };
        StepHandler::new(Mapping::new(self.metrics.clone()), database, ports, options)
    }
}
