//! What the rows of a batch add up to. Counted when somebody asks, from an index: nothing is counted where rows are written, so that two
//! who write rows of one batch never wait for each other.

use super::{Batches, RowState};
use planshift_domain::time::Timestamp;
use planshift_storage::{Args, Row, Statement, StorageError, Transaction};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How many of the last ends tell the pace.
const PACE_ENDS: i64 = 1_000;
/// Fewer ends than that tell none.
const FEWEST_ENDS: i64 = 10;
/// A batch that is silent for so many times the usual pause between two ends, and so many microseconds more, has no end that could be told.
const SILENT_TIMES: i64 = 100;
const SILENT_AT_LEAST: i64 = 30_000_000;

static STATES: Statement =
    Statement::new("SELECT state, count(*), coalesce(sum(subscriptions), 0)::bigint FROM batch_rows WHERE batch_id = $1 GROUP BY state");
static PLANS: Statement = Statement::new(
    "SELECT plan_state, count(*), coalesce(sum(plan_subscriptions), 0)::bigint, coalesce(sum(plan_buy), 0)::bigint,
            coalesce(sum(plan_reuse), 0)::bigint, coalesce(sum(plan_reactivate), 0)::bigint
     FROM batch_rows WHERE batch_id = $1 AND plan_state IS NOT NULL GROUP BY plan_state",
);
static REASONS: Statement = Statement::new(
    "SELECT code, count(DISTINCT number) FROM batch_reasons WHERE batch_id = $1 GROUP BY code ORDER BY count(DISTINCT number) DESC, code",
);
static PACE: Statement = Statement::new(
    "SELECT count(*), min(e.ended_at), max(e.ended_at)
     FROM (SELECT ended_at FROM batch_rows WHERE batch_id = $1 AND ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT $2) AS e",
);

/// Rows by their state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    states: BTreeMap<RowState, (i64, i64)>,
}

impl Tally {
    /// How many rows are in this state.
    pub(crate) fn rows(&self, state: RowState) -> i64 {
        self.states.get(&state).map_or(0, |(rows, _)| *rows)
    }

    fn sum(&self, is_meant: impl Fn(RowState) -> bool) -> i64 {
        self.states.iter().filter(|(state, _)| is_meant(**state)).map(|(_, (rows, _))| rows).sum()
    }

    pub(crate) fn all(&self) -> i64 {
        self.sum(|_| true)
    }

    pub(crate) fn ends(&self) -> i64 {
        self.sum(RowState::is_end)
    }

    pub(crate) fn failures(&self) -> i64 {
        self.sum(RowState::is_failure)
    }

    pub(crate) fn under_way(&self) -> i64 {
        self.sum(RowState::is_under_way)
    }

    /// Subscriptions that the transitions of the rows move, and of these those of rows that have completed.
    pub(crate) fn subscriptions(&self) -> (i64, i64) {
        let all = self.states.values().map(|(_, subscriptions)| subscriptions).sum();
        (all, self.states.get(&RowState::Completed).map_or(0, |(_, subscriptions)| *subscriptions))
    }

    /// How far the batch is, per cent: 100 is said where every row has come to its end alone.
    pub(crate) fn percent(&self) -> i64 {
        (self.ends() * 100).checked_div(self.all()).unwrap_or(100)
    }
}

/// What the dry run has come to so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlanTally {
    pub(crate) wanted: i64,
    pub(crate) eligible: i64,
    pub(crate) refused: i64,
    /// Of those that may move.
    pub(crate) subscriptions: i64,
    pub(crate) buy: i64,
    pub(crate) reuse: i64,
    pub(crate) reactivate: i64,
    /// Customers for each code of those that may not.
    pub(crate) reasons: Vec<(String, i64)>,
}

impl PlanTally {
    /// No dry run was asked for.
    pub(crate) const fn is_none(&self) -> bool {
        self.wanted + self.eligible + self.refused == 0
    }
}

/// How the last rows came to their ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pace {
    ends: i64,
    first: i64,
    last: i64,
}

impl Pace {
    /// When the last of so many rows ends, should the others end as fast as lately. Nothing where too few have ended to tell, or where
    /// none has for long.
    pub(crate) fn end_of(self, left: i64, now: Timestamp) -> Option<Timestamp> {
        let span = self.last - self.first;
        if left <= 0 || self.ends < FEWEST_ENDS || span <= 0 {
            return None;
        }
        let pause = span / (self.ends - 1);
        if now.as_micros() - self.last > pause.saturating_mul(SILENT_TIMES).saturating_add(SILENT_AT_LEAST) {
            return None;
        }
        let micros = i128::from(span) * i128::from(left) / i128::from(self.ends - 1);
        let end = self.last.saturating_add(i64::try_from(micros).unwrap_or(i64::MAX));
        Some(Timestamp::from_micros(end.max(now.as_micros())))
    }
}

impl Batches {
    pub(crate) async fn tally(&self, id: Uuid) -> Result<Tally, StorageError> {
        states(&self.database.query(&STATES, Args::new().value(id)).await?)
    }

    pub(crate) async fn plan_tally(&self, id: Uuid) -> Result<PlanTally, StorageError> {
        let mut tally = PlanTally::default();
        for row in self.database.query(&PLANS, Args::new().value(id)).await? {
            let rows: i64 = row.get(1)?;
            match row.get::<String>(0)?.as_str() {
                "Wanted" => tally.wanted = rows,
                "Refused" => tally.refused = rows,
                _ => {
                    tally.eligible = rows;
                    (tally.subscriptions, tally.buy) = (row.get(2)?, row.get(3)?);
                    (tally.reuse, tally.reactivate) = (row.get(4)?, row.get(5)?);
                }
            }
        }
        if tally.refused > 0 {
            let rows = self.database.query(&REASONS, Args::new().value(id)).await?;
            tally.reasons = rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect::<Result<_, StorageError>>()?;
        }
        Ok(tally)
    }

    pub(crate) async fn pace(&self, id: Uuid) -> Result<Pace, StorageError> {
        let rows = self.database.query(&PACE, Args::new().value(id).value(PACE_ENDS)).await?;
        let Some(row) = rows.first() else { return Ok(Pace::default()) };
        let (ends, first, last): (i64, Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Pace { ends, first: first.unwrap_or_default(), last: last.unwrap_or_default() })
    }
}

/// The same, as a transaction sees it.
pub(super) async fn tally_in(transaction: &mut Transaction, id: Uuid) -> Result<Tally, StorageError> {
    states(&transaction.query(&STATES, Args::new().value(id)).await?)
}

fn states(rows: &[Row]) -> Result<Tally, StorageError> {
    let mut tally = Tally::default();
    for row in rows {
        let name: String = row.get(0)?;
        let state =
            RowState::from_name(&name).ok_or_else(|| StorageError::Statement(format!("a row of a batch has the state {name:?}")))?;
        tally.states.insert(state, (row.get(1)?, row.get(2)?));
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::at;

    #[test]
    fn the_end_is_told_by_the_last_ends_and_not_without_them() {
        let pace = Pace { ends: 101, first: 10_000_000, last: 20_000_000 };
        // ten a second
        assert_eq!(pace.end_of(50, at(20)), Some(at(25)));
        assert_eq!(pace.end_of(50, at(27)), Some(at(27)), "not in the past");
        assert_eq!(pace.end_of(0, at(20)), None);
        assert_eq!(pace.end_of(50, at(20 + 60)), None, "silent");
        assert_eq!(Pace { ends: 9, ..pace }.end_of(50, at(20)), None, "too few");
        assert_eq!(Pace { first: 20_000_000, ..pace }.end_of(50, at(20)), None, "all at once");
        assert!(pace.end_of(i64::MAX, at(20)).is_some());
    }

    #[test]
    fn rows_add_up() {
        let states = [
            (RowState::Waiting, (5, 0)),
            (RowState::Running, (2, 4)),
            (RowState::Completed, (8, 16)),
            (RowState::Failed, (1, 2)),
            (RowState::Ineligible, (4, 0)),
        ];
        let tally = Tally { states: states.into_iter().collect() };
        assert_eq!((tally.all(), tally.ends(), tally.failures(), tally.under_way(), tally.percent()), (20, 13, 1, 2, 65));
        assert_eq!((tally.subscriptions(), tally.rows(RowState::Refused)), ((22, 16), 0));
        assert_eq!(Tally::default().percent(), 100);
    }
}
