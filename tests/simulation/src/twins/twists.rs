//! Defects made between a service and the broker.

use crate::{sim::Sim, world::Instance};
use async_trait::async_trait;
use planshift_domain::{
    message::{
        Body,
        command::{MapItem, MapSubscriptions, Packet, PurchasePlans, UndoMapSubscriptions, UndoPurchasePlans},
        notice::MessageEnded,
        reply::{ItemAnswer, MappingAnswered, PacketAnswer},
    },
    step::Action,
    transition::Evidence,
};
use planshift_messaging::{
    Broker, BrokerError, Consumer, Delivery, DeliveryTag, Depth, Destination, Message, Outgoing, Queue, Settlement, SharedBroker,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// What is twisted. Every question has an answer that changes nothing.
trait Twist: Send + Sync + 'static {
    /// What is published in the place of these.
    fn publish(&self, messages: Vec<Outgoing>) -> Vec<Outgoing> {
        messages
    }
    /// Is the outcome of a publication listened to?
    fn listens(&self) -> bool {
        true
    }
    /// Is a batch acknowledged as soon as it is taken?
    fn acknowledges_first(&self) -> bool {
        false
    }
    /// What is published as soon as this is taken.
    fn at_once(&self, delivery: &Delivery) -> Option<Outgoing> {
        let _ = delivery;
        None
    }
}

struct Twisted<T> {
    inner: SharedBroker,
    twist: Arc<T>,
}

fn twist<T: Twist>(inner: SharedBroker, twist: T) -> SharedBroker {
    Arc::new(Twisted { inner, twist: Arc::new(twist) })
}

#[async_trait]
impl<T: Twist> Broker for Twisted<T> {
    async fn publish(&self, messages: Vec<Outgoing>) -> Result<(), BrokerError> {
        let outcome = self.inner.publish(self.twist.publish(messages)).await;
        if self.twist.listens() { outcome } else { Ok(()) }
    }
    async fn consume(&self, queue: Queue, prefetch: u16) -> Result<Box<dyn Consumer>, BrokerError> {
        let consumer = self.inner.consume(queue, prefetch).await?;
        Ok(Box::new(TwistedConsumer { consumer, broker: self.inner.clone(), twist: self.twist.clone() }))
    }
    async fn answers(&self) -> Result<(String, Box<dyn Consumer>), BrokerError> {
        self.inner.answers().await
    }
    async fn depth(&self, queue: Queue) -> Result<Depth, BrokerError> {
        self.inner.depth(queue).await
    }
    async fn ready(&self) -> bool {
        self.inner.ready().await
    }
    async fn close(&self) {
        self.inner.close().await;
    }
}

struct TwistedConsumer<T> {
    consumer: Box<dyn Consumer>,
    broker: SharedBroker,
    twist: Arc<T>,
}

#[async_trait]
impl<T: Twist> Consumer for TwistedConsumer<T> {
    async fn next(&mut self, max: usize) -> Option<Vec<Delivery>> {
        let batch = self.consumer.next(max).await?;
        let at_once: Vec<Outgoing> = batch.iter().filter_map(|delivery| self.twist.at_once(delivery)).collect();
        if !at_once.is_empty() {
            // it is a defect already; one that is lost is one less
            let _ = self.broker.publish(at_once).await;
        }
        if self.twist.acknowledges_first() {
            let _ = self.consumer.settle(batch.iter().map(|delivery| (delivery.tag, Settlement::Ack)).collect()).await;
        }
        Some(batch)
    }
    async fn settle(&mut self, settlements: Vec<(DeliveryTag, Settlement)>) -> Result<(), BrokerError> {
        self.consumer.settle(settlements).await
    }
}

struct AcknowledgeFirst;
impl Twist for AcknowledgeFirst {
    fn acknowledges_first(&self) -> bool {
        true
    }
}
pub(super) fn acknowledge_first(_sim: &Sim, _instance: Instance, broker: SharedBroker) -> SharedBroker {
    twist(broker, AcknowledgeFirst)
}

struct NoConfirms;
impl Twist for NoConfirms {
    fn listens(&self) -> bool {
        false
    }
}
pub(super) fn no_confirms(_sim: &Sim, _instance: Instance, broker: SharedBroker) -> SharedBroker {
    twist(broker, NoConfirms)
}

/// Remembers what was bought, and has it put away as soon as a mapping is to be undone.
#[derive(Default)]
struct UndoInTheWrongOrder(Mutex<HashMap<String, Message>>);
impl Twist for UndoInTheWrongOrder {
    fn publish(&self, messages: Vec<Outgoing>) -> Vec<Outgoing> {
        let mut bought = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = Vec::with_capacity(messages.len());
        for outgoing in messages {
            let message = &outgoing.message;
            if message.kind == PurchasePlans::TYPE {
                bought.insert(message.correlation_id.clone(), message.clone());
            }
            if message.kind == UndoMapSubscriptions::TYPE
                && let Some(purchase) = bought.get(&message.correlation_id)
            {
                let (kind, message_id) = (UndoPurchasePlans::TYPE.to_owned(), purchase.message_id.replace("/do/", "/undo/"));
                let undo = Message { kind, message_id, ..purchase.clone() };
                out.push(Outgoing { to: Destination::Command(planshift_messaging::Service::Purchasing), message: undo });
            }
            out.push(outgoing);
        }
        out
    }
}
pub(super) fn undo_in_the_wrong_order(_sim: &Sim, _instance: Instance, broker: SharedBroker) -> SharedBroker {
    twist(broker, UndoInTheWrongOrder::default())
}

struct AnsweredInPart;
impl Twist for AnsweredInPart {
    fn publish(&self, messages: Vec<Outgoing>) -> Vec<Outgoing> {
        let half = |outgoing: &Outgoing| {
            let message = &outgoing.message;
            let answer: MappingAnswered = (message.kind == MappingAnswered::TYPE).then(|| serde_json::from_slice(&message.body).ok())??;
            let PacketAnswer { mut items, .. } = answer.0.clone();
            items.truncate(items.len().div_ceil(2));
            let body = serde_json::to_vec(&MappingAnswered(PacketAnswer { items, ..answer.0 })).ok()?;
            Some(Outgoing { to: outgoing.to.clone(), message: Message { body: body.into(), ..message.clone() } })
        };
        messages.into_iter().flat_map(|outgoing| half(&outgoing).into_iter().chain([outgoing])).collect()
    }
}
pub(super) fn answered_in_part(_sim: &Sim, _instance: Instance, broker: SharedBroker) -> SharedBroker {
    twist(broker, AnsweredInPart)
}

struct EndsNotTold;
impl Twist for EndsNotTold {
    fn publish(&self, messages: Vec<Outgoing>) -> Vec<Outgoing> {
        messages.into_iter().filter(|outgoing| outgoing.message.kind != MessageEnded::TYPE).collect()
    }
}
pub(super) fn ends_not_told(_sim: &Sim, _instance: Instance, broker: SharedBroker) -> SharedBroker {
    twist(broker, EndsNotTold)
}

struct AnswerBeforeEffect;
impl Twist for AnswerBeforeEffect {
    fn at_once(&self, delivery: &Delivery) -> Option<Outgoing> {
        let message = &delivery.message;
        let packet: Packet<MapItem> = (message.kind == MapSubscriptions::TYPE).then(|| serde_json::from_slice(&message.body).ok())??;
        let done =
            |item: &MapItem| ItemAnswer { item: item.azure_subscription_id.to_string(), evidence: Evidence::Done, error: None, plan: None };
        let answer = PacketAnswer {
            transition_id: packet.transition_id,
            action: Action::Do,
            packet: packet.packet,
            attempt: packet.attempt,
            items: packet.items.iter().map(done).collect(),
        };
        let (kind, message_id) = (MappingAnswered::TYPE.to_owned(), format!("{}/answer", message.message_id));
        let body = serde_json::to_vec(&MappingAnswered(answer)).ok()?.into();
        Some(Outgoing { to: Destination::Reply, message: Message { kind, message_id, body, ..message.clone() } })
    }
}
pub(super) fn answer_before_effect(_sim: &Sim, _instance: Instance, broker: SharedBroker) -> SharedBroker {
    twist(broker, AnswerBeforeEffect)
}
