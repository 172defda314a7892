//! What belongs on which invoice, and what is wrong with those that came (ADR 31).
//!
//! Everything is reckoned from what is stored, anew each time: some subscriptions at a time, so that memory does not grow with a partner.
//!
//! | file | does |
//! |---|---|
//! | `scope` | which subscriptions are meant, page by page |
//! | `facts` | what is stored of some subscriptions, in one statement for each kind of it |
//! | `rated` | what daily rated records say of prices |
//! | `reckon` | a subscription: units, amounts, ids, and the check of the sums |
//! | `credit` | partner earned credit by day |
//! | `findings` | invoices' lines against all of that |
//! | `measure` | how often the sums did not agree |

mod credit;
mod facts;
mod findings;
mod measure;
mod rated;
mod reckon;
mod scope;

pub(crate) use credit::{CreditRow, Outcome};
pub(crate) use findings::{FindingsOf, FindingsPlace};
pub(crate) use measure::count_sums;
pub(crate) use reckon::{DayRow, MeterRow, Money, Reconciled};
pub(crate) use scope::{After, Scope};

use crate::invoices::Invoices;
use planshift_billing::reconcile::Series;
use planshift_domain::{ids::PartnerId, time::Timestamp};
use planshift_storage::{Database, StorageError};
use planshift_worker::metrics::Metrics;

/// How many subscriptions are reckoned at once: each may have used some dozens of meters every day of a month.
const AT_ONCE: u32 = 50;

/// Reckons for all partners. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reconciliation {
    database: Database,
    invoices: Invoices,
    metrics: Metrics,
}

impl Reconciliation {
    pub(crate) fn new(database: Database, invoices: Invoices, metrics: Metrics) -> Self {
        Self { database, invoices, metrics }
    }

    /// The first day of a cycle of the partner's legacy invoice, by the newest one that was brought; none before there is one.
    pub(crate) async fn anchor(&self, partner: PartnerId) -> Result<Option<Timestamp>, StorageError> {
        let files = self.invoices.files.done(partner).await?;
        Ok(files.iter().map(|file| &file.brought).filter(|invoice| invoice.series == Series::Legacy).map(|invoice| invoice.window.0).max())
    }
}
