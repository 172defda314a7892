//! A customer, read as a stream: of its lists only what a later step needs is kept, and nothing while only checking.

use super::{
    facts::{AgreementFacts, OrderFacts, PlanFacts, RoleFacts, SubscriptionFacts},
    fault::{Faults, Path},
    fields::Fields,
    node::{Members, Node, Take, Value},
    objects,
    scope::{is_customer_agreement, is_pending_order},
    shape::{AGREEMENT, AZURE_PLAN, CUSTOMER, ORDER, ROLE_ASSIGNMENT, SUBSCRIPTION, Shape, TRANSFER},
    walk::{Collector, CustomerRecord, Items, Walk},
};
use serde::de::MapAccess;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// How many agreements and how many orders are kept: they travel with every part of a customer, and one of each decides.
pub const KEPT_ITEMS: usize = 10;

/// A customer that is being read.
pub(super) struct Customer<'p, 'w, 'a> {
    walk: &'w mut Walk<'a>,
    path: Path<'p>,
    index: usize,
    agreements: Vec<AgreementFacts>,
    orders: Vec<OrderFacts>,
    plans: Vec<PlanFacts>,
    subscriptions: Vec<SubscriptionFacts>,
    /// By commerce id.
    transfers: HashMap<Uuid, Vec<String>>,
    /// By Azure id; an assignment that is listed twice is one.
    roles: HashMap<Uuid, BTreeSet<RoleFacts>>,
}

impl Collector for Customer<'_, '_, '_> {
    fn faults(&mut self) -> &mut Faults {
        &mut self.walk.faults
    }
}

impl<'p, 'w, 'a> Customer<'p, 'w, 'a> {
    pub(super) fn new(walk: &'w mut Walk<'a>, path: Path<'p>, index: usize) -> Self {
        Self {
            walk,
            path,
            index,
            agreements: Vec::new(),
            orders: Vec::new(),
            plans: Vec::new(),
            subscriptions: Vec::new(),
            transfers: HashMap::new(),
            roles: HashMap::new(),
        }
    }

    const fn is_kept(&self) -> bool {
        self.walk.sink.is_some()
    }

    fn agreement(&mut self, path: &Path<'_>, _: usize, members: Members) {
        let read = objects::agreement(&mut Fields::open(path, members, &mut self.walk.faults));
        if let Some(agreement) = read.filter(|a| self.is_kept() && is_customer_agreement(&a.kind)) {
            // the earliest ones: if any is agreed by now, the earliest is
            let place = self.agreements.partition_point(|kept| kept.date_agreed <= agreement.date_agreed);
            self.agreements.insert(place, agreement);
            self.agreements.truncate(KEPT_ITEMS);
        }
    }

    fn order(&mut self, path: &Path<'_>, _: usize, members: Members) {
        let read = objects::order(&mut Fields::open(path, members, &mut self.walk.faults));
        if let Some(order) = read.filter(|o| self.is_kept() && self.orders.len() < KEPT_ITEMS && is_pending_order(&o.status)) {
            self.orders.push(order);
        }
    }

    fn transfer(&mut self, path: &Path<'_>, _: usize, members: Members) {
        let read = objects::transfer(&mut Fields::open(path, members, &mut self.walk.faults));
        if let Some((subscription, status)) = read.filter(|_| self.is_kept()) {
            self.transfers.entry(subscription).or_default().push(status);
        }
    }

    fn role_assignment(&mut self, path: &Path<'_>, _: usize, members: Members) {
        let read = objects::role_assignment(&mut Fields::open(path, members, &mut self.walk.faults));
        if let Some((azure, role)) = read.filter(|_| self.is_kept()) {
            self.roles.entry(azure).or_default().insert(role);
        }
    }

    fn azure_plan(&mut self, path: &Path<'_>, index: usize, members: Members) {
        let (id, plan) = objects::azure_plan(&mut Fields::open(path, members, &mut self.walk.faults));
        if let (Some(seen), Some(id)) = (&mut self.walk.seen, id) {
            seen.plan(id.0, (self.index, index), path, &mut self.walk.faults);
        }
        if let Some(plan) = plan.filter(|_| self.is_kept()) {
            self.plans.push(plan);
        }
    }

    fn subscription(&mut self, path: &Path<'_>, index: usize, members: Members) {
        let read = objects::subscription(&mut Fields::open(path, members, &mut self.walk.faults));
        let at = (self.index, index);
        if let Some(seen) = &mut self.walk.seen {
            if let Some(id) = read.commerce {
                seen.commerce(id, at, path, &mut self.walk.faults);
            }
            if let Some(id) = read.azure {
                seen.azure(id, at, path, &mut self.walk.faults);
            }
        }
        self.walk.subscriptions += 1;
        if let Some(facts) = read.facts {
            self.walk.legacy_subscriptions += 1;
            if self.is_kept() {
                self.subscriptions.push(facts);
            }
        }
    }

    fn items<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        name: &'static str,
        shape: &'static Shape,
        each: fn(&mut Self, &Path<'_>, usize, Members),
    ) -> Result<(), A::Error> {
        let path = self.path;
        map.next_value_seed(Value(Items { state: self, shape, path: &path.property(name), each }))
    }

    fn finish(mut self, members: Members) {
        let (agreements, orders) = (std::mem::take(&mut self.agreements), std::mem::take(&mut self.orders));
        let (id, facts) = objects::customer(&mut Fields::open(&self.path, members, &mut self.walk.faults), agreements, orders);
        let Some(id) = id else { return };
        if let Some(seen) = &mut self.walk.seen {
            seen.customer(id.0, self.index, &self.path, &mut self.walk.faults);
        }
        self.walk.customers.push(id);
        // once anything is at fault, nothing more is handed out
        if let (Some(sink), Some(facts), true) = (&mut self.walk.sink, facts, self.walk.faults.is_empty()) {
            for subscription in &mut self.subscriptions {
                subscription.transfers = self.transfers.remove(&subscription.commerce_subscription_id.0).unwrap_or_default();
                let roles = subscription.azure_subscription_id.and_then(|id| self.roles.remove(&id.0));
                subscription.roles = roles.into_iter().flatten().collect();
            }
            let record = CustomerRecord { id, facts, subscriptions: self.subscriptions, plans: self.plans };
            self.walk.stopped = sink(record).is_break();
        }
    }
}

impl<'de> Take<'de> for Customer<'_, '_, '_> {
    type Out = ();

    fn other(self, node: Node) {
        self.walk.faults.add(&self.path, node.found(), "an object");
    }

    fn object<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut members = Members::new(&CUSTOMER);
        while let Some(position) = members.next(&mut map)? {
            match CUSTOMER.0[position].name {
                "agreements" => self.items(&mut map, "agreements", &AGREEMENT, Self::agreement)?,
                "orders" => self.items(&mut map, "orders", &ORDER, Self::order)?,
                "transfers" => self.items(&mut map, "transfers", &TRANSFER, Self::transfer)?,
                "azurePlans" => self.items(&mut map, "azurePlans", &AZURE_PLAN, Self::azure_plan)?,
                "subscriptions" => self.items(&mut map, "subscriptions", &SUBSCRIPTION, Self::subscription)?,
                "roleAssignments" => self.items(&mut map, "roleAssignments", &ROLE_ASSIGNMENT, Self::role_assignment)?,
                _ => members.put(position, &mut map)?,
            }
        }
        self.finish(members);
        Ok(())
    }
}
