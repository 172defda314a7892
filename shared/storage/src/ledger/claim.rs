//! Rows of the ledger, claimed and recorded, a batch at a time.

use super::read::lock_keys;
use super::{Action, LedgerRow, LedgerState, Verdict, decide};
use crate::{Args, Statement, StorageError, Transaction, Value};
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// What a message says about one item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The transition.
    pub transition: Uuid,
    /// The item within the step.
    pub item: String,
    /// The message's attempt.
    pub attempt: u32,
}

// The order is that of the table's key, so that two batches with the same items meet at the first of them.
static INSERT: Statement = Statement::new(
    "INSERT INTO ledger (transition_id, step, item, state, attempt, answer, at)
     SELECT r.transition_id, $1, r.item, $2, r.attempt, NULL, $3
     FROM {4: transition_id uuid, item text, attempt bigint} AS r
     WHERE true
     ORDER BY r.transition_id, r.item {postgres: COLLATE \"C\"}
     ON CONFLICT (transition_id, step, item) DO NOTHING
     RETURNING transition_id, item",
);

// What may not change is left alone, and is missed in the count.
pub(crate) static UPDATE: Statement = Statement::new(
    "UPDATE ledger SET state = r.state, attempt = r.attempt, answer = r.answer, at = r.at
     FROM {1: transition_id uuid, step text, item text, state text, attempt bigint, answer text, at bigint} AS r
     WHERE ledger.transition_id = r.transition_id AND ledger.step = r.step AND ledger.item = r.item
       AND (ledger.state = r.state
            OR (ledger.state NOT IN ('undone', 'fenced') AND NOT (ledger.state = 'done' AND r.state = 'fenced')))",
);

/// Claims items for a step, and says what is to be done about each, in the order of `claims`. `now` is in microseconds since
/// 1970, UTC.
///
/// With a verdict comes the row as it was found; `None` where there was none. Until the transaction ends nobody else gets a
/// verdict on these items: they wait. What the rows say after the call is in the [module's](super) documentation.
///
/// The usual batch, whose items are all new, is one statement.
///
/// # The same item twice in `claims`
/// The claim with the highest attempt (the first of them) gets the verdict; the others get `(Verdict::Answer, None)`: they are
/// answered as that one is. `Answer` with `None` occurs nowhere else.
///
/// # Errors
/// Any but `CommitUnknown`.
pub async fn claim(
    tx: &mut Transaction,
    step: &str,
    action: Action,
    claims: &[Claim],
    now: i64,
) -> Result<Vec<(Verdict, Option<LedgerRow>)>, StorageError> {
    let chosen = choose(claims);
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let tentative = match action {
        Action::Do => LedgerState::Done,
        Action::Undo => LedgerState::Fenced,
    };
    let rows = chosen.values().map(|&index| &claims[index]).map(|c| vec![c.transition.into(), c.item.as_str().into(), c.attempt.into()]);
    let args = Args::new().value(step).value(tentative.as_str()).value(now).rows(rows.collect());
    let mut fresh = HashSet::with_capacity(chosen.len());
    for row in tx.query(&INSERT, args).await? {
        fresh.insert((row.get::<Uuid>(0)?, row.get::<String>(1)?));
    }

    let known = chosen.keys().copied().filter(|(transition, item)| !fresh.contains(&(*transition, (*item).to_owned())));
    let known: Vec<(Uuid, &str)> = known.collect();
    let mut found: HashMap<(Uuid, String), LedgerRow> = HashMap::with_capacity(known.len());
    if !known.is_empty() {
        let rows = lock_keys(tx, step, known.iter().copied()).await?;
        found.extend(rows.into_iter().map(|row| ((row.transition, row.item.clone()), row)));
    }

    let mut verdicts = vec![(Verdict::Answer, None); claims.len()];
    let mut rewritten = Vec::new();
    for (&(transition, item), &index) in &chosen {
        let claim = &claims[index];
        let key = (transition, item.to_owned());
        let row = found.remove(&key);
        if row.is_none() && !fresh.contains(&key) {
            // Rows are never deleted, so this is another program's doing.
            return Err(StorageError::Conflict(format!("the ledger's row of {transition} {step} {item} went away while it was claimed")));
        }
        let verdict = decide(row.as_ref().map(|row| (row.state, row.attempt)), action, claim.attempt);
        if let Some(row) = &row
            && (verdict == Verdict::Fence || (verdict == Verdict::Apply && action == Action::Do))
        {
            rewritten.push(LedgerRow { state: tentative, attempt: claim.attempt, answer: None, at: now, ..row.clone() });
        }
        verdicts[index] = (verdict, row);
    }
    record(tx, step, &rewritten).await?;
    Ok(verdicts)
}

/// The claim that stands for each item, in the order of the items' keys.
fn choose(claims: &[Claim]) -> BTreeMap<(Uuid, &str), usize> {
    let mut chosen: BTreeMap<(Uuid, &str), usize> = BTreeMap::new();
    for (index, claim) in claims.iter().enumerate() {
        let standing = chosen.entry((claim.transition, claim.item.as_str())).or_insert(index);
        if claim.attempt > claims[*standing].attempt {
            *standing = index;
        }
    }
    chosen
}

/// Writes state, attempt, answer and time of rows that this transaction has claimed or locked.
///
/// # Errors
/// `Statement` where a row does not exist, stands twice in `rows`, or may not change so (`undone` and `fenced` are final; what was
/// done cannot be said not to have been): the transaction must be rolled back. Any other but `CommitUnknown`.
pub async fn record(tx: &mut Transaction, step: &str, rows: &[LedgerRow]) -> Result<(), StorageError> {
    if rows.is_empty() {
        return Ok(());
    }
    let values: Vec<Vec<Value>> = rows
        .iter()
        .map(|row| {
            let LedgerRow { transition, item, state, attempt, answer, at } = row;
            let key: [Value; 3] = [(*transition).into(), step.into(), item.into()];
            key.into_iter().chain([state.as_str().into(), (*attempt).into(), answer.clone().into(), (*at).into()]).collect()
        })
        .collect();
    let changed = tx.execute(&UPDATE, Args::new().rows(values)).await?;
    if usize::try_from(changed) == Ok(rows.len()) {
        return Ok(());
    }
    Err(StorageError::Statement(format!(
        "the ledger took {changed} of {} rows of step {step}: the others are missing or final",
        rows.len()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_attempt_stands_for_an_item() {
        let id = Uuid::from_u128;
        let claim = |transition, item: &str, attempt| Claim { transition: id(transition), item: item.to_owned(), attempt };
        let claims = [claim(2, "a", 1), claim(1, "b", 1), claim(1, "a", 1), claim(1, "b", 2), claim(1, "b", 2), claim(2, "a", 0)];
        let chosen: Vec<_> = choose(&claims).into_iter().collect();
        assert_eq!(chosen, [((id(1), "a"), 2), ((id(1), "b"), 3), ((id(2), "a"), 0)]);
    }
}
