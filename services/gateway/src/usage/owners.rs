//! Who owns what: mapping knows, is asked, and the records follow its answer.
//!
//! A subscription's row is there before mapping is asked, and counts how often it is `wanted` to be known anew. An answer counts for what
//! was wanted before it was asked for: whatever changes meanwhile is asked for once more. Change points are only ever added, here as in
//! mapping, so an older answer that comes after a newer one takes nothing away.

use super::Usage;
use crate::{ask::AskError, files::FileError};
use planshift_billing::owned::{Interval, intervals};
use planshift_domain::{
    ids::{AzureSubscriptionId, PartnerId, PlanId},
    message::ownership::{OWNERSHIP_AT_MOST, OwnedSubscription, ReadOwnership},
    ownership::{ChangePoint, Owner},
    time::Timestamp,
};
use planshift_storage::{Args, Statement, StorageError, Transaction, Value};
use planshift_telemetry::TraceContext;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

static WANT: Statement = Statement::new(
    "INSERT INTO usage_subscriptions (partner_id, azure_id, wanted, answered, asked_at, changed_at)
     SELECT $2::uuid, r.azure, 1, 0, 0, 0 FROM {1: azure uuid} AS r WHERE true
     ORDER BY r.azure
     ON CONFLICT (partner_id, azure_id) DO NOTHING",
);
static KNOWN: Statement = Statement::new(
    "SELECT s.azure_id, s.customer_id, s.wanted, s.answered
     FROM {1: azure uuid} AS r CROSS JOIN usage_subscriptions AS s WHERE s.partner_id = $2 AND s.azure_id = r.azure",
);
static POINTS: Statement = Statement::new(
    "SELECT p.azure_id, p.from_at, p.revision, p.plan_id
     FROM {1: azure uuid} AS r CROSS JOIN usage_points AS p WHERE p.azure_id = r.azure
     ORDER BY p.azure_id, p.from_at, p.revision",
);
// first of all: whoever ends an import locks the same rows, so that either sees what the other has written
static ANSWERED: Statement = Statement::new(
    "UPDATE usage_subscriptions SET customer_id = r.customer, asked_at = $3,
         answered = CASE WHEN r.wanted > usage_subscriptions.answered THEN r.wanted ELSE usage_subscriptions.answered END
     FROM {1: azure uuid, customer uuid, wanted bigint} AS r
     WHERE usage_subscriptions.partner_id = $2 AND usage_subscriptions.azure_id = r.azure",
);
static ADD_POINTS: Statement = Statement::new(
    "INSERT INTO usage_points (azure_id, from_at, revision, plan_id, transition_id)
     SELECT r.azure, r.from_at, r.revision, r.plan, r.transition
     FROM {1: azure uuid, from_at bigint, revision bigint, plan uuid, transition uuid} AS r WHERE true
     ORDER BY r.azure, r.from_at, r.revision
     ON CONFLICT (azure_id, from_at, revision) DO NOTHING
     RETURNING azure_id, from_at",
);
static CHANGED: Statement = Statement::new(
    "UPDATE usage_subscriptions SET changed_at = $2 FROM {1: azure uuid, from_at bigint} AS r WHERE usage_subscriptions.azure_id = r.azure",
);
// also records that no one sees yet: their import may end before the next change
static ASSIGN: Statement = Statement::new(
    "UPDATE usage_records SET plan_id = (
         SELECT p.plan_id FROM usage_points AS p WHERE p.azure_id = usage_records.azure_id AND p.from_at <= usage_records.start_at
         ORDER BY p.from_at DESC, p.revision DESC LIMIT 1)
     FROM {1: azure uuid, from_at bigint} AS r
     WHERE usage_records.azure_id = r.azure AND usage_records.start_at >= r.from_at",
);
// none of this partner's, as it turns out: nothing is remembered of it, unless there is usage of it already
static FORGET: Statement = Statement::new(
    "DELETE FROM usage_subscriptions
     WHERE partner_id = $2 AND customer_id IS NULL AND azure_id IN (SELECT r.azure FROM {1: azure uuid} AS r)",
);
static ASKED: Statement = Statement::new(
    "UPDATE usage_subscriptions SET asked_at = $3 FROM {1: azure uuid} AS r
     WHERE usage_subscriptions.partner_id = $2 AND usage_subscriptions.azure_id = r.azure",
);

static PARTNERS: Statement = Statement::new("SELECT DISTINCT partner_id FROM customers LIMIT 2");

/// What is known of a subscription's owners.
#[derive(Clone, Debug)]
pub(crate) struct Owners {
    /// Who owns its usage from when.
    pub(crate) intervals: Vec<Interval>,
}

/// Why it is not known who owns something.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OwnersError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("mapping was asked who owns usage: {0}")]
    Ask(#[from] AskError),
}

impl From<OwnersError> for FileError {
    fn from(error: OwnersError) -> Self {
        match error {
            OwnersError::Storage(error) => Self::Storage(error),
            OwnersError::Ask(error) => Self::Ask(error),
        }
    }
}

impl Usage {
    /// The partner, where imports have told of one alone.
    pub(crate) async fn only_partner(&self) -> Result<Option<PartnerId>, StorageError> {
        match &self.database.query(&PARTNERS, Args::new()).await?[..] {
            [row] => Ok(Some(PartnerId(row.get(0)?))),
            _ => Ok(None),
        }
    }

    /// Who owns these subscriptions of the partner; those that it does not have are not among them. What is not known, or is known to have
    /// changed, mapping is asked for.
    pub(crate) async fn owners(
        &self,
        partner: PartnerId,
        azure: &[AzureSubscriptionId],
        trace: &TraceContext,
    ) -> Result<HashMap<AzureSubscriptionId, Owners>, OwnersError> {
        let rows = || azure.iter().map(|azure| vec![Value::Uuid(azure.0)]).collect::<Vec<_>>();
        self.database.execute(&WANT, Args::new().rows(rows()).value(partner.0)).await?;
        let mut ask: BTreeMap<AzureSubscriptionId, i64> = BTreeMap::new();
        for row in self.database.query(&KNOWN, Args::new().rows(rows()).value(partner.0)).await? {
            let (wanted, answered): (i64, i64) = (row.get(2)?, row.get(3)?);
            if answered < wanted {
                ask.insert(AzureSubscriptionId(row.get(0)?), wanted);
            }
        }
        self.ask_for(partner, &ask, trace).await?;
        self.known(partner, azure).await
    }

    /// The same, of what is known already.
    async fn known(&self, partner: PartnerId, azure: &[AzureSubscriptionId]) -> Result<HashMap<AzureSubscriptionId, Owners>, OwnersError> {
        let rows: Vec<Vec<Value>> = azure.iter().map(|azure| vec![Value::Uuid(azure.0)]).collect();
        let mut points: HashMap<AzureSubscriptionId, Vec<ChangePoint>> = HashMap::new();
        for row in self.database.query(&POINTS, Args::new().rows(rows.clone())).await? {
            let owner = row.get::<Option<Uuid>>(3)?.map_or(Owner::Legacy, |plan| Owner::Plan(PlanId(plan)));
            let point = ChangePoint { from: Timestamp::from_micros(row.get(1)?), revision: row.get(2)?, owner };
            points.entry(AzureSubscriptionId(row.get(0)?)).or_default().push(point);
        }
        let mut owners = HashMap::new();
        for row in self.database.query(&KNOWN, Args::new().rows(rows).value(partner.0)).await? {
            let azure = AzureSubscriptionId(row.get(0)?);
            // without a customer it is none that mapping knows as this partner's
            if row.get::<Option<Uuid>>(1)?.is_some() {
                owners.insert(azure, Owners { intervals: intervals(points.get(&azure).map_or(&[], Vec::as_slice)) });
            }
        }
        Ok(owners)
    }

    /// Asks mapping for these, and writes what it says; each with what was wanted of it before.
    pub(super) async fn ask_for(
        &self,
        partner_id: PartnerId,
        wanted: &BTreeMap<AzureSubscriptionId, i64>,
        trace: &TraceContext,
    ) -> Result<(), OwnersError> {
        let ids: Vec<AzureSubscriptionId> = wanted.keys().copied().collect();
        for ids in ids.chunks(OWNERSHIP_AT_MOST) {
            let question = ReadOwnership { request_id: self.ports.random.id(), partner_id, azure_subscription_ids: ids.to_vec() };
            let answer = self.asker.ask(&question, trace, self.answer).await?;
            let told: Vec<AzureSubscriptionId> = answer.subscriptions.iter().map(|one| one.azure_subscription_id).collect();
            self.learn(partner_id, &answer.subscriptions, wanted).await?;
            let others: Vec<Vec<Value>> =
                ids.iter().filter(|id| told.binary_search(id).is_err()).map(|id| vec![Value::Uuid(id.0)]).collect();
            if !others.is_empty() {
                // what has usage and is not the partner's any more stays as it is, and is asked for again when its turn comes
                let now = self.ports.clock.now().as_micros();
                self.database.execute(&ASKED, Args::new().rows(others.clone()).value(partner_id.0).value(now)).await?;
                self.database.execute(&FORGET, Args::new().rows(others).value(partner_id.0)).await?;
            }
        }
        Ok(())
    }

    /// Writes what mapping said, and gives records to the owners that it says.
    pub(super) async fn learn(
        &self,
        partner: PartnerId,
        subscriptions: &[OwnedSubscription],
        wanted: &BTreeMap<AzureSubscriptionId, i64>,
    ) -> Result<(), StorageError> {
        if subscriptions.is_empty() {
            return Ok(());
        }
        let now = self.ports.clock.now().as_micros();
        let rows = subscriptions.iter().map(|one| {
            let wanted = wanted.get(&one.azure_subscription_id).copied().unwrap_or_default();
            vec![one.azure_subscription_id.0.into(), one.customer_id.0.into(), wanted.into()]
        });
        let points = subscriptions.iter().flat_map(|one| {
            let azure = one.azure_subscription_id;
            one.points.iter().map(move |point| {
                let plan: Value = point.plan_id.map(|plan| plan.0).into();
                vec![azure.0.into(), point.from.as_micros().into(), point.revision.into(), plan, point.transition_id.0.into()]
            })
        });
        let points: Vec<Vec<Value>> = points.collect();
        let mut tx = self.database.begin().await?;
        tx.execute(&ANSWERED, Args::new().rows(rows.collect()).value(partner.0).value(now)).await?;
        if !points.is_empty() {
            let mut first: BTreeMap<Uuid, i64> = BTreeMap::new();
            for row in tx.query(&ADD_POINTS, Args::new().rows(points)).await? {
                let from: i64 = row.get(1)?;
                first.entry(row.get(0)?).and_modify(|first| *first = from.min(*first)).or_insert(from);
            }
            if !first.is_empty() {
                let changed: Vec<Vec<Value>> = first.iter().map(|(azure, from)| vec![Value::Uuid(*azure), (*from).into()]).collect();
                tx.execute(&CHANGED, Args::new().rows(changed.clone()).value(now)).await?;
                tx.execute(&ASSIGN, Args::new().rows(changed)).await?;
            }
        }
        tx.commit().await
    }
}

/// Gives all records of these subscriptions to the owners that the change points say.
pub(super) async fn assign(tx: &mut Transaction, azure: impl IntoIterator<Item = Uuid>) -> Result<(), StorageError> {
    let rows: Vec<Vec<Value>> = azure.into_iter().map(|azure| vec![Value::Uuid(azure), i64::MIN.into()]).collect();
    if !rows.is_empty() {
        tx.execute(&ASSIGN, Args::new().rows(rows)).await?;
    }
    Ok(())
}
