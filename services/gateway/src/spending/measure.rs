//! How many warnings nobody has seen to, and how much of what was brought is not reckoned yet.

use super::Spendings;
use planshift_storage::{Args, Statement, StorageError};
use planshift_worker::metrics::{BUDGET_WARNINGS, Metrics, SPENDING_DUE};

/// Nobody tells more from each other; counting has an end.
const COUNTED: u32 = 10_000;

static OPEN: Statement =
    Statement::new("SELECT count(*) FROM (SELECT at FROM budget_warnings WHERE acknowledged_at IS NULL LIMIT $1) AS w");
static DUE: Statement = Statement::new("SELECT count(*) FROM (SELECT month FROM spending_due LIMIT $1) AS d");

impl Spendings {
    /// Shows them.
    pub(crate) async fn measure(&self, metrics: &Metrics) -> Result<(), StorageError> {
        for (statement, metric) in [(&OPEN, BUDGET_WARNINGS), (&DUE, SPENDING_DUE)] {
            let rows = self.database.query(statement, Args::new().value(COUNTED)).await?;
            let count = rows.first().map_or(Ok(0), |row| row.get::<i64>(0))?;
            metrics.set(metric, &[], count as f64);
        }
        Ok(())
    }
}
