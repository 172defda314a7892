//! What mapping tells whoever asks: who owns the usage of Azure subscriptions, from when.

use crate::store;
use planshift_domain::{
    ids::{AzureSubscriptionId, CustomerId, PlanId, TransitionId},
    message::ownership::{OWNERSHIP_AT_MOST, OwnedSubscription, OwnershipPoint, OwnershipRead, ReadOwnership},
    time::Timestamp,
};
use planshift_storage::{Args, StorageError, Transaction};
use uuid::Uuid;

/// The answer, as things are in this transaction. Of more than may be asked for at once, the first ones are told.
pub(crate) async fn tell(tx: &mut Transaction, question: &ReadOwnership) -> Result<OwnershipRead, StorageError> {
    let asked = question.azure_subscription_ids.iter().take(OWNERSHIP_AT_MOST);
    let rows = asked.map(|azure| vec![question.partner_id.0.into(), azure.0.into()]).collect();
    let mut subscriptions: Vec<OwnedSubscription> = Vec::new();
    for row in tx.query(&store::FIND_OWNED, Args::new().rows(rows)).await? {
        let azure_subscription_id = AzureSubscriptionId(row.get(0)?);
        if subscriptions.last().is_none_or(|last| last.azure_subscription_id != azure_subscription_id) {
            subscriptions.push(OwnedSubscription { azure_subscription_id, customer_id: CustomerId(row.get(1)?), points: Vec::new() });
        }
        if let (Some(from), Some(last)) = (row.get::<Option<i64>>(2)?, subscriptions.last_mut()) {
            last.points.push(OwnershipPoint {
                from: Timestamp::from_micros(from),
                revision: row.get(3)?,
                plan_id: row.get::<Option<Uuid>>(4)?.map(PlanId),
                transition_id: TransitionId(row.get(5)?),
            });
        }
    }
    Ok(OwnershipRead { request_id: question.request_id, subscriptions })
}
