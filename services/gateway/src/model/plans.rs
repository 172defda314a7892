//! The plans that earlier transitions of a customer have had: a transition that is planned may use one of them again.

use super::{ReadModel, from_json};
use planshift_domain::{
    account::facts::PlanStatus,
    ids::{CustomerId, PartnerId, PlanId, Reseller},
    message::plan::{PlanSource, PlannedGroup},
    transition::{Evidence, PlanRow},
};
use planshift_storage::{Args, Statement, StorageError};
use std::collections::{BTreeMap, HashMap};

static HAD: Statement = Statement::new(
    "SELECT t.customer_id, p.body FROM {2: customer_id uuid} AS r CROSS JOIN transitions AS t CROSS JOIN plans AS p
     WHERE t.customer_id = r.customer_id AND t.partner_id = $1 AND p.transition_id = t.id AND t.plans > 0 AND p.plan_id IS NOT NULL
     ORDER BY t.started_at, t.id",
);

/// A plan that a transition had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HadPlan {
    /// Which.
    pub(crate) plan_id: PlanId,
    /// Whose.
    pub(crate) reseller: Reseller,
    /// It is active; else it was suspended by the undo of a transition, and can be made active again.
    pub(crate) active: bool,
}

/// Where the plan of a group comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TakenFrom {
    /// The document tells of an active one.
    Document(PlanId),
    /// An earlier transition has one, as far as it is known which.
    Earlier(Option<PlanId>),
    /// An earlier transition that was undone has left it suspended: it is made active again.
    Undone(PlanId),
    /// None is there: one is bought.
    Nowhere,
}

/// Where the group's plan comes from, as purchasing decides it: of several the one of the smallest id.
pub(crate) fn taken_from(group: &PlannedGroup, had: &[HadPlan]) -> TakenFrom {
    let smallest =
        |active: bool| had.iter().filter(|plan| plan.reseller == group.reseller && plan.active == active).map(|plan| plan.plan_id).min();
    match (&group.plan, smallest(false)) {
        (PlanSource::InDocument { plan_id }, _) => TakenFrom::Document(*plan_id),
        (PlanSource::OfEarlierTransition { in_document }, _) => TakenFrom::Earlier(smallest(true).into_iter().chain(*in_document).min()),
        (PlanSource::Bought, Some(plan_id)) => TakenFrom::Undone(plan_id),
        (PlanSource::Bought, None) => TakenFrom::Nowhere,
    }
}

impl ReadModel {
    /// What the last transition that had it says of each plan.
    pub(crate) async fn had_plans(&self, partner: PartnerId, customer: CustomerId) -> Result<Vec<HadPlan>, StorageError> {
        Ok(self.had_plans_of(partner, &[customer]).await?.remove(&customer).unwrap_or_default())
    }

    /// The same of many customers; of those alone that have had any.
    pub(crate) async fn had_plans_of(
        &self,
        partner: PartnerId,
        customers: &[CustomerId],
    ) -> Result<HashMap<CustomerId, Vec<HadPlan>>, StorageError> {
        let ids = customers.iter().map(|id| vec![id.0.into()]).collect();
        let mut had: HashMap<CustomerId, BTreeMap<PlanId, HadPlan>> = HashMap::new();
        for row in self.database.query(&HAD, Args::new().value(partner.0).rows(ids)).await? {
            let of_customer = had.entry(CustomerId(row.get(0)?)).or_default();
            let plan: PlanRow = from_json("a plan", &row.get::<String>(1)?)?;
            let Some(plan_id) = plan.plan_id else { continue };
            let active = plan.status.unwrap_or(PlanStatus::Active) == PlanStatus::Active;
            if active || plan.undo == Some(Evidence::Undone) {
                of_customer.insert(plan_id, HadPlan { plan_id, reseller: plan.reseller, active });
            } else {
                of_customer.remove(&plan_id);
            }
        }
        Ok(had.into_iter().map(|(customer, plans)| (customer, plans.into_values().collect())).collect())
    }
}
