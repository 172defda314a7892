//! What is to be sent: taken with a lease, so that of several replicas one sends it, and what became of it.
//!
//! A lease ends by itself: what its holder did not tell of by then is sent again, by whoever takes it next, under the same id. Who
//! tells of an outcome must still have the lease.

use super::{
    Webhooks,
    deliveries::{DeliveryState, Try, micros},
};
use planshift_domain::{
    ids::{PartnerId, TransitionId},
    time::Timestamp,
};
use planshift_storage::{Args, Row, Statement, StorageError, Value};
use std::time::Duration;
use uuid::Uuid;

/// How long a lease holds: longer than a batch takes at most.
const LEASE: Duration = Duration::from_secs(45);
/// How many attempts of a delivery are kept, the newest.
const TRIES_KEPT: usize = 20;

// For each registration one look into an index, whatever waits.
static PARTNERS: Statement = Statement::new(
    "SELECT w.partner_id, w.url FROM webhook_registrations AS w
     WHERE EXISTS (SELECT 1 FROM webhook_deliveries AS d WHERE d.partner_id = w.partner_id AND d.state = 'pending' AND d.next_at <= $1)",
);
static TAKE: Statement = Statement::new(
    "UPDATE webhook_deliveries SET lease = $1, next_at = $2
     WHERE id IN (SELECT id FROM webhook_deliveries WHERE partner_id = $3 AND state = 'pending' AND next_at <= $4
                  ORDER BY next_at, id LIMIT $5 {for update skip locked})
     RETURNING id, event, transition_id, number, happened_at, body, attempts, tries",
);
static TELL: Statement = Statement::new(
    "UPDATE webhook_deliveries SET state = r.state, attempts = r.attempts, tries = r.tries, next_at = r.next_at, ended_at = r.ended_at,
         lease = NULL
     FROM {1: id uuid, state text, attempts bigint, tries text, next_at bigint, ended_at bigint} AS r
     WHERE webhook_deliveries.id = r.id AND webhook_deliveries.lease = $2::uuid AND webhook_deliveries.state = 'pending'",
);

/// A partner to whom something is to be sent.
#[derive(Clone, Debug)]
pub(super) struct DuePartner {
    pub(super) partner: PartnerId,
    pub(super) url: String,
}

/// A delivery that was taken.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) id: Uuid,
    pub(super) event: String,
    pub(super) transition: Option<TransitionId>,
    number: u32,
    happened_at: i64,
    pub(super) body: String,
    pub(super) attempts: u32,
    tries: Vec<Try>,
}

/// What became of a delivery that was taken.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// The receiver has it.
    Delivered(Try),
    /// It has not; again at that time.
    Again(Try, Timestamp),
    /// It has not, and that was the last attempt.
    Dead(Try),
    /// It was not tried: it is due as before.
    Untried,
}

impl Webhooks {
    /// Those to whom something is due.
    pub(super) async fn due_partners(&self) -> Result<Vec<DuePartner>, StorageError> {
        let rows = self.database.query(&PARTNERS, Args::new().value(self.ports.clock.now().as_micros())).await?;
        rows.iter().map(|row| Ok(DuePartner { partner: PartnerId(row.get(0)?), url: row.get(1)? })).collect()
    }

    /// Takes at most so many of a partner's, in the order in which they happened; and the lease.
    pub(super) async fn take(&self, partner: PartnerId, most: u32) -> Result<(Uuid, Vec<Taken>), StorageError> {
        let (lease, now) = (self.ports.random.id(), self.ports.clock.now().as_micros());
        let args = Args::new().value(lease).value(now + micros(LEASE)).value(partner.0).value(now).value(most);
        let rows = self.database.query(&TAKE, args).await?;
        let mut taken: Vec<Taken> = rows.iter().map(taken).collect::<Result<_, _>>()?;
        taken.sort_by_key(|one| (one.happened_at, one.transition, one.number, one.id));
        Ok((lease, taken))
    }

    /// Tells what became of what was taken under a lease. The same told twice is told once.
    pub(super) async fn tell(&self, lease: Uuid, outcomes: &[(Taken, Outcome)]) -> Result<(), StorageError> {
        if outcomes.is_empty() {
            return Ok(());
        }
        let now = self.ports.clock.now().as_micros();
        // what was not tried stays in its order: a microsecond apart
        let rows = outcomes.iter().zip(now..).map(|((taken, outcome), due)| row(taken, outcome, now, due));
        let mut rows: Vec<(Uuid, Vec<Value>)> = rows.collect::<Result<_, _>>()?;
        // as others lock them that write several
        rows.sort_by_key(|(id, _)| *id);
        let rows = rows.into_iter().map(|(_, row)| row).collect();
        self.database.execute(&TELL, Args::new().rows(rows).value(lease)).await.map(drop)
    }
}

fn row(taken: &Taken, outcome: &Outcome, now: i64, due: i64) -> Result<(Uuid, Vec<Value>), StorageError> {
    let (state, next_at, attempted) = match outcome {
        Outcome::Delivered(attempted) => (DeliveryState::Delivered, now, Some(attempted)),
        Outcome::Again(attempted, at) => (DeliveryState::Pending, at.as_micros(), Some(attempted)),
        Outcome::Dead(attempted) => (DeliveryState::Dead, now, Some(attempted)),
        Outcome::Untried => (DeliveryState::Pending, due, None),
    };
    let attempts = taken.attempts + u32::from(attempted.is_some());
    let tries: Vec<&Try> = taken.tries.iter().chain(attempted).collect();
    let tries = crate::model::to_json(&tries[tries.len().saturating_sub(TRIES_KEPT)..].to_vec())?;
    let ended_at = (state != DeliveryState::Pending).then_some(now);
    Ok((taken.id, vec![taken.id.into(), state.name().into(), attempts.into(), tries.into(), next_at.into(), ended_at.into()]))
}

fn taken(row: &Row) -> Result<Taken, StorageError> {
    Ok(Taken {
        id: row.get(0)?,
        event: row.get(1)?,
        transition: row.get::<Option<Uuid>>(2)?.map(TransitionId),
        number: row.get(3)?,
        happened_at: row.get(4)?,
        body: row.get(5)?,
        attempts: row.get(6)?,
        tries: crate::model::from_json("the attempts of a delivery", &row.get::<String>(7)?)?,
    })
}
