//! Subscriptions as they were imported: what became a line and what did not, and the roles on them.

use super::{PAGE, Report, Stores, convert};
use planshift_coordinator::inspect::{self, Transition};
use planshift_domain::{
    account::facts::SubscriptionStatus,
    ids::{CommerceSubscriptionId, CustomerId, PartnerId, TransitionId},
};
use planshift_eligibility::inspect::{Subscription, lines, lines_of, subscriptions};
use planshift_invariants::checks;
use planshift_mapping::inspect::attachments_of;
use planshift_storage::StorageError;
use std::collections::{BTreeMap, HashMap, HashSet};

type Customer = (PartnerId, CustomerId);

/// Checks all lines that eligibility holds, and all subscriptions.
pub(super) async fn check(stores: &Stores, report: &mut Report) -> Result<(), StorageError> {
    check_lines(stores, report).await?;
    check_subscriptions(stores, report).await
}

/// Counts the lines of each transition: they stand together, customer by customer.
async fn check_lines(stores: &Stores, report: &mut Report) -> Result<(), StorageError> {
    let mut after = None;
    let mut customer: Option<Customer> = None;
    let mut counts: BTreeMap<TransitionId, u64> = BTreeMap::new();
    loop {
        let page = lines(&stores.eligibility, after, PAGE).await?;
        let mut whole = BTreeMap::new();
        for line in &page {
            let of = Some((line.key.0, line.key.1));
            if customer != of {
                whole.append(&mut counts);
                customer = of;
            }
            *counts.entry(line.transition_id).or_default() += 1;
        }
        let is_last = page.len() < PAGE as usize;
        if is_last {
            whole.append(&mut counts);
        }
        judge_counts(stores, whole, report).await?;
        if is_last {
            return Ok(());
        }
        after = page.last().map(|line| line.key);
    }
}

async fn judge_counts(stores: &Stores, counts: BTreeMap<TransitionId, u64>, report: &mut Report) -> Result<(), StorageError> {
    let ids: Vec<TransitionId> = counts.keys().copied().collect();
    let known: HashMap<TransitionId, Transition> =
        inspect::transitions(&stores.coordinator, &ids).await?.into_iter().map(|transition| (transition.head.id, transition)).collect();
    for (id, marked) in counts {
        let transition = known.get(&id);
        report.add(checks::is_known(convert::id(id), "a line in eligibility", transition.is_some()));
        if let Some(transition) = transition {
            let (stand, lines) = (convert::stand(transition.state), u64::from(transition.head.lines));
            report.add(checks::lines_are_counted(&checks::Count { transition: convert::id(id), stand, lines, marked }));
        }
    }
    Ok(())
}

async fn check_subscriptions(stores: &Stores, report: &mut Report) -> Result<(), StorageError> {
    let mut after = None;
    loop {
        let page = subscriptions(&stores.eligibility, after, PAGE).await?;
        check_roles(stores, &page, report).await?;
        check_left(stores, &page, report).await?;
        after = page.last().map(|subscription| subscription.key);
        if page.len() < PAGE as usize {
            return Ok(());
        }
    }
}

/// Roles can be compared where both workers have them from the same document.
async fn check_roles(stores: &Stores, page: &[Subscription], report: &mut Report) -> Result<(), StorageError> {
    let keys: Vec<_> = page.iter().filter_map(|s| Some((s.key.0, s.facts.azure_subscription_id?))).collect();
    let stored = attachments_of(&stores.mapping, &keys).await?;
    let stored: HashMap<_, _> = stored.iter().map(|row| ((row.partner_id, row.azure_subscription_id), row)).collect();
    for subscription in page {
        let (partner, customer, _) = subscription.key;
        let Some(azure) = subscription.facts.azure_subscription_id else { continue };
        if let Some(row) = stored.get(&(partner, azure))
            && row.customer_id == customer
            && row.facts_version == subscription.facts_version
        {
            report.add(checks::roles_are_kept(convert::id(azure), &subscription.facts.roles, &row.roles));
        }
    }
    Ok(())
}

/// Of a customer with a completed transition nothing that was in scope by the same facts may be nobody's line.
async fn check_left(stores: &Stores, page: &[Subscription], report: &mut Report) -> Result<(), StorageError> {
    let in_scope = || page.iter().filter(|s| !s.is_gone && s.facts.status != SubscriptionStatus::Deleted);
    let keyed: Vec<_> = in_scope().filter_map(|s| Some((s.key.0, s.key.1, s.facts.azure_subscription_id?))).collect();
    let marked: HashSet<_> = lines_of(&stores.eligibility, &keyed).await?.into_iter().map(|line| line.key).collect();
    let is_marked = |s: &Subscription| s.facts.azure_subscription_id.is_some_and(|azure| marked.contains(&(s.key.0, s.key.1, azure)));
    let mut left: BTreeMap<(Customer, u32), Vec<CommerceSubscriptionId>> = BTreeMap::new();
    for subscription in in_scope().filter(|s| !is_marked(s)) {
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
