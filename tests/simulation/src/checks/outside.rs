//! What is there outside is what the ledgers say: each effect that is `done`, and no other.

use super::{Finding, rows};
use crate::{fleet::Stores, outside::Outside};
use planshift_provisioner::effects::State;
use planshift_storage::{Statement, StorageError};
use std::collections::BTreeMap;
use uuid::Uuid;

static LEDGER: Statement = Statement::new("SELECT transition_id, step, item, attempt, state FROM ledger");

/// What is there and should not be, what should be and is not, and what was had twice.
///
/// # Errors
/// Any of a reading statement.
pub fn outside(outside: &Outside, stores: &Stores) -> Result<Vec<Finding>, StorageError> {
    let mut findings = Vec::new();
    for (service, effects) in outside.effects() {
        let Some(store) = stores.get(&service) else { continue };
        let mut ledger = BTreeMap::new();
        for row in rows(store, &LEDGER)? {
            let (transition, step, item, attempt): (Uuid, String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            ledger.insert(format!("{transition}.{step}.{item}.{attempt}"), (transition, row.get::<String>(4)?));
        }
        let mut find = |key: &str, text: String| {
            let transition = key.split('.').next().and_then(|id| Uuid::try_parse(id).ok());
            findings.push(Finding::new("outside", format!("{key}: {text}"), transition));
        };
        for (key, entry) in effects.all() {
            let said = ledger.get(key).map(|(_, state)| state.as_str());
            // of an intent that nobody came back to, only the system outside knows
            if entry.state == State::Done && !matches!(said, Some("done" | "intent")) {
                find(key, format!("it is there outside, and the ledger says {said:?}; {:?}", entry.history));
            }
            if entry.had > 1 {
                find(key, format!("it was had {} times", entry.had));
            }
        }
        for (key, (_, state)) in &ledger {
            let there = effects.look_up(key).map(|entry| entry.state);
            if state == "done" && there != Some(State::Done) {
                find(key, format!("the ledger says done, and outside it is {there:?}"));
            }
        }
    }
    Ok(findings)
}
