//! What is done to a schedule: moved and cancelled by people, over by itself. Each is one transaction under the lock of its batch's row, and is
//! written down with who and why.

use super::{
    Day, ScheduleAct, ScheduleState, Schedules, When, WrongWhen,
    days::planned,
    making::rest,
    store::{Schedule, add_days, changed, days_in, find_in},
};
use crate::batches::{ActError, Batch, BatchState, By, Gate, How, Move, lock};
use planshift_domain::time::Timestamp;
use planshift_storage::{Args, Statement, StorageError, Transaction};
use uuid::Uuid;

/// Why an act did not happen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScheduleError {
    #[error("there is no such schedule")]
    Unknown,
    #[error("a schedule that is {} cannot do that", .0.name())]
    NotAllowedInState(ScheduleState),
    /// Every row has begun.
    #[error("nothing is left to be moved")]
    NothingWaits,
    #[error(transparent)]
    When(#[from] WrongWhen),
    #[error(transparent)]
    Batch(#[from] ActError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

static FORGET_DAYS: Statement = Statement::new("DELETE FROM schedule_days WHERE schedule_id = $1 AND begun_at IS NULL");
static WAITS: Statement = Statement::new("SELECT number FROM batch_rows WHERE batch_id = $1 AND state = 'Waiting' LIMIT 1");

impl Schedules {
    /// Moves what has not begun: nothing begins any more until the new time has come. Days that have begun keep their rows; those of them
    /// that still wait begin with the first of the new days.
    pub(crate) async fn reschedule(&self, id: Uuid, when: When, by: &By) -> Result<Schedule, ScheduleError> {
        let mut transaction = self.database.begin().await?;
        let moved = self.reschedule_in(&mut transaction, id, when, by).await;
        self.ended(transaction, moved).await
    }

    /// Cancels it: what has begun goes to its end, and nothing else begins. A batch that was there before, and of which nothing has begun,
    /// stays as it is.
    pub(crate) async fn cancel(&self, id: Uuid, by: &By) -> Result<Schedule, ScheduleError> {
        let mut transaction = self.database.begin().await?;
        let cancelled = self.cancel_in(&mut transaction, id, by).await;
        self.ended(transaction, cancelled).await
    }

    async fn ended<T>(&self, transaction: Transaction, done: Result<T, ScheduleError>) -> Result<T, ScheduleError> {
        match done {
            Ok(done) => {
                transaction.commit().await?;
                self.news.notify_one();
                self.batches.tell();
                Ok(done)
            }
            Err(error) => {
                // what was not committed did not happen, whether the rollback is heard or not
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }

    async fn reschedule_in(&self, transaction: &mut Transaction, id: Uuid, when: When, by: &By) -> Result<Schedule, ScheduleError> {
        let (mut schedule, mut batch) = open_one(transaction, id).await?;
        if transaction.query(&WAITS, Args::new().value(batch.id)).await?.is_empty() {
            return Err(ScheduleError::NothingWaits);
        }
        let now = self.ports.clock.now();
        let openings = when.openings(now)?;
        let begun: Vec<Day> = days_in(transaction, id).await?.into_iter().filter(|day| day.begun_at.is_some()).collect();
        let (number, after) = begun.last().map_or((0, 0), |day| (day.number, day.last_row));
        let days = match (rest(transaction, &batch, after, &openings).await?, openings.first()) {
            (Some(rest), _) => planned(&openings, &rest, number + 1),
            // what waits has a day that has begun: the new one has no rows of its own
            (None, Some(first)) => vec![Day {
                number: number + 1,
                opens_at: first.opens_at,
                closes_at: first.closes_at,
                first_row: after + 1,
                last_row: after,
                rows: 0,
                begun_at: None,
            }],
            (None, None) => return Err(ScheduleError::When(WrongWhen::Never)),
        };
        transaction.execute(&FORGET_DAYS, Args::new().value(id)).await?;
        add_days(transaction, id, &days).await?;
        schedule.when = when;
        schedule.next_at = days.first().map(|day| day.opens_at);
        changed(transaction, &mut schedule, ScheduleAct::Move, by, now).await?;
        batch.gate = Gate { closes_at: Some(now), ..batch.gate };
        batch.gate.write(transaction, batch.id).await?;
        Ok(schedule)
    }

    async fn cancel_in(&self, transaction: &mut Transaction, id: Uuid, by: &By) -> Result<Schedule, ScheduleError> {
        let (schedule, batch) = open_one(transaction, id).await?;
        let has_begun = !matches!(batch.state, BatchState::Draft | BatchState::Planning | BatchState::Planned);
        if schedule.owns_batch || has_begun {
            let how = How { by_schedule: true, ..How::default() };
            self.batches.act_in(transaction, batch.id, Move::Cancel, by, how).await?;
        } else {
            over(transaction, schedule, ScheduleAct::Cancel, by, self.ports.clock.now()).await?;
            Gate::default().write(transaction, batch.id).await?;
        }
        find_in(transaction, id).await?.ok_or(ScheduleError::Unknown)
    }
}

/// The schedule and its batch, which nobody else changes until the transaction ends; not where it is over.
async fn open_one(transaction: &mut Transaction, id: Uuid) -> Result<(Schedule, Batch), ScheduleError> {
    // whose batch it is never changes: it is read, the batch is locked, and the schedule is read again as it is then
    let known = find_in(transaction, id).await?.ok_or(ScheduleError::Unknown)?;
    let batch = lock(transaction, known.batch).await?.ok_or(ScheduleError::Unknown)?;
    let schedule = find_in(transaction, id).await?.ok_or(ScheduleError::Unknown)?;
    if schedule.state.is_over() {
        return Err(ScheduleError::NotAllowedInState(schedule.state));
    }
    Ok((schedule, batch))
}

/// Its batch has come to its end, or is cancelled: so is the schedule, in the transaction that holds the lock of the batch's row.
pub(crate) async fn over_in(transaction: &mut Transaction, id: Uuid, batch: &Batch, by: &By) -> Result<(), StorageError> {
    let Some(schedule) = find_in(transaction, id).await?.filter(|schedule| !schedule.state.is_over()) else { return Ok(()) };
    let act = if batch.state == BatchState::Completed { ScheduleAct::Complete } else { ScheduleAct::Cancel };
    over(transaction, schedule, act, by, batch.changed_at).await
}

async fn over(
    transaction: &mut Transaction,
    mut schedule: Schedule,
    act: ScheduleAct,
    by: &By,
    now: Timestamp,
) -> Result<(), StorageError> {
    schedule.state = if act == ScheduleAct::Complete { ScheduleState::Completed } else { ScheduleState::Cancelled };
    schedule.next_at = None;
    changed(transaction, &mut schedule, act, by, now).await
}
