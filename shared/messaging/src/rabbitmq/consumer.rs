//! The receiving end of a queue: a channel and a subscription, made again whenever they are lost.

use super::backoff::Backoff;
use super::link::Link;
use super::unsettled::Unsettled;
use super::wire::Held;
use super::{Shared, pack, settle, topology, wire};
use crate::{BrokerError, Consumer, Delivery, DeliveryTag, Queue, Settlement};
use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use lapin::Channel;
use lapin::options::{BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// A subscription whose channel is gone is noticed after this time, even if nobody says so.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A subscription that is not made by then is begun anew.
const SUBSCRIBE_DEADLINE: Duration = Duration::from_secs(10);

/// Channels are numbered over the whole process: a tag of a lost one fits no other.
static NEXT_EPOCH: AtomicU64 = AtomicU64::new(1);

/// What is consumed.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Queue(Queue),
    /// An asker's own queue, by its name: it is made anew, under the same name, with each connection.
    Answers(String),
}

impl Source {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Queue(queue) => queue.name(),
            Self::Answers(name) => name,
        }
    }

    fn queue(&self) -> Option<Queue> {
        match self {
            Self::Queue(queue) => Some(*queue),
            Self::Answers(_) => None,
        }
    }
}

pub(super) struct RabbitMqConsumer {
    shared: Arc<Shared>,
    source: Source,
    prefetch: u16,
    backoff: Backoff,
    state: State,
}

enum State {
    /// A task of its own, so that a `next` that is dropped again and again does not begin anew each time: every beginning counts
    /// as a delivery of what was prefetched.
    Subscribing(JoinHandle<Result<Subscription, String>>),
    Subscribed(Box<Subscription>),
}

/// One channel's worth of consuming.
pub(super) struct Subscription {
    pub(super) epoch: u64,
    pub(super) channel: Channel,
    pub(super) unsettled: Unsettled,
    /// Handed to the caller and unsettled.
    pub(super) handed: usize,
    stream: lapin::Consumer,
    /// The stream has ended, and why: to be seen once what came before it is handed out.
    ended: Option<String>,
    /// Unpacked, and not handed to the caller yet.
    waiting: VecDeque<Delivery>,
}

impl RabbitMqConsumer {
    /// Begins to subscribe at once.
    pub(super) fn new(shared: Arc<Shared>, source: Source, prefetch: u16) -> Self {
        let subscribing = tokio::spawn(subscribe(shared.consuming.clone(), source.clone(), prefetch, Duration::ZERO));
        Self { shared, source, prefetch, backoff: Backoff::new(), state: State::Subscribing(subscribing) }
    }

    /// Makes sure that there is a subscription, for as long as it takes. `None` once closing.
    pub(super) async fn subscribed(&mut self) -> Option<()> {
        let closing = self.shared.closing.clone();
        while let State::Subscribing(task) = &mut self.state {
            match closing.run_until_cancelled(task).await? {
                Ok(Ok(subscription)) => {
                    tracing::debug!(queue = self.source.name(), "consuming");
                    self.backoff.established();
                    self.state = State::Subscribed(Box::new(subscription));
                }
                Ok(Err(reason)) => self.again(&reason),
                Err(error) => self.again(&error.to_string()),
            }
        }
        Some(())
    }

    /// Begins anew, after a while.
    fn again(&mut self, reason: &str) {
        tracing::warn!(queue = self.source.name(), reason, "not subscribed (any more); subscribing again");
        let wait = self.backoff.failed();
        self.state = State::Subscribing(tokio::spawn(subscribe(self.shared.consuming.clone(), self.source.clone(), self.prefetch, wait)));
    }

    fn subscription(&mut self) -> Option<&mut Subscription> {
        match &mut self.state {
            State::Subscribed(subscription) => Some(subscription),
            State::Subscribing(_) => None,
        }
    }

    /// The messages of a wire message, waiting to be handed out.
    fn receive(&mut self, wire: lapin::message::Delivery) {
        let State::Subscribed(subscription) = &mut self.state else { return };
        let body = Bytes::from(wire.data);
        let redelivered = wire.redelivered || wire::headers(&wire.properties).delivered_before();
        let mut parts = match pack::unpack(&wire.properties, &body) {
            Some(parts) => parts,
            None => vec![Held { properties: wire.properties, body, sender: None, attempts: 0 }],
        };
        for (part, held) in parts.iter_mut().enumerate() {
            let headers = wire::headers(&held.properties);
            let dead = if matches!(self.source, Source::Queue(Queue::Dead)) { headers.dead_letter() } else { None };
            let died_in = dead.as_ref().map(|dead| dead.queue.as_str());
            held.sender = self.shared.senders.sender(&held.properties, &headers, self.source.queue(), died_in);
            held.attempts = dead.as_ref().map_or_else(|| headers.attempts(), |dead| dead.attempts);
            subscription.waiting.push_back(Delivery {
                tag: DeliveryTag { epoch: subscription.epoch, wire: wire.delivery_tag, part: u32::try_from(part).unwrap_or(u32::MAX) },
                message: wire::message(&held.properties, &headers, held.body.clone()),
                content_type: wire::content_type(&held.properties),
                sender: held.sender,
                attempts: held.attempts,
                redelivered,
                dead,
            });
        }
        subscription.unsettled.add(wire.delivery_tag, parts);
    }

    /// What may be handed out now: within the prefetch, which counts messages here, and packs at the broker.
    fn batch(&mut self, max: usize) -> Option<Vec<Delivery>> {
        let prefetch = usize::from(self.prefetch);
        loop {
            let subscription = self.subscription()?;
            let room = prefetch.saturating_sub(subscription.handed).min(max);
            // More than is asked for is not taken from the stream: it would only wait here.
            if subscription.waiting.len() >= room {
                if room == 0 {
                    return None;
                }
                subscription.handed += room;
                return Some(subscription.waiting.drain(..room).collect());
            }
            match subscription.stream.next().now_or_never() {
                Some(Some(Ok(wire))) => self.receive(wire),
                more => {
                    subscription.ended = match more {
                        Some(Some(Err(error))) => Some(error.to_string()),
                        Some(None) => Some("the broker ended it".to_owned()),
                        _ => None,
                    };
                    let batch: Vec<_> = subscription.waiting.drain(..).collect();
                    subscription.handed += batch.len();
                    return if batch.is_empty() { None } else { Some(batch) };
                }
            }
        }
    }
}

#[async_trait::async_trait]
impl Consumer for RabbitMqConsumer {
    async fn next(&mut self, max: usize) -> Option<Vec<Delivery>> {
        let closing = self.shared.closing.clone();
        loop {
            if closing.is_cancelled() {
                return None;
            }
            self.subscribed().await?;
            if let Some(batch) = self.batch(max.max(1)) {
                return Some(batch);
            }
            let Some(subscription) = self.subscription() else { continue };
            if let Some(reason) = subscription.ended.take() {
                self.again(&reason);
                continue;
            }
            if !subscription.channel.status().connected() {
                self.again("the channel was closed");
                continue;
            }
            tokio::select! {
                () = closing.cancelled() => return None,
                wire = subscription.stream.next() => match wire {
                    Some(Ok(wire)) => self.receive(wire),
                    Some(Err(error)) => self.again(&error.to_string()),
                    None => self.again("the broker ended it"),
                },
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    async fn settle(&mut self, settlements: Vec<(DeliveryTag, Settlement)>) -> Result<(), BrokerError> {
        match &mut self.state {
            State::Subscribed(subscription) => settle::settle(&self.shared, subscription, &self.source, settlements).await,
            // The channel that delivered them is lost: the broker delivers them again.
            State::Subscribing(_) => Ok(()),
        }
    }
}

impl Drop for RabbitMqConsumer {
    fn drop(&mut self) {
        if let State::Subscribing(task) = &self.state {
            task.abort();
        }
    }
}

async fn subscribe(link: Link, source: Source, prefetch: u16, wait: Duration) -> Result<Subscription, String> {
    tokio::time::sleep(wait).await;
    let channel = link.channel(true).await.ok_or("closed")?;
    tokio::time::timeout(SUBSCRIBE_DEADLINE, subscribe_on(channel, &source, prefetch))
        .await
        .map_err(|_| "no answer in time".to_owned())?
        .map_err(|error| error.to_string())
}

async fn subscribe_on(channel: Channel, source: &Source, prefetch: u16) -> Result<Subscription, lapin::Error> {
    let name = source.name();
    if let Source::Answers(_) = source {
        let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(name.into(), options, FieldTable::default()).await?;
        for key in [name, topology::ALL_ASKERS] {
            let (options, none) = (QueueBindOptions::default(), FieldTable::default());
            channel.queue_bind(name.into(), topology::ANSWERS.into(), key.into(), options, none).await?;
        }
    }
    channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let stream = channel.basic_consume(name.into(), "".into(), options, FieldTable::default()).await?;
    let epoch = NEXT_EPOCH.fetch_add(1, Ordering::Relaxed);
    Ok(Subscription { epoch, channel, unsettled: Unsettled::default(), handed: 0, stream, ended: None, waiting: VecDeque::new() })
}
