//! Deliveries as they are kept: made, listed, begun anew, forgotten.

use super::{EventName, Webhooks, event::NewDelivery};
use planshift_domain::{
    ids::{PartnerId, TransitionId},
    time::Timestamp,
};
use planshift_storage::{Args, Row, Statement, StorageError, Transaction, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use uuid::Uuid;

/// For how long tests are kept, whatever became of them. Source: Partner Center's seven days.
const TESTS_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// When something is due that somebody waits for: before everything else.
pub(super) const AT_ONCE: i64 = 0;
/// How many are forgotten at once.
const FORGOTTEN_AT_ONCE: u32 = 5_000;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DeliveryState {
    /// It is to be sent, for the first time or again.
    Pending,
    /// The receiver has it.
    Delivered,
    /// It is not sent any more by itself.
    Dead,
}

impl DeliveryState {
    const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Dead];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// The state of that name, in any case.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name().eq_ignore_ascii_case(name))
    }
}

/// An attempt, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Try {
    pub(crate) at: Timestamp,
    /// What the receiver answered.
    pub(crate) status: Option<u16>,
    /// Why it failed; none where it did not.
    pub(crate) error: Option<String>,
    /// How long it took.
    pub(crate) milliseconds: u64,
}

/// A delivery.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) id: Uuid,
    pub(crate) partner: PartnerId,
    pub(crate) event: String,
    pub(crate) transition: Option<TransitionId>,
    pub(crate) happened_at: Timestamp,
    pub(crate) created_at: Timestamp,
    /// As it is sent.
    pub(crate) body: String,
    pub(crate) state: DeliveryState,
    /// Since it was last begun anew.
    pub(crate) attempts: u32,
    /// The last of them.
    pub(crate) tries: Vec<Try>,
    /// Of one that is pending.
    pub(crate) next_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
}

/// The key of the last delivery of a page.
pub(super) type Key = (Timestamp, Uuid);

/// Which deliveries are listed.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeliveryFilter {
    pub(crate) partner: Option<PartnerId>,
    pub(crate) state: Option<DeliveryState>,
    pub(crate) event: Option<EventName>,
}

pub(super) static INSERT: Statement = Statement::new(
    "INSERT INTO webhook_deliveries (id, partner_id, event, transition_id, number, happened_at, created_at, body, state, attempts, tries, next_at)
     SELECT r.id, r.partner_id, r.event, r.transition_id, r.number, r.happened_at, $2::bigint, r.body, 'pending', 0, '[]', r.next_at
     FROM {1: id uuid, partner_id uuid, event text, transition_id uuid, number bigint, happened_at bigint, body text, next_at bigint} AS r
     WHERE true
     ORDER BY r.id
     ON CONFLICT (id) DO NOTHING",
);
/// The same, and those that are there and have come to an end begin anew.
static INSERT_AGAIN: Statement = Statement::new(
    "INSERT INTO webhook_deliveries (id, partner_id, event, transition_id, number, happened_at, created_at, body, state, attempts, tries, next_at)
     SELECT r.id, r.partner_id, r.event, r.transition_id, r.number, r.happened_at, $2::bigint, r.body, 'pending', 0, '[]', r.next_at
     FROM {1: id uuid, partner_id uuid, event text, transition_id uuid, number bigint, happened_at bigint, body text, next_at bigint} AS r
     WHERE true
     ORDER BY r.id
     ON CONFLICT (id) DO UPDATE SET state = 'pending', attempts = 0, next_at = excluded.next_at, lease = NULL, ended_at = NULL
     WHERE webhook_deliveries.state <> 'pending'",
);
macro_rules! deliveries {
    ($($rest:literal),+) => {
        Statement::new(concat!(
            "SELECT id, partner_id, event, transition_id, happened_at, created_at, body, state, attempts, tries, next_at, ended_at
             FROM webhook_deliveries ",
            $($rest),+
        ))
    };
}
pub(super) static ONE: Statement = deliveries!("WHERE id = $1");
// The first condition is what an index leads to: a statement for each, because one for all of them would have no index.
macro_rules! list {
    ($first:literal) => {
        deliveries!(
            $first,
            " AND ($1::uuid IS NULL OR partner_id = $1) AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR event = $3)
              AND (created_at, id) < ($4::bigint, $5::uuid) ORDER BY created_at DESC, id DESC LIMIT $6"
        )
    };
}
static OF_ALL: Statement = list!("WHERE true");
static OF_PARTNER: Statement = list!("WHERE partner_id = $1::uuid");
static DEAD: Statement = list!("WHERE state = 'dead'");
static DEAD_OF_PARTNER: Statement = list!("WHERE state = 'dead' AND partner_id = $1::uuid");
static AGAIN: Statement = Statement::new(
    "UPDATE webhook_deliveries SET state = 'pending', attempts = 0, next_at = $2, lease = NULL, ended_at = NULL WHERE id = $1",
);
static FORGET: Statement = Statement::new(
    "DELETE FROM webhook_deliveries WHERE id IN
         (SELECT id FROM webhook_deliveries WHERE state = 'delivered' AND ended_at < $1 ORDER BY ended_at LIMIT $2)",
);
static FORGET_TESTS: Statement = Statement::new(
    "DELETE FROM webhook_deliveries WHERE id IN
         (SELECT id FROM webhook_deliveries WHERE event = 'test-created' AND created_at < $1 LIMIT $2)",
);

/// Keeps new ones, to be sent in their order. One that is there stays as it is.
pub(super) async fn insert(transaction: &mut Transaction, new: &[NewDelivery], now: Timestamp) -> Result<(), StorageError> {
    write(transaction, &INSERT, new, now, now.as_micros()).await
}

/// Keeps new ones, and begins anew those that have come to an end.
pub(super) async fn insert_again(transaction: &mut Transaction, new: &[NewDelivery], now: Timestamp) -> Result<(), StorageError> {
    write(transaction, &INSERT_AGAIN, new, now, now.as_micros()).await
}

/// Keeps these by one of the two statements, due from then on.
pub(super) async fn write(
    transaction: &mut Transaction,
    statement: &'static Statement,
    new: &[NewDelivery],
    now: Timestamp,
    due: i64,
) -> Result<(), StorageError> {
    if new.is_empty() {
        return Ok(());
    }
    // a microsecond apart, so that they are taken in their order
    let rows = new.iter().zip(due..).map(|(one, next_at)| -> Vec<Value> {
        vec![
            one.id.into(),
            one.partner.0.into(),
            one.event.name().into(),
            one.transition.map(|id| id.0).into(),
            one.number.into(),
            one.happened_at.as_micros().into(),
            (&one.body).into(),
            next_at.into(),
        ]
    });
    transaction.execute(statement, Args::new().rows(rows.collect()).value(now.as_micros())).await.map(drop)
}

impl Webhooks {
    /// One.
    pub(crate) async fn delivery(&self, id: Uuid) -> Result<Option<Delivery>, StorageError> {
        self.database.query(&ONE, Args::new().value(id)).await?.first().map(delivery).transpose()
    }

    /// The page of at most `size` that begins after `after`, the newest first, and whether there are more.
    pub(crate) async fn deliveries(
        &self,
        filter: &DeliveryFilter,
        after: Option<Key>,
        size: u32,
    ) -> Result<(Vec<Delivery>, bool), StorageError> {
        let list = match (filter.partner, filter.state) {
            (Some(_), Some(DeliveryState::Dead)) => &DEAD_OF_PARTNER,
            (Some(_), _) => &OF_PARTNER,
            (None, Some(DeliveryState::Dead)) => &DEAD,
            (None, _) => &OF_ALL,
        };
        let (at, id) = after.map_or((i64::MAX, Uuid::max()), |(at, id)| (at.as_micros(), id));
        let args = Args::new().value(filter.partner.map(|id| id.0)).value(filter.state.map(DeliveryState::name));
        // one more than wanted tells whether there is a next page
        let args = args.value(filter.event.map(EventName::name)).value(at).value(id).value(i64::from(size) + 1);
        let rows = self.database.query(list, args).await?;
        let mut found: Vec<Delivery> = rows.iter().map(delivery).collect::<Result<_, _>>()?;
        let more = found.len() > size as usize;
        found.truncate(size as usize);
        Ok((found, more))
    }

    /// Begins one of a partner's anew, whatever became of it; before all that waits.
    pub(crate) async fn redeliver(&self, id: Uuid, partner: PartnerId) -> Result<(), StorageError> {
        self.database.execute(&AGAIN, Args::new().value(id).value(AT_ONCE)).await?;
        self.news.ask(partner);
        Ok(())
    }

    /// Forgets what was delivered long ago, and old tests. What is dead stays: somebody has yet to see it.
    pub(crate) async fn forget(&self) -> Result<u64, StorageError> {
        let now = self.ports.clock.now().as_micros();
        let before = |kept: Duration| Args::new().value(now - micros(kept)).value(FORGOTTEN_AT_ONCE);
        let delivered = self.database.execute(&FORGET, before(self.settings.keep_delivered)).await?;
        Ok(delivered + self.database.execute(&FORGET_TESTS, before(TESTS_KEPT)).await?)
    }
}

pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 2)
}

fn delivery(row: &Row) -> Result<Delivery, StorageError> {
    let name: String = row.get(7)?;
    let unknown = || StorageError::Statement(format!("a delivery as it is stored is in the state {name:?}, which is none"));
    let state = DeliveryState::from_name(&name).ok_or_else(unknown)?;
    let created_at = Timestamp::from_micros(row.get(5)?);
    let due = |at: i64| Timestamp::from_micros(at).max(created_at);
    let next_at = (state == DeliveryState::Pending).then(|| row.get(10).map(due)).transpose()?;
    Ok(Delivery {
        id: row.get(0)?,
        partner: PartnerId(row.get(1)?),
        event: row.get(2)?,
        transition: row.get::<Option<Uuid>>(3)?.map(TransitionId),
        happened_at: Timestamp::from_micros(row.get(4)?),
        created_at,
        body: row.get(6)?,
        state,
        attempts: row.get(8)?,
        tries: crate::model::from_json("the attempts of a delivery", &row.get::<String>(9)?)?,
        next_at,
        ended_at: row.get::<Option<i64>>(11)?.map(Timestamp::from_micros),
    })
}
