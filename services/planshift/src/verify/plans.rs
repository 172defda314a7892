//! Customers' plans.

use super::{PAGE, Report, Stores, convert};
use planshift_domain::ids::{CustomerId, PartnerId};
use planshift_invariants::{checks, data::StoredPlan};
use planshift_purchasing::inspect::plans;
use planshift_storage::StorageError;

/// Checks all plans, customer by customer.
pub(super) async fn check(stores: &Stores, report: &Report) -> Result<(), StorageError> {
    let mut after = None;
    let mut customer: Option<(PartnerId, CustomerId)> = None;
    let mut group: Vec<StoredPlan> = Vec::new();
    loop {
        let page = plans(&stores.purchasing, after, PAGE).await?;
        for plan in &page {
            let of = Some((plan.partner_id, plan.customer_id));
            if customer != of {
                judge(customer, &group, report);
                group.clear();
                customer = of;
            }
            group.push(convert::plan(plan));
        }
        after = page.last().map(|plan| (plan.partner_id, plan.customer_id, plan.plan_id));
        if page.len() < PAGE as usize {
            judge(customer, &group, report);
            return Ok(());
        }
    }
}

fn judge(customer: Option<(PartnerId, CustomerId)>, group: &[StoredPlan], report: &Report) {
    if let Some((_, customer)) = customer {
        report.add(checks::one_active_plan(convert::id(customer), group));
        report.add(checks::one_bought_plan(convert::id(customer), group));
    }
}
