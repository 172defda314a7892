//! Is everything at rest, and nothing forgotten?

use super::{Finding, rows};
use crate::{
    broker::{self, MemoryBroker},
    client::Client,
    fleet::Stores,
    store::MemoryStore,
    world::World,
};
use planshift_domain::ids::{PartnerId, TransitionId};
use planshift_messaging::{Queue, Service};
use planshift_storage::{Row, Statement, StorageError};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

static UNDER_WAY: Statement =
    Statement::new("SELECT id, state, version FROM transitions WHERE ended_at IS NULL AND state <> 'NeedsOperator' ORDER BY id");
static UNSENT: Statement = Statement::new("SELECT id, sent, version FROM transitions WHERE sent <> version ORDER BY id");
static OPEN: Statement = Statement::new("SELECT id FROM transitions WHERE open AND ended_at IS NOT NULL ORDER BY id");
static WAITING: Statement = Statement::new("SELECT import_id, waiting FROM imports WHERE waiting <> 0 ORDER BY import_id");
static VERSIONS: Statement = Statement::new("SELECT id, version, state FROM transitions ORDER BY id");
static MODEL: Statement = Statement::new("SELECT id, version, state, whole FROM transitions ORDER BY id");
static CHAINS: Statement = Statement::new("SELECT customer_id, partner_id, entries FROM customer_chains ORDER BY customer_id, partner_id");
static ENTRIES: Statement = Statement::new(
    "SELECT customer_id, partner_id, count(*) FROM customer_audit GROUP BY customer_id, partner_id ORDER BY customer_id, partner_id",
);
static ASKED: Statement = Statement::new(
    "SELECT t.id, t.partner_id, l.commerce_subscription_id FROM transitions AS t LEFT JOIN lines AS l ON l.transition_id = t.id
     WHERE t.state = 'NeedsOperator' ORDER BY t.id, l.commerce_subscription_id",
);

/// What is not at rest: the check's name, and the rest in words. As findings where it lasts.
pub type Unrest = Vec<Finding>;

/// What keeps the whole from being at rest; nothing where it is.
///
/// # Errors
/// Any of a reading statement.
pub fn unrest(client: &Client, broker: &MemoryBroker, stores: &Stores) -> Result<Unrest, StorageError> {
    let mut unrest = Unrest::new();
    let (busy, waiting) = client.busy();
    if busy > 0 {
        unrest.push(Finding::new("answered", format!("{busy} asker(s) are not through; no answer to {}", waiting.join(", ")), []));
    }
    for queue in Queue::ALL.into_iter().filter(|queue| *queue != Queue::Dead) {
        let depth = broker.depth(queue);
        if depth != crate::broker::Depth::default() {
            unrest.push(Finding::new("empty queues", format!("{} holds {depth:?}", queue.name()), []));
        }
    }
    // the rest is asked where nothing moves any more: it costs more
    if !unrest.is_empty() {
        return Ok(unrest);
    }
    let Some(coordinator) = stores.get(&Service::Coordinator) else { return Ok(unrest) };
    for row in rows(coordinator, &UNDER_WAY)? {
        let (id, state): (Uuid, String) = (row.get(0)?, row.get(1)?);
        unrest.push(Finding::new("ended", format!("{id} has not come to an end: it is {state}"), [id]));
    }
    for row in rows(coordinator, &UNSENT)? {
        let (id, sent, version): (Uuid, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        unrest.push(Finding::new("S7", format!("of {id} version {sent} is known to be sent, and {version} is stored"), [id]));
    }
    for row in rows(coordinator, &OPEN)? {
        let id: Uuid = row.get(0)?;
        unrest.push(Finding::new("S7", format!("{id} has ended and is still looked after"), [id]));
    }
    for row in rows(coordinator, &WAITING)? {
        let (id, waiting): (Uuid, i64) = (row.get(0)?, row.get(1)?);
        unrest.push(Finding::new("imported", format!("import {id} waits for workers {waiting:04b}"), [id]));
    }
    unrest.extend(read_model(stores)?);
    Ok(unrest)
}

/// What the gateway shows is what the coordinator has.
fn read_model(stores: &Stores) -> Result<Vec<Finding>, StorageError> {
    let (Some(coordinator), Some(gateway)) = (stores.get(&Service::Coordinator), stores.get(&Service::Gateway)) else {
        return Ok(Vec::new());
    };
    let mut shown = BTreeMap::new();
    let mut findings = Vec::new();
    for row in rows(gateway, &MODEL)? {
        let (id, is_whole): (Uuid, bool) = (row.get(0)?, row.get(3)?);
        shown.insert(id, (row.get::<i64>(1)?, row.get::<String>(2)?));
        if !is_whole {
            findings.push(Finding::new("read model", format!("the read model lacks something of {id}"), [id]));
        }
    }
    for row in rows(coordinator, &VERSIONS)? {
        let id: Uuid = row.get(0)?;
        let stored = (row.get::<i64>(1)?, row.get::<String>(2)?);
        if shown.get(&id) != Some(&stored) {
            findings.push(Finding::new(
                "read model",
                format!("of {id} the read model shows {:?}, and {stored:?} is stored", shown.get(&id)),
                [id],
            ));
        }
    }
    findings.extend(chains(coordinator, gateway)?);
    Ok(findings)
}

/// Each customer's chain has come to the gateway, whole.
fn chains(coordinator: &MemoryStore, gateway: &MemoryStore) -> Result<Vec<Finding>, StorageError> {
    let of = |row: &Row| -> Result<((Uuid, Uuid), i64), StorageError> { Ok(((row.get(0)?, row.get(1)?), row.get(2)?)) };
    let shown: BTreeMap<_, _> = rows(gateway, &ENTRIES)?.iter().map(of).collect::<Result<_, _>>()?;
    let stored = rows(coordinator, &CHAINS)?.iter().map(of).collect::<Result<Vec<_>, _>>()?;
    let lacking = stored.into_iter().filter(|(key, entries)| shown.get(key) != Some(entries));
    let finding = |((customer, partner), entries): ((Uuid, Uuid), i64)| {
        let text = format!(
            "of the chain of {customer} the read model shows {:?} entries, and {entries} are stored",
            shown.get(&(customer, partner))
        );
        Finding::new("read model", text, [customer])
    };
    Ok(lacking.map(finding).collect())
}

/// The transitions that wait for an operator, and whether an item of theirs is refused for good.
///
/// # Errors
/// Any of a reading statement.
pub fn needs_operator(stores: &Stores, world: &World) -> Result<BTreeMap<TransitionId, (PartnerId, bool)>, StorageError> {
    let refused: BTreeSet<&str> = world.refused.suspension.iter().map(String::as_str).collect();
    let mut waiting: BTreeMap<TransitionId, (PartnerId, bool)> = BTreeMap::new();
    let Some(coordinator) = stores.get(&Service::Coordinator) else { return Ok(waiting) };
    for row in rows(coordinator, &ASKED)? {
        let commerce: Option<String> = row.get(2)?;
        let entry = waiting.entry(TransitionId(row.get(0)?)).or_insert((PartnerId(row.get(1)?), false));
        entry.1 |= commerce.is_some_and(|commerce| refused.contains(commerce.as_str()));
    }
    Ok(waiting)
}

/// Dead letters that nothing explains: those that are worn out are explained by trouble that lasted.
pub fn dead_letters(broker: &MemoryBroker) -> Vec<Finding> {
    let unexplained = broker.dead_letters().into_iter().filter(|buried| !broker::is_worn_out(&buried.dead));
    let finding = |buried: crate::broker::Buried| {
        let (message, dead) = (buried.message, buried.dead);
        let text = format!("{} {} died in {}: {}: {}", message.kind, message.message_id, dead.queue, dead.reason, dead.description);
        Finding::new("dead letters", text, Uuid::try_parse(&message.correlation_id).ok())
    };
    unexplained.map(finding).collect()
}
