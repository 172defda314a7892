//! Acts about steps: paused and resumed for everyone, with who and why. Every request is kept, and nothing is ever changed or
//! removed: a copy of it that comes late, after the next act, is known by that.

use super::unknown_word;
use crate::saga::Paused;
use planshift_domain::{message::operator::StepActKind, step::Step, time::Timestamp};
use planshift_storage::{Args, Database, Row, Statement, StorageError, Transaction};
use uuid::Uuid;

/// An act about a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepAct {
    /// Which step.
    pub step: Step,
    /// Paused or resumed.
    pub act: StepActKind,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// The request: the same again is no new act.
    pub request_id: Uuid,
}

static LATCH: Statement = Statement::new("SELECT name FROM latches WHERE name = 'steps' {for update}");
// What holds of a step is the first act after the last one of the other kind: those that follow it have changed nothing.
static LAST: Statement = Statement::new(
    "SELECT step, act, actor, reason, at, request_id FROM step_acts WHERE number IN (
         SELECT min(a.number) FROM step_acts AS a
         LEFT JOIN (SELECT step, act, max(number) AS number FROM step_acts GROUP BY step, act) AS other
             ON other.step = a.step AND other.act <> a.act
         WHERE other.number IS NULL OR a.number > other.number GROUP BY a.step)
     ORDER BY number",
);
static BY_REQUEST: Statement = Statement::new("SELECT number FROM step_acts WHERE request_id = $1");
static INSERT: Statement = Statement::new(
    "INSERT INTO step_acts (number, step, act, actor, reason, at, request_id)
     SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4, $5, $6 FROM step_acts",
);

fn decode(row: &Row) -> Result<StepAct, StorageError> {
    let (step, act): (String, String) = (row.get(0)?, row.get(1)?);
    Ok(StepAct {
        step: step.parse().map_err(|_| unknown_word("step", &step))?,
        act: StepActKind::from_name(&act).ok_or_else(|| unknown_word("act", &act))?,
        actor: row.get(2)?,
        reason: row.get(3)?,
        at: Timestamp::from_micros(row.get(4)?),
        request_id: row.get(5)?,
    })
}

/// The act that holds of each step that there was one about, under the latch.
pub async fn last_locked(tx: &mut Transaction) -> Result<Vec<StepAct>, StorageError> {
    tx.query(&LATCH, Args::new()).await?;
    tx.query(&LAST, Args::new()).await?.iter().map(decode).collect()
}

/// The act that holds of each step that there was one about.
pub async fn last(tx: &mut Transaction) -> Result<Vec<StepAct>, StorageError> {
    tx.query(&LAST, Args::new()).await?.iter().map(decode).collect()
}

/// Was this request taken before?
pub async fn is_known(tx: &mut Transaction, request_id: Uuid) -> Result<bool, StorageError> {
    Ok(!tx.query(&BY_REQUEST, Args::new().value(request_id)).await?.is_empty())
}

/// Adds an act.
pub async fn add(tx: &mut Transaction, act: &StepAct) -> Result<(), StorageError> {
    let args = Args::new().value(act.step.name()).value(act.act.name()).value(act.actor.as_str()).value(act.reason.as_str());
    tx.execute(&INSERT, args.value(act.at.as_micros()).value(act.request_id)).await?;
    Ok(())
}

/// The steps that are paused.
pub async fn paused(db: &Database) -> Result<Paused, StorageError> {
    let acts: Vec<StepAct> = db.query(&LAST, Args::new()).await?.iter().map(decode).collect::<Result<_, _>>()?;
    Ok(of(&acts))
}

/// The steps that are paused by these acts.
pub fn of(acts: &[StepAct]) -> Paused {
    acts.iter().fold(Paused::NONE, |paused, act| paused.with(act.step, (act.act == StepActKind::Pause).then_some(act.at)))
}
