//! What is stored, for verification: read page by page, in the order of the keys.

use crate::{read::json, store};
use planshift_domain::{
    account::facts::SubscriptionFacts,
    ids::{AzureSubscriptionId, CommerceSubscriptionId, CustomerId, PartnerId, Reseller, TransitionId},
};
use planshift_storage::{Args, Database, Row, StorageError};
use uuid::Uuid;

pub use planshift_storage::ledger::page as ledger;

/// A subscription's key.
pub type SubscriptionKey = (PartnerId, CustomerId, CommerceSubscriptionId);

/// A subscription as the facts have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its key.
    pub key: SubscriptionKey,
    /// As the newest document that told of it had it.
    pub facts: SubscriptionFacts,
    /// The newest facts of its customer no longer tell of it: it counts as deleted.
    pub is_gone: bool,
    /// The transition that it is a line of.
    pub line_of: Option<TransitionId>,
}

/// A subscription that is a line of a transition: one that is under way, or that has completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its key.
    pub key: SubscriptionKey,
    /// The Azure subscription.
    pub azure_subscription_id: AzureSubscriptionId,
    /// Whose line.
    pub transition_id: TransitionId,
    /// The reseller on record then.
    pub reseller: Reseller,
}

/// The next subscriptions after a key, at most `limit`.
///
/// # Errors
/// Any of a reading statement.
pub async fn subscriptions(database: &Database, after: Option<SubscriptionKey>, limit: u32) -> Result<Vec<Subscription>, StorageError> {
    database.query(&store::PAGE_SUBSCRIPTIONS, page_args(after, limit)).await?.iter().map(subscription).collect()
}

/// The next lines after a key, at most `limit`.
///
/// # Errors
/// Any of a reading statement.
pub async fn lines(database: &Database, after: Option<SubscriptionKey>, limit: u32) -> Result<Vec<Line>, StorageError> {
    database.query(&store::PAGE_LINES, page_args(after, limit)).await?.iter().map(line).collect()
}

fn page_args(after: Option<SubscriptionKey>, limit: u32) -> Args {
    let (partner, customer, commerce) = after.map_or((Uuid::nil(), Uuid::nil(), Uuid::nil()), |(a, b, c)| (a.0, b.0, c.0));
    Args::new().value(partner).value(customer).value(commerce).value(limit)
}

fn key(row: &Row) -> Result<SubscriptionKey, StorageError> {
    Ok((PartnerId(row.get(0)?), CustomerId(row.get(1)?), CommerceSubscriptionId(row.get(2)?)))
}

fn subscription(row: &Row) -> Result<Subscription, StorageError> {
    let (version, complete): (i64, i64) = (row.get(4)?, row.get(5)?);
    let line_of: Option<Uuid> = row.get(6)?;
    Ok(Subscription { key: key(row)?, facts: json(row, 3)?, is_gone: version < complete, line_of: line_of.map(TransitionId) })
}

fn line(row: &Row) -> Result<Line, StorageError> {
    let reseller: String = row.get(5)?;
    Ok(Line {
        key: key(row)?,
        azure_subscription_id: AzureSubscriptionId(row.get(3)?),
        transition_id: TransitionId(row.get(4)?),
        reseller: Reseller::from_key(&reseller).map_err(|error| StorageError::Decode { column: 5, problem: error.to_string() })?,
    })
}
