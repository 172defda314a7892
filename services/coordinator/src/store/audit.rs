//! Customers' chains: appended to, never changed. Their ends are locked after everything else, each by its key.

use super::customers::CustomerKey;
use planshift_domain::{
    audit::{CustomerEntry, Seal},
    ids::{CustomerId, PartnerId, TransitionId},
    time::Timestamp,
};
use planshift_storage::{Args, Row, Statement, StorageError, Transaction, Value, Write};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Where a chain ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// How many entries it has.
    pub entries: u32,
    /// The hash of the last one.
    pub hash: String,
}

/// A transition as it is stored, with the end of its history.
pub type Found = (CustomerKey, Seal);

// makes the row where there is none; a row that is there is locked by being written as it was
static LOCK: Statement = Statement::new(
    "INSERT INTO customer_chains (partner_id, customer_id, entries, hash)
     SELECT r.partner_id, r.customer_id, 0, '' FROM {1: partner_id uuid, customer_id uuid} AS r
     WHERE true ORDER BY r.partner_id, r.customer_id
     ON CONFLICT (partner_id, customer_id) DO UPDATE SET entries = customer_chains.entries
     RETURNING partner_id, customer_id, entries, hash",
);
static MOVE: Statement = Statement::new(
    "UPDATE customer_chains SET entries = r.entries, hash = r.hash
     FROM {1: partner_id uuid, customer_id uuid, entries bigint, hash text} AS r
     WHERE customer_chains.partner_id = r.partner_id AND customer_chains.customer_id = r.customer_id",
);
static APPEND: Statement = Statement::new(
    "INSERT INTO customer_audit (partner_id, customer_id, number, at, event, text, actor, transition_id, history, history_hash, request_id,
         correlation_id, old_value, new_value, hash)
     SELECT r.partner_id, r.customer_id, r.number, r.at, r.event, r.text, r.actor, r.transition_id, r.history, r.history_hash, r.request_id,
         r.correlation_id, r.old_value, r.new_value, r.hash
     FROM {1: partner_id uuid, customer_id uuid, number bigint, at bigint, event text, text text, actor text, transition_id uuid,
         history bigint, history_hash text, request_id uuid, correlation_id uuid, old_value text, new_value text, hash text} AS r",
);
macro_rules! select {
    ($rest:literal) => {
        Statement::new(concat!(
            "SELECT a.partner_id, a.customer_id, a.number, a.at, a.event, a.text, a.actor, a.transition_id, a.history, a.history_hash,
                 a.request_id, a.correlation_id, a.old_value, a.new_value, a.hash ",
            $rest
        ))
    };
}
pub(crate) use select;
static BY_REQUEST: Statement = select!(
    "FROM {1: partner_id uuid, customer_id uuid, id uuid} AS r CROSS JOIN customer_audit AS a
     WHERE a.partner_id = r.partner_id AND a.customer_id = r.customer_id AND a.request_id = r.id
     ORDER BY a.partner_id, a.customer_id, a.number"
);
static BY_TRANSITION: Statement = select!(
    "FROM {1: partner_id uuid, customer_id uuid, id uuid} AS r CROSS JOIN customer_audit AS a
     WHERE a.partner_id = r.partner_id AND a.customer_id = r.customer_id AND a.transition_id = r.id
     ORDER BY a.partner_id, a.customer_id, a.number"
);
static AFTER: Statement =
    select!("FROM customer_audit AS a WHERE a.partner_id = $1 AND a.customer_id = $2 AND a.number > $3 ORDER BY a.number LIMIT $4");
// each half has an index of its own; a chain is short, and is looked through by its key
static UNNAMED: Statement = Statement::new(
    "SELECT t.partner_id, t.customer_id, t.id, t.history, t.history_hash, t.started_at
     FROM {1: partner_id uuid, customer_id uuid} AS r CROSS JOIN transitions AS t
     WHERE t.partner_id = r.partner_id AND t.customer_id = r.customer_id AND t.ended_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM customer_audit AS a
           WHERE a.partner_id = t.partner_id AND a.customer_id = t.customer_id AND a.transition_id = t.id)
     UNION ALL
     SELECT t.partner_id, t.customer_id, t.id, t.history, t.history_hash, t.started_at
     FROM {1: partner_id uuid, customer_id uuid} AS r CROSS JOIN transitions AS t
     WHERE t.partner_id = r.partner_id AND t.customer_id = r.customer_id AND t.ended_at IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM customer_audit AS a
           WHERE a.partner_id = t.partner_id AND a.customer_id = t.customer_id AND a.transition_id = t.id)
     ORDER BY 6, 3",
);

fn keys(of: Vec<CustomerKey>) -> Args {
    Args::new().rows(of.into_iter().map(|(partner, customer)| vec![partner.0.into(), customer.0.into()]).collect())
}

/// Locks the ends of these chains, each in the order of the keys; a chain that has none begins.
pub async fn lock(tx: &mut Transaction, of: Vec<CustomerKey>) -> Result<BTreeMap<CustomerKey, End>, StorageError> {
    let rows = tx.query(&LOCK, keys(of)).await?;
    rows.iter()
        .map(|row| Ok(((PartnerId(row.get(0)?), CustomerId(row.get(1)?)), End { entries: row.get(2)?, hash: row.get(3)? })))
        .collect()
}

/// The transitions of these customers that no entry of their chains names, the oldest first.
pub async fn unnamed(tx: &mut Transaction, of: Vec<CustomerKey>) -> Result<Vec<Found>, StorageError> {
    let rows = tx.query(&UNNAMED, keys(of)).await?;
    rows.iter()
        .map(|row| {
            let seal = Seal { transition_id: TransitionId(row.get(2)?), entries: row.get(3)?, hash: row.get(4)? };
            Ok(((PartnerId(row.get(0)?), CustomerId(row.get(1)?)), seal))
        })
        .collect()
}

/// Writes entries, and moves the ends of their chains.
pub fn append(entries: &[CustomerEntry], ends: &BTreeMap<CustomerKey, End>) -> Vec<Write> {
    if entries.is_empty() {
        return Vec::new();
    }
    let rows = entries.iter().map(|entry| {
        let id = |id: Option<Uuid>| Value::from(id);
        let (transition, history, hash) = match &entry.transition {
            Some(seal) => (Some(seal.transition_id.0), Some(i64::from(seal.entries)), Some(seal.hash.as_str())),
            None => (None, None, None),
        };
        vec![
            entry.partner_id.0.into(),
            entry.customer_id.0.into(),
            entry.number.into(),
            entry.at.as_micros().into(),
            entry.event.as_str().into(),
            entry.text.as_str().into(),
            entry.actor.as_str().into(),
            id(transition),
            history.into(),
            hash.into(),
            id(entry.request_id),
            id(entry.correlation_id),
            entry.old_value.as_deref().into(),
            entry.new_value.as_deref().into(),
            entry.hash.as_str().into(),
        ]
    });
    let ends = ends
        .iter()
        .map(|((partner, customer), end)| vec![partner.0.into(), customer.0.into(), end.entries.into(), end.hash.as_str().into()]);
    vec![(&APPEND, Args::new().rows(rows.collect())), (&MOVE, Args::new().rows(ends.collect()))]
}

/// What was written for these requests (or imports) of customers.
pub async fn by_requests(tx: &mut Transaction, of: Vec<(CustomerKey, Uuid)>) -> Result<Vec<CustomerEntry>, StorageError> {
    of_ids(tx, &BY_REQUEST, of).await
}

/// What was written about these transitions of customers.
pub async fn by_transitions(tx: &mut Transaction, of: Vec<(CustomerKey, TransitionId)>) -> Result<Vec<CustomerEntry>, StorageError> {
    of_ids(tx, &BY_TRANSITION, of.into_iter().map(|(key, id)| (key, id.0)).collect()).await
}

// a chain is short: its entries are looked through by its key, and no index has to be kept for what is rare
async fn of_ids(tx: &mut Transaction, statement: &Statement, of: Vec<(CustomerKey, Uuid)>) -> Result<Vec<CustomerEntry>, StorageError> {
    let rows: Vec<Vec<Value>> =
        of.into_iter().map(|((partner, customer), id)| vec![partner.0.into(), customer.0.into(), id.into()]).collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    tx.query(statement, Args::new().rows(rows)).await?.iter().map(decode).collect()
}

/// A customer's entries after one, at most `limit`.
pub async fn after(
    tx: &mut Transaction,
    (partner, customer): CustomerKey,
    number: u32,
    limit: u32,
) -> Result<Vec<CustomerEntry>, StorageError> {
    let args = Args::new().value(partner.0).value(customer.0).value(number).value(limit);
    tx.query(&AFTER, args).await?.iter().map(decode).collect()
}

/// A row of [`select`].
pub(crate) fn decode(row: &Row) -> Result<CustomerEntry, StorageError> {
    let transition = match (row.get::<Option<Uuid>>(7)?, row.get::<Option<u32>>(8)?, row.get::<Option<String>>(9)?) {
        (Some(id), Some(entries), Some(hash)) => Some(Seal { transition_id: TransitionId(id), entries, hash }),
        _ => None,
    };
    Ok(CustomerEntry {
        partner_id: PartnerId(row.get(0)?),
        customer_id: CustomerId(row.get(1)?),
        number: row.get(2)?,
        at: Timestamp::from_micros(row.get(3)?),
        event: row.get(4)?,
        text: row.get(5)?,
        actor: row.get(6)?,
        transition,
        request_id: row.get(10)?,
        correlation_id: row.get(11)?,
        old_value: row.get(12)?,
        new_value: row.get(13)?,
        hash: row.get(14)?,
    })
}
