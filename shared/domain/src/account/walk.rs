//! One way through a document: what was met, what was wrong, and who gets the customers.

use super::{
    customer::Customer,
    facts::{CustomerFacts, PartnerFacts, PlanFacts, ResellerFacts, SubscriptionFacts},
    fault::{Faults, Path},
    fields::Fields,
    node::{Members, Node, Take, Tree, Value},
    objects, parse,
    seen::Seen,
    shape::{DOCUMENT, PARTNER, RESELLER, Shape},
};
use crate::ids::{CustomerId, MpnId};
use serde::de::{Error, MapAccess, SeqAccess};
use std::{collections::BTreeMap, ops::ControlFlow};

/// A customer as it stands in the document, with roles and transfers at their subscriptions.
pub(super) struct CustomerRecord {
    pub(super) id: CustomerId,
    pub(super) facts: CustomerFacts,
    pub(super) subscriptions: Vec<SubscriptionFacts>,
    pub(super) plans: Vec<PlanFacts>,
}

/// Who gets each customer.
pub(super) type Sink<'a> = &'a mut dyn FnMut(CustomerRecord) -> ControlFlow<()>;

/// What is known of the document so far.
#[derive(Default)]
pub(super) struct Walk<'a> {
    pub(super) faults: Faults,
    /// Absent where the document was checked before: ids are then known to be unique.
    pub(super) seen: Option<Seen>,
    pub(super) partner: Option<PartnerFacts>,
    pub(super) resellers: BTreeMap<MpnId, ResellerFacts>,
    pub(super) customers: Vec<CustomerId>,
    pub(super) subscriptions: usize,
    pub(super) legacy_subscriptions: usize,
    /// Absent where it is only checked: nothing of a customer is then kept.
    pub(super) sink: Option<Sink<'a>>,
    /// It is in lines: its partner and its resellers may be told of again, as long as they are the same.
    pub(super) in_lines: bool,
    /// How many customers were met, right or wrong.
    pub(super) met_customers: usize,
    /// The sink wants no more.
    pub(super) stopped: bool,
}

impl Walk<'_> {
    fn partner(&mut self, path: &Path<'_>, mut node: Node) {
        match parse::object(&mut node) {
            Ok(members) => {
                let partner = objects::partner(&mut Fields::open(path, members, &mut self.faults));
                match (&self.partner, partner) {
                    (Some(before), Some(now)) if *before != now => {
                        self.faults.add(
                            path,
                            format!("another partner, {}", now.id),
                            format!("the partner of the first line, {}", before.id),
                        );
                    }
                    (Some(_), _) => {}
                    (None, partner) => self.partner = partner,
                }
            }
            Err(expected) => self.faults.add(path, node.found(), expected),
        }
    }

    fn reseller(&mut self, path: &Path<'_>, index: usize, members: Members) {
        let (mpn_id, facts) = objects::reseller(&mut Fields::open(path, members, &mut self.faults));
        if self.in_lines {
            if let (Some(mpn_id), Some(facts)) = (&mpn_id, &facts)
                && self.resellers.get(mpn_id).is_some_and(|before| before != facts)
            {
                self.faults.add(&path.property("mpnId"), format!("\"{mpn_id}\""), "the reseller as it was told of before, or another one");
            }
        } else if let (Some(seen), Some(mpn_id)) = (&mut self.seen, &mpn_id) {
            seen.reseller(mpn_id, index, path, &mut self.faults);
        }
        if let (Some(mpn_id), Some(facts)) = (mpn_id, facts) {
            self.resellers.entry(mpn_id).or_insert(facts);
        }
    }
}

/// The whole document, or a line that is one.
pub(super) struct Document<'w, 'a> {
    pub(super) walk: &'w mut Walk<'a>,
    /// Which line: it need have no customers.
    pub(super) line: Option<usize>,
}

impl<'de> Take<'de> for Document<'_, '_> {
    type Out = ();

    fn other(self, node: Node) {
        self.walk.faults.add(&self.line.map_or(Path::Root, Path::Line), node.found(), AN_OBJECT);
    }

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { walk, line } = self;
        let path = line.map_or(Path::Root, Path::Line);
        let mut members = Members::new(&DOCUMENT);
        let (mut had_partner, mut had_customers) = (false, false);
        while let Some(position) = members.next(&mut map)? {
            match DOCUMENT.0[position].name {
                "customers" => {
                    had_customers = true;
                    map.next_value_seed(Value(Customers { walk: &mut *walk, path: &path.property("customers"), line }))?;
                }
                "resellers" => {
                    let each = |walk: &mut Walk<'_>, path: &Path<'_>, index, members| walk.reseller(path, index, members);
                    map.next_value_seed(Value(Items { state: &mut *walk, shape: &RESELLER, path: &path.property("resellers"), each }))?;
                }
                _ => {
                    had_partner = true;
                    let node = map.next_value_seed(Value(Tree { shape: &PARTNER, listed: true }))?;
                    walk.partner(&path.property("partner"), node);
                }
            }
        }
        let fields = Fields::open(&path, members, &mut walk.faults);
        if !had_partner {
            fields.faults.add(&path.property("partner"), "nothing", AN_OBJECT);
        }
        if !had_customers && line.is_none() {
            fields.faults.add(&path.property("customers"), "nothing", AT_LEAST_ONE);
        }
        Ok(())
    }
}

const AN_OBJECT: &str = "an object";
const AT_LEAST_ONE: &str = "a list of at least one customer";

struct Customers<'p, 'w, 'a> {
    walk: &'w mut Walk<'a>,
    path: &'p Path<'p>,
    line: Option<usize>,
}

impl<'de> Take<'de> for Customers<'_, '_, '_> {
    type Out = ();

    fn other(self, node: Node) {
        self.walk.faults.add(self.path, node.found(), AT_LEAST_ONE);
    }

    fn list<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0;
        loop {
            let customer = Customer::new(&mut *self.walk, self.path.item(index), self.line.unwrap_or(index));
            if items.next_element_seed(Value(customer))?.is_none() {
                break;
            }
            if self.walk.stopped {
                return Err(A::Error::custom("stopped"));
            }
            index += 1;
        }
        self.walk.met_customers += index;
        if index == 0 && self.line.is_none() {
            self.other(Node::List(Vec::new()));
        }
        Ok(())
    }
}

/// Whoever collects the items of a list, and the faults.
pub(super) trait Collector {
    /// Where faults are noted.
    fn faults(&mut self) -> &mut Faults;
}
impl Collector for Walk<'_> {
    fn faults(&mut self) -> &mut Faults {
        &mut self.faults
    }
}

/// A list of objects that may be absent or null, each given away as soon as it is read.
pub(super) struct Items<'p, 's, S, F> {
    pub(super) state: &'s mut S,
    pub(super) shape: &'static Shape,
    pub(super) path: &'p Path<'p>,
    pub(super) each: F,
}

impl<'de, S: Collector, F: FnMut(&mut S, &Path<'_>, usize, Members)> Take<'de> for Items<'_, '_, S, F> {
    type Out = ();

    fn other(self, node: Node) {
        if !matches!(node, Node::Null) {
            self.state.faults().add(self.path, node.found(), "a list");
        }
    }

    fn list<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some(mut node) = items.next_element_seed(Value(Tree { shape: self.shape, listed: true }))? {
            let path = self.path.item(index);
            match parse::object(&mut node) {
                Ok(members) => (self.each)(self.state, &path, index, members),
                Err(expected) => self.state.faults().add(&path, node.found(), expected),
            }
            index += 1;
        }
        Ok(())
    }
}
