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

/// Under which plan an Azure subscription is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Under {
    /// Its key.
    pub key: AzureKey,
    /// The plan, if any.
    pub plan_id: Option<PlanId>,
    /// The transition that put it there.
    pub attached_by: Option<TransitionId>,
}

/// An Azure subscription's key.
pub type AzureKey = (PartnerId, AzureSubscriptionId);

/// The roles on an Azure subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    /// Its key.
    pub key: AzureKey,
    /// The customer.
    pub customer_id: CustomerId,
    /// The version of the customer's facts that told of it last.
    pub facts_version: u32,
    /// The list as it is stored, JSON.
    pub roles: String,
}

/// A change of an Azure subscription's owner, and whose transition's doing it was.
pub type Change = (ChangePoint, TransitionId);

/// The next Azure subscriptions after a key, at most `limit`, each with all change points of its usage in their order.
///
/// # Errors
/// Any of a reading statement.
pub async fn owned(database: &Database, after: Option<AzureKey>, limit: u32) -> Result<Vec<(Under, Vec<Change>)>, StorageError> {
    let (partner, azure) = after.map_or((Uuid::nil(), Uuid::nil()), |(partner, azure)| (partner.0, azure.0));
    let mut all: Vec<(Under, Vec<Change>)> = Vec::new();
    for row in database.query(&store::PAGE_OWNED, Args::new().value(partner).value(azure).value(limit)).await? {
        let under = under(&row)?;
        if all.last().is_none_or(|(last, _)| last.key != under.key) {
            all.push((under, Vec::new()));
        }
        if let (Some((_, changes)), Some(from)) = (all.last_mut(), row.get::<Option<i64>>(4)?) {
            let owner = row.get::<Option<Uuid>>(6)?.map_or(Owner::Legacy, |plan| Owner::Plan(PlanId(plan)));
            let point = ChangePoint { from: Timestamp::from_micros(from), revision: row.get(5)?, owner };
            changes.push((point, TransitionId(row.get(7)?)));
        }
    }
    Ok(all)
}

/// Under which plans the Azure subscriptions of these keys are, without those that are not there.
///
/// # Errors
/// Any of a reading statement.
pub async fn under_plans(database: &Database, keys: &[AzureKey]) -> Result<Vec<Under>, StorageError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    database.query(&store::FIND_PLANS, key_args(keys)).await?.iter().map(under).collect()
}

/// The roles on the Azure subscriptions of these keys, without those that are not there.
///
/// # Errors
/// Any of a reading statement.
pub async fn roles_of(database: &Database, keys: &[AzureKey]) -> Result<Vec<Roles>, StorageError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let found = database.query(&store::FIND_ROLES, key_args(keys)).await?;
    found
        .iter()
        .map(|row| {
            let key = (PartnerId(row.get(0)?), AzureSubscriptionId(row.get(1)?));
            Ok(Roles { key, customer_id: CustomerId(row.get(2)?), facts_version: row.get(3)?, roles: row.get(4)? })
        })
        .collect()
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

fn key_args(keys: &[AzureKey]) -> Args {
    Args::new().rows(keys.iter().map(|(partner, azure)| vec![partner.0.into(), azure.0.into()]).collect())
}

fn under(row: &Row) -> Result<Under, StorageError> {
    Ok(Under {
        key: (PartnerId(row.get(0)?), AzureSubscriptionId(row.get(1)?)),
        plan_id: row.get::<Option<Uuid>>(2)?.map(PlanId),
        attached_by: row.get::<Option<Uuid>>(3)?.map(TransitionId),
    })
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

/// All change points of these Azure subscriptions.
///
/// # Errors
/// Any of a reading statement.
pub async fn points_of(
    database: &Database,
    azure: impl IntoIterator<Item = AzureSubscriptionId>,
) -> Result<Vec<OwnershipPoint>, StorageError> {
    let rows = azure.into_iter().map(|azure| vec![azure.0.into()]).collect();
    database.query(&store::FIND_POINTS, Args::new().rows(rows)).await?.iter().map(ownership_point).collect()
}
