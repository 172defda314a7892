//! What is stored, for verification: read page by page, in the order of the keys.

use crate::store;
use planshift_domain::{
    account::facts::RoleFacts,
    ids::{AzureSubscriptionId, CustomerId, PartnerId, PlanId, TransitionId},
    ownership::{ChangePoint, Owner},
    time::Timestamp,
};
use planshift_storage::{Args, Database, Row, StorageError};
use uuid::Uuid;

pub use planshift_storage::ledger::page as ledger;

/// An Azure subscription as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Whose customer.
    pub partner_id: PartnerId,
    /// The Azure subscription.
    pub azure_subscription_id: AzureSubscriptionId,
    /// The customer.
    pub customer_id: CustomerId,
    /// The version of the customer's facts that told of it last.
    pub facts_version: u32,
    /// What the customer calls it.
    pub friendly_name: String,
    /// Who administers it on behalf.
    pub roles: Vec<RoleFacts>,
    /// The plan that it is under.
    pub plan_id: Option<PlanId>,
    /// The transition that put it there.
    pub attached_by: Option<TransitionId>,
}

/// A change point as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnershipPoint {
    /// Whose usage.
    pub azure_subscription_id: AzureSubscriptionId,
    /// From when, and whose.
    pub point: ChangePoint,
    /// Which transition said so.
    pub transition_id: TransitionId,
    /// When.
    pub at: Timestamp,
}

/// The next Azure subscriptions after a key, at most `limit`.
///
/// # Errors
/// Any of a reading statement.
pub async fn attachments(
    database: &Database,
    after: Option<(PartnerId, AzureSubscriptionId)>,
    limit: u32,
) -> Result<Vec<Attachment>, StorageError> {
    let (partner, azure) = after.map_or((Uuid::nil(), Uuid::nil()), |(partner, azure)| (partner.0, azure.0));
    let rows = database.query(&store::PAGE_SUBSCRIPTIONS, Args::new().value(partner).value(azure).value(limit)).await?;
    rows.iter().map(attachment).collect()
}

/// The next change points after a key, at most `limit`.
///
/// # Errors
/// Any of a reading statement.
pub async fn ownership(database: &Database, after: Option<&OwnershipPoint>, limit: u32) -> Result<Vec<OwnershipPoint>, StorageError> {
    let (azure, from, revision) =
        after.map_or((Uuid::nil(), i64::MIN, 0), |last| (last.azure_subscription_id.0, last.point.from.as_micros(), last.point.revision));
    let args = Args::new().value(azure).value(from).value(revision).value(limit);
    database.query(&store::PAGE_OWNERSHIP, args).await?.iter().map(ownership_point).collect()
}

/// The Azure subscriptions of these keys, without those that are not there.
///
/// # Errors
/// Any of a reading statement.
pub async fn attachments_of(database: &Database, keys: &[(PartnerId, AzureSubscriptionId)]) -> Result<Vec<Attachment>, StorageError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = keys.iter().map(|(partner, azure)| vec![partner.0.into(), azure.0.into()]).collect();
    database.query(&store::FIND_SUBSCRIPTIONS, Args::new().rows(rows)).await?.iter().map(attachment).collect()
}

/// The change points of these Azure subscriptions, in the order of their keys.
///
/// # Errors
/// Any of a reading statement.
pub async fn ownership_of(database: &Database, of: &[AzureSubscriptionId]) -> Result<Vec<OwnershipPoint>, StorageError> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    let rows = of.iter().map(|azure| vec![azure.0.into()]).collect();
    database.query(&store::FIND_OWNERSHIP, Args::new().rows(rows)).await?.iter().map(ownership_point).collect()
}

fn attachment(row: &Row) -> Result<Attachment, StorageError> {
    let roles: String = row.get(5)?;
    Ok(Attachment {
        partner_id: PartnerId(row.get(0)?),
        azure_subscription_id: AzureSubscriptionId(row.get(1)?),
        customer_id: CustomerId(row.get(2)?),
        facts_version: row.get(3)?,
        friendly_name: row.get(4)?,
        roles: serde_json::from_str(&roles).map_err(|error| StorageError::Decode { column: 5, problem: error.to_string() })?,
        plan_id: row.get::<Option<Uuid>>(6)?.map(PlanId),
        attached_by: row.get::<Option<Uuid>>(7)?.map(TransitionId),
    })
}

fn ownership_point(row: &Row) -> Result<OwnershipPoint, StorageError> {
    let owner = row.get::<Option<Uuid>>(3)?.map_or(Owner::Legacy, |plan| Owner::Plan(PlanId(plan)));
    Ok(OwnershipPoint {
        azure_subscription_id: AzureSubscriptionId(row.get(0)?),
        point: ChangePoint { from: Timestamp::from_micros(row.get(1)?), revision: row.get(2)?, owner },
        transition_id: TransitionId(row.get(4)?),
        at: Timestamp::from_micros(row.get(5)?),
    })
}
