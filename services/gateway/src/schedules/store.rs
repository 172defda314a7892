//! Schedules as they are stored.

use super::{Asked, Day, ScheduleAct, ScheduleState, Schedules, When};
use crate::{
    batches::{BatchState, By},
    model::{from_json, to_json},
};
use planshift_domain::{
    ids::{CustomerId, PartnerId},
    time::Timestamp,
};
use planshift_storage::{Args, Database, Row, Statement, StorageError, Transaction, Value};
use uuid::Uuid;

/// A schedule.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) id: Uuid,
    pub(crate) partner: PartnerId,
    /// The partner's own name of it.
    pub(crate) reference: String,
    pub(crate) batch: Uuid,
    /// The batch was made for it.
    pub(crate) owns_batch: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) actor: String,
    pub(crate) asked: Asked,
    pub(crate) when: When,
    pub(crate) state: ScheduleState,
    /// When there is something to do for it.
    pub(crate) next_at: Option<Timestamp>,
    pub(crate) version: u32,
    pub(crate) changed_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    /// Of its batch.
    pub(crate) rows: u32,
    pub(crate) batch_state: BatchState,
}

/// Something that was done to a schedule.
#[derive(Clone, Debug)]
pub(crate) struct Scheduled {
    /// The version that it made.
    pub(crate) version: u32,
    pub(crate) at: Timestamp,
    pub(crate) act: String,
    pub(crate) actor: String,
    pub(crate) reason: String,
    /// The state that followed.
    pub(crate) state: String,
    /// When it was to be from then on.
    pub(crate) when: When,
}

/// Which schedules are wanted: those that meet all that is given.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ScheduleFilter {
    pub(crate) partner: Option<PartnerId>,
    pub(crate) state: Option<ScheduleState>,
    pub(crate) customer: Option<CustomerId>,
    /// A day of it begins at this instant or later, and before that one.
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
}

/// The key of the last schedule of a page.
pub(super) type ScheduleKey = (Timestamp, Uuid);

macro_rules! schedules {
    ($($rest:literal),+) => {
        Statement::new(concat!(
            "SELECT s.id, s.partner_id, s.reference, s.batch_id, s.owns_batch, s.created_at, s.actor, s.asked, s.spec, s.state, s.next_at,
                    s.version, s.changed_at, s.ended_at, b.rows, b.state
             FROM schedules AS s JOIN batches AS b ON b.id = s.batch_id ",
            $($rest),+
        ))
    };
}
macro_rules! list {
    ($partner:literal, $customer:literal) => {
        schedules!(
            "WHERE ",
            $partner,
            " AND ($2::text IS NULL OR s.state = $2) AND ",
            $customer,
            " AND EXISTS (SELECT 1 FROM schedule_days AS d WHERE d.schedule_id = s.id AND d.opens_at >= $4 AND d.opens_at < $5)
              AND (s.created_at, s.id) < ($6::bigint, $7::uuid)
              ORDER BY s.created_at DESC, s.id DESC LIMIT $8"
        )
    };
}
static ONE: Statement = schedules!("WHERE s.id = $1");
static BY_REFERENCE: Statement = schedules!("WHERE s.partner_id = $1 AND s.reference = $2");
static OF_PARTNER: Statement = list!("s.partner_id = $1", "$3::uuid IS NULL");
static OF_ALL: Statement = list!("$1::uuid IS NULL", "$3::uuid IS NULL");
// by the rows of the one customer, which are few
static OF_PARTNERS_CUSTOMER: Statement =
    list!("s.partner_id = $1", "s.batch_id IN (SELECT r.batch_id FROM batch_rows AS r WHERE r.customer_id = $3)");
static OF_CUSTOMER: Statement =
    list!("$1::uuid IS NULL", "s.batch_id IN (SELECT r.batch_id FROM batch_rows AS r WHERE r.customer_id = $3)");
static DAYS: Statement = Statement::new(
    "SELECT day, opens_at, closes_at, first_row, last_row, rows, begun_at FROM schedule_days WHERE schedule_id = $1 ORDER BY day",
);
static ACTS: Statement = Statement::new(
    "SELECT version, at, act, actor, reason, state, spec FROM schedule_acts WHERE schedule_id = $1 ORDER BY version DESC LIMIT $2",
);
static INSERT: Statement = Statement::new(
    "INSERT INTO schedules (id, partner_id, reference, batch_id, owns_batch, created_at, actor, asked, spec, state, next_at, version,
                            changed_at, ended_at)
     SELECT $1::uuid, $2::uuid, $3::text, $4::uuid, $5::boolean, $6::bigint, $7::text, $8::text, $9::text, $10::text, $11::bigint, $12::bigint,
            $6::bigint, NULL
     WHERE true
     ON CONFLICT (partner_id, reference) DO NOTHING",
);
static CHANGED: Statement =
    Statement::new("UPDATE schedules SET spec = $2, state = $3, next_at = $4, version = $5, changed_at = $6, ended_at = $7 WHERE id = $1");
static ACTED: Statement = Statement::new(
    "INSERT INTO schedule_acts (schedule_id, version, at, act, actor, reason, state, spec)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);
static ADD_DAYS: Statement = Statement::new(
    "INSERT INTO schedule_days (schedule_id, day, opens_at, closes_at, first_row, last_row, rows)
     SELECT $1::uuid, r.day, r.opens_at, r.closes_at, r.first_row, r.last_row, r.rows
     FROM {2: day bigint, opens_at bigint, closes_at bigint, first_row bigint, last_row bigint, rows bigint} AS r",
);

/// How many acts are shown.
const ACTS_SHOWN: u32 = 200;

impl Schedules {
    pub(crate) async fn find(&self, id: Uuid) -> Result<Option<Schedule>, StorageError> {
        self.database.query(&ONE, Args::new().value(id)).await?.first().map(schedule).transpose()
    }

    pub(crate) async fn by_reference(&self, partner: PartnerId, reference: &str) -> Result<Option<Schedule>, StorageError> {
        by_reference(&self.database, partner, reference).await
    }

    /// At most so many after that one, newest first.
    pub(crate) async fn list(&self, filter: ScheduleFilter, after: Option<ScheduleKey>, most: u32) -> Result<Vec<Schedule>, StorageError> {
        let (at, id) = after.map_or((i64::MAX, Uuid::max()), |(at, id)| (at.as_micros(), id));
        let statement = match (filter.partner, filter.customer) {
            (Some(_), Some(_)) => &OF_PARTNERS_CUSTOMER,
            (Some(_), None) => &OF_PARTNER,
            (None, Some(_)) => &OF_CUSTOMER,
            (None, None) => &OF_ALL,
        };
        let args = Args::new()
            .value(filter.partner.map(|id| id.0))
            .value(filter.state.map(ScheduleState::name))
            .value(filter.customer.map(|id| id.0))
            .value(filter.from.map_or(i64::MIN, Timestamp::as_micros))
            .value(filter.to.map_or(i64::MAX, Timestamp::as_micros))
            .value(at)
            .value(id)
            .value(most);
        self.database.query(statement, args).await?.iter().map(schedule).collect()
    }

    /// Its days, in their order.
    pub(crate) async fn days(&self, id: Uuid) -> Result<Vec<Day>, StorageError> {
        self.database.query(&DAYS, Args::new().value(id)).await?.iter().map(day).collect()
    }

    /// What was done to it, the newest first.
    pub(crate) async fn acts(&self, id: Uuid) -> Result<Vec<Scheduled>, StorageError> {
        let rows = self.database.query(&ACTS, Args::new().value(id).value(ACTS_SHOWN)).await?;
        let acted = |row: &Row| {
            Ok(Scheduled {
                version: row.get(0)?,
                at: Timestamp::from_micros(row.get(1)?),
                act: row.get(2)?,
                actor: row.get(3)?,
                reason: row.get(4)?,
                state: row.get(5)?,
                when: from_json("when a schedule is to be", &row.get::<String>(6)?)?,
            })
        };
        rows.iter().map(acted).collect()
    }
}

async fn by_reference(database: &Database, partner: PartnerId, reference: &str) -> Result<Option<Schedule>, StorageError> {
    database.query(&BY_REFERENCE, Args::new().value(partner.0).value(reference)).await?.first().map(schedule).transpose()
}

/// As the transaction sees it, which holds the lock of its batch's row.
pub(super) async fn find_in(transaction: &mut Transaction, id: Uuid) -> Result<Option<Schedule>, StorageError> {
    transaction.query(&ONE, Args::new().value(id)).await?.first().map(schedule).transpose()
}

/// The same of its days.
pub(super) async fn days_in(transaction: &mut Transaction, id: Uuid) -> Result<Vec<Day>, StorageError> {
    transaction.query(&DAYS, Args::new().value(id)).await?.iter().map(day).collect()
}

/// Adds one; not where there is one of its reference.
pub(super) async fn insert(transaction: &mut Transaction, schedule: &Schedule) -> Result<bool, StorageError> {
    let args = Args::new()
        .value(schedule.id)
        .value(schedule.partner.0)
        .value(&schedule.reference)
        .value(schedule.batch)
        .value(schedule.owns_batch)
        .value(schedule.created_at.as_micros())
        .value(&schedule.actor)
        .value(to_json(&schedule.asked)?)
        .value(to_json(&schedule.when)?)
        .value(schedule.state.name())
        .value(schedule.next_at.map(Timestamp::as_micros))
        .value(schedule.version);
    Ok(transaction.execute(&INSERT, args).await? > 0)
}

/// Adds days to one.
pub(super) async fn add_days(transaction: &mut Transaction, id: Uuid, days: &[Day]) -> Result<(), StorageError> {
    let row = |day: &Day| -> Vec<Value> {
        vec![
            day.number.into(),
            day.opens_at.as_micros().into(),
            day.closes_at.map(Timestamp::as_micros).into(),
            day.first_row.into(),
            day.last_row.into(),
            day.rows.into(),
        ]
    };
    transaction.execute(&ADD_DAYS, Args::new().value(id).rows(days.iter().map(row).collect())).await.map(drop)
}

/// Writes what has become of one, in its next version, and who did what to it and why.
pub(super) async fn changed(
    transaction: &mut Transaction,
    schedule: &mut Schedule,
    act: ScheduleAct,
    by: &By,
    now: Timestamp,
) -> Result<(), StorageError> {
    (schedule.version, schedule.changed_at) = (schedule.version + 1, now);
    schedule.ended_at = schedule.state.is_over().then_some(now);
    let args = Args::new()
        .value(schedule.id)
        .value(to_json(&schedule.when)?)
        .value(schedule.state.name())
        .value(schedule.next_at.map(Timestamp::as_micros))
        .value(schedule.version)
        .value(now.as_micros())
        .value(schedule.ended_at.map(Timestamp::as_micros));
    transaction.execute(&CHANGED, args).await?;
    acted(transaction, schedule, act, by).await
}

/// Writes down who did what to one, and why.
pub(super) async fn acted(transaction: &mut Transaction, schedule: &Schedule, act: ScheduleAct, by: &By) -> Result<(), StorageError> {
    let args = Args::new()
        .value(schedule.id)
        .value(schedule.version)
        .value(schedule.changed_at.as_micros())
        .value(act.name())
        .value(&by.actor)
        .value(&by.reason)
        .value(schedule.state.name())
        .value(to_json(&schedule.when)?);
    transaction.execute(&ACTED, args).await.map(drop)
}

fn schedule(row: &Row) -> Result<Schedule, StorageError> {
    let time = |index| row.get::<Option<i64>>(index).map(|at| at.map(Timestamp::from_micros));
    let at = |index| row.get::<i64>(index).map(Timestamp::from_micros);
    let (state, of_batch): (String, String) = (row.get(9)?, row.get(15)?);
    let unknown = |what: &str, state: &str| StorageError::Statement(format!("{what} has the state {state:?}"));
    Ok(Schedule {
        id: row.get(0)?,
        partner: PartnerId(row.get(1)?),
        reference: row.get(2)?,
        batch: row.get(3)?,
        owns_batch: row.get(4)?,
        created_at: at(5)?,
        actor: row.get(6)?,
        asked: from_json("what a schedule was made of", &row.get::<String>(7)?)?,
        when: from_json("when a schedule is to be", &row.get::<String>(8)?)?,
        state: ScheduleState::from_name(&state).ok_or_else(|| unknown("a schedule", &state))?,
        next_at: time(10)?,
        version: row.get(11)?,
        changed_at: at(12)?,
        ended_at: time(13)?,
        rows: row.get(14)?,
        batch_state: BatchState::from_name(&of_batch).ok_or_else(|| unknown("a batch", &of_batch))?,
    })
}

fn day(row: &Row) -> Result<Day, StorageError> {
    let time = |index| row.get::<Option<i64>>(index).map(|at| at.map(Timestamp::from_micros));
    Ok(Day {
        number: row.get(0)?,
        opens_at: Timestamp::from_micros(row.get(1)?),
        closes_at: time(2)?,
        first_row: row.get(3)?,
        last_row: row.get(4)?,
        rows: row.get(5)?,
        begun_at: time(6)?,
    })
}
