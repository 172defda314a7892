//! Records and totals: what is seen, which is what imports that have ended well brought.
//!
//! Quantities are added as whole numbers, three for each quantity and each of those in two halves, so that no sum of 64-bit integers
//! overflows and no fraction is rounded, on any database.

use super::Usage;
use crate::model::from_json;
use planshift_billing::{Decimal, Kind, Packed, Rated, Resource, reconcile::SumCheck, unit_name};
use planshift_domain::{
    ids::{AzureSubscriptionId, CustomerId, PartnerId, PlanId},
    ownership::Owner,
    time::Timestamp,
};
use planshift_storage::{Args, Row, Statement, StorageError};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Which records are wanted: of a subscription, or of all of a customer's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UsageFilter {
    pub(crate) partner: PartnerId,
    pub(crate) azure: Option<AzureSubscriptionId>,
    pub(crate) customer: Option<CustomerId>,
    /// Those that start at or after this.
    pub(crate) from: Option<Timestamp>,
    /// And before this.
    pub(crate) to: Option<Timestamp>,
    /// Only the plans' (true) or only the legacy subscription's.
    pub(crate) plans: Option<bool>,
}

/// Where a page ends.
pub(crate) type Place = (Uuid, i64, Uuid);

macro_rules! seen {
    ($select:literal, $rest:literal) => {
        Statement::new(concat!(
            $select,
            " FROM usage_subscriptions AS s CROSS JOIN usage_records AS u CROSS JOIN usage_resources AS k
              WHERE s.partner_id = $1 AND ($2::uuid IS NULL OR s.azure_id = $2) AND ($3::uuid IS NULL OR s.customer_id = $3)
                AND u.azure_id = s.azure_id AND u.partner_id = s.partner_id AND u.start_at >= $4::bigint AND u.start_at < $5::bigint
                AND ($6::boolean IS NULL OR (u.plan_id IS NOT NULL) = $6)
                AND u.import_id NOT IN (SELECT i.id FROM usage_imports AS i WHERE i.partner_id = $1 AND i.state IN ('Running', 'Undoing'))
                AND k.resource = u.resource ",
            $rest
        ))
    };
}
static PAGE: Statement = seen!(
    "SELECT u.azure_id, u.start_at, u.identity, u.end_at, u.rated, u.plan_id, u.whole, u.high, u.low, k.body, u.revision, u.import_id,
            u.reported_at, u.subscription, u.body, s.customer_id",
    "AND (u.azure_id, u.start_at, u.identity) > ($7::uuid, $8::bigint, $9::uuid) ORDER BY u.azure_id, u.start_at, u.identity LIMIT $10"
);
static TOTALS: Statement = seen!(
    "SELECT u.plan_id, u.rated, k.unit, count(*),
            sum(u.whole / 1000000000)::bigint, sum(u.whole % 1000000000)::bigint,
            sum(u.high / 1000000000)::bigint, sum(u.high % 1000000000)::bigint,
            sum(u.low / 1000000000)::bigint, sum(u.low % 1000000000)::bigint,
            sum(CASE WHEN EXISTS (SELECT 1 FROM usage_points AS p WHERE p.azure_id = u.azure_id AND p.from_at > u.start_at AND p.from_at < u.end_at)
                THEN 1 ELSE 0 END)::bigint",
    "GROUP BY u.plan_id, u.rated, k.unit"
);

/// Three sums, each added by itself, in one statement and so of one moment: all records, whoever owns them, without a look at any owner; those
/// that are the legacy offer's, and those that are a plan's, as the change points say and the record says too. A record that has another
/// owner than the change points say is in the first alone.
static CHECK: Statement = Statement::new(
    "SELECT 0, u.rated, coalesce(k.unit, ''),
            sum(u.whole / 1000000000)::bigint, sum(u.whole % 1000000000)::bigint,
            sum(u.high / 1000000000)::bigint, sum(u.high % 1000000000)::bigint,
            sum(u.low / 1000000000)::bigint, sum(u.low % 1000000000)::bigint
     FROM usage_records AS u LEFT JOIN usage_resources AS k ON k.resource = u.resource
     WHERE u.azure_id IN (SELECT s.azure_id FROM usage_subscriptions AS s
                          WHERE s.partner_id = $1 AND s.customer_id = $3::uuid AND ($2::uuid IS NULL OR s.azure_id = $2)
                          UNION SELECT one.azure FROM (SELECT $2::uuid AS azure) AS one WHERE $3::uuid IS NULL)
       AND u.partner_id = $1 AND u.start_at >= $4::bigint AND u.start_at < $5::bigint
       AND u.import_id NOT IN (SELECT i.id FROM usage_imports AS i WHERE i.partner_id = $1 AND i.state IN ('Running', 'Undoing'))
     GROUP BY u.rated, coalesce(k.unit, '')
     UNION ALL
     SELECT CASE WHEN u.plan_id IS NULL THEN 1 ELSE 2 END, u.rated, k.unit,
            sum(u.whole / 1000000000)::bigint, sum(u.whole % 1000000000)::bigint,
            sum(u.high / 1000000000)::bigint, sum(u.high % 1000000000)::bigint,
            sum(u.low / 1000000000)::bigint, sum(u.low % 1000000000)::bigint
     FROM usage_subscriptions AS s CROSS JOIN usage_records AS u CROSS JOIN usage_resources AS k
     WHERE s.partner_id = $1 AND ($2::uuid IS NULL OR s.azure_id = $2) AND ($3::uuid IS NULL OR s.customer_id = $3)
       AND u.azure_id = s.azure_id AND u.partner_id = s.partner_id AND u.start_at >= $4::bigint AND u.start_at < $5::bigint
       AND u.import_id NOT IN (SELECT i.id FROM usage_imports AS i WHERE i.partner_id = $1 AND i.state IN ('Running', 'Undoing'))
       AND k.resource = u.resource
       AND u.plan_id IS NOT DISTINCT FROM (
           SELECT p.plan_id FROM usage_points AS p WHERE p.azure_id = u.azure_id AND p.from_at <= u.start_at
           ORDER BY p.from_at DESC, p.revision DESC LIMIT 1)
     GROUP BY CASE WHEN u.plan_id IS NULL THEN 1 ELSE 2 END, u.rated, k.unit",
);

/// A record as it is listed.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) azure: AzureSubscriptionId,
    pub(crate) customer: Option<CustomerId>,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) identity: Uuid,
    pub(crate) kind: Kind,
    pub(crate) owner: Owner,
    pub(crate) quantity: Decimal,
    pub(crate) resource: Resource,
    pub(crate) rated: Option<Rated>,
    pub(crate) subscription: Option<String>,
    pub(crate) reported_at: Option<Timestamp>,
    pub(crate) revision: u32,
    pub(crate) import: Uuid,
}

/// What an owner has in all of a unit.
#[derive(Clone, Debug)]
pub(crate) struct Total {
    pub(crate) owner: Owner,
    pub(crate) kind: Kind,
    pub(crate) unit: String,
    pub(crate) records: u64,
    pub(crate) quantity: Decimal,
    /// How many of the records last beyond a change of the owner: they are their owner's as a whole.
    pub(crate) beyond_a_change: u64,
}

fn kind(rated: bool) -> Kind {
    if rated { Kind::RatedDaily } else { Kind::Utilization }
}

fn owner(plan: Option<Uuid>) -> Owner {
    plan.map_or(Owner::Legacy, |plan| Owner::Plan(PlanId(plan)))
}

impl Listed {
    fn of(row: &Row) -> Result<Self, StorageError> {
        Ok(Self {
            azure: AzureSubscriptionId(row.get(0)?),
            start: Timestamp::from_micros(row.get(1)?),
            identity: row.get(2)?,
            end: Timestamp::from_micros(row.get(3)?),
            kind: kind(row.get(4)?),
            owner: owner(row.get(5)?),
            quantity: Packed { whole: row.get(6)?, high: row.get(7)?, low: row.get(8)? }.into(),
            resource: from_json("a usage resource", &row.get::<String>(9)?)?,
            revision: row.get(10)?,
            import: row.get(11)?,
            reported_at: row.get::<Option<i64>>(12)?.map(Timestamp::from_micros),
            subscription: row.get(13)?,
            rated: row.get::<Option<String>>(14)?.map(|text| from_json("what a record is charged", &text)).transpose()?,
            customer: row.get::<Option<Uuid>>(15)?.map(CustomerId),
        })
    }

    pub(crate) fn place(&self) -> Place {
        (self.azure.0, self.start.as_micros(), self.identity)
    }
}

impl Usage {
    /// Records after a place, in the order of subscription, start and identity.
    pub(crate) async fn page(&self, filter: &UsageFilter, after: Option<Place>, limit: u32) -> Result<Vec<Listed>, StorageError> {
        let (azure, start, identity) = after.unwrap_or((Uuid::nil(), i64::MIN, Uuid::nil()));
        let args = args(filter).value(azure).value(start).value(identity).value(limit);
        self.database.query(&PAGE, args).await?.iter().map(Listed::of).collect()
    }

    /// What each owner has of each kind and unit.
    pub(crate) async fn totals(&self, filter: &UsageFilter) -> Result<Vec<Total>, StorageError> {
        // files name the same unit in several ways
        let mut totals: BTreeMap<(Kind, String, Option<Uuid>), Total> = BTreeMap::new();
        for row in self.database.query(&TOTALS, args(filter)).await? {
            let (plan, kind, unit) = (row.get(0)?, kind(row.get(1)?), unit_name(&row.get::<String>(2)?));
            let total = totals.entry((kind, unit.clone(), plan)).or_insert_with(|| Total {
                owner: owner(plan),
                kind,
                unit,
                records: 0,
                quantity: Decimal::default(),
                beyond_a_change: 0,
            });
            total.records += u64::try_from(row.get::<i64>(3)?).unwrap_or_default();
            total.quantity = std::mem::take(&mut total.quantity) + summed(&row, 4)?;
            total.beyond_a_change += u64::try_from(row.get::<i64>(10)?).unwrap_or_default();
        }
        Ok(totals.into_values().collect())
    }

    /// Whether all that was metered is one owner's: of each kind and unit, whoever `filter` asks for.
    pub(crate) async fn check(&self, filter: &UsageFilter) -> Result<Vec<(Kind, String, SumCheck)>, StorageError> {
        let mut sums: BTreeMap<(Kind, String), [Decimal; 3]> = BTreeMap::new();
        for row in self.database.query(&CHECK, which(filter)).await? {
            let sums = sums.entry((kind(row.get(1)?), unit_name(&row.get::<String>(2)?))).or_default();
            if let Some(one) = usize::try_from(row.get::<i64>(0)?).ok().and_then(|place| sums.get_mut(place)) {
                *one = std::mem::take(one) + summed(&row, 3)?;
            }
        }
        let check =
            |((kind, unit), [metered, legacy, plan]): ((Kind, String), [Decimal; 3])| (kind, unit, SumCheck::of(metered, legacy, plan));
        Ok(sums.into_iter().map(check).collect())
    }
}

/// A sum that a statement has added in six halves, the first of which is in `column`.
pub(crate) fn summed(row: &Row, column: usize) -> Result<Decimal, StorageError> {
    let half = |place: usize| row.get::<i64>(column + place);
    Ok(sum([half(0)?, half(1)?, half(2)?, half(3)?, half(4)?, half(5)?]))
}

/// A sum from the sums of its halves, in billions and units of 1, of 10^-18, of 10^-36.
fn sum(halves: [i64; 6]) -> Decimal {
    const BILLION: u32 = 9;
    let scales = [0, 0, 18, 18, 36, 36];
    halves
        .into_iter()
        .zip(scales)
        .enumerate()
        .map(|(place, (half, scale))| {
            let number = Decimal::scaled(half, scale);
            if place % 2 == 0 { &number * &Decimal::scaled(10_i64.pow(BILLION), 0) } else { number }
        })
        .sum()
}

fn args(filter: &UsageFilter) -> Args {
    which(filter).value(filter.plans)
}

/// Which records, whoever owns them.
fn which(filter: &UsageFilter) -> Args {
    Args::new()
        .value(filter.partner.0)
        .value(filter.azure.map(|azure| azure.0))
        .value(filter.customer.map(|customer| customer.0))
        .value(filter.from.map_or(i64::MIN, Timestamp::as_micros))
        .value(filter.to.map_or(i64::MAX, Timestamp::as_micros))
}
