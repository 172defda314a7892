//! What may stand only once in a document, and where it stood first. Sixteen bytes for an id and eight for its place.

use super::{
    document::Format,
    fault::{Faults, Path},
};
use crate::ids::MpnId;
use std::collections::{HashMap, hash_map::Entry};
use uuid::Uuid;

/// Index of the customer (in a document in lines, its line), index within the customer.
type Place = (u32, u32);

/// Every id met so far.
pub(super) struct Seen {
    format: Format,
    customers: HashMap<Uuid, Place>,
    commerce: HashMap<Uuid, Place>,
    azure: HashMap<Uuid, Place>,
    plans: HashMap<Uuid, Place>,
    resellers: HashMap<MpnId, Place>,
}

impl Seen {
    pub(super) fn new(format: Format) -> Self {
        let resellers = HashMap::new();
        Self { format, customers: HashMap::new(), commerce: HashMap::new(), azure: HashMap::new(), plans: HashMap::new(), resellers }
    }

    /// A place within a customer, or the customer's own.
    fn place(&self, customer: u32, within: &str) -> String {
        match self.format {
            Format::Json => format!("customers[{customer}].{within}"),
            Format::Lines => format!("line {customer}: {within}"),
        }
    }

    /// A customer's id.
    pub(super) fn customer(&mut self, id: Uuid, at: usize, path: &Path<'_>, faults: &mut Faults) {
        if let Some((first, _)) = first(&mut self.customers, id, (at, 0)) {
            twice(path, "id", &id, &self.place(first, "id"), faults);
        }
    }

    /// A commerce subscription's id.
    pub(super) fn commerce(&mut self, id: Uuid, at: (usize, usize), path: &Path<'_>, faults: &mut Faults) {
        if let Some((customer, item)) = first(&mut self.commerce, id, at) {
            twice(path, "id", &id, &self.place(customer, &format!("subscriptions[{item}].id")), faults);
        }
    }

    /// The Azure id of a subscription of the legacy offer.
    pub(super) fn azure(&mut self, id: Uuid, at: (usize, usize), path: &Path<'_>, faults: &mut Faults) {
        if let Some((customer, item)) = first(&mut self.azure, id, at) {
            twice(path, "entitlementId", &id, &self.place(customer, &format!("subscriptions[{item}].entitlementId")), faults);
        }
    }

    /// An Azure plan's id.
    pub(super) fn plan(&mut self, id: Uuid, at: (usize, usize), path: &Path<'_>, faults: &mut Faults) {
        if let Some((customer, item)) = first(&mut self.plans, id, at) {
            twice(path, "id", &id, &self.place(customer, &format!("azurePlans[{item}].id")), faults);
        }
    }

    /// A reseller's MPN id.
    pub(super) fn reseller(&mut self, id: &MpnId, at: usize, path: &Path<'_>, faults: &mut Faults) {
        if let Some((first, _)) = first(&mut self.resellers, id.clone(), (at, 0)) {
            twice(path, "mpnId", id, &format!("resellers[{first}].mpnId"), faults);
        }
    }
}

/// Where it stood before; notes it where it did not.
fn first<K: std::hash::Hash + Eq>(seen: &mut HashMap<K, Place>, id: K, at: (usize, usize)) -> Option<Place> {
    let small = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    match seen.entry(id) {
        Entry::Occupied(there) => Some(*there.get()),
        Entry::Vacant(free) => {
            free.insert((small(at.0), small(at.1)));
            None
        }
    }
}

fn twice(path: &Path<'_>, name: &'static str, id: &dyn std::fmt::Display, first: &str, faults: &mut Faults) {
    faults.add(&path.property(name), format!("\"{id}\""), format!("an id that is not in the document already ({first})"));
}
