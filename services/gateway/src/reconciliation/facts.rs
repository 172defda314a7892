//! What is stored of some subscriptions in a time: records by meter and day, whose they are, and the ids that they are known by.

use super::Reconciliation;
use crate::{model::from_json, usage::summed};
use planshift_billing::{
    Decimal, Resource,
    credit::day_of,
    owned::{Interval, intervals},
    reconcile::DayUse,
    unit_name,
};
use planshift_domain::{
    ids::{AzureSubscriptionId, CustomerId, PartnerId, PlanId, Reseller, TransitionId},
    ownership::{ChangePoint, Owner},
    time::Timestamp,
};
use planshift_storage::{Args, Statement, StorageError, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Both halves of one statement, and so of one moment. The first adds all records without a look at their owners; the second by resource, day
/// and owner, where the owner is none (0) if the change points say another one than the record does, the legacy offer (1), or a plan (2).
/// `early`: before the day of the legacy invoice begins, in microseconds; a record of a whole day is of its date's.
static SUMS: Statement = Statement::new(
    "SELECT 0, u.azure_id, u.rated, NULL, 0, 0, 0, 0, count(*),
            sum(u.whole / 1000000000)::bigint, sum(u.whole % 1000000000)::bigint,
            sum(u.high / 1000000000)::bigint, sum(u.high % 1000000000)::bigint,
            sum(u.low / 1000000000)::bigint, sum(u.low % 1000000000)::bigint,
            coalesce(k.unit, ''), min(u.subscription), max(u.subscription)
     FROM {1: azure uuid} AS r CROSS JOIN usage_records AS u LEFT JOIN usage_resources AS k ON k.resource = u.resource
     WHERE u.azure_id = r.azure AND u.partner_id = $2 AND u.start_at >= $3::bigint AND u.start_at < $4::bigint
       AND u.import_id NOT IN (SELECT i.id FROM usage_imports AS i WHERE i.partner_id = $2 AND i.state IN ('Running', 'Undoing'))
     GROUP BY u.azure_id, u.rated, coalesce(k.unit, '')
     UNION ALL
     SELECT 1, g.azure_id, g.rated, g.resource, g.day, g.early, g.owner, g.beyond, count(*),
            sum(g.whole / 1000000000)::bigint, sum(g.whole % 1000000000)::bigint,
            sum(g.high / 1000000000)::bigint, sum(g.high % 1000000000)::bigint,
            sum(g.low / 1000000000)::bigint, sum(g.low % 1000000000)::bigint,
            NULL, NULL, NULL
     FROM (SELECT u.azure_id, u.rated, u.resource, u.start_at - u.start_at % 86400000000 AS day,
                  CASE WHEN u.end_at - u.start_at < 86400000000 AND u.start_at % 86400000000 < 25200000000 THEN 1 ELSE 0 END AS early,
                  CASE WHEN u.plan_id IS DISTINCT FROM (
                           SELECT p.plan_id FROM usage_points AS p WHERE p.azure_id = u.azure_id AND p.from_at <= u.start_at
                           ORDER BY p.from_at DESC, p.revision DESC LIMIT 1) THEN 0
                       WHEN u.plan_id IS NULL THEN 1 ELSE 2 END AS owner,
                  CASE WHEN EXISTS (SELECT 1 FROM usage_points AS p
                                    WHERE p.azure_id = u.azure_id AND p.from_at > u.start_at AND p.from_at < u.end_at) THEN 1 ELSE 0 END AS beyond,
                  u.whole, u.high, u.low
           FROM {1: azure uuid} AS r CROSS JOIN usage_records AS u
           WHERE u.azure_id = r.azure AND u.partner_id = $2 AND u.start_at >= $3::bigint AND u.start_at < $4::bigint
             AND u.import_id NOT IN (SELECT i.id FROM usage_imports AS i WHERE i.partner_id = $2 AND i.state IN ('Running', 'Undoing'))) AS g
     GROUP BY g.azure_id, g.rated, g.resource, g.day, g.early, g.owner, g.beyond",
);
static RESOURCES: Statement =
    Statement::new("SELECT k.resource, k.body FROM {1: resource uuid} AS r CROSS JOIN usage_resources AS k WHERE k.resource = r.resource");
static POINTS: Statement = Statement::new(
    "SELECT p.azure_id, p.from_at, p.revision, p.plan_id, p.transition_id
     FROM {1: azure uuid} AS r CROSS JOIN usage_points AS p WHERE p.azure_id = r.azure ORDER BY p.azure_id, p.from_at, p.revision",
);
/// A subscription's lines of transitions, the newest transition first.
static LINES: Statement = Statement::new(
    "SELECT l.azure_id, l.commerce_id, l.reseller, l.transition_id
     FROM {1: azure uuid} AS r CROSS JOIN lines AS l CROSS JOIN transitions AS t
     WHERE l.azure_id = r.azure AND t.id = l.transition_id AND t.partner_id = $2 ORDER BY l.azure_id, t.started_at DESC, t.id DESC",
);

/// A meter, on a day.
pub(super) type MeterDay = (String, Timestamp);

/// What is stored of a meter's day.
#[derive(Clone, Debug, Default)]
pub(super) struct DayFacts {
    pub(super) day: DayUse,
    /// What of the legacy offer's utilisation is of the legacy invoice's day before.
    pub(super) early: Decimal,
    /// What utilisation records, and daily rated ones, are counted in.
    pub(super) unit: String,
    pub(super) rated_unit: String,
}

/// What is stored of a subscription.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) azure: AzureSubscriptionId,
    pub(super) customer: CustomerId,
    pub(super) points: Vec<(ChangePoint, TransitionId)>,
    pub(super) intervals: Vec<Interval>,
    /// The commerce subscription, by the newest transition.
    pub(super) commerce: Option<Uuid>,
    /// The reseller on record, by the same; none where the partner sells directly.
    pub(super) reseller: Option<String>,
    /// All transitions that it was in, the newest first.
    pub(super) transitions: Vec<Uuid>,
    /// What daily rated files call it: the billing platform's ids.
    pub(super) billing_ids: BTreeSet<String>,
    pub(super) days: BTreeMap<MeterDay, DayFacts>,
    /// Names of meters.
    pub(super) names: BTreeMap<String, String>,
    /// Added over all records by themselves, by unit.
    pub(super) metered: BTreeMap<String, Decimal>,
}

impl Facts {
    fn new(customer: CustomerId, azure: AzureSubscriptionId) -> Self {
        Self {
            azure,
            customer,
            points: Vec::new(),
            intervals: intervals(&[]),
            commerce: None,
            reseller: None,
            transitions: Vec::new(),
            billing_ids: BTreeSet::new(),
            days: BTreeMap::new(),
            names: BTreeMap::new(),
            metered: BTreeMap::new(),
        }
    }

    /// Does the owner change within the day?
    pub(super) fn changes(&self, day: Timestamp) -> bool {
        let end = day.plus_seconds(24 * 3600);
        self.intervals.iter().any(|interval| interval.from.is_some_and(|from| day < from && from < end))
    }
}

impl Reconciliation {
    /// What is stored of these subscriptions, in their order.
    pub(super) async fn facts(
        &self,
        partner: PartnerId,
        subscriptions: &[(CustomerId, AzureSubscriptionId)],
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<Facts>, StorageError> {
        let mut all: HashMap<Uuid, Facts> =
            subscriptions.iter().map(|(customer, azure)| (azure.0, Facts::new(*customer, *azure))).collect();
        let rows = || subscriptions.iter().map(|(_, azure)| vec![Value::Uuid(azure.0)]).collect::<Vec<_>>();
        for row in self.database.query(&POINTS, Args::new().rows(rows())).await? {
            let Some(facts) = all.get_mut(&row.get(0)?) else { continue };
            let owner = row.get::<Option<Uuid>>(3)?.map_or(Owner::Legacy, |plan| Owner::Plan(PlanId(plan)));
            let point = ChangePoint { from: Timestamp::from_micros(row.get(1)?), revision: row.get(2)?, owner };
            facts.points.push((point, TransitionId(row.get(4)?)));
        }
        for row in self.database.query(&LINES, Args::new().rows(rows()).value(partner.0)).await? {
            let Some(facts) = all.get_mut(&row.get(0)?) else { continue };
            if facts.commerce.is_none() {
                let reseller = Reseller::from_key(&row.get::<String>(2)?).map_err(|error| StorageError::Statement(error.to_string()))?;
                (facts.commerce, facts.reseller) = (Some(row.get(1)?), reseller.0.map(|mpn_id| mpn_id.as_str().to_owned()));
            }
            facts.transitions.push(row.get(3)?);
        }
        for facts in all.values_mut() {
            let points: Vec<_> = facts.points.iter().map(|(point, _)| *point).collect();
            facts.intervals = intervals(&points);
        }
        let args = Args::new().rows(rows()).value(partner.0).value(from.as_micros()).value(to.as_micros());
        let sums = self.database.query(&SUMS, args).await?;
        let mut used = BTreeSet::new();
        for row in &sums {
            used.extend(row.get::<Option<Uuid>>(3)?);
        }
        let resources = self.resources(used).await?;
        for row in &sums {
            let Some(facts) = all.get_mut(&row.get(1)?) else { continue };
            let (rated, quantity): (bool, Decimal) = (row.get(2)?, summed(row, 9)?);
            let Some(resource) = row.get::<Option<Uuid>>(3)? else {
                let metered = facts.metered.entry(unit_name(&row.get::<String>(15)?)).or_default();
                *metered = std::mem::take(metered) + quantity;
                if rated {
                    facts.billing_ids.extend(row.get::<Option<String>>(16)?.into_iter().chain(row.get::<Option<String>>(17)?));
                }
                continue;
            };
            let Some(resource) = resources.get(&resource) else { continue };
            // nobody's: the sums will not agree
            let Some(is_plan) = (match row.get::<i64>(6)? {
                1 => Some(false),
                2 => Some(true),
                _ => None,
            }) else {
                continue;
            };
            let day = day_of(Timestamp::from_micros(row.get(4)?));
            let changes = facts.changes(day);
            let known = facts.days.entry((resource.meter_id.clone(), day)).or_default();
            let records = u64::try_from(row.get::<i64>(8)?).unwrap_or_default();
            known.day.changes = changes;
            let sum = match (rated, is_plan) {
                (false, false) => &mut known.day.legacy,
                (false, true) => &mut known.day.plan,
                (true, false) => &mut known.day.rated_legacy,
                (true, true) => &mut known.day.rated_plan,
            };
            sum.add(records, &quantity);
            if rated {
                known.rated_unit = unit_name(&resource.unit);
            } else {
                known.unit = unit_name(&resource.unit);
                known.day.beyond += if row.get::<i64>(7)? == 1 { records } else { 0 };
                if row.get::<i64>(5)? == 1 && !is_plan {
                    known.early = std::mem::take(&mut known.early) + quantity;
                }
            }
            if !resource.name.is_empty() {
                facts.names.entry(resource.meter_id.clone()).or_insert_with(|| resource.name.clone());
            }
        }
        Ok(subscriptions.iter().filter_map(|(_, azure)| all.remove(&azure.0)).collect())
    }

    async fn resources(&self, used: BTreeSet<Uuid>) -> Result<HashMap<Uuid, Resource>, StorageError> {
        let rows = used.into_iter().map(|resource| vec![Value::Uuid(resource)]).collect();
        let mut resources = HashMap::new();
        for row in self.database.query(&RESOURCES, Args::new().rows(rows)).await? {
            resources.insert(row.get(0)?, from_json("a usage resource", &row.get::<String>(1)?)?);
        }
        Ok(resources)
    }
}
