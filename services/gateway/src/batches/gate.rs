//! What a schedule lets a batch do: up to which row it may begin, and until when. Looked at under the lock of the batch's row whenever rows
//! are claimed, so that nothing begins outside of its hours, however late whoever opens and closes is.

use planshift_domain::time::Timestamp;
use planshift_storage::{Args, Statement, StorageError, Transaction};
use uuid::Uuid;

static GATED: Statement = Statement::new("UPDATE batches SET schedule_id = $2, up_to = $3, closes_at = $4, closed = $5 WHERE id = $1");

/// What a schedule lets a batch do. The default is a batch that no schedule has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gate {
    /// Which schedule has it.
    pub(crate) schedule: Option<Uuid>,
    /// Rows after this one do not begin yet. Nothing: all may.
    pub(crate) up_to: Option<u32>,
    /// From here on nothing begins until the schedule opens it again.
    pub(crate) closes_at: Option<Timestamp>,
    /// It rests because of its hours, and not because somebody has paused it.
    pub(crate) closed: bool,
}

impl Gate {
    /// Of a batch that this schedule has, and that has not been opened yet.
    pub(crate) const fn of(schedule: Uuid) -> Self {
        Self { schedule: Some(schedule), up_to: Some(0), closes_at: None, closed: false }
    }

    /// Nothing may begin.
    pub(crate) fn is_shut(&self, now: Timestamp) -> bool {
        self.closes_at.is_some_and(|closes_at| closes_at <= now)
    }

    /// The last row that may begin, of so many.
    pub(crate) fn last(&self, rows: u32) -> u32 {
        self.up_to.map_or(rows, |up_to| up_to.min(rows))
    }

    /// Rows are left for later days.
    pub(crate) fn holds_back(&self, rows: u32) -> bool {
        self.last(rows) < rows
    }

    /// Writes it, in the transaction that holds the lock of the batch's row.
    pub(crate) async fn write(&self, transaction: &mut Transaction, batch: Uuid) -> Result<(), StorageError> {
        let args = Args::new()
            .value(batch)
            .value(self.schedule)
            .value(self.up_to)
            .value(self.closes_at.map(Timestamp::as_micros))
            .value(self.closed);
        transaction.execute(&GATED, args).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::at;

    #[test]
    fn a_batch_without_a_schedule_is_never_held() {
        let free = Gate::default();
        assert!(!free.is_shut(at(i64::from(u32::MAX))) && !free.holds_back(7));
        assert_eq!(free.last(7), 7);
    }

    #[test]
    fn it_is_shut_from_the_very_instant_on() {
        let gate = Gate { up_to: Some(3), closes_at: Some(at(10)), ..Gate::of(Uuid::nil()) };
        assert!(!gate.is_shut(at(9)) && gate.is_shut(at(10)) && gate.is_shut(at(11)));
        assert_eq!((gate.last(7), gate.last(2)), (3, 2));
        assert!(gate.holds_back(4) && !gate.holds_back(3));
        assert_eq!(Gate::of(Uuid::nil()).last(7), 0, "not before it was opened");
    }
}
