//! A schedule that is made: of a batch that is there, or of customers, whose batch is made with it. Both in one transaction: there is a schedule
//! with its batch and its days, or nothing.

use super::{
    ScheduleAct, ScheduleState, Schedules, When, WrongWhen,
    calendar::Opening,
    days::{Rest, planned, shares},
    store::{Schedule, acted, add_days, insert},
};
use crate::batches::{
    AT_ONCE, Batch, BatchState, By, Faults, Gate, NewBatch, NewRow, Options, RowsHash, STOP_MINIMUM, Source, Taken, UploadError, lock,
};
use planshift_domain::{ids::PartnerId, time::Timestamp};
use planshift_storage::{Args, Statement, StorageError, Transaction};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A schedule that is to be.
#[derive(Clone, Debug)]
pub(crate) struct NewSchedule {
    pub(crate) id: Uuid,
    pub(crate) partner: PartnerId,
    pub(crate) reference: String,
    pub(crate) when: When,
    pub(crate) by: By,
    pub(crate) traceparent: String,
    asked: Asked,
}

/// Whom it moves.
pub(crate) enum Whose {
    /// These, in the order of their numbers.
    Customers(Vec<NewRow>),
    /// Those of this batch.
    Batch(Uuid),
}

/// What a schedule was made of: the same again is the same schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    /// What the customers are known by, where they were listed.
    customers: Option<String>,
    /// The batch, where one was named.
    batch: Option<Uuid>,
    when: When,
}

impl Asked {
    fn differences(&self, other: &Self) -> Vec<&'static str> {
        let (own, others) = (&self.when, &other.when);
        let differ = [
            ("customerIds", self.customers != other.customers),
            ("batchId", self.batch != other.batch),
            ("at", own.at != others.at),
            ("timeZone", own.time_zone != others.time_zone),
            ("window", own.window != others.window),
            ("days", own.days != others.days),
            ("spread", own.spread != others.spread),
        ];
        differ.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }
}

/// What became of it.
pub(crate) enum Made {
    /// There is a schedule of that reference, which this is: made now, or before.
    Schedule(Box<Schedule>),
    /// There is a schedule of that reference, and it differs in these.
    Another(Box<Schedule>, Vec<&'static str>),
    /// A batch that is not this schedule's has the reference.
    ReferenceOfBatch(Box<Batch>),
    /// Nothing was made.
    Faulty(Faults),
}

/// Why nothing became of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MakeError {
    #[error("there is no such batch")]
    UnknownBatch,
    #[error("a batch that is {} cannot be scheduled", .0.name())]
    NotAllowedInState(BatchState),
    #[error("the batch is started by the schedule {0}")]
    Scheduled(Uuid),
    #[error("not every row has a plan")]
    NotPlanned,
    #[error("no row waits")]
    NothingWaits,
    /// Somebody else was first with this reference.
    #[error("there is a schedule of that reference")]
    Known,
    #[error(transparent)]
    When(#[from] WrongWhen),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

static COUNT_WAITING: Statement =
    Statement::new("SELECT count(*) FROM batch_rows WHERE batch_id = $1 AND state = 'Waiting' AND number > $2");
static ENDS: Statement = Statement::new(
    "SELECT w.number FROM {3: place bigint} AS p JOIN
         (SELECT number, row_number() OVER (ORDER BY number) AS place FROM batch_rows
          WHERE batch_id = $1 AND state = 'Waiting' AND number > $2) AS w ON w.place = p.place
     ORDER BY w.number",
);

impl NewSchedule {
    pub(crate) fn new(id: Uuid, (partner, reference): (PartnerId, String), whose: &Whose, when: When, by: By, traceparent: String) -> Self {
        let (customers, batch) = match whose {
            Whose::Batch(batch) => (None, Some(*batch)),
            Whose::Customers(rows) => {
                let mut hash = RowsHash::default();
                rows.iter().for_each(|row| hash.add(row));
                (Some(hash.finish()), None)
            }
        };
        Self { id, partner, reference, asked: Asked { customers, batch, when: when.clone() }, when, by, traceparent }
    }
}

impl Schedules {
    /// Makes it. The same reference again is the same schedule, also when its time has come and gone.
    pub(crate) async fn make(&self, new: NewSchedule, whose: Whose) -> Result<Made, UploadError> {
        if let Some(known) = self.by_reference(new.partner, &new.reference).await? {
            return Ok(compared(known, &new));
        }
        // before rows are looked at: what is wrong for everybody
        new.when.openings(self.ports.clock.now()).map_err(MakeError::from)?;
        let made = match whose {
            Whose::Batch(batch) => self.of_batch(&new, batch).await?,
            Whose::Customers(rows) => self.with_batch(&new, rows).await?,
        };
        if let Some(made) = made {
            return Ok(made);
        }
        self.news.notify_one();
        self.batches.tell();
        let known = self.by_reference(new.partner, &new.reference).await?;
        Ok(compared(known.ok_or(UploadError::Stopped)?, &new))
    }

    /// Nothing where it was made.
    async fn of_batch(&self, new: &NewSchedule, batch: Uuid) -> Result<Option<Made>, UploadError> {
        let known = self.batches.find(batch).await?.ok_or(MakeError::UnknownBatch)?;
        if known.gate == Gate::default() {
            let faults = self.batches.busy_elsewhere(&known).await?;
            if !faults.is_empty() {
                return Ok(Some(Made::Faulty(faults.sorted())));
            }
        }
        let mut transaction = self.database.begin().await?;
        let made = match lock(&mut transaction, batch).await? {
            Some(mut batch) => make_in(&mut transaction, &mut batch, new, self.ports.clock.now()).await,
            None => Err(MakeError::UnknownBatch),
        };
        match made {
            Ok(()) => transaction.commit().await?,
            Err(error) => {
                // what was not committed did not happen, whether the rollback is heard or not
                let _ = transaction.rollback().await;
                // the same that was sent at the same time was first
                if !matches!(error, MakeError::Known) && self.by_reference(new.partner, &new.reference).await?.is_none() {
                    return Err(error.into());
                }
            }
        }
        Ok(None)
    }

    /// Nothing where it was made.
    async fn with_batch(&self, new: &NewSchedule, rows: Vec<NewRow>) -> Result<Option<Made>, UploadError> {
        let of_batch = NewBatch {
            partner: new.partner,
            reference: new.reference.clone(),
            options: Options {
                filter: None,
                at_once: AT_ONCE,
                stop_percent: None,
                stop_minimum: STOP_MINIMUM,
                dry_run: false,
                start: false,
                keep_to_plan: false,
            },
            rows_hash: new.asked.customers.clone().unwrap_or_default(),
            by: new.by.clone(),
            traceparent: new.traceparent.clone(),
            schedule: Some(new.clone()),
        };
        let taken = self.batches.take(of_batch, Source::Rows(rows), Faults::default()).await?;
        let is_there = self.by_reference(new.partner, &new.reference).await?.is_some();
        Ok(match taken {
            _ if is_there => None,
            Taken::Batch(batch) | Taken::Another(batch, _) => Some(Made::ReferenceOfBatch(batch)),
            Taken::Faulty(faults) => Some(Made::Faulty(faults)),
        })
    }
}

/// Makes it of a batch whose row is locked, or is made in this transaction.
pub(crate) async fn make_in(transaction: &mut Transaction, batch: &mut Batch, new: &NewSchedule, now: Timestamp) -> Result<(), MakeError> {
    if let Some(other) = batch.gate.schedule {
        return Err(MakeError::Scheduled(other));
    }
    if !matches!(batch.state, BatchState::Draft | BatchState::Planned) {
        return Err(MakeError::NotAllowedInState(batch.state));
    }
    if batch.keep_to_plan && batch.state == BatchState::Draft {
        return Err(MakeError::NotPlanned);
    }
    let openings = new.when.openings(now)?;
    let rest = rest(transaction, batch, 0, &openings).await?.ok_or(MakeError::NothingWaits)?;
    let days = planned(&openings, &rest, 1);
    let schedule = Schedule {
        id: new.id,
        partner: batch.partner,
        reference: new.reference.clone(),
        batch: batch.id,
        owns_batch: new.asked.batch.is_none(),
        created_at: now,
        actor: new.by.actor.clone(),
        asked: new.asked.clone(),
        when: new.when.clone(),
        state: ScheduleState::Waiting,
        next_at: days.first().map(|day| day.opens_at),
        version: 1,
        changed_at: now,
        ended_at: None,
        rows: batch.rows,
        batch_state: batch.state,
    };
    if !insert(transaction, &schedule).await? {
        return Err(MakeError::Known);
    }
    add_days(transaction, schedule.id, &days).await?;
    acted(transaction, &schedule, ScheduleAct::Create, &new.by).await?;
    batch.gate = Gate::of(schedule.id);
    batch.gate.write(transaction, batch.id).await?;
    Ok(())
}

/// The rows of a batch that wait after this one, divided over the days. Nothing where none does.
pub(super) async fn rest(
    transaction: &mut Transaction,
    batch: &Batch,
    after: u32,
    openings: &[Opening],
) -> Result<Option<Rest>, StorageError> {
    let args = || Args::new().value(batch.id).value(after);
    let waiting: u32 = transaction.query(&COUNT_WAITING, args()).await?.first().map_or(Ok(0), |row| row.get(0))?;
    if waiting == 0 {
        return Ok(None);
    }
    let shares = shares(waiting, u32::try_from(openings.len()).unwrap_or(u32::MAX));
    let places = shares.iter().scan(0, |place, share| {
        *place += share;
        Some(vec![(*place).into()])
    });
    let ends = transaction.query(&ENDS, args().rows(places.collect())).await?;
    let ends = ends.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
    Ok(Some(Rest { after, all: batch.rows, shares, ends }))
}

/// Is it the same schedule?
fn compared(known: Schedule, new: &NewSchedule) -> Made {
    let differences = known.asked.differences(&new.asked);
    if differences.is_empty() { Made::Schedule(Box::new(known)) } else { Made::Another(Box::new(known), differences) }
}
