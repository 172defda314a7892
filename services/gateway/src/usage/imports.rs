//! Imports: files of usage, with how many of their records were new.

use super::{Usage, owners};
use crate::{
    files::{Brought, File, Table, table},
    spending::marks,
};
use planshift_domain::ids::PartnerId;
use planshift_storage::{Args, Row, Statement, StorageError, Transaction};
use uuid::Uuid;

static TABLE: Table = table!(
    "usage_imports",
    columns: "records, added, repeated, corrected",
    undone: "added = 0, repeated = 0, corrected = 0",
    take_out: &[&TAKE_OUT, &UNTOUCH],
    forget: &[&DROP_CORRECTIONS, &marks::FORGET],
);
static BEGIN: Statement = Statement::new(
    "INSERT INTO usage_imports (id, partner_id, state, format, actor, document, created_at, alive_at, records, added, repeated, corrected)
     SELECT $1::uuid, $2::uuid, 'Running', $3::text, $4::text, '', $5::bigint, $5::bigint, 0, 0, 0, 0
     WHERE NOT EXISTS (SELECT 1 FROM usage_imports WHERE partner_id = $2 AND state IN ('Running', 'Undoing'))
     ON CONFLICT DO NOTHING",
);
static COUNT: Statement = Statement::new(
    "UPDATE usage_imports SET records = records + $2, added = added + $3, repeated = repeated + $4, corrected = corrected + $5 WHERE id = $1",
);
// of some subscriptions at a time
static TAKE_OUT: Statement = Statement::new(
    "DELETE FROM usage_records
     WHERE import_id = $1
       AND azure_id IN (SELECT t.azure_id FROM usage_touched AS t WHERE t.import_id = $1 ORDER BY t.azure_id LIMIT 200)",
);
static UNTOUCH: Statement = Statement::new(
    "DELETE FROM usage_touched
     WHERE import_id = $1
       AND azure_id IN (SELECT t.azure_id FROM usage_touched AS t WHERE t.import_id = $1 ORDER BY t.azure_id LIMIT 200)",
);
static DROP_CORRECTIONS: Statement = Statement::new("DELETE FROM usage_corrections WHERE import_id = $1");
static DROP_TOUCHED: Statement = Statement::new("DELETE FROM usage_touched WHERE import_id = $1");
// in the order of their ids: whoever learns of owners takes the same rows
static LOCK_TOUCHED: Statement = Statement::new(
    "SELECT s.azure_id, s.changed_at FROM usage_touched AS t CROSS JOIN usage_subscriptions AS s
     WHERE t.import_id = $1 AND s.azure_id = t.azure_id AND s.partner_id = $2 ORDER BY s.azure_id {for update}",
);
static KEEP_OLD: Statement = Statement::new(
    "INSERT INTO usage_revisions (azure_id, start_at, identity, revision, import_id, whole, high, low, resource, body, replaced_by)
     SELECT u.azure_id, u.start_at, u.identity, u.revision, u.import_id, u.whole, u.high, u.low, u.resource, u.body, c.import_id
     FROM usage_corrections AS c CROSS JOIN usage_records AS u
     WHERE c.import_id = $1 AND u.azure_id = c.azure_id AND u.start_at = c.start_at AND u.identity = c.identity",
);
// the record stays its first import's: it is seen all the time
static CORRECT: Statement = Statement::new(
    "UPDATE usage_records SET whole = c.whole, high = c.high, low = c.low, resource = c.resource, reported_at = c.reported_at, body = c.body,
         revision = usage_records.revision + 1
     FROM usage_corrections AS c
     WHERE c.import_id = $1 AND usage_records.azure_id = c.azure_id AND usage_records.start_at = c.start_at
       AND usage_records.identity = c.identity",
);
static DONE: Statement =
    Statement::new("UPDATE usage_imports SET state = 'Done', ended_at = $2, document = $3 WHERE id = $1 AND state = 'Running'");

/// An import.
pub(crate) type Import = File<Counts>;

/// What records of a file were found to be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) records: u64,
    pub(crate) added: u64,
    pub(crate) repeated: u64,
    pub(crate) corrected: u64,
}

impl Brought for Counts {
    fn table() -> &'static Table {
        &TABLE
    }

    fn of(row: &Row, first: usize) -> Result<Self, StorageError> {
        let count = |column: usize| row.get::<i64>(first + column).map(|count| u64::try_from(count).unwrap_or_default());
        Ok(Self { records: count(0)?, added: count(1)?, repeated: count(2)?, corrected: count(3)? })
    }
}

/// Counts a batch.
pub(super) async fn count(tx: &mut Transaction, import: Uuid, counts: Counts) -> Result<(), StorageError> {
    let Counts { records, added, repeated, corrected } = counts;
    let counts = [records, added, repeated, corrected].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    tx.execute(&COUNT, counts.into_iter().fold(Args::new().value(import), Args::value)).await.map(drop)
}

impl Usage {
    /// Begins one; false where another one of the partner is under way.
    pub(super) async fn begin(&self, id: Uuid, partner: PartnerId, format: &str, actor: &str) -> Result<bool, StorageError> {
        let args = Args::new().value(id).value(partner.0).value(format).value(actor).value(self.ports.clock.now().as_micros());
        self.files.begin(id, &BEGIN, args).await
    }

    /// Everything that it brought is seen from now on. False where somebody has taken it for dead.
    pub(super) async fn done(&self, import: &Import, document: &str) -> Result<bool, StorageError> {
        let mut tx = self.database.begin().await?;
        if !self.files.alive(&mut tx, import.id).await? {
            tx.rollback().await?;
            return Ok(false);
        }
        // a record was given to its owner by what was known when its batch was written: what has been learned since is looked at once more
        let mut changed = Vec::new();
        for row in tx.query(&LOCK_TOUCHED, Args::new().value(import.id).value(import.partner.0)).await? {
            if row.get::<i64>(1)? >= import.created_at.as_micros() {
                changed.push(row.get::<Uuid>(0)?);
            }
        }
        owners::assign(&mut tx, changed).await?;
        for statement in [&KEEP_OLD, &CORRECT, &DROP_CORRECTIONS, &DROP_TOUCHED] {
            tx.execute(statement, Args::new().value(import.id)).await?;
        }
        marks::mark(&mut tx, import.id, import.partner.0).await?;
        tx.execute(&DONE, Args::new().value(import.id).value(self.ports.clock.now().as_micros()).value(document)).await?;
        tx.commit().await?;
        self.brought.notify_one();
        Ok(true)
    }
}
