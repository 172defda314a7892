//! What is stored, for verification: read page by page, in the order of the keys.

use crate::{read::json, store};
use planshift_domain::{
    account::facts::{SubscriptionFacts, SubscriptionStatus},
    ids::{AzureSubscriptionId, CommerceSubscriptionId, CustomerId, PartnerId, Reseller, TransitionId},
};
use planshift_storage::{Args, Database, Row, StorageError};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

pub use planshift_storage::ledger::page as ledger;

/// A subscription's key.
pub type SubscriptionKey = (PartnerId, CustomerId, CommerceSubscriptionId);

/// A line's key.
pub type LineKey = (PartnerId, CustomerId, AzureSubscriptionId);

/// A subscription as the facts have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its key.
    pub key: SubscriptionKey,
    /// As the newest document that told of it had it.
    pub facts: SubscriptionFacts,
    /// The version of the customer's facts that told of it last.
    pub facts_version: u32,
    /// The newest facts of its customer no longer tell of it: it counts as deleted.
    pub is_gone: bool,
}

/// A subscription that is a line of a transition: one that is under way, or that has completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its key.
    pub key: LineKey,
    /// The commerce subscription then.
    pub commerce_subscription_id: CommerceSubscriptionId,
    /// Whose line.
    pub transition_id: TransitionId,
    /// The reseller on record then.
    pub reseller: Reseller,
}

/// A subscription that facts tell of, as far as it is compared with others.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its key.
    pub key: SubscriptionKey,
    /// The Azure subscription, where it is known.
    pub azure_subscription_id: Option<AzureSubscriptionId>,
    /// The version of the customer's facts that told of it last.
    pub facts_version: u32,
    /// It would be a line of a transition that begins now, unless it is one.
    pub is_in_scope: bool,
    /// It is a line.
    pub is_line: bool,
    /// The role assignments on it, JSON; none: there are none.
    pub roles: Option<Box<RawValue>>,
}

/// What is read of a subscription's facts.
#[derive(Deserialize)]
struct OnlyRoles {
    #[serde(default)]
    roles: Option<Box<RawValue>>,
}

/// The next subscriptions after a key, at most `limit`, as far as they are compared with others.
///
/// # Errors
/// Any of a reading statement.
pub async fn told(database: &Database, after: Option<SubscriptionKey>, limit: u32) -> Result<Vec<Told>, StorageError> {
    let rows = database.query(&store::PAGE_TOLD, page_args(after.map(|(a, b, c)| (a, b, c.0)), limit)).await?;
    rows.iter()
        .map(|row| {
            let (status, facts_version, complete): (String, u32, i64) = (row.get(4)?, row.get(6)?, row.get(7)?);
            let is_gone = i64::from(facts_version) < complete || status == SubscriptionStatus::Deleted.text();
            Ok(Told {
                key: (PartnerId(row.get(0)?), CustomerId(row.get(1)?), CommerceSubscriptionId(row.get(2)?)),
                azure_subscription_id: row.get::<Option<Uuid>>(3)?.map(AzureSubscriptionId),
                facts_version,
                is_in_scope: !is_gone,
                is_line: row.get(8)?,
                roles: json::<OnlyRoles>(row, 5)?.roles,
            })
        })
        .collect()
}

/// The next lines after a key, at most `limit`: whose they are.
///
/// # Errors
/// Any of a reading statement.
pub async fn marks(database: &Database, after: Option<LineKey>, limit: u32) -> Result<Vec<(LineKey, TransitionId)>, StorageError> {
    let rows = database.query(&store::PAGE_MARKS, page_args(after.map(|(a, b, c)| (a, b, c.0)), limit)).await?;
    rows.iter()
        .map(|row| {
            let key = (PartnerId(row.get(0)?), CustomerId(row.get(1)?), AzureSubscriptionId(row.get(2)?));
            Ok((key, TransitionId(row.get(3)?)))
        })
        .collect()
}

/// The next subscriptions after a key, at most `limit`.
///
/// # Errors
/// Any of a reading statement.
pub async fn subscriptions(database: &Database, after: Option<SubscriptionKey>, limit: u32) -> Result<Vec<Subscription>, StorageError> {
    database
        .query(&store::PAGE_SUBSCRIPTIONS, page_args(after.map(|(a, b, c)| (a, b, c.0)), limit))
        .await?
        .iter()
        .map(subscription)
        .collect()
}

/// The next lines after a key, at most `limit`.
///
/// # Errors
/// Any of a reading statement.
pub async fn lines(database: &Database, after: Option<LineKey>, limit: u32) -> Result<Vec<Line>, StorageError> {
    database.query(&store::PAGE_LINES, page_args(after.map(|(a, b, c)| (a, b, c.0)), limit)).await?.iter().map(line).collect()
}

/// The lines of these keys, without those that are not there.
///
/// # Errors
/// Any of a reading statement.
pub async fn lines_of(database: &Database, keys: &[LineKey]) -> Result<Vec<Line>, StorageError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = keys.iter().map(|(partner, customer, azure)| vec![partner.0.into(), customer.0.into(), azure.0.into()]).collect();
    database.query(&store::FIND_LINES, Args::new().rows(rows)).await?.iter().map(line).collect()
}

fn page_args(after: Option<(PartnerId, CustomerId, Uuid)>, limit: u32) -> Args {
    let (partner, customer, commerce) = after.map_or((Uuid::nil(), Uuid::nil(), Uuid::nil()), |(a, b, c)| (a.0, b.0, c));
    Args::new().value(partner).value(customer).value(commerce).value(limit)
}

fn subscription(row: &Row) -> Result<Subscription, StorageError> {
    let (facts_version, complete): (u32, i64) = (row.get(4)?, row.get(5)?);
    let key = (PartnerId(row.get(0)?), CustomerId(row.get(1)?), CommerceSubscriptionId(row.get(2)?));
    Ok(Subscription { key, facts: json(row, 3)?, facts_version, is_gone: i64::from(facts_version) < complete })
}

fn line(row: &Row) -> Result<Line, StorageError> {
    let reseller: String = row.get(5)?;
    Ok(Line {
        key: (PartnerId(row.get(0)?), CustomerId(row.get(1)?), AzureSubscriptionId(row.get(2)?)),
        commerce_subscription_id: CommerceSubscriptionId(row.get(3)?),
        transition_id: TransitionId(row.get(4)?),
        reseller: Reseller::from_key(&reseller).map_err(|error| StorageError::Decode { column: 5, problem: error.to_string() })?,
    })
}
