//! Who wants which events, and where: one registration for each partner.

use super::{EventName, Webhooks};
use planshift_domain::{ids::PartnerId, time::Timestamp};
use planshift_storage::{Args, Row, Statement, StorageError, Transaction};
use std::collections::BTreeSet;
use uuid::Uuid;

static FIND: Statement =
    Statement::new("SELECT partner_id, subscriber_id, url, events, changed_at, actor FROM webhook_registrations WHERE partner_id = $1");
static ANY: Statement = Statement::new("SELECT partner_id FROM webhook_registrations LIMIT 1");
/// Held until a registration is made: the dispatcher, and whoever makes another, waits.
static LOCK: Statement = Statement::new("SELECT change FROM webhook_cursor WHERE one = 1 {for update}");
static CLOCK: Statement = Statement::new("SELECT value FROM feed_clock WHERE one = 1");
static MOVE: Statement = Statement::new(
    "UPDATE webhook_cursor SET change = $1, transition_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff', number = 4294967295
     WHERE one = 1 AND change < $1",
);
static INSERT: Statement = Statement::new(
    "INSERT INTO webhook_registrations (partner_id, subscriber_id, url, events, since, changed_at, actor)
     SELECT $1::uuid, $2::uuid, $3::text, $4::text, $5::bigint, $6::bigint, $7::text WHERE true
     ON CONFLICT (partner_id) DO NOTHING",
);
static UPDATE: Statement = Statement::new(
    "UPDATE webhook_registrations SET subscriber_id = $2, url = $3, events = $4, changed_at = $5, actor = $6 WHERE partner_id = $1",
);
static DELETE: Statement = Statement::new("DELETE FROM webhook_registrations WHERE partner_id = $1");
static GIVE_UP: Statement =
    Statement::new("UPDATE webhook_deliveries SET state = 'dead', lease = NULL, ended_at = $2 WHERE partner_id = $1 AND state = 'pending'");

/// A registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    pub(crate) partner: PartnerId,
    /// What the partner knows it by.
    pub(crate) subscriber: Uuid,
    pub(crate) url: String,
    pub(crate) events: BTreeSet<EventName>,
    pub(crate) changed_at: Timestamp,
    pub(crate) actor: String,
}

/// What became of one that was to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Registered {
    Now,
    /// The partner has one.
    Before,
}

/// Names, each between commas: a statement can look for one.
pub(super) fn names(events: &BTreeSet<EventName>) -> String {
    events.iter().fold(",".to_owned(), |text, event| text + event.name() + ",")
}

/// A name that is none is of another version of this program: it is passed over.
pub(super) fn from_names(text: &str) -> BTreeSet<EventName> {
    text.split(',').filter_map(EventName::from_name).collect()
}

impl Webhooks {
    /// The partner's.
    pub(crate) async fn registration(&self, partner: PartnerId) -> Result<Option<Registration>, StorageError> {
        self.database.query(&FIND, Args::new().value(partner.0)).await?.first().map(registration).transpose()
    }

    /// Makes the partner's, where there is none: what happens from now on is told.
    pub(crate) async fn register(&self, new: &Registration) -> Result<Registered, StorageError> {
        let mut transaction = self.database.begin().await?;
        let registered = insert(&mut transaction, new).await?;
        transaction.commit().await?;
        if registered == Registered::Now && self.settings.public_url.is_none() && !self.settings.allow_internal {
            tracing::warn!(base = %self.base, "a webhook is registered, and PLANSHIFT_PUBLIC_URL is not set: events name this address");
        }
        self.news.to_dispatch.notify_one();
        self.news.ask(new.partner);
        Ok(registered)
    }

    /// Changes it; false where there is none. What waits to be sent goes to the new URL.
    pub(crate) async fn change_registration(&self, to: &Registration) -> Result<bool, StorageError> {
        let args = Args::new().value(to.partner.0).value(to.subscriber).value(&to.url).value(names(&to.events));
        let changed = self.database.execute(&UPDATE, args.value(to.changed_at.as_micros()).value(&to.actor)).await? > 0;
        self.news.ask(to.partner);
        Ok(changed)
    }

    /// Takes it away; false where there is none. What waits to be sent is dead: it may be delivered once there is another.
    pub(crate) async fn unregister(&self, partner: PartnerId) -> Result<bool, StorageError> {
        let mut transaction = self.database.begin().await?;
        let gone = transaction.execute(&DELETE, Args::new().value(partner.0)).await? > 0;
        let now = self.ports.clock.now().as_micros();
        transaction.execute(&GIVE_UP, Args::new().value(partner.0).value(now)).await?;
        transaction.commit().await?;
        Ok(gone)
    }

    /// Has anybody registered?
    pub(super) async fn anybody(&self) -> Result<bool, StorageError> {
        Ok(!self.database.query(&ANY, Args::new()).await?.is_empty())
    }
}

async fn insert(transaction: &mut Transaction, new: &Registration) -> Result<Registered, StorageError> {
    transaction.query(&LOCK, Args::new()).await?;
    let clock: i64 = transaction.query(&CLOCK, Args::new()).await?.first().map_or(Ok(0), |row| row.get(0))?;
    if transaction.query(&ANY, Args::new()).await?.is_empty() {
        // nobody was told of anything, and the place was left where it was
        transaction.execute(&MOVE, Args::new().value(clock)).await?;
    }
    let args = Args::new().value(new.partner.0).value(new.subscriber).value(&new.url).value(names(&new.events));
    let args = args.value(clock).value(new.changed_at.as_micros()).value(&new.actor);
    Ok(if transaction.execute(&INSERT, args).await? > 0 { Registered::Now } else { Registered::Before })
}

fn registration(row: &Row) -> Result<Registration, StorageError> {
    Ok(Registration {
        partner: PartnerId(row.get(0)?),
        subscriber: row.get(1)?,
        url: row.get(2)?,
        events: from_names(&row.get::<String>(3)?),
        changed_at: Timestamp::from_micros(row.get(4)?),
        actor: row.get(5)?,
    })
}
