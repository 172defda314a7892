//! What is stored, for verification: transitions page by page in the order of their ids, and what is beneath them.

use crate::{
    saga::Tally,
    store::{rows, unknown_word},
};
use planshift_domain::{
    history::HistoryEntry,
    ids::{CustomerId, PartnerId, TransitionId},
    step::{Action, Step},
    time::Timestamp,
    transition::{LineRow, PlanRow, State},
};
use planshift_storage::{Args, Database, Row, Statement, StorageError};
use uuid::Uuid;

/// A transition's key, and how much there is of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The transition.
    pub id: TransitionId,
    /// Its version.
    pub version: u32,
    /// Whose customer.
    pub partner_id: PartnerId,
    /// Who moves.
    pub customer_id: CustomerId,
    /// How many lines it says that it has.
    pub lines: u32,
}

/// A transition as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Its key.
    pub head: Head,
    /// Where it stands.
    pub state: State,
    /// The version of the customer's facts that it is about.
    pub facts_version: u32,
    /// How many plans it says that it has.
    pub plans: u32,
    /// From when the plans own the usage.
    pub effective_at: Option<Timestamp>,
    /// When it came to an end.
    pub ended_at: Option<Timestamp>,
    /// How many history entries it has.
    pub history: u32,
    /// The hash of the last one.
    pub history_hash: String,
    tallies: [[Tally; 2]; 4],
}

impl Transition {
    /// Was the step ever commanded?
    pub const fn commanded(&self, step: Step) -> bool {
        self.tallies[step as usize][Action::Do as usize].commanded()
    }
}

static PAGE: Statement =
    Statement::new("SELECT id, version, partner_id, customer_id, lines FROM transitions WHERE id > $1 ORDER BY id LIMIT $2");
macro_rules! select {
    ($rest:literal) => {
        Statement::new(concat!(
            "SELECT t.id, t.version, t.partner_id, t.customer_id, t.lines, t.state, t.facts_version, t.plans, t.effective_at, t.ended_at,
                    t.history, t.history_hash, t.tallies ",
            $rest
        ))
    };
}
static FIND: Statement = select!("FROM {1: id uuid} AS r CROSS JOIN transitions AS t WHERE t.id = r.id ORDER BY t.id");
static COMPLETED: Statement = select!(
    "FROM {1: partner uuid, customer uuid} AS r CROSS JOIN transitions AS t
     WHERE t.partner_id = r.partner AND t.customer_id = r.customer AND t.state = 'Completed' ORDER BY t.id"
);

/// The next transitions after one, at most `limit`.
///
/// # Errors
/// Any of a reading statement.
pub async fn heads(database: &Database, after: Option<TransitionId>, limit: u32) -> Result<Vec<Head>, StorageError> {
    let after = after.map_or(Uuid::nil(), |id| id.0);
    database.query(&PAGE, Args::new().value(after).value(limit)).await?.iter().map(head).collect()
}

/// These transitions, in the order of their ids, without those that are not there.
///
/// # Errors
/// Any of a reading statement.
pub async fn transitions(database: &Database, ids: &[TransitionId]) -> Result<Vec<Transition>, StorageError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = ids.iter().map(|id| vec![id.0.into()]).collect();
    database.query(&FIND, Args::new().rows(rows)).await?.iter().map(transition).collect()
}

/// The transitions of these customers that have completed, in the order of their ids.
///
/// # Errors
/// Any of a reading statement.
pub async fn completed(database: &Database, customers: &[(PartnerId, CustomerId)]) -> Result<Vec<Transition>, StorageError> {
    if customers.is_empty() {
        return Ok(Vec::new());
    }
    let rows = customers.iter().map(|(partner, customer)| vec![partner.0.into(), customer.0.into()]).collect();
    database.query(&COMPLETED, Args::new().rows(rows)).await?.iter().map(transition).collect()
}

/// The lines of these transitions.
///
/// # Errors
/// Any but `CommitUnknown`.
pub async fn lines(database: &Database, of: &[TransitionId]) -> Result<Vec<rows::Of<LineRow>>, StorageError> {
    let mut tx = database.begin().await?;
    let lines = rows::load_lines(&mut tx, of).await?;
    tx.rollback().await?;
    Ok(lines)
}

/// The plans of these transitions.
///
/// # Errors
/// Any but `CommitUnknown`.
pub async fn plans(database: &Database, of: &[TransitionId]) -> Result<Vec<rows::Of<PlanRow>>, StorageError> {
    let mut tx = database.begin().await?;
    let plans = rows::load_plans(&mut tx, of).await?;
    tx.rollback().await?;
    Ok(plans)
}

/// The history of these transitions, in its order.
///
/// # Errors
/// Any but `CommitUnknown`.
pub async fn history(database: &Database, of: &[TransitionId]) -> Result<Vec<rows::Of<HistoryEntry>>, StorageError> {
    let mut tx = database.begin().await?;
    let history = rows::load_history(&mut tx, of).await?;
    tx.rollback().await?;
    Ok(history)
}

fn head(row: &Row) -> Result<Head, StorageError> {
    Ok(Head {
        id: TransitionId(row.get(0)?),
        version: row.get(1)?,
        partner_id: PartnerId(row.get(2)?),
        customer_id: CustomerId(row.get(3)?),
        lines: row.get(4)?,
    })
}

fn transition(row: &Row) -> Result<Transition, StorageError> {
    let (state, tallies): (String, String) = (row.get(5)?, row.get(12)?);
    let time = |index| row.get::<Option<i64>>(index).map(|at| at.map(Timestamp::from_micros));
    Ok(Transition {
        head: head(row)?,
        state: State::from_name(&state).ok_or_else(|| unknown_word("state", &state))?,
        facts_version: row.get(6)?,
        plans: row.get(7)?,
        effective_at: time(8)?,
        ended_at: time(9)?,
        history: row.get(10)?,
        history_hash: row.get(11)?,
        tallies: serde_json::from_str(&tallies).map_err(|_| unknown_word("tallies", &tallies))?,
    })
}
