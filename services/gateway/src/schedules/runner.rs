//! Schedules whose time has come, on every replica: each is looked at under the lock of its batch's row, and who comes second finds that there is
//! nothing left to do. Which rows begin then, and that each begins once, is the batch's.

use super::{
    ScheduleAct, ScheduleState, Schedules,
    days::{Look, look},
    store::{Schedule, changed, days_in, find_in},
};
use crate::batches::{ActError, Batch, BatchState, By, Gate, How, Move, lock};
use planshift_domain::time::Timestamp;
use planshift_storage::{Args, Statement, StorageError, Transaction};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The pause between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// How many are looked at in a round at most; more are in the next.
const ROUND: u32 = 200;
/// After how long one is looked at again whose batch cannot begin: its plans are still being made.
const AGAIN_SECONDS: i64 = 5;

static DUE: Statement =
    Statement::new("SELECT id, batch_id FROM schedules WHERE next_at IS NOT NULL AND next_at <= $1 ORDER BY next_at, id LIMIT $2");
static NEXT: Statement = Statement::new("UPDATE schedules SET next_at = $2 WHERE id = $1");
static BEGUN: Statement =
    Statement::new("UPDATE schedule_days SET begun_at = $2 WHERE schedule_id = $1 AND begun_at IS NULL AND opens_at <= $2");

impl Schedules {
    /// Works until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let more = self.round().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "schedules wait");
                false
            });
            if more {
                continue;
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.news.notified() => {}
                () = self.ports.clock.sleep(LOOK) => {}
            }
        }
    }

    /// Looks at each whose time has come; says whether there are more.
    async fn round(&self) -> Result<bool, StorageError> {
        let due = self.database.query(&DUE, Args::new().value(self.ports.clock.now().as_micros()).value(ROUND)).await?;
        let mut went_well = true;
        for row in &due {
            let (id, batch): (Uuid, Uuid) = (row.get(0)?, row.get(1)?);
            if let Err(error) = self.look_after(id, batch).await {
                tracing::warn!(schedule = %id, %error, "a schedule waits");
                went_well = false;
            }
        }
        // what cannot be done now is not tried without a pause
        Ok(went_well && due.len() == ROUND as usize)
    }

    async fn look_after(&self, id: Uuid, batch: Uuid) -> Result<(), ActError> {
        let mut transaction = self.database.begin().await?;
        let done = self.look_after_in(&mut transaction, id, batch).await;
        match done {
            Ok(()) => {
                transaction.commit().await?;
                self.batches.tell();
                Ok(())
            }
            Err(error) => {
                // what was not committed did not happen, whether the rollback is heard or not
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }

    async fn look_after_in(&self, transaction: &mut Transaction, id: Uuid, batch: Uuid) -> Result<(), ActError> {
        let Some(batch) = lock(transaction, batch).await? else { return Ok(()) };
        let now = self.ports.clock.now();
        // another replica may have been first
        let is_due = |schedule: &Schedule| !schedule.state.is_over() && schedule.next_at.is_some_and(|next_at| next_at <= now);
        let Some(schedule) = find_in(transaction, id).await?.filter(is_due) else { return Ok(()) };
        let days = days_in(transaction, id).await?;
        let calendar = schedule.when.calendar().map_err(|error| StorageError::Statement(format!("the schedule {id}: {error}")))?;
        match look(&days, &calendar, now) {
            Look::Shut { next_at } => next(transaction, id, next_at).await?,
            Look::Open { .. } if batch.state == BatchState::Planning => {
                next(transaction, id, Some(now.plus_seconds(AGAIN_SECONDS))).await?;
            }
            Look::Open { up_to, closes_at, next_at } => {
                self.open(transaction, &batch, Gate { up_to: Some(up_to), closes_at, ..batch.gate }).await?;
                transaction.execute(&BEGUN, Args::new().value(id).value(now.as_micros())).await?;
                began(transaction, schedule, next_at, now).await?;
            }
        }
        Ok(())
    }

    /// Lets rows of the batch begin. One that somebody has paused, or that has stopped, stays so.
    async fn open(&self, transaction: &mut Transaction, batch: &Batch, gate: Gate) -> Result<(), ActError> {
        gate.write(transaction, batch.id).await?;
        let what = match batch.state {
            BatchState::Draft | BatchState::Planned => Move::Start,
            BatchState::Pausing | BatchState::Paused if batch.gate.closed => Move::Open,
            _ => return Ok(()),
        };
        let how = How { by_schedule: true, ..How::default() };
        let now = self.batches.act_in(transaction, batch.id, what, &By::itself("its hours have begun"), how).await?;
        tracing::info!(batch = %batch.id, state = now.state.name(), "the hours of a schedule have begun");
        Ok(())
    }
}

async fn next(transaction: &mut Transaction, id: Uuid, next_at: Option<Timestamp>) -> Result<(), StorageError> {
    transaction.execute(&NEXT, Args::new().value(id).value(next_at.map(Timestamp::as_micros))).await.map(drop)
}

async fn began(
    transaction: &mut Transaction,
    mut schedule: Schedule,
    next_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StorageError> {
    if schedule.state == ScheduleState::Running {
        return next(transaction, schedule.id, next_at).await;
    }
    (schedule.state, schedule.next_at) = (ScheduleState::Running, next_at);
    changed(transaction, &mut schedule, ScheduleAct::Begin, &By::itself("its time has come"), now).await
}
