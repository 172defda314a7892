//! How far behind the feed its followers are, and what of webhooks waits: what is shown as gauges.

use super::ReadModel;
use planshift_domain::time::Timestamp;
use planshift_storage::{Args, Statement, StorageError};
use planshift_worker::metrics::{COUNTS_BEHIND, Metrics, WEBHOOK_DELIVERIES, WEBHOOK_OLDEST, WEBHOOKS_BEHIND};

// while nobody has registered, nobody follows the feed for webhooks
static BEHIND: Statement = Statement::new(
    "SELECT k.value - c.change, CASE WHEN EXISTS (SELECT 1 FROM webhook_registrations) THEN k.value - w.change ELSE 0 END
     FROM feed_clock AS k CROSS JOIN counted_to AS c CROSS JOIN webhook_cursor AS w WHERE k.one = 1 AND c.one = 1 AND w.one = 1",
);
// As many as are looked at stand in the statements: a number beyond that says nothing more to anybody.
static PENDING: Statement = Statement::new(
    "SELECT count(*), min(d.created_at) FROM (SELECT created_at FROM webhook_deliveries WHERE state = 'pending' LIMIT 10000) AS d",
);
static DEAD: Statement = Statement::new(
    "SELECT count(*), min(d.created_at)
     FROM (SELECT created_at FROM webhook_deliveries WHERE state = 'dead' ORDER BY created_at, id LIMIT 10000) AS d",
);

impl ReadModel {
    /// Shows how far behind the followers of the feed are, and what of webhooks waits.
    pub(crate) async fn measure(&self, metrics: &Metrics, now: Timestamp) -> Result<(), StorageError> {
        if let Some(row) = self.database.query(&BEHIND, Args::new()).await?.first() {
            let (counts, webhooks): (i64, i64) = (row.get(0)?, row.get(1)?);
            // a follower may have read the clock later than it was read here
            metrics.set(COUNTS_BEHIND, &[], counts.max(0) as f64);
            metrics.set(WEBHOOKS_BEHIND, &[], webhooks.max(0) as f64);
        }
        for (state, statement) in [("pending", &PENDING), ("dead", &DEAD)] {
            if let Some(row) = self.database.query(statement, Args::new()).await?.first() {
                let (count, oldest): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
                let age = oldest.map_or(0, |since| now.as_micros().saturating_sub(since).max(0));
                metrics.set(WEBHOOK_DELIVERIES, &[("state", state)], count as f64);
                metrics.set(WEBHOOK_OLDEST, &[("state", state)], age as f64 / 1e6);
            }
        }
        Ok(())
    }
}
