//! What purchasing does for a reseller: a plan, and back.

use crate::{SERVICE, store};
use async_trait::async_trait;
use planshift_domain::{
    account::facts::PlanStatus,
    ids::{CustomerId, PartnerId, PlanId},
    message::{
        Body,
        command::{Packet, PlanItem, PurchasePlans, PurchasingFacts, TakePurchasingFacts, UndoPurchasePlans},
        reply::{PlanAnswer, PlansAnswered},
    },
    said::failures,
    step::Step,
    time::Timestamp,
};
use planshift_invariants::{checks, data::Id};
use planshift_storage::{Args, StorageError, Transaction, Value};
use planshift_worker::{
    Service,
    facts::{FactsStore, Part},
    metrics::Metrics,
    ports::Random,
    step::{Applied, StepWorker, Undoing, Undone, Work},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// The invariants that this worker sees besides those of any step: I7 by its unique index.
pub(crate) const WATCHED: [&str; 2] = ["I7", "I23"];

/// The worker.
pub struct Purchasing {
    random: Arc<dyn Random>,
    metrics: Metrics,
}

/// Whose plan: at most one active one is bought for each.
type GroupKey = (PartnerId, CustomerId, String);
type PlanKey = (PartnerId, CustomerId, PlanId);

impl Purchasing {
    /// A worker that takes its plans' ids from there, and counts what it checks.
    pub fn new(random: Arc<dyn Random>, metrics: Metrics) -> Self {
        metrics.watch(&WATCHED);
        Self { random, metrics }
    }

    /// Once what is wanted was decided and before any of it is bought.
    fn check(&self, found: &HashMap<GroupKey, (PlanId, PlanStatus)>, bought: &HashMap<GroupKey, usize>, work: &[Work<'_, PlanItem>]) {
        for group in work.iter().map(|w| group(w.packet, w.item)) {
            let (had, bought) = (found.contains_key(&group), bought.get(&group).copied().unwrap_or_default());
            self.metrics.check(&checks::bought_at_most_once(Id(group.1.0.as_u128()), &group.2, had, bought));
        }
    }
}

#[async_trait]
impl FactsStore for Purchasing {
    type Facts = PurchasingFacts;

    async fn store(&self, tx: &mut Transaction, parts: &[Part<'_, PurchasingFacts>]) -> Result<(), StorageError> {
        let mut rows: BTreeMap<PlanKey, Vec<Value>> = BTreeMap::new();
        for Part { partner, part } in parts {
            for plan in &part.facts.plans {
                let row = vec![
                    partner.0.into(),
                    part.customer_id.0.into(),
                    plan.id.0.into(),
                    plan.reseller.key().into(),
                    plan.status.text().into(),
                    part.version.into(),
                ];
                rows.insert((*partner, part.customer_id, plan.id), row);
            }
        }
        if !rows.is_empty() {
            tx.execute(&store::STORE, Args::new().rows(rows.into_values().collect())).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl StepWorker for Purchasing {
    type Item = PlanItem;
    type Answer = PlansAnswered;

    const STEP: Step = Step::Purchasing;
    const SERVICE: Service = SERVICE;
    const DO: &'static str = PurchasePlans::TYPE;
    const UNDO: Option<&'static str> = Some(UndoPurchasePlans::TYPE);
    const FACTS: &'static str = TakePurchasingFacts::TYPE;

    async fn apply(&self, tx: &mut Transaction, work: &[Work<'_, PlanItem>], now: Timestamp) -> Result<Vec<Applied>, StorageError> {
        let found = self.candidates(tx, work).await?;
        let mut plans = found.clone();
        let mut buying: HashMap<GroupKey, usize> = HashMap::new();
        let (mut reactivated, mut bought) = (Vec::new(), Vec::new());
        let mut outcomes = Vec::with_capacity(work.len());
        for w in work {
            let (packet, group) = (w.packet, group(w.packet, w.item));
            let reseller = group.2.clone();
            let customer = [Value::from(packet.partner_id.0), packet.customer_id.0.into()];
            let (plan_id, reused) = match plans.get(&group) {
                Some((plan, PlanStatus::Active)) => (*plan, true),
                Some((plan, _)) => {
                    let [partner, customer] = customer;
                    reactivated.push(vec![partner, customer, plan.0.into(), packet.transition_id.0.into()]);
                    (*plan, true)
                }
                None => {
                    let [partner, customer] = customer;
                    let plan = PlanId(self.random.id());
                    *buying.entry(group.clone()).or_default() += 1;
                    bought.push(vec![partner, customer, plan.0.into(), reseller.into(), packet.transition_id.0.into()]);
                    (plan, false)
                }
            };
            // whoever else of this batch wants a plan for the same reseller finds this one
            plans.insert(group, (plan_id, PlanStatus::Active));
            outcomes.push(Applied::Done(Some(PlanAnswer { plan_id, reused, status: PlanStatus::Active })));
        }
        self.check(&found, &buying, work);
        for (statement, rows) in [(&store::REACTIVATE, reactivated), (&store::BUY, bought)] {
            if !rows.is_empty() {
                tx.execute(statement, Args::new().rows(rows).value(now.as_micros())).await?;
            }
        }
        Ok(outcomes)
    }

    async fn undo(&self, tx: &mut Transaction, work: &[Undoing<'_, PlanItem>], now: Timestamp) -> Result<Vec<Undone>, StorageError> {
        let (mut with_transition, mut alone) = (Vec::new(), Vec::new());
        for w in work {
            if let Some(plan) = &w.plan {
                let key = vec![w.packet.partner_id.0.into(), w.packet.customer_id.0.into(), plan.plan_id.0.into()];
                alone.push(key.clone());
                with_transition.push([key, vec![w.packet.transition_id.0.into()]].concat());
            }
        }
        let mut statuses: HashMap<PlanKey, PlanStatus> = HashMap::new();
        if !alone.is_empty() {
            tx.execute(&store::SUSPEND, Args::new().rows(with_transition).value(now.as_micros())).await?;
            for row in tx.query(&store::STATUSES, Args::new().rows(alone)).await? {
                let key = (PartnerId(row.get(0)?), CustomerId(row.get(1)?), PlanId(row.get(2)?));
                statuses.insert(key, status(&row.get::<String>(3)?, 3)?);
            }
        }
        let outcome = |w: &Undoing<'_, PlanItem>| match &w.plan {
            Some(plan) => {
                let key = (w.packet.partner_id, w.packet.customer_id, plan.plan_id);
                let status = statuses.get(&key).copied().unwrap_or(plan.status);
                Undone::Undone(Some(PlanAnswer { status, ..plan.clone() }))
            }
            None => Undone::refused("PlanUnknown", failures::PLAN_UNKNOWN),
        };
        Ok(work.iter().map(outcome).collect())
    }
}

impl Purchasing {
    /// The best plan to reuse for each group that has one: the active one of the smallest id, or else the suspended one.
    async fn candidates(
        &self,
        tx: &mut Transaction,
        work: &[Work<'_, PlanItem>],
    ) -> Result<HashMap<GroupKey, (PlanId, PlanStatus)>, StorageError> {
        let rows = work.iter().map(|w| {
            let (partner, customer, reseller) = group(w.packet, w.item);
            vec![partner.0.into(), customer.0.into(), reseller.into(), w.packet.facts_version.into()]
        });
        let mut plans = HashMap::new();
        for row in tx.query(&store::CANDIDATES, Args::new().rows(rows.collect())).await? {
            let group = (PartnerId(row.get(0)?), CustomerId(row.get(1)?), row.get(2)?);
            let plan = (PlanId(row.get(3)?), status(&row.get::<String>(4)?, 4)?);
            // they come best first
            plans.entry(group).or_insert(plan);
        }
        Ok(plans)
    }
}

fn group(packet: &Packet<PlanItem>, item: &PlanItem) -> GroupKey {
    (packet.partner_id, packet.customer_id, item.reseller.key().to_owned())
}

pub(crate) fn status(text: &str, column: usize) -> Result<PlanStatus, StorageError> {
    PlanStatus::from_text(text).ok_or_else(|| StorageError::Decode { column, problem: format!("{text:?} is no status of a plan") })
}
