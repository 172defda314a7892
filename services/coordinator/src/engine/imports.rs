//! Imports: versions given to facts, parts handed to the four workers, and the answer when all have them.

use super::{
    audit::{Audit, Draft, correlation},
    input::Asker,
};
use crate::store::{
    customers::{self, Customer, CustomerKey},
    imports::{self, Chunk, ChunkAnswer, ChunkKey},
    transitions::{self, LegacyBar},
};
use planshift_domain::{
    account::facts::CustomerPart,
    audit::{event, sha256},
    ids::{CustomerId, TransitionId},
    message::{
        command::{
            AzureSubscriptionFacts, CommerceSubscriptionFacts, EligibilityFacts, FactsPart, MappingFacts, PurchasingFacts, SuspensionFacts,
            TakeFacts,
        },
        event::{AccountImported, ImportedCustomer, resellers_of},
        reply::FactsTaken,
        request::{CustomersImported, ImportCustomers, RefusedCustomer},
    },
    said::chain,
    time::Timestamp,
};
use planshift_messaging::{Destination, Outgoing, Service};
use planshift_storage::{StorageError, Transaction};
use planshift_telemetry::TraceContext;
use planshift_worker::{Ports, codec};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

const WORKERS: [Service; 4] = [Service::Eligibility, Service::Purchasing, Service::Mapping, Service::Suspension];
const ALL_WORKERS: u32 = (1 << WORKERS.len()) - 1;

fn bit(worker: Service) -> u32 {
    WORKERS.iter().position(|w| *w == worker).map_or(0, |position| 1 << position)
}

/// Takes chunks in: gives versions, and says what to send.
pub async fn take_in(
    tx: &mut Transaction,
    chunks: &[(&ImportCustomers, &Asker)],
    ports: &Ports,
    audit: &mut Audit,
    now: Timestamp,
) -> Result<Vec<Outgoing>, StorageError> {
    if chunks.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<ChunkKey> = chunks.iter().map(|(c, _)| (c.import_id, c.chunk)).collect();
    let mut seen: HashMap<ChunkKey, Chunk> = imports::load(tx, &keys).await?.into_iter().map(|c| (c.key, c)).collect();
    let fresh: Vec<&ImportCustomers> = chunks.iter().map(|(c, _)| *c).filter(|c| !seen.contains_key(&(c.import_id, c.chunk))).collect();
    let mut customers = Versions::lock(tx, &fresh).await?;
    let mut publish = Vec::new();
    let mut new = Vec::new();
    for (chunk, asker) in chunks {
        let trace = asker.trace.clone().unwrap_or_else(|| TraceContext::unrecorded(ports.random.id()));
        let key = (chunk.import_id, chunk.chunk);
        if seen.contains_key(&key) {
            // its entries may never have been told
            chunk.customers.iter().for_each(|part| audit.again((chunk.partner.id, part.customer_id), chunk.import_id.0));
        }
        let known = seen.entry(key).or_insert_with(|| {
            let answer = customers.answer(chunk, correlation(Some(&trace)), audit);
            new.push(key);
            let waiting = if answer.imported.is_empty() { 0 } else { ALL_WORKERS };
            Chunk { key, waiting, reply_to: asker.reply_to.clone(), answer }
        });
        // a chunk that comes again may be one whose messages were never sent
        if known.waiting == 0 {
            publish.extend(answers(known, &trace, now));
        } else {
            publish.extend(hand_out(chunk, known, &trace, now));
        }
    }
    customers::update(tx, &customers.changed).await?;
    let new: Vec<&Chunk> = new.iter().filter_map(|key| seen.get(key)).collect();
    imports::insert(tx, &new, now).await?;
    Ok(publish)
}

/// Workers have taken chunks: the answers to those that all four have.
pub async fn taken(
    tx: &mut Transaction,
    taken: &[(&FactsTaken, Service)],
    ports: &Ports,
    now: Timestamp,
) -> Result<Vec<Outgoing>, StorageError> {
    let mut masks: BTreeMap<ChunkKey, u32> = BTreeMap::new();
    for (taken, worker) in taken {
        *masks.entry((taken.import_id, taken.chunk)).or_default() |= bit(*worker);
    }
    let chunks = imports::taken(tx, &masks.into_iter().collect::<Vec<_>>()).await?;
    let trace = TraceContext::unrecorded(ports.random.id());
    Ok(chunks.iter().filter(|chunk| chunk.waiting == 0).flat_map(|chunk| answers(chunk, &trace, now)).collect())
}

/// Why a customer's facts are not taken.
struct Refused {
    code: &'static str,
    description: String,
    /// The transition that stands in the way.
    by: Option<TransitionId>,
}

impl Refused {
    fn new(code: &'static str, description: impl Into<String>, by: Option<TransitionId>) -> Self {
        Self { code, description: description.into(), by }
    }
}

/// The versions of customers, under their locks.
struct Versions {
    known: BTreeMap<CustomerKey, Customer>,
    live: HashMap<(uuid::Uuid, uuid::Uuid), TransitionId>,
    bars: HashMap<(uuid::Uuid, uuid::Uuid), LegacyBar>,
    changed: BTreeMap<CustomerKey, Customer>,
}

impl Versions {
    async fn lock(tx: &mut Transaction, chunks: &[&ImportCustomers]) -> Result<Self, StorageError> {
        let mut keys: Vec<CustomerKey> =
            chunks.iter().flat_map(|c| c.customers.iter().map(|part| (c.partner.id, part.customer_id))).collect();
        keys.sort_unstable();
        keys.dedup();
        if let Some(first) = chunks.first() {
            customers::reserve(tx, &keys, first.import_id).await?;
        }
        let known = customers::lock(tx, &keys).await?;
        let live = transitions::live(tx, keys.iter().map(|(p, c)| (p.0, c.0)).collect()).await?.into_iter().collect();
        let purchases = chunks.iter().filter(|chunk| chunk.only_if.is_some_and(|only_if| only_if.may_buy_legacy_azure));
        let purchases = purchases.flat_map(|c| c.customers.iter().map(|part| (c.partner.id.0, part.customer_id.0)));
        let bars = transitions::legacy_bars(tx, purchases.collect()).await?;
        Ok(Self { known, live, bars, changed: BTreeMap::new() })
    }

    fn answer(&mut self, chunk: &ImportCustomers, correlation_id: Option<Uuid>, audit: &mut Audit) -> ChunkAnswer {
        let mut answer = ChunkAnswer {
            partner_id: chunk.partner.id,
            partner_name: chunk.partner.name.clone(),
            begun_at: Some(chunk.begun_at),
            imported: Vec::new(),
            refused: Vec::new(),
            resellers: Vec::new(),
        };
        for part in &chunk.customers {
            let of = (chunk.partner.id, part.customer_id);
            let before = self.known.get(&of).map_or(0, |customer| customer.facts_version);
            let version = self.version(chunk, part);
            audit.add(Draft { correlation_id, ..told(chunk, part, before, version.as_ref()) });
            match version {
                Ok(version) => answer.imported.push(ImportedCustomer::of(part, version)),
                Err(Refused { code, description, by }) => {
                    let (customer_id, code) = (part.customer_id, code.to_owned());
                    answer.refused.push(RefusedCustomer { customer_id, code, description, transition_id: by });
                }
            }
        }
        let imported: HashSet<CustomerId> = answer.imported.iter().map(|c| c.customer_id).collect();
        // a change of one customer tells nothing new of resellers
        if chunk.only_if.is_none() {
            answer.resellers = resellers_of(&chunk.resellers, chunk.customers.iter().filter(|part| imported.contains(&part.customer_id)));
        }
        answer
    }

    /// The version of a part. The parts of one import have one version; an import that has begun may end, a new one of a
    /// customer that is being moved may not begin.
    fn version(&mut self, chunk: &ImportCustomers, part: &CustomerPart) -> Result<u32, Refused> {
        let key = (chunk.partner.id, part.customer_id);
        let Some(known) = self.known.get_mut(&key) else {
            return Err(Refused::new("ImportSuperseded", chain::NO_ROW, None));
        };
        let goes_on = known.import == chunk.import_id && known.facts_version > 0 && part.parts > 1;
        if goes_on {
            known.parts_seen += 1;
        } else {
            if let Some(live) = self.live.get(&(key.0.0, key.1.0)) {
                if part.parts > 1 {
                    // nor may its other parts, should they come after the transition's end: the version would never be whole
                    known.begun_at = known.begun_at.max(Timestamp::from_micros(chunk.begun_at.as_micros() + 1));
                    self.changed.insert(key, *known);
                }
                return Err(Refused::new("UpgradeInProgress", chain::UNDER_WAY.with(&[live]), Some(*live)));
            }
            if let Some(only_if) = chunk.only_if {
                let bar = self.bars.get(&(key.0.0, key.1.0)).filter(|_| only_if.may_buy_legacy_azure);
                match bar {
                    Some(LegacyBar::Completed(id)) => {
                        return Err(Refused::new("UpgradeAlreadyCompleted", chain::HAS_COMPLETED.with(&[id]), Some(*id)));
                    }
                    Some(LegacyBar::Failed(id)) => {
                        return Err(Refused::new("UpgradeFailed", chain::HAS_FAILED.with(&[id]), Some(*id)));
                    }
                    None => {}
                }
                if only_if.facts_version != known.facts_version {
                    let said = chain::FACTS_CHANGED.with(&[&known.facts_version, &only_if.facts_version]);
                    return Err(Refused::new("FactsChanged", said, None));
                }
            }
            // a late part of an older import must not begin a version of its own
            if part.parts > 1 && known.facts_version > 0 && chunk.begun_at < known.begun_at {
                return Err(Refused::new("ImportSuperseded", chain::SUPERSEDED, None));
            }
            *known = Customer {
                facts_version: known.facts_version + 1,
                import: chunk.import_id,
                begun_at: chunk.begun_at,
                parts: part.parts,
                parts_seen: 1,
            };
        }
        self.changed.insert(key, *known);
        Ok(known.facts_version)
    }
}

/// A part of an import, in the customer's chain.
fn told(chunk: &ImportCustomers, part: &CustomerPart, before: u32, version: Result<&u32, &Refused>) -> Draft {
    let (of, actor) = ((chunk.partner.id, part.customer_id), if chunk.by.actor.is_empty() { "gateway" } else { &chunk.by.actor });
    let (number, subscriptions) = (part.part + 1, part.subscriptions.len());
    let request_id = Some(chunk.import_id.0);
    match version {
        Ok(version) => {
            let said = match chunk.by.change.as_str() {
                "" if part.parts > 1 => chain::TAKEN_AS_A_PART.with(&[version, &number, &part.parts, &subscriptions]),
                "" => chain::TAKEN.with(&[version, &subscriptions]),
                // a change is of one part
                change => chain::CHANGED.with(&[&change, version, &subscriptions]),
            };
            let mut value = json!({ "factsVersion": version, "part": part.part, "parts": part.parts });
            // the part as it came; the document that it was cut from, where there was one
            value["sha256"] = json!(sha256(serde_json::to_vec(part).unwrap_or_default()));
            if !chunk.by.document.is_empty() {
                value["document"] = json!(chunk.by.document);
            }
            let mut old_value = (before > 0).then(|| json!({ "factsVersion": before }));
            if let (Some(old), Some(resource)) = (&mut old_value, chunk.by.made.as_ref().and_then(|made| made.old_value.as_ref())) {
                old["resource"] = json!(resource);
            }
            add_change(&mut value, chunk);
            Draft { request_id, old_value, new_value: Some(value), ..Draft::new(of, event::IMPORTED, actor, said) }
        }
        Err(Refused { code, description: why, .. }) => {
            let mut new_value = json!({ "refused": code });
            add_change(&mut new_value, chunk);
            let new_value = Some(new_value);
            let what = if chunk.by.change.is_empty() { chain::FACTS.english() } else { &chunk.by.change };
            let said = match part.parts {
                2.. => chain::NOT_TAKEN_AS_A_PART.with(&[&number, &part.parts, &what, why]),
                _ => chain::NOT_TAKEN.with(&[&what, why]),
            };
            Draft { request_id, new_value, ..Draft::new(of, event::IMPORT_REFUSED, actor, said) }
        }
    }
}

/// What a change through the API is called, and what it makes of what it is about: `operation`, `resource` (JSON as text) and `data`.
fn add_change(value: &mut Value, chunk: &ImportCustomers) {
    if let Some(made) = &chunk.by.made {
        value["operation"] = json!(made.operation);
        value["resource"] = json!(made.new_value);
        value["data"] = json!(made.data);
    }
}

fn answers(chunk: &Chunk, trace: &TraceContext, now: Timestamp) -> Vec<Outgoing> {
    let (import_id, number) = chunk.key;
    let mut out = Vec::new();
    if !chunk.answer.imported.is_empty() || !chunk.answer.resellers.is_empty() {
        let event = AccountImported {
            partner_id: chunk.answer.partner_id,
            partner_name: chunk.answer.partner_name.clone(),
            begun_at: chunk.answer.begun_at,
            customers: chunk.answer.imported.clone(),
            resellers: chunk.answer.resellers.clone(),
            audit: Vec::new(),
        };
        let to = Destination::Event("account.imported".into());
        out.push(codec::outgoing(to, format!("{import_id}/{number}/imported"), import_id.to_string(), trace, now, &event));
    }
    if let Some(reply_to) = &chunk.reply_to {
        let answer = CustomersImported {
            import_id,
            chunk: number,
            imported: chunk.answer.imported.iter().map(|c| c.customer_id).collect(),
            refused: chunk.answer.refused.clone(),
        };
        let to = Destination::Answer(reply_to.clone());
        out.push(codec::outgoing(to, format!("{import_id}/{number}/answer"), import_id.to_string(), trace, now, &answer));
    }
    out
}

/// One message for each worker, with what it owns of the customers that were taken.
fn hand_out(chunk: &ImportCustomers, known: &Chunk, trace: &TraceContext, now: Timestamp) -> Vec<Outgoing> {
    let versions: HashMap<CustomerId, u32> = known.answer.imported.iter().map(|c| (c.customer_id, c.version)).collect();
    let taken: Vec<(u32, &CustomerPart)> =
        chunk.customers.iter().filter_map(|part| versions.get(&part.customer_id).map(|v| (*v, part))).collect();
    let id = |worker: Service| format!("{}/{}/{}", chunk.import_id, chunk.chunk, worker.name());
    let correlation = chunk.import_id.to_string();
    let eligibility = facts(chunk, &taken, |part| EligibilityFacts {
        partner: chunk.partner.clone(),
        customer: part.customer.clone(),
        resellers: part.resellers.clone(),
        subscriptions: part.subscriptions.clone(),
        plans: part.plans.clone(),
    });
    let purchasing = facts(chunk, &taken, |part| PurchasingFacts { plans: part.plans.clone() });
    let mapping = facts(chunk, &taken, |part| MappingFacts {
        subscriptions: part
            .subscriptions
            .iter()
            .filter_map(|s| {
                s.azure_subscription_id.map(|azure_subscription_id| AzureSubscriptionFacts {
                    azure_subscription_id,
                    friendly_name: s.friendly_name.clone(),
                    roles: s.roles.clone(),
                })
            })
            .collect(),
    });
    let suspension = facts(chunk, &taken, |part| SuspensionFacts {
        subscriptions: part
            .subscriptions
            .iter()
            .map(|s| CommerceSubscriptionFacts { commerce_subscription_id: s.commerce_subscription_id, status: s.status })
            .collect(),
    });
    let to = Destination::Command;
    vec![
        codec::outgoing(to(Service::Eligibility), id(Service::Eligibility), correlation.clone(), trace, now, &eligibility),
        codec::outgoing(to(Service::Purchasing), id(Service::Purchasing), correlation.clone(), trace, now, &purchasing),
        codec::outgoing(to(Service::Mapping), id(Service::Mapping), correlation.clone(), trace, now, &mapping),
        codec::outgoing(to(Service::Suspension), id(Service::Suspension), correlation, trace, now, &suspension),
    ]
}

fn facts<F>(chunk: &ImportCustomers, taken: &[(u32, &CustomerPart)], cut: impl Fn(&CustomerPart) -> F) -> TakeFacts<F> {
    let customers = taken
        .iter()
        .map(|(version, part)| FactsPart {
            customer_id: part.customer_id,
            version: *version,
            part: part.part,
            parts: part.parts,
            facts: cut(part),
        })
        .collect();
    TakeFacts { import_id: chunk.import_id, chunk: chunk.chunk, partner_id: chunk.partner.id, customers }
}
