//! The versions of customers' facts that a worker has.
//!
//! The coordinator gives each import of a customer a version, and a large customer's version comes in parts: in any order,
//! twice, late. The highest version wins, and a late part of an older one changes nothing. A version is complete when all its
//! parts came. What a worker stores of a part carries `facts_version`; a row of a lower version than the one that a command is
//! about counts as deleted, so nothing is ever cleaned up behind an import.
//!
//! A customer of one part, the usual one, costs one row and no count: [`facts_tables!`](crate::facts_tables).

use crate::{Ports, Service, answer};
use async_trait::async_trait;
use planshift_domain::{
    ids::{CustomerId, PartnerId},
    message::{
        command::{FactsPart, TakeFacts},
        reply::FactsTaken,
    },
    time::Timestamp,
};
use planshift_messaging::{Delivery, Outgoing};
use planshift_storage::{Args, Row, Statement, StorageError, Transaction, Value};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The statements that make the tables of this module, as a literal for a migration.
///
/// `complete_version` is the highest version whose parts are all there, 0 before the first.
#[macro_export]
macro_rules! facts_tables {
    () => {
        "CREATE TABLE customers (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    version bigint NOT NULL,
    parts bigint NOT NULL,
    complete_version bigint NOT NULL,
    PRIMARY KEY (partner_id, customer_id)
) {sqlite: WITHOUT ROWID};
CREATE TABLE fact_parts (
    partner_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    version bigint NOT NULL,
    part bigint NOT NULL,
    PRIMARY KEY (partner_id, customer_id, version, part)
) {sqlite: WITHOUT ROWID};
"
    };
}

/// A customer of a partner: what facts are keyed by.
pub type CustomerKey = (PartnerId, CustomerId);

/// A part that is new: of the highest version of its customer, and not stored before.
#[derive(Debug)]
pub struct Part<'a, F> {
    /// Whose customer.
    pub partner: PartnerId,
    /// The part.
    pub part: &'a FactsPart<F>,
}

impl<F> Clone for Part<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<F> Copy for Part<'_, F> {}

/// Stores what a worker owns of customers' facts.
#[async_trait]
pub trait FactsStore: Send + Sync + 'static {
    /// What it owns of a part.
    type Facts: DeserializeOwned + Send + Sync + 'static;

    /// Stores parts under their versions, with set-based statements for all of them. Must not overwrite what a transition did.
    async fn store(&self, tx: &mut Transaction, parts: &[Part<'_, Self::Facts>]) -> Result<(), StorageError>;
}

/// The parts of one version.
type PartsByNumber<'a, F> = BTreeMap<u32, Part<'a, F>>;

/// How many parts came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Stored.
    pub taken: usize,
    /// Older than what is there, or there already.
    pub stale: usize,
}

// All rows are locked, also those that the WHERE leaves as they are: two workers with parts of one customer take turns.
static TAKE_WHOLE: Statement = Statement::new(
    "INSERT INTO customers (partner_id, customer_id, version, parts, complete_version)
     SELECT r.partner_id, r.customer_id, r.version, 1, r.version
     FROM {1: partner_id uuid, customer_id uuid, version bigint} AS r
     WHERE true
     ORDER BY r.partner_id, r.customer_id
     ON CONFLICT (partner_id, customer_id) DO UPDATE
     SET version = excluded.version, parts = excluded.parts, complete_version = excluded.complete_version
     WHERE customers.version < excluded.version
     RETURNING partner_id, customer_id",
);
static ANNOUNCE: Statement = Statement::new(
    "INSERT INTO customers (partner_id, customer_id, version, parts, complete_version)
     SELECT r.partner_id, r.customer_id, r.version, r.parts, 0
     FROM {1: partner_id uuid, customer_id uuid, version bigint, parts bigint} AS r
     WHERE true
     ORDER BY r.partner_id, r.customer_id
     ON CONFLICT (partner_id, customer_id) DO UPDATE
     SET version = excluded.version, parts = excluded.parts
     WHERE customers.version < excluded.version",
);
static TAKE_PARTS: Statement = Statement::new(
    "INSERT INTO fact_parts (partner_id, customer_id, version, part)
     SELECT r.partner_id, r.customer_id, r.version, r.part
     FROM {1: partner_id uuid, customer_id uuid, version bigint, part bigint} AS r CROSS JOIN customers AS c
     WHERE c.partner_id = r.partner_id AND c.customer_id = r.customer_id AND c.version = r.version AND c.complete_version < r.version
     ON CONFLICT (partner_id, customer_id, version, part) DO NOTHING
     RETURNING partner_id, customer_id, part",
);
static COMPLETE: Statement = Statement::new(
    "UPDATE customers SET complete_version = customers.version
     FROM {1: partner uuid, customer uuid} AS r
     WHERE customers.partner_id = r.partner AND customers.customer_id = r.customer AND customers.complete_version < customers.version
       AND customers.parts <= (SELECT count(*) FROM fact_parts AS p
                               WHERE p.partner_id = r.partner AND p.customer_id = r.customer AND p.version = customers.version)
     RETURNING partner_id, customer_id",
);
static FORGET_PARTS: Statement = Statement::new(
    "DELETE FROM fact_parts
     WHERE (partner_id, customer_id) IN (SELECT r.partner, r.customer FROM {1: partner uuid, customer uuid} AS r)",
);
static COMPLETE_VERSIONS: Statement = Statement::new(
    "SELECT c.partner_id, c.customer_id, c.complete_version
     FROM {1: partner_id uuid, customer_id uuid} AS r CROSS JOIN customers AS c
     WHERE c.partner_id = r.partner_id AND c.customer_id = r.customer_id",
);

/// Takes the facts of messages, in their order. What is stale is counted and otherwise left alone: it was answered before, or
/// its answer interests nobody any more, and it is answered again.
///
/// # Errors
/// Any but `CommitUnknown`.
pub async fn take<S: FactsStore + ?Sized>(
    store: &S,
    tx: &mut Transaction,
    messages: &[&TakeFacts<S::Facts>],
) -> Result<Taken, StorageError> {
    let mut versions: BTreeMap<CustomerKey, BTreeMap<u32, PartsByNumber<'_, S::Facts>>> = BTreeMap::new();
    let mut all = 0;
    for message in messages {
        for part in &message.customers {
            all += 1;
            let customer = versions.entry((message.partner_id, part.customer_id)).or_default();
            customer.entry(part.version).or_default().entry(part.part).or_insert(Part { partner: message.partner_id, part });
        }
    }
    let mut taken = 0;
    // two versions of one customer in one batch are taken one after the other: one round is the rule
    while !versions.is_empty() {
        let round: Vec<_> = versions.values_mut().filter_map(BTreeMap::pop_first).flat_map(|(_, parts)| parts.into_values()).collect();
        versions.retain(|_, versions| !versions.is_empty());
        let fresh = fresh_parts(tx, &round).await?;
        if fresh.is_empty() {
            continue;
        }
        taken += fresh.len();
        store.store(tx, &fresh).await?;
        complete_parts(tx, &fresh).await?;
    }
    Ok(Taken { taken, stale: all - taken })
}

/// The parts that are to be stored, of a set that has one version of each customer.
async fn fresh_parts<'a, F>(tx: &mut Transaction, parts: &[Part<'a, F>]) -> Result<Vec<Part<'a, F>>, StorageError> {
    let (whole, cut): (Vec<&Part<'a, F>>, Vec<&Part<'a, F>>) = parts.iter().partition(|part| part.part.parts <= 1);
    let mut fresh = HashSet::new();
    if !whole.is_empty() {
        let rows = whole.iter().map(|p| vec![p.partner.0.into(), p.part.customer_id.0.into(), p.part.version.into()]).collect();
        for row in tx.query(&TAKE_WHOLE, Args::new().rows(rows)).await? {
            fresh.insert((customer_key(&row)?, 0));
        }
    }
    if !cut.is_empty() {
        let heads: BTreeMap<CustomerKey, (u32, u32)> = cut.iter().map(|&p| (key(p), (p.part.version, p.part.parts))).collect();
        let rows = heads
            .into_iter()
            .map(|((partner, customer), (version, parts))| vec![partner.0.into(), customer.0.into(), version.into(), parts.into()]);
        tx.execute(&ANNOUNCE, Args::new().rows(rows.collect())).await?;
        let rows = cut.iter().map(|p| vec![p.partner.0.into(), p.part.customer_id.0.into(), p.part.version.into(), p.part.part.into()]);
        for row in tx.query(&TAKE_PARTS, Args::new().rows(rows.collect())).await? {
            fresh.insert((customer_key(&row)?, row.get(2)?));
        }
    }
    let number = |part: &Part<'_, F>| if part.part.parts <= 1 { 0 } else { part.part.part };
    Ok(parts.iter().filter(|part| fresh.contains(&(key(part), number(part)))).copied().collect())
}

/// Marks the versions complete whose last part is among these.
async fn complete_parts<F>(tx: &mut Transaction, fresh: &[Part<'_, F>]) -> Result<(), StorageError> {
    let cut: HashSet<CustomerKey> = fresh.iter().filter(|part| part.part.parts > 1).map(key).collect();
    if cut.is_empty() {
        return Ok(());
    }
    let completed = tx.query(&COMPLETE, Args::new().rows(key_rows(cut))).await?;
    let completed: Vec<CustomerKey> = completed.iter().map(customer_key).collect::<Result<_, _>>()?;
    if !completed.is_empty() {
        tx.execute(&FORGET_PARTS, Args::new().rows(key_rows(completed))).await?;
    }
    Ok(())
}

/// The highest complete version of each of these customers; a customer without one is missing.
///
/// # Errors
/// Any but `CommitUnknown`.
pub async fn complete_versions(
    tx: &mut Transaction,
    customers: impl IntoIterator<Item = CustomerKey>,
) -> Result<HashMap<CustomerKey, i64>, StorageError> {
    let customers: HashSet<CustomerKey> = customers.into_iter().collect();
    if customers.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = tx.query(&COMPLETE_VERSIONS, Args::new().rows(key_rows(customers))).await?;
    rows.iter().map(|row| Ok((customer_key(row)?, row.get(2)?))).collect()
}

/// The reply to a message with facts.
pub fn taken<F>(service: Service, delivery: &Delivery, message: &TakeFacts<F>, ports: &Ports, now: Timestamp) -> Outgoing {
    let body = FactsTaken { import_id: message.import_id, chunk: message.chunk };
    let message_id = format!("{}/{}/facts/{}/answer", message.import_id, service.name(), message.chunk);
    answer::reply(message_id, message.import_id.to_string(), &answer::child_trace(&delivery.message, ports), now, &body)
}

fn key<F>(part: &Part<'_, F>) -> CustomerKey {
    (part.partner, part.part.customer_id)
}

fn customer_key(row: &Row) -> Result<CustomerKey, StorageError> {
    Ok((PartnerId(row.get(0)?), CustomerId(row.get(1)?)))
}

fn key_rows(keys: impl IntoIterator<Item = CustomerKey>) -> Vec<Vec<Value>> {
    keys.into_iter().map(|(partner, customer)| vec![partner.0.into(), customer.0.into()]).collect()
}
