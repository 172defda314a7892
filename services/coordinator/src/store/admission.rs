//! The line of transitions that wait to begin, and how many are under way.

use planshift_domain::{
    ids::{PartnerId, TransitionId},
    time::Timestamp,
};
use planshift_storage::{Args, Database, Statement, StorageError, Transaction};

static LATCH: Statement = Statement::new("SELECT name FROM latches WHERE name = 'admission' {for update}");
static ROOM: Statement = Statement::new(
    "SELECT (SELECT count(*) FROM transitions WHERE open AND NOT waiting AND ended_at IS NULL AND state <> 'NeedsOperator'),
            (SELECT count(*) FROM (SELECT 1 AS one FROM transitions WHERE waiting LIMIT 1) AS first)",
);
static UNDER_WAY: Statement = Statement::new(
    "SELECT partner_id, count(*) FROM transitions WHERE open AND NOT waiting AND ended_at IS NULL AND state <> 'NeedsOperator' GROUP BY partner_id",
);
// From each partner to the next one in the index, and not through all that wait.
static PARTNERS: Statement = Statement::new(
    "WITH RECURSIVE line AS (
         SELECT (SELECT partner_id FROM transitions WHERE waiting ORDER BY partner_id LIMIT 1) AS partner_id
         UNION ALL
         SELECT (SELECT t.partner_id FROM transitions AS t WHERE t.waiting AND t.partner_id > line.partner_id ORDER BY t.partner_id LIMIT 1)
         FROM line WHERE line.partner_id IS NOT NULL)
     SELECT partner_id FROM line WHERE partner_id IS NOT NULL",
);
static OLDEST: Statement = Statement::new("SELECT id FROM transitions WHERE waiting AND partner_id = $1 ORDER BY started_at, id LIMIT $2");
static ANYONE: Statement = Statement::new("SELECT id FROM transitions WHERE waiting LIMIT 1");
static BEFORE: Statement =
    Statement::new("SELECT count(*) FROM transitions WHERE waiting AND partner_id = $1 AND (started_at, id) < ($2, $3)");
static WAITING: Statement = Statement::new("SELECT count(*) FROM transitions WHERE waiting");

/// How many may begin, now that the latch is held: others that would count at the same time wait until this transaction ends.
pub async fn room(tx: &mut Transaction, limit: u32) -> Result<u32, StorageError> {
    tx.query(&LATCH, Args::new()).await?;
    let rows = tx.query(&ROOM, Args::new()).await?;
    let Some(row) = rows.first() else { return Ok(limit) };
    let (under_way, waiting): (u32, u32) = (row.get(0)?, row.get(1)?);
    // nobody passes those who wait
    Ok(if waiting > 0 { 0 } else { limit.saturating_sub(under_way) })
}

/// The latch, how many of each partner are under way, and which partners have a line.
pub async fn partners(tx: &mut Transaction) -> Result<(Vec<(PartnerId, u32)>, Vec<PartnerId>), StorageError> {
    tx.query(&LATCH, Args::new()).await?;
    let under_way = tx.query(&UNDER_WAY, Args::new()).await?;
    let under_way = under_way.iter().map(|row| Ok((PartnerId(row.get(0)?), row.get(1)?))).collect::<Result<_, StorageError>>()?;
    let waiting = tx.query(&PARTNERS, Args::new()).await?;
    let waiting = waiting.iter().map(|row| row.get(0).map(PartnerId)).collect::<Result<_, _>>()?;
    Ok((under_way, waiting))
}

/// The first of a partner's line.
pub async fn oldest(tx: &mut Transaction, partner: PartnerId, count: u32) -> Result<Vec<TransitionId>, StorageError> {
    let rows = tx.query(&OLDEST, Args::new().value(partner.0).value(count)).await?;
    rows.iter().map(|row| row.get(0).map(TransitionId)).collect()
}

/// Does anyone wait?
pub async fn anyone(db: &Database) -> Result<bool, StorageError> {
    Ok(!db.query(&ANYONE, Args::new()).await?.is_empty())
}

/// How many of the same partner are before this one in its line.
pub async fn before(tx: &mut Transaction, partner: PartnerId, started_at: Timestamp, id: TransitionId) -> Result<u32, StorageError> {
    let rows = tx.query(&BEFORE, Args::new().value(partner.0).value(started_at.as_micros()).value(id.0)).await?;
    rows.first().map_or(Ok(0), |row| row.get(0))
}

/// How many wait in all lines.
pub async fn waiting(tx: &mut Transaction) -> Result<u32, StorageError> {
    let rows = tx.query(&WAITING, Args::new()).await?;
    rows.first().map_or(Ok(0), |row| row.get(0))
}
