//! What is done to a batch: by people, and by itself. Each is one transaction under the lock of the batch's row, and is written down with
//! who and why.

use super::{
    BatchState, Batches, Gate, Move, RowState,
    state::next,
    store::{Batch, lock},
    tally::tally_in,
};
use crate::schedules;
use planshift_storage::{Args, Statement, StorageError, Transaction};
use uuid::Uuid;

/// Who does it, and why.
#[derive(Clone, Debug)]
pub(crate) struct By {
    pub(crate) actor: String,
    pub(crate) reason: String,
}

impl By {
    /// The batch itself, for this reason.
    pub(crate) fn itself(reason: impl Into<String>) -> Self {
        Self { actor: "gateway".to_owned(), reason: reason.into() }
    }
}

/// What else an act says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct How {
    /// Of a start: each row does what its plan has shown, or nothing. Nothing said: as the batch was created.
    pub(crate) keep_to_plan: Option<bool>,
    /// Of a cancel: what is under way is undone, where it still can be.
    pub(crate) undo: bool,
    /// It is the batch's schedule that does it.
    pub(crate) by_schedule: bool,
}

/// Why an act did not happen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActError {
    #[error("there is no such batch")]
    Unknown,
    #[error("a batch that is {} cannot do that", .0.name())]
    NotAllowedInState(BatchState),
    /// A schedule has it, which starts it at its time.
    #[error("the batch is started by the schedule {0}")]
    Scheduled(Uuid),
    #[error("not every row has a plan")]
    NotPlanned,
    /// Something is still under way that must have ended before.
    #[error("something is still under way")]
    NotYet,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

static MOVED: Statement = Statement::new(
    "UPDATE batches SET state = $2, version = version + 1, changed_at = $3, note = $4, keep_to_plan = $5, undo = $6, started_at = $7,
            ended_at = $8, ends_before = $9, failures_before = $10
     WHERE id = $1",
);
pub(super) static ACTED: Statement = Statement::new(
    "INSERT INTO batch_acts (batch_id, version, at, act, actor, reason, state)
     SELECT $1::uuid, $2::bigint, $3::bigint, $4::text, $5::text, $6::text, $7::text WHERE true
     ON CONFLICT (batch_id, version) DO NOTHING",
);
static WANT_PLANS: Statement =
    Statement::new("UPDATE batch_rows SET plan_state = 'Wanted', plan_hash = NULL, due_at = 0 WHERE batch_id = $1 AND state = 'Waiting'");
static MAY_BEGIN: Statement =
    Statement::new("SELECT number FROM batch_rows WHERE batch_id = $1 AND state = 'Waiting' AND number <= $2 ORDER BY number LIMIT 1");
static HAS_UNPLANNED: Statement = Statement::new(
    "SELECT number FROM batch_rows WHERE batch_id = $1 AND state = 'Waiting' AND plan_state IS NULL ORDER BY number LIMIT 1",
);
static HAS_WANTED: Statement = Statement::new("SELECT number FROM batch_rows WHERE batch_id = $1 AND plan_state = 'Wanted' LIMIT 1");
/// What is tried again has a new attempt, which no word about the old one reaches.
macro_rules! again {
    ($states:literal) => {
        concat!(
            "UPDATE batch_rows SET state = 'Waiting', attempt = attempt + 1, due_at = 0, transition_id = NULL, version = 0,
                    subscriptions = 0, code = NULL, description = NULL, began_at = NULL, ended_at = NULL, plan_hash = NULL, plan_state = $2
             WHERE batch_id = $1 AND state IN (",
            $states,
            ")"
        )
    };
}
// what needs an operator is not tried again: its transition goes on when it is resumed
static RETRY: Statement = Statement::new(again!("'Failed', 'Refused'"));
static RECHECK: Statement = Statement::new(again!("'Ineligible'"));
static FORGET_REASONS: Statement = Statement::new(
    "DELETE FROM batch_reasons WHERE batch_id = $1 AND number IN
         (SELECT number FROM batch_rows WHERE batch_id = $1 AND state IN ('Waiting', 'Ineligible'))",
);

impl Batches {
    /// Does it, where it may follow; gives the batch as it is then. What follows in time is the runner's.
    pub(crate) async fn act(&self, id: Uuid, what: Move, by: &By, how: How) -> Result<Batch, ActError> {
        let mut transaction = self.database.begin().await?;
        let done = self.act_in(&mut transaction, id, what, by, how).await;
        match done {
            Ok(batch) => {
                transaction.commit().await?;
                self.news.notify_one();
                Ok(batch)
            }
            Err(error) => {
                // what was not committed did not happen, whether the rollback is heard or not
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }

    /// The same, in a transaction of whoever does more than that: only then must it be told with [`tell`](Self::tell).
    pub(crate) async fn act_in(&self, transaction: &mut Transaction, id: Uuid, what: Move, by: &By, how: How) -> Result<Batch, ActError> {
        let mut batch = lock(transaction, id).await?.ok_or(ActError::Unknown)?;
        let before = batch.state;
        batch.state = next(before, what).ok_or(ActError::NotAllowedInState(before))?;
        let one = || Args::new().value(id);
        let wanted = (batch.state == BatchState::Planning).then_some("Wanted");
        match what {
            Move::Plan => {
                transaction.execute(&FORGET_REASONS, one()).await?;
                transaction.execute(&WANT_PLANS, one()).await?;
            }
            Move::Start => {
                if let Some(schedule) = batch.gate.schedule.filter(|_| !how.by_schedule) {
                    return Err(ActError::Scheduled(schedule));
                }
                batch.keep_to_plan = how.keep_to_plan.unwrap_or(batch.keep_to_plan);
                let unplanned = batch.keep_to_plan && !transaction.query(&HAS_UNPLANNED, one()).await?.is_empty();
                if unplanned {
                    return Err(ActError::NotPlanned);
                }
            }
            Move::Cancel => batch.undo = how.undo,
            // looked at once more under the lock: somebody may have had rows tried again since
            Move::Complete | Move::Drain => {
                let tally = tally_in(transaction, id).await?;
                let waits = tally.rows(RowState::Waiting) > 0 && before != BatchState::Pausing;
                if tally.under_way() > 0 || waits {
                    return Err(ActError::NotYet);
                }
            }
            Move::AllPlanned | Move::AllPlannedToStart => {
                let wanted = transaction.query(&HAS_WANTED, one()).await?;
                if !wanted.is_empty() {
                    return Err(ActError::NotYet);
                }
            }
            // its hours may have been moved since, and rows that may begin now must not rest until the next ones
            Move::Close if !batch.gate.is_shut(self.ports.clock.now()) => {
                let last = batch.gate.last(batch.rows);
                let may_begin = !transaction.query(&MAY_BEGIN, one().value(last)).await?.is_empty();
                if may_begin || !batch.gate.holds_back(batch.rows) || tally_in(transaction, id).await?.under_way() > 0 {
                    return Err(ActError::NotYet);
                }
            }
            Move::Retry => drop(transaction.execute(&RETRY, one().value(wanted)).await?),
            Move::Recheck => {
                transaction.execute(&FORGET_REASONS, one()).await?;
                transaction.execute(&RECHECK, one().value(wanted)).await?;
            }
            _ => {}
        }
        let now = self.ports.clock.now();
        if batch.state == BatchState::Running {
            batch.started_at = batch.started_at.or(Some(now));
            let is_let_go_on = before != BatchState::Running && what != Move::Open;
            if is_let_go_on || matches!(what, Move::Retry | Move::Recheck) {
                // what it stops by is counted from here: it was let go on in the knowledge of what there was
                let tally = tally_in(transaction, id).await?;
                (batch.ends_before, batch.failures_before) = (tally.ends(), tally.failures());
            }
        }
        batch.note = if what == Move::Stop { by.reason.clone() } else { String::new() };
        batch.ended_at = matches!(batch.state, BatchState::Completed | BatchState::Cancelled).then_some(now);
        (batch.version, batch.changed_at) = (batch.version + 1, now);
        let args = one()
            .value(batch.state.name())
            .value(now.as_micros())
            .value(&batch.note)
            .value(batch.keep_to_plan)
            .value(batch.undo)
            .value(batch.started_at.map(planshift_domain::time::Timestamp::as_micros))
            .value(batch.ended_at.map(planshift_domain::time::Timestamp::as_micros))
            .value(batch.ends_before)
            .value(batch.failures_before);
        transaction.execute(&MOVED, args).await?;
        transaction.execute(&ACTED, acted_args(&batch, what.name(), by)).await?;
        self.keep_gate(transaction, &mut batch, what, by).await?;
        Ok(batch)
    }
}

impl Batches {
    /// What an act means for the schedule that has the batch: whether it rests because of its hours, and whether the schedule is over.
    async fn keep_gate(&self, transaction: &mut Transaction, batch: &mut Batch, what: Move, by: &By) -> Result<(), StorageError> {
        let Some(schedule) = batch.gate.schedule else { return Ok(()) };
        let gate = match batch.state {
            BatchState::Completed | BatchState::Cancelling => {
                schedules::over_in(transaction, schedule, batch, by).await?;
                Gate::default()
            }
            _ => match what {
                Move::Close => Gate { closed: true, ..batch.gate },
                // what is tried again while it rests waits for its hours too
                Move::Drain | Move::Retry | Move::Recheck => batch.gate,
                _ => Gate { closed: false, ..batch.gate },
            },
        };
        if gate != batch.gate {
            gate.write(transaction, batch.id).await?;
            batch.gate = gate;
        }
        Ok(())
    }

    /// Tells those who work on batches that there is something new.
    pub(crate) fn tell(&self) {
        self.news.notify_one();
    }
}

/// The arguments of [`ACTED`].
pub(super) fn acted_args(batch: &Batch, act: &str, by: &By) -> Args {
    Args::new()
        .value(batch.id)
        .value(batch.version)
        .value(batch.changed_at.as_micros())
        .value(act)
        .value(&by.actor)
        .value(&by.reason)
        .value(batch.state.name())
}
