//! One pass through the dead letters at a time, in this process and of all replicas.

use super::LettersError;
use planshift_messaging::{BrokerError, Delivery, Letters, SharedBroker};
use planshift_storage::{Args, Database, Statement, StorageError};
use planshift_worker::Ports;
use std::{sync::Arc, time::Duration};
use tokio::sync::{Mutex, OwnedMutexGuard};
use uuid::Uuid;

/// How long somebody looks: behind him others wait. What he has not come to, he is told.
pub(super) const LOOKING: Duration = Duration::from_secs(15);
/// How long a pass may go on that has to come to its end.
pub(super) const WORKING: Duration = Duration::from_secs(300);
/// How long the lease holds where its holder neither renews it nor gives it back: so long others wait after a crash.
const LEASE: Duration = Duration::from_secs(15);
/// How often a pass that goes on renews it.
const RENEW: Duration = Duration::from_secs(3);
/// How long one waits for the pass of another.
const PATIENCE: Duration = Duration::from_secs(20);
/// The pause between two looks whether the other's is over.
const LOOK: Duration = Duration::from_millis(100);

static TAKE: Statement = Statement::new("UPDATE letter_pass SET holder = $1, until = $2 WHERE one = 1 AND until < $3 RETURNING one");
static RENEWED: Statement = Statement::new("UPDATE letter_pass SET until = $2 WHERE one = 1 AND holder = $1");
static GIVE_BACK: Statement = Statement::new("UPDATE letter_pass SET until = 0 WHERE one = 1 AND holder = $1");

/// Begins passes. Cheap to clone; clones share.
#[derive(Clone)]
pub(super) struct Passes {
    database: Database,
    broker: SharedBroker,
    ports: Ports,
    here: Arc<Mutex<()>>,
}

/// A pass under way.
pub(super) struct Pass {
    letters: Box<dyn Letters>,
    until: Duration,
    renew_at: Duration,
    passes: Passes,
    holder: Uuid,
    _here: OwnedMutexGuard<()>,
    /// It came to the end of what is there.
    pub(super) complete: bool,
}

impl Passes {
    pub(super) fn new(database: Database, broker: SharedBroker, ports: Ports) -> Self {
        Self { database, broker, ports, here: Arc::default() }
    }

    /// Begins a pass of at most so long, when no other is under way.
    pub(super) async fn begin(&self, time: Duration) -> Result<Pass, LettersError> {
        let here = tokio::select! {
            here = self.here.clone().lock_owned() => here,
            () = self.ports.clock.sleep(PATIENCE) => return Err(LettersError::Busy),
        };
        let holder = self.ports.random.id();
        let since = self.since_epoch();
        while !self.take(holder).await? {
            if self.since_epoch() > since + PATIENCE {
                return Err(LettersError::Busy);
            }
            self.ports.clock.sleep(LOOK).await;
        }
        match self.broker.letters().await {
            Ok(letters) => {
                let now = self.since_epoch();
                let (until, renew_at) = (now + time, now + RENEW);
                Ok(Pass { letters, until, renew_at, passes: self.clone(), holder, _here: here, complete: false })
            }
            Err(error) => {
                self.give_back(holder).await;
                Err(error.into())
            }
        }
    }

    async fn take(&self, holder: Uuid) -> Result<bool, StorageError> {
        let now = self.ports.clock.now().as_micros();
        Ok(!self.database.query(&TAKE, Args::new().value(holder).value(now + lease()).value(now)).await?.is_empty())
    }

    /// One that was lost meanwhile is not had back: the other sees what this pass does not hold.
    async fn renew(&self, holder: Uuid) -> Result<(), StorageError> {
        let until = self.ports.clock.now().as_micros() + lease();
        self.database.execute(&RENEWED, Args::new().value(holder).value(until)).await.map(drop)
    }

    async fn give_back(&self, holder: Uuid) {
        if let Err(error) = self.database.execute(&GIVE_BACK, Args::new().value(holder)).await {
            tracing::debug!(%error, "the lease on the dead letters ends by itself");
        }
    }

    fn since_epoch(&self) -> Duration {
        Duration::from_micros(self.ports.clock.now().as_micros().unsigned_abs())
    }
}

/// In microseconds.
fn lease() -> i64 {
    i64::try_from(LEASE.as_micros()).unwrap_or(i64::MAX / 2)
}

impl Pass {
    /// The next letter; `None` at the end of what is there, or of the pass's time.
    pub(super) async fn next(&mut self) -> Result<Option<Delivery>, LettersError> {
        let now = self.passes.since_epoch();
        if self.complete || now > self.until {
            return Ok(None);
        }
        if now > self.renew_at {
            self.passes.renew(self.holder).await?;
            self.renew_at = now + RENEW;
        }
        let next = self.letters.next().await?;
        self.complete = next.is_none();
        Ok(next)
    }

    /// See [`Letters::take_out`].
    pub(super) async fn take_out(&mut self, delivery: &Delivery) -> Result<(), BrokerError> {
        self.letters.take_out(delivery.tag).await
    }

    /// Puts back what was not taken out, and lets others look.
    pub(super) async fn end(self) {
        self.letters.end().await;
        self.passes.give_back(self.holder).await;
    }
}
