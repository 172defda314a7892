//! Customers' chains: what was told of them, gaps in them, and the records that Partner Center's callers read.

use super::{ReadModel, from_json, to_json};
use planshift_domain::{
    audit::CustomerEntry,
    history::HistoryEntry,
    ids::{CustomerId, PartnerId, TransitionId},
    time::Timestamp,
    transition::{LineRow, PacketRow, PlanRow, TransitionRow},
};
use planshift_storage::{Args, Row, Statement, StorageError, Transaction, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use uuid::Uuid;

/// How many chains are asked for at once.
const ASKED_AT_ONCE: u32 = 50;

/// Names a customer.
pub(crate) type CustomerKey = (PartnerId, CustomerId);

/// Entries by customer and number.
pub(super) type Entries = BTreeMap<(PartnerId, CustomerId, u32), CustomerEntry>;

pub(super) static ENTRIES: Statement = Statement::new(
    "INSERT INTO customer_audit (partner_id, customer_id, number, at, resource_type, body)
     SELECT r.partner_id, r.customer_id, r.number, r.at, r.resource_type, r.body
     FROM {1: partner_id uuid, customer_id uuid, number bigint, at bigint, resource_type text, body text} AS r
     WHERE true
     ON CONFLICT (partner_id, customer_id, number) DO NOTHING",
);
pub(super) static CHAINS: Statement = Statement::new(
    "INSERT INTO customer_chains (partner_id, customer_id, told, whole, ask_at, asked)
     SELECT r.partner_id, r.customer_id, r.told, true, 0, 0 FROM {1: partner_id uuid, customer_id uuid, told bigint} AS r
     WHERE true
     ORDER BY r.partner_id, r.customer_id
     ON CONFLICT (partner_id, customer_id) DO UPDATE SET told = excluded.told WHERE excluded.told > customer_chains.told",
);
/// The last entry of a chain `k` before the first gap, looked for from where none was the last time.
macro_rules! up_to {
    () => {
        "CASE WHEN EXISTS (SELECT 1 FROM customer_audit AS n
             WHERE n.partner_id = k.partner_id AND n.customer_id = k.customer_id AND n.number = k.whole_to + 1) THEN
             (SELECT min(a.number) FROM customer_audit AS a
              WHERE a.partner_id = k.partner_id AND a.customer_id = k.customer_id AND a.number > k.whole_to AND NOT EXISTS
                  (SELECT 1 FROM customer_audit AS b
                   WHERE b.partner_id = k.partner_id AND b.customer_id = k.customer_id AND b.number = a.number + 1))
         ELSE k.whole_to END"
    };
}
// Only a row that this changes is written: as a rule it was whole, and is. How far it is whole is written once in a while: what is
// looked through again is little then, however long the chain.
static WHOLE: Statement = Statement::new(concat!(
    "UPDATE customer_chains SET whole_to = c.up_to, whole = c.up_to >= customer_chains.told,
         ask_at = CASE WHEN c.up_to >= customer_chains.told THEN customer_chains.ask_at ELSE $2::bigint END,
         asked = CASE WHEN c.up_to >= customer_chains.told THEN customer_chains.asked ELSE 0 END
     FROM (SELECT k.partner_id, k.customer_id, ",
    up_to!(),
    " AS up_to
           FROM {1: partner_id uuid, customer_id uuid} AS r CROSS JOIN customer_chains AS k
           WHERE k.partner_id = r.partner_id AND k.customer_id = r.customer_id) AS c
     WHERE customer_chains.partner_id = c.partner_id AND customer_chains.customer_id = c.customer_id
       AND (customer_chains.whole <> (c.up_to >= customer_chains.told) OR c.up_to >= customer_chains.whole_to + 50)",
));
static CLAIM: Statement = Statement::new(
    "UPDATE customer_chains SET asked = asked + 1, ask_at = $1 + $2 * (asked + 1)
     WHERE (partner_id, customer_id) IN
         (SELECT partner_id, customer_id FROM customer_chains WHERE NOT whole AND ask_at <= $1 ORDER BY ask_at LIMIT $3 {for update skip locked})
     RETURNING partner_id, customer_id",
);
static BEFORE_GAP: Statement =
    Statement::new(concat!("SELECT ", up_to!(), " FROM customer_chains AS k WHERE k.partner_id = $1 AND k.customer_id = $2"));
static TOLD: Statement = Statement::new("SELECT told FROM customer_chains WHERE partner_id = $1 AND customer_id = $2");
static CHAIN: Statement =
    Statement::new("SELECT body FROM customer_audit WHERE partner_id = $1 AND customer_id = $2 AND number <= $3 ORDER BY number");
static CUSTOMER: Statement = Statement::new("SELECT company_name, domain FROM customers WHERE partner_id = $1 AND customer_id = $2");
// what the gateway has made up itself until the first event comes is of version 0
static TRANSITIONS: Statement = Statement::new(
    "SELECT whole, body FROM transitions WHERE customer_id = $1 AND partner_id = $2 AND version > 0 ORDER BY started_at, id",
);

macro_rules! records {
    ($($name:ident: $first:literal;)*) => { $(
        static $name: Statement = Statement::new(concat!(
            "SELECT a.body, a.resource_type, c.company_name
             FROM customer_audit AS a LEFT JOIN customers AS c ON c.partner_id = a.partner_id AND c.customer_id = a.customer_id
             WHERE ", $first, " AND ($1::uuid IS NULL OR a.partner_id = $1) AND ($2::uuid IS NULL OR a.customer_id = $2)
               AND ($3::text IS NULL OR a.resource_type = $3) AND ($4::text IS NULL OR c.sort_name LIKE $4 ESCAPE '\\')
               AND a.at >= $5::bigint AND a.at < $6::bigint AND (a.at, a.partner_id, a.customer_id, a.number) < ($7::bigint, $8::uuid, $9::uuid, $10::bigint)
             ORDER BY a.at DESC, a.partner_id DESC, a.customer_id DESC, a.number DESC LIMIT $11",
        ));
    )* };
}
records! {
    OF_ALL: "true";
    OF_PARTNER: "a.partner_id = $1::uuid";
    OF_CUSTOMER: "a.customer_id = $2::uuid AND a.partner_id IN (SELECT k.partner_id FROM customer_chains AS k WHERE k.customer_id = $2::uuid)";
    OF_PARTNERS_CUSTOMER: "a.partner_id = $1::uuid AND a.customer_id = $2::uuid";
}

/// Which records are wanted: those that meet all that is given.
#[derive(Clone, Debug)]
pub(crate) struct RecordFilter {
    pub(crate) partner: Option<PartnerId>,
    pub(crate) customer: Option<CustomerId>,
    pub(crate) resource_type: Option<String>,
    /// A part of the customer's name, in any case.
    pub(crate) company: Option<String>,
    pub(crate) from: Timestamp,
    /// Before this.
    pub(crate) until: Timestamp,
}

/// The key of the last record of a page.
pub(crate) type RecordKey = (Timestamp, PartnerId, CustomerId, u32);

/// A record, with what the entry does not say.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) entry: CustomerEntry,
    pub(crate) resource_type: String,
    pub(crate) company_name: Option<String>,
}

/// A customer's chain, as far as it was told.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) company_name: String,
    pub(crate) domain: String,
    pub(crate) entries: Vec<CustomerEntry>,
    /// None is missing.
    pub(crate) whole: bool,
}

/// A transition with everything beneath it, and its history as long as its row says.
pub(crate) struct Told {
    pub(crate) row: TransitionRow,
    pub(crate) lines: Vec<LineRow>,
    pub(crate) plans: Vec<PlanRow>,
    pub(crate) packets: Vec<PacketRow>,
    pub(crate) history: Vec<HistoryEntry>,
}

pub(super) fn entry_rows(entries: &Entries) -> Result<Vec<Vec<Value>>, StorageError> {
    let rows = entries.values().map(|entry| {
        Ok(vec![
            entry.partner_id.0.into(),
            entry.customer_id.0.into(),
            entry.number.into(),
            entry.at.as_micros().into(),
            crate::records::resource_type(entry).into(),
            to_json(entry)?.into(),
        ])
    });
    rows.collect()
}

pub(super) fn chain_rows(entries: &Entries) -> Vec<Vec<Value>> {
    let mut told: BTreeMap<CustomerKey, u32> = BTreeMap::new();
    for (partner, customer, number) in entries.keys() {
        let highest = told.entry((*partner, *customer)).or_default();
        *highest = (*highest).max(*number);
    }
    told.into_iter().map(|((partner, customer), told)| vec![partner.0.into(), customer.0.into(), told.into()]).collect()
}

/// Notes which of the chains have a gap.
pub(super) async fn mark_gaps(transaction: &mut Transaction, entries: &Entries, ask_at: i64) -> Result<(), StorageError> {
    if entries.is_empty() {
        return Ok(());
    }
    let keys: BTreeSet<CustomerKey> = entries.keys().map(|(partner, customer, _)| (*partner, *customer)).collect();
    let rows = keys.into_iter().map(|(partner, customer)| vec![partner.0.into(), customer.0.into()]).collect();
    transaction.execute(&WHOLE, Args::new().rows(rows).value(ask_at)).await.map(drop)
}

impl ReadModel {
    /// Chains of which something has been missing since before now less `gap`, each with the last entry before the first gap. Each is
    /// given out once, and again after a while that grows.
    pub(crate) async fn claim_chain_gaps(&self, now: Timestamp, gap: Duration) -> Result<Vec<(CustomerKey, u32)>, StorageError> {
        let gap = i64::try_from(gap.as_micros()).unwrap_or(i64::MAX / 1_000);
        let rows = self.database.query(&CLAIM, Args::new().value(now.as_micros()).value(gap).value(ASKED_AT_ONCE)).await?;
        let mut gaps = Vec::with_capacity(rows.len());
        for row in &rows {
            let key: CustomerKey = (PartnerId(row.get(0)?), CustomerId(row.get(1)?));
            let found = self.database.query(&BEFORE_GAP, Args::new().value(key.0.0).value(key.1.0)).await?;
            gaps.push((key, found.first().map_or(Ok(0), |row| row.get(0))?));
        }
        Ok(gaps)
    }

    /// A customer and its chain; `None` where nobody has told of the customer.
    pub(crate) async fn chain(&self, (partner, customer): CustomerKey) -> Result<Option<Chain>, StorageError> {
        let key = || Args::new().value(partner.0).value(customer.0);
        let found = self.database.query(&CUSTOMER, key()).await?;
        let Some(row) = found.first() else { return Ok(None) };
        let (company_name, domain) = (row.get(0)?, row.get(1)?);
        let told: u32 = self.database.query(&TOLD, key()).await?.first().map_or(Ok(0), |row| row.get(0))?;
        let rows = self.database.query(&CHAIN, key().value(told)).await?;
        let entries: Vec<CustomerEntry> =
            rows.iter().map(|row| from_json("an entry of a customer's chain", &row.get::<String>(0)?)).collect::<Result<_, _>>()?;
        let whole = entries.len() == told as usize;
        Ok(Some(Chain { company_name, domain, entries, whole }))
    }

    /// A customer's transitions, the oldest first, and whether everything of each is here.
    pub(crate) async fn transitions_of(&self, (partner, customer): CustomerKey) -> Result<Vec<(TransitionRow, bool)>, StorageError> {
        let rows = self.database.query(&TRANSITIONS, Args::new().value(customer.0).value(partner.0)).await?;
        rows.iter().map(|row| Ok((from_json("a transition", &row.get::<String>(1)?)?, row.get(0)?))).collect()
    }

    /// One of them with everything beneath it, all of one moment.
    pub(crate) async fn told(&self, id: TransitionId) -> Result<Option<Told>, StorageError> {
        let Some(parts) = self.parts_alone(id).await? else { return Ok(None) };
        let (row, lines, plans, mut packets) = (parts.known.row, parts.lines, parts.plans, parts.packets);
        packets.sort_unstable_by_key(|packet| (packet.step, packet.action, packet.packet));
        // it only grows: what the row tells of is there still
        let mut history = self.history(id, 0, row.history).await?;
        history.retain(|entry| entry.number <= row.history);
        Ok(Some(Told { row, lines, plans, packets, history }))
    }

    /// The page of at most `size` records, newest first, that begins after `after`; says whether there are more.
    pub(crate) async fn records(
        &self,
        filter: &RecordFilter,
        after: Option<RecordKey>,
        size: u32,
    ) -> Result<(Vec<Record>, bool), StorageError> {
        let statement = match (filter.partner, filter.customer) {
            (Some(_), Some(_)) => &OF_PARTNERS_CUSTOMER,
            (None, Some(_)) => &OF_CUSTOMER,
            (Some(_), None) => &OF_PARTNER,
            (None, None) => &OF_ALL,
        };
        let (at, partner, customer, number) = match after {
            Some((at, partner, customer, number)) => (at.as_micros(), partner.0, customer.0, i64::from(number)),
            None => (i64::MAX, Uuid::max(), Uuid::max(), i64::MAX),
        };
        let args = Args::new()
            .value(filter.partner.map(|id| id.0))
            .value(filter.customer.map(|id| id.0))
            .value(filter.resource_type.as_deref())
            .value(filter.company.as_deref().map(like))
            .value(filter.from.as_micros())
            .value(filter.until.as_micros())
            .value(at)
            .value(partner)
            .value(customer)
            .value(number)
            .value(i64::from(size) + 1);
        let rows = self.database.query(statement, args).await?;
        let mut records: Vec<Record> = rows.iter().map(record).collect::<Result<_, _>>()?;
        let more = records.len() > size as usize;
        records.truncate(size as usize);
        Ok((records, more))
    }
}

fn record(row: &Row) -> Result<Record, StorageError> {
    let entry = from_json("an entry of a customer's chain", &row.get::<String>(0)?)?;
    Ok(Record { entry, resource_type: row.get(1)?, company_name: row.get(2)? })
}

/// A pattern for whatever has this text in it.
fn like(part: &str) -> String {
    let mut pattern = "%".to_owned();
    for c in part.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
