//! Imports: begun, seen to be alive, ended; and what one that ended badly has left, taken out again.
//!
//! One file of a partner is taken at a time: a unique index says so. An import that nobody has been seen at for a minute is undone by
//! whoever finds it; the one who was at it finds its import gone with its next batch, and gives up.

use super::{Usage, owners};
use crate::{
    model::{from_json, to_json},
    spending::marks,
};
use planshift_billing::parse::Faults;
use planshift_domain::{ids::PartnerId, time::Timestamp};
use planshift_storage::{Args, Row, Statement, StorageError, Transaction, Value};
use serde::Serialize;
use uuid::Uuid;

/// For how long an import may be silent: more than a client may take for the next piece of a file, and mapping for an answer.
const SILENT: i64 = 60;
/// How many subscriptions' records are taken out, or assigned again, in one statement.
const PAGE: i64 = 200;

macro_rules! imports {
    ($rest:literal) => {
        Statement::new(concat!(
            "SELECT id, partner_id, state, format, actor, document, created_at, ended_at,
                    records, added, repeated, corrected, faults FROM usage_imports ",
            $rest
        ))
    };
}
static ONE: Statement = imports!("WHERE id = $1");
static NEWEST: Statement = imports!(
    "WHERE ($1::uuid IS NULL OR partner_id = $1) AND (created_at, id) < ($2::bigint, $3::uuid) ORDER BY created_at DESC, id DESC LIMIT $4"
);
static SAME_FILE: Statement = imports!("WHERE partner_id = $1 AND document = $2 AND state = 'Done' ORDER BY created_at LIMIT 1");
static BEGIN: Statement = Statement::new(
    "INSERT INTO usage_imports (id, partner_id, state, format, actor, document, created_at, alive_at, records, added, repeated, corrected)
     SELECT $1::uuid, $2::uuid, 'Running', $3::text, $4::text, '', $5::bigint, $5::bigint, 0, 0, 0, 0
     WHERE NOT EXISTS (SELECT 1 FROM usage_imports WHERE partner_id = $2 AND state IN ('Running', 'Undoing'))
     ON CONFLICT DO NOTHING",
);
static FORGET_BROKEN: Statement = Statement::new("DELETE FROM usage_imports WHERE id = $1 AND state = 'Broken'");
/// Whoever reads the file is still there, and it is still his. Taken first in each of its transactions.
static ALIVE: Statement = Statement::new(
    "UPDATE usage_imports SET alive_at = $2, records = records + $3, added = added + $4, repeated = repeated + $5, corrected = corrected + $6
     WHERE id = $1 AND state = 'Running'",
);
static COUNT: Statement =
    Statement::new("UPDATE usage_imports SET added = added - $2, repeated = repeated + $3, corrected = corrected + $4 WHERE id = $1");
static SILENT_ONES: Statement = Statement::new(
    "UPDATE usage_imports SET state = 'Undoing', alive_at = $1, undoing_to = coalesce(undoing_to, 'Broken')
     WHERE state IN ('Running', 'Undoing') AND alive_at < $2 RETURNING id",
);
static UNDO: Statement = Statement::new(
    "UPDATE usage_imports SET state = 'Undoing', alive_at = $2, undoing_to = $3, faults = $4 WHERE id = $1 AND state = 'Running'",
);
static UNDOING: Statement = Statement::new("UPDATE usage_imports SET alive_at = $2 WHERE id = $1 AND state = 'Undoing'");
static UNDONE: Statement = Statement::new(
    "UPDATE usage_imports SET state = coalesce(undoing_to, 'Broken'), ended_at = $2, added = 0, repeated = 0, corrected = 0
     WHERE id = $1 AND state = 'Undoing'",
);
static TOUCHED: Statement =
    Statement::new("SELECT azure_id FROM usage_touched WHERE import_id = $1 AND azure_id > $2 ORDER BY azure_id LIMIT $3");
static TAKE_OUT: Statement =
    Statement::new("DELETE FROM usage_records WHERE import_id = $2 AND azure_id IN (SELECT r.azure FROM {1: azure uuid} AS r)");
static UNTOUCH: Statement =
    Statement::new("DELETE FROM usage_touched WHERE import_id = $2 AND azure_id IN (SELECT r.azure FROM {1: azure uuid} AS r)");
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

/// Where an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(crate) enum ImportState {
    /// It is being read. Nothing of it is seen yet.
    Running,
    /// What it brought is being taken out again.
    Undoing,
    /// All of it is here.
    Done,
    /// It is at fault, and nothing of it is here.
    Refused,
    /// It broke off, and nothing of it is here.
    Broken,
}

impl ImportState {
    const ALL: [Self; 5] = [Self::Running, Self::Undoing, Self::Done, Self::Refused, Self::Broken];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Undoing => "Undoing",
            Self::Done => "Done",
            Self::Refused => "Refused",
            Self::Broken => "Broken",
        }
    }
}

/// An import.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    pub(crate) id: Uuid,
    pub(crate) partner: PartnerId,
    pub(crate) state: ImportState,
    pub(crate) format: String,
    pub(crate) actor: String,
    pub(crate) document: String,
    pub(crate) created_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) records: u64,
    pub(crate) added: u64,
    pub(crate) repeated: u64,
    pub(crate) corrected: u64,
    pub(crate) faults: Option<Faults>,
}

impl Import {
    fn of(row: &Row) -> Result<Self, StorageError> {
        let state: String = row.get(2)?;
        let known = ImportState::ALL.into_iter().find(|one| one.name() == state);
        let count = |column: usize| row.get::<i64>(column).map(|count| u64::try_from(count).unwrap_or_default());
        Ok(Self {
            id: row.get(0)?,
            partner: PartnerId(row.get(1)?),
            state: known.ok_or_else(|| StorageError::Statement(format!("an import of usage is {state}, and that is nothing")))?,
            format: row.get(3)?,
            actor: row.get(4)?,
            document: row.get(5)?,
            created_at: Timestamp::from_micros(row.get(6)?),
            ended_at: row.get::<Option<i64>>(7)?.map(Timestamp::from_micros),
            records: count(8)?,
            added: count(9)?,
            repeated: count(10)?,
            corrected: count(11)?,
            faults: row.get::<Option<String>>(12)?.map(|text| from_json("the faults of a file of usage", &text)).transpose()?,
        })
    }
}

/// What a batch came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) records: u64,
    pub(super) added: u64,
    pub(super) repeated: u64,
    pub(super) corrected: u64,
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Says that the import goes on. False where somebody has taken it for dead.
pub(super) async fn alive(tx: &mut Transaction, import: Uuid, counts: Counts, now: Timestamp) -> Result<bool, StorageError> {
    let Counts { records, added, repeated, corrected } = counts;
    let args = Args::new().value(import).value(now.as_micros()).value(number(records)).value(number(added));
    Ok(tx.execute(&ALIVE, args.value(number(repeated)).value(number(corrected))).await? == 1)
}

/// Counts what is known only once the batch is written: of those that were taken for new, so many are not.
pub(super) async fn count(tx: &mut Transaction, import: Uuid, not_added: u64, counts: Counts) -> Result<(), StorageError> {
    let args = Args::new().value(import).value(number(not_added)).value(number(counts.repeated)).value(number(counts.corrected));
    tx.execute(&COUNT, args).await.map(drop)
}

impl Usage {
    /// An import.
    pub(crate) async fn import(&self, id: Uuid) -> Result<Option<Import>, StorageError> {
        self.database.query(&ONE, Args::new().value(id)).await?.first().map(Import::of).transpose()
    }

    /// Imports of a partner, or of all, the newest first.
    pub(crate) async fn imports(
        &self,
        partner: Option<PartnerId>,
        before: Option<(i64, Uuid)>,
        limit: u32,
    ) -> Result<Vec<Import>, StorageError> {
        let (at, id) = before.unwrap_or((i64::MAX, Uuid::max()));
        let args = Args::new().value(partner.map(|partner| partner.0)).value(at).value(id).value(limit);
        self.database.query(&NEWEST, args).await?.iter().map(Import::of).collect()
    }

    /// The first import that has brought the same file.
    pub(crate) async fn same_file(&self, partner: PartnerId, document: &str) -> Result<Option<Import>, StorageError> {
        self.database.query(&SAME_FILE, Args::new().value(partner.0).value(document)).await?.first().map(Import::of).transpose()
    }

    /// Begins one; false where another one of the partner is under way. One that broke may be begun again.
    pub(super) async fn begin(&self, id: Uuid, partner: PartnerId, format: &str, actor: &str) -> Result<bool, StorageError> {
        self.undo_silent_ones().await?;
        self.database.execute(&FORGET_BROKEN, Args::new().value(id)).await?;
        let now = self.ports.clock.now().as_micros();
        let args = Args::new().value(id).value(partner.0).value(format).value(actor).value(now);
        Ok(self.database.execute(&BEGIN, args).await? == 1)
    }

    /// Everything that it brought is seen from now on. False where somebody has taken it for dead.
    pub(super) async fn done(&self, import: &Import, document: &str) -> Result<bool, StorageError> {
        let now = self.ports.clock.now();
        let mut tx = self.database.begin().await?;
        if !alive(&mut tx, import.id, Counts::default(), now).await? {
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
        tx.execute(&KEEP_OLD, Args::new().value(import.id)).await?;
        tx.execute(&CORRECT, Args::new().value(import.id)).await?;
        tx.execute(&DROP_CORRECTIONS, Args::new().value(import.id)).await?;
        tx.execute(&DROP_TOUCHED, Args::new().value(import.id)).await?;
        marks::mark(&mut tx, import.id, import.partner.0).await?;
        tx.execute(&DONE, Args::new().value(import.id).value(now.as_micros()).value(document)).await?;
        tx.commit().await?;
        self.brought.notify_one();
        Ok(true)
    }

    /// It is at fault, or broke off: what it brought is taken out again.
    pub(super) async fn undo(&self, id: Uuid, faults: Option<&Faults>) -> Result<(), StorageError> {
        let (now, to) = (self.ports.clock.now().as_micros(), if faults.is_some() { "Refused" } else { "Broken" });
        let faults = faults.map(to_json).transpose()?;
        if self.database.execute(&UNDO, Args::new().value(id).value(now).value(to).value(faults)).await? == 1 {
            self.take_out(id).await?;
        }
        Ok(())
    }

    /// Undoes those that nobody has been seen at for long. How many.
    pub(crate) async fn undo_silent_ones(&self) -> Result<usize, StorageError> {
        let now = self.ports.clock.now();
        let silent_since = now.plus_seconds(-SILENT).as_micros();
        let silent = self.database.query(&SILENT_ONES, Args::new().value(now.as_micros()).value(silent_since)).await?;
        for row in &silent {
            self.take_out(row.get(0)?).await?;
        }
        Ok(silent.len())
    }

    /// Some subscriptions at a time, each time in a transaction of its own: a crash in between is gone on from.
    async fn take_out(&self, id: Uuid) -> Result<(), StorageError> {
        loop {
            let page = self.database.query(&TOUCHED, Args::new().value(id).value(Uuid::nil()).value(PAGE)).await?;
            if page.is_empty() {
                break;
            }
            let rows: Vec<Vec<Value>> =
                page.iter().map(|row| row.get::<Uuid>(0).map(|azure| vec![azure.into()])).collect::<Result<_, _>>()?;
            let mut tx = self.database.begin().await?;
            tx.execute(&UNDOING, Args::new().value(id).value(self.ports.clock.now().as_micros())).await?;
            tx.execute(&TAKE_OUT, Args::new().rows(rows.clone()).value(id)).await?;
            tx.execute(&UNTOUCH, Args::new().rows(rows).value(id)).await?;
            tx.commit().await?;
        }
        let mut tx = self.database.begin().await?;
        tx.execute(&DROP_CORRECTIONS, Args::new().value(id)).await?;
        marks::forget(&mut tx, id).await?;
        tx.execute(&UNDONE, Args::new().value(id).value(self.ports.clock.now().as_micros())).await?;
        tx.commit().await
    }
}
