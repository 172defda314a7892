//! How many batches there are in each state, and how many rows of those that are at work.

use super::{BatchState, Batches, RowState};
use planshift_storage::{Args, Statement, StorageError};
use planshift_worker::metrics::{Metrics, UPGRADE_BATCH_ROWS, UPGRADE_BATCHES};
use std::collections::HashMap;

static BATCHES: Statement = Statement::new("SELECT state, count(*) FROM batches GROUP BY state");
static ROWS: Statement = Statement::new(
    "SELECT r.state, count(*) FROM batches AS b JOIN batch_rows AS r ON r.batch_id = b.id
     WHERE b.state IN ('Planning', 'Running', 'Pausing', 'Cancelling') GROUP BY r.state",
);

impl Batches {
    /// Shows them.
    pub(crate) async fn measure(&self, metrics: &Metrics) -> Result<(), StorageError> {
        let batches = self.counts(&BATCHES).await?;
        for state in BatchState::ALL {
            metrics.set(UPGRADE_BATCHES, &[("state", state.name())], batches.get(state.name()).copied().unwrap_or_default());
        }
        let rows = self.counts(&ROWS).await?;
        for state in RowState::ALL {
            metrics.set(UPGRADE_BATCH_ROWS, &[("state", state.name())], rows.get(state.name()).copied().unwrap_or_default());
        }
        Ok(())
    }

    async fn counts(&self, statement: &Statement) -> Result<HashMap<String, f64>, StorageError> {
        let rows = self.database.query(statement, Args::new()).await?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get::<i64>(1)? as f64))).collect()
    }
}
