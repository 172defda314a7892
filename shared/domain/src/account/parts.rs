//! Cuts a customer into parts that each fit a message.

use super::{
    facts::{CustomerFacts, CustomerPart, PART_SUBSCRIPTIONS, PlanFacts, ResellerFacts, SubscriptionFacts},
    walk::CustomerRecord,
};
use crate::ids::{CustomerId, MpnId};
use std::{
    collections::{BTreeMap, BTreeSet},
    vec,
};

/// How many subscriptions, roles and transfers together a part may have: a part of ordinary subscriptions is full by their
/// number first. A subscription is never cut, so one that has more is a part of its own.
const PART_ITEMS: usize = 4 * PART_SUBSCRIPTIONS;

/// The parts of a customer that is made of facts, at least one, in their order.
pub fn parts_of(
    id: CustomerId,
    facts: CustomerFacts,
    subscriptions: Vec<SubscriptionFacts>,
    plans: Vec<PlanFacts>,
    resellers: &BTreeMap<MpnId, ResellerFacts>,
) -> Vec<CustomerPart> {
    cut(CustomerRecord { id, facts, subscriptions, plans }, resellers)
}

/// The parts of a customer, at least one, in the order of the document.
pub(super) fn cut(record: CustomerRecord, resellers: &BTreeMap<MpnId, ResellerFacts>) -> Vec<CustomerPart> {
    let CustomerRecord { id, facts, subscriptions, plans } = record;
    let mut subscriptions = subscription_slices(subscriptions).into_iter();
    let mut plans = plan_slices(&plans).into_iter();
    let parts = subscriptions.len().max(plans.len()).max(1);
    let small = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    (0..parts)
        .map(|part| {
            let subscriptions = subscriptions.next().unwrap_or_default();
            let on_record: BTreeSet<&MpnId> = subscriptions.iter().filter_map(|s| s.reseller.0.as_ref()).collect();
            CustomerPart {
                customer_id: id,
                part: small(part),
                parts: small(parts),
                customer: facts.clone(),
                resellers: on_record.into_iter().filter_map(|mpn_id| resellers.get(mpn_id)).cloned().collect(),
                subscriptions,
                plans: plans.next().unwrap_or_default(),
            }
        })
        .collect()
}

fn subscription_slices(subscriptions: Vec<SubscriptionFacts>) -> Vec<Vec<SubscriptionFacts>> {
    let mut slices: Vec<Vec<SubscriptionFacts>> = Vec::new();
    let mut items = 0;
    for subscription in subscriptions {
        let weight = 1 + subscription.roles.len() + subscription.transfers.len();
        match slices.last_mut() {
            Some(slice) if slice.len() < PART_SUBSCRIPTIONS && items + weight <= PART_ITEMS => {
                slice.push(subscription);
                items += weight;
            }
            _ => {
                slices.push(vec![subscription]);
                items = weight;
            }
        }
    }
    slices
}

fn plan_slices(plans: &[PlanFacts]) -> Vec<Vec<PlanFacts>> {
    plans.chunks(PART_SUBSCRIPTIONS).map(<[PlanFacts]>::to_vec).collect()
}
