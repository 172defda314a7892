//! Transitions: one row each, loaded under a lock, written once a batch.

use super::unknown_word;
use crate::{
    engine::Told,
    saga::{Hold, Limits, Paused, Saga},
};
use planshift_domain::{
    ids::{BatchId, CustomerId, PartnerId, TransitionId},
    message::request::Priority,
    step::Step,
    time::Timestamp,
    transition::{BatchRow, State, TransitionRow},
};
use planshift_storage::{Args, Database, Row, Statement, StorageError, Transaction, Value, Write};
use planshift_telemetry::TraceContext;
use std::collections::HashMap;
use uuid::Uuid;

/// A transition as it is stored.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The transition.
    pub id: TransitionId,
    /// Whose customer.
    pub partner: PartnerId,
    /// Who moves.
    pub customer: CustomerId,
    /// The idempotency key of its start.
    pub request_id: Uuid,
    /// The version of the customer's facts that it is about.
    pub facts_version: u32,
    /// Counts up with every write.
    pub version: u32,
    /// The last version whose messages were confirmed.
    pub sent: u32,
    /// When it was accepted.
    pub started_at: Timestamp,
    /// Who asked for it.
    pub started_by: String,
    /// The hash of the plan that it is to keep to.
    pub plan_hash: Option<String>,
    /// Who waits for it.
    pub priority: Priority,
    /// The row of a batch that it is of.
    pub batch: Option<BatchRow>,
    /// The request of the interactive start that found it in line in the background, and moved it up.
    pub moved_up_by: Option<Uuid>,
    /// How many history entries it has.
    pub history: u32,
    /// The hash of the last one.
    pub history_hash: String,
    /// The request of the last act that was accepted: the same request again gets the same answer.
    pub acted: Option<Uuid>,
    /// It waits in line, and has not begun.
    pub waiting: bool,
    /// When it last changed.
    pub touched_at: Timestamp,
    /// Its trace.
    pub trace: TraceContext,
    /// The saga.
    pub saga: Saga,
}

impl Stored {
    /// As events carry it.
    pub fn row(&self) -> TransitionRow {
        TransitionRow {
            id: self.id,
            version: self.version,
            partner_id: self.partner,
            customer_id: self.customer,
            state: self.saga.state(),
            left_state: self.saga.left(),
            facts_version: self.facts_version,
            failure: self.saga.failure.clone(),
            lines: self.saga.lines,
            plans: self.saga.plans,
            mapped: self.saga.mapped(),
            suspended: self.saga.suspended(),
            effective_at: self.saga.effective_at,
            started_at: self.started_at,
            ended_at: self.saga.ended_at,
            started_by: self.started_by.clone(),
            closed_at: self.saga.closed_at,
            history: self.history,
            traceparent: self.trace.traceparent(),
            batch: self.batch,
        }
    }
}

macro_rules! columns {
    () => {
        "id, partner_id, customer_id, request_id, facts_version, state, left_state, version, sent, attempt, lines, plans, packet_items, tallies, failure, \
         effective_at, resend_at, give_up_at, started_at, ended_at, closed_at, started_by, history, history_hash, traceparent, tracestate, acted,
         waiting, held_step, held_since, withheld, touched_at, plan_hash,
         background, moved_up_by, batch_id, batch_row, batch_attempt"
    };
}

static LOAD: Statement = Statement::new(concat!(
    "SELECT ",
    columns!(),
    " FROM transitions WHERE id IN (SELECT r.id FROM {1: id uuid} AS r) ORDER BY id {for update}"
));
static BY_REQUEST: Statement = Statement::new(
    "SELECT t.partner_id, t.request_id, t.id FROM {1: partner_id uuid, request_id uuid} AS r
     JOIN transitions AS t ON t.partner_id = r.partner_id AND t.request_id = r.request_id
     UNION ALL
     SELECT t.partner_id, t.moved_up_by, t.id FROM {1: partner_id uuid, request_id uuid} AS r
     JOIN transitions AS t ON t.partner_id = r.partner_id AND t.moved_up_by = r.request_id",
);
static LIVE: Statement = Statement::new(
    "SELECT t.partner_id, t.customer_id, t.id FROM {1: partner_id uuid, customer_id uuid} AS r
     JOIN transitions AS t ON t.partner_id = r.partner_id AND t.customer_id = r.customer_id WHERE t.ended_at IS NULL",
);
static COMPLETED: Statement = Statement::new(
    "SELECT t.partner_id, t.customer_id, t.id FROM {1: partner_id uuid, customer_id uuid} AS r
     JOIN transitions AS t ON t.partner_id = r.partner_id AND t.customer_id = r.customer_id WHERE t.ended_at IS NOT NULL AND t.state = 'Completed' ORDER BY t.ended_at",
);
static LAST_ENDED: Statement = Statement::new(
    "SELECT partner_id, customer_id, id, state, closed_at FROM transitions
     WHERE (partner_id, customer_id) IN (SELECT r.partner_id, r.customer_id FROM {1: partner_id uuid, customer_id uuid} AS r)
       AND ended_at IS NOT NULL ORDER BY started_at, id",
);
static INSERT: Statement = Statement::new(
    "INSERT INTO transitions (id, state, left_state, version, sent, attempt, lines, plans, tallies, failure, effective_at, resend_at, give_up_at, ended_at,
         closed_at, history, history_hash, acted, waiting, held_step, held_since, withheld, partner_id, customer_id, request_id, facts_version,
         packet_items, started_at, started_by, traceparent, tracestate, plan_hash,
         background, batch_id, batch_row, batch_attempt, open, touched_at)
     SELECT r.id, r.state, r.left_state, r.version, r.sent, r.attempt, r.lines, r.plans, r.tallies, r.failure, r.effective_at, r.resend_at, r.give_up_at,
         r.ended_at, r.closed_at, r.history, r.history_hash, r.acted, r.waiting, r.held_step, r.held_since, r.withheld, r.partner_id, r.customer_id, r.request_id, r.facts_version,
         r.packet_items, r.started_at, r.started_by, r.traceparent, r.tracestate, r.plan_hash,
         r.background, r.batch_id, r.batch_row, r.batch_attempt, true, $1
     FROM {2: id uuid, state text, left_state text, version bigint, sent bigint, attempt bigint, lines bigint, plans bigint, tallies text, failure text,
         effective_at bigint, resend_at bigint, give_up_at bigint, ended_at bigint, closed_at bigint, history bigint, history_hash text, acted uuid, waiting boolean,
         held_step text, held_since bigint, withheld boolean, partner_id uuid,
         customer_id uuid, request_id uuid, facts_version bigint, packet_items bigint, started_at bigint, started_by text, traceparent text,
         tracestate text, plan_hash text, background boolean, batch_id uuid, batch_row bigint, batch_attempt bigint} AS r",
);
static UPDATE: Statement = Statement::new(
    "UPDATE transitions SET state = r.state, left_state = r.left_state, version = r.version, sent = r.sent, attempt = r.attempt, lines = r.lines,
         plans = r.plans, tallies = r.tallies, failure = r.failure, effective_at = r.effective_at, resend_at = r.resend_at, give_up_at = r.give_up_at,
         touched_at = $1, ended_at = r.ended_at, closed_at = r.closed_at, history = r.history, history_hash = r.history_hash, acted = r.acted,
         waiting = r.waiting, held_step = r.held_step, held_since = r.held_since, withheld = r.withheld, open = true
     FROM {2: id uuid, state text, left_state text, version bigint, sent bigint, attempt bigint, lines bigint, plans bigint, tallies text, failure text,
         effective_at bigint, resend_at bigint, give_up_at bigint, ended_at bigint, closed_at bigint, history bigint, history_hash text,
         acted uuid, waiting boolean, held_step text, held_since bigint, withheld boolean} AS r
     WHERE transitions.id = r.id",
);
static MOVE_UP: Statement = Statement::new(
    "UPDATE transitions SET background = false, moved_up_by = r.moved_up_by, plan_hash = r.plan_hash
     FROM {1: id uuid, moved_up_by uuid, plan_hash text} AS r WHERE transitions.id = r.id",
);
// A row that somebody has locked is passed over: it is noted later, and nobody waits here with rows of his own locked.
static SENT: Statement = Statement::new(
    "{postgres: WITH free AS MATERIALIZED (
         SELECT t.id, l.base, l.version FROM {1: id uuid, base bigint, version bigint} AS l CROSS JOIN transitions AS t
         WHERE t.id = l.id FOR UPDATE OF t SKIP LOCKED)}
     UPDATE transitions SET sent = r.version, open = NOT ((transitions.ended_at IS NOT NULL OR transitions.waiting) AND transitions.version = r.version)
     FROM {postgres: free AS r}{sqlite: {1: id uuid, base bigint, version bigint} AS r}
     WHERE transitions.id = r.id AND transitions.sent >= r.base AND transitions.sent < r.version
     RETURNING transitions.id, transitions.sent",
);
static DUE: Statement = Statement::new(
    "SELECT id FROM transitions WHERE open AND ended_at IS NULL AND state <> 'NeedsOperator' AND held_step IS NULL AND (resend_at <= $1 OR give_up_at <= $1) ORDER BY id LIMIT $2",
);
static HELD: Statement = Statement::new(
    "SELECT id FROM transitions WHERE open AND held_step IS NOT NULL AND held_step NOT IN ($1, $2, $3, $4) ORDER BY id LIMIT $5",
);
static UNSENT: Statement =
    Statement::new("SELECT id FROM transitions WHERE open AND sent < version AND touched_at <= $1 AND id > $2 ORDER BY id LIMIT $3");

static OPEN: Statement = Statement::new(concat!(
    "SELECT ",
    columns!(),
    " FROM transitions WHERE open AND NOT waiting AND ended_at IS NULL AND id > $1 ORDER BY id LIMIT $2"
));
static STUCK: Statement = Statement::new(concat!(
    "SELECT ",
    columns!(),
    " FROM transitions WHERE open AND NOT waiting AND ended_at IS NULL AND touched_at <= $1 AND ($2::uuid IS NULL OR partner_id = $2)
     ORDER BY touched_at, id LIMIT $3"
));
static STUCK_TOTAL: Statement = Statement::new(
    "SELECT count(*) FROM transitions WHERE open AND NOT waiting AND ended_at IS NULL AND touched_at <= $1 AND ($2::uuid IS NULL OR partner_id = $2)",
);

/// Loads transitions and locks them, in the order of their ids.
pub async fn load(tx: &mut Transaction, ids: &[TransitionId], limits: &Limits) -> Result<Vec<Stored>, StorageError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = tx.query(&LOAD, Args::new().rows(ids.iter().map(|id| vec![id.0.into()]).collect())).await?;
    rows.iter().map(|row| decode(row, limits)).collect()
}

fn decode(row: &Row, limits: &Limits) -> Result<Stored, StorageError> {
    let state_of = |word: String| State::from_name(&word).ok_or_else(|| unknown_word("state", &word));
    let time = |index| row.get::<Option<i64>>(index).map(|t| t.map(Timestamp::from_micros));
    let tallies: String = row.get(13)?;
    let tallies = serde_json::from_str(&tallies).map_err(|_| unknown_word("tallies", &tallies))?;
    let failure: Option<String> = row.get(14)?;
    let failure = failure.map(|text| serde_json::from_str(&text).map_err(|_| unknown_word("failure", &text))).transpose()?;
    let left = row.get::<Option<String>>(6)?.map(state_of).transpose()?;
    let mut saga = Saga::restored(state_of(row.get(5)?)?, left, tallies, limits);
    saga.attempt = row.get(9)?;
    saga.lines = row.get(10)?;
    saga.plans = row.get(11)?;
    saga.packet_items = row.get(12)?;
    saga.failure = failure;
    saga.effective_at = time(15)?;
    saga.resend_at = Timestamp::from_micros(row.get(16)?);
    saga.give_up_at = Timestamp::from_micros(row.get(17)?);
    saga.ended_at = time(19)?;
    saga.closed_at = time(20)?;
    let step = row.get::<Option<String>>(28)?.map(|word| word.parse().map_err(|_| unknown_word("step", &word))).transpose()?;
    if let (Some(step), Some(since)) = (step, time(29)?) {
        saga.held = Some(Hold { step, since, withheld: row.get(30)? });
    }
    Ok(Stored {
        id: TransitionId(row.get(0)?),
        partner: PartnerId(row.get(1)?),
        customer: CustomerId(row.get(2)?),
        request_id: row.get(3)?,
        facts_version: row.get(4)?,
        version: row.get(7)?,
        sent: row.get(8)?,
        started_at: Timestamp::from_micros(row.get(18)?),
        started_by: row.get(21)?,
        plan_hash: row.get(32)?,
        history: row.get(22)?,
        history_hash: row.get(23)?,
        acted: row.get(26)?,
        waiting: row.get(27)?,
        priority: if row.get(33)? { Priority::Background } else { Priority::Interactive },
        moved_up_by: row.get(34)?,
        batch: match (row.get::<Option<Uuid>>(35)?, row.get::<Option<u32>>(36)?, row.get::<Option<u32>>(37)?) {
            (Some(batch_id), Some(row), Some(attempt)) => Some(BatchRow { batch_id: BatchId(batch_id), row, attempt }),
            _ => None,
        },
        touched_at: Timestamp::from_micros(row.get(31)?),
        trace: TraceContext::parse(&row.get::<String>(24)?, &row.get::<String>(25)?).unwrap_or_default(),
        saga,
    })
}

type Pairs = Vec<((Uuid, Uuid), TransitionId)>;

async fn pairs(tx: &mut Transaction, statement: &Statement, keys: Vec<(Uuid, Uuid)>) -> Result<Pairs, StorageError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = keys.into_iter().map(|(a, b)| vec![a.into(), b.into()]).collect();
    let found = tx.query(statement, Args::new().rows(rows)).await?;
    found.iter().map(|row| Ok(((row.get(0)?, row.get(1)?), TransitionId(row.get(2)?)))).collect()
}

/// The transitions that these requests (partner, request id) have started, or have moved up in line.
pub async fn by_request(tx: &mut Transaction, keys: Vec<(Uuid, Uuid)>) -> Result<Pairs, StorageError> {
    pairs(tx, &BY_REQUEST, keys).await
}

/// The transitions of these customers (partner, customer) that are not at an end.
pub async fn live(tx: &mut Transaction, keys: Vec<(Uuid, Uuid)>) -> Result<Pairs, StorageError> {
    pairs(tx, &LIVE, keys).await
}

/// Why a customer may not buy the legacy Azure offer, though no transition of it is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegacyBar {
    /// This one has completed: never again.
    Completed(TransitionId),
    /// This one has failed, is the last that was tried, and nobody has accepted it as it is.
    Failed(TransitionId),
}

/// The bars of these customers (partner, customer), where there are any.
pub async fn legacy_bars(tx: &mut Transaction, keys: Vec<(Uuid, Uuid)>) -> Result<HashMap<(Uuid, Uuid), LegacyBar>, StorageError> {
    let mut bars = HashMap::new();
    if keys.is_empty() {
        return Ok(bars);
    }
    let rows = keys.into_iter().map(|(partner, customer)| vec![partner.into(), customer.into()]).collect();
    for row in tx.query(&LAST_ENDED, Args::new().rows(rows)).await? {
        let key: (Uuid, Uuid) = (row.get(0)?, row.get(1)?);
        let (id, state, closed) = (TransitionId(row.get(2)?), row.get::<String>(3)?, row.get::<Option<i64>>(4)?);
        if matches!(bars.get(&key), Some(LegacyBar::Completed(_))) {
            continue;
        }
        match State::from_name(&state) {
            Some(State::Completed) => bars.insert(key, LegacyBar::Completed(id)),
            Some(State::Compensated) if closed.is_none() => bars.insert(key, LegacyBar::Failed(id)),
            // a newer attempt lifts the bar of the one before
            _ => bars.remove(&key),
        };
    }
    Ok(bars)
}

/// The transitions of these customers (partner, customer) that have completed, the latest last.
pub async fn completed(tx: &mut Transaction, keys: Vec<(Uuid, Uuid)>) -> Result<Pairs, StorageError> {
    pairs(tx, &COMPLETED, keys).await
}

/// Writes new transitions.
pub fn insert(new: &[&Stored], now: Timestamp) -> Option<Write> {
    if new.is_empty() {
        return None;
    }
    let rows = new
        .iter()
        .map(|t| {
            let mut row = changing(t);
            row.extend([t.partner.0.into(), t.customer.0.into(), t.request_id.into(), t.facts_version.into(), t.saga.packet_items.into()]);
            row.extend([t.started_at.as_micros().into(), t.started_by.as_str().into()]);
            row.extend([t.trace.traceparent().into(), t.trace.tracestate.as_str().into(), t.plan_hash.as_deref().into()]);
            row.push((!t.priority.is_interactive()).into());
            row.extend([t.batch.map(|of| of.batch_id.0).into(), t.batch.map(|of| of.row).into(), t.batch.map(|of| of.attempt).into()]);
            row
        })
        .collect();
    Some((&INSERT, Args::new().value(now.as_micros()).rows(rows)))
}

/// Writes what has changed of transitions.
pub fn update(changed: &[&Stored], now: Timestamp) -> Option<Write> {
    if changed.is_empty() {
        return None;
    }
    let rows = changed.iter().map(|t| changing(t)).collect();
    Some((&UPDATE, Args::new().value(now.as_micros()).rows(rows)))
}

/// Writes of those that were in line in the background that they are interactive now.
pub async fn move_up(tx: &mut Transaction, moved: &[&Stored]) -> Result<(), StorageError> {
    if moved.is_empty() {
        return Ok(());
    }
    let rows = moved.iter().map(|t| vec![t.id.0.into(), t.moved_up_by.into(), t.plan_hash.as_deref().into()]).collect();
    tx.execute(&MOVE_UP, Args::new().rows(rows)).await?;
    Ok(())
}

/// The id and the columns that change, in the order of `UPDATE`.
fn changing(t: &Stored) -> Vec<Value> {
    let json = |value: serde_json::Result<String>| value.unwrap_or_default();
    let time = |at: Option<Timestamp>| Value::from(at.map(Timestamp::as_micros));
    vec![
        t.id.0.into(),
        t.saga.state().name().into(),
        t.saga.left().map(State::name).into(),
        t.version.into(),
        t.sent.into(),
        t.saga.attempt.into(),
        t.saga.lines.into(),
        t.saga.plans.into(),
        json(serde_json::to_string(t.saga.tallies())).into(),
        t.saga.failure.as_ref().map(|failure| json(serde_json::to_string(failure))).into(),
        time(t.saga.effective_at),
        t.saga.resend_at.as_micros().into(),
        t.saga.give_up_at.as_micros().into(),
        time(t.saga.ended_at),
        time(t.saga.closed_at),
        t.history.into(),
        t.history_hash.as_str().into(),
        t.acted.into(),
        t.waiting.into(),
        t.saga.held.map(|held| held.step.name()).into(),
        time(t.saga.held.map(|held| held.since)),
        t.saga.held.is_some_and(|held| held.withheld).into(),
    ]
}

/// Notes what was confirmed, where it goes on from what was noted before; ended transitions are no longer open then. Gives the
/// transitions it was noted of, with their `sent` now; those that another transaction is about are left for later.
pub async fn mark_sent(tx: &mut Transaction, told: &[Told]) -> Result<Vec<(TransitionId, u32)>, StorageError> {
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let rows = told.iter().map(|t| vec![t.id.0.into(), t.from.into(), t.to.into()]).collect();
    let noted = tx.query(&SENT, Args::new().rows(rows)).await?;
    noted.iter().map(|row| Ok((TransitionId(row.get(0)?), row.get(1)?))).collect()
}

/// Transitions with a deadline that has come.
pub async fn due(db: &Database, now: Timestamp, limit: u32) -> Result<Vec<TransitionId>, StorageError> {
    let rows = db.query(&DUE, Args::new().value(now.as_micros()).value(limit)).await?;
    rows.iter().map(|row| row.get(0).map(TransitionId)).collect()
}

/// Transitions that are held at a step that is not paused any more.
pub async fn released(db: &Database, paused: &Paused, limit: u32) -> Result<Vec<TransitionId>, StorageError> {
    let names = Step::ALL.map(|step| paused.since(step).map_or("", |_| step.name()));
    let args = names.into_iter().fold(Args::new(), Args::value);
    let rows = db.query(&HELD, args.value(limit)).await?;
    rows.iter().map(|row| row.get(0).map(TransitionId)).collect()
}

/// Every transition that is under way or waits for an operator, in pages by id.
pub async fn open(tx: &mut Transaction, after: TransitionId, limit: u32, limits: &Limits) -> Result<Vec<Stored>, StorageError> {
    let rows = tx.query(&OPEN, Args::new().value(after.0).value(limit)).await?;
    rows.iter().map(|row| decode(row, limits)).collect()
}

/// Transitions that have not changed since then, the longest first, and how many there are.
pub async fn stuck(
    tx: &mut Transaction,
    unchanged_since: Timestamp,
    partner: Option<PartnerId>,
    limit: u32,
    limits: &Limits,
) -> Result<(Vec<Stored>, u32), StorageError> {
    let args = || Args::new().value(unchanged_since.as_micros()).value(partner.map(|partner| partner.0));
    let rows = tx.query(&STUCK, args().value(limit)).await?;
    let total = tx.query(&STUCK_TOTAL, args()).await?;
    let stuck = rows.iter().map(|row| decode(row, limits)).collect::<Result<_, _>>()?;
    Ok((stuck, total.first().map_or(Ok(0), |row| row.get(0))?))
}

/// Transitions whose last output may not have been sent, untouched since `before`, after `after` in the order of ids.
pub async fn unsent(db: &Database, before: Timestamp, after: TransitionId, limit: u32) -> Result<Vec<TransitionId>, StorageError> {
    let rows = db.query(&UNSENT, Args::new().value(before.as_micros()).value(after.0).value(limit)).await?;
    rows.iter().map(|row| row.get(0).map(TransitionId)).collect()
}
