//! RabbitMQ (3.10 and later, 4.x), through `lapin`.
//!
//! - Publishing and consuming have a connection each: a connection that the broker blocks stops its acknowledgements too.
//! - Each connection has a supervisor of ours (`link`): it connects, declares the topology, and does so again after any loss, with
//!   growing, jittered waits. Channels and consumers are rebuilt by those who use them. `lapin`'s own recovery is not used.
//! - Publishing is persistent, mandatory (except answers), confirmed in windows, and has a deadline.
//! - Several messages of one publication for the same queue may travel as one (`pack`).
//! - Who sent a message is decided by `sender`; what the user of a service may do, by `rights`. `seen` looks and changes nothing.

mod address;
mod backoff;
mod consumer;
mod headers;
mod letters;
mod link;
mod options;
mod pack;
mod publisher;
pub mod rights;
mod seen;
mod sender;
mod settle;
#[cfg(test)]
mod tests;
pub mod topology;
mod unsettled;
mod wire;

pub use options::{CONFIRM_WINDOW, HEARTBEAT, InvalidUrl, PACK_BYTES, PACK_MESSAGES, PUBLISH_DEADLINE, RabbitMqOptions};
pub use seen::{Seen, look};

use crate::{Broker, BrokerError, ConnectionState, Consumer, Depth, Letters, Looked, Outgoing, Queue, QueueSeen};
use address::Address;
use consumer::{RabbitMqConsumer, Source};
use link::Link;
use publisher::Publisher;
use sender::Senders;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Unsettled answers that an asker holds: it settles each as soon as it has handed it on.
const ANSWERS_PREFETCH: u16 = 300;
/// What quorum queues accept at most; 0 would mean no bound at all.
const LARGEST_PREFETCH: u16 = 2_000;

/// Declares all exchanges, queues and bindings, as a user that may: what services whose users may not rely on. What exists stays as it
/// is. One attempt; whoever calls it decides whether to wait for a broker that is away.
///
/// # Errors
/// [`DeclareError`].
pub async fn declare(url: &str) -> Result<(), DeclareError> {
    let address = Address::parse(url, HEARTBEAT)?;
    let declaring = async {
        let connection = address.connect("migrate").await.map_err(DeclareError::Away)?;
        let declared = topology::declare(&connection, topology::Manner::Declares).await.map_err(DeclareError::Refused);
        // dropped, it is closed as well
        let _ = tokio::time::timeout(link::CLOSE_DEADLINE, connection.close(200, "OK".into())).await;
        declared
    };
    tokio::time::timeout(PUBLISH_DEADLINE, declaring).await.unwrap_or_else(|_| Err(DeclareError::Away("no answer in time".to_owned())))
}

/// Why the topology is not there.
#[derive(Debug, thiserror::Error)]
pub enum DeclareError {
    /// The URL is none.
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    /// The broker is not reached, or does not let this user in.
    #[error("the broker is not reached: {0}")]
    Away(String),
    /// Something is missing, and this user may not declare it.
    #[error("{0}")]
    Refused(String),
}

/// A service's end of RabbitMQ.
pub struct RabbitMqBroker {
    shared: Arc<Shared>,
    tasks: std::sync::Mutex<Vec<JoinHandle<()>>>,
}

/// What the broker and its consumers share. The last one to go ends the tasks.
struct Shared {
    options: RabbitMqOptions,
    senders: Senders,
    publishing: Link,
    consuming: Link,
    publisher: Publisher,
    /// No new work is taken.
    closing: CancellationToken,
    _tasks: DropGuard,
}

impl RabbitMqBroker {
    /// Starts to connect, and goes on trying for as long as it lives: a broker that is away shows in `ready`, and as
    /// `Unavailable` of what is asked meanwhile. Needs a Tokio runtime.
    ///
    /// # Errors
    /// `InvalidUrl` where the URL is none, or a file that it names is not what it should be.
    pub fn start(options: RabbitMqOptions) -> Result<Self, InvalidUrl> {
        let address = Address::parse(&options.url, options.heartbeat)?;
        let senders = Senders::new(address.user().to_owned(), options.service, options.shared_user);
        let closing = CancellationToken::new();
        let end = CancellationToken::new();
        let (publishing, first) = Link::start(address.clone(), format!("{} publishes", options.service.name()), end.clone());
        let (consuming, second) = Link::start(address, format!("{} consumes", options.service.name()), end.clone());
        let (publisher, lanes) = Publisher::start(&publishing, &options, &closing, &end);
        let tasks = [first, second].into_iter().chain(lanes).collect();
        let shared = Shared { options, senders, publishing, consuming, publisher, closing, _tasks: end.drop_guard() };
        Ok(Self { shared: Arc::new(shared), tasks: std::sync::Mutex::new(tasks) })
    }

    fn consumer(&self, source: Source, prefetch: u16) -> RabbitMqConsumer {
        RabbitMqConsumer::new(self.shared.clone(), source, prefetch.clamp(1, LARGEST_PREFETCH))
    }

    fn refuse_when_closing(&self) -> Result<(), BrokerError> {
        if self.shared.closing.is_cancelled() { Err(closed()) } else { Ok(()) }
    }
}

#[async_trait::async_trait]
impl Broker for RabbitMqBroker {
    async fn publish(&self, messages: Vec<Outgoing>) -> Result<(), BrokerError> {
        self.refuse_when_closing()?;
        let parcels = wire::parcels(messages, &self.shared.senders)?;
        let packed = pack::pack(parcels, &self.shared.options, &self.shared.senders);
        self.shared.publisher.publish(packed).await
    }

    async fn consume(&self, queue: Queue, prefetch: u16) -> Result<Box<dyn Consumer>, BrokerError> {
        self.refuse_when_closing()?;
        Ok(Box::new(self.consumer(Source::Queue(queue), prefetch)))
    }

    async fn answers(&self) -> Result<(String, Box<dyn Consumer>), BrokerError> {
        self.refuse_when_closing()?;
        let name = format!("{}.{}", topology::ANSWERS, uuid::Uuid::new_v4());
        let mut consumer = self.consumer(Source::Answers(name.clone()), ANSWERS_PREFETCH);
        // The name is of use only once the queue is there: an answer that finds no queue is dropped.
        tokio::time::timeout(self.shared.options.publish_deadline, consumer.subscribed())
            .await
            .map_err(|_| BrokerError::Unavailable("no queue for answers could be declared in time".to_owned()))?
            .ok_or_else(closed)?;
        Ok((name, Box::new(consumer)))
    }

    async fn letters(&self) -> Result<Box<dyn Letters>, BrokerError> {
        self.refuse_when_closing()?;
        Ok(Box::new(letters::RabbitMqLetters::begin(self.shared.clone()).await?))
    }

    async fn depth(&self, queue: Queue) -> Result<Depth, BrokerError> {
        self.refuse_when_closing()?;
        let unavailable = |error: lapin::Error| BrokerError::Unavailable(error.to_string());
        let looking = async {
            let channel = self.shared.consuming.channel(true).await.ok_or_else(closed)?;
            let depth = seen::hold(&channel, queue.name()).await.map_err(unavailable)?;
            channel.close(200, "OK".into()).await.map_err(unavailable)?;
            Ok(depth)
        };
        let late = || BrokerError::Unavailable("no answer in time".to_owned());
        tokio::time::timeout(self.shared.options.publish_deadline, looking).await.map_err(|_| late())?
    }

    async fn queues(&self) -> Result<Vec<QueueSeen>, BrokerError> {
        self.refuse_when_closing()?;
        let looking = async {
            let mut channel = self.shared.consuming.channel(true).await.ok_or_else(closed)?;
            let mut all = Vec::new();
            for queue in topology::topology().queues {
                let looked = match seen::hold(&channel, &queue.name).await {
                    Ok(depth) => Looked::Holds(depth),
                    Err(error) => {
                        let looked = seen::refusal(&error).ok_or_else(|| BrokerError::Unavailable(error.to_string()))?;
                        // a refusal closes the channel
                        channel = self.shared.consuming.channel(true).await.ok_or_else(closed)?;
                        looked
                    }
                };
                all.push(QueueSeen { name: queue.name, looked });
            }
            // dropped, it is closed as well
            let _ = channel.close(200, "OK".into()).await;
            Ok(all)
        };
        let late = || BrokerError::Unavailable("no answer in time".to_owned());
        tokio::time::timeout(self.shared.options.publish_deadline, looking).await.map_err(|_| late())?
    }

    fn connections(&self) -> Vec<ConnectionState> {
        let state = |name, link: &Link| ConnectionState { name, is_up: link.is_up(), made: link.made() };
        vec![state("publishing", &self.shared.publishing), state("consuming", &self.shared.consuming)]
    }

    async fn ready(&self) -> bool {
        !self.shared.closing.is_cancelled() && self.shared.publishing.is_up() && self.shared.consuming.is_up()
    }

    async fn close(&self) {
        self.shared.closing.cancel();
        let mut tasks = {
            let mut tasks = self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            std::mem::take(&mut *tasks)
        };
        // The lanes end when what was handed to them is published, or its deadline is over; then the connections are closed.
        let lanes = tasks.split_off(2.min(tasks.len()));
        futures::future::join_all(lanes).await;
        self.shared.publishing.end();
        futures::future::join_all(tasks).await;
    }
}

fn closed() -> BrokerError {
    BrokerError::Unavailable("it was closed".to_owned())
}
