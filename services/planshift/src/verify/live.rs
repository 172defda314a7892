//! Transitions that are not at an end, customer by customer: never two of one.

use super::{PAGE, Report, Stores, convert};
use planshift_coordinator::inspect::{Live, live, live_among};
use planshift_invariants::checks;
use planshift_storage::StorageError;

/// Checks all customers with a transition that is not at an end.
pub(super) async fn check(stores: &Stores, report: &Report) -> Result<(), StorageError> {
    let mut after = None;
    let mut group: Vec<Live> = Vec::new();
    loop {
        let page = live(&stores.coordinator, after, PAGE).await?;
        for one in &page {
            if group.last().is_some_and(|last| (last.partner_id, last.customer_id) != (one.partner_id, one.customer_id)) {
                judge(stores, &mut group, report).await?;
            }
            group.push(*one);
        }
        after = page.last().copied();
        if page.len() < PAGE as usize {
            return judge(stores, &mut group, report).await;
        }
    }
}

/// Those of one customer. Of two that were seen in two pages the first may have ended meanwhile, so they are looked at together.
async fn judge(stores: &Stores, group: &mut Vec<Live>, report: &Report) -> Result<(), StorageError> {
    let mut of_one = std::mem::take(group);
    let Some(customer) = of_one.first().map(|one| convert::id(one.customer_id)) else { return Ok(()) };
    if of_one.len() > 1 {
        of_one = live_among(&stores.coordinator, &of_one.iter().map(|one| one.id).collect::<Vec<_>>()).await?;
    }
    let ids: Vec<_> = of_one.iter().map(|one| convert::id(one.id)).collect();
    report.add(checks::one_live_transition(customer, &ids));
    Ok(())
}
