//! Commerce subscriptions that transitions have suspended, in the order of their ids. An import may have told nothing more of them since:
//! their ids stay here.

use super::{CustomerKey, ReadModel, from_json, standing::Placed};
use planshift_domain::{
    ids::{AzureSubscriptionId, CommerceSubscriptionId, PlanId, Reseller, TransitionId},
    time::Timestamp,
    transition::TransitionRow,
};
use planshift_storage::{Args, Row, Statement, StorageError};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A commerce subscription that a transition has suspended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Suspended {
    pub(crate) commerce_subscription_id: CommerceSubscriptionId,
    pub(crate) azure_subscription_id: AzureSubscriptionId,
    pub(crate) reseller: Reseller,
    pub(crate) transition_id: TransitionId,
    /// When that transition ended, once it has.
    pub(crate) ended_at: Option<Timestamp>,
    /// The plan that the Azure subscription was put under.
    pub(crate) plan_id: Option<PlanId>,
    /// From when that plan owns its usage.
    pub(crate) effective_at: Option<Timestamp>,
}

static TRANSITIONS: Statement =
    Statement::new("SELECT body FROM transitions WHERE customer_id = $1 AND partner_id = $2 AND state <> 'Ineligible'");
static PAGE: Statement = Statement::new(
    "SELECT transition_id, azure_id, commerce_id, reseller, packet, error, undo, version FROM lines
     WHERE transition_id = $1 AND commerce_id > $2 AND ($3::text IS NULL OR reseller = $3) ORDER BY commerce_id LIMIT $4",
);
static ONE: Statement = Statement::new(
    "SELECT t.id, l.azure_id, l.commerce_id, l.reseller, l.packet, l.error, l.undo, l.version
     FROM lines AS l CROSS JOIN transitions AS t
     WHERE l.commerce_id = $1 AND t.id = l.transition_id AND t.customer_id = $2 AND t.partner_id = $3",
);

impl ReadModel {
    /// The first `limit` after this id, of one reseller or of all. Only transitions that were decided before the facts had the version
    /// `facts` are looked at: whatever the others have moved is in those facts.
    pub(crate) async fn suspended(
        &self,
        (partner, customer): CustomerKey,
        facts: u32,
        reseller: Option<&Reseller>,
        after: Uuid,
        limit: u32,
    ) -> Result<Vec<Suspended>, StorageError> {
        let mut transitions: Vec<TransitionRow> = Vec::new();
        for row in self.database.query(&TRANSITIONS, Args::new().value(customer.0).value(partner.0)).await? {
            transitions.push(from_json("a transition", &row.get::<String>(0)?)?);
        }
        transitions.retain(|transition| transition.facts_version < facts);
        transitions.sort_by_key(|transition| (transition.started_at, transition.id));
        let mut found = BTreeMap::new();
        for transition in transitions {
            let (mut from, mut of_it) = (after, 0);
            loop {
                let args =
                    Args::new().value(transition.id.0).value(from).value(reseller.map(|reseller| reseller.key().to_owned())).value(limit);
                let rows = self.database.query(&PAGE, args).await?;
                let (read, last) = (rows.len(), rows.last().map(|row| row.get::<Uuid>(2)).transpose()?);
                let some = self.suspended_of((partner, customer), rows).await?;
                of_it += some.len();
                // what a later transition did holds
                found.extend(some.into_iter().map(|one| (one.commerce_subscription_id, one)));
                match last {
                    // of one that is under way, only a part is suspended
                    Some(last) if read == limit as usize && of_it < limit as usize => from = last,
                    _ => break,
                }
            }
        }
        Ok(found.into_values().take(limit as usize).collect())
    }

    /// The one of that id.
    pub(crate) async fn suspended_one(&self, of: CustomerKey, id: Uuid) -> Result<Option<Suspended>, StorageError> {
        let (partner, customer) = of;
        let rows = self.database.query(&ONE, Args::new().value(id).value(customer.0).value(partner.0)).await?;
        Ok(self.suspended_of(of, rows).await?.pop())
    }

    /// Those lines that are suspended, in the order of their transitions.
    async fn suspended_of(&self, (partner, customer): CustomerKey, rows: Vec<Row>) -> Result<Vec<Suspended>, StorageError> {
        let placed = self.place(rows).await?;
        if placed.is_empty() {
            return Ok(Vec::new());
        }
        let plans = self.plan_ids(partner, customer).await?;
        let suspended = placed.into_iter().filter(|placed| placed.progress.suspended);
        let suspended = suspended.map(|Placed { transition, line, progress }| Suspended {
            commerce_subscription_id: line.commerce_subscription_id,
            azure_subscription_id: line.azure_subscription_id,
            plan_id: plans.get(&(transition.id, line.reseller.clone())).copied().filter(|_| progress.mapped),
            reseller: line.reseller,
            transition_id: transition.id,
            ended_at: transition.ended_at,
            effective_at: transition.effective_at.filter(|_| progress.mapped),
        });
        Ok(suspended.collect())
    }
}
