//! What is to be reckoned.
//!
//! A batch of an import notes its months under the import's id; the end of the import makes marks of them in the transaction in which its
//! records come to be seen. A mark carries the import's id: who has reckoned a month takes away the mark that he has found before he read,
//! and finds it gone or another where something came meanwhile.
//!
//! Records that were there before there was any of this are found subscription by subscription, month by month, in bounded pieces.

use super::Spendings;
use planshift_billing::month::Month;
use planshift_domain::time::Timestamp;
use planshift_storage::{Args, Statement, StorageError, Transaction, Value};
use std::collections::BTreeSet;
use uuid::Uuid;

/// For how many subscriptions the next month is looked for at once.
const LOOKED: u32 = 500;

static NOTE: Statement = Statement::new(
    "INSERT INTO usage_months (import_id, azure_id, month)
     SELECT $2::uuid, r.azure, r.month FROM {1: azure uuid, month bigint} AS r WHERE true
     ON CONFLICT (import_id, azure_id, month) DO NOTHING",
);
static MARK: Statement = Statement::new(
    "INSERT INTO spending_due (azure_id, month, partner_id, mark)
     SELECT m.azure_id, m.month, $2::uuid, $1::uuid FROM usage_months AS m WHERE m.import_id = $1
     ORDER BY m.azure_id, m.month
     ON CONFLICT (azure_id, month, partner_id) DO UPDATE SET mark = excluded.mark",
);
/// Forgets what batches of an import have noted.
pub(crate) static FORGET: Statement = Statement::new("DELETE FROM usage_months WHERE import_id = $1");

static UNLOOKED: Statement = Statement::new(
    "SELECT l.partner_id, l.azure_id, l.from_at,
            (SELECT min(u.start_at) FROM usage_records AS u WHERE u.azure_id = l.azure_id AND u.start_at >= l.from_at)
     FROM (SELECT partner_id, azure_id, from_at FROM spending_unlooked ORDER BY partner_id, azure_id LIMIT $1) AS l",
);
static DUE: Statement = Statement::new(
    "INSERT INTO spending_due (azure_id, month, partner_id, mark)
     SELECT r.azure, r.month, r.partner, '00000000-0000-0000-0000-000000000000'::uuid
     FROM {1: azure uuid, month bigint, partner uuid} AS r WHERE true
     ORDER BY r.azure, r.month, r.partner
     ON CONFLICT (azure_id, month, partner_id) DO NOTHING",
);
static GO_ON: Statement = Statement::new(
    "UPDATE spending_unlooked SET from_at = r.until FROM {1: partner uuid, azure uuid, from_at bigint, until bigint} AS r
     WHERE spending_unlooked.partner_id = r.partner AND spending_unlooked.azure_id = r.azure AND spending_unlooked.from_at = r.from_at",
);
static LOOKED_THROUGH: Statement = Statement::new(
    "DELETE FROM spending_unlooked WHERE (partner_id, azure_id) IN (SELECT r.partner, r.azure FROM {1: partner uuid, azure uuid} AS r)",
);

/// Notes which months a batch of an import has records of.
pub(crate) async fn note(tx: &mut Transaction, import: Uuid, months: &BTreeSet<(Uuid, Month)>) -> Result<(), StorageError> {
    let rows = months.iter().map(|(azure, month)| vec![Value::Uuid(*azure), month.begins().as_micros().into()]);
    tx.execute(&NOTE, Args::new().rows(rows.collect()).value(import)).await.map(drop)
}

/// Makes marks of what the batches of an import have noted.
pub(crate) async fn mark(tx: &mut Transaction, import: Uuid, partner: Uuid) -> Result<(), StorageError> {
    tx.execute(&MARK, Args::new().value(import).value(partner)).await?;
    tx.execute(&FORGET, Args::new().value(import)).await.map(drop)
}

impl Spendings {
    /// Marks the next month of some subscriptions whose records are of the time before there was any of this; are there more?
    pub(super) async fn look_for_months(&self) -> Result<bool, StorageError> {
        let found = self.database.query(&UNLOOKED, Args::new().value(LOOKED)).await?;
        if found.is_empty() {
            return Ok(false);
        }
        let (mut due, mut go_on, mut through) = (Vec::new(), Vec::new(), Vec::new());
        for row in &found {
            let (partner, azure, from): (Uuid, Uuid, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            match row.get::<Option<i64>>(3)? {
                Some(start) => {
                    let month = Month::of(Timestamp::from_micros(start));
                    due.push(vec![azure.into(), month.begins().as_micros().into(), partner.into()]);
                    go_on.push(vec![partner.into(), azure.into(), from.into(), month.ends().as_micros().into()]);
                }
                None => through.push(vec![Value::Uuid(partner), azure.into()]),
            }
        }
        let mut tx = self.database.begin().await?;
        tx.execute_all(
            [(&DUE, due), (&GO_ON, go_on), (&LOOKED_THROUGH, through)]
                .into_iter()
                .filter(|(_, rows)| !rows.is_empty())
                .map(|(statement, rows)| (statement, Args::new().rows(rows))),
        )
        .await?;
        tx.commit().await?;
        Ok(true)
    }
}
