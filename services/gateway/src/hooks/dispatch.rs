//! From the feed to deliveries: what came after the place where the feed was read up to, and the place itself, in one transaction.
//!
//! A batch is read without any lock. The transaction that keeps it begins by moving the place from where the batch began: of several
//! dispatchers that have read the same, one finds the place there, and the others have done nothing. A crash before the commit leaves
//! the place where it was; after it, the deliveries are there.

use super::{Webhooks, deliveries, event::NewDelivery, registration::from_names};
use crate::hub::FeedWaiter;
use planshift_domain::{
    history::HistoryEntry,
    ids::{PartnerId, TransitionId},
};
use planshift_storage::{Args, Row, Statement, StorageError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How many entries are read at once: the limit that stands in the statement.
const BATCH: usize = 500;
/// How often it is looked whether somebody has registered at another replica, while nobody has.
pub(super) const NOBODY: Duration = Duration::from_secs(5);
/// How long what was heard of is left to become more: a burst is read in few batches, and the place is moved ten times a second at most.
const GATHER: Duration = Duration::from_millis(100);

static PLACE: Statement = Statement::new(
    "SELECT c.change, c.transition_id, c.number, f.value FROM webhook_cursor AS c CROSS JOIN feed_clock AS f WHERE c.one = 1 AND f.one = 1",
);
static MOVE: Statement = Statement::new(
    "UPDATE webhook_cursor SET change = $1, transition_id = $2, number = $3
     WHERE one = 1 AND change = $4 AND transition_id = $5 AND number = $6",
);
// Cut out of the order before anything is joined to it; what no registration asks for has no body.
static NEXT: Statement = Statement::new(
    "SELECT h.change, h.transition_id, h.number, t.partner_id, w.events, CASE WHEN h.change > w.since THEN h.body END
     FROM (SELECT change, transition_id, number, body FROM history
           WHERE (change, transition_id, number) > ($1::bigint, $2::uuid, $3::bigint) AND change <= $4::bigint
           ORDER BY change, transition_id, number LIMIT 500) AS h
     LEFT JOIN transitions AS t ON t.id = h.transition_id
     LEFT JOIN webhook_registrations AS w ON w.partner_id = t.partner_id
     ORDER BY h.change, h.transition_id, h.number",
);

/// Up to where the feed was read: an entry, or everything of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    change: i64,
    transition: Uuid,
    number: u32,
}

impl Place {
    const fn after(change: i64) -> Self {
        Self { change, transition: Uuid::max(), number: u32::MAX }
    }

    fn of(row: &Row) -> Result<Self, StorageError> {
        Ok(Self { change: row.get(0)?, transition: row.get(1)?, number: row.get(2)? })
    }

    fn args(self, args: Args) -> Args {
        args.value(self.change).value(self.transition).value(self.number)
    }
}

/// What there is to do after a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Round {
    /// There may be more.
    More,
    /// Everything up to now is told.
    Done,
    /// Nobody wants anything.
    Nobody,
}

impl Webhooks {
    /// Makes deliveries of what happens until `stop`, and of what is to be told again.
    pub(crate) async fn dispatch(self, stop: CancellationToken) {
        if !self.settings.sends {
            return;
        }
        // heard only while somebody has registered: else nothing has to look at the feed
        let mut heard: Option<FeedWaiter> = None;
        loop {
            let round = self.round().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "webhooks are not made of what has happened; the next round will");
                Round::Done
            });
            let pause = match round {
                Round::More if stop.is_cancelled() => return,
                Round::More => continue,
                Round::Done => {
                    heard.get_or_insert_with(|| self.hub.wait_for_any());
                    self.settings.look
                }
                Round::Nobody => {
                    heard = None;
                    NOBODY
                }
            };
            let changed = async {
                match &mut heard {
                    Some(waiter) => waiter.changed().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.news.to_dispatch.notified() => {}
                () = self.ports.clock.sleep(pause) => {}
                () = changed => self.ports.clock.sleep(GATHER).await,
            }
        }
    }

    /// The next batch of what happens, and a page of what is told again.
    async fn round(&self) -> Result<Round, StorageError> {
        let round = self.dispatch_round().await?;
        if round == Round::Nobody || !self.replay_round().await? {
            return Ok(round);
        }
        Ok(Round::More)
    }

    /// Makes deliveries of the next batch.
    pub(super) async fn dispatch_round(&self) -> Result<Round, StorageError> {
        let rows = self.database.query(&PLACE, Args::new()).await?;
        let Some(row) = rows.first() else { return Ok(Round::Nobody) };
        // read with the clock, before anything else: what changes meanwhile has a higher number
        let (place, now) = (Place::of(row)?, row.get::<i64>(3)?);
        if !self.anybody().await? {
            return Ok(Round::Nobody);
        }
        if place.change > now || place == Place::after(now) {
            return Ok(Round::Done);
        }
        let rows = self.database.query(&NEXT, place.args(Args::new()).value(now)).await?;
        let mut new = Vec::new();
        for row in &rows {
            new.extend(self.wanted(row)?);
        }
        let is_full = rows.len() == BATCH;
        let reached = match rows.last().filter(|_| is_full) {
            Some(last) => Place::of(last)?,
            None => Place::after(now),
        };
        let mut transaction = self.database.begin().await?;
        if transaction.execute(&MOVE, place.args(reached.args(Args::new()))).await? == 0 {
            // another dispatcher was faster, or somebody has registered as the first
            transaction.rollback().await?;
            return Ok(Round::More);
        }
        deliveries::insert(&mut transaction, &new, self.ports.clock.now()).await?;
        transaction.commit().await?;
        if !new.is_empty() {
            tracing::debug!(deliveries = new.len(), "webhooks are to be sent");
            self.news.to_send.notify_one();
        }
        Ok(if is_full { Round::More } else { Round::Done })
    }

    fn wanted(&self, row: &Row) -> Result<Option<NewDelivery>, StorageError> {
        let (Some(partner), Some(events), Some(body)) =
            (row.get::<Option<Uuid>>(3)?, row.get::<Option<String>>(4)?, row.get::<Option<String>>(5)?)
        else {
            return Ok(None);
        };
        let (partner, transition) = (PartnerId(partner), TransitionId(row.get(1)?));
        let delivery = entry(transition, &body).and_then(|entry| NewDelivery::of(&self.base, partner, transition, &entry));
        Ok(delivery.filter(|delivery| from_names(&events).contains(&delivery.event)))
    }
}

/// An entry as it is stored. One that cannot be read is passed over: nobody's events are to wait behind it for ever.
pub(super) fn entry(transition: TransitionId, body: &str) -> Option<HistoryEntry> {
    let read = crate::model::from_json("a history entry", body);
    read.inspect_err(|error| tracing::error!(%transition, %error, "no webhook tells of an entry of a history")).ok()
}
