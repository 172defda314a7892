//! The read model: what the events have told, searchable, in the gateway's own database.
//!
//! It decides nothing. Each row keeps its version and is never overwritten by one of a lower version, so that order and
//! duplicates of events do not matter; what is missing for long is asked for again.

mod audit;
mod blockers;
mod budgets;
mod changes;
mod counts;
mod customers;
mod feed;
mod gaps;
mod invariants;
mod left;
mod list;
mod measure;
mod ordered;
mod orders;
mod overview;
mod pace;
mod partners;
mod plans;
mod read;
mod requests;
mod search;
mod sessions;
mod stand;
mod standing;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use audit::{Chain, CustomerKey, Record, RecordFilter, RecordKey, Told};
pub(crate) use blockers::{Blocked, LookedAt};
pub(crate) use budgets::{Amount, BudgetFilter, BudgetRow, Moved, Tick};
pub(crate) use changes::Changes;
pub(crate) use customers::{CustomerFilter, ListKey, Pattern};
pub(crate) use feed::{Cursor, Happened, Of, What};
pub(crate) use invariants::{Broken, InvariantRow, Pass};
pub(crate) use left::Suspended;
pub(crate) use list::{Filter, Status};
pub(crate) use orders::{Bought, Cart, Order, OrderLine};
pub(crate) use overview::{Overview, OverviewFilter, OverviewKey, Seen, SortBy, SortKey, Way};
pub(crate) use pace::{expected_end, percent};
pub(crate) use partners::PartnerName;
pub(crate) use plans::{HadPlan, TakenFrom, taken_from};
pub(crate) use read::{Known, Parts};
pub(crate) use requests::{Reserved, StoredAnswer};
pub(crate) use sessions::NewSession;
pub(crate) use stand::Stand;
pub(crate) use standing::{OwnPlan, Standing};

use planshift_storage::{Database, Migration, StorageError};
use std::sync::Arc;

/// The gateway's schema.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "read model", sql: include_str!("../../migrations/0001_read_model.sql") },
    Migration { version: 2, name: "settled", sql: include_str!("../../migrations/0002_settled.sql") },
    Migration { version: 3, name: "dead letters", sql: include_str!("../../migrations/0003_dead_letters.sql") },
    Migration { version: 4, name: "customers", sql: include_str!("../../migrations/0004_customers.sql") },
    Migration { version: 5, name: "live events and search", sql: include_str!("../../migrations/0005_search.sql") },
    Migration { version: 6, name: "audit", sql: include_str!("../../migrations/0006_audit.sql") },
    Migration { version: 7, name: "webhooks", sql: include_str!("../../migrations/0007_webhooks.sql") },
    Migration { version: 8, name: "counts", sql: include_str!("../../migrations/0008_counts.sql") },
    Migration { version: 9, name: "the trace of a redrive", sql: include_str!("../../migrations/0009_redrive_trace.sql") },
    Migration { version: 10, name: "budgets", sql: include_str!("../../migrations/0010_budgets.sql") },
    Migration { version: 11, name: "batches", sql: include_str!("../../migrations/0011_batches.sql") },
    Migration { version: 12, name: "usage", sql: include_str!("../../migrations/0012_usage.sql") },
    Migration { version: 13, name: "schedules", sql: include_str!("../../migrations/0013_schedules.sql") },
    Migration { version: 14, name: "invoices", sql: include_str!("../../migrations/0014_invoices.sql") },
    Migration { version: 15, name: "spending", sql: include_str!("../../migrations/0015_spending.sql") },
    Migration { version: 16, name: "acts on batches", sql: include_str!("../../migrations/0016_batch_acts.sql") },
    Migration { version: 17, name: "portal", sql: include_str!("../../migrations/0017_portal.sql") },
    Migration { version: 18, name: "reports of invariants", sql: include_str!("../../migrations/0018_invariants.sql") },
    Migration { version: 19, name: "overview", sql: include_str!("../../migrations/0019_overview.sql") },
    Migration { version: 20, name: "customers of all partners", sql: include_str!("../../migrations/0020_customers_of_all.sql") },
    Migration { version: 21, name: "signing in", sql: include_str!("../../migrations/0021_sign_in.sql") },
];

/// The read model. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ReadModel {
    database: Database,
    keys: Arc<requests::Keys>,
}

impl ReadModel {
    pub(crate) fn new(database: Database) -> Self {
        Self { database, keys: Arc::default() }
    }
}

/// A stored JSON text that is not what was stored: a defect, or a hand in the database.
fn unreadable(what: &str, error: &serde_json::Error) -> StorageError {
    StorageError::Statement(format!("{what} as it is stored cannot be read: {error}"))
}

pub(crate) fn from_json<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Result<T, StorageError> {
    serde_json::from_str(text).map_err(|error| unreadable(what, &error))
}

pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StorageError> {
    serde_json::to_string(value).map_err(|error| StorageError::Statement(format!("a row cannot be written as JSON: {error}")))
}
