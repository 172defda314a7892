//! What verifications have found: the last pass of each that tells. The gateway checks nothing itself.

use super::{ReadModel, from_json, to_json};
use planshift_domain::time::Timestamp;
use planshift_storage::{Args, Row, Statement, StorageError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Of how many reporters a pass is kept: one is usual, some more have been renamed. The one that has told longest ago makes room.
const REPORTERS: u32 = 16;

/// A pass of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pass {
    /// Who has made it, in its own words.
    pub(crate) reporter: String,
    /// When it was told.
    pub(crate) told_at: Timestamp,
    /// By whose token.
    pub(crate) told_by: String,
    /// When it ended.
    pub(crate) ended_at: Timestamp,
    /// The time from pass to pass; 0: it was one alone.
    pub(crate) every_seconds: u32,
    /// How long it took.
    pub(crate) took_millis: u64,
    /// What was checked.
    pub(crate) invariants: Vec<InvariantRow>,
}

/// An invariant, as it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InvariantRow {
    /// Its id in the catalogue.
    pub(crate) id: String,
    /// What must hold.
    pub(crate) statement: String,
    /// How many items were looked at.
    pub(crate) checked: u64,
    /// How many violate it.
    pub(crate) violations: u64,
    /// The first of them.
    pub(crate) found: Vec<Broken>,
}

/// What violates an invariant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Broken {
    /// Which item.
    pub(crate) subject: String,
    /// In words.
    pub(crate) text: String,
}

// a pass that comes late does not take the place of one that ended after it
static KEEP: Statement = Statement::new(
    "INSERT INTO invariant_reports (reporter, told_at, told_by, ended_at, every_seconds, took_millis, invariants)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (reporter) DO UPDATE SET
         told_at = excluded.told_at, told_by = excluded.told_by, ended_at = excluded.ended_at, every_seconds = excluded.every_seconds,
         took_millis = excluded.took_millis, invariants = excluded.invariants
     WHERE excluded.ended_at >= invariant_reports.ended_at",
);
static MAKE_ROOM: Statement = Statement::new(
    "DELETE FROM invariant_reports
     WHERE reporter NOT IN (SELECT r.reporter FROM invariant_reports AS r ORDER BY r.told_at DESC, r.reporter LIMIT $1)",
);
static READ: Statement = Statement::new(
    "SELECT reporter, told_at, told_by, ended_at, every_seconds, took_millis, invariants
     FROM invariant_reports ORDER BY ended_at DESC, reporter LIMIT $1",
);

impl ReadModel {
    /// Keeps a pass in the place of the reporter's last one.
    pub(crate) async fn keep_pass(&self, pass: &Pass) -> Result<(), StorageError> {
        let args = Args::new().value(pass.reporter.as_str()).value(pass.told_at.as_micros()).value(pass.told_by.as_str());
        let args = args.value(pass.ended_at.as_micros()).value(i64::from(pass.every_seconds));
        let args = args.value(i64::try_from(pass.took_millis).unwrap_or(i64::MAX)).value(to_json(&pass.invariants)?);
        let mut transaction = self.database.begin().await?;
        transaction.execute(&KEEP, args).await?;
        transaction.execute(&MAKE_ROOM, Args::new().value(i64::from(REPORTERS))).await?;
        transaction.commit().await.map(drop)
    }

    /// The last pass of each reporter, the newest first.
    pub(crate) async fn passes(&self) -> Result<Vec<Pass>, StorageError> {
        self.database.query(&READ, Args::new().value(i64::from(REPORTERS))).await?.iter().map(pass).collect()
    }
}

fn pass(row: &Row) -> Result<Pass, StorageError> {
    let time = |column| row.get(column).map(Timestamp::from_micros);
    Ok(Pass {
        reporter: row.get(0)?,
        told_at: time(1)?,
        told_by: row.get(2)?,
        ended_at: time(3)?,
        every_seconds: u32::try_from(row.get::<i64>(4)?).unwrap_or(u32::MAX),
        took_millis: row.get::<i64>(5)?.unsigned_abs(),
        invariants: from_json("a report of invariants", &row.get::<String>(6)?)?,
    })
}
