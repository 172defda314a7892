//! How many transitions there are of each partner in each state.
//!
//! Counting follows the [feed](super::feed): a place in it is kept, and what has changed after that place is taken out of the count of
//! the state that it was counted in and put into that of the state that it has. So nothing is counted where changes are written, a
//! transition that has moved five times since is counted once, and a count costs what has changed since the last one.

use super::{ReadModel, list::Filter};
use planshift_domain::{ids::PartnerId, transition::State};
use planshift_storage::{Args, Statement, StorageError, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How many changes are counted in one transaction: the limit that stands in the statement.
const AT_ONCE: usize = 2_000;
/// How many of them are counted, for one who waits for the number, before he is told that it is not known yet: some tenths of a second.
const WHILE_ONE_WAITS: usize = 5;

static BEHIND: Statement = Statement::new(
    "SELECT (c.change, c.transition_id) < (k.value, $1::uuid) FROM feed_clock AS k CROSS JOIN counted_to AS c WHERE k.one = 1 AND c.one = 1",
);
static PLACE: Statement = Statement::new("SELECT change, transition_id FROM counted_to WHERE one = 1 {for update}");
// what changes while this is read has a higher number, and is counted the next time
static CHANGED: Statement = Statement::new(
    "SELECT f.change, f.transition_id, t.partner_id, t.state, c.state
     FROM (SELECT change, transition_id FROM feed
           WHERE (change, transition_id) > ($1::bigint, $2::uuid) AND change <= $3::bigint
           ORDER BY change, transition_id LIMIT 2000) AS f
     JOIN transitions AS t ON t.id = f.transition_id
     LEFT JOIN counted AS c ON c.transition_id = f.transition_id
     ORDER BY f.change, f.transition_id",
);
static COUNTED: Statement = Statement::new(
    "INSERT INTO counted (transition_id, state) SELECT r.id, r.state FROM {1: id uuid, state text} AS r WHERE true
     ON CONFLICT (transition_id) DO UPDATE SET state = excluded.state",
);
static COUNTS: Statement = Statement::new(
    "INSERT INTO transition_counts (partner_id, state, count)
     SELECT r.partner_id, r.state, r.more FROM {1: partner_id uuid, state text, more bigint} AS r WHERE true
     ON CONFLICT (partner_id, state) DO UPDATE SET count = transition_counts.count + excluded.count",
);
static MOVE: Statement = Statement::new("UPDATE counted_to SET change = $1, transition_id = $2 WHERE one = 1");
static SUM: Statement = Statement::new(
    "SELECT coalesce(sum(count), 0)::bigint FROM transition_counts
     WHERE ($1::uuid IS NULL OR partner_id = $1) AND ($2::text IS NULL OR $2::text LIKE '%,' || state || ',%')",
);

impl ReadModel {
    /// How many transitions of this partner, or of all, are in these states. `None`: so many have changed that they are not counted yet.
    pub(super) async fn counted(&self, partner: Option<PartnerId>, states: Option<&[State]>) -> Result<Option<u64>, StorageError> {
        if !self.count_changes(WHILE_ONE_WAITS).await? {
            return Ok(None);
        }
        let args = Args::new().value(partner.map(|id| id.0)).value(states.map(Filter::text_of));
        let sum = self.database.query(&SUM, args).await?.first().map_or(Ok(0), |row| row.get::<i64>(0))?;
        Ok(Some(u64::try_from(sum).unwrap_or_default()))
    }

    /// Counts what has changed, in so many transactions at most. True: nothing was left when it began its last one.
    pub(crate) async fn count_changes(&self, transactions: usize) -> Result<bool, StorageError> {
        for _ in 0..transactions {
            let behind =
                self.database.query(&BEHIND, Args::new().value(Uuid::max())).await?.first().map_or(Ok(false), |row| row.get::<bool>(0))?;
            if !behind || self.count_some().await? < AT_ONCE {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Counts the next changes, in one transaction; gives how many there were.
    async fn count_some(&self) -> Result<usize, StorageError> {
        let mut transaction = self.database.begin().await?;
        // whoever holds the place counts; the next one goes on from there
        let place = transaction.query(&PLACE, Args::new()).await?;
        let (change, id): (i64, Uuid) = place.first().map_or(Ok((-1, Uuid::nil())), |row| Ok((row.get(0)?, row.get(1)?)))?;
        let now = transaction.query(&super::feed::CLOCK, Args::new()).await?.first().map_or(Ok(0), |row| row.get::<i64>(0))?;
        let rows = transaction.query(&CHANGED, Args::new().value(change).value(id).value(now)).await?;
        let (mut counted, mut counts) = (Vec::new(), BTreeMap::<(Uuid, String), i64>::new());
        for row in &rows {
            let (id, partner, state): (Uuid, Uuid, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
            let before: Option<String> = row.get(4)?;
            if before.as_ref() != Some(&state) {
                if let Some(before) = before {
                    *counts.entry((partner, before)).or_default() -= 1;
                }
                *counts.entry((partner, state.clone())).or_default() += 1;
                counted.push(vec![Value::Uuid(id), state.into()]);
            }
        }
        let counts = counts.into_iter().filter(|(_, more)| *more != 0);
        let counts: Vec<Vec<Value>> = counts.map(|((partner, state), more)| vec![partner.into(), state.into(), more.into()]).collect();
        let (change, id) = match rows.last() {
            Some(last) if rows.len() == AT_ONCE => (last.get(0)?, last.get(1)?),
            _ => (now, Uuid::max()),
        };
        let writes = [(&COUNTED, counted), (&COUNTS, counts)].into_iter().filter(|(_, rows)| !rows.is_empty());
        transaction.execute_all(writes.map(|(statement, rows)| (statement, Args::new().rows(rows)))).await?;
        transaction.execute(&MOVE, Args::new().value(change).value(id)).await?;
        transaction.commit().await?;
        Ok(rows.len())
    }
}
