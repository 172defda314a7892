//! How subscriptions and plans of a customer stand after all its transitions: what the newest import says is without them.

use super::{ReadModel, from_json, read};
use planshift_domain::{
    account::facts::PlanStatus,
    ids::{AzureSubscriptionId, CommerceSubscriptionId, CustomerId, PartnerId, PlanId, Reseller, TransitionId},
    step::{Action, Step},
    time::Timestamp,
    transition::{LineRow, PlanRow, State, TransitionRow},
    view::{LineProgress, line_progress},
};
use planshift_storage::{Args, Row, Statement, StorageError};
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// What transitions have made of an Azure subscription and of the commerce subscription that it came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) azure_subscription_id: AzureSubscriptionId,
    /// As the newest transition knew it; an import after it may tell of another.
    pub(crate) commerce_subscription_id: CommerceSubscriptionId,
    /// The newest transition that it was in scope of.
    pub(crate) transition_id: TransitionId,
    pub(crate) transition_state: State,
    /// The plan that it is under now.
    pub(crate) plan_id: Option<PlanId>,
    /// From when that plan owns its usage.
    pub(crate) effective_at: Option<Timestamp>,
    /// A transition has suspended the commerce subscription; when that transition ended, once it has.
    pub(crate) suspended: Option<Option<Timestamp>>,
}

/// A plan that a transition bought or took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnPlan {
    pub(crate) id: PlanId,
    pub(crate) reseller: Reseller,
    pub(crate) status: PlanStatus,
    /// When the transition began that bought it; none where it was there before.
    pub(crate) bought_at: Option<Timestamp>,
}

impl OwnPlan {
    /// Was it bought by a transition? One that was there before is as the newest import says.
    pub(crate) const fn is_ours(&self) -> bool {
        self.bought_at.is_some()
    }
}

static LINES: Statement = Statement::new(
    "SELECT t.id, l.azure_id, l.commerce_id, l.reseller, l.packet, l.error, l.undo, l.version
     FROM {3: azure uuid} AS r CROSS JOIN lines AS l CROSS JOIN transitions AS t
     WHERE l.azure_id = r.azure AND t.id = l.transition_id AND t.customer_id = $1 AND t.partner_id = $2",
);
static LINES_UNDER: Statement = Statement::new(
    "SELECT transition_id, azure_id, commerce_id, reseller, packet, error, undo, version FROM lines
     WHERE transition_id = $1 AND reseller = $2 AND azure_id > $3 ORDER BY azure_id LIMIT $4",
);
static COUNT_UNDER: Statement = Statement::new("SELECT count(*) FROM lines WHERE transition_id = $1 AND reseller = $2");
static TRANSITIONS: Statement = Statement::new("SELECT t.body FROM {1: id uuid} AS r CROSS JOIN transitions AS t WHERE t.id = r.id");
static ANSWERED: Statement = Statement::new(
    "SELECT p.transition_id, p.step, p.action, p.packet FROM {1: transition uuid, packet bigint} AS r CROSS JOIN packets AS p
     WHERE p.transition_id = r.transition AND p.packet = r.packet AND p.step IN ('mapping', 'suspension')",
);
static PLANS: Statement = Statement::new(
    "SELECT t.id, t.started_at, p.body FROM transitions AS t CROSS JOIN plans AS p
     WHERE t.customer_id = $1 AND t.partner_id = $2 AND p.transition_id = t.id AND p.plan_id IS NOT NULL AND t.state <> 'Ineligible'
     ORDER BY t.started_at, t.id",
);
static VERSIONS: Statement =
    Statement::new("SELECT coalesce(sum(version), 0)::bigint FROM transitions WHERE customer_id = $1 AND partner_id = $2");
static HOLDERS: Statement = Statement::new(
    "SELECT t.body, p.reseller FROM plans AS p CROSS JOIN transitions AS t
     WHERE p.plan_id = $1 AND t.id = p.transition_id AND t.customer_id = $2 AND t.partner_id = $3 ORDER BY t.started_at, t.id",
);

/// A line with the transition that it is of, and how far it is.
pub(super) struct Placed {
    pub(super) transition: TransitionRow,
    pub(super) line: LineRow,
    pub(super) progress: LineProgress,
}

impl ReadModel {
    /// How these Azure subscriptions stand, those of them that transitions were about.
    pub(crate) async fn standings(
        &self,
        partner: PartnerId,
        customer: CustomerId,
        azure: impl IntoIterator<Item = AzureSubscriptionId>,
    ) -> Result<HashMap<AzureSubscriptionId, Standing>, StorageError> {
        let ids: Vec<_> = azure.into_iter().map(|id| vec![id.0.into()]).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = self.database.query(&LINES, Args::new().value(customer.0).value(partner.0).rows(ids)).await?;
        let placed = self.place(rows).await?;
        let plans = self.plan_ids(partner, customer).await?;
        let mut standings: HashMap<AzureSubscriptionId, Standing> = HashMap::new();
        for Placed { transition, line, progress } in placed {
            // in the order of the transitions: what a later one did holds, and what it did not undo stays
            let before = standings.remove(&line.azure_subscription_id);
            let kept = before.filter(|before| before.commerce_subscription_id == line.commerce_subscription_id);
            let suspended = if progress.suspended { Some(transition.ended_at) } else { kept.and_then(|before| before.suspended) };
            let plan_id = plans.get(&(transition.id, line.reseller.clone())).copied().filter(|_| progress.mapped);
            let standing = Standing {
                azure_subscription_id: line.azure_subscription_id,
                commerce_subscription_id: line.commerce_subscription_id,
                transition_id: transition.id,
                transition_state: transition.state,
                plan_id,
                effective_at: transition.effective_at.filter(|_| progress.mapped),
                suspended,
            };
            standings.insert(line.azure_subscription_id, standing);
        }
        Ok(standings)
    }

    /// The plans that the customer's transitions bought or took, with their present status, in the order of their ids.
    pub(crate) async fn own_plans(&self, partner: PartnerId, customer: CustomerId) -> Result<Vec<OwnPlan>, StorageError> {
        let mut plans: BTreeMap<PlanId, OwnPlan> = BTreeMap::new();
        for row in self.database.query(&PLANS, Args::new().value(customer.0).value(partner.0)).await? {
            let plan: PlanRow = from_json("a plan", &row.get::<String>(2)?)?;
            let Some(id) = plan.plan_id else { continue };
            let bought = (!plan.reused).then(|| row.get(1).map(Timestamp::from_micros)).transpose()?;
            let status = plan.status.unwrap_or(PlanStatus::Active);
            let known = plans.entry(id).or_insert(OwnPlan { id, reseller: plan.reseller, status, bought_at: bought });
            known.status = status;
        }
        Ok(plans.into_values().collect())
    }

    /// Counts up with whatever happens to the customer's transitions.
    pub(crate) async fn versions_of(&self, partner: PartnerId, customer: CustomerId) -> Result<u64, StorageError> {
        let rows = self.database.query(&VERSIONS, Args::new().value(customer.0).value(partner.0)).await?;
        let sum = rows.first().map_or(Ok(0), |row| row.get::<i64>(0))?;
        Ok(u64::try_from(sum).unwrap_or_default())
    }

    /// The Azure subscriptions under a plan after this one, at most `limit`, in the order of their ids; and how many there are in all:
    /// that is `counted`, or counted.
    pub(crate) async fn under_plan(
        &self,
        (partner, customer): (PartnerId, CustomerId),
        plan: PlanId,
        after: Uuid,
        limit: u32,
        counted: Option<u64>,
    ) -> Result<(Vec<Standing>, u64), StorageError> {
        let holders = self.holders(partner, customer, plan).await?;
        let mut under: BTreeMap<AzureSubscriptionId, Standing> = BTreeMap::new();
        let mut total = counted.unwrap_or_default();
        for (transition, reseller) in holders {
            if counted.is_none() {
                total += self.mapped_under(&transition, &reseller).await?;
            }
            let mut from = after;
            let mut found = 0;
            // the lines of a transition that is being undone, or that is under way, are only in part under the plan
            loop {
                let args = Args::new().value(transition.id.0).value(reseller.as_str()).value(from).value(limit);
                let rows = self.database.query(&LINES_UNDER, args).await?;
                let read = rows.len();
                let mut placed = self.place(rows).await?;
                placed.sort_unstable_by_key(|placed| placed.line.azure_subscription_id);
                let last = placed.last().map(|placed| placed.line.azure_subscription_id.0);
                for Placed { transition, line, .. } in placed.into_iter().filter(|placed| placed.progress.mapped) {
                    found += 1;
                    let standing = Standing {
                        azure_subscription_id: line.azure_subscription_id,
                        commerce_subscription_id: line.commerce_subscription_id,
                        transition_id: transition.id,
                        transition_state: transition.state,
                        plan_id: Some(plan),
                        effective_at: transition.effective_at,
                        suspended: None,
                    };
                    under.insert(line.azure_subscription_id, standing);
                }
                match last {
                    Some(last) if read == limit as usize && found < limit as usize => from = last,
                    _ => break,
                }
            }
        }
        Ok((under.into_values().take(limit as usize).collect(), total))
    }

    /// The transitions that bought or took this plan, and the key of its reseller.
    async fn holders(&self, partner: PartnerId, customer: CustomerId, plan: PlanId) -> Result<Vec<(TransitionRow, String)>, StorageError> {
        let args = Args::new().value(plan.0).value(customer.0).value(partner.0);
        let rows = self.database.query(&HOLDERS, args).await?;
        rows.iter().map(|row| Ok((from_json("a transition", &row.get::<String>(0)?)?, row.get(1)?))).collect()
    }

    /// How many of a transition's lines are under the plan of this reseller. Where it has completed that is all of them; else they are
    /// looked at, one page after the other.
    async fn mapped_under(&self, transition: &TransitionRow, reseller: &str) -> Result<u64, StorageError> {
        const PAGE: u32 = 2_000;
        if matches!(transition.state, State::Completed | State::SuspendingCommerce) {
            let rows = self.database.query(&COUNT_UNDER, Args::new().value(transition.id.0).value(reseller)).await?;
            return Ok(u64::try_from(rows.first().map_or(Ok(0), |row| row.get::<i64>(0))?).unwrap_or_default());
        }
        let (mut from, mut mapped) = (Uuid::nil(), 0);
        loop {
            let args = Args::new().value(transition.id.0).value(reseller).value(from).value(PAGE);
            let rows = self.database.query(&LINES_UNDER, args).await?;
            let read = rows.len();
            let placed = self.place(rows).await?;
            mapped += placed.iter().filter(|placed| placed.progress.mapped).count() as u64;
            match placed.iter().map(|placed| placed.line.azure_subscription_id.0).max() {
                Some(last) if read == PAGE as usize => from = last,
                _ => return Ok(mapped),
            }
        }
    }

    /// The plans of the customer's transitions, by transition and reseller.
    pub(super) async fn plan_ids(
        &self,
        partner: PartnerId,
        customer: CustomerId,
    ) -> Result<HashMap<(TransitionId, Reseller), PlanId>, StorageError> {
        let rows = self.database.query(&PLANS, Args::new().value(customer.0).value(partner.0)).await?;
        let mut ids = HashMap::with_capacity(rows.len());
        for row in rows {
            let plan: PlanRow = from_json("a plan", &row.get::<String>(2)?)?;
            ids.extend(plan.plan_id.map(|id| row.get(0).map(|transition| ((TransitionId(transition), plan.reseller), id))).transpose()?);
        }
        Ok(ids)
    }

    /// Lines with their transitions and their progress, in the order of the transitions.
    pub(super) async fn place(&self, rows: Vec<Row>) -> Result<Vec<Placed>, StorageError> {
        let lines: Vec<(TransitionId, LineRow)> =
            rows.iter().map(|row| Ok((TransitionId(row.get(0)?), read::line_from(row, 1)?))).collect::<Result<_, StorageError>>()?;
        if lines.is_empty() {
            return Ok(Vec::new());
        }
        let ids: HashSet<Uuid> = lines.iter().map(|(id, _)| id.0).collect();
        let packets: HashSet<(Uuid, u32)> = lines.iter().map(|(id, line)| (id.0, line.packet)).collect();
        let ids = Args::new().rows(ids.into_iter().map(|id| vec![id.into()]).collect());
        let mut transitions: HashMap<TransitionId, TransitionRow> = HashMap::new();
        for row in self.database.query(&TRANSITIONS, ids).await? {
            let row: TransitionRow = from_json("a transition", &row.get::<String>(0)?)?;
            transitions.insert(row.id, row);
        }
        let packets = Args::new().rows(packets.into_iter().map(|(id, packet)| vec![id.into(), packet.into()]).collect());
        let mut answered: HashSet<(Uuid, String, String, u32)> = HashSet::new();
        for row in self.database.query(&ANSWERED, packets).await? {
            answered.insert((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        }
        let mut placed: Vec<Placed> = Vec::with_capacity(lines.len());
        for (id, line) in lines {
            let Some(transition) = transitions.get(&id).filter(|row| row.state != State::Ineligible) else { continue };
            let has =
                |step: Step, action: Action| answered.contains(&(id.0, step.name().to_owned(), action.name().to_owned(), line.packet));
            let progress = line_progress(transition, &line, has);
            placed.push(Placed { transition: transition.clone(), line, progress });
        }
        placed.sort_by_key(|placed| (placed.transition.started_at, placed.transition.id));
        Ok(placed)
    }
}
