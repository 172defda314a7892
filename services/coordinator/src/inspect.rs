//! What is stored, for verification: transitions page by page in the order of their ids, and what is beneath them, all of it in the
//! order of the tables' keys, so that a page is a stretch of each.

use crate::{
    saga::Tally,
    store::{audit, rows, unknown_word},
};
use planshift_domain::{
    audit::{CustomerEntry, Seal},
    history::HistoryEntry,
    ids::{AzureSubscriptionId, CommerceSubscriptionId, CustomerId, PartnerId, PlanId, Reseller, TransitionId},
    step::{Action, Step},
    time::Timestamp,
    transition::State,
};
use planshift_storage::{Args, Database, Row, Statement, StorageError};
use std::collections::HashMap;
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

/// What is looked up of a transition that something else names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whose customer.
    pub partner_id: PartnerId,
    /// Where it stands.
    pub state: State,
    /// How many lines it says that it has.
    pub lines: u32,
    /// From when the plans own the usage.
    pub effective_at: Option<Timestamp>,
}

/// A line, as far as its ids and its reseller go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its transition.
    pub transition: TransitionId,
    /// Its packet.
    pub packet: u32,
    /// The Azure subscription.
    pub azure: AzureSubscriptionId,
    /// The commerce subscription.
    pub commerce: CommerceSubscriptionId,
    /// The reseller on record: an MPN id, or `none`.
    pub reseller: String,
}

/// A plan of a transition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its transition.
    pub transition: TransitionId,
    /// Whose: an MPN id, or `none`.
    pub reseller: String,
    /// The plan, once there is one.
    pub plan: Option<PlanId>,
}

/// A transition that is not at an end, by its customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Live {
    /// Whose customer.
    pub partner_id: PartnerId,
    /// Who moves.
    pub customer_id: CustomerId,
    /// The transition.
    pub id: TransitionId,
}

/// A stretch of transitions: after one, and up to another; `None` is the first, or the last, of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// Not this one, but the next.
    pub after: Option<TransitionId>,
    /// This one too.
    pub upto: Option<TransitionId>,
}

impl Stretch {
    fn bounds(self) -> (Uuid, Uuid) {
        (self.after.map_or(Uuid::nil(), |id| id.0), self.upto.map_or(Uuid::max(), |id| id.0))
    }
}

static PAGE: Statement =
    Statement::new("SELECT id, version, partner_id, customer_id, lines FROM transitions WHERE id > $1 ORDER BY id LIMIT $2");
static STANDING: Statement = Statement::new(
    "SELECT t.id, t.partner_id, t.state, t.lines, t.effective_at FROM {1: id uuid} AS r CROSS JOIN transitions AS t WHERE t.id = r.id",
);
macro_rules! select {
    ($rest:literal) => {
        Statement::new(concat!(
            "SELECT t.id, t.version, t.partner_id, t.customer_id, t.lines, t.state, t.facts_version, t.plans, t.effective_at, t.ended_at,
                    t.history, t.history_hash, t.tallies ",
            $rest
        ))
    };
}
static STRETCH: Statement = select!("FROM transitions AS t WHERE t.id > $1 AND t.id <= $2 ORDER BY t.id");
static COMPLETED: Statement = select!(
    "FROM {1: partner uuid, customer uuid} AS r CROSS JOIN transitions AS t
     WHERE t.partner_id = r.partner AND t.customer_id = r.customer AND t.ended_at IS NOT NULL AND t.state = 'Completed' ORDER BY t.id"
);
static LIVE: Statement = Statement::new(
    "SELECT partner_id, customer_id, id FROM transitions
     WHERE ended_at IS NULL AND (partner_id, customer_id) >= ($1, $2) AND (partner_id, customer_id, id) > ($1, $2, $3)
     ORDER BY partner_id, customer_id, id LIMIT $4",
);
static LIVE_AMONG: Statement = Statement::new(
    "SELECT t.partner_id, t.customer_id, t.id FROM {1: id uuid} AS r CROSS JOIN transitions AS t WHERE t.id = r.id AND t.ended_at IS NULL",
);
static LINES: Statement = Statement::new(
    "SELECT transition_id, packet, azure_subscription_id, commerce_subscription_id, reseller FROM lines
     WHERE (transition_id, packet, azure_subscription_id) > ($1, $2, $3) AND transition_id <= $4
     ORDER BY transition_id, packet, azure_subscription_id LIMIT $5",
);
static PLANS: Statement = Statement::new(
    "SELECT transition_id, reseller, plan_id FROM plans WHERE transition_id > $1 AND transition_id <= $2 ORDER BY transition_id, reseller",
);
static HISTORY: Statement = Statement::new(
    "SELECT transition_id, number, at, state, event, text, actor, hash FROM history
     WHERE (transition_id, number) > ($1, $2) AND transition_id <= $3 ORDER BY transition_id, number LIMIT $4",
);

static CHAINS: Statement = Statement::new(
    "SELECT partner_id, customer_id, entries, hash FROM customer_chains WHERE (partner_id, customer_id) > ($1, $2)
     ORDER BY partner_id, customer_id LIMIT $3",
);
static CHAIN_ENTRIES: Statement = audit::select!(
    "FROM customer_audit AS a WHERE (a.partner_id, a.customer_id, a.number) > ($1, $2, $3) AND (a.partner_id, a.customer_id) <= ($4, $5)
     ORDER BY a.partner_id, a.customer_id, a.number LIMIT $6"
);
static SEALED: Statement = Statement::new(
    "SELECT h.transition_id, h.number, h.hash FROM {1: transition_id uuid, number bigint} AS r CROSS JOIN history AS h
     WHERE h.transition_id = r.transition_id AND h.number = r.number",
);

/// The next transitions after one, at most `limit`.
///
/// # Errors
/// Any of a reading statement.
pub async fn heads(database: &Database, after: Option<TransitionId>, limit: u32) -> Result<Vec<Head>, StorageError> {
    let after = after.map_or(Uuid::nil(), |id| id.0);
    database.query(&PAGE, Args::new().value(after).value(limit)).await?.iter().map(head).collect()
}

/// Where these transitions stand, without those that are not there.
///
/// # Errors
/// Any of a reading statement.
pub async fn standing(
    database: &Database,
    ids: impl IntoIterator<Item = TransitionId>,
) -> Result<HashMap<TransitionId, Standing>, StorageError> {
    let rows: Vec<_> = ids.into_iter().map(|id| vec![id.0.into()]).collect();
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let found = database.query(&STANDING, Args::new().rows(rows)).await?;
    found
        .iter()
        .map(|row| {
            let effective_at = row.get::<Option<i64>>(4)?.map(Timestamp::from_micros);
            let standing = Standing { partner_id: PartnerId(row.get(1)?), state: state(row, 2)?, lines: row.get(3)?, effective_at };
            Ok((TransitionId(row.get(0)?), standing))
        })
        .collect()
}

/// The transitions of a stretch, in the order of their ids.
///
/// # Errors
/// Any of a reading statement.
pub async fn transitions(database: &Database, of: Stretch) -> Result<Vec<Transition>, StorageError> {
    let (after, upto) = of.bounds();
    database.query(&STRETCH, Args::new().value(after).value(upto)).await?.iter().map(transition).collect()
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

/// The next transitions that are not at an end, customer by customer, at most `limit`.
///
/// # Errors
/// Any of a reading statement.
pub async fn live(database: &Database, after: Option<Live>, limit: u32) -> Result<Vec<Live>, StorageError> {
    let (partner, customer, id) =
        after.map_or((Uuid::nil(), Uuid::nil(), Uuid::nil()), |after| (after.partner_id.0, after.customer_id.0, after.id.0));
    let args = Args::new().value(partner).value(customer).value(id).value(limit);
    database.query(&LIVE, args).await?.iter().map(live_row).collect()
}

/// Those of these transitions that are not at an end, all at one moment.
///
/// # Errors
/// Any of a reading statement.
pub async fn live_among(database: &Database, ids: &[TransitionId]) -> Result<Vec<Live>, StorageError> {
    let rows = ids.iter().map(|id| vec![id.0.into()]).collect();
    database.query(&LIVE_AMONG, Args::new().rows(rows)).await?.iter().map(live_row).collect()
}

/// The next lines of a stretch after one of them, at most `limit`.
///
/// # Errors
/// Any of a reading statement.
pub async fn lines(database: &Database, of: Stretch, after: Option<&Line>, limit: u32) -> Result<Vec<Line>, StorageError> {
    let (start, upto) = of.bounds();
    let args = match after {
        Some(line) => Args::new().value(line.transition.0).value(line.packet).value(line.azure.0),
        // behind every line of the transition before
        None => Args::new().value(start).value(i64::MAX).value(Uuid::max()),
    };
    let rows = database.query(&LINES, args.value(upto).value(limit)).await?;
    rows.iter()
        .map(|row| {
            Ok(Line {
                transition: TransitionId(row.get(0)?),
                packet: row.get(1)?,
                azure: AzureSubscriptionId(row.get(2)?),
                commerce: CommerceSubscriptionId(row.get(3)?),
                reseller: reseller(row, 4)?,
            })
        })
        .collect()
}

/// The plans of a stretch of transitions: no more than there are lines.
///
/// # Errors
/// Any of a reading statement.
pub async fn plans(database: &Database, of: Stretch) -> Result<Vec<Plan>, StorageError> {
    let (after, upto) = of.bounds();
    let rows = database.query(&PLANS, Args::new().value(after).value(upto)).await?;
    rows.iter()
        .map(|row| {
            let plan = row.get::<Option<Uuid>>(2)?.map(PlanId);
            Ok(Plan { transition: TransitionId(row.get(0)?), reseller: reseller(row, 1)?, plan })
        })
        .collect()
}

/// The next history entries of a stretch after one of them (its transition and number), at most `limit`, in their order.
///
/// # Errors
/// Any of a reading statement.
pub async fn history(
    database: &Database,
    of: Stretch,
    after: Option<(TransitionId, u32)>,
    limit: u32,
) -> Result<Vec<rows::Of<HistoryEntry>>, StorageError> {
    let (start, upto) = of.bounds();
    let args = match after {
        Some((transition, number)) => Args::new().value(transition.0).value(number),
        None => Args::new().value(start).value(i64::MAX),
    };
    database.query(&HISTORY, args.value(upto).value(limit)).await?.iter().map(rows::decode_history).collect()
}

/// Where a customer's chain ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainHead {
    /// Whose customer.
    pub partner_id: PartnerId,
    /// Who.
    pub customer_id: CustomerId,
    /// How many entries it says that it has.
    pub entries: u32,
    /// The hash that it says that it ends with.
    pub hash: String,
}

/// The next chains after one, in the order of their customers, at most `limit`.
///
/// # Errors
/// Any of a reading statement.
pub async fn chains(database: &Database, after: Option<(PartnerId, CustomerId)>, limit: u32) -> Result<Vec<ChainHead>, StorageError> {
    let (partner, customer) = after.map_or((Uuid::nil(), Uuid::nil()), |(partner, customer)| (partner.0, customer.0));
    let rows = database.query(&CHAINS, Args::new().value(partner).value(customer).value(limit)).await?;
    rows.iter()
        .map(|row| {
            let (partner_id, customer_id) = (PartnerId(row.get(0)?), CustomerId(row.get(1)?));
            Ok(ChainHead { partner_id, customer_id, entries: row.get(2)?, hash: row.get(3)? })
        })
        .collect()
}

/// The next entries of chains after one (its customer and number), in their order, up to the end of a customer's, at most `limit`.
///
/// # Errors
/// Any of a reading statement.
pub async fn chain_entries(
    database: &Database,
    after: Option<(PartnerId, CustomerId, u32)>,
    upto: Option<(PartnerId, CustomerId)>,
    limit: u32,
) -> Result<Vec<CustomerEntry>, StorageError> {
    let (partner, customer, number) =
        after.map_or((Uuid::nil(), Uuid::nil(), 0), |(partner, customer, number)| (partner.0, customer.0, number));
    let (last_partner, last_customer) = upto.map_or((Uuid::max(), Uuid::max()), |(partner, customer)| (partner.0, customer.0));
    let args = Args::new().value(partner).value(customer).value(number).value(last_partner).value(last_customer).value(limit);
    database.query(&CHAIN_ENTRIES, args).await?.iter().map(audit::decode).collect()
}

/// The hash that the history of each of these transitions has at the entry of that number, where there is one.
///
/// # Errors
/// Any of a reading statement.
pub async fn sealed(database: &Database, seals: &[Seal]) -> Result<HashMap<(TransitionId, u32), String>, StorageError> {
    if seals.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = seals.iter().map(|seal| vec![seal.transition_id.0.into(), seal.entries.into()]).collect();
    let found = database.query(&SEALED, Args::new().rows(rows)).await?;
    found.iter().map(|row| Ok(((TransitionId(row.get(0)?), row.get(1)?), row.get(2)?))).collect()
}

fn live_row(row: &Row) -> Result<Live, StorageError> {
    Ok(Live { partner_id: PartnerId(row.get(0)?), customer_id: CustomerId(row.get(1)?), id: TransitionId(row.get(2)?) })
}

fn reseller(row: &Row, index: usize) -> Result<String, StorageError> {
    let key: String = row.get(index)?;
    Reseller::from_key(&key).map_err(|_| unknown_word("reseller", &key))?;
    Ok(key)
}

fn state(row: &Row, index: usize) -> Result<State, StorageError> {
    let word: String = row.get(index)?;
    State::from_name(&word).ok_or_else(|| unknown_word("state", &word))
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
    let tallies: String = row.get(12)?;
    let time = |index| row.get::<Option<i64>>(index).map(|at| at.map(Timestamp::from_micros));
    Ok(Transition {
        head: head(row)?,
        state: state(row, 5)?,
        facts_version: row.get(6)?,
        plans: row.get(7)?,
        effective_at: time(8)?,
        ended_at: time(9)?,
        history: row.get(10)?,
        history_hash: row.get(11)?,
        tallies: serde_json::from_str(&tallies).map_err(|_| unknown_word("tallies", &tallies))?,
    })
}
