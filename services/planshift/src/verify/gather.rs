//! Everything that is stored about a stretch of transitions, from each service on its own.
//!
//! The order is that of causes, backwards: what workers have, then their ledgers (from the last step to the first), then the
//! transitions. So whatever is seen of an effect, what it needs is seen too, also where services run meanwhile.

use super::{
    PAGE, Report, Stores, convert,
    history::{self, Told},
    ledgers, lines,
};
use planshift_coordinator::inspect::{self, Head, Stretch};
use planshift_domain::ids::{PlanId, TransitionId};
use planshift_invariants::{
    checks,
    data::{Plan, Transition},
};
use planshift_storage::StorageError;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A transition, and what the coordinator alone knows of it.
pub(super) struct Gathered {
    pub transition: Transition,
    pub stored: inspect::Transition,
    pub told: Told,
    /// Nothing was written to it while it was read.
    pub at_rest: bool,
}

/// The transitions of a stretch that begins with these, and where it ended: sooner than it should, where there were too many lines.
pub(super) async fn gather(
    stores: &Stores,
    heads: &[Head],
    mut stretch: Stretch,
    report: &Report,
) -> Result<(Vec<Gathered>, Stretch), StorageError> {
    let mut heads: BTreeMap<TransitionId, Head> = heads.iter().map(|head| (head.id, *head)).collect();
    let mut lines = lines::read(stores, &heads, stretch).await?;
    if let Some(cut) = lines.cut {
        stretch.upto = Some(cut);
        heads.retain(|id, _| *id <= cut);
    }
    let mut plans = plans_of(stores, &heads, stretch).await?;
    let mut ledgers = ledgers::read(stores, stretch, |transition| heads.contains_key(&transition), report).await?;
    let mut histories = history::read(stores, stretch).await?;
    let stored = inspect::transitions(&stores.coordinator, stretch).await?;
    let gathered = stored.into_iter().filter(|stored| heads.contains_key(&stored.head.id)).map(|stored| {
        let transition = stored.head.id;
        Gathered {
            at_rest: heads.get(&transition).is_some_and(|head| head.version == stored.head.version),
            transition: Transition {
                id: convert::id(transition),
                stand: convert::stand(stored.state),
                commanded: convert::commanded(&stored),
                line_count: stored.head.lines as usize,
                plan_count: stored.plans as usize,
                lines: lines.of.remove(&transition).unwrap_or_default(),
                plans: plans.remove(&transition).unwrap_or_default(),
                ledger: ledgers.remove(&transition).unwrap_or_default(),
            },
            told: histories.remove(&transition).unwrap_or_default(),
            stored,
        }
    });
    let gathered = gathered.collect();
    unknown(stores, "a line", lines.others, report).await?;
    Ok((gathered, stretch))
}

/// Of these transitions, those that the coordinator does not know. (One that was begun a moment ago is among them at first.)
pub(super) async fn unknown(
    stores: &Stores,
    where_found: &str,
    others: BTreeSet<TransitionId>,
    report: &Report,
) -> Result<(), StorageError> {
    let others: Vec<TransitionId> = others.into_iter().collect();
    for some in others.chunks(PAGE as usize) {
        let known = inspect::standing(&stores.coordinator, some.iter().copied()).await?;
        for id in some.iter().filter(|id| !known.contains_key(id)) {
            report.add(checks::is_known(convert::id(*id), where_found, false));
        }
    }
    Ok(())
}

/// Plans, each with what purchasing has of it.
async fn plans_of(
    stores: &Stores,
    heads: &BTreeMap<TransitionId, Head>,
    stretch: Stretch,
) -> Result<HashMap<TransitionId, Vec<Plan>>, StorageError> {
    let rows = inspect::plans(&stores.coordinator, stretch).await?;
    let key = |head: &Head, plan: PlanId| (head.partner_id, head.customer_id, plan);
    let mut plans: HashMap<TransitionId, Vec<Plan>> = HashMap::new();
    for chunk in rows.chunks(PAGE as usize) {
        let keys: Vec<_> = chunk.iter().filter_map(|row| Some(key(heads.get(&row.transition)?, row.plan?))).collect();
        let stored = planshift_purchasing::inspect::plans_of(&stores.purchasing, &keys).await?;
        // a document's plan is what the newest document says, which a transition of before cannot be held to
        let stored: HashMap<_, _> = stored
            .iter()
            .filter(|plan| plan.bought)
            .map(|plan| ((plan.partner_id, plan.customer_id, plan.plan_id), convert::plan(plan)))
            .collect();
        for row in chunk {
            let Some(head) = heads.get(&row.transition) else { continue };
            plans.entry(row.transition).or_default().push(Plan {
                reseller: row.reseller.clone(),
                plan: row.plan.map(convert::id),
                stored: row.plan.and_then(|plan| stored.get(&key(head, plan)).cloned()),
            });
        }
    }
    Ok(plans)
}
