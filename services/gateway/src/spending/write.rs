//! What was reckoned, written: in one transaction that begins with taking its marks away, and ends with warnings.
//!
//! Rows are locked in this order: marks, customers, customers' months, subscriptions' months; each in the order of their keys. Whoever
//! changes a budget locks the customer's row too, so that either sees what the other has written.

use super::{Spendings, judge::Judged, reckon::Due};
use crate::model::{from_json, to_json};
use planshift_billing::{month::Month, spending::Spending};
use planshift_domain::time::Timestamp;
use planshift_storage::{Args, Statement, StorageError, Transaction, Value};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

static LOCK_MARKS: Statement = Statement::new(
    "SELECT r.n FROM {1: n bigint, azure uuid, month bigint, partner uuid, mark uuid} AS r CROSS JOIN spending_due AS d
     WHERE d.azure_id = r.azure AND d.month = r.month AND d.partner_id = r.partner AND d.mark = r.mark
     ORDER BY d.azure_id, d.month, d.partner_id {for update}",
);
static TAKE_MARKS: Statement = Statement::new(
    "DELETE FROM spending_due WHERE (azure_id, month, partner_id) IN
         (SELECT r.azure, r.month, r.partner FROM {1: azure uuid, month bigint, partner uuid} AS r)",
);
static WHOSE: Statement = Statement::new(
    "SELECT s.partner_id, s.azure_id, s.customer_id FROM {1: partner uuid, azure uuid} AS r CROSS JOIN usage_subscriptions AS s
     WHERE s.partner_id = r.partner AND s.azure_id = r.azure AND s.customer_id IS NOT NULL",
);
static OLD: Statement = Statement::new(
    "SELECT s.partner_id, s.azure_id, s.month, s.customer_id, s.body
     FROM {1: partner uuid, azure uuid, month bigint} AS r CROSS JOIN spending AS s
     WHERE s.partner_id = r.partner AND s.azure_id = r.azure AND s.month = r.month",
);
static PUT: Statement = Statement::new(
    "INSERT INTO spending (partner_id, azure_id, month, customer_id, body)
     SELECT r.partner, r.azure, r.month, r.customer, r.body
     FROM {1: partner uuid, azure uuid, month bigint, customer uuid, body text} AS r WHERE true
     ORDER BY r.partner, r.azure, r.month
     ON CONFLICT (partner_id, azure_id, month) DO UPDATE SET customer_id = excluded.customer_id, body = excluded.body",
);
/// The customers' own rows: with their budgets.
pub(super) static LOCK_CUSTOMERS: Statement = Statement::new(
    "SELECT c.partner_id, c.customer_id, c.budget, c.currency FROM {1: partner uuid, customer uuid} AS r CROSS JOIN customers AS c
     WHERE c.partner_id = r.partner AND c.customer_id = r.customer ORDER BY c.partner_id, c.customer_id {for update}",
);
// there before they are locked, so that two who write the first of a customer's month wait for each other
static MAKE_MONTHS: Statement = Statement::new(
    "INSERT INTO customer_spending (partner_id, customer_id, month, body, at, currency)
     SELECT r.partner, r.customer, r.month, $2::text, 0, '' FROM {1: partner uuid, customer uuid, month bigint} AS r WHERE true
     ORDER BY r.partner, r.customer, r.month
     ON CONFLICT (partner_id, customer_id, month) DO NOTHING",
);
static LOCK_MONTHS: Statement = Statement::new(
    "SELECT s.partner_id, s.customer_id, s.month, s.body, s.budget, s.currency
     FROM {1: partner uuid, customer uuid, month bigint} AS r CROSS JOIN customer_spending AS s
     WHERE s.partner_id = r.partner AND s.customer_id = r.customer AND s.month = r.month
     ORDER BY s.partner_id, s.customer_id, s.month {for update}",
);

/// A customer's month.
pub(super) type MonthKey = (Uuid, Uuid, Month);

/// What a subscription's month comes to.
#[derive(Clone, Debug)]
pub(super) struct Reckoned {
    pub(super) due: Due,
    pub(super) spending: Spending,
}

/// A customer's month as it stands in its row.
#[derive(Clone, Debug)]
pub(super) struct MonthRow {
    pub(super) spending: Spending,
    /// What it was held against last, and in which currency; no currency where it never was.
    pub(super) budget: Option<String>,
    pub(super) currency: String,
}

impl Spendings {
    /// Writes what was reckoned, but for what was marked anew meanwhile.
    pub(super) async fn write(&self, reckoned: Vec<Reckoned>) -> Result<(), StorageError> {
        let mut tx = self.database.begin().await?;
        let rows = reckoned.iter().enumerate().map(|(place, Reckoned { due, .. })| {
            let place = i64::try_from(place).unwrap_or(i64::MAX);
            vec![place.into(), due.azure.into(), micros(due.month), due.partner.into(), due.mark.into()]
        });
        let mut still_marked = Vec::with_capacity(reckoned.len());
        for row in tx.query(&LOCK_MARKS, Args::new().rows(rows.collect())).await? {
            still_marked.extend(reckoned.get(usize::try_from(row.get::<i64>(0)?).unwrap_or_default()));
        }
        if still_marked.is_empty() {
            return tx.rollback().await;
        }
        let marks = still_marked.iter().map(|Reckoned { due, .. }| vec![due.azure.into(), micros(due.month), due.partner.into()]);
        tx.execute(&TAKE_MARKS, Args::new().rows(marks.collect())).await?;
        let changes = Changes::of(&mut tx, &still_marked).await?;
        let judged = self.add_up(&mut tx, changes.by_month).await?;
        if !changes.rows.is_empty() {
            tx.execute(&PUT, Args::new().rows(changes.rows)).await?;
        }
        tx.commit().await?;
        self.told(&judged);
        Ok(())
    }

    /// Puts what is new in the place of what was there, in the customers' months, and holds their budgets against them.
    async fn add_up(&self, tx: &mut Transaction, by_month: BTreeMap<MonthKey, Vec<(Spending, Spending)>>) -> Result<Judged, StorageError> {
        if by_month.is_empty() {
            return Ok(Judged::default());
        }
        let customers: BTreeSet<(Uuid, Uuid)> = by_month.keys().map(|(partner, customer, _)| (*partner, *customer)).collect();
        let budgets = self.lock_customers(tx, &customers).await?;
        let keys: Vec<Vec<Value>> = by_month.keys().map(month_row).collect();
        tx.execute(&MAKE_MONTHS, Args::new().rows(keys).value(to_json(&Spending::default())?)).await?;
        let mut months = lock_months(tx, by_month.keys()).await?;
        for (key, exchanged) in &by_month {
            if let Some(month) = months.get_mut(key) {
                exchanged.iter().for_each(|(old, new)| month.spending.exchange(old, new));
            }
        }
        self.judge(tx, months, &budgets).await
    }
}

/// What changes, by the rows of subscriptions and by the months of customers.
#[derive(Default)]
struct Changes {
    rows: Vec<Vec<Value>>,
    by_month: BTreeMap<MonthKey, Vec<(Spending, Spending)>>,
}

impl Changes {
    async fn of(tx: &mut Transaction, reckoned: &[&Reckoned]) -> Result<Self, StorageError> {
        let subscriptions: BTreeSet<(Uuid, Uuid)> = reckoned.iter().map(|one| (one.due.partner, one.due.azure)).collect();
        let subscriptions = subscriptions.into_iter().map(|(partner, azure)| vec![Value::Uuid(partner), azure.into()]);
        let mut whose: BTreeMap<(Uuid, Uuid), Uuid> = BTreeMap::new();
        for row in tx.query(&WHOSE, Args::new().rows(subscriptions.collect())).await? {
            whose.insert((row.get(0)?, row.get(1)?), row.get(2)?);
        }
        let asked = reckoned.iter().map(|one| vec![one.due.partner.into(), one.due.azure.into(), micros(one.due.month)]);
        let mut old: BTreeMap<(Uuid, Uuid, Month), (Uuid, Spending)> = BTreeMap::new();
        for row in tx.query(&OLD, Args::new().rows(asked.collect())).await? {
            let spending = from_json("what a subscription's month comes to", &row.get::<String>(4)?)?;
            old.insert((row.get(0)?, row.get(1)?, month(row.get(2)?)), (row.get(3)?, spending));
        }
        let mut changes = Self::default();
        for Reckoned { due, spending } in reckoned {
            let before = old.remove(&(due.partner, due.azure, due.month));
            let was = before.as_ref().map(|(customer, _)| *customer);
            // whose it is now; where nobody knows, it stays whose it was
            let Some(customer) = whose.get(&(due.partner, due.azure)).copied().or(was) else { continue };
            let mut exchange = |customer: Uuid, old: Spending, new: Spending| {
                changes.by_month.entry((due.partner, customer, due.month)).or_default().push((old, new));
            };
            match before {
                Some((was, old)) if was != customer => {
                    exchange(was, old, Spending::default());
                    exchange(customer, Spending::default(), spending.clone());
                }
                Some((_, old)) => exchange(customer, old, spending.clone()),
                None => exchange(customer, Spending::default(), spending.clone()),
            }
            let body = to_json(spending)?;
            changes.rows.push(vec![due.partner.into(), due.azure.into(), micros(due.month), customer.into(), body.into()]);
        }
        Ok(changes)
    }
}

/// Locks customers' months that are there.
pub(super) async fn lock_months<'a>(
    tx: &mut Transaction,
    keys: impl Iterator<Item = &'a MonthKey>,
) -> Result<BTreeMap<MonthKey, MonthRow>, StorageError> {
    let mut months = BTreeMap::new();
    for row in tx.query(&LOCK_MONTHS, Args::new().rows(keys.map(month_row).collect())).await? {
        let spending = from_json("what a customer's month comes to", &row.get::<String>(3)?)?;
        let key = (row.get(0)?, row.get(1)?, month(row.get(2)?));
        months.insert(key, MonthRow { spending, budget: row.get(4)?, currency: row.get(5)? });
    }
    Ok(months)
}

pub(super) fn month_row((partner, customer, month): &MonthKey) -> Vec<Value> {
    vec![(*partner).into(), (*customer).into(), micros(*month)]
}

pub(super) fn micros(month: Month) -> Value {
    month.begins().as_micros().into()
}

pub(super) fn month(begins: i64) -> Month {
    Month::of(Timestamp::from_micros(begins))
}
