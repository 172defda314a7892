//! Rows of the ledger, read.

use super::LedgerState;
use crate::{Args, Database, Row, Statement, StorageError, Transaction, Value};
use uuid::Uuid;

/// A row of the ledger, but for its step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// The transition.
    pub transition: Uuid,
    /// The item within the step.
    pub item: String,
    /// What became of it.
    pub state: LedgerState,
    /// Under which attempt.
    pub attempt: u32,
    /// The answer that was given, where one was kept.
    pub answer: Option<String>,
    /// When, in microseconds since 1970, UTC.
    pub at: i64,
}

/// A row's key. Keys are ordered as the table is: by transition, step, item, each by its bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerKey {
    /// The transition.
    pub transition: Uuid,
    /// The step.
    pub step: String,
    /// The item within the step.
    pub item: String,
}

// CROSS JOIN keeps SQLite from reading the whole ledger to find a few rows: it joins in the order written. And the step comes with
// each key, although it is the same for all: as a condition of its own it would be one that Postgres may begin with, reading the
// whole of a ledger that it holds for small.
macro_rules! select_rows {
    ($end:literal) => {
        Statement::new(concat!(
            "SELECT l.transition_id, l.item, l.state, l.attempt, l.answer, l.at
             FROM {1: transition_id uuid, step text, item text} AS r CROSS JOIN ledger AS l
             WHERE l.transition_id = r.transition_id AND l.step = r.step AND l.item = r.item
             ORDER BY l.transition_id, l.item ",
            $end
        ))
    };
}
pub(crate) static LOAD: Statement = select_rows!("");
static LOCK: Statement = select_rows!("{for update}");

pub(crate) static PAGE: Statement = Statement::new(
    "SELECT l.transition_id, l.item, l.state, l.attempt, l.answer, l.at, l.step FROM ledger AS l
     WHERE (l.transition_id, l.step, l.item) > ($1, $2, $3)
     ORDER BY l.transition_id, l.step, l.item LIMIT $4",
);

/// The rows that exist for these items of a step, in the order of their keys, as last committed.
///
/// # Errors
/// Any of a reading statement.
pub async fn load(database: &Database, step: &str, keys: &[(Uuid, String)]) -> Result<Vec<LedgerRow>, StorageError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    database
        .query(&LOAD, key_args(step, keys.iter().map(|(transition, item)| (*transition, item.as_str()))))
        .await?
        .iter()
        .map(row)
        .collect()
}

/// As [`load`], within a transaction: the rows are locked, in the order of their keys, and stay so until it ends.
///
/// # Errors
/// Any but `CommitUnknown`.
pub async fn lock(tx: &mut Transaction, step: &str, keys: &[(Uuid, String)]) -> Result<Vec<LedgerRow>, StorageError> {
    lock_keys(tx, step, keys.iter().map(|(transition, item)| (*transition, item.as_str()))).await
}

pub(super) async fn lock_keys<'k>(
    tx: &mut Transaction,
    step: &str,
    keys: impl Iterator<Item = (Uuid, &'k str)>,
) -> Result<Vec<LedgerRow>, StorageError> {
    let args = key_args(step, keys);
    tx.query(&LOCK, args).await?.iter().map(row).collect()
}

/// The next rows after a key, of all transitions and steps, at most `limit`. For a reader that goes through the whole ledger:
/// every row that is there from its first page to its last is seen once.
///
/// # Errors
/// Any of a reading statement.
pub async fn page(database: &Database, after: Option<&LedgerKey>, limit: u32) -> Result<Vec<(LedgerKey, LedgerRow)>, StorageError> {
    let (transition, step, item) = after.map_or((Uuid::nil(), "", ""), |key| (key.transition, key.step.as_str(), key.item.as_str()));
    let args = Args::new().value(transition).value(step).value(item).value(limit);
    database
        .query(&PAGE, args)
        .await?
        .iter()
        .map(|found| {
            let row = row(found)?;
            Ok((LedgerKey { transition: row.transition, step: found.get(6)?, item: row.item.clone() }, row))
        })
        .collect()
}

/// A row, as far as it says what became of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerMark {
    /// Whose.
    pub key: LedgerKey,
    /// What became of it.
    pub state: LedgerState,
    /// When, in microseconds since 1970, UTC.
    pub at: i64,
}

static STRETCH: Statement = Statement::new(
    "SELECT l.transition_id, l.step, l.item, l.state, l.at FROM ledger AS l
     WHERE (l.transition_id, l.step, l.item) > ($1, $2, $3) AND l.transition_id <= $4
     ORDER BY l.transition_id, l.step, l.item LIMIT $5",
);

/// As [`page`], without what a command was answered, and up to the last row of the transition `upto`.
///
/// # Errors
/// Any of a reading statement.
pub async fn marks(database: &Database, after: Option<&LedgerKey>, upto: Uuid, limit: u32) -> Result<Vec<LedgerMark>, StorageError> {
    let (transition, step, item) = after.map_or((Uuid::nil(), "", ""), |key| (key.transition, key.step.as_str(), key.item.as_str()));
    let args = Args::new().value(transition).value(step).value(item).value(upto).value(limit);
    database
        .query(&STRETCH, args)
        .await?
        .iter()
        .map(|row| {
            let key = LedgerKey { transition: row.get(0)?, step: row.get(1)?, item: row.get(2)? };
            Ok(LedgerMark { key, state: state(row, 3)?, at: row.get(4)? })
        })
        .collect()
}

fn key_args<'k>(step: &str, keys: impl Iterator<Item = (Uuid, &'k str)>) -> Args {
    Args::new().rows(keys.map(|(transition, item)| vec![transition.into(), step.into(), item.into()]).collect::<Vec<Vec<Value>>>())
}

fn row(row: &Row) -> Result<LedgerRow, StorageError> {
    Ok(LedgerRow {
        transition: row.get(0)?,
        item: row.get(1)?,
        state: state(row, 2)?,
        attempt: row.get(3)?,
        answer: row.get(4)?,
        at: row.get(5)?,
    })
}

fn state(row: &Row, column: usize) -> Result<LedgerState, StorageError> {
    let state: String = row.get(column)?;
    LedgerState::parse(&state).ok_or_else(|| StorageError::decode(column, &format!("{state:?} is no state of the ledger")))
}
