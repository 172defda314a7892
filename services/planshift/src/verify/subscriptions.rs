//! Subscriptions as they were imported: what became a line and what did not, and the roles on them.

use super::{PAGE, Report, Stores, convert};
use futures::try_join;
use planshift_coordinator::inspect::{self, standing};
use planshift_domain::{
    account::facts::RoleFacts,
    ids::{CommerceSubscriptionId, CustomerId, PartnerId, TransitionId},
};
use planshift_eligibility::inspect::{Told, marks, told};
use planshift_invariants::checks;
use planshift_mapping::inspect::roles_of;
use planshift_storage::StorageError;
use std::collections::{BTreeMap, HashMap};

type Customer = (PartnerId, CustomerId);

/// Counts the lines of each transition: they stand together, customer by customer.
pub(super) async fn check_lines(stores: &Stores, report: &Report) -> Result<(), StorageError> {
    let mut after = None;
    let mut customer: Option<Customer> = None;
    let mut counts: BTreeMap<TransitionId, u64> = BTreeMap::new();
    loop {
        let page = marks(&stores.eligibility, after, PAGE).await?;
        let mut whole = BTreeMap::new();
        for (key, transition) in &page {
            let of = Some((key.0, key.1));
            if customer != of {
                whole.extend(std::mem::take(&mut counts));
                customer = of;
            }
            *counts.entry(*transition).or_default() += 1;
        }
        let is_last = page.len() < PAGE as usize;
        if is_last {
            whole.extend(std::mem::take(&mut counts));
        }
        judge_counts(stores, whole, report).await?;
        if is_last {
            return Ok(());
        }
        after = page.last().map(|(key, _)| *key);
    }
}

async fn judge_counts(stores: &Stores, counts: BTreeMap<TransitionId, u64>, report: &Report) -> Result<(), StorageError> {
    let known = standing(&stores.coordinator, counts.keys().copied()).await?;
    for (id, marked) in counts {
        let transition = known.get(&id);
        report.add(checks::is_known(convert::id(id), "a line in eligibility", transition.is_some()));
        if let Some(transition) = transition {
            let (stand, lines) = (convert::stand(transition.state), u64::from(transition.lines));
            report.add(checks::lines_are_counted(&checks::Count { transition: convert::id(id), stand, lines, marked }));
        }
    }
    Ok(())
}

/// All subscriptions that facts tell of.
pub(super) async fn check_told(stores: &Stores, report: &Report) -> Result<(), StorageError> {
    let mut page = told(&stores.eligibility, None, PAGE).await?;
    while let Some(last) = page.last() {
        let is_last = page.len() < PAGE as usize;
        let next = async { if is_last { Ok(Vec::new()) } else { told(&stores.eligibility, Some(last.key), PAGE).await } };
        let ((), (), next) = try_join!(check_roles(stores, &page, report), check_left(stores, &page, report), next)?;
        page = next;
    }
    Ok(())
}

/// Roles can be compared where both workers have them from the same document.
async fn check_roles(stores: &Stores, page: &[Told], report: &Report) -> Result<(), StorageError> {
    let keys: Vec<_> = page.iter().filter_map(|s| Some((s.key.0, s.azure_subscription_id?))).collect();
    let stored = roles_of(&stores.mapping, &keys).await?;
    let stored: HashMap<_, _> = stored.iter().map(|row| (row.key, row)).collect();
    for subscription in page {
        let (partner, customer, _) = subscription.key;
        let Some(azure) = subscription.azure_subscription_id else { continue };
        if let Some(row) = stored.get(&(partner, azure))
            && row.customer_id == customer
            && row.facts_version == subscription.facts_version
        {
            let imported = subscription.roles.as_ref().map_or("[]", |roles| roles.get());
            report.add(if imported == row.roles {
                checks::roles_are_kept(convert::id(azure), &[imported], &[row.roles.as_str()])
            } else {
                checks::roles_are_kept(convert::id(azure), &roles(imported)?, &roles(&row.roles)?)
            });
        }
    }
    Ok(())
}

fn roles(text: &str) -> Result<Vec<RoleFacts>, StorageError> {
    serde_json::from_str(text).map_err(|error| StorageError::Decode { column: 4, problem: error.to_string() })
}

/// Of a customer with a completed transition nothing that was in scope by the same facts may be nobody's line.
async fn check_left(stores: &Stores, page: &[Told], report: &Report) -> Result<(), StorageError> {
    let mut left: BTreeMap<(Customer, u32), Vec<CommerceSubscriptionId>> = BTreeMap::new();
    for subscription in page.iter().filter(|s| s.is_in_scope && !s.is_line) {
        let (partner, customer, commerce) = subscription.key;
        left.entry(((partner, customer), subscription.facts_version)).or_default().push(commerce);
    }
    let mut customers: Vec<Customer> = left.keys().map(|(customer, _)| *customer).collect();
    customers.dedup();
    for transition in inspect::completed(&stores.coordinator, &customers).await? {
        let head = transition.head;
        if let Some(left) = left.get(&((head.partner_id, head.customer_id), transition.facts_version)) {
            let left: Vec<_> = left.iter().map(|commerce| convert::id(*commerce)).collect();
            report.add(checks::nothing_is_left(convert::id(head.id), &left));
        }
    }
    Ok(())
}
