//! Acts of people about transitions, and what was decided about each. Every request is kept: a copy of it that comes late, after
//! other acts, is known by that.

use super::unknown_word;
use planshift_domain::{ids::TransitionId, message::request::ActOutcome, time::Timestamp};
use planshift_storage::{Args, Statement, StorageError, Transaction, Value};
use std::collections::HashMap;
use uuid::Uuid;

/// A request about a transition.
pub type Key = (TransitionId, Uuid);

static FIND: Statement = Statement::new(
    "SELECT a.transition_id, a.request_id, a.outcome FROM {1: transition_id uuid, request_id uuid} AS r CROSS JOIN acts AS a
     WHERE a.transition_id = r.transition_id AND a.request_id = r.request_id",
);
static ADD: Statement = Statement::new(
    "INSERT INTO acts (transition_id, request_id, at, outcome)
     SELECT r.transition_id, r.request_id, $2::bigint, r.outcome FROM {1: transition_id uuid, request_id uuid, outcome text} AS r
     WHERE true
     ORDER BY r.transition_id, r.request_id
     ON CONFLICT (transition_id, request_id) DO NOTHING",
);

/// What was decided about these requests, as far as they are known.
pub async fn decided(tx: &mut Transaction, requests: &[Key]) -> Result<HashMap<Key, ActOutcome>, StorageError> {
    if requests.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = tx
        .query(&FIND, Args::new().rows(requests.iter().map(|(transition, request)| vec![transition.0.into(), (*request).into()]).collect()))
        .await?;
    let decode = |text: String| serde_json::from_str(&text).map_err(|_| unknown_word("outcome", &text));
    rows.iter().map(|row| Ok(((TransitionId(row.get(0)?), row.get(1)?), decode(row.get(2)?)?))).collect()
}

/// Keeps what was decided.
pub async fn keep(tx: &mut Transaction, decided: &[(Key, ActOutcome)], now: Timestamp) -> Result<(), StorageError> {
    if decided.is_empty() {
        return Ok(());
    }
    let rows = decided.iter().map(|((transition, request), outcome)| {
        let text = serde_json::to_string(outcome).map_err(|error| StorageError::Statement(error.to_string()))?;
        Ok(vec![transition.0.into(), (*request).into(), Value::from(text)])
    });
    let rows = rows.collect::<Result<Vec<_>, StorageError>>()?;
    tx.execute(&ADD, Args::new().rows(rows).value(now.as_micros())).await.map(drop)
}
