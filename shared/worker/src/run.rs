//! The loop of a service: take a batch, handle it in one transaction, publish with confirms, settle.
//!
//! The order is what makes it safe: commit, then publish, then acknowledge. A crash in between means a redelivery, and
//! handling it again gives the same answers.
//!
//! | what fails | then |
//! |---|---|
//! | database or broker away | the batch waits here with growing delay; no attempt is counted; the service says not ready |
//! | the transaction lost against another | at once again |
//! | the batch cannot be done | it is taken apart until the message at fault stands alone; the others go through |
//! | a message waits for somebody outside | it comes again when that one has time; no attempt is counted |
//! | a message alone cannot be done | retried with growing, jittered delay; after the last attempt it is dead-lettered, and its sender is told |

use crate::{
    Ports,
    codec::Unreadable,
    notices,
    traced::{trace_of, transition_of},
};
use async_trait::async_trait;
use planshift_messaging::{Broker, Consumer, Delivery, Outgoing, Queue, Service, Settlement};
use planshift_storage::StorageError;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How many messages a batch has at most: past some hundreds, a bigger batch gains little and waits longer.
pub const BATCH_MESSAGES: usize = 200;
/// How many unsettled messages are held: the batch under way and the next one.
pub const PREFETCH: u16 = 400;
/// Attempts at a message before it is a dead letter: with the delays below that is about an hour and a half.
pub const MAX_ATTEMPTS: u32 = 25;
/// The first delay of a retry; each further one is twice as long, up to [`LONGEST_RETRY`].
pub const FIRST_RETRY: Duration = Duration::from_millis(250);
/// The longest delay between two attempts.
pub const LONGEST_RETRY: Duration = Duration::from_secs(300);
/// The most batches side by side of a worker that waits for an outside system: each has a consumer of its own.
const MOST_PARALLEL: usize = 16;
/// The longest wait between two looks for a database or broker that is away.
const LONGEST_OUTAGE_WAIT: Duration = Duration::from_secs(5);

/// What a service makes of a batch.
#[derive(Debug)]
pub struct Handled<R> {
    /// What to publish before anything is settled.
    pub publish: Vec<Outgoing>,
    /// What became of each message of the batch, in its order.
    pub ends: Vec<End>,
    /// Given back once everything was published and confirmed.
    pub receipt: R,
}

/// What became of one message of a batch that was handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Done, or recognised as done before.
    Done,
    /// Something that it needs is not there yet: nothing of it was done, and it is retried later.
    NotYet(String),
    /// It waits for somebody outside, and comes again after this long, however often: no attempt is counted. What was done of it
    /// stays done.
    Later {
        /// How long.
        after: Duration,
        /// For what.
        why: String,
    },
    /// It can never be handled.
    Dead(Unreadable),
}

/// Why a batch could not be handled. Nothing of it was done, or what was done is recognised when it is handled again.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// The database said so.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A passing fault of the message itself: something that it needs is not there yet.
    #[error("{0}")]
    NotYet(String),
    /// The data can never be handled as it is.
    #[error("{0}")]
    Faulty(String),
    /// To go on would violate an invariant: nothing was done. A defect of this program, never of the message; it is counted.
    #[error("{why} ({invariant} would be violated)")]
    Violated {
        /// Its id in the catalogue.
        invariant: &'static str,
        /// What was refused.
        why: String,
    },
}

/// A service, as the loop sees it.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// What [`confirmed`](Self::confirmed) wants back.
    type Receipt: Send + 'static;

    /// Whose queue it consumes.
    fn service(&self) -> Service;

    /// Does the whole batch in one transaction. Messages that cannot be read are settled `Dead`, not an error.
    async fn handle(&self, batch: &[Delivery]) -> Result<Handled<Self::Receipt>, HandleError>;

    /// Everything of that batch was published and confirmed.
    async fn confirmed(&self, receipt: Self::Receipt) {
        drop(receipt);
    }

    /// The broker was told what became of a batch, message by message.
    fn settled(&self, batch: &[Delivery], settlements: &[Settlement]) {
        let _ = (batch, settlements);
    }

    /// The service is to stop: called once. What waits for somebody outside is given back rather than waited for.
    fn stopping(&self) {}

    /// What to publish when the attempts at this message are used up, so that nobody waits for it.
    fn given_up(&self, delivery: &Delivery, why: &str) -> Vec<Outgoing> {
        let _ = (delivery, why);
        Vec::new()
    }
}

/// How a service is run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// See [`BATCH_MESSAGES`].
    pub batch_messages: usize,
    /// See [`PREFETCH`].
    pub prefetch: u16,
    /// See [`MAX_ATTEMPTS`].
    pub max_attempts: u32,
    /// How many batches may be under way at once, each with a consumer of its own.
    pub parallel: usize,
}
impl Default for RunOptions {
    fn default() -> Self {
        Self { batch_messages: BATCH_MESSAGES, prefetch: PREFETCH, max_attempts: MAX_ATTEMPTS, parallel: 1 }
    }
}

impl RunOptions {
    /// For a worker that has so many calls of an outside system in flight: enough messages in hand to keep them so, however few
    /// items each has, and not one more, for what waits here another process could do. Batches are small and side by side, so that
    /// no message waits for the slowest of its neighbours.
    pub fn waiting_outside(in_flight: usize) -> Self {
        let parallel = in_flight.clamp(1, MOST_PARALLEL);
        let batch_messages = in_flight.div_ceil(parallel).max(1);
        Self { batch_messages, prefetch: u16::try_from(batch_messages).unwrap_or(u16::MAX), parallel, ..Self::default() }
    }
}

/// Runs a service until `stop`: takes nothing more then, finishes what is taken, and returns.
pub async fn run<H: Handler>(handler: Arc<H>, broker: Arc<dyn Broker>, ports: Ports, options: RunOptions, stop: CancellationToken) {
    let loops = (0..options.parallel.max(1)).map(|_| {
        let worker =
            Loop { handler: handler.clone(), broker: broker.clone(), ports: ports.clone(), options: options.clone(), stop: stop.clone() };
        // a task of its own: a caller that is dropped must not cut a transaction in two
        ports.spawn.spawn(Box::pin(worker.run()))
    });
    let ended = futures::future::join_all(loops);
    let told = async {
        stop.cancelled().await;
        handler.stopping();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = ended => {}
        () = told => {}
    }
}

struct Loop<H: Handler> {
    handler: Arc<H>,
    broker: Arc<dyn Broker>,
    ports: Ports,
    options: RunOptions,
    stop: CancellationToken,
}

impl<H: Handler> Loop<H> {
    async fn run(self) {
        let service = self.handler.service().name();
        let mut outage = Backoff::new();
        while !self.stop.is_cancelled() {
            // a consumer outlives outages: this is left only at the end, or where it cannot be had at all
            let mut consumer = match self.broker.consume(Queue::Service(self.handler.service()), self.options.prefetch).await {
                Ok(consumer) => consumer,
                Err(error) => {
                    tracing::warn!(service, %error, "cannot consume yet");
                    self.wait(&mut outage).await;
                    continue;
                }
            };
            loop {
                let batch = tokio::select! {
                    biased;
                    () = self.stop.cancelled() => return,
                    batch = consumer.next(self.options.batch_messages) => batch,
                };
                let Some(batch) = batch else { return };
                self.take(consumer.as_mut(), batch).await;
            }
        }
    }

    /// Handles a batch to its end, taking it apart where it must.
    async fn take(&self, consumer: &mut dyn Consumer, batch: Vec<Delivery>) {
        let mut waiting = vec![batch];
        while let Some(batch) = waiting.pop() {
            match self.handle_when_possible(&batch).await {
                Ok(handled) => {
                    if !self.publish(handled.publish).await {
                        return; // stopped before the broker was back: nothing is settled, so all of it comes again
                    }
                    self.handler.confirmed(handled.receipt).await;
                    let (mut settlements, mut put_off) = (Vec::with_capacity(batch.len()), 0);
                    for (delivery, end) in batch.iter().zip(handled.ends) {
                        match self.settlement(delivery, end, &mut put_off).await {
                            Some(settlement) => settlements.push(settlement),
                            None => return,
                        }
                    }
                    self.settle(consumer, &batch, settlements).await;
                }
                Err(_) if self.stop.is_cancelled() && batch.len() > 1 => return,
                Err(_) if batch.len() > 1 => {
                    let mut first = batch;
                    let second = first.split_off(first.len() / 2);
                    waiting.extend([second, first]);
                }
                Err(error) => self.fail_alone(consumer, &batch, error).await,
            }
        }
    }

    /// Waits out what is nobody's fault; returns what is the batch's own.
    async fn handle_when_possible(&self, batch: &[Delivery]) -> Result<Handled<H::Receipt>, HandleError> {
        let mut outage = Backoff::new();
        let mut lost = 0;
        loop {
            match self.handler.handle(batch).await {
                Err(HandleError::Storage(StorageError::Unavailable(error) | StorageError::CommitUnknown(error))) => {
                    if self.stop.is_cancelled() {
                        return Err(HandleError::NotYet("stopping".into()));
                    }
                    tracing::warn!(service = self.handler.service().name(), error, "the database is away: waiting");
                    self.wait(&mut outage).await;
                }
                Err(HandleError::Storage(StorageError::Conflict(error))) if lost < 10 => {
                    lost += 1;
                    tracing::debug!(error, lost, "lost against another transaction: again");
                    self.ports.clock.sleep(Duration::from_millis(5 * lost).mul_f64(self.ports.random.fraction())).await;
                }
                other => return other,
            }
        }
    }

    async fn fail_alone(&self, consumer: &mut dyn Consumer, batch: &[Delivery], error: HandleError) {
        let Some(delivery) = batch.first() else { return };
        if self.stop.is_cancelled() {
            return;
        }
        let end = match error {
            HandleError::Faulty(why) | HandleError::Violated { why, .. } => End::Dead(Unreadable::new("Faulty", why)),
            passing => End::NotYet(passing.to_string()),
        };
        if let Some(settlement) = self.settlement(delivery, end, &mut 0).await {
            self.settle(consumer, batch, vec![settlement]).await;
        }
    }

    /// What to tell the broker of a message that ended so. `None` where the service was stopped before it could be said.
    /// `put_off` counts those of its batch that are retried.
    async fn settlement(&self, delivery: &Delivery, end: End, put_off: &mut usize) -> Option<Settlement> {
        let (id, kind, service) = (&delivery.message.message_id, &delivery.message.kind, self.handler.service().name());
        let about = || (transition_of(&delivery.message), trace_of(&delivery.message));
        let attempts = delivery.attempts + 1;
        Some(match end {
            End::Done => Settlement::Ack,
            End::Dead(why) => {
                let (transition, trace_id) = about();
                tracing::warn!(service, transition, trace_id, id, kind, code = why.code, "dead-lettered: {}", why.description);
                why.into()
            }
            End::Later { after, why } => {
                tracing::debug!(id, kind, ?after, "waits: {why}");
                Settlement::Wait { delay: after }
            }
            End::NotYet(why) if attempts >= self.options.max_attempts => {
                if !self.publish(self.handler.given_up(delivery, &why)).await {
                    return None;
                }
                let (transition, trace_id) = about();
                tracing::error!(service, transition, trace_id, id, kind, attempts, "given up: {why}");
                Unreadable::new("AttemptsUsedUp", planshift_domain::said::failures::ATTEMPTS_USED_UP.with(&[&attempts, &why])).into()
            }
            End::NotYet(why) => {
                let longest = FIRST_RETRY.saturating_mul(1 << delivery.attempts.min(20)).min(LONGEST_RETRY);
                // spread, so that what failed together does not come back together
                let delay = longest.mul_f64(0.5 + self.ports.random.fraction() / 2.0);
                // each by itself would flood the log where something is away that many wait for: the batch tells of the first
                let (transition, trace_id) = about();
                tracing::debug!(service, transition, trace_id, id, kind, attempts, ?delay, "retried later: {why}");
                if *put_off == 0 {
                    tracing::info!(
                        service,
                        transition,
                        trace_id,
                        id,
                        kind,
                        attempts,
                        ?delay,
                        "retried later, the first of its batch: {why}"
                    );
                }
                *put_off += 1;
                Settlement::Retry { delay }
            }
        })
    }

    /// Publishes until the broker has confirmed everything. False where the service was stopped before that.
    async fn publish(&self, mut messages: Vec<Outgoing>) -> bool {
        let mut outage = Backoff::new();
        while !messages.is_empty() {
            match self.broker.publish(messages.clone()).await {
                Ok(()) => return true,
                Err(error) => {
                    tracing::warn!(service = self.handler.service().name(), %error, "publishing again");
                    if let planshift_messaging::BrokerError::Refused { ids, .. } = &error {
                        messages.retain(|m| ids.contains(&m.message.message_id));
                    }
                }
            }
            if self.stop.is_cancelled() && outage.waits > 3 {
                return false;
            }
            self.wait(&mut outage).await;
        }
        true
    }

    async fn settle(&self, consumer: &mut dyn Consumer, batch: &[Delivery], settlements: Vec<Settlement>) {
        debug_assert_eq!(batch.len(), settlements.len(), "one settlement for each message");
        // before the acknowledgement: told twice rather than never
        if !self.publish(notices::of(self.handler.service(), batch, &settlements, &self.ports)).await {
            return;
        }
        let told: Vec<_> = batch.iter().map(|d| d.tag).zip(settlements.iter().cloned()).collect();
        let mut outage = Backoff::new();
        while let Err(error) = consumer.settle(told.clone()).await {
            tracing::warn!(service = self.handler.service().name(), %error, "settling again");
            if self.stop.is_cancelled() && outage.waits > 3 {
                return;
            }
            self.wait(&mut outage).await;
        }
        self.handler.settled(batch, &settlements);
    }

    async fn wait(&self, backoff: &mut Backoff) {
        let delay = backoff.next_delay().mul_f64(0.5 + self.ports.random.fraction() / 2.0);
        self.ports.clock.sleep(delay).await;
    }
}

/// Growing waits for something that is away.
struct Backoff {
    waits: u32,
}
impl Backoff {
    const fn new() -> Self {
        Self { waits: 0 }
    }
    fn next_delay(&mut self) -> Duration {
        self.waits += 1;
        Duration::from_millis(50).saturating_mul(1 << self.waits.min(10)).min(LONGEST_OUTAGE_WAIT)
    }
}
