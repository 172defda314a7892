//! One batch of a file: what is new, what was here, what corrects something.
//!
//! The usual batch is new as a whole, and is one statement. Only where it is not, the records are compared with those that were here.

use super::{
    Usage,
    imports::{Counts, count},
};
use crate::{model::to_json, spending::marks};
use planshift_billing::{Decimal, Kind, UsageRecord, month::Month, parse::Faults};
use planshift_domain::time::Timestamp;
use planshift_domain::{ids::PartnerId, ownership::Owner};
use planshift_storage::{Args, Statement, StorageError, Value};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

static RESOURCES: Statement = Statement::new(
    "INSERT INTO usage_resources (resource, unit, body)
     SELECT r.resource, r.unit, r.body FROM {1: resource uuid, unit text, body text} AS r WHERE true
     ON CONFLICT (resource) DO NOTHING",
);
static TOUCH: Statement = Statement::new(
    "INSERT INTO usage_touched (import_id, azure_id)
     SELECT $2::uuid, r.azure FROM {1: azure uuid} AS r WHERE true
     ON CONFLICT (import_id, azure_id) DO NOTHING",
);
static INSERT: Statement = Statement::new(
    "INSERT INTO usage_records (azure_id, start_at, identity, partner_id, end_at, rated, plan_id, whole, high, low, resource, revision,
                                import_id, reported_at, subscription, body)
     SELECT r.azure_id, r.start_at, r.identity, $3::uuid, r.end_at, r.rated, r.plan_id, r.whole, r.high, r.low, r.resource, 0, $2::uuid,
            r.reported_at, r.subscription, r.body
     FROM {1: azure_id uuid, start_at bigint, identity uuid, end_at bigint, rated boolean, plan_id uuid, whole bigint, high bigint, low bigint,
              resource uuid, reported_at bigint, subscription text, body text} AS r
     WHERE true
     ON CONFLICT (azure_id, start_at, identity) DO NOTHING",
);
/// Of a batch that is not new as a whole: what stands where each of its records belongs, and whether it says the same.
static COMPARE: Statement = Statement::new(
    "SELECT r.n, CASE WHEN u.import_id = $2 THEN 1 ELSE 0 END,
            CASE WHEN u.whole <> r.whole OR u.high <> r.high OR u.low <> r.low OR coalesce(u.body, '') <> coalesce(r.body, '') THEN 1 ELSE 0 END
     FROM {1: n bigint, azure_id uuid, start_at bigint, identity uuid, whole bigint, high bigint, low bigint, body text} AS r
     CROSS JOIN usage_records AS u
     WHERE u.azure_id = r.azure_id AND u.start_at = r.start_at AND u.identity = r.identity",
);
static CORRECT: Statement = Statement::new(
    "INSERT INTO usage_corrections (import_id, azure_id, start_at, identity, whole, high, low, resource, reported_at, body)
     SELECT $2::uuid, r.azure_id, r.start_at, r.identity, r.whole, r.high, r.low, r.resource, r.reported_at, r.body
     FROM {1: azure_id uuid, start_at bigint, identity uuid, whole bigint, high bigint, low bigint, resource uuid, reported_at bigint,
              body text} AS r
     WHERE true
     ON CONFLICT (import_id, azure_id, start_at, identity) DO NOTHING",
);
static COMPARE_CORRECTIONS: Statement = Statement::new(
    "SELECT r.n FROM {1: n bigint, azure_id uuid, start_at bigint, identity uuid, whole bigint, high bigint, low bigint, body text} AS r
     CROSS JOIN usage_corrections AS u
     WHERE u.import_id = $2 AND u.azure_id = r.azure_id AND u.start_at = r.start_at AND u.identity = r.identity
       AND (u.whole <> r.whole OR u.high <> r.high OR u.low <> r.low OR coalesce(u.body, '') <> coalesce(r.body, ''))",
);

/// A record with its row, its owner, and what it is known by.
pub(super) struct Owned {
    pub(super) row: u64,
    pub(super) record: UsageRecord,
    pub(super) owner: Owner,
    pub(super) identity: Uuid,
    /// Its resource, by what it is known.
    pub(super) resource: Uuid,
}

/// Some records of a file, one after the other.
pub(super) struct Batch {
    pub(super) partner: PartnerId,
    pub(super) records: Vec<Owned>,
    /// Those of their resources that no batch before has described.
    pub(super) new_resources: BTreeSet<Uuid>,
}

/// What became of a batch.
pub(super) enum Written {
    /// All of it is written, but records that contradict others of their own file.
    Yes(Faults),
    /// The import is not ours any more.
    TakenAway,
}

impl Usage {
    /// Writes a batch.
    pub(super) async fn write(&self, import: Uuid, batch: &Batch) -> Result<Written, StorageError> {
        let Batch { partner, records: batch, new_resources } = batch;
        let mut faults = Faults::default();
        let mut resources: BTreeMap<Uuid, Vec<Value>> = BTreeMap::new();
        let mut rows = Vec::with_capacity(batch.len());
        let mut bodies = Vec::with_capacity(batch.len());
        for Owned { record, owner, identity, resource, .. } in batch {
            if new_resources.contains(resource) && !resources.contains_key(resource) {
                let described = vec![(*resource).into(), (&record.resource.unit).into(), to_json(&record.resource)?.into()];
                resources.insert(*resource, described);
            }
            let body: Value = record.rated.as_ref().map(to_json).transpose()?.into();
            bodies.push(body.clone());
            let packed = record.quantity.packed().unwrap_or_default();
            let plan = match owner {
                Owner::Legacy => None,
                Owner::Plan(plan) => Some(plan.0),
            };
            rows.push(vec![
                record.azure_subscription_id.0.into(),
                record.usage_start.as_micros().into(),
                (*identity).into(),
                record.usage_end.as_micros().into(),
                (record.kind == Kind::RatedDaily).into(),
                plan.into(),
                packed.whole.into(),
                packed.high.into(),
                packed.low.into(),
                (*resource).into(),
                record.reported_at.map(Timestamp::as_micros).into(),
                record.subscription_id.clone().into(),
                body,
            ]);
        }
        let touched: BTreeSet<Uuid> = batch.iter().map(|one| one.record.azure_subscription_id.0).collect();
        let touched = touched.into_iter().map(|azure| vec![Value::Uuid(azure)]).collect();
        let records = batch.len() as u64;
        let mut tx = self.database.begin().await?;
        if !self.files.alive(&mut tx, import).await? {
            tx.rollback().await?;
            return Ok(Written::TakenAway);
        }
        if !resources.is_empty() {
            tx.execute(&RESOURCES, Args::new().rows(resources.into_values().collect())).await?;
        }
        tx.execute(&TOUCH, Args::new().rows(touched).value(import)).await?;
        let added = tx.execute(&INSERT, Args::new().rows(rows).value(import).value(partner.0)).await?;
        let mut counts = Counts { records, added, ..Counts::default() };
        if added < records {
            let compared = compared(batch, &bodies);
            let mut corrections = Vec::new();
            let mut contradictions = BTreeSet::new();
            for row in tx.query(&COMPARE, Args::new().rows(compared.clone()).value(import)).await? {
                let place = usize::try_from(row.get::<i64>(0)?).unwrap_or_default();
                match (row.get::<i64>(1)? == 1, row.get::<i64>(2)? == 1) {
                    // it stands there as another row of this file says it
                    (true, true) => {
                        contradictions.insert(place);
                    }
                    (false, true) => corrections.push(place),
                    _ => {}
                }
            }
            if !corrections.is_empty() {
                let rows = corrections.iter().filter_map(|place| correction(batch.get(*place)?, bodies.get(*place)?)).collect();
                counts.corrected = tx.execute(&CORRECT, Args::new().rows(rows).value(import)).await?;
                let asked: Vec<_> = corrections.iter().filter_map(|place| compared.get(*place).cloned()).collect();
                for row in tx.query(&COMPARE_CORRECTIONS, Args::new().rows(asked).value(import)).await? {
                    contradictions.insert(usize::try_from(row.get::<i64>(0)?).unwrap_or_default());
                }
            }
            for one in contradictions.iter().filter_map(|place| batch.get(*place)) {
                let found = format!("{} of a record that stands in this file with another quantity or price", one.record.quantity);
                faults.add(one.row, "Quantity", found, "each record once, or each time the same");
            }
            counts.repeated = (records - added).saturating_sub(counts.corrected);
        }
        count(&mut tx, import, counts).await?;
        // what was here already changes nothing that was reckoned of it
        if counts.added + counts.corrected > 0 {
            let months = batch.iter().map(|one| (one.record.azure_subscription_id.0, Month::of(one.record.usage_start))).collect();
            marks::note(&mut tx, import, &months).await?;
        }
        tx.commit().await?;
        Ok(Written::Yes(faults))
    }
}

fn compared(batch: &[Owned], bodies: &[Value]) -> Vec<Vec<Value>> {
    let row = |(place, (one, body)): (usize, (&Owned, &Value))| {
        let packed = packed(&one.record.quantity);
        let record = &one.record;
        let mut row = vec![Value::Int(i64::try_from(place).unwrap_or(i64::MAX))];
        row.extend([record.azure_subscription_id.0.into(), record.usage_start.as_micros().into(), one.identity.into()]);
        row.extend(packed);
        row.push(body.clone());
        row
    };
    batch.iter().zip(bodies).enumerate().map(row).collect()
}

fn correction(one: &Owned, body: &Value) -> Option<Vec<Value>> {
    let record = &one.record;
    let mut row = vec![record.azure_subscription_id.0.into(), record.usage_start.as_micros().into(), one.identity.into()];
    row.extend(packed(&record.quantity));
    row.extend([one.resource.into(), record.reported_at.map(Timestamp::as_micros).into(), body.clone()]);
    Some(row)
}

/// The quantity in three columns. That it fits, the parser has seen to.
fn packed(quantity: &Decimal) -> [Value; 3] {
    let packed = quantity.packed().unwrap_or_default();
    [packed.whole.into(), packed.high.into(), packed.low.into()]
}
