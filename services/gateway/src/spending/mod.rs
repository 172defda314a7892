//! What usage has come to by month, and warnings where that reaches a threshold of the customer's budget (ADR 32).
//!
//! An import marks the months of subscriptions whose records it has changed, in its own transaction. What is marked is reckoned behind
//! it, on every replica: the records of such a month are read, and what they come to takes the place of what they came to before, in the
//! subscription's row and in its customer's. In the same transaction the customer's budget is held against it, thresholds that are
//! reached for the first time are kept as warnings, and their webhook is made. So a crash anywhere repeats work, and loses or doubles
//! nothing.
//!
//! | file | holds |
//! |---|---|
//! | `marks` | what is to be reckoned: marked by imports, and found of the time before there was any of this |
//! | `reckon` | from marks to records to what they come to |
//! | `write` | that, written: rows of subscriptions and customers |
//! | `judge` | budgets held against it, and warnings |
//! | `read` | what is shown |
//! | `warnings` | warnings: listed, and seen to |
//! | `untold` | budgets of customers that were imported by an older version |
//! | `measure` | how many warnings are open, and how much is to be reckoned |

mod judge;
pub(crate) mod marks;
mod measure;
mod read;
mod reckon;
#[cfg(test)]
mod tests;
mod untold;
mod warnings;
mod write;

pub(crate) use judge::{CHECK, this_month};
pub(crate) use read::{CustomerMonth, Spent};
pub(crate) use warnings::{Acknowledgement, Warning};

use crate::{ask::Asker, hooks::Webhooks};
use planshift_billing::{month::Month, spending::Thresholds};
use planshift_storage::{Database, StorageError};
use planshift_worker::Ports;
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The pause between two looks whether another replica has brought something.
const LOOK: Duration = Duration::from_secs(2);

/// Spending of all customers. Cheap to clone; clones share.
#[derive(Clone)]
pub(crate) struct Spendings {
    database: Database,
    asker: Asker,
    ports: Ports,
    webhooks: Webhooks,
    thresholds: Arc<Thresholds>,
    /// How long eligibility may take to answer.
    answer: Duration,
    /// Usage was brought in this process: it need not wait for the next look.
    news: Arc<Notify>,
}

/// For so many seconds after the start nobody is asked for budgets: while services are upgraded one by one, eligibility may be of a version
/// that does not know the question, and would put it with the dead letters.
const UPGRADED: i64 = 15 * 60;

impl Spendings {
    pub(crate) fn new(
        database: Database,
        asker: Asker,
        ports: Ports,
        webhooks: Webhooks,
        thresholds: Thresholds,
        answer: Duration,
        news: Arc<Notify>,
    ) -> Self {
        Self { database, asker, ports, webhooks, thresholds: Arc::new(thresholds), answer, news }
    }

    /// The clock that months are told by.
    pub(crate) fn this_month(&self) -> Month {
        Month::of(self.ports.clock.now())
    }

    /// Works until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let ask_from = self.ports.clock.now().plus_seconds(UPGRADED);
        while !stop.is_cancelled() {
            let more = self.round().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "what usage comes to is reckoned later");
                false
            });
            if self.ports.clock.now() >= ask_from
                && let Err(error) = self.ask_untold().await
            {
                tracing::warn!(%error, "budgets of customers that were imported long ago are asked for later");
            }
            if more {
                continue;
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.news.notified() => {}
                () = self.ports.clock.sleep(LOOK) => {}
            }
        }
    }

    /// A bounded piece of all that there is to do; is there more?
    async fn round(&self) -> Result<bool, StorageError> {
        let looked = self.look_for_months().await?;
        let reckoned = self.reckon().await?;
        let judged = self.check_budgets().await?;
        Ok(looked || reckoned || judged)
    }
}
