//! A pass through the dead letters: one after the other is got, and none acknowledged, so that however many and however large they
//! are, one at a time is held here.

use super::{Shared, consumer::Source, pack, wire, wire::Held};
use crate::{BrokerError, Delivery, DeliveryTag, Letters, Queue, Settlement};
use bytes::Bytes;
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicGetOptions, BasicNackOptions},
};
use std::{
    sync::{Arc, atomic::AtomicU64, atomic::Ordering},
    time::Duration,
};

/// How long the broker may take to answer.
const DEADLINE: Duration = Duration::from_secs(20);

/// Passes are numbered: a tag of another one fits none.
static NEXT_PASS: AtomicU64 = AtomicU64::new(1 << 48);

pub(super) struct RabbitMqLetters {
    shared: Arc<Shared>,
    /// Dropped, it is closed, and what was got goes back to its place.
    channel: Channel,
    epoch: u64,
    has_got: bool,
}

impl RabbitMqLetters {
    pub(super) async fn begin(shared: Arc<Shared>) -> Result<Self, BrokerError> {
        let channel = in_time(async { shared.consuming.channel(true).await.ok_or_else(|| "it is closing".to_owned()) }).await?;
        Ok(Self { shared, channel, epoch: NEXT_PASS.fetch_add(1, Ordering::Relaxed), has_got: false })
    }

    /// A pack that the broker gave up whole is taken apart: each message becomes a dead letter of its own, behind all others.
    async fn take_apart(&self, parts: Vec<Held>, wire_tag: u64, properties: &lapin::BasicProperties) -> Result<(), BrokerError> {
        let pack = wire::headers(properties);
        let Some(dead) = pack.dead_letter() else { return self.acknowledge(wire_tag).await };
        let source = Source::Queue(Queue::from_name(&dead.queue).unwrap_or(Queue::Dead));
        let settlement =
            Settlement::Dead { reason: dead.reason.clone(), description: "the broker gave up the pack that it was in".to_owned() };
        let parcels = parts.into_iter().filter_map(|mut held| {
            let headers = wire::headers(&held.properties);
            held.sender = self.shared.senders.sender(&held.properties, &headers, Some(Queue::Dead), Some(&dead.queue));
            // told of as a death, it counts one more
            held.attempts = dead.attempts.saturating_sub(1);
            wire::again(&held, &source, &settlement, &self.shared.senders)
        });
        self.shared.publisher.publish(parcels.collect()).await?;
        self.acknowledge(wire_tag).await
    }

    async fn acknowledge(&self, wire_tag: u64) -> Result<(), BrokerError> {
        in_time(async { self.channel.basic_ack(wire_tag, BasicAckOptions::default()).await.map_err(|error| error.to_string()) }).await
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, BrokerError> {
    let outcome = tokio::time::timeout(DEADLINE, work).await.unwrap_or_else(|_| Err("no answer in time".to_owned()));
    outcome.map_err(BrokerError::Unavailable)
}

#[async_trait::async_trait]
impl Letters for RabbitMqLetters {
    async fn next(&mut self) -> Result<Option<Delivery>, BrokerError> {
        loop {
            let get = self.channel.basic_get(Queue::Dead.name().into(), BasicGetOptions { no_ack: false });
            let Some(got) = in_time(async { get.await.map_err(|error| error.to_string()) }).await? else { return Ok(None) };
            let wire = got.delivery;
            let body = Bytes::from(wire.data);
            if let Some(parts) = pack::unpack(&wire.properties, &body) {
                self.take_apart(parts, wire.delivery_tag, &wire.properties).await?;
                continue;
            }
            self.has_got = true;
            let headers = wire::headers(&wire.properties);
            let dead = headers.dead_letter();
            let died_in = dead.as_ref().map(|dead| dead.queue.as_str());
            let sender = self.shared.senders.sender(&wire.properties, &headers, Some(Queue::Dead), died_in);
            return Ok(Some(Delivery {
                tag: DeliveryTag { epoch: self.epoch, wire: wire.delivery_tag, part: 0 },
                message: wire::message(&wire.properties, &headers, body),
                content_type: wire::content_type(&wire.properties),
                sender,
                attempts: dead.as_ref().map_or_else(|| headers.attempts(), |dead| dead.attempts),
                redelivered: wire.redelivered,
                dead,
            }));
        }
    }

    async fn take_out(&mut self, tag: DeliveryTag) -> Result<(), BrokerError> {
        if tag.epoch != self.epoch {
            return Err(BrokerError::Unavailable("it is of another pass".to_owned()));
        }
        self.acknowledge(tag.wire).await
    }

    async fn end(self: Box<Self>) {
        // said before the channel is closed, so that whoever looks next finds them
        if self.has_got {
            let back = BasicNackOptions { multiple: true, requeue: true };
            // 0: all that were not acknowledged. Another tag must not have been: the broker would close the channel.
            let said = in_time(async { self.channel.basic_nack(0, back).await.map_err(|error| error.to_string()) }).await;
            if let Err(error) = said {
                tracing::debug!(%error, "the dead letters go back with their channel");
            }
        }
        let _ = in_time(async { self.channel.close(200, "OK".into()).await.map_err(|error| error.to_string()) }).await;
    }
}
