//! A coordinator and an eligibility service that hold the facts of customers: what is imported or changed is taken, and read back.

use crate::world::*;
use planshift_domain::{
    account::{
        facts::{CustomerPart, PartnerFacts, SubscriptionFacts},
        sample::{self, SampleOptions},
    },
    ids::{CustomerId, PartnerId},
    message::{
        Body as _,
        request::{
            CustomerPage, CustomerRead, CustomersImported, FindImport, ImportCustomers, ImportFound, ReadCustomer, ReadOutcome,
            RefusedCustomer, TakenImport, Wanted,
        },
    },
};
use planshift_messaging::{Delivery, Outgoing};
use planshift_worker::codec;
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};
use uuid::Uuid;

/// The facts of a customer.
pub struct Held {
    pub version: u32,
    pub partner: PartnerFacts,
    pub part: CustomerPart,
}

/// What is held. Cheap to clone; clones share.
#[derive(Clone, Default)]
pub struct Holder(Arc<Mutex<Inner>>);

/// What becomes of imports.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// They are taken and answered.
    #[default]
    Answers,
    /// They are taken, and the answers are lost.
    LosesAnswers,
    /// They are taken by the coordinator, which stops before it has told anybody: the facts stay as they were until the import comes again.
    LosesFacts,
}

#[derive(Default)]
struct Inner {
    facts: BTreeMap<(PartnerId, CustomerId), Held>,
    /// The answer to each import's chunk: the same again gets the same.
    taken: HashMap<(Uuid, u32), CustomersImported>,
    /// What was taken, by import.
    chain: HashMap<Uuid, TakenImport>,
    mode: Mode,
    /// Every import that was asked for.
    asked: Vec<ImportCustomers>,
}

impl Holder {
    /// What a world does with it.
    pub fn script(&self) -> impl FnMut(&Delivery) -> Vec<Outgoing> + Send + 'static {
        let inner = self.0.clone();
        move |delivery| {
            let (message, mut inner) = (&delivery.message, inner.lock().unwrap());
            match message.kind.as_str() {
                ImportCustomers::TYPE => {
                    let taken = inner.take(codec::body(message).unwrap());
                    if inner.mode == Mode::Answers { vec![answer(delivery, &taken)] } else { Vec::new() }
                }
                FindImport::TYPE => {
                    let FindImport { request_id, import_ids, .. } = codec::body(message).unwrap();
                    let taken = import_ids.iter().find_map(|id| inner.chain.get(&id.0)).cloned();
                    vec![answer(delivery, &ImportFound { request_id, taken })]
                }
                ReadCustomer::TYPE => vec![answer(delivery, &inner.read(&codec::body(message).unwrap()))],
                _ => Vec::new(),
            }
        }
    }

    /// What becomes of imports from now on.
    pub fn set(&self, mode: Mode) {
        self.0.lock().unwrap().mode = mode;
    }

    /// The changes that were asked for, in order.
    pub fn changes(&self) -> Vec<ImportCustomers> {
        self.0.lock().unwrap().asked.iter().filter(|asked| asked.only_if.is_some()).cloned().collect()
    }

    /// Looks at what is held of a customer, or changes it.
    pub fn look<T>(&self, customer: &str, look: impl FnOnce(&mut Held) -> T) -> T {
        let customer: CustomerId = customer.parse().unwrap();
        let mut inner = self.0.lock().unwrap();
        look(inner.facts.iter_mut().find(|((_, of), _)| *of == customer).expect("it was imported").1)
    }

    /// The first legacy subscription of a customer.
    pub fn subscription(&self, customer: &str) -> SubscriptionFacts {
        self.look(customer, |held| held.part.subscriptions.first().expect("it has one").clone())
    }
}

impl Inner {
    fn take(&mut self, chunk: ImportCustomers) -> CustomersImported {
        self.asked.push(chunk.clone());
        let key = (chunk.import_id.0, chunk.chunk);
        if let Some(known) = self.taken.get(&key) {
            // facts that were lost are handed on once more
            if let Some(taken) = self.chain.get(&key.0)
                && let [part] = &chunk.customers[..]
            {
                let held = Held { version: taken.facts_version, partner: chunk.partner.clone(), part: part.clone() };
                let facts = self.facts.entry((chunk.partner.id, part.customer_id));
                facts.and_modify(|now| {
                    if now.version < held.version {
                        *now = held;
                    }
                });
            }
            return known.clone();
        }
        let mut taken = CustomersImported { import_id: chunk.import_id, chunk: chunk.chunk, imported: Vec::new(), refused: Vec::new() };
        for part in chunk.customers {
            let customer_id = part.customer_id;
            let before = self.facts.get(&(chunk.partner.id, customer_id)).map_or(0, |held| held.version);
            if chunk.only_if.is_some_and(|only_if| only_if.facts_version != before) {
                let (code, description) = ("FactsChanged".to_owned(), String::new());
                taken.refused.push(RefusedCustomer { customer_id, code, description, transition_id: None });
                continue;
            }
            taken.imported.push(customer_id);
            let resource = chunk.by.made.as_ref().and_then(|made| made.new_value.clone());
            self.chain.insert(chunk.import_id.0, TakenImport { import_id: chunk.import_id, facts_version: before + 1, resource });
            if self.mode == Mode::LosesFacts {
                continue;
            }
            let held = Held { version: before + 1, partner: chunk.partner.clone(), part };
            self.facts.insert((chunk.partner.id, customer_id), held);
        }
        self.taken.insert(key, taken.clone());
        taken
    }

    fn read(&self, question: &ReadCustomer) -> CustomerRead {
        let request_id = question.request_id;
        let Some(held) = self.facts.get(&(question.partner_id, question.customer_id)) else {
            return CustomerRead { request_id, outcome: ReadOutcome::UnknownCustomer };
        };
        let Wanted { ids, reseller, order_id } = &question.wanted;
        let is_wanted = |id: Uuid| ids.as_ref().is_none_or(|ids| ids.contains(&id));
        let mut subscriptions = held.part.subscriptions.clone();
        subscriptions.retain(|s| is_wanted(s.commerce_subscription_id.0) && reseller.as_ref().is_none_or(|own| *own == s.reseller));
        subscriptions.retain(|s| order_id.is_none() || s.order_id == *order_id);
        subscriptions.sort_by_key(|s| s.commerce_subscription_id);
        let mut plans = held.part.plans.clone();
        plans.retain(|plan| is_wanted(plan.id.0) && order_id.is_none() && reseller.as_ref().is_none_or(|own| *own == plan.reseller));
        plans.sort_by_key(|plan| plan.id);
        let total = |count: usize| u32::try_from(count).unwrap();
        let (subscriptions_total, plans_total) = (total(subscriptions.len()), total(plans.len()));
        let after = |id: Uuid| question.after.is_none_or(|after| id > after);
        subscriptions.retain(|s| after(s.commerce_subscription_id.0));
        plans.retain(|plan| after(plan.id.0));
        subscriptions.truncate(question.limit as usize);
        plans.truncate(question.limit as usize);
        let page = CustomerPage {
            facts_version: held.version,
            partner: held.partner.clone(),
            customer: held.part.customer.clone(),
            resellers: held.part.resellers.clone(),
            subscriptions,
            subscriptions_total,
            plans,
            plans_total,
        };
        CustomerRead { request_id, outcome: ReadOutcome::Read(Box::new(page)) }
    }
}

/// A sample document with one customer of so many subscriptions, and its customer's id.
pub fn one_customer(subscriptions: u32) -> (Value, String) {
    let mut document = Vec::new();
    sample::write(SampleOptions { customers: 1, subscriptions, seed: 11, resellers: 1 }, &mut document).unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    let customer = document["customers"][0]["id"].as_str().unwrap().to_lowercase();
    (document, customer)
}

/// Imports the document, all of it.
pub async fn import(world: &World, document: &Value) {
    let imported: Value = world.post("/v1/accounts", document).send().await.unwrap().json().await.unwrap();
    assert_eq!(imported["refused"], serde_json::json!([]), "{imported}");
}
