//! Thresholds of budgets that were reached: told in the transaction that keeps the warning, and told again by replays.
//!
//! Warnings are few, so their deliveries are made where they are, and the feed of transitions stays what it is. Of several thresholds
//! that are reached at once one event is told, of the highest.

use super::{EventName, Webhooks, deliveries, event::NewDelivery, registration::from_names};
use planshift_domain::{
    ids::{CustomerId, PartnerId},
    time::Timestamp,
};
use planshift_storage::{Args, Row, Statement, StorageError, Transaction, Value};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

static WHO_WANTS: Statement = Statement::new(
    "SELECT w.partner_id, w.events FROM {1: partner uuid} AS r CROSS JOIN webhook_registrations AS w WHERE w.partner_id = r.partner",
);
/// Those that were told within a time, by key.
pub(super) static TOLD: Statement = Statement::new(
    "SELECT partner_id, customer_id, month, amount, currency, threshold, at FROM budget_warnings
     WHERE partner_id = $1 AND told AND at >= $2 AND at < $3 AND (at, customer_id) > ($4::bigint, $5::uuid)
     ORDER BY at, customer_id LIMIT $6",
);

/// A threshold that was reached.
#[derive(Clone, Debug)]
pub(crate) struct Reached {
    pub(crate) partner: PartnerId,
    pub(crate) customer: CustomerId,
    /// The month's first instant.
    pub(crate) month: Timestamp,
    /// The budget's.
    pub(crate) amount: String,
    pub(crate) currency: String,
    /// In percent.
    pub(crate) threshold: u32,
    pub(crate) at: Timestamp,
}

impl Reached {
    pub(super) fn of(row: &Row) -> Result<Self, StorageError> {
        Ok(Self {
            partner: PartnerId(row.get(0)?),
            customer: CustomerId(row.get(1)?),
            month: Timestamp::from_micros(row.get(2)?),
            amount: row.get(3)?,
            currency: row.get(4)?,
            threshold: row.get(5)?,
            at: Timestamp::from_micros(row.get(6)?),
        })
    }
}

impl Webhooks {
    /// Makes deliveries for those who want them; how many.
    pub(crate) async fn tell_reached(&self, tx: &mut Transaction, reached: &[Reached], now: Timestamp) -> Result<usize, StorageError> {
        let partners: BTreeSet<Uuid> = reached.iter().map(|one| one.partner.0).collect();
        let rows = partners.into_iter().map(|partner| vec![Value::Uuid(partner)]).collect();
        let mut wants: BTreeMap<Uuid, BTreeSet<EventName>> = BTreeMap::new();
        for row in tx.query(&WHO_WANTS, Args::new().rows(rows)).await? {
            wants.insert(row.get(0)?, from_names(&row.get::<String>(1)?));
        }
        let wanted = |one: &&Reached| wants.get(&one.partner.0).is_some_and(|events| events.contains(&EventName::ThresholdExceeded));
        let new: Vec<NewDelivery> = reached.iter().filter(wanted).map(|one| NewDelivery::reached(&self.base, one)).collect();
        deliveries::insert(tx, &new, now).await?;
        Ok(new.len())
    }

    /// Deliveries were committed.
    pub(crate) fn to_send(&self) {
        self.news.to_send.notify_one();
    }
}
