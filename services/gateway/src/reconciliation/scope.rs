//! Which subscriptions are meant: those that used anything in a time, of a partner, a customer, a transition, or one alone; in the order of
//! customer and subscription.

use super::{AT_ONCE, Reconciliation};
use planshift_domain::{
    ids::{AzureSubscriptionId, CustomerId, PartnerId, TransitionId},
    time::Timestamp,
};
use planshift_storage::{Args, Statement, StorageError};
use uuid::Uuid;

macro_rules! used {
    ($from:literal, $which:literal) => {
        Statement::new(concat!(
            "SELECT s.customer_id, s.azure_id FROM ",
            $from,
            " usage_subscriptions AS s
              WHERE s.partner_id = $1 AND (s.customer_id, s.azure_id) > ($2::uuid, $3::uuid) AND ",
            $which,
            " AND EXISTS (SELECT 1 FROM usage_records AS u
                          WHERE u.azure_id = s.azure_id AND u.partner_id = $1 AND u.start_at >= $4::bigint AND u.start_at < $5::bigint
                            AND u.import_id NOT IN (SELECT i.id FROM usage_imports AS i
                                                    WHERE i.partner_id = $1 AND i.state IN ('Running', 'Undoing')))
              ORDER BY s.customer_id, s.azure_id LIMIT $6"
        ))
    };
}
static OF_PARTNER: Statement = used!("", "s.customer_id IS NOT NULL");
static OF_CUSTOMER: Statement = used!("", "s.customer_id = $7");
static ONE: Statement = used!("", "s.azure_id = $7 AND s.customer_id IS NOT NULL");
static OF_TRANSITION: Statement =
    used!("lines AS l CROSS JOIN", "l.transition_id = $7 AND s.azure_id = l.azure_id AND s.customer_id IS NOT NULL");

/// Which subscriptions, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    pub(crate) partner: PartnerId,
    pub(crate) customer: Option<CustomerId>,
    pub(crate) azure: Option<AzureSubscriptionId>,
    pub(crate) transition: Option<TransitionId>,
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

/// Where a page ends: a customer and a subscription of it.
pub(crate) type After = (Uuid, Uuid);

impl Reconciliation {
    /// The next subscriptions of the scope.
    pub(super) async fn subscriptions(
        &self,
        scope: &Scope,
        after: After,
        limit: u32,
    ) -> Result<Vec<(CustomerId, AzureSubscriptionId)>, StorageError> {
        let args = Args::new().value(scope.partner.0).value(after.0).value(after.1);
        let args = args.value(scope.from.as_micros()).value(scope.to.as_micros()).value(limit.min(AT_ONCE));
        let rows = match (scope.azure, scope.transition, scope.customer) {
            (Some(azure), ..) => self.database.query(&ONE, args.value(azure.0)).await?,
            (None, Some(transition), _) => self.database.query(&OF_TRANSITION, args.value(transition.0)).await?,
            (None, None, Some(customer)) => self.database.query(&OF_CUSTOMER, args.value(customer.0)).await?,
            (None, None, None) => self.database.query(&OF_PARTNER, args).await?,
        };
        let both = |row: &planshift_storage::Row| Ok((CustomerId(row.get(0)?), AzureSubscriptionId(row.get(1)?)));
        let all: Vec<(CustomerId, AzureSubscriptionId)> = rows.iter().map(both).collect::<Result<_, StorageError>>()?;
        // each of the ids that were given narrows it
        let is_meant = |customer: &CustomerId| scope.customer.is_none_or(|wanted| wanted == *customer);
        Ok(all.into_iter().filter(|(customer, _)| is_meant(customer)).collect())
    }
}
