//! What every store must pass: Postgres, SQLite, and any store of another kind behind [`crate::Store`].
//!
//! A runner gives each case a [`Place`] of its own, empty, and prints the case's name with its outcome:
//! `for (name, case) in CASES { report(name, case(&place()).await) }`. Cases need a multi-threaded runtime with timers and have no
//! limit of time; the runner sets one.

mod fixture;
mod ledger;
mod migrations;
#[cfg(test)]
mod tests;
mod transactions;
#[cfg(test)]
mod twins;
mod values;

use crate::{Database, StorageError};
use futures::future::BoxFuture;
use std::fmt;

/// An empty place for a database.
#[async_trait::async_trait]
pub trait Place: Send + Sync {
    /// A handle to the database in this place. Each one is as another process would have it; all see the same rows.
    ///
    /// # Errors
    /// Where it cannot be opened.
    async fn open(&self) -> Result<Database, StorageError>;
}

/// What a case came to.
pub type Outcome = Result<(), Failure>;

/// A case, to be run on an empty place.
pub type CaseFn = for<'p> fn(&'p dyn Place) -> BoxFuture<'p, Outcome>;

/// Why a case failed.
#[derive(Debug)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self(format!("an error where none was expected: {error:?}"))
    }
}

impl From<tokio::task::JoinError> for Failure {
    fn from(error: tokio::task::JoinError) -> Self {
        Self(error.to_string())
    }
}

macro_rules! case {
    ($name:literal, $case:path) => {
        ($name, |place| Box::pin($case(place)))
    };
}

/// All cases, by name.
pub const CASES: &[(&str, CaseFn)] = &[
    case!("values: every type comes back as it went in", values::every_type),
    case!("values: NULL of every type, before and after a value", values::nulls),
    case!("values: rows of every type, with NULLs and odd text", values::rows),
    case!("values: an empty set of rows is no rows", values::empty_rows),
    case!("values: the same rows twice in one statement", values::rows_twice),
    case!("values: ten thousand rows in one statement", values::many_rows),
    case!("values: a NUL character is refused", values::nul_character),
    case!("values: arguments that do not fit are refused", values::wrong_arguments),
    case!("transactions: a statement alone commits itself", transactions::autocommit),
    case!("transactions: a unique key is unique", transactions::uniqueness),
    case!("transactions: all or nothing", transactions::atomicity),
    case!("transactions: several writes at once", transactions::writes_at_once),
    case!("transactions: a failed one cannot be committed", transactions::failed_cannot_commit),
    case!("transactions: dropped is rolled back", transactions::rollback_on_drop),
    case!("transactions: cancelled at any point leaves nothing behind", transactions::cancelled),
    case!("transactions: unseen before the commit", transactions::unseen_before_commit),
    case!("transactions: no update is lost", transactions::no_lost_update),
    case!("transactions: a table that changes under them", transactions::changed_table),
    case!("transactions: one that loses against another is told", transactions::lost_against_another),
    case!("transactions: a lost connection is told from an unknown commit", transactions::lost_connection),
    case!("transactions: a closed database says so", transactions::closed),
    case!("migrations: fresh equals migrated", migrations::fresh_equals_migrated),
    case!("migrations: one that fails leaves nothing", migrations::failing),
    case!("migrations: a newer database is refused", migrations::newer),
    case!("migrations: an edited migration is refused", migrations::edited),
    case!("migrations: a gap is refused", migrations::gap),
    case!("migrations: several at once", migrations::at_once),
    case!("ledger: it decides as its rules say", ledger::by_the_rules),
    case!("ledger: a command is done once", ledger::done_once),
    case!("ledger: an undo that comes first fences", ledger::fence_first),
    case!("ledger: what is undone stays undone", ledger::undone_stays),
    case!("ledger: a refusal is for its attempt", ledger::refused_for_its_attempt),
    case!("ledger: an intent is looked up", ledger::intent),
    case!("ledger: verdicts stand in the order of the claims", ledger::order_and_repeats),
    case!("ledger: final rows do not change", ledger::final_rows),
    case!("ledger: of many that claim at once, one applies", ledger::one_applies),
    case!("ledger: a claim that was dropped frees its items", ledger::dropped_claim),
    case!("ledger: it is read in pages", ledger::pages),
    case!("ledger: rows are found by their key", ledger::found_by_key),
];
