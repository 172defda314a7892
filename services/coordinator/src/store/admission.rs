//! The line of transitions that wait to begin, and how many are under way.

use super::transitions::Stored;
use planshift_domain::{
    ids::{PartnerId, TransitionId},
    message::request::Priority,
};
use planshift_storage::{Args, Database, Row, Statement, StorageError, Transaction};

static LATCH: Statement = Statement::new("SELECT name FROM latches WHERE name = 'admission' {for update}");
static ROOM: Statement = Statement::new(
    "SELECT (SELECT count(*) FROM transitions WHERE open AND NOT waiting AND ended_at IS NULL AND state <> 'NeedsOperator'),
            (SELECT count(*) FROM transitions WHERE open AND NOT waiting AND ended_at IS NULL AND state <> 'NeedsOperator' AND background),
            (SELECT count(*) FROM (SELECT 1 AS one FROM transitions WHERE waiting AND background = false LIMIT 1) AS first),
            (SELECT count(*) FROM (SELECT 1 AS one FROM transitions WHERE waiting AND background = true LIMIT 1) AS first)",
);
// One for each transition, and one for each whole packet of its lines: so much of it is, or will be, in the workers' queues.
static UNDER_WAY: Statement = Statement::new(
    "SELECT partner_id, background, count(*), sum(1 + lines / packet_items)::bigint FROM transitions
     WHERE open AND NOT waiting AND ended_at IS NULL AND state <> 'NeedsOperator' GROUP BY partner_id, background",
);
// From each partner to the next one in the index, and not through all that wait.
static PARTNERS: Statement = Statement::new(
    "WITH RECURSIVE line AS (
         SELECT (SELECT partner_id FROM transitions WHERE waiting AND background = $1 ORDER BY partner_id LIMIT 1) AS partner_id
         UNION ALL
         SELECT (SELECT t.partner_id FROM transitions AS t WHERE t.waiting AND t.background = $1 AND t.partner_id > line.partner_id
                 ORDER BY t.partner_id LIMIT 1)
         FROM line WHERE line.partner_id IS NOT NULL)
     SELECT partner_id FROM line WHERE partner_id IS NOT NULL",
);
static OLDEST: Statement =
    Statement::new("SELECT id FROM transitions WHERE waiting AND background = $1 AND partner_id = $2 ORDER BY started_at, id LIMIT $3");
static ANYONE: Statement = Statement::new("SELECT id FROM transitions WHERE waiting LIMIT 1");
static BEFORE: Statement = Statement::new(
    "SELECT (SELECT count(*) FROM transitions WHERE waiting AND background = $1 AND partner_id = $2 AND (started_at, id) < ($3, $4)),
            (SELECT count(*) FROM transitions WHERE waiting AND background = false AND partner_id = $2)",
);
static WAITING: Statement = Statement::new("SELECT count(*) FROM transitions WHERE waiting");

const fn is_background(priority: Priority) -> bool {
    !priority.is_interactive()
}

/// What there is before a start is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// How many are under way.
    pub under_way: u32,
    /// How many of them in the background.
    pub background: u32,
    /// Does an interactive one wait?
    pub interactive_waits: bool,
    /// Does one in the background wait?
    pub background_waits: bool,
}

/// What a partner has under way at a priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnderWay {
    /// Who.
    pub partner: PartnerId,
    /// Of which priority.
    pub priority: Priority,
    /// How many transitions.
    pub transitions: u32,
    /// How much that is: one for each, and one for each whole packet of lines.
    pub work: u64,
}

/// Counts, now that the latch is held: others that would count at the same time wait until this transaction ends.
pub async fn count(tx: &mut Transaction) -> Result<Option<Counted>, StorageError> {
    tx.query(&LATCH, Args::new()).await?;
    let rows = tx.query(&ROOM, Args::new()).await?;
    let read = |row: &Row| {
        Ok(Counted {
            under_way: row.get(0)?,
            background: row.get(1)?,
            interactive_waits: row.get::<i64>(2)? > 0,
            background_waits: row.get::<i64>(3)? > 0,
        })
    };
    rows.first().map(read).transpose()
}

/// The latch, and what partners have under way.
pub async fn under_way(tx: &mut Transaction) -> Result<Vec<UnderWay>, StorageError> {
    tx.query(&LATCH, Args::new()).await?;
    let rows = tx.query(&UNDER_WAY, Args::new()).await?;
    let read = |row: &Row| {
        Ok(UnderWay {
            partner: PartnerId(row.get(0)?),
            priority: if row.get(1)? { Priority::Background } else { Priority::Interactive },
            transitions: row.get(2)?,
            work: u64::try_from(row.get::<i64>(3)?).unwrap_or_default(),
        })
    };
    rows.iter().map(read).collect()
}

/// The partners with a line of that priority.
pub async fn partners(tx: &mut Transaction, priority: Priority) -> Result<Vec<PartnerId>, StorageError> {
    let rows = tx.query(&PARTNERS, Args::new().value(is_background(priority))).await?;
    rows.iter().map(|row| row.get(0).map(PartnerId)).collect()
}

/// The first of a partner's line.
pub async fn oldest(tx: &mut Transaction, priority: Priority, partner: PartnerId, count: u32) -> Result<Vec<TransitionId>, StorageError> {
    let rows = tx.query(&OLDEST, Args::new().value(is_background(priority)).value(partner.0).value(count)).await?;
    rows.iter().map(|row| row.get(0).map(TransitionId)).collect()
}

/// Does anyone wait?
pub async fn anyone(db: &Database) -> Result<bool, StorageError> {
    Ok(!db.query(&ANYONE, Args::new()).await?.is_empty())
}

/// How many of the same partner are before this one in its line: where it is in the background, all interactive ones are, too.
pub async fn before(tx: &mut Transaction, of: &Stored) -> Result<u32, StorageError> {
    let args = Args::new().value(is_background(of.priority)).value(of.partner.0).value(of.started_at.as_micros()).value(of.id.0);
    let rows = tx.query(&BEFORE, args).await?;
    let Some(row) = rows.first() else { return Ok(0) };
    let (of_its_own, interactive): (u32, u32) = (row.get(0)?, row.get(1)?);
    Ok(if of.priority.is_interactive() { of_its_own } else { of_its_own + interactive })
}

/// How many wait in all lines.
pub async fn waiting(tx: &mut Transaction) -> Result<u32, StorageError> {
    let rows = tx.query(&WAITING, Args::new()).await?;
    rows.first().map_or(Ok(0), |row| row.get(0))
}
