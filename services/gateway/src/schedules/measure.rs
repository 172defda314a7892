//! How many schedules there are in each state, and how late the latest is.

use super::{ScheduleState, Schedules};
use planshift_storage::{Args, Statement, StorageError};
use planshift_worker::metrics::{Metrics, SCHEDULE_LATE, SCHEDULES};
use std::collections::HashMap;

static COUNTS: Statement = Statement::new("SELECT state, count(*) FROM schedules GROUP BY state");

impl Schedules {
    /// Shows them.
    pub(crate) async fn measure(&self, metrics: &Metrics) -> Result<(), StorageError> {
        let rows = self.database.query(&COUNTS, Args::new()).await?;
        let counts: HashMap<String, f64> =
            rows.iter().map(|row| Ok((row.get(0)?, row.get::<i64>(1)? as f64))).collect::<Result<_, StorageError>>()?;
        for state in ScheduleState::ALL {
            metrics.set(SCHEDULES, &[("state", state.name())], counts.get(state.name()).copied().unwrap_or_default());
        }
        let since = self.latest().await?;
        metrics.set(SCHEDULE_LATE, &[], since.map_or(0.0, |since| self.ports.clock.now().seconds_since(since).max(0.0)));
        Ok(())
    }
}
