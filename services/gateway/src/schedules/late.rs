//! What should have begun and has not: asked of the rows themselves, so that it is never a day old.

use super::{Schedules, days::LATE_AFTER_SECONDS};
use planshift_domain::time::Timestamp;
use planshift_storage::{Args, Statement, StorageError};
use std::collections::HashMap;
use uuid::Uuid;

// a day without hours is in time once it has begun: its rows wait for each other
macro_rules! late {
    ($which:literal) => {
        Statement::new(concat!(
            "SELECT s.id, min(coalesce(d.closes_at, d.opens_at))
             FROM schedules AS s JOIN schedule_days AS d ON d.schedule_id = s.id
             WHERE s.state IN ('Waiting', 'Running') AND ",
            $which,
            " AND ((d.closes_at < $1 AND EXISTS (SELECT 1 FROM batch_rows AS r
                     WHERE r.batch_id = s.batch_id AND r.state = 'Waiting' AND r.number BETWEEN d.first_row AND d.last_row))
                OR (d.closes_at IS NULL AND d.begun_at IS NULL AND d.opens_at < $2))
              GROUP BY s.id"
        ))
    };
}
static OF_ALL: Statement = late!("true");
static OF_THESE: Statement = late!("s.id IN (SELECT r.id FROM {3: id uuid} AS r)");

impl Schedules {
    /// Since when something is late, of each of these schedules that is.
    pub(crate) async fn late_since(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Timestamp>, StorageError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let args = self.instants().rows(ids.iter().map(|id| vec![(*id).into()]).collect());
        let rows = self.database.query(&OF_THESE, args).await?;
        rows.iter().map(|row| Ok((row.get(0)?, Timestamp::from_micros(row.get(1)?)))).collect()
    }

    /// The earliest of all.
    pub(super) async fn latest(&self) -> Result<Option<Timestamp>, StorageError> {
        let rows = self.database.query(&OF_ALL, self.instants()).await?;
        let times = rows.iter().map(|row| row.get(1).map(Timestamp::from_micros)).collect::<Result<Vec<_>, _>>()?;
        Ok(times.into_iter().min())
    }

    fn instants(&self) -> Args {
        let now = self.ports.clock.now();
        Args::new().value(now.as_micros()).value(now.plus_seconds(-LATE_AFTER_SECONDS).as_micros())
    }
}
