//! Files: begun, seen to be alive, ended, withdrawn; and what one that ended badly has left, taken out again.

use super::Invoices;
use crate::model::{from_json, to_json};
use planshift_billing::{parse::Faults, reconcile::Series};
use planshift_domain::{ids::PartnerId, time::Timestamp};
use planshift_storage::{Args, Row, Statement, StorageError, Transaction};
use serde::Serialize;
use uuid::Uuid;

/// For how long a file that is being written may be silent: a batch of lines takes a fraction of it.
const SILENT: i64 = 60;
/// How many lines are taken out in one statement.
const PAGE: i64 = 10_000;

macro_rules! files {
    ($rest:literal) => {
        Statement::new(concat!(
            "SELECT id, partner_id, series, state, format, actor, document, created_at, ended_at, lines, unbilled, numbers, from_at, to_at, faults,
                    withdrawn_by, withdrawn_at, withdrawn_why, replaced_by, first_at FROM invoice_files ",
            $rest
        ))
    };
}
static ONE: Statement = files!("WHERE id = $1");
static SAME: Statement = files!("WHERE partner_id = $1 AND document = $2 AND state = 'Done'");
static NEWEST_OF_ALL: Statement = files!("WHERE (created_at, id) < ($1::bigint, $2::uuid) ORDER BY created_at DESC, id DESC LIMIT $3");
static NEWEST: Statement =
    files!("WHERE partner_id = $4 AND (created_at, id) < ($1::bigint, $2::uuid) ORDER BY created_at DESC, id DESC LIMIT $3");
static DONE_FILES: Statement = files!("WHERE partner_id = $1 AND state = 'Done' ORDER BY created_at, id");
static BEGIN: Statement = Statement::new(
    "INSERT INTO invoice_files (id, partner_id, series, state, format, actor, document, created_at, alive_at, lines, unbilled, numbers, from_at,
                                to_at, first_at)
     SELECT $1::uuid, $2::uuid, $3::text, 'Running', $4::text, $5::text, $6::text, $7::bigint, $7::bigint, 0, $8::bigint, $9::text, $10::bigint, $11::bigint,
            $12::bigint
     WHERE NOT EXISTS (SELECT 1 FROM invoice_files WHERE partner_id = $2 AND (state IN ('Running', 'Undoing') OR (document = $6 AND state = 'Done')))
     ON CONFLICT DO NOTHING",
);
static REFUSED: Statement = Statement::new(
    "INSERT INTO invoice_files (id, partner_id, series, state, format, actor, document, created_at, alive_at, ended_at, lines, unbilled, numbers,
                                from_at, to_at, first_at, faults)
     SELECT $1::uuid, $2::uuid, $3::text, 'Refused', $4::text, $5::text, $6::text, $7::bigint, $7::bigint, $7::bigint, 0, 0, '[]', 0, 0, 0, $8::text
     WHERE true ON CONFLICT DO NOTHING",
);
static FORGET_BROKEN: Statement = Statement::new("DELETE FROM invoice_files WHERE id = $1 AND state = 'Broken'");
/// Whoever writes the lines is still there, and the file is still his. Taken first in each of its transactions.
static ALIVE: Statement = Statement::new("UPDATE invoice_files SET alive_at = $2, lines = lines + $3 WHERE id = $1 AND state = 'Running'");
static DONE: Statement = Statement::new("UPDATE invoice_files SET state = 'Done', ended_at = $2 WHERE id = $1 AND state = 'Running'");
static WITHDRAW: Statement = Statement::new(
    "UPDATE invoice_files SET state = 'Withdrawn', withdrawn_by = $3, withdrawn_at = $4, withdrawn_why = $5, replaced_by = $6
     WHERE id = $1 AND partner_id = $2 AND state = 'Done'",
);
static UNDO: Statement = Statement::new("UPDATE invoice_files SET state = 'Undoing', alive_at = $2 WHERE id = $1 AND state = 'Running'");
static SILENT_ONES: Statement = Statement::new(
    "UPDATE invoice_files SET state = 'Undoing', alive_at = $1 WHERE state IN ('Running', 'Undoing') AND alive_at < $2 RETURNING id",
);
static UNDOING: Statement = Statement::new("UPDATE invoice_files SET alive_at = $2 WHERE id = $1 AND state = 'Undoing'");
static TAKE_OUT: Statement = Statement::new(
    "DELETE FROM invoice_lines WHERE file_id = $1
       AND number <= coalesce((SELECT l.number FROM invoice_lines AS l WHERE l.file_id = $1 ORDER BY l.number LIMIT 1 OFFSET $2), 9223372036854775807)",
);
static UNDONE: Statement =
    Statement::new("UPDATE invoice_files SET state = 'Broken', ended_at = $2, lines = 0 WHERE id = $1 AND state = 'Undoing'");

/// Where a file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(crate) enum FileState {
    /// Its lines are being written. Nothing of it is compared yet.
    Running,
    /// What is there of it is being taken out again.
    Undoing,
    /// All of it is here.
    Done,
    /// It is at fault, and nothing of it is here.
    Refused,
    /// It broke off, and nothing of it is here.
    Broken,
    /// It was wrong, and is compared with nothing any more.
    Withdrawn,
}

impl FileState {
    const ALL: [Self; 6] = [Self::Running, Self::Undoing, Self::Done, Self::Refused, Self::Broken, Self::Withdrawn];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Undoing => "Undoing",
            Self::Done => "Done",
            Self::Refused => "Refused",
            Self::Broken => "Broken",
            Self::Withdrawn => "Withdrawn",
        }
    }
}

/// How a series is stored, and named.
pub(super) const fn name_of(series: Series) -> &'static str {
    match series {
        Series::Legacy => "D",
        Series::Plan => "G",
    }
}

/// A file.
#[derive(Clone, Debug)]
pub(crate) struct InvoiceFile {
    pub(crate) id: Uuid,
    pub(crate) partner: PartnerId,
    pub(crate) series: Series,
    pub(crate) state: FileState,
    pub(crate) format: String,
    pub(crate) actor: String,
    pub(crate) document: String,
    pub(crate) created_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) lines: u64,
    pub(crate) unbilled: u64,
    /// The invoices' numbers, the first ones of them.
    pub(crate) numbers: Vec<String>,
    /// For what time it is: of the legacy invoice by its days, of the plan's by UTC days.
    pub(crate) window: (Timestamp, Timestamp),
    /// When its earliest line begins: of usage that an earlier invoice left out, before that time.
    pub(crate) first: Timestamp,
    pub(crate) faults: Option<Faults>,
    pub(crate) withdrawn: Option<Withdrawn>,
}

/// Who withdrew a file, when and why, and what took its place.
#[derive(Clone, Debug)]
pub(crate) struct Withdrawn {
    pub(crate) by: String,
    pub(crate) at: Timestamp,
    pub(crate) why: String,
    pub(crate) replaced_by: Option<Uuid>,
}

impl InvoiceFile {
    fn of(row: &Row) -> Result<Self, StorageError> {
        let (series, state): (String, String) = (row.get(2)?, row.get(3)?);
        let known = FileState::ALL.into_iter().find(|one| one.name() == state);
        let count = |column: usize| row.get::<i64>(column).map(|count| u64::try_from(count).unwrap_or_default());
        let at = Timestamp::from_micros;
        let withdrawn = match (row.get::<Option<String>>(15)?, row.get::<Option<i64>>(16)?) {
            (Some(by), Some(when)) => {
                let why = row.get::<Option<String>>(17)?.unwrap_or_default();
                Some(Withdrawn { by, at: at(when), why, replaced_by: row.get(18)? })
            }
            _ => None,
        };
        Ok(Self {
            id: row.get(0)?,
            partner: PartnerId(row.get(1)?),
            series: if series == name_of(Series::Plan) { Series::Plan } else { Series::Legacy },
            state: known.ok_or_else(|| StorageError::Statement(format!("a file of an invoice is {state}, and that is nothing")))?,
            format: row.get(4)?,
            actor: row.get(5)?,
            document: row.get(6)?,
            created_at: at(row.get(7)?),
            ended_at: row.get::<Option<i64>>(8)?.map(at),
            lines: count(9)?,
            unbilled: count(10)?,
            numbers: from_json("the numbers of invoices", &row.get::<String>(11)?)?,
            window: (at(row.get(12)?), at(row.get(13)?)),
            first: at(row.get(19)?),
            faults: row.get::<Option<String>>(14)?.map(|text| from_json("the faults of an invoice's file", &text)).transpose()?,
            withdrawn,
        })
    }
}

/// Says that the file is still being written. False where somebody has taken its writer for dead.
pub(super) async fn alive(tx: &mut Transaction, id: Uuid, lines: i64, now: Timestamp) -> Result<bool, StorageError> {
    Ok(tx.execute(&ALIVE, Args::new().value(id).value(now.as_micros()).value(lines)).await? == 1)
}

impl Invoices {
    /// A file.
    pub(crate) async fn file(&self, id: Uuid) -> Result<Option<InvoiceFile>, StorageError> {
        self.database.query(&ONE, Args::new().value(id)).await?.first().map(InvoiceFile::of).transpose()
    }

    /// The file with the same content that counts now.
    pub(super) async fn same(&self, partner: PartnerId, document: &str) -> Result<Option<InvoiceFile>, StorageError> {
        self.database.query(&SAME, Args::new().value(partner.0).value(document)).await?.first().map(InvoiceFile::of).transpose()
    }

    /// Files of a partner, or of all, the newest first.
    pub(crate) async fn files(
        &self,
        partner: Option<PartnerId>,
        before: Option<(i64, Uuid)>,
        limit: u32,
    ) -> Result<Vec<InvoiceFile>, StorageError> {
        let (at, id) = before.unwrap_or((i64::MAX, Uuid::max()));
        let args = Args::new().value(at).value(id).value(limit);
        let rows = match partner {
            Some(partner) => self.database.query(&NEWEST, args.value(partner.0)).await?,
            None => self.database.query(&NEWEST_OF_ALL, args).await?,
        };
        rows.iter().map(InvoiceFile::of).collect()
    }

    /// All files of a partner that count: some a month.
    pub(crate) async fn counted(&self, partner: PartnerId) -> Result<Vec<InvoiceFile>, StorageError> {
        self.database.query(&DONE_FILES, Args::new().value(partner.0)).await?.iter().map(InvoiceFile::of).collect()
    }

    /// Begins to write a file. False where another one of the partner is being written, or the same one is there.
    pub(super) async fn begin(&self, file: &InvoiceFile) -> Result<bool, StorageError> {
        self.undo_silent_ones().await?;
        self.database.execute(&FORGET_BROKEN, Args::new().value(file.id)).await?;
        let args = Args::new().value(file.id).value(file.partner.0).value(name_of(file.series)).value(&file.format).value(&file.actor);
        let args = args.value(&file.document).value(self.ports.clock.now().as_micros());
        let args = args.value(i64::try_from(file.unbilled).unwrap_or(i64::MAX)).value(to_json(&file.numbers)?);
        let args = args.value(file.window.0.as_micros()).value(file.window.1.as_micros()).value(file.first.as_micros());
        Ok(self.database.execute(&BEGIN, args).await? == 1)
    }

    /// Keeps what is wrong with a file, for the same request again.
    pub(super) async fn refuse(&self, file: &InvoiceFile, faults: &Faults) -> Result<(), StorageError> {
        let args = Args::new().value(file.id).value(file.partner.0).value(name_of(file.series)).value(&file.format).value(&file.actor);
        let args = args.value(&file.document).value(self.ports.clock.now().as_micros()).value(to_json(faults)?);
        self.database.execute(&REFUSED, args).await.map(drop)
    }

    /// All of it is seen from now on, in the place of the file that it replaces. False where somebody has taken its writer for dead, or the
    /// replaced one does not count any more.
    pub(super) async fn done(&self, id: Uuid, partner: PartnerId, by: &str, replaces: Option<Uuid>) -> Result<bool, StorageError> {
        let now = self.ports.clock.now().as_micros();
        let mut tx = self.database.begin().await?;
        // rows in the order of their ids
        let done = async |tx: &mut Transaction| tx.execute(&DONE, Args::new().value(id).value(now)).await;
        let mut changed = 0;
        let in_order = replaces.is_none_or(|replaced| id < replaced);
        if in_order {
            changed += done(&mut tx).await?;
        }
        if let Some(replaced) = replaces {
            let args = Args::new().value(replaced).value(partner.0).value(by).value(now).value("").value(Some(id));
            changed += tx.execute(&WITHDRAW, args).await?;
        }
        if !in_order {
            changed += done(&mut tx).await?;
        }
        if changed != 1 + u64::from(replaces.is_some()) {
            tx.rollback().await?;
            return Ok(false);
        }
        tx.commit().await?;
        Ok(true)
    }

    /// It was wrong: from now on it is compared with nothing. False where it does not count.
    pub(crate) async fn withdraw(&self, id: Uuid, partner: PartnerId, by: &str, why: &str) -> Result<bool, StorageError> {
        let now = self.ports.clock.now().as_micros();
        let args = Args::new().value(id).value(partner.0).value(by).value(now).value(why).value(None::<Uuid>);
        Ok(self.database.execute(&WITHDRAW, args).await? == 1)
    }

    /// It broke off: what is there of it is taken out again.
    pub(super) async fn undo(&self, id: Uuid) -> Result<(), StorageError> {
        let now = self.ports.clock.now().as_micros();
        if self.database.execute(&UNDO, Args::new().value(id).value(now)).await? == 1 {
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

    /// Some lines at a time, each time in a transaction of its own: a crash in between is gone on from.
    async fn take_out(&self, id: Uuid) -> Result<(), StorageError> {
        while self.database.execute(&TAKE_OUT, Args::new().value(id).value(PAGE)).await? > 0 {
            let now = self.ports.clock.now().as_micros();
            self.database.execute(&UNDOING, Args::new().value(id).value(now)).await?;
        }
        let now = self.ports.clock.now().as_micros();
        self.database.execute(&UNDONE, Args::new().value(id).value(now)).await.map(drop)
    }
}
