//! Budgets of customers that were imported by a version whose imports did not tell of them: eligibility is asked, in the background, for
//! some at a time, until none is left.
//!
//! An import always tells of a currency, so a customer without one is a customer whose import did not tell.

use super::{CHECK, Spendings, judge::this_month};
use crate::{ask::AskError, model::Amount};
use futures::{StreamExt as _, stream};
use planshift_domain::{
    ids::{CustomerId, PartnerId},
    message::request::{ReadCustomer, ReadOutcome, Wanted},
};
use planshift_storage::{Args, Statement, StorageError, Value};
use planshift_telemetry::TraceContext;
use std::pin::pin;
use uuid::Uuid;

/// How many are asked for in a round, and how many questions are open at once: a hundred thousand take an hour, and nobody notices.
const ASKED: u32 = 100;
const AT_ONCE: usize = 4;
/// After how many seconds one that was asked for in vain is asked for again.
const AGAIN: i64 = 60;

static UNTOLD: Statement = Statement::new(
    "SELECT partner_id, customer_id FROM customers WHERE currency = '' AND budget_asked_at < $1 ORDER BY budget_asked_at LIMIT $2",
);
static ASK: Statement = Statement::new(
    "UPDATE customers SET budget_asked_at = $2 FROM {1: partner uuid, customer uuid} AS r
     WHERE customers.partner_id = r.partner AND customers.customer_id = r.customer AND customers.currency = ''",
);
// an import that came meanwhile has told better
static TOLD: Statement = Statement::new(
    "UPDATE customers SET budget = r.budget, currency = r.currency
     FROM {1: partner uuid, customer uuid, version bigint, budget text, currency text} AS r
     WHERE customers.partner_id = r.partner AND customers.customer_id = r.customer AND customers.currency = '' AND customers.version <= r.version",
);

/// Why nobody could be asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum UntoldError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("eligibility was asked for a budget: {0}")]
    Ask(#[from] AskError),
}

impl Spendings {
    /// Asks for some.
    pub(super) async fn ask_untold(&self) -> Result<(), UntoldError> {
        let now = self.ports.clock.now();
        let args = Args::new().value(now.plus_seconds(-AGAIN).as_micros()).value(ASKED);
        let mut keys: Vec<(Uuid, Uuid)> = Vec::new();
        for row in self.database.query(&UNTOLD, args).await? {
            keys.push((row.get(0)?, row.get(1)?));
        }
        if keys.is_empty() {
            return Ok(());
        }
        keys.sort_unstable();
        let rows = || keys.iter().map(|(partner, customer)| vec![Value::Uuid(*partner), (*customer).into()]).collect::<Vec<_>>();
        self.database.execute(&ASK, Args::new().rows(rows()).value(now.as_micros())).await?;
        let mut answers = pin!(stream::iter(keys.iter().copied()).map(|key| self.budget_of(key)).buffered(AT_ONCE));
        let (mut failed, mut told) = (None, Vec::new());
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(row) => told.extend(row),
                // who does not answer one keeps nobody waiting for a hundred: what usage comes to is reckoned by the same task
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        if !told.is_empty() {
            let mut tx = self.database.begin().await?;
            tx.execute(&TOLD, Args::new().rows(told)).await?;
            tx.execute(&CHECK, Args::new().rows(rows()).value(this_month(now))).await?;
            tx.commit().await?;
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// What eligibility knows; none where it has no such customer, or an import is under way, which will tell.
    async fn budget_of(&self, (partner, customer): (Uuid, Uuid)) -> Result<Option<Vec<Value>>, AskError> {
        let question = ReadCustomer {
            request_id: self.ports.random.id(),
            partner_id: PartnerId(partner),
            customer_id: CustomerId(customer),
            wanted: Wanted::default(),
            after: None,
            limit: 0,
        };
        let trace = TraceContext::unrecorded(self.ports.random.id());
        Ok(match self.asker.ask(&question, &trace, self.answer).await?.outcome {
            ReadOutcome::Read(page) => {
                let currency = &page.customer.currency_code;
                let budget = page.customer.budget.as_deref().map(|amount| Amount::new(amount, currency).amount);
                Some(vec![partner.into(), customer.into(), page.facts_version.into(), budget.into(), currency.into()])
            }
            ReadOutcome::UnknownCustomer | ReadOutcome::ImportUnderWay => None,
        })
    }
}
