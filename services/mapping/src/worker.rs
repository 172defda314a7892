//! What mapping does to an Azure subscription: under a plan, and back.

use crate::{SERVICE, store, tell::tell};
use async_trait::async_trait;
use planshift_domain::{
    ids::{AzureSubscriptionId, PartnerId, PlanId, TransitionId},
    message::{
        Body,
        command::{MapItem, MapSubscriptions, MappingFacts, Packet, TakeMappingFacts, UndoMapSubscriptions},
        ownership::ReadOwnership,
        reply::MappingAnswered,
    },
    ownership::give_back_at,
    said::{failures, letters},
    step::Step,
    time::Timestamp,
};
use planshift_invariants::{checks, data::Id};
use planshift_messaging::Message;
use planshift_storage::{Args, StorageError, Transaction, Value};
use planshift_worker::{
    Service,
    answer::Answer,
    codec::{self, Unreadable},
    facts::{FactsStore, Part},
    metrics::Metrics,
    step::{Applied, StepWorker, Undoing, Undone, Work},
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The invariants that this worker sees besides those of any step.
pub(crate) const WATCHED: [&str; 1] = ["I2"];

/// The worker. It keeps nothing in memory but counters.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    metrics: Metrics,
}

impl Mapping {
    /// A worker that counts what it checks there.
    pub fn new(metrics: Metrics) -> Self {
        metrics.watch(&WATCHED);
        Self { metrics }
    }

    async fn append(&self, tx: &mut Transaction, points: Vec<Point>, now: Timestamp) -> Result<(), StorageError> {
        if points.is_empty() {
            return Ok(());
        }
        let asked = points.len();
        self.metrics.check(&checks::changes_on_the_hour(points.iter().map(|point| (Id(point.azure.0.as_u128()), point.from.as_micros()))));
        let rows = points.into_iter().map(Point::row).collect();
        let stored = tx.execute(&store::APPEND, Args::new().rows(rows).value(now.as_micros())).await?;
        self.metrics.check(&checks::every_change_is_stored(asked, stored));
        Ok(())
    }
}

/// A change point to be appended.
struct Point {
    azure: AzureSubscriptionId,
    from: Timestamp,
    owner: Option<PlanId>,
    by: TransitionId,
}

impl Point {
    fn row(self) -> Vec<Value> {
        let Self { azure, from, owner, by } = self;
        vec![azure.0.into(), from.as_micros().into(), owner.map(|plan| plan.0).into(), by.0.into()]
    }
}

type AzureKey = (PartnerId, AzureSubscriptionId);

#[async_trait]
impl FactsStore for Mapping {
    type Facts = MappingFacts;

    async fn store(&self, tx: &mut Transaction, parts: &[Part<'_, MappingFacts>]) -> Result<(), StorageError> {
        // the last one stands where an Azure subscription went from one customer to another within a batch
        let mut rows: BTreeMap<AzureKey, Vec<Value>> = BTreeMap::new();
        for Part { partner, part } in parts {
            for facts in &part.facts.subscriptions {
                let id = facts.azure_subscription_id;
                // our own list of texts: nothing in it that JSON cannot say
                let roles = serde_json::to_string(&facts.roles).unwrap_or_default();
                let name = facts.friendly_name.replace('\0', "");
                let row = vec![partner.0.into(), id.0.into(), part.customer_id.0.into(), part.version.into(), name.into(), roles.into()];
                rows.insert((*partner, id), row);
            }
        }
        if !rows.is_empty() {
            tx.execute(&store::STORE, Args::new().rows(rows.into_values().collect())).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl StepWorker for Mapping {
    type Item = MapItem;
    type Answer = MappingAnswered;

    const STEP: Step = Step::Mapping;
    const SERVICE: Service = SERVICE;
    const DO: &'static str = MapSubscriptions::TYPE;
    const UNDO: Option<&'static str> = Some(UndoMapSubscriptions::TYPE);
    const FACTS: &'static str = TakeMappingFacts::TYPE;
    const QUESTIONS: &'static [&'static str] = &[ReadOwnership::TYPE];

    fn check(packet: &Packet<MapItem>) -> Result<(), Unreadable> {
        match packet.effective_at {
            Some(at) if at.is_whole_hour() => Ok(()),
            Some(at) => Err(Unreadable::new("UnreadableBody", letters::NO_HOUR.with(&[&at]))),
            None => Err(Unreadable::new("UnreadableBody", letters::HOUR_MISSING)),
        }
    }

    async fn apply(&self, tx: &mut Transaction, work: &[Work<'_, MapItem>], now: Timestamp) -> Result<Vec<Applied>, StorageError> {
        let rows = work.iter().map(|w| {
            let mut row = located(w);
            row.extend([w.item.plan_id.0.into(), w.packet.transition_id.0.into()]);
            row
        });
        let mut attached: HashSet<(AzureKey, TransitionId)> = HashSet::new();
        for row in tx.query(&store::ATTACH, Args::new().rows(rows.collect())).await? {
            let key = (PartnerId(row.get(0)?), AzureSubscriptionId(row.get(1)?));
            attached.insert((key, TransitionId(row.get(2)?)));
        }
        let is_attached = |w: &Work<'_, MapItem>| attached.contains(&(key(w.packet, w.item), w.packet.transition_id));

        let points = work.iter().filter(|w| is_attached(w)).map(|w| Point {
            azure: w.item.azure_subscription_id,
            from: w.packet.effective_at.unwrap_or(now),
            owner: Some(w.item.plan_id),
            by: w.packet.transition_id,
        });
        self.append(tx, points.collect(), now).await?;

        let others: Vec<_> = work.iter().filter(|w| !is_attached(w)).collect();
        let mut elsewhere: HashMap<AzureKey, Option<PlanId>> = HashMap::new();
        if !others.is_empty() {
            for row in tx.query(&store::LOOK, Args::new().rows(others.iter().map(|w| located(w)).collect())).await? {
                let plan: Option<uuid::Uuid> = row.get(2)?;
                elsewhere.insert((PartnerId(row.get(0)?), AzureSubscriptionId(row.get(1)?)), plan.map(PlanId));
            }
        }
        let outcome = |w: &Work<'_, MapItem>| {
            if is_attached(w) {
                return Applied::Done(None);
            }
            let id = w.item.azure_subscription_id;
            match elsewhere.get(&key(w.packet, w.item)) {
                Some(Some(plan)) => Applied::refused("AlreadyAttached", failures::ALREADY_ATTACHED.with(&[&id, plan])),
                _ => Applied::refused("SubscriptionNotFound", failures::NO_AZURE_SUBSCRIPTION.with(&[&id])),
            }
        };
        Ok(work.iter().map(outcome).collect())
    }

    async fn undo(&self, tx: &mut Transaction, work: &[Undoing<'_, MapItem>], now: Timestamp) -> Result<Vec<Undone>, StorageError> {
        let rows = work.iter().map(|w| vec![w.packet.partner_id.0.into(), azure(w), w.packet.transition_id.0.into()]).collect();
        let mut detached: HashSet<AzureKey> = HashSet::new();
        for row in tx.query(&store::DETACH, Args::new().rows(rows)).await? {
            detached.insert((PartnerId(row.get(0)?), AzureSubscriptionId(row.get(1)?)));
        }

        // from the change point itself, not from the message: an undo must not depend on being told right
        let rows = work.iter().map(|w| vec![azure(w), w.packet.transition_id.0.into()]).collect();
        let mut given: HashMap<(AzureSubscriptionId, TransitionId), Timestamp> = HashMap::new();
        for row in tx.query(&store::GIVEN_AT, Args::new().rows(rows)).await? {
            given.insert((AzureSubscriptionId(row.get(0)?), TransitionId(row.get(1)?)), Timestamp::from_micros(row.get(2)?));
        }

        let mut points = Vec::new();
        let mut outcomes = Vec::with_capacity(work.len());
        for w in work {
            let id = w.item.azure_subscription_id;
            outcomes.push(match given.get(&(id, w.packet.transition_id)) {
                Some(effective_at) if detached.contains(&key(w.packet, w.item)) => {
                    points.push(Point { azure: id, from: give_back_at(*effective_at, now), owner: None, by: w.packet.transition_id });
                    Undone::Undone(None)
                }
                _ => Undone::refused("AttachmentLost", failures::ATTACHMENT_LOST.with(&[&id])),
            });
        }
        self.append(tx, points, now).await?;
        Ok(outcomes)
    }

    async fn answer_question(
        &self,
        tx: &mut Transaction,
        question: &Message,
        _now: Timestamp,
    ) -> Result<Result<Answer, Unreadable>, StorageError> {
        let question: ReadOwnership = match codec::body(question) {
            Ok(question) => question,
            Err(why) => return Ok(Err(why)),
        };
        Ok(Ok(Answer::new(question.request_id, &tell(tx, &question).await?)))
    }
}

fn key(packet: &Packet<MapItem>, item: &MapItem) -> AzureKey {
    (packet.partner_id, item.azure_subscription_id)
}

fn azure(work: &Undoing<'_, MapItem>) -> Value {
    work.item.azure_subscription_id.0.into()
}

fn located(work: &Work<'_, MapItem>) -> Vec<Value> {
    let packet = work.packet;
    vec![packet.partner_id.0.into(), work.item.azure_subscription_id.0.into(), packet.customer_id.0.into(), packet.facts_version.into()]
}
