//! What suspension does to a commerce subscription.

use crate::{SERVICE, store};
use async_trait::async_trait;
use planshift_domain::{
    account::facts::SubscriptionStatus,
    ids::{CommerceSubscriptionId, CustomerId, PartnerId},
    message::{
        Body,
        command::{Packet, SuspendItem, SuspendSubscriptions, SuspensionFacts, TakeSuspensionFacts},
        reply::SuspensionAnswered,
    },
    said::failures,
    step::Step,
    time::Timestamp,
};
use planshift_storage::{Args, Row, StorageError, Transaction, Value};
use planshift_worker::{
    Service,
    facts::{FactsStore, Part},
    metrics::{Metrics, STALE_WRITES},
    step::{Applied, StepWorker, Undoing, Undone, Work},
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The reason that a transition's suspension is given.
pub const REASON: &str = "TransitionedToAzurePlan";

/// How often a write that met a changed version is read again before the whole transaction is: each time somebody else got
/// through, so a few are plenty.
const LOOKS: usize = 5;

/// The worker.
#[derive(Clone, Debug, Default)]
pub struct Suspension {
    metrics: Metrics,
}

/// A commerce subscription of a customer.
pub(crate) type CommerceKey = (PartnerId, CustomerId, CommerceSubscriptionId);

/// A commerce subscription as it was read.
pub(crate) struct Seen {
    status: SubscriptionStatus,
    version: i64,
    reasons: Vec<String>,
}

impl Suspension {
    /// A worker that counts stale writes there.
    pub fn new(metrics: Metrics) -> Self {
        Self { metrics }
    }
}

#[async_trait]
impl FactsStore for Suspension {
    type Facts = SuspensionFacts;

    async fn store(&self, tx: &mut Transaction, parts: &[Part<'_, SuspensionFacts>]) -> Result<(), StorageError> {
        let mut rows: BTreeMap<CommerceKey, Vec<Value>> = BTreeMap::new();
        for Part { partner, part } in parts {
            for facts in &part.facts.subscriptions {
                let key = (*partner, part.customer_id, facts.commerce_subscription_id);
                rows.insert(key, [key_row(key), vec![facts.status.text().into(), part.version.into()]].concat());
            }
        }
        if !rows.is_empty() {
            tx.execute(&store::STORE, Args::new().rows(rows.into_values().collect())).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl StepWorker for Suspension {
    type Item = SuspendItem;
    type Answer = SuspensionAnswered;

    const STEP: Step = Step::Suspension;
    const SERVICE: Service = SERVICE;
    const DO: &'static str = SuspendSubscriptions::TYPE;
    // past the pivot: only forward
    const UNDO: Option<&'static str> = None;
    const FACTS: &'static str = TakeSuspensionFacts::TYPE;

    async fn apply(&self, tx: &mut Transaction, work: &[Work<'_, SuspendItem>], _now: Timestamp) -> Result<Vec<Applied>, StorageError> {
        let mut outcomes: Vec<Option<Applied>> = vec![None; work.len()];
        for _ in 0..LOOKS {
            let open: Vec<usize> = (0..work.len()).filter(|index| outcomes[*index].is_none()).collect();
            if open.is_empty() {
                break;
            }
            let seen = read(tx, open.iter().map(|index| &work[*index])).await?;
            let mut writes = Vec::new();
            for index in open {
                let w = &work[index];
                match seen.get(&key(w.packet, w.item)) {
                    Some(seen) if seen.status != SubscriptionStatus::Deleted => writes.push((index, seen)),
                    _ => outcomes[index] = Some(not_found(w.item)),
                }
            }
            let rows = writes.iter().map(|(index, seen)| write_row(&work[*index], seen)).collect();
            let written = suspend(tx, rows).await?;
            let stale = writes.iter().filter(|(index, _)| !written.contains(&key(work[*index].packet, work[*index].item))).count();
            if stale > 0 {
                self.metrics.add(STALE_WRITES, &[("step", Self::STEP.name())], stale);
            }
            for (index, _) in writes {
                if written.contains(&key(work[index].packet, work[index].item)) {
                    outcomes[index] = Some(Applied::Done(None));
                }
            }
        }
        let done: Option<Vec<Applied>> = outcomes.into_iter().collect();
        done.ok_or_else(|| StorageError::Conflict("a commerce subscription changed each time that it was read".to_owned()))
    }

    async fn undo(&self, _tx: &mut Transaction, work: &[Undoing<'_, SuspendItem>], _now: Timestamp) -> Result<Vec<Undone>, StorageError> {
        // no message leads here; said in case one ever does
        Ok(work.iter().map(|_| Undone::refused("NotCompensatable", failures::NOT_COMPENSATABLE)).collect())
    }
}

/// What is there of a set.
pub(crate) async fn read<'a>(
    tx: &mut Transaction,
    work: impl Iterator<Item = &'a Work<'a, SuspendItem>>,
) -> Result<HashMap<CommerceKey, Seen>, StorageError> {
    let rows = work.map(|w| [key_row(key(w.packet, w.item)), vec![w.packet.facts_version.into()]].concat()).collect();
    tx.query(&store::READ, Args::new().rows(rows)).await?.iter().map(|row| Ok((commerce_key(row)?, seen(row)?))).collect()
}

/// Writes, and says which rows still had the version that was read.
pub(crate) async fn suspend(tx: &mut Transaction, rows: Vec<Vec<Value>>) -> Result<HashSet<CommerceKey>, StorageError> {
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    tx.query(&store::SUSPEND, Args::new().rows(rows)).await?.iter().map(commerce_key).collect()
}

pub(crate) fn write_row(w: &Work<'_, SuspendItem>, seen: &Seen) -> Vec<Value> {
    let mut reasons = seen.reasons.clone();
    if !reasons.iter().any(|reason| reason == REASON) {
        reasons.push(REASON.to_owned());
    }
    let reasons = serde_json::Value::from(reasons).to_string();
    [key_row(key(w.packet, w.item)), vec![seen.version.into(), reasons.into(), w.packet.transition_id.0.into()]].concat()
}

fn seen(row: &Row) -> Result<Seen, StorageError> {
    Ok(Seen { status: status(&row.get::<String>(3)?, 3)?, version: row.get(4)?, reasons: reasons(&row.get::<String>(5)?, 5)? })
}

fn not_found(item: &SuspendItem) -> Applied {
    let id = item.commerce_subscription_id;
    Applied::refused("SubscriptionNotFound", failures::NO_COMMERCE_SUBSCRIPTION.with(&[&id]))
}

fn key(packet: &Packet<SuspendItem>, item: &SuspendItem) -> CommerceKey {
    (packet.partner_id, packet.customer_id, item.commerce_subscription_id)
}

fn key_row(key: CommerceKey) -> Vec<Value> {
    vec![key.0.0.into(), key.1.0.into(), key.2.0.into()]
}

pub(crate) fn commerce_key(row: &Row) -> Result<CommerceKey, StorageError> {
    Ok((PartnerId(row.get(0)?), CustomerId(row.get(1)?), CommerceSubscriptionId(row.get(2)?)))
}

pub(crate) fn status(text: &str, column: usize) -> Result<SubscriptionStatus, StorageError> {
    let problem = || format!("{text:?} is no status of a subscription");
    SubscriptionStatus::from_text(text).ok_or_else(|| StorageError::Decode { column, problem: problem() })
}

pub(crate) fn reasons(text: &str, column: usize) -> Result<Vec<String>, StorageError> {
    serde_json::from_str(text).map_err(|error| StorageError::Decode { column, problem: error.to_string() })
}
