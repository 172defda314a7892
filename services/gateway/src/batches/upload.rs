//! A batch that comes in: read twice from its file, row by row. First for what is wrong with it and what it is known by; then its rows are
//! laid aside in the database, held against what is known there with a statement for each check, and made a batch by one transaction, or
//! thrown away. So memory does not grow with the rows, and there is a batch whole or not at all.

use super::{
    BatchState, Batches, Gate,
    acts::{ACTED, By, acted_args},
    csv,
    fault::{Faults, LISTED, Place},
    json::{self, Rest},
    options::{Filter, Options, Which},
    rows::{NewRow, RowsHash},
    store::{Batch, INSERT, insert_args},
};
use crate::{
    schedules::{self, MakeError, NewSchedule},
    words::words,
};
use planshift_domain::{ids::PartnerId, time::Timestamp};
use planshift_storage::{Args, Row, Statement, StorageError, Value};
use std::{
    fs::File,
    io::{self, Seek as _},
    ops::ControlFlow,
};
use tokio::sync::mpsc;
use uuid::Uuid;

/// How many rows are laid aside in one statement.
const CHUNK: usize = 1_000;
/// How many chunks are read ahead.
const READ_AHEAD: usize = 2;
/// After how long what was laid aside and became no batch is taken to have been cut off: longer than a document may take.
const CUT_OFF_SECONDS: i64 = 2 * 3600;

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Table,
}

/// A document that has come whole.
pub(crate) struct Document {
    pub(crate) file: File,
    pub(crate) form: Form,
}

/// What a document was found to be, when it was read for the first time.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) rest: Rest,
    pub(crate) rows_hash: String,
    pub(crate) faults: Faults,
    /// How many rows there are that can be looked at.
    pub(crate) good: u64,
}

/// A batch that is to be.
#[derive(Clone, Debug)]
pub(crate) struct NewBatch {
    pub(crate) partner: PartnerId,
    pub(crate) reference: String,
    pub(crate) options: Options,
    pub(crate) rows_hash: String,
    pub(crate) by: By,
    pub(crate) traceparent: String,
    /// It is made for this schedule, and with it.
    pub(crate) schedule: Option<NewSchedule>,
}

/// Where the rows come from.
pub(crate) enum Source {
    Document(Document),
    /// A few, which came with the request. Numbered from 1, in their order.
    Rows(Vec<NewRow>),
}

/// What became of it.
pub(crate) enum Taken {
    /// There is a batch of that reference, which this is: made now, or before.
    Batch(Box<Batch>),
    /// There is a batch of that reference, and it differs in these.
    Another(Box<Batch>, Vec<String>),
    /// Nothing was taken.
    Faulty(Faults),
}

/// Why nothing became of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("the document cannot be read")]
    Io(#[from] io::Error),
    #[error("reading a document ended early")]
    Stopped,
    /// The batch could be made, and its schedule not.
    #[error(transparent)]
    Schedule(#[from] MakeError),
}

static UPLOAD: Statement = Statement::new("INSERT INTO batch_uploads (id, begun_at) VALUES ($1, $2)");
static UPLOADED: Statement = Statement::new("DELETE FROM batch_uploads WHERE id = $1");
static CUT_OFF: Statement = Statement::new("SELECT id FROM batch_uploads WHERE begun_at < $1 LIMIT 10");
static FORGET: Statement = Statement::new("DELETE FROM batch_rows WHERE batch_id = $1");
static LAY_ASIDE: Statement = Statement::new(
    "INSERT INTO batch_rows (batch_id, number, customer_id, reference, given_hash, state, attempt, due_at, version, subscriptions, plan_state,
                             plan_subscriptions, plan_buy, plan_reuse, plan_reactivate)
     SELECT $1::uuid, r.number, r.customer_id, r.reference, r.given_hash, 'Waiting', 1, 0, 0, 0, $3::text, 0, 0, 0, 0
     FROM {2: number bigint, customer_id uuid, reference text, given_hash text} AS r",
);
static COUNT: Statement = Statement::new("SELECT count(*) FROM batch_rows WHERE batch_id = $1");
// who has a transition under way, or a row of another batch that is at work or has a schedule, would be refused: it is left out of what a
// filter means
static RESOLVE: Statement = Statement::new(
    "INSERT INTO batch_rows (batch_id, number, customer_id, reference, given_hash, state, attempt, due_at, version, subscriptions, plan_state,
                             plan_subscriptions, plan_buy, plan_reuse, plan_reactivate)
     SELECT $1::uuid, row_number() OVER (ORDER BY c.sort_name, c.customer_id), c.customer_id, '', NULL, 'Waiting', 1, 0, 0, 0, $3::text, 0, 0, 0, 0
     FROM customers AS c
     WHERE c.partner_id = $2::uuid
       AND ($4::text IS NULL OR EXISTS (SELECT 1 FROM customer_resellers AS m
            WHERE m.partner_id = c.partner_id AND m.mpn_id = $4 AND m.customer_id = c.customer_id AND m.version >= c.version))
       AND NOT EXISTS (SELECT 1 FROM transitions AS t WHERE t.customer_id = c.customer_id AND t.partner_id = c.partner_id
            AND t.state NOT IN ('Completed', 'Ineligible', 'Compensated'))
       AND NOT EXISTS (SELECT 1 FROM batch_rows AS o JOIN batches AS b ON b.id = o.batch_id
            WHERE o.customer_id = c.customer_id AND b.partner_id = c.partner_id AND o.state IN ('Waiting', 'Starting', 'Running')
              AND (b.schedule_id IS NOT NULL OR b.state IN ('Planning', 'Running', 'Pausing', 'Paused', 'Stopped', 'Cancelling')))",
);
static TWICE: Statement = Statement::new(
    "SELECT r.number, r.customer_id, f.number
     FROM (SELECT customer_id, min(number) AS number FROM batch_rows WHERE batch_id = $1 GROUP BY customer_id HAVING count(*) > 1) AS f
     JOIN batch_rows AS r ON r.customer_id = f.customer_id AND r.batch_id = $1 AND r.number > f.number
     ORDER BY r.number LIMIT $2",
);
static COUNT_TWICE: Statement = Statement::new("SELECT count(*) - count(DISTINCT customer_id) FROM batch_rows WHERE batch_id = $1");
macro_rules! unknown {
    ($what:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM batch_rows AS r WHERE r.batch_id = $1 AND NOT EXISTS
                 (SELECT 1 FROM customers AS c WHERE c.partner_id = $2 AND c.customer_id = r.customer_id)",
            $rest
        )
    };
}
static UNKNOWN: Statement = Statement::new(unknown!("r.number, r.customer_id, NULL::text", " ORDER BY r.number LIMIT $3"));
static COUNT_UNKNOWN: Statement = Statement::new(unknown!("count(*)", ""));
macro_rules! busy {
    ($what:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM batch_rows AS r JOIN batch_rows AS o ON o.customer_id = r.customer_id AND o.batch_id <> r.batch_id
              JOIN batches AS b ON b.id = o.batch_id
              WHERE r.batch_id = $1 AND b.partner_id = $2 AND o.state IN ('Waiting', 'Starting', 'Running')
                AND (b.schedule_id IS NOT NULL OR b.state IN ('Planning', 'Running', 'Pausing', 'Paused', 'Stopped', 'Cancelling'))",
            $rest
        )
    };
}
static BUSY: Statement = Statement::new(busy!("r.number, r.customer_id, b.reference", " ORDER BY r.number LIMIT $3"));
static COUNT_BUSY: Statement = Statement::new(busy!("count(*)", ""));

impl Document {
    /// Reads it for the first time.
    pub(crate) async fn look(self) -> Result<(Self, Read), UploadError> {
        let looked = tokio::task::spawn_blocking(move || {
            let (mut faults, mut hash, mut good) = (Faults::default(), RowsHash::default(), 0);
            let rest = self.rows(&mut faults, |row| {
                hash.add(&row);
                good += 1;
                ControlFlow::Continue(())
            })?;
            Ok::<_, UploadError>((self, Read { rest, rows_hash: hash.finish(), faults, good }))
        });
        looked.await.map_err(|_| UploadError::Stopped)?
    }

    fn rows(&self, faults: &mut Faults, give: impl FnMut(NewRow) -> ControlFlow<()>) -> Result<Rest, UploadError> {
        let mut file = &self.file;
        file.rewind()?;
        let rest = match self.form {
            Form::Json => json::read(file, give, faults)?,
            Form::Table => csv::read(file, give, faults)?.map_continue(|()| Rest { has_rows: true, ..Rest::default() }),
        };
        rest.continue_value().ok_or(UploadError::Stopped)
    }
}

impl Batches {
    /// Makes a batch of the document's rows, or of the customers that the filter means. The same reference again is the same batch.
    pub(crate) async fn take(&self, new: NewBatch, source: Source, mut faults: Faults) -> Result<Taken, UploadError> {
        if let Some(known) = self.by_reference(new.partner, &new.reference).await?.filter(|_| faults.is_empty()) {
            return Ok(compared(known, &new));
        }
        let id = self.ports.random.id();
        self.database.execute(&UPLOAD, Args::new().value(id).value(self.ports.clock.now().as_micros())).await?;
        let taken = self.laid_aside(id, new, source, &mut faults).await;
        if !matches!(&taken, Ok(Some(Taken::Batch(batch))) if batch.id == id) {
            self.forget_upload(id).await?;
        }
        Ok(taken?.unwrap_or_else(|| Taken::Faulty(faults.sorted())))
    }

    async fn laid_aside(&self, id: Uuid, new: NewBatch, source: Source, faults: &mut Faults) -> Result<Option<Taken>, UploadError> {
        let (was_good, wanted) = (faults.is_empty(), new.options.dry_run.then_some("Wanted"));
        match &new.options.filter {
            Some(filter) => self.resolve(id, new.partner, filter, wanted).await?,
            None => match source {
                Source::Document(document) => self.lay_aside(id, document, wanted).await?,
                Source::Rows(rows) => {
                    let rows = rows.into_iter().map(laid).collect();
                    self.database.execute(&LAY_ASIDE, Args::new().value(id).rows(rows).value(wanted)).await?;
                }
            },
        }
        let rows: u32 = self.database.query(&COUNT, Args::new().value(id)).await?.first().map_or(Ok(0), |row| row.get(0))?;
        if new.options.filter.is_none() {
            self.hold_against_what_is_known(id, new.partner, faults).await?;
        }
        if rows == 0 && faults.is_empty() {
            let expected = match new.options.filter {
                Some(_) => words!("a filter that a customer meets", "un filtre auquel un client répond"),
                None => words!("at least one row", "au moins une ligne"),
            };
            faults.add(Place::default(), "", expected);
        }
        if !faults.is_empty() {
            // the same sent at the same time was first, and its own rows stand in the way of these: that is no fault of theirs
            let first = if was_good { self.by_reference(new.partner, &new.reference).await? } else { None };
            return Ok(first.map(|first| compared(first, &new)));
        }
        let mut batch = self.batch_of(id, rows, &new);
        let mut transaction = self.database.begin().await?;
        if transaction.execute(&INSERT, insert_args(&batch)?).await? == 0 {
            transaction.rollback().await?;
            // somebody else was first with this reference
            let known = self.by_reference(new.partner, &new.reference).await?;
            return Ok(known.map(|known| compared(known, &new)));
        }
        transaction.execute(&ACTED, acted_args(&batch, "Create", &new.by)).await?;
        transaction.execute(&UPLOADED, Args::new().value(id)).await?;
        if let Some(schedule) = &new.schedule {
            let made = schedules::make_in(&mut transaction, &mut batch, schedule, self.ports.clock.now()).await;
            if let Err(error) = made {
                transaction.rollback().await?;
                return match error {
                    MakeError::Known => Ok(None),
                    error => Err(error.into()),
                };
            }
        }
        transaction.commit().await?;
        self.news.notify_one();
        Ok(Some(Taken::Batch(Box::new(batch))))
    }

    fn batch_of(&self, id: Uuid, rows: u32, new: &NewBatch) -> Batch {
        let (now, options) = (self.ports.clock.now(), new.options.clone());
        let state = match (options.dry_run, options.start) {
            (true, _) => BatchState::Planning,
            (false, true) => BatchState::Running,
            (false, false) => BatchState::Draft,
        };
        Batch {
            id,
            partner: new.partner,
            reference: new.reference.clone(),
            created_at: now,
            actor: new.by.actor.clone(),
            rows_hash: new.rows_hash.clone(),
            rows,
            keep_to_plan: options.keep_to_plan,
            undo: false,
            state,
            note: String::new(),
            version: 1,
            changed_at: now,
            started_at: (state == BatchState::Running).then_some(now),
            ended_at: None,
            start_when_planned: options.dry_run && options.start,
            ends_before: 0,
            failures_before: 0,
            traceparent: new.traceparent.clone(),
            gate: Gate::default(),
            options,
        }
    }

    async fn resolve(&self, id: Uuid, partner: PartnerId, filter: &Filter, wanted: Option<&str>) -> Result<(), StorageError> {
        // those that may move are found out by the dry run, which refuses the others
        debug_assert!(filter.customers == Which::All || wanted.is_some());
        let reseller = filter.reseller.as_ref().map(planshift_domain::ids::MpnId::as_str);
        let args = Args::new().value(id).value(partner.0).value(wanted).value(reseller);
        self.database.execute(&RESOLVE, args).await.map(drop)
    }

    async fn lay_aside(&self, id: Uuid, document: Document, wanted: Option<&'static str>) -> Result<(), UploadError> {
        let (give, mut chunks) = mpsc::channel::<Vec<Vec<Value>>>(READ_AHEAD);
        let reading = tokio::task::spawn_blocking(move || {
            let mut chunk: Vec<Vec<Value>> = Vec::with_capacity(CHUNK);
            // what is wrong was told when it was read for the first time
            document.rows(&mut Faults::default(), |row| {
                chunk.push(laid(row));
                if chunk.len() < CHUNK {
                    return ControlFlow::Continue(());
                }
                // a receiver that is gone has failed already, and says why
                match give.blocking_send(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK))) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            })?;
            if !chunk.is_empty() {
                let _ = give.blocking_send(chunk);
            }
            Ok::<_, UploadError>(())
        });
        while let Some(chunk) = chunks.recv().await {
            self.database.execute(&LAY_ASIDE, Args::new().value(id).rows(chunk).value(wanted)).await?;
        }
        reading.await.map_err(|_| UploadError::Stopped)?
    }

    /// Customers that stand there twice, that nobody knows, that are in another batch which is at work.
    async fn hold_against_what_is_known(&self, id: Uuid, partner: PartnerId, faults: &mut Faults) -> Result<(), StorageError> {
        let most = i64::try_from(LISTED).unwrap_or(i64::MAX);
        let (alone, whose) = (|| Args::new().value(id), || Args::new().value(id).value(partner.0));
        let twice = (self.database.query(&COUNT_TWICE, alone()).await?, self.database.query(&TWICE, alone().value(most)).await?);
        told(faults, twice, |row| {
            let first: i64 = row.get(2)?;
            Ok(words!("a customer that is not in row {first} already", "un client qui n’est pas déjà à la ligne de données {first}"))
        })?;
        let unknown = (self.database.query(&COUNT_UNKNOWN, whose()).await?, self.database.query(&UNKNOWN, whose().value(most)).await?);
        told(faults, unknown, |_| Ok(words!("a customer that was imported", "un client qui a été importé")))?;
        self.hold_against_others(id, partner, faults).await
    }

    async fn hold_against_others(&self, id: Uuid, partner: PartnerId, faults: &mut Faults) -> Result<(), StorageError> {
        let most = i64::try_from(LISTED).unwrap_or(i64::MAX);
        let whose = || Args::new().value(id).value(partner.0);
        let busy = (self.database.query(&COUNT_BUSY, whose()).await?, self.database.query(&BUSY, whose().value(most)).await?);
        told(faults, busy, |row| {
            let other: String = row.get(2)?;
            Ok(words!(
                "a customer that is not in the batch {other:?}, which is at work or has a schedule",
                "un client qui n’est pas dans le lot {other:?}, en cours ou planifié"
            ))
        })
    }

    /// Customers of a batch that are in another one which is at work: told as faults of its rows.
    pub(crate) async fn busy_elsewhere(&self, batch: &Batch) -> Result<Faults, StorageError> {
        let mut faults = Faults::default();
        self.hold_against_others(batch.id, batch.partner, &mut faults).await?;
        Ok(faults)
    }

    async fn forget_upload(&self, id: Uuid) -> Result<(), StorageError> {
        self.database.execute(&FORGET, Args::new().value(id)).await?;
        self.database.execute(&UPLOADED, Args::new().value(id)).await.map(drop)
    }

    /// Throws away what was laid aside and then cut off, by a crash as a rule.
    pub(crate) async fn forget_cut_off(&self) -> Result<(), StorageError> {
        let before = self.ports.clock.now().plus_seconds(-CUT_OFF_SECONDS);
        for row in self.database.query(&CUT_OFF, Args::new().value(Timestamp::as_micros(before))).await? {
            self.forget_upload(row.get(0)?).await?;
        }
        Ok(())
    }
}

/// A row as it is laid aside.
fn laid(row: NewRow) -> Vec<Value> {
    vec![row.number.into(), row.customer.0.into(), row.reference.into(), row.plan_hash.into()]
}

/// Is it the same batch?
fn compared(known: Batch, new: &NewBatch) -> Taken {
    let mut differences = known.options.differences(&new.options);
    // what a filter means was decided once, and may be other customers by now
    if new.options.filter.is_none() && known.options.filter.is_none() && known.rows_hash != new.rows_hash {
        differences.push("rows".to_owned());
    }
    if differences.is_empty() { Taken::Batch(Box::new(known)) } else { Taken::Another(Box::new(known), differences) }
}

/// Notes faults of rows: how many there are, and those that were read.
fn told(
    faults: &mut Faults,
    (count, listed): (Vec<Row>, Vec<Row>),
    expected: impl Fn(&Row) -> Result<crate::words::Words, StorageError>,
) -> Result<(), StorageError> {
    let total: u64 = count.first().map_or(Ok(0), |row| row.get::<i64>(0))?.unsigned_abs();
    for row in &listed {
        let (number, customer): (u32, Uuid) = (row.get(0)?, row.get(1)?);
        faults.add(Place::row(number).column("customerId"), &customer.to_string(), expected(row)?);
    }
    faults.count(total.saturating_sub(listed.len() as u64));
    Ok(())
}
