//! Customers: the version of their facts, and the row that a start and an import lock.

use planshift_domain::{
    ids::{CustomerId, ImportId, PartnerId},
    time::Timestamp,
};
use planshift_storage::{Args, Statement, StorageError, Transaction};
use std::collections::BTreeMap;

/// Whose customer, and who.
pub type CustomerKey = (PartnerId, CustomerId);

/// What the coordinator knows of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Customer {
    /// The version of its facts.
    pub facts_version: u32,
    /// The import that brought them.
    pub import: ImportId,
    /// When that import began.
    pub begun_at: Timestamp,
    /// How many parts they have.
    pub parts: u32,
    /// How many of these have come.
    pub parts_seen: u32,
}

static LOCK: Statement = Statement::new(
    "SELECT partner_id, customer_id, facts_version, import_id, parts, parts_seen, begun_at FROM customers
     WHERE (partner_id, customer_id) IN (SELECT r.partner_id, r.customer_id FROM {1: partner_id uuid, customer_id uuid} AS r)
     ORDER BY partner_id, customer_id {for update}",
);
static RESERVE: Statement = Statement::new(
    "INSERT INTO customers (partner_id, customer_id, facts_version, import_id, begun_at, parts, parts_seen)
     SELECT r.partner_id, r.customer_id, 0, r.import_id, 0, 0, 0 FROM {1: partner_id uuid, customer_id uuid, import_id uuid} AS r
     WHERE true ORDER BY r.partner_id, r.customer_id ON CONFLICT DO NOTHING",
);
static UPDATE: Statement = Statement::new(
    "UPDATE customers SET facts_version = r.facts_version, import_id = r.import_id, begun_at = r.begun_at, parts = r.parts, parts_seen = r.parts_seen
     FROM {1: partner_id uuid, customer_id uuid, facts_version bigint, import_id uuid, begun_at bigint, parts bigint, parts_seen bigint} AS r
     WHERE customers.partner_id = r.partner_id AND customers.customer_id = r.customer_id",
);

/// Locks the rows of these customers; those that have none are not in the answer.
pub async fn lock(tx: &mut Transaction, keys: &[CustomerKey]) -> Result<BTreeMap<CustomerKey, Customer>, StorageError> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = keys.iter().map(|(partner, customer)| vec![partner.0.into(), customer.0.into()]).collect();
    let found = tx.query(&LOCK, Args::new().rows(rows)).await?;
    found
        .iter()
        .map(|row| {
            let customer = Customer {
                facts_version: row.get(2)?,
                import: ImportId(row.get(3)?),
                begun_at: Timestamp::from_micros(row.get(6)?),
                parts: row.get(4)?,
                parts_seen: row.get(5)?,
            };
            Ok(((PartnerId(row.get(0)?), CustomerId(row.get(1)?)), customer))
        })
        .collect()
}

/// Makes rows (of version 0) for customers that have none, so that they can be locked.
pub async fn reserve(tx: &mut Transaction, keys: &[CustomerKey], import: ImportId) -> Result<(), StorageError> {
    if keys.is_empty() {
        return Ok(());
    }
    let rows = keys.iter().map(|(partner, customer)| vec![partner.0.into(), customer.0.into(), import.0.into()]).collect();
    tx.execute(&RESERVE, Args::new().rows(rows)).await.map(drop)
}

/// Writes what an import has changed.
pub async fn update(tx: &mut Transaction, changed: &BTreeMap<CustomerKey, Customer>) -> Result<(), StorageError> {
    if changed.is_empty() {
        return Ok(());
    }
    let rows = changed
        .iter()
        .map(|((partner, customer), c)| {
            let key = [partner.0.into(), customer.0.into(), c.facts_version.into(), c.import.0.into(), c.begun_at.as_micros().into()];
            key.into_iter().chain([c.parts.into(), c.parts_seen.into()]).collect()
        })
        .collect();
    tx.execute(&UPDATE, Args::new().rows(rows)).await.map(drop)
}
