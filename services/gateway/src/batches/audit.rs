//! What was done to batches, by whom and why, as the audit lists it: over all batches, by time.

use super::Batches;
use planshift_domain::{ids::PartnerId, time::Timestamp};
use planshift_storage::{Args, Row, Statement, StorageError};
use uuid::Uuid;

static RECORDS: Statement = Statement::new(
    "SELECT a.at, a.batch_id, a.version, a.act, a.actor, a.reason, a.state, b.partner_id, b.reference
     FROM batch_acts AS a CROSS JOIN batches AS b
     WHERE b.id = a.batch_id AND a.at >= $1 AND a.at < $2 AND ($3::uuid IS NULL OR b.partner_id = $3)
       AND (a.at, a.batch_id, a.version) < ($4::bigint, $5::uuid, $6::bigint)
     ORDER BY a.at DESC, a.batch_id DESC, a.version DESC LIMIT $7",
);

/// Where a page of them ends.
pub(crate) type ActKey = (Timestamp, Uuid, u32);

/// Something that was done to a batch.
#[derive(Clone, Debug)]
pub(crate) struct ActRecord {
    pub(crate) at: Timestamp,
    pub(crate) batch: Uuid,
    /// The version that it made.
    pub(crate) version: u32,
    pub(crate) act: String,
    pub(crate) actor: String,
    pub(crate) reason: String,
    /// What the batch was in afterwards.
    pub(crate) state: String,
    pub(crate) partner: PartnerId,
    pub(crate) reference: String,
}

impl ActRecord {
    fn of(row: &Row) -> Result<Self, StorageError> {
        Ok(Self {
            at: Timestamp::from_micros(row.get(0)?),
            batch: row.get(1)?,
            version: row.get(2)?,
            act: row.get(3)?,
            actor: row.get(4)?,
            reason: row.get(5)?,
            state: row.get(6)?,
            partner: PartnerId(row.get(7)?),
            reference: row.get(8)?,
        })
    }
}

impl Batches {
    /// The page of at most `size` before `before`, the newest first, and whether there are more.
    pub(crate) async fn act_records(
        &self,
        partner: Option<PartnerId>,
        (from, until): (Timestamp, Timestamp),
        before: Option<ActKey>,
        size: u32,
    ) -> Result<(Vec<ActRecord>, bool), StorageError> {
        let (at, batch, version) =
            before.map_or((i64::MAX, Uuid::max(), u32::MAX), |(at, batch, version)| (at.as_micros(), batch, version));
        let args = Args::new().value(from.as_micros()).value(until.as_micros()).value(partner.map(|partner| partner.0));
        // one more than wanted tells whether there is a next page
        let args = args.value(at).value(batch).value(version).value(i64::from(size) + 1);
        let mut found: Vec<ActRecord> = self.database.query(&RECORDS, args).await?.iter().map(ActRecord::of).collect::<Result<_, _>>()?;
        let more = found.len() > size as usize;
        found.truncate(size as usize);
        Ok((found, more))
    }
}
