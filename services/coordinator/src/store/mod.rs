//! What the coordinator stores, and every statement it has. Set-based: a batch is a handful of round trips, whatever its size.
//!
//! Locks are taken in one order: customers, then the latch of the admission, then transitions, and last the ends of customers' chains, each by key.

pub mod acts;
pub mod admission;
pub mod audit;
pub mod customers;
pub mod imports;
pub mod measure;
pub mod rows;
pub mod steps;
pub mod transitions;

use planshift_storage::Migration;

/// The schema.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "transitions", sql: include_str!("../../migrations/0001_transitions.sql") },
    Migration { version: 2, name: "waiting and held", sql: include_str!("../../migrations/0002_waiting_and_held.sql") },
    Migration { version: 3, name: "acts", sql: include_str!("../../migrations/0003_acts.sql") },
    Migration { version: 4, name: "plan hash", sql: include_str!("../../migrations/0004_plan_hash.sql") },
    Migration { version: 5, name: "audit", sql: include_str!("../../migrations/0005_audit.sql") },
    Migration { version: 6, name: "priority", sql: include_str!("../../migrations/0006_priority.sql") },
];

/// A stored word that this version does not know: the row was written by a newer one.
pub(crate) fn unknown_word(what: &str, word: &str) -> planshift_storage::StorageError {
    planshift_storage::StorageError::Schema(format!("stored {what} {word:?} is not known to this version"))
}
