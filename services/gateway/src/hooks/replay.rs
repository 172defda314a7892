//! Events of the past once more: of all that happened to a partner's transitions within a time, whether it was delivered, is dead, was
//! forgotten, or was never wanted.
//!
//! After the transitions, warnings of budgets are told again.
//!
//! The histories are kept, so a replay has no limit. It is done in pages, each in a transaction that moves the place up to which it has
//! come: a crash repeats nothing and leaves nothing out.

use super::{EventName, Reached, Webhooks, deliveries, dispatch::entry, event::NewDelivery, reached, registration::from_names};
use planshift_domain::{
    ids::{PartnerId, TransitionId},
    time::Timestamp,
};
use planshift_storage::{Args, Row, Statement, StorageError};
use std::collections::BTreeSet;
use uuid::Uuid;

/// How many entries are read at once: the limit that stands in the statement.
const PAGE: usize = 500;
/// Where a replay is that has read all transitions.
const ALL_TRANSITIONS: i64 = i64::MAX;

macro_rules! replays {
    ($rest:literal) => {
        Statement::new(concat!(
            "SELECT id, partner_id, created_at, actor, from_at, to_at, event, started_at, transition_id, number, found, ended_at,
                    warnings_at, warnings_of
             FROM webhook_replays ",
            $rest
        ))
    };
}
static ONE: Statement = replays!("WHERE id = $1 AND partner_id = $2");
static RUNNING: Statement = replays!("WHERE ended_at IS NULL ORDER BY created_at, id LIMIT 1");
static INSERT: Statement = Statement::new(
    "INSERT INTO webhook_replays (id, partner_id, created_at, actor, from_at, to_at, event, started_at, transition_id, number, found)
     SELECT $1::uuid, $2::uuid, $3::bigint, $4::text, $5::bigint, $6::bigint, $7::text, $8::bigint, $9::uuid, 0, 0 WHERE true
     ON CONFLICT (id) DO NOTHING",
);
// transitions by their key, and what is within the time of each: what was accepted later has no earlier entry
static PAGE_OF: Statement = Statement::new(
    "SELECT t.started_at, t.id, h.number, h.body
     FROM transitions AS t CROSS JOIN history AS h
     WHERE t.partner_id = $1 AND (t.started_at, t.id) >= ($2::bigint, $3::uuid) AND t.started_at < $4::bigint
       AND h.transition_id = t.id AND (t.id <> $3::uuid OR h.number > $5::bigint)
     ORDER BY t.started_at, t.id, h.number LIMIT 500",
);
static MOVE_WARNINGS: Statement = Statement::new(
    "UPDATE webhook_replays SET warnings_at = $2, warnings_of = $3, found = found + $4, ended_at = $5
     WHERE id = $1 AND warnings_at = $6 AND warnings_of = $7 AND ended_at IS NULL",
);
static WANTED: Statement = Statement::new("SELECT events FROM webhook_registrations WHERE partner_id = $1");
static MOVE: Statement = Statement::new(
    "UPDATE webhook_replays SET started_at = $2, transition_id = $3, number = $4, found = found + $5
     WHERE id = $1 AND started_at = $6 AND transition_id = $7 AND number = $8 AND ended_at IS NULL",
);

/// What is to be told again.
#[derive(Clone, Debug)]
pub(crate) struct NewReplay {
    pub(crate) id: Uuid,
    pub(crate) partner: PartnerId,
    pub(crate) actor: String,
    /// From then on.
    pub(crate) from: Timestamp,
    /// Before that.
    pub(crate) to: Timestamp,
    /// Of this name alone.
    pub(crate) event: Option<EventName>,
}

/// A replay, and how far it is.
#[derive(Clone, Debug)]
pub(crate) struct Replay {
    pub(crate) id: Uuid,
    pub(crate) partner: PartnerId,
    pub(crate) created_at: Timestamp,
    pub(crate) actor: String,
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) event: Option<String>,
    /// How many events were found so far.
    pub(crate) found: u64,
    /// When all were found; they are sent as others are.
    pub(crate) ended_at: Option<Timestamp>,
    place: (i64, Uuid, u32),
    /// Up to where warnings were read: after the transitions.
    warnings: (i64, Uuid),
}

impl Webhooks {
    /// Begins a replay, or finds it begun.
    pub(crate) async fn begin_replay(&self, new: &NewReplay) -> Result<(), StorageError> {
        let args = Args::new()
            .value(new.id)
            .value(new.partner.0)
            .value(self.ports.clock.now().as_micros())
            .value(&new.actor)
            .value(new.from.as_micros())
            .value(new.to.as_micros())
            .value(new.event.map(EventName::name))
            .value(i64::MIN)
            .value(Uuid::nil());
        self.database.execute(&INSERT, args).await?;
        self.news.to_dispatch.notify_one();
        Ok(())
    }

    /// A replay of a partner's.
    pub(crate) async fn replay(&self, id: Uuid, partner: PartnerId) -> Result<Option<Replay>, StorageError> {
        self.database.query(&ONE, Args::new().value(id).value(partner.0)).await?.first().map(replay).transpose()
    }

    /// Does the next page of the oldest replay; is there more to do?
    pub(super) async fn replay_round(&self) -> Result<bool, StorageError> {
        let rows = self.database.query(&RUNNING, Args::new()).await?;
        let Some(replay) = rows.first().map(replay).transpose()? else { return Ok(false) };
        let (started_at, transition, number) = replay.place;
        if started_at == ALL_TRANSITIONS {
            return self.replay_warnings(&replay).await;
        }
        let args = Args::new().value(replay.partner.0).value(started_at).value(transition);
        let rows = self.database.query(&PAGE_OF, args.value(replay.to.as_micros()).value(number)).await?;
        let wanted = self.wanted_by(replay.partner).await?;
        let mut new = Vec::new();
        for row in &rows {
            let transition = TransitionId(row.get(1)?);
            let Some(entry) = entry(transition, &row.get::<String>(3)?) else { continue };
            let is_within = entry.at >= replay.from && entry.at < replay.to;
            let delivery = NewDelivery::of(&self.base, replay.partner, transition, &entry).filter(|_| is_within);
            new.extend(
                delivery.filter(|one| wanted.contains(&one.event) && replay.event.as_deref().is_none_or(|name| name == one.event.name())),
            );
        }
        let is_full = rows.len() == PAGE;
        let reached = match rows.last().filter(|_| is_full) {
            Some(last) => (last.get(0)?, last.get(1)?, last.get(2)?),
            None => (ALL_TRANSITIONS, Uuid::nil(), 0),
        };
        let now = self.ports.clock.now();
        let mut transaction = self.database.begin().await?;
        let (to_start, to_transition, to_number): (i64, Uuid, u32) = reached;
        let found = i64::try_from(new.len()).unwrap_or_default();
        let args = Args::new().value(replay.id).value(to_start).value(to_transition).value(to_number).value(found);
        let args = args.value(started_at).value(transition).value(number);
        if transaction.execute(&MOVE, args).await? == 0 {
            // another dispatcher was faster
            transaction.rollback().await?;
            return Ok(true);
        }
        deliveries::insert_again(&mut transaction, &new, now).await?;
        transaction.commit().await?;
        if !new.is_empty() {
            self.news.to_send.notify_one();
        }
        Ok(true)
    }

    /// The next page of warnings.
    async fn replay_warnings(&self, replay: &Replay) -> Result<bool, StorageError> {
        let (at, of) = replay.warnings;
        let is_wanted = self.wanted_by(replay.partner).await?.contains(&EventName::ThresholdExceeded)
            && replay.event.as_deref().is_none_or(|name| name == EventName::ThresholdExceeded.name());
        let args = Args::new().value(replay.partner.0).value(replay.from.as_micros()).value(replay.to.as_micros());
        let args = args.value(at).value(of).value(if is_wanted { PAGE as i64 } else { 0 });
        let rows = self.database.query(&reached::TOLD, args).await?;
        let mut told: Vec<Reached> = rows.iter().map(Reached::of).collect::<Result<_, _>>()?;
        let is_full = told.len() == PAGE;
        if is_full && let Some(last) = told.pop() {
            // two months of a customer have one key: they are read together
            while told.len() > 1 && told.last().is_some_and(|one| (one.at, one.customer) == (last.at, last.customer)) {
                told.pop();
            }
        }
        let new: Vec<NewDelivery> = told.iter().map(|one| NewDelivery::reached(&self.base, one)).collect();
        let now = self.ports.clock.now();
        let next = told.last().filter(|_| is_full);
        let (to_at, to_of) = next.map_or((at, of), |last| (last.at.as_micros(), last.customer.0));
        let mut transaction = self.database.begin().await?;
        let found = i64::try_from(new.len()).unwrap_or_default();
        let args = Args::new().value(replay.id).value(to_at).value(to_of).value(found);
        let args = args.value(next.is_none().then_some(now.as_micros())).value(at).value(of);
        if transaction.execute(&MOVE_WARNINGS, args).await? == 0 {
            // another dispatcher was faster
            transaction.rollback().await?;
            return Ok(true);
        }
        deliveries::insert_again(&mut transaction, &new, now).await?;
        transaction.commit().await?;
        if !new.is_empty() {
            self.news.to_send.notify_one();
        }
        Ok(true)
    }

    async fn wanted_by(&self, partner: PartnerId) -> Result<BTreeSet<EventName>, StorageError> {
        let wanted = self.database.query(&WANTED, Args::new().value(partner.0)).await?;
        Ok(wanted.first().map(|row| Ok::<_, StorageError>(from_names(&row.get::<String>(0)?))).transpose()?.unwrap_or_default())
    }
}

fn replay(row: &Row) -> Result<Replay, StorageError> {
    Ok(Replay {
        id: row.get(0)?,
        partner: PartnerId(row.get(1)?),
        created_at: Timestamp::from_micros(row.get(2)?),
        actor: row.get(3)?,
        from: Timestamp::from_micros(row.get(4)?),
        to: Timestamp::from_micros(row.get(5)?),
        event: row.get(6)?,
        place: (row.get(7)?, row.get(8)?, row.get(9)?),
        found: row.get::<u32>(10)?.into(),
        ended_at: row.get::<Option<i64>>(11)?.map(Timestamp::from_micros),
        warnings: (row.get(12)?, row.get(13)?),
    })
}
