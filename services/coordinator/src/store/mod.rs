//! What the coordinator stores, and every statement it has. Set-based: a batch is a handful of round trips, whatever its size.
//!
//! Locks are taken in one order: customers, then transitions, each by key.

pub mod customers;
pub mod imports;
pub mod rows;
pub mod transitions;

use planshift_storage::Migration;

/// The schema.
pub const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, name: "transitions", sql: include_str!("../../migrations/0001_transitions.sql") }];

/// A stored word that this version does not know: the row was written by a newer one.
pub(crate) fn unknown_word(what: &str, word: &str) -> planshift_storage::StorageError {
    planshift_storage::StorageError::Schema(format!("stored {what} {word:?} is not known to this version"))
}
