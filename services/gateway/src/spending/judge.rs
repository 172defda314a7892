//! Budgets held against what was spent; thresholds that are reached for the first time become warnings.
//!
//! A warning's key is the month, the amount of the budget and the threshold: each comes once, whatever is corrected back and forth, and
//! a changed budget asks again. Of several that are reached at once all are kept, and the highest is told, for all of them.
//!
//! A month that is over is held against the budget that it was held against last, while it lasted, and only for so long as late records
//! are to be expected: until the next one is over too. Files of years gone by warn nobody.

use super::{
    Spendings,
    write::{LOCK_CUSTOMERS, MonthKey, MonthRow, lock_months, micros, month_row},
};
use crate::{hooks::Reached, model::to_json};
use planshift_billing::{Decimal, month::Month, spending::percent};
use planshift_domain::{
    ids::{CustomerId, PartnerId},
    time::Timestamp,
};
use planshift_storage::{Args, Statement, StorageError, Transaction, Value};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How many customers whose budget has changed are looked at at once.
const CHECKS: u32 = 200;

/// Of customers that were told of: those whose budget is not what their spending was held against last. A look-up for each.
pub(crate) static CHECK: Statement = Statement::new(
    "INSERT INTO budget_checks (partner_id, customer_id)
     SELECT r.partner, r.customer FROM {1: partner uuid, customer uuid} AS r
     CROSS JOIN customers AS c CROSS JOIN customer_spending AS s
     WHERE c.partner_id = r.partner AND c.customer_id = r.customer
       AND s.partner_id = r.partner AND s.customer_id = r.customer AND s.month = $2
       AND (s.currency <> c.currency OR coalesce(s.budget, '') <> coalesce(c.budget, ''))
     ORDER BY r.partner, r.customer
     ON CONFLICT (partner_id, customer_id) DO NOTHING",
);
static NOTE: Statement = Statement::new(
    "INSERT INTO budget_checks (partner_id, customer_id)
     SELECT r.partner, r.customer FROM {1: partner uuid, customer uuid} AS r WHERE true
     ORDER BY r.partner, r.customer
     ON CONFLICT (partner_id, customer_id) DO NOTHING",
);
static CHECKED: Statement =
    Statement::new("SELECT partner_id, customer_id FROM budget_checks ORDER BY partner_id, customer_id LIMIT $1 {for update}");
static TAKE_CHECKS: Statement = Statement::new(
    "DELETE FROM budget_checks WHERE (partner_id, customer_id) IN (SELECT r.partner, r.customer FROM {1: partner uuid, customer uuid} AS r)",
);
static HOLD: Statement = Statement::new(
    "UPDATE customer_spending SET body = r.body, at = $2, budget = r.budget, currency = r.currency, percent = r.percent
     FROM {1: partner uuid, customer uuid, month bigint, body text, budget text, currency text, percent bigint} AS r
     WHERE customer_spending.partner_id = r.partner AND customer_spending.customer_id = r.customer AND customer_spending.month = r.month",
);
static WARN: Statement = Statement::new(
    "INSERT INTO budget_warnings (partner_id, customer_id, month, amount, currency, threshold, spent, percent, at, told)
     SELECT r.partner, r.customer, r.month, r.amount, r.currency, r.threshold, r.spent, r.percent, $2::bigint, r.told
     FROM {1: partner uuid, customer uuid, month bigint, amount text, currency text, threshold bigint, spent text, percent bigint,
              told boolean} AS r WHERE true
     ORDER BY r.partner, r.customer, r.month, r.threshold
     ON CONFLICT (partner_id, customer_id, month, amount, currency, threshold) DO NOTHING",
);
static WARNED: Statement = Statement::new(
    "SELECT w.partner_id, w.customer_id, w.month, max(w.threshold)
     FROM {1: partner uuid, customer uuid, month bigint, amount text, currency text} AS r CROSS JOIN budget_warnings AS w
     WHERE w.partner_id = r.partner AND w.customer_id = r.customer AND w.month = r.month AND w.amount = r.amount AND w.currency = r.currency
     GROUP BY w.partner_id, w.customer_id, w.month",
);

/// A customer's budget, where the read model knows the customer: none, or an amount; and the currency.
pub(super) type Budgets = BTreeMap<(Uuid, Uuid), (Option<String>, String)>;

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// How many webhooks were made.
    deliveries: usize,
}

/// A month held against a budget.
struct Held {
    spent: Decimal,
    /// In hundredths; none where nothing can be said.
    percent: Option<i64>,
    reached: Vec<u32>,
}

impl Spendings {
    /// Locks customers, and reads their budgets. Of one that the read model does not know yet, it is looked at again when it does.
    pub(super) async fn lock_customers(&self, tx: &mut Transaction, customers: &BTreeSet<(Uuid, Uuid)>) -> Result<Budgets, StorageError> {
        let rows = || customers.iter().map(|(partner, customer)| vec![Value::Uuid(*partner), (*customer).into()]);
        let mut budgets = Budgets::new();
        for row in tx.query(&LOCK_CUSTOMERS, Args::new().rows(rows().collect())).await? {
            budgets.insert((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?));
        }
        let unknown: Vec<Vec<Value>> = customers
            .iter()
            .filter(|key| !budgets.contains_key(*key))
            .map(|(partner, customer)| vec![Value::Uuid(*partner), (*customer).into()])
            .collect();
        if !unknown.is_empty() {
            tx.execute(&NOTE, Args::new().rows(unknown)).await?;
        }
        Ok(budgets)
    }

    /// Holds budgets against months that are locked, writes both, and what is reached for the first time.
    pub(super) async fn judge(
        &self,
        tx: &mut Transaction,
        months: BTreeMap<MonthKey, MonthRow>,
        budgets: &Budgets,
    ) -> Result<Judged, StorageError> {
        let now = self.ports.clock.now();
        let this_month = Month::of(now);
        let (mut held_rows, mut candidates) = (Vec::with_capacity(months.len()), BTreeMap::new());
        for (key, month) in months {
            let (partner, customer, of) = key;
            let known = budgets.get(&(partner, customer)).cloned();
            // one that is over keeps the budget that it had
            let (budget, currency) = match known {
                Some(_) if of < this_month && !month.currency.is_empty() => (month.budget.clone(), month.currency.clone()),
                Some(known) => known,
                None => (month.budget.clone(), month.currency.clone()),
            };
            let held = self.hold(&month, budget.as_deref(), &currency);
            held_rows.push(
                [
                    month_row(&key),
                    vec![
                        to_json(&month.spending)?.into(),
                        budget.clone().into(),
                        (&currency).into(),
                        held.as_ref().and_then(|held| held.percent).into(),
                    ],
                ]
                .concat(),
            );
            if let (Some(amount), Some(held)) = (budget, held)
                && of >= this_month.before()
                && !held.reached.is_empty()
            {
                candidates.insert(key, (amount, currency, held));
            }
        }
        tx.execute(&HOLD, Args::new().rows(held_rows).value(now.as_micros())).await?;
        self.warn(tx, candidates, now).await
    }

    fn hold(&self, month: &MonthRow, budget: Option<&str>, currency: &str) -> Option<Held> {
        let (budget, spent): (Decimal, Decimal) = (budget?.parse().ok()?, month.spending.in_currency(currency)?);
        let hundredths = |percent: Decimal| (&percent * &Decimal::scaled(100, 0)).packed().map(|packed| packed.whole);
        let reached = self.thresholds.reached(&spent, &budget);
        let percent = match percent(&spent, &budget) {
            Some(percent) => hundredths(percent),
            // of a budget of nothing no percentage is right, and whatever was spent is over it
            None if reached.is_empty() => Some(0),
            None => Some(i64::MAX),
        };
        Some(Held { spent, percent, reached })
    }

    /// Keeps what is reached for the first time, and makes its webhooks. The customers' months are locked: nobody else does so.
    async fn warn(
        &self,
        tx: &mut Transaction,
        candidates: BTreeMap<MonthKey, (String, String, Held)>,
        now: Timestamp,
    ) -> Result<Judged, StorageError> {
        if candidates.is_empty() {
            return Ok(Judged::default());
        }
        let asked = candidates.iter().map(|(key, (amount, currency, _))| [month_row(key), vec![amount.into(), currency.into()]].concat());
        let mut highest: BTreeMap<(Uuid, Uuid, i64), u32> = BTreeMap::new();
        for row in tx.query(&WARNED, Args::new().rows(asked.collect())).await? {
            highest.insert((row.get(0)?, row.get(1)?, row.get(2)?), row.get(3)?);
        }
        let (mut rows, mut told) = (Vec::new(), Vec::new());
        for (key, (amount, currency, Held { spent, percent, reached })) in candidates {
            let (partner, customer, month) = key;
            let before = highest.get(&(partner, customer, month.begins().as_micros())).copied().unwrap_or_default();
            let new: Vec<u32> = reached.into_iter().filter(|threshold| *threshold > before).collect();
            let Some(highest) = new.last().copied() else { continue };
            rows.extend(new.iter().map(|threshold| {
                let more: Vec<Value> = vec![
                    (&amount).into(),
                    (&currency).into(),
                    (*threshold).into(),
                    spent.to_string().into(),
                    percent.into(),
                    (*threshold == highest).into(),
                ];
                [month_row(&key), more].concat()
            }));
            told.push(Reached {
                partner: PartnerId(partner),
                customer: CustomerId(customer),
                month: month.begins(),
                amount,
                currency,
                threshold: highest,
                at: now,
            });
        }
        if rows.is_empty() {
            return Ok(Judged::default());
        }
        tx.execute(&WARN, Args::new().rows(rows).value(now.as_micros())).await?;
        tracing::info!(customers = told.len(), "budgets have reached a threshold");
        Ok(Judged { deliveries: self.webhooks.tell_reached(tx, &told, now).await? })
    }

    /// It is committed: what is to be sent need not wait for a look.
    pub(super) fn told(&self, judged: &Judged) {
        if judged.deliveries > 0 {
            self.webhooks.to_send();
        }
    }

    /// Holds budgets that have changed against this month; are there more?
    pub(super) async fn check_budgets(&self) -> Result<bool, StorageError> {
        let mut tx = self.database.begin().await?;
        let mut customers: BTreeSet<(Uuid, Uuid)> = BTreeSet::new();
        for row in tx.query(&CHECKED, Args::new().value(CHECKS)).await? {
            customers.insert((row.get(0)?, row.get(1)?));
        }
        if customers.is_empty() {
            tx.rollback().await?;
            return Ok(false);
        }
        let budgets = self.lock_customers(&mut tx, &customers).await?;
        let this_month = Month::of(self.ports.clock.now());
        let keys: BTreeSet<MonthKey> = budgets.keys().map(|(partner, customer)| (*partner, *customer, this_month)).collect();
        let months = lock_months(&mut tx, keys.iter()).await?;
        let judged = if months.is_empty() { Judged::default() } else { self.judge(&mut tx, months, &budgets).await? };
        // one that the read model does not know is looked at when it is told of
        let rows = customers.iter().map(|(partner, customer)| vec![Value::Uuid(*partner), (*customer).into()]);
        tx.execute(&TAKE_CHECKS, Args::new().rows(rows.collect())).await?;
        tx.commit().await?;
        self.told(&judged);
        Ok(customers.len() as u32 == CHECKS)
    }
}

/// The first instant of the month that `now` is in, as a statement takes it.
pub(crate) fn this_month(now: Timestamp) -> Value {
    micros(Month::of(now))
}
