//! The plans that earlier transitions of a customer have had: a transition that is planned may use one of them again.

use super::{ReadModel, from_json};
use planshift_domain::{
    account::facts::PlanStatus,
    ids::{CustomerId, PartnerId, PlanId, Reseller},
    transition::{Evidence, PlanRow},
};
use planshift_storage::{Args, Statement, StorageError};
use std::collections::BTreeMap;

static HAD: Statement = Statement::new(
    "SELECT p.body FROM transitions AS t JOIN plans AS p ON p.transition_id = t.id
     WHERE t.customer_id = $1 AND t.partner_id = $2 AND t.plans > 0 AND p.plan_id IS NOT NULL
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

impl ReadModel {
    /// What the last transition that had it says of each plan.
    pub(crate) async fn had_plans(&self, partner: PartnerId, customer: CustomerId) -> Result<Vec<HadPlan>, StorageError> {
        let mut had = BTreeMap::new();
        for row in self.database.query(&HAD, Args::new().value(customer.0).value(partner.0)).await? {
            let plan: PlanRow = from_json("a plan", &row.get::<String>(0)?)?;
            let Some(plan_id) = plan.plan_id else { continue };
            let active = plan.status.unwrap_or(PlanStatus::Active) == PlanStatus::Active;
            if active || plan.undo == Some(Evidence::Undone) {
                had.insert(plan_id, HadPlan { plan_id, reseller: plan.reseller, active });
            } else {
                had.remove(&plan_id);
            }
        }
        Ok(had.into_values().collect())
    }
}
