//! Invoices: files of lines, which count from their end on until they are withdrawn.

use super::{BringInvoice, Invoices, parse::Whole};
use crate::{
    files::{Brought, File, Table, table},
    model::{from_json, to_json},
};
use planshift_billing::{parse::Faults, reconcile::Series};
use planshift_domain::{ids::PartnerId, time::Timestamp};
use planshift_storage::{Args, Row, Statement, StorageError, Transaction};
use uuid::Uuid;

static TABLE: Table = table!(
    "invoice_files",
    columns: "series, lines, unbilled, numbers, from_at, to_at, first_at, withdrawn_by, withdrawn_at, withdrawn_why, replaced_by",
    undone: "lines = 0",
    take_out: &[&TAKE_OUT],
    forget: &[],
);
static PUT: Statement = Statement::new(
    "INSERT INTO invoice_files (id, partner_id, series, state, format, actor, document, created_at, alive_at, lines, unbilled, numbers, from_at,
                                to_at, first_at, faults, ended_at)
     SELECT $1::uuid, $2::uuid, $3::text, CASE WHEN $12::text IS NULL THEN 'Running' ELSE 'Refused' END, $4::text, $5::text, $6::text,
            $7::bigint, $7::bigint, 0, $8::bigint, $9::text, $10::bigint, $11::bigint, $13::bigint, $12::text,
            CASE WHEN $12::text IS NULL THEN NULL ELSE $7::bigint END
     WHERE $12::text IS NOT NULL
        OR NOT EXISTS (SELECT 1 FROM invoice_files WHERE partner_id = $2 AND (state IN ('Running', 'Undoing') OR (document = $6 AND state = 'Done')))
     ON CONFLICT DO NOTHING",
);
static COUNT: Statement = Statement::new("UPDATE invoice_files SET lines = lines + $2 WHERE id = $1");
static DONE: Statement = Statement::new("UPDATE invoice_files SET state = 'Done', ended_at = $2 WHERE id = $1 AND state = 'Running'");
static WITHDRAW: Statement = Statement::new(
    "UPDATE invoice_files SET state = 'Withdrawn', withdrawn_by = $3, withdrawn_at = $4, withdrawn_why = $5, replaced_by = $6
     WHERE id = $1 AND partner_id = $2 AND state = 'Done'",
);
// some lines at a time
static TAKE_OUT: Statement = Statement::new(
    "DELETE FROM invoice_lines WHERE file_id = $1
       AND number <= coalesce((SELECT l.number FROM invoice_lines AS l WHERE l.file_id = $1 ORDER BY l.number LIMIT 1 OFFSET 10000),
                              9223372036854775807)",
);

/// A file of an invoice.
pub(crate) type InvoiceFile = File<Invoice>;

/// What it has brought.
#[derive(Clone, Debug)]
pub(crate) struct Invoice {
    pub(crate) series: Series,
    pub(crate) lines: u64,
    /// Usage that is on no invoice yet: passed over.
    pub(crate) unbilled: u64,
    /// The invoices' numbers, the first ones of them.
    pub(crate) numbers: Vec<String>,
    /// For what time it is: of the legacy invoice by its days, of the plan's by UTC days.
    pub(crate) window: (Timestamp, Timestamp),
    /// When its earliest line begins: of usage that an earlier invoice left out, before that time.
    pub(crate) first: Timestamp,
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

/// How a series is stored, and named.
pub(super) const fn name_of(series: Series) -> &'static str {
    match series {
        Series::Legacy => "D",
        Series::Plan => "G",
    }
}

impl Brought for Invoice {
    fn table() -> &'static Table {
        &TABLE
    }

    fn of(row: &Row, first: usize) -> Result<Self, StorageError> {
        let series: String = row.get(first)?;
        let count = |column: usize| row.get::<i64>(column).map(|count| u64::try_from(count).unwrap_or_default());
        let at = |column: usize| row.get::<i64>(column).map(Timestamp::from_micros);
        let withdrawn = match (row.get::<Option<String>>(first + 7)?, row.get::<Option<i64>>(first + 8)?) {
            (Some(by), Some(when)) => Some(Withdrawn {
                by,
                at: Timestamp::from_micros(when),
                why: row.get::<Option<String>>(first + 9)?.unwrap_or_default(),
                replaced_by: row.get(first + 10)?,
            }),
            _ => None,
        };
        Ok(Self {
            series: if series == name_of(Series::Plan) { Series::Plan } else { Series::Legacy },
            lines: count(first + 1)?,
            unbilled: count(first + 2)?,
            numbers: from_json("the numbers of invoices", &row.get::<String>(first + 3)?)?,
            window: (at(first + 4)?, at(first + 5)?),
            first: at(first + 6)?,
            withdrawn,
        })
    }
}

/// Counts a batch.
pub(super) async fn count(tx: &mut Transaction, id: Uuid, lines: usize) -> Result<(), StorageError> {
    tx.execute(&COUNT, Args::new().value(id).value(i64::try_from(lines).unwrap_or(i64::MAX))).await.map(drop)
}

impl Invoices {
    /// Begins to write a file; false where another one of the partner is being written, or the same one is there. With faults it is
    /// refused, and they are kept for the same request again.
    pub(super) async fn put(&self, bring: &BringInvoice, whole: &Whole, faults: Option<&Faults>) -> Result<bool, StorageError> {
        let zero = Timestamp::from_micros(0);
        let (from, to) = whole.window.unwrap_or((zero, zero));
        let args = Args::new().value(bring.id).value(bring.partner.0).value(name_of(bring.series)).value(bring.format.name());
        let args = args.value(&bring.actor).value(&bring.document).value(self.ports.clock.now().as_micros());
        let args = args.value(i64::try_from(whole.unbilled).unwrap_or(i64::MAX)).value(to_json(&whole.numbers)?);
        let args = args.value(from.as_micros()).value(to.as_micros()).value(faults.map(to_json).transpose()?);
        self.files.begin(bring.id, &PUT, args.value(whole.first.unwrap_or(from).as_micros())).await
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
}
