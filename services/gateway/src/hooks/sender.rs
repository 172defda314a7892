//! The sender: batches of several partners side by side, of each partner one.
//!
//! Whoever was served longest ago comes first, and one whose receiver is away gets a batch of one, now and then ([`super::receivers`]).
//! So a receiver that answers nobody holds one place for as long as a request may take, and never keeps another partner's events waiting
//! behind its own.

use super::{
    Webhooks,
    dispatch::NOBODY,
    due::{DuePartner, Outcome, Taken},
    receivers::{Receivers, is_away},
    retry,
    signer::{Signing, SigningKeyError},
};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use planshift_domain::{ids::PartnerId, time::Timestamp};
use planshift_storage::StorageError;
use planshift_worker::metrics::WEBHOOKS;
use reqwest::Client;
use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How many partners are served at once.
const PARTNERS: usize = 64;
/// How many transitions of a batch are told of at once.
const WIDTH: usize = 8;
/// After this long nothing more of a batch is begun: with the last request, it stays within its lease.
const BATCH_TIME: f64 = 20.0;
/// How long requests under way may take when the program is stopped; they are made again then, under the same id.
const STOP_TIME: Duration = Duration::from_secs(2);

/// How often what became of a batch is told, and the pause before it is told again.
const TELLS: u32 = 5;
const TELL_PAUSE: Duration = Duration::from_millis(500);
/// How long a partner waits when the fault is here.
const TROUBLE: Duration = Duration::from_secs(5);

/// A partner that was served: whether its receiver is there.
type Served = (PartnerId, bool);

/// What a batch is sent with.
struct With {
    client: Client,
    signing: Arc<Signing>,
}

/// Why nothing could be sent: no fault of the receiver, and nothing that is counted.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("there can be no HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    #[error(transparent)]
    Key(#[from] SigningKeyError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Webhooks {
    /// Sends what is due until `stop`.
    pub(crate) async fn send(self, stop: CancellationToken) {
        if !self.settings.sends {
            return;
        }
        for outcome in ["delivered", "failed", "dead"] {
            self.metrics.add(WEBHOOKS, &[("outcome", outcome)], 0);
        }
        let mut serving: stream::FuturesUnordered<BoxFuture<'static, Served>> = stream::FuturesUnordered::new();
        let (mut busy, mut receivers) = (HashSet::new(), Receivers::default());
        while !stop.is_cancelled() {
            let mut due = self.due_partners().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "webhooks are not sent now; the next look will");
                Vec::new()
            });
            // an empty table is looked at less often; what is made here is told of
            let nobody = due.is_empty() && busy.is_empty() && self.anybody().await.is_ok_and(|anybody| !anybody);
            self.news.asked().into_iter().for_each(|partner| receivers.forget(partner));
            let now = self.ports.clock.now();
            due.retain(|one| !busy.contains(&one.partner) && receivers.may_be_called(one.partner, now));
            due.sort_by_key(|one| receivers.turn(one.partner));
            due.truncate(PARTNERS.saturating_sub(busy.len()));
            for one in due {
                busy.insert(one.partner);
                let most = receivers.batch(one.partner);
                serving.push(self.begin(one, most, stop.clone()));
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some((partner, is_well)) = serving.next() => {
                    busy.remove(&partner);
                    receivers.served(partner, is_well, self.ports.clock.now(), self.ports.random.fraction());
                }
                () = self.news.to_send.notified() => {}
                () = self.ports.clock.sleep(if nobody { NOBODY } else { self.settings.look }) => {}
            }
        }
        // each ends by itself soon, and tells what became of what it had
        while serving.next().await.is_some() {}
    }

    /// Begins to serve a partner, on its own: signatures of many partners are made by as many threads as there are.
    fn begin(&self, due: DuePartner, most: u32, stop: CancellationToken) -> BoxFuture<'static, Served> {
        let (partner, (done, served)) = (due.partner, oneshot::channel());
        let serving = self.clone().serve(due, most, stop);
        let task = self.ports.spawn.spawn(Box::pin(async move {
            // nobody may be there any more to hear of it
            let _ = done.send(serving.await);
        }));
        drop(task); // it goes on
        async move { served.await.unwrap_or((partner, false)) }.boxed()
    }

    /// Sends a batch of a partner's.
    async fn serve(self, due: DuePartner, most: u32, stop: CancellationToken) -> Served {
        let partner = due.partner;
        let is_well = match self.serve_batch(&due, most, &stop).await {
            Ok(is_well) => is_well,
            Err(error) => {
                tracing::warn!(%partner, %error, "the events of a partner wait");
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = self.ports.clock.sleep(TROUBLE) => {}
                }
                false
            }
        };
        (partner, is_well)
    }

    async fn serve_batch(&self, due: &DuePartner, most: u32, stop: &CancellationToken) -> Result<bool, Trouble> {
        let with = With { client: self.caller.client().await?, signing: self.signing().await? };
        let (lease, taken) = self.take(due.partner, most).await?;
        // events of one transition go one after the other, so that they come in their order where nothing fails
        let mut groups: BTreeMap<_, Vec<Taken>> = BTreeMap::new();
        for one in taken {
            groups.entry(one.transition.map_or(one.id, |transition| transition.0)).or_default().push(one);
        }
        let (begun, failed) = (self.ports.clock.now(), AtomicBool::new(false));
        let cut = async {
            stop.cancelled().await;
            self.ports.clock.sleep(STOP_TIME).await;
        }
        .shared();
        let outcomes = stream::iter(groups.into_values()).map(|group| {
            let (cut, failed, with) = (cut.clone(), &failed, &with);
            async move {
                let mut outcomes = Vec::with_capacity(group.len());
                for one in group {
                    let is_late = self.ports.clock.now().seconds_since(begun) > BATCH_TIME;
                    let outcome = if is_late || stop.is_cancelled() || failed.load(Ordering::Relaxed) {
                        Outcome::Untried
                    } else {
                        tokio::select! {
                            outcome = self.outcome(with, &due.url, &one) => outcome,
                            () = cut.clone() => Outcome::Untried,
                        }
                    };
                    if let Outcome::Again(attempted, _) | Outcome::Dead(attempted) = &outcome
                        && is_away(attempted.status)
                    {
                        failed.store(true, Ordering::Relaxed);
                    }
                    outcomes.push((one, outcome));
                }
                outcomes
            }
        });
        let outcomes: Vec<(Taken, Outcome)> = outcomes.buffer_unordered(WIDTH).collect::<Vec<_>>().await.into_iter().flatten().collect();
        self.count(due.partner, &outcomes);
        self.tell_surely(lease, &outcomes).await?;
        Ok(!failed.into_inner())
    }

    /// What is not told of is sent again: so a database that is away for a moment is waited for, as long as the lease lasts.
    async fn tell_surely(&self, lease: Uuid, outcomes: &[(Taken, Outcome)]) -> Result<(), StorageError> {
        for _ in 1..TELLS {
            match self.tell(lease, outcomes).await {
                Err(error) if error.is_passing() => {
                    tracing::debug!(%error, "what became of webhooks is told again");
                    self.ports.clock.sleep(TELL_PAUSE).await;
                }
                told => return told,
            }
        }
        self.tell(lease, outcomes).await
    }

    async fn outcome(&self, with: &With, url: &str, taken: &Taken) -> Outcome {
        let (attempted, asked) = self.attempt(&with.client, url, taken, &with.signing).await;
        if attempted.error.is_none() {
            return Outcome::Delivered(attempted);
        }
        let attempts = taken.attempts + 1;
        if attempts >= retry::ATTEMPTS {
            return Outcome::Dead(attempted);
        }
        let wait = retry::wait(attempts, self.ports.random.fraction(), asked);
        let at = Timestamp::from_micros(self.ports.clock.now().as_micros() + super::deliveries::micros(wait));
        Outcome::Again(attempted, at)
    }

    fn count(&self, partner: PartnerId, outcomes: &[(Taken, Outcome)]) {
        for (taken, outcome) in outcomes {
            let name = match outcome {
                Outcome::Delivered(_) => "delivered",
                Outcome::Again(..) => "failed",
                Outcome::Dead(attempted) => {
                    let why = attempted.error.as_deref().unwrap_or_default();
                    tracing::warn!(delivery = %taken.id, %partner, event = taken.event, why, "a webhook is dead: its attempts are used up");
                    "dead"
                }
                Outcome::Untried => continue,
            };
            self.metrics.add(WEBHOOKS, &[("outcome", name)], 1);
        }
    }
}
