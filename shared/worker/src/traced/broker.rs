//! A broker whose messages have spans as they are sent.

use super::{SYSTEM, about, context_of, give};
use async_trait::async_trait;
use planshift_messaging::{
    Broker, BrokerError, ConnectionState, Consumer, Delivery, DeliveryTag, Depth, Destination, Letters, Outgoing, Queue, QueueSeen,
    Service, Settlement, SharedBroker, rabbitmq::topology::ALL_ASKERS,
};
use planshift_telemetry::{Kind, Span, SpanStart, Tracer, current};
use std::sync::Arc;

/// A broker whose messages have spans as they are sent: each goes out with the context of its own.
pub struct TracedBroker {
    inner: SharedBroker,
    tracer: Tracer,
}

impl TracedBroker {
    /// Records what goes through `inner`; that itself where nothing is recorded.
    pub fn before(inner: SharedBroker, tracer: &Tracer) -> SharedBroker {
        if tracer.is_on() { Arc::new(Self { inner, tracer: tracer.clone() }) } else { inner }
    }

    fn send(&self, outgoing: &mut Outgoing) -> Option<Span> {
        let above = context_of(&outgoing.message);
        // another chance for what has failed is recorded, and leads to who gave it
        let again = matches!(outgoing.to, Destination::Redrive { .. });
        if !above.is_sampled() && !again {
            return None;
        }
        let (exchange, key) = place_of(&outgoing.to);
        let start = SpanStart::new(Kind::Producer, format!("send {exchange}"))
            .with("messaging.operation.name", "send")
            .with("messaging.operation.type", "send")
            .with("messaging.destination.name", exchange)
            .with("messaging.rabbitmq.destination.routing_key", key)
            .kept(again);
        let who = current();
        let start = if again && who.is_sampled() { start.linked(&who) } else { start };
        let span = self.tracer.begin(about(start, &outgoing.message), &above);
        give(&mut outgoing.message, span.context());
        Some(span)
    }
}

/// Exchange and routing key.
fn place_of(to: &Destination) -> (&'static str, String) {
    match to {
        Destination::Command(service) | Destination::Redrive { to: service, .. } => ("planshift.commands", service.name().to_owned()),
        Destination::Reply => ("planshift.replies", Service::Coordinator.name().to_owned()),
        Destination::Answer(queue) => ("planshift.answers", queue.clone()),
        Destination::Askers => ("planshift.answers", ALL_ASKERS.to_owned()),
        Destination::Event(key) => ("planshift.events", key.clone()),
    }
}

#[async_trait]
impl Broker for TracedBroker {
    async fn publish(&self, mut messages: Vec<Outgoing>) -> Result<(), BrokerError> {
        let spans: Vec<Span> = messages.iter_mut().filter_map(|outgoing| self.send(outgoing)).collect();
        let published = self.inner.publish(messages).await;
        if let Err(error) = &published {
            let kind = if matches!(error, BrokerError::Refused { .. }) { "Refused" } else { "Unavailable" };
            spans.into_iter().for_each(|mut span| span.fail(kind, error.to_string()));
        }
        published
    }

    async fn consume(&self, queue: Queue, prefetch: u16) -> Result<Box<dyn Consumer>, BrokerError> {
        self.inner.consume(queue, prefetch).await
    }

    async fn answers(&self) -> Result<(String, Box<dyn Consumer>), BrokerError> {
        let (name, inner) = self.inner.answers().await?;
        Ok((name, Box::new(Answers { inner, tracer: self.tracer.clone() })))
    }

    async fn letters(&self) -> Result<Box<dyn Letters>, BrokerError> {
        self.inner.letters().await
    }

    async fn depth(&self, queue: Queue) -> Result<Depth, BrokerError> {
        self.inner.depth(queue).await
    }

    async fn queues(&self) -> Result<Vec<QueueSeen>, BrokerError> {
        self.inner.queues().await
    }

    fn connections(&self) -> Vec<ConnectionState> {
        self.inner.connections()
    }

    async fn ready(&self) -> bool {
        self.inner.ready().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// Answers come to the one who waits for them: there is no handler that would have a span.
struct Answers {
    inner: Box<dyn Consumer>,
    tracer: Tracer,
}

#[async_trait]
impl Consumer for Answers {
    async fn next(&mut self, max: usize) -> Option<Vec<Delivery>> {
        let batch = self.inner.next(max).await?;
        for delivery in &batch {
            let start = SpanStart::new(Kind::Client, "receive planshift.answers")
                .with("messaging.operation.name", "receive")
                .with("messaging.operation.type", "receive")
                .with("messaging.destination.name", "planshift.answers")
                .with("messaging.system", SYSTEM);
            drop(self.tracer.begin(about(start, &delivery.message), &context_of(&delivery.message)));
        }
        Some(batch)
    }

    async fn settle(&mut self, settlements: Vec<(DeliveryTag, Settlement)>) -> Result<(), BrokerError> {
        self.inner.settle(settlements).await
    }
}
