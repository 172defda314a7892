//! What is stored, for verification: read page by page, in the order of the keys.

use crate::{
    store,
    worker::{commerce_key, reasons, status},
};
use planshift_domain::{
    account::facts::SubscriptionStatus,
    ids::{CommerceSubscriptionId, CustomerId, PartnerId, TransitionId},
};
use planshift_storage::{Args, Database, Row, StorageError};
use uuid::Uuid;

pub use planshift_storage::ledger::page as ledger;

/// A commerce subscription as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommerceSubscription {
    /// Whose customer.
    pub partner_id: PartnerId,
    /// The customer.
    pub customer_id: CustomerId,
    /// The commerce subscription.
    pub commerce_subscription_id: CommerceSubscriptionId,
    /// Its status; `deleted` where the newest facts no longer tell of it and no transition suspended it.
    pub status: SubscriptionStatus,
    /// Counts up with every change.
    pub version: i64,
    /// Why it is suspended.
    pub suspension_reasons: Vec<String>,
    /// The transition that suspended it.
    pub suspended_by: Option<TransitionId>,
}

/// The next commerce subscriptions after a key, at most `limit`.
///
/// # Errors
/// Any of a reading statement.
pub async fn commerce_subscriptions(
    database: &Database,
    after: Option<(PartnerId, CustomerId, CommerceSubscriptionId)>,
    limit: u32,
) -> Result<Vec<CommerceSubscription>, StorageError> {
    let (partner, customer, commerce) = after.map_or((Uuid::nil(), Uuid::nil(), Uuid::nil()), |(a, b, c)| (a.0, b.0, c.0));
    let args = Args::new().value(partner).value(customer).value(commerce).value(limit);
    database.query(&store::PAGE, args).await?.iter().map(commerce_subscription).collect()
}

/// The commerce subscriptions of these keys, without those that are not there.
///
/// # Errors
/// Any of a reading statement.
pub async fn commerce_subscriptions_of(
    database: &Database,
    keys: &[(PartnerId, CustomerId, CommerceSubscriptionId)],
) -> Result<Vec<CommerceSubscription>, StorageError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = keys.iter().map(|(partner, customer, commerce)| vec![partner.0.into(), customer.0.into(), commerce.0.into()]).collect();
    database.query(&store::FIND, Args::new().rows(rows)).await?.iter().map(commerce_subscription).collect()
}

fn commerce_subscription(row: &Row) -> Result<CommerceSubscription, StorageError> {
    let (partner_id, customer_id, commerce_subscription_id) = commerce_key(row)?;
    let suspended_by: Option<Uuid> = row.get(6)?;
    let (facts_version, complete): (i64, i64) = (row.get(7)?, row.get(8)?);
    let stored = status(&row.get::<String>(3)?, 3)?;
    Ok(CommerceSubscription {
        partner_id,
        customer_id,
        commerce_subscription_id,
        status: if suspended_by.is_some() || facts_version >= complete { stored } else { SubscriptionStatus::Deleted },
        version: row.get(4)?,
        suspension_reasons: reasons(&row.get::<String>(5)?, 5)?,
        suspended_by: suspended_by.map(TransitionId),
    })
}
