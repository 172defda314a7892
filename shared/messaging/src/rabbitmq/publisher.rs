//! Publishing with confirms: a few lanes, each a channel with a sliding window.
//!
//! Publications that wait at the same time go out together. A lane belongs to no caller, so a returned message is matched to its
//! publication by `message_id`: `lapin` attaches it to whichever confirm comes next.

use super::RabbitMqOptions;
use super::link::Link;
use super::wire::Parcel;
use crate::BrokerError;
use futures::future::BoxFuture;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{Channel, Confirmation};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// While one lane waits for its confirms, another one publishes.
const LANES: usize = 2;
/// How long until an unblocked connection is noticed.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Of each publication: `None` where it was confirmed, or why it was refused.
type Outcomes = Vec<Option<String>>;

/// Why messages were returned, by their `message_id`.
type Returned = HashMap<Option<String>, String>;

struct Job {
    parcels: Vec<Parcel>,
    done: oneshot::Sender<Result<Outcomes, BrokerError>>,
}

/// Hands publications to the lanes. Gone, with the lanes, when the broker is.
pub(super) struct Publisher {
    jobs: mpsc::UnboundedSender<Job>,
}

impl Publisher {
    pub(super) fn start(
        link: &Link,
        options: &RabbitMqOptions,
        closing: &CancellationToken,
        end: &CancellationToken,
    ) -> (Self, Vec<JoinHandle<()>>) {
        let (jobs, queue) = mpsc::unbounded_channel();
        let queue = Arc::new(Mutex::new(queue));
        let lanes = (0..LANES).map(|_| {
            let lane = Lane {
                queue: queue.clone(),
                link: link.clone(),
                window: options.confirm_window.max(1),
                deadline: options.publish_deadline,
                closing: closing.clone(),
                channel: None,
            };
            let end = end.clone();
            tokio::spawn(async move {
                end.run_until_cancelled(lane.run()).await;
            })
        });
        (Self { jobs }, lanes.collect())
    }

    /// Publishes all, and says of each what became of it.
    pub(super) async fn send(&self, parcels: Vec<Parcel>) -> Result<Outcomes, BrokerError> {
        if parcels.is_empty() {
            return Ok(Vec::new());
        }
        let gone = || BrokerError::Unavailable("it was closed".to_owned());
        let (done, outcomes) = oneshot::channel();
        self.jobs.send(Job { parcels, done }).map_err(|_| gone())?;
        outcomes.await.map_err(|_| gone())?
    }

    /// Publishes all, or says which messages were refused.
    pub(super) async fn publish(&self, parcels: Vec<Parcel>) -> Result<(), BrokerError> {
        let ids: Vec<Vec<String>> = parcels.iter().map(|parcel| parcel.ids.clone()).collect();
        let mut refused = Vec::new();
        let mut first_reason = String::new();
        for (ids, outcome) in ids.into_iter().zip(self.send(parcels).await?) {
            if let Some(reason) = outcome {
                refused.extend(ids);
                if first_reason.is_empty() {
                    first_reason = reason;
                }
            }
        }
        if refused.is_empty() { Ok(()) } else { Err(BrokerError::Refused { ids: refused, reason: first_reason }) }
    }
}

struct Lane {
    queue: Arc<Mutex<mpsc::UnboundedReceiver<Job>>>,
    link: Link,
    window: usize,
    deadline: Duration,
    closing: CancellationToken,
    channel: Option<Channel>,
}

impl Lane {
    async fn run(mut self) {
        while let Some(group) = self.group().await {
            let parcels: Vec<&Parcel> = group.iter().flat_map(|job| &job.parcels).collect();
            let mut outcomes = Vec::with_capacity(parcels.len());
            let mut returned = Returned::new();
            let failure = self.publish(&parcels, &mut outcomes, &mut returned).await.err();
            // A return comes before its confirm, so those of all outcomes are here, also where the rest of the window failed.
            mark_returned(&parcels, &returned, &mut outcomes);
            if failure.is_some() {
                // A channel that failed, or does not answer, is of no more use; its confirms would come late.
                self.channel = None;
            }
            let mut outcomes = outcomes.into_iter();
            for job in group {
                let own: Outcomes = outcomes.by_ref().take(job.parcels.len()).collect();
                let outcome = match &failure {
                    Some(reason) if own.len() < job.parcels.len() => Err(BrokerError::Unavailable(reason.clone())),
                    _ => Ok(own),
                };
                // Whoever has gone away meanwhile does not know, as after any lost connection.
                let _ = job.done.send(outcome);
            }
        }
    }

    /// What waits, up to about a window; `None` when closing and nothing waits.
    async fn group(&self) -> Option<Vec<Job>> {
        let mut queue = self.queue.lock().await;
        let first = tokio::select! {
            biased;
            job = queue.recv() => job?,
            () = self.closing.cancelled() => queue.try_recv().ok()?,
        };
        let mut count = first.parcels.len();
        let mut group = vec![first];
        while count < self.window {
            let Ok(job) = queue.try_recv() else { break };
            count += job.parcels.len();
            group.push(job);
        }
        Some(group)
    }

    /// Publishes in order, with at most a window without a confirm, and adds an outcome for each that is known.
    async fn publish(&mut self, parcels: &[&Parcel], outcomes: &mut Outcomes, returned: &mut Returned) -> Result<(), String> {
        let channel = timeout(self.deadline, self.channel())
            .await
            .map_err(|_| "no connection in time".to_owned())?
            .ok_or_else(|| "it was closed".to_owned())?;
        let mut waiting = VecDeque::with_capacity(self.window);
        for parcel in parcels {
            if waiting.len() >= self.window {
                self.confirmed(&mut waiting, returned, outcomes).await?;
            }
            let mut publishing = publication(channel.clone(), parcel);
            // Polled once now: that is when it takes its place in the channel's order. It is awaited when its turn comes.
            match futures::poll!(&mut publishing) {
                std::task::Poll::Ready(done) => waiting.push_back(Box::pin(std::future::ready(done)) as Publishing),
                std::task::Poll::Pending => waiting.push_back(publishing),
            }
        }
        while !waiting.is_empty() {
            self.confirmed(&mut waiting, returned, outcomes).await?;
        }
        Ok(())
    }

    async fn confirmed(&self, waiting: &mut VecDeque<Publishing>, returned: &mut Returned, outcomes: &mut Outcomes) -> Result<(), String> {
        let Some(next) = waiting.pop_front() else { return Ok(()) };
        let confirmation =
            timeout(self.deadline, next).await.map_err(|_| "no confirm in time".to_owned())?.map_err(|error| error.to_string())?;
        outcomes.push(confirmation.is_nack().then(|| "it was not accepted (nack)".to_owned()));
        if let Some(message) = confirmation.take_message() {
            let reason = format!("returned: {} {}", message.reply_code, message.reply_text);
            returned.insert(message_id(&message.delivery.properties), reason);
        }
        Ok(())
    }

    /// The lane's channel, on a connection that is up and not blocked: what is written to a blocked one waits in memory.
    async fn channel(&mut self) -> Option<Channel> {
        loop {
            match &self.channel {
                Some(channel) if !channel.status().connected() => self.channel = None,
                Some(channel) if self.link.is_up() => return Some(channel.clone()),
                Some(_) => tokio::time::sleep(LOOK_EVERY).await,
                None => {
                    let channel = self.link.channel(false).await?;
                    if channel.confirm_select(ConfirmSelectOptions::default()).await.is_ok() {
                        self.channel = Some(channel);
                    } else {
                        tokio::time::sleep(LOOK_EVERY).await;
                    }
                }
            }
        }
    }
}

type Publishing = BoxFuture<'static, Result<Confirmation, lapin::Error>>;

/// What was returned was not taken, though it was confirmed.
fn mark_returned(parcels: &[&Parcel], returned: &Returned, outcomes: &mut Outcomes) {
    for (parcel, outcome) in parcels.iter().zip(outcomes) {
        if !returned.is_empty() && outcome.is_none() {
            *outcome = returned.get(&message_id(&parcel.properties)).cloned();
        }
    }
}

fn publication(channel: Channel, parcel: &Parcel) -> Publishing {
    let Parcel { exchange, routing_key, mandatory, properties, body, .. } = parcel.clone();
    Box::pin(async move {
        let options = BasicPublishOptions { mandatory, immediate: false };
        channel.basic_publish(exchange, routing_key, options, &body, properties).await?.await
    })
}

fn message_id(properties: &lapin::BasicProperties) -> Option<String> {
    properties.message_id().as_ref().map(|id| id.as_str().to_owned())
}
