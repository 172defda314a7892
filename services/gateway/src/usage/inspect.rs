//! What is stored of usage, for verification: read page by page, in the order of the keys.

use planshift_domain::{
    ids::{AzureSubscriptionId, PlanId, TransitionId},
    ownership::{ChangePoint, Owner},
    time::Timestamp,
};
use planshift_storage::{Args, Database, Statement, StorageError, Value};
use uuid::Uuid;

// in one statement, and so of one moment: the records of a page with the change points that they follow
static PAGE: Statement = Statement::new(
    "SELECT u.azure_id, u.start_at, u.identity, u.plan_id, p.from_at, p.revision, p.plan_id, p.transition_id
     FROM (SELECT azure_id, start_at, identity, plan_id, import_id FROM usage_records
           WHERE (azure_id, start_at, identity) > ($1::uuid, $2::bigint, $3::uuid) ORDER BY azure_id, start_at, identity LIMIT $4) AS u
     LEFT JOIN usage_points AS p ON p.azure_id = u.azure_id
     WHERE u.import_id NOT IN (SELECT i.id FROM usage_imports AS i WHERE i.state IN ('Running', 'Undoing'))
     ORDER BY u.azure_id, u.start_at, u.identity, p.from_at, p.revision",
);
static LAST: Statement = Statement::new(
    "SELECT azure_id, start_at, identity FROM usage_records
     WHERE (azure_id, start_at, identity) > ($1::uuid, $2::bigint, $3::uuid) ORDER BY azure_id, start_at, identity LIMIT $4",
);
static COPIES: Statement = Statement::new(
    "SELECT azure_id, from_at, revision, plan_id, transition_id FROM usage_points
     WHERE (azure_id, from_at, revision) > ($1, $2, $3) ORDER BY azure_id, from_at, revision LIMIT $4",
);

/// Where a page of records ends.
pub type RecordKey = (Uuid, i64, Uuid);

/// A change point, and who said so.
pub type Change = (ChangePoint, TransitionId);

/// A record with what it follows.
#[derive(Clone, Debug)]
pub struct OwnedUsage {
    /// Of which Azure subscription.
    pub azure_subscription_id: AzureSubscriptionId,
    /// When it begins.
    pub start: Timestamp,
    /// Whose it is.
    pub owner: Owner,
    /// The copy of its subscription's change points.
    pub points: Vec<Change>,
}

fn owner(plan: Option<Uuid>) -> Owner {
    plan.map_or(Owner::Legacy, |plan| Owner::Plan(PlanId(plan)))
}

/// A page of records that are seen, and where the next one begins; none at the end.
///
/// # Errors
/// Any of a reading statement.
pub async fn usage(
    database: &Database,
    after: Option<RecordKey>,
    limit: u32,
) -> Result<(Vec<OwnedUsage>, Option<RecordKey>), StorageError> {
    let (azure, start, identity) = after.unwrap_or((Uuid::nil(), i64::MIN, Uuid::nil()));
    let args = || Args::new().value(azure).value(start).value(identity).value(limit);
    let keys = database.query(&LAST, args()).await?;
    let next = match keys.last().filter(|_| keys.len() == limit as usize) {
        Some(row) => Some((row.get(0)?, row.get(1)?, row.get(2)?)),
        None => None,
    };
    let (mut records, mut last): (Vec<OwnedUsage>, Option<RecordKey>) = (Vec::new(), None);
    for row in database.query(&PAGE, args()).await? {
        let key: RecordKey = (row.get(0)?, row.get(1)?, row.get(2)?);
        if last.replace(key) != Some(key) {
            let (azure_subscription_id, start) = (AzureSubscriptionId(key.0), Timestamp::from_micros(key.1));
            records.push(OwnedUsage { azure_subscription_id, start, owner: owner(row.get(3)?), points: Vec::new() });
        }
        if let (Some(from), Some(record)) = (row.get::<Option<i64>>(4)?, records.last_mut()) {
            let point = ChangePoint { from: Timestamp::from_micros(from), revision: row.get(5)?, owner: owner(row.get(6)?) };
            record.points.push((point, TransitionId(row.get(7)?)));
        }
    }
    Ok((records, next))
}

/// A page of the copy of the change points, in the order of subscription, time and revision.
///
/// # Errors
/// Any of a reading statement.
pub async fn copied_points(
    database: &Database,
    after: Option<(AzureSubscriptionId, Change)>,
    limit: u32,
) -> Result<Vec<(AzureSubscriptionId, Change)>, StorageError> {
    let (azure, from, revision) =
        after.map_or((Uuid::nil(), i64::MIN, -1), |(azure, (point, _))| (azure.0, point.from.as_micros(), i64::from(point.revision)));
    let args = Args::new().value(azure).value(Value::Int(from)).value(Value::Int(revision)).value(limit);
    let rows = database.query(&COPIES, args).await?;
    rows.iter()
        .map(|row| {
            let point = ChangePoint { from: Timestamp::from_micros(row.get(1)?), revision: row.get(2)?, owner: owner(row.get(3)?) };
            Ok((AzureSubscriptionId(row.get(0)?), (point, TransitionId(row.get(4)?))))
        })
        .collect()
}
