//! What is missing in the read model for too long, and what is in it for too long.

use super::ReadModel;
use planshift_domain::{ids::TransitionId, time::Timestamp};
use planshift_storage::{Args, Statement, StorageError};
use std::time::Duration;

/// How many transitions are asked for at once: their answers go through the same queue as everything else.
const ASKED_AT_ONCE: u32 = 50;

// Claimed in the same statement that finds them, so that of several replicas one asks; later and later, should it not help.
static CLAIM: Statement = Statement::new(
    "UPDATE transitions SET asked = asked + 1, ask_at = $1 + $2 * (asked + 1)
     WHERE id IN (SELECT id FROM transitions WHERE NOT whole AND ask_at <= $1 ORDER BY ask_at LIMIT $3 {for update skip locked})
     RETURNING id",
);
// What is told of one of them before `ask_at` says by itself whether it is whole, and nobody asks.
static DOUBT: Statement = Statement::new("UPDATE transitions SET whole = false, asked = 0, ask_at = $1 WHERE settled IS NULL AND whole");
static FORGET: Statement = Statement::new(
    "DELETE FROM requests WHERE (partner_id, request_id) IN
         (SELECT partner_id, request_id FROM requests WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
);

impl ReadModel {
    /// Transitions of which something has been missing since before now less `gap`. Each is given out once, and again after
    /// a while that grows.
    pub(crate) async fn claim_gaps(&self, now: Timestamp, gap: Duration) -> Result<Vec<TransitionId>, StorageError> {
        let gap = i64::try_from(gap.as_micros()).unwrap_or(i64::MAX / 1_000);
        let rows = self.database.query(&CLAIM, Args::new().value(now.as_micros()).value(gap).value(ASKED_AT_ONCE)).await?;
        rows.iter().map(|row| row.get(0).map(TransitionId)).collect()
    }

    /// Takes every transition under way for one of which something may be missing, to be asked for when `gap` has passed: its last news may
    /// have been lost with the broker, and no later ones will come that would show a gap.
    pub(crate) async fn doubt_unsettled(&self, now: Timestamp, gap: Duration) -> Result<u64, StorageError> {
        let gap = i64::try_from(gap.as_micros()).unwrap_or(i64::MAX / 2);
        self.database.execute(&DOUBT, Args::new().value(now.as_micros().saturating_add(gap))).await
    }

    /// Forgets idempotency keys from before `before`, a good thousand at a time.
    pub(crate) async fn forget_requests(&self, before: Timestamp) -> Result<u64, StorageError> {
        self.database.execute(&FORGET, Args::new().value(before.as_micros()).value(1_000)).await
    }
}
