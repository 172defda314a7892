//! The eligibility worker: may this customer move?
//!
//! A check reads the facts that the transition is about, asks the rules at one instant, and marks what is in scope of an eligible
//! customer as the transition's lines. The mark is what tells later checks that a subscription is under a plan already; a
//! transition that is compensated or cancelled releases it. Who only wants to know asks without a transition, and nothing is marked.
//!
//! | module | holds |
//! |---|---|
//! | [`rules`] | the rules, pure: facts in, findings out |
//! | [`inspect`] | what is stored, for verification |

mod assess;
mod check;
mod facts;
pub mod inspect;
mod plan;
mod read;
pub mod rules;
mod store;
mod tell;
mod worker;

pub use worker::Eligibility;

use planshift_storage::{Database, Migration};
use planshift_worker::{
    Ports, Running, Service,
    metrics::Metrics,
    run::RunOptions,
    step::{StepHandler, StepOptions},
};
use rules::RuleSettings;

/// Whose queue, schema and broker user.
pub const SERVICE: Service = Service::Eligibility;

/// The schema's versions.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "effect ledger, facts, subscriptions and lines",
        sql: concat!(
            planshift_storage::ledger_table!(),
            planshift_worker::facts_tables!(),
            include_str!("../migrations/0001_subscriptions.sql")
        ),
    },
    Migration { version: 2, name: "releases", sql: include_str!("../migrations/0002_releases.sql") },
];

/// How the worker is run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What an operator may set.
    pub rules: RuleSettings,
    /// Batches and attempts.
    pub run: RunOptions,
    /// Where it counts.
    pub metrics: Metrics,
}

impl Options {
    /// The worker, ready to run on this database and broker.
    pub fn build(self, database: Database, broker: planshift_messaging::SharedBroker, ports: Ports) -> Running<StepHandler<Eligibility>> {
        let handler = self.handler(database, ports.clone());
        Running::new(handler, broker, ports, self.run, self.metrics)
    }

    /// The handler alone, for one who hands it batches.
    pub fn handler(&self, database: Database, ports: Ports) -> StepHandler<Eligibility> {
        let options = StepOptions { metrics: self.metrics.clone(), ..StepOptions::default() };
        StepHandler::new(Eligibility::new(self.rules), database, ports, options)
    }
}
