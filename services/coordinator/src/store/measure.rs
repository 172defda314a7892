//! How many transitions there are, and how old: what is shown of them as gauges.
//!
//! Both statements go through partial indexes: those under way (`transitions_open`; as many as may be under way, and those that wait for
//! an operator) and the line (`transitions_waiting`). What has ended is not looked at.

use planshift_domain::{message::request::Priority, step::Step, time::Timestamp, transition::State};
use planshift_storage::{Args, Database, Row, Statement, StorageError};
use std::str::FromStr as _;

static OPEN: Statement = Statement::new(
    "SELECT state, held_step, count(*), min(started_at), min(touched_at),
            count(CASE WHEN sent < version THEN 1 END), min(CASE WHEN sent < version THEN touched_at END)
     FROM transitions WHERE open AND NOT waiting GROUP BY state, held_step",
);
static LINE: Statement = Statement::new("SELECT background, count(*), min(started_at) FROM transitions WHERE waiting GROUP BY background");

/// Transitions that are alike.
#[derive(Clone, Copy, Debug)]
pub struct Alike {
    /// Their state; an end where only their output may not have been sent.
    pub state: State,
    /// The paused step that they are held at.
    pub held: Option<Step>,
    /// How many.
    pub count: i64,
    /// When the first of them was started.
    pub started_at: Timestamp,
    /// When the one that has stood still for the longest has moved.
    pub touched_at: Timestamp,
    /// Of how many the last output may not have been sent.
    pub unsent: i64,
    /// The oldest of those.
    pub unsent_since: Option<Timestamp>,
}

/// Those of a priority that wait in line: how many, and when the first of them was started.
#[derive(Clone, Copy, Debug)]
pub struct InLine {
    /// Who waits for them.
    pub priority: Priority,
    /// How many.
    pub count: i64,
    /// When the first of them was started.
    pub since: Timestamp,
}

/// All that are not at an end, or may have something to send; and the lines.
///
/// # Errors
/// The database's.
pub async fn measure(db: &Database) -> Result<(Vec<Alike>, Vec<InLine>), StorageError> {
    let time = |micros: Option<i64>| micros.map(Timestamp::from_micros);
    let mut alike = Vec::new();
    for row in db.query(&OPEN, Args::new()).await? {
        let (state, held): (String, Option<String>) = (row.get(0)?, row.get(1)?);
        alike.push(Alike {
            state: State::from_name(&state).ok_or_else(|| super::unknown_word("state", &state))?,
            held: held.map(|held| Step::from_str(&held).map_err(|_| super::unknown_word("step", &held))).transpose()?,
            count: row.get(2)?,
            started_at: Timestamp::from_micros(row.get(3)?),
            touched_at: Timestamp::from_micros(row.get(4)?),
            unsent: row.get(5)?,
            unsent_since: time(row.get(6)?),
        });
    }
    let rows = db.query(&LINE, Args::new()).await?;
    let read = |row: &Row| {
        let priority = if row.get(0)? { Priority::Background } else { Priority::Interactive };
        Ok(InLine { priority, count: row.get(1)?, since: Timestamp::from_micros(row.get(2)?) })
    };
    let line = rows.iter().map(read).collect::<Result<_, StorageError>>()?;
    Ok((alike, line))
}
