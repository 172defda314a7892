//! Batches as they are stored.

use super::{BatchState, Batches, gate::Gate, options::Options};
use crate::model::{from_json, to_json};
use planshift_domain::{ids::PartnerId, time::Timestamp};
use planshift_storage::{Args, Row, Statement, StorageError, Transaction};
use uuid::Uuid;

/// A batch, without what its rows add up to.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) id: Uuid,
    pub(crate) partner: PartnerId,
    /// The partner's own name of it.
    pub(crate) reference: String,
    pub(crate) created_at: Timestamp,
    pub(crate) actor: String,
    pub(crate) options: Options,
    /// What the rows are known by, as they came.
    pub(crate) rows_hash: String,
    pub(crate) rows: u32,
    pub(crate) keep_to_plan: bool,
    /// What is under way is undone too.
    pub(crate) undo: bool,
    pub(crate) state: BatchState,
    /// Why it stopped.
    pub(crate) note: String,
    /// Counts up with every change of the batch itself.
    pub(crate) version: u32,
    pub(crate) changed_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    pub(super) start_when_planned: bool,
    pub(super) ends_before: i64,
    pub(super) failures_before: i64,
    pub(crate) traceparent: String,
    pub(crate) gate: Gate,
}

macro_rules! batches {
    ($rest:literal) => {
        Statement::new(concat!(
            "SELECT id, partner_id, reference, created_at, actor, options, rows_hash, rows, keep_to_plan, undo, state, note, version,
                    changed_at, started_at, ended_at, start_when_planned, ends_before, failures_before, traceparent, schedule_id, up_to,
                    closes_at, closed
             FROM batches ",
            $rest
        ))
    };
}
static ONE: Statement = batches!("WHERE id = $1");
static LOCKED: Statement = batches!("WHERE id = $1 {for update}");
static BY_REFERENCE: Statement = batches!("WHERE partner_id = $1 AND reference = $2");
static OF_PARTNER: Statement = batches!(
    "WHERE partner_id = $1 AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR reference = $3)
       AND (created_at, id) < ($4::bigint, $5::uuid)
     ORDER BY created_at DESC, id DESC LIMIT $6"
);
static OF_PARTNER_NAMED: Statement = batches!(
    "WHERE partner_id = $1 AND ($2::text IS NULL OR state = $2) AND reference = $3::text AND (created_at, id) < ($4::bigint, $5::uuid)
     ORDER BY created_at DESC, id DESC LIMIT $6"
);
static OF_ALL: Statement = batches!(
    "WHERE $1::uuid IS NULL AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR reference = $3)
       AND (created_at, id) < ($4::bigint, $5::uuid)
     ORDER BY created_at DESC, id DESC LIMIT $6"
);
static AT_WORK: Statement = batches!("WHERE state IN ('Planning', 'Running', 'Pausing', 'Cancelling') ORDER BY created_at, id LIMIT $1");
pub(super) static INSERT: Statement = Statement::new(
    "INSERT INTO batches (id, partner_id, reference, created_at, actor, options, rows_hash, rows, at_once, stop_percent, stop_minimum,
                          keep_to_plan, start_when_planned, undo, state, note, version, changed_at, started_at, ended_at, ends_before,
                          failures_before, traceparent)
     SELECT $1::uuid, $2::uuid, $3::text, $4::bigint, $5::text, $6::text, $7::text, $8::bigint, $9::bigint, $10::bigint, $11::bigint,
            $12::boolean, $13::boolean, false, $14::text, '', 1, $4::bigint, $15::bigint, NULL, 0, 0, $16::text
     WHERE true
     ON CONFLICT (partner_id, reference) DO NOTHING",
);
static ACTS: Statement =
    Statement::new("SELECT version, at, act, actor, reason, state FROM batch_acts WHERE batch_id = $1 ORDER BY version DESC LIMIT $2");

/// How many acts are shown.
const ACTS_SHOWN: u32 = 200;

/// Something that was done to a batch.
#[derive(Clone, Debug)]
pub(crate) struct Acted {
    /// The version of the batch that it made.
    pub(crate) version: u32,
    pub(crate) at: Timestamp,
    /// `Created`, or a move.
    pub(crate) act: String,
    pub(crate) actor: String,
    pub(crate) reason: String,
    /// The state that followed.
    pub(crate) state: String,
}

/// Which batches are wanted: those that meet all that is given.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BatchFilter<'a> {
    pub(crate) partner: Option<PartnerId>,
    pub(crate) state: Option<BatchState>,
    /// The partner's own name of it, whole.
    pub(crate) reference: Option<&'a str>,
}

/// The key of the last batch of a page.
pub(super) type BatchKey = (Timestamp, Uuid);

impl Batches {
    pub(crate) async fn find(&self, id: Uuid) -> Result<Option<Batch>, StorageError> {
        self.database.query(&ONE, Args::new().value(id)).await?.first().map(batch).transpose()
    }

    pub(crate) async fn by_reference(&self, partner: PartnerId, reference: &str) -> Result<Option<Batch>, StorageError> {
        self.database.query(&BY_REFERENCE, Args::new().value(partner.0).value(reference)).await?.first().map(batch).transpose()
    }

    /// At most so many after that one, newest first.
    pub(crate) async fn list(&self, filter: BatchFilter<'_>, after: Option<BatchKey>, most: u32) -> Result<Vec<Batch>, StorageError> {
        let (at, id) = after.map_or((i64::MAX, Uuid::max()), |(at, id)| (at.as_micros(), id));
        let BatchFilter { partner, state, reference } = filter;
        let statement = match (partner, reference) {
            (Some(_), Some(_)) => &OF_PARTNER_NAMED,
            (Some(_), None) => &OF_PARTNER,
            (None, _) => &OF_ALL,
        };
        let args = Args::new().value(partner.map(|id| id.0)).value(state.map(BatchState::name)).value(reference).value(at).value(id);
        self.database.query(statement, args.value(most)).await?.iter().map(batch).collect()
    }

    /// Those that somebody has to do something for, the oldest first.
    pub(super) async fn at_work(&self, most: u32) -> Result<Vec<Batch>, StorageError> {
        self.database.query(&AT_WORK, Args::new().value(most)).await?.iter().map(batch).collect()
    }

    /// What was done to it, the newest first.
    pub(crate) async fn acts(&self, id: Uuid) -> Result<Vec<Acted>, StorageError> {
        let rows = self.database.query(&ACTS, Args::new().value(id).value(ACTS_SHOWN)).await?;
        let acted = |row: &Row| {
            Ok(Acted {
                version: row.get(0)?,
                at: Timestamp::from_micros(row.get(1)?),
                act: row.get(2)?,
                actor: row.get(3)?,
                reason: row.get(4)?,
                state: row.get(5)?,
            })
        };
        rows.iter().map(acted).collect()
    }
}

/// The batch, which nobody else changes until the transaction ends.
pub(crate) async fn lock(transaction: &mut Transaction, id: Uuid) -> Result<Option<Batch>, StorageError> {
    transaction.query(&LOCKED, Args::new().value(id)).await?.first().map(batch).transpose()
}

/// The arguments of [`INSERT`].
pub(super) fn insert_args(batch: &Batch) -> Result<Args, StorageError> {
    let options = &batch.options;
    Ok(Args::new()
        .value(batch.id)
        .value(batch.partner.0)
        .value(&batch.reference)
        .value(batch.created_at.as_micros())
        .value(&batch.actor)
        .value(to_json(options)?)
        .value(&batch.rows_hash)
        .value(batch.rows)
        .value(options.at_once)
        .value(options.stop_percent)
        .value(options.stop_minimum)
        .value(batch.keep_to_plan)
        .value(batch.start_when_planned)
        .value(batch.state.name())
        .value(batch.started_at.map(Timestamp::as_micros))
        .value(&batch.traceparent))
}

fn batch(row: &Row) -> Result<Batch, StorageError> {
    let state: String = row.get(10)?;
    let time = |index| row.get::<Option<i64>>(index).map(|at| at.map(Timestamp::from_micros));
    let at = |index| row.get::<i64>(index).map(Timestamp::from_micros);
    Ok(Batch {
        id: row.get(0)?,
        partner: PartnerId(row.get(1)?),
        reference: row.get(2)?,
        created_at: at(3)?,
        actor: row.get(4)?,
        options: from_json("the options of a batch", &row.get::<String>(5)?)?,
        rows_hash: row.get(6)?,
        rows: row.get(7)?,
        keep_to_plan: row.get(8)?,
        undo: row.get(9)?,
        state: BatchState::from_name(&state).ok_or_else(|| StorageError::Statement(format!("a batch has the state {state:?}")))?,
        note: row.get(11)?,
        version: row.get(12)?,
        changed_at: at(13)?,
        started_at: time(14)?,
        ended_at: time(15)?,
        start_when_planned: row.get(16)?,
        ends_before: row.get(17)?,
        failures_before: row.get(18)?,
        traceparent: row.get(19)?,
        gate: Gate { schedule: row.get(20)?, up_to: row.get(21)?, closes_at: time(22)?, closed: row.get(23)? },
    })
}
