//! Everything that is stored about a page of transitions, from each service on its own.
//!
//! The order is that of causes, backwards: what workers have, then their ledgers (from the last step to the first), then the
//! transitions. So whatever is seen of an effect, what it needs is seen too, also where services run meanwhile.

use super::{PAGE, Stores, convert};
use planshift_coordinator::inspect::{self, Head};
use planshift_domain::{
    history::HistoryEntry,
    ids::{PlanId, TransitionId},
    transition::{LineRow, PlanRow},
};
use planshift_invariants::data::{Id, Ledger, Line, Plan, Step, Transition};
use planshift_storage::{
    Database, StorageError,
    ledger::{LedgerKey, page},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// A transition, and what the coordinator alone knows of it.
pub(super) struct Gathered {
    pub transition: Transition,
    pub stored: inspect::Transition,
    pub history: Vec<HistoryEntry>,
    /// Nothing was written to it while it was read.
    pub at_rest: bool,
}

/// A page of transitions: those after one, up to another; `None` is the first, or the last, of all.
pub(super) struct Range<'a> {
    pub heads: &'a [Head],
    pub after: Option<TransitionId>,
    pub upto: Option<TransitionId>,
}

/// The transitions of a range, and those that ledgers name within it and the coordinator does not know.
pub(super) async fn gather(stores: &Stores, range: Range<'_>) -> Result<(Vec<Gathered>, Vec<Id>), StorageError> {
    let heads: BTreeMap<TransitionId, Head> = range.heads.iter().map(|head| (head.id, *head)).collect();
    let ids: Vec<TransitionId> = heads.keys().copied().collect();
    let rows = inspect::lines(&stores.coordinator, &ids).await?;
    let mut lines = lines_of(stores, &heads, rows).await?;
    let plan_rows = inspect::plans(&stores.coordinator, &ids).await?;
    let mut plans = plans_of(stores, &heads, plan_rows).await?;

    let mut ledgers: HashMap<Uuid, Ledger> = HashMap::new();
    let mut others: BTreeSet<TransitionId> = BTreeSet::new();
    for (step, database) in [
        (Step::Suspension, &stores.suspension),
        (Step::Mapping, &stores.mapping),
        (Step::Purchasing, &stores.purchasing),
        (Step::Eligibility, &stores.eligibility),
    ] {
        read_ledger(database, step, &range, |transition| heads.contains_key(&transition), &mut ledgers, &mut others).await?;
    }

    let mut history: HashMap<TransitionId, Vec<HistoryEntry>> = HashMap::new();
    for (transition, entry) in inspect::history(&stores.coordinator, &ids).await? {
        history.entry(transition).or_default().push(entry);
    }
    let gathered = inspect::transitions(&stores.coordinator, &ids).await?.into_iter().map(|stored| {
        let transition = stored.head.id;
        Gathered {
            at_rest: heads.get(&transition).is_some_and(|head| head.version == stored.head.version),
            transition: Transition {
                id: convert::id(transition),
                stand: convert::stand(stored.state),
                commanded: convert::commanded(&stored),
                line_count: stored.head.lines as usize,
                plan_count: stored.plans as usize,
                lines: lines.remove(&transition).unwrap_or_default(),
                plans: plans.remove(&transition).unwrap_or_default(),
                ledger: ledgers.remove(&transition.0).unwrap_or_default(),
            },
            history: history.remove(&transition).unwrap_or_default(),
            stored,
        }
    });
    let gathered = gathered.collect();
    // one that was begun a moment ago is among the others too
    for known in inspect::transitions(&stores.coordinator, &others.iter().copied().collect::<Vec<_>>()).await? {
        others.remove(&known.head.id);
    }
    Ok((gathered, others.into_iter().map(convert::id).collect()))
}

/// Lines, each with what mapping, suspension and eligibility have of it.
async fn lines_of(
    stores: &Stores,
    heads: &BTreeMap<TransitionId, Head>,
    rows: Vec<(TransitionId, LineRow)>,
) -> Result<HashMap<TransitionId, Vec<Line>>, StorageError> {
    let mut lines: HashMap<TransitionId, Vec<Line>> = HashMap::new();
    for chunk in rows.chunks(PAGE as usize) {
        let keyed = || chunk.iter().filter_map(|(of, line)| heads.get(of).map(|head| (head, line)));
        let azure: Vec<_> = keyed().map(|(head, line)| (head.partner_id, line.azure_subscription_id)).collect();
        let marks: Vec<_> = keyed().map(|(head, line)| (head.partner_id, head.customer_id, line.azure_subscription_id)).collect();
        let commerce: Vec<_> = keyed().map(|(head, line)| (head.partner_id, head.customer_id, line.commerce_subscription_id)).collect();
        let attachments = planshift_mapping::inspect::attachments_of(&stores.mapping, &azure).await?;
        let attachments: HashMap<_, _> =
            attachments.iter().map(|row| ((row.partner_id, row.azure_subscription_id), convert::attachment(row))).collect();
        let legacy = planshift_suspension::inspect::commerce_subscriptions_of(&stores.suspension, &commerce).await?;
        let legacy: HashMap<_, _> =
            legacy.iter().map(|row| ((row.partner_id, row.customer_id, row.commerce_subscription_id), convert::legacy(row))).collect();
        let marked = planshift_eligibility::inspect::lines_of(&stores.eligibility, &marks).await?;
        let marked: HashMap<_, _> = marked.iter().map(|row| (row.key, convert::mark(row))).collect();
        for (((head, line), azure), (mark, commerce)) in keyed().zip(&azure).zip(marks.iter().zip(&commerce)) {
            lines.entry(head.id).or_default().push(Line {
                azure: convert::id(line.azure_subscription_id),
                commerce: convert::id(line.commerce_subscription_id),
                reseller: line.reseller.key().to_owned(),
                attachment: attachments.get(azure).copied(),
                legacy: legacy.get(commerce).copied(),
                mark: marked.get(mark).cloned(),
            });
        }
    }
    Ok(lines)
}

/// Plans, each with what purchasing has of it.
async fn plans_of(
    stores: &Stores,
    heads: &BTreeMap<TransitionId, Head>,
    rows: Vec<(TransitionId, PlanRow)>,
) -> Result<HashMap<TransitionId, Vec<Plan>>, StorageError> {
    let key = |head: &Head, plan: PlanId| (head.partner_id, head.customer_id, plan);
    let mut plans: HashMap<TransitionId, Vec<Plan>> = HashMap::new();
    for chunk in rows.chunks(PAGE as usize) {
        let keys: Vec<_> = chunk.iter().filter_map(|(of, plan)| Some(key(heads.get(of)?, plan.plan_id?))).collect();
        let stored = planshift_purchasing::inspect::plans_of(&stores.purchasing, &keys).await?;
        // a document's plan is what the newest document says, which a transition of before cannot be held to
        let stored: HashMap<_, _> = stored
            .iter()
            .filter(|plan| plan.bought)
            .map(|plan| ((plan.partner_id, plan.customer_id, plan.plan_id), convert::plan(plan)))
            .collect();
        for (of, plan) in chunk {
            let Some(head) = heads.get(of) else { continue };
            plans.entry(*of).or_default().push(Plan {
                reseller: plan.reseller.key().to_owned(),
                plan: plan.plan_id.map(convert::id),
                stored: plan.plan_id.and_then(|plan| stored.get(&key(head, plan)).cloned()),
            });
        }
    }
    Ok(plans)
}

/// A step's ledger over a range of transitions; of transitions that are not among them, only which ones.
async fn read_ledger(
    database: &Database,
    step: Step,
    range: &Range<'_>,
    is_ours: impl Fn(TransitionId) -> bool,
    ledgers: &mut HashMap<Uuid, Ledger>,
    others: &mut BTreeSet<TransitionId>,
) -> Result<(), StorageError> {
    // behind every step of the transition before
    let mut after = range.after.map(|last| LedgerKey { transition: last.0, step: "~".to_owned(), item: String::new() });
    loop {
        let rows = page(database, after.as_ref(), PAGE).await?;
        for (key, row) in &rows {
            let transition = TransitionId(key.transition);
            if range.upto.is_some_and(|upto| transition > upto) {
                return Ok(());
            }
            if is_ours(transition) {
                convert::enter(ledgers.entry(key.transition).or_default(), step, &key.step, row);
            } else {
                others.insert(transition);
            }
        }
        if rows.len() < PAGE as usize {
            return Ok(());
        }
        after = rows.into_iter().next_back().map(|(key, _)| key);
    }
}
