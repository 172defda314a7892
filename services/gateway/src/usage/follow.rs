//! Transitions that changed: whose owners are to be asked for again.
//!
//! The feed is followed from a place that is kept, so nothing that happened while a gateway was down is passed over, and those who write
//! what happens pay nothing for it. A transition whose packets of mapping (commands or undos) have changed names its lines; those that
//! have usage are wanted to be known anew. Beyond that everything is asked for again now and then, so that a change whose news never came
//! is found too.

use super::{Usage, owners::OwnersError};
use planshift_domain::ids::{AzureSubscriptionId, PartnerId};
use planshift_storage::{Args, Statement, StorageError};
use planshift_telemetry::TraceContext;
use std::collections::BTreeMap;

/// How many subscriptions are asked for in a round of housekeeping at most.
const ASK_AT_MOST: i64 = 5_000;
/// After how long a subscription is asked for again though nobody has said that it changed.
const OLD: i64 = 6 * 3600;
/// And how many of those in a round: few, because as a rule nothing has changed.
const OLD_AT_MOST: i64 = 500;
/// How long one that was asked for in vain is left alone.
const AGAIN: i64 = 5;

static CURSOR: Statement = Statement::new(
    "SELECT c.change, f.value, CASE WHEN EXISTS (SELECT 1 FROM usage_subscriptions) THEN 1 ELSE 0 END
     FROM usage_cursor AS c CROSS JOIN feed_clock AS f WHERE c.one = 1 AND f.one = 1",
);
static MOVE: Statement = Statement::new("UPDATE usage_cursor SET change = $2 WHERE one = 1 AND change = $1");
static WANT_CHANGED: Statement = Statement::new(
    "UPDATE usage_subscriptions SET wanted = wanted + 1
     WHERE azure_id IN (
         SELECT l.azure_id FROM feed AS f CROSS JOIN packets AS p CROSS JOIN lines AS l
         WHERE f.change > $1::bigint AND p.transition_id = f.transition_id AND p.step = 'mapping' AND p.change > $1::bigint
           AND l.transition_id = p.transition_id AND l.packet = p.packet)",
);
static WANTED: Statement = Statement::new(
    "SELECT partner_id, azure_id, wanted FROM usage_subscriptions
     WHERE answered < wanted AND asked_at < $1 ORDER BY asked_at LIMIT $2",
);
static WANT_OLD: Statement = Statement::new(
    "UPDATE usage_subscriptions SET wanted = wanted + 1
     WHERE (partner_id, azure_id) IN (
         SELECT partner_id, azure_id FROM usage_subscriptions WHERE asked_at < $1 AND answered = wanted ORDER BY asked_at LIMIT $2)",
);

impl Usage {
    /// A round: what has changed is wanted, and what is wanted is asked for.
    pub(crate) async fn keep_owners(&self) -> Result<(), OwnersError> {
        if !self.follow().await? {
            return Ok(());
        }
        let now = self.ports.clock.now();
        let old = now.plus_seconds(-OLD).as_micros();
        self.database.execute(&WANT_OLD, Args::new().value(old).value(OLD_AT_MOST)).await?;
        let asked_before = now.plus_seconds(-AGAIN).as_micros();
        let mut wanted: BTreeMap<PartnerId, BTreeMap<AzureSubscriptionId, i64>> = BTreeMap::new();
        for row in self.database.query(&WANTED, Args::new().value(asked_before).value(ASK_AT_MOST)).await? {
            wanted.entry(PartnerId(row.get(0)?)).or_default().insert(AzureSubscriptionId(row.get(1)?), row.get(2)?);
        }
        for (partner, wanted) in wanted {
            self.ask_for(partner, &wanted, &TraceContext::unrecorded(self.ports.random.id())).await?;
        }
        Ok(())
    }

    /// Goes on to where the feed is; whether there is any usage.
    pub(super) async fn follow(&self) -> Result<bool, StorageError> {
        let rows = self.database.query(&CURSOR, Args::new()).await?;
        let Some(row) = rows.first() else { return Ok(false) };
        let (from, to, any): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if to > from {
            let mut tx = self.database.begin().await?;
            // another replica may have gone there first
            if tx.execute(&MOVE, Args::new().value(from).value(to)).await? == 0 {
                tx.rollback().await?;
                return Ok(any == 1);
            }
            // what changes after `to` is looked at too, and once more with its own number
            tx.execute(&WANT_CHANGED, Args::new().value(from)).await?;
            tx.commit().await?;
        }
        Ok(any == 1)
    }
}
