//! A [`Broker`]: RabbitMQ ([`rabbitmq`]), and in-process ([`embedded`]).
//!
//! What every implementation guarantees (one conformance suite, the feature `conformance`, holds them to it):
//! - `publish` returns `Ok` only when the broker has taken responsibility for every message.
//! - A message is delivered at least once; it is delivered again unless it was settled.
//! - A consumer gets batches: what is there, up to a limit, without ever waiting for more.
//! - Each message of a batch is settled alone: acknowledged, retried after a delay, or dead-lettered with a reason.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod dead;
mod delay;
mod depth;
pub mod embedded;
mod letters;
mod message;
pub mod rabbitmq;
mod topology;

pub use dead::DeadLetter;
pub use delay::{DELAY_LEVELS, DelayLevel, LONGEST_DELAY};
pub use depth::{ConnectionState, Depth, Looked, QueueSeen};
pub use embedded::EmbeddedBroker;
pub use letters::Letters;
pub use message::{Delivery, DeliveryTag, Message, Outgoing, Settlement};
pub use rabbitmq::{RabbitMqBroker, RabbitMqOptions};
pub use topology::{DELAYED, Destination, Queue, Service};

use async_trait::async_trait;
use std::sync::Arc;

/// Why the broker could not do what was asked. Every one of them is passing: the caller tries again.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// No connection, or it was lost before the broker answered: whether the messages arrived is unknown.
    #[error("the broker is not reachable: {0}")]
    Unavailable(String),
    /// The broker refused (nack) or returned (no queue) these messages, named by `message_id`; the others are confirmed.
    #[error("the broker refused {} message(s), the first of them {}: {reason}", .ids.len(), .ids.first().map_or("", String::as_str))]
    Refused {
        /// The `message_id`s.
        ids: Vec<String>,
        /// In the broker's words.
        reason: String,
    },
    /// The broker's durable store failed (embedded only).
    #[error("the broker's store failed")]
    Store(#[from] planshift_storage::StorageError),
}

/// Where messages go out and come in. Cheap to clone as `Arc<dyn Broker>`.
#[async_trait]
pub trait Broker: Send + Sync + 'static {
    /// Publishes all, persistent and mandatory, in windows of pipelined confirms, and returns when every one is confirmed.
    async fn publish(&self, messages: Vec<Outgoing>) -> Result<(), BrokerError>;

    /// Starts to consume a service's queue. `prefetch` bounds the unsettled messages held here.
    /// The consumer outlives the loss of channel, connection and broker: it subscribes again by itself.
    async fn consume(&self, queue: Queue, prefetch: u16) -> Result<Box<dyn Consumer>, BrokerError>;

    /// A queue of this process's own for answers, gone when the consumer is dropped. The name goes into `Message::reply_to`.
    async fn answers(&self) -> Result<(String, Box<dyn Consumer>), BrokerError>;

    /// Looks through the dead letters, without taking them away.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn letters(&self) -> Result<Box<dyn Letters>, BrokerError> {
        let consumer = self.consume(Queue::Dead, u16::MAX).await?;
        Ok(Box::new(letters::ByConsuming { consumer, waiting: std::collections::VecDeque::new() }))
    }

    /// How much a queue holds, and how many consume it. For those who watch: it costs a question to the broker.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn depth(&self, queue: Queue) -> Result<Depth, BrokerError>;

    /// How much every queue holds: those of services, the dead letters, and what waits for its retry (queues whose names begin with
    /// [`DELAYED`]), as far as this user may look at them. For people: it costs a question for each.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn queues(&self) -> Result<Vec<QueueSeen>, BrokerError> {
        let mut seen = Vec::with_capacity(Queue::ALL.len());
        for queue in Queue::ALL {
            seen.push(QueueSeen { name: queue.name().to_owned(), looked: Looked::Holds(self.depth(queue).await?) });
        }
        Ok(seen)
    }

    /// The connections to the broker; none where it is in this process. Asks nobody.
    fn connections(&self) -> Vec<ConnectionState> {
        Vec::new()
    }

    /// Is the broker reached right now? For readiness.
    async fn ready(&self) -> bool;

    /// Stops: consumers end (their `next` gives `None`), publishes under way finish, connections close.
    async fn close(&self);
}

/// The receiving end of a queue.
#[async_trait]
pub trait Consumer: Send {
    /// The next batch: waits for one message, then takes what else is there already, up to `max`. Cancel-safe.
    /// `None` once the broker was closed.
    async fn next(&mut self, max: usize) -> Option<Vec<Delivery>>;

    /// Tells what became of deliveries, each alone. Tags of a lost channel are ignored: the broker delivers again.
    /// `Retry` and `Dead` first publish with confirm and then acknowledge, so that nothing is lost in between.
    async fn settle(&mut self, settlements: Vec<(DeliveryTag, Settlement)>) -> Result<(), BrokerError>;
}

/// A broker, shared.
pub type SharedBroker = Arc<dyn Broker>;
