//! Exchanges, queues and bindings: what is promised outward, and the queues that retries wait in.
//!
//! Whoever connects declares them; where its user may not, or where they exist with other arguments (an operator's), it is
//! enough that they exist. A service's own user asks first, and declares only what is missing: it is not expected to have the right,
//! and a refusal is an error in the broker's log. [`topology`] is the same as data.

use crate::{DELAY_LEVELS, Queue, Service};
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Channel, Connection, ErrorKind, ExchangeKind};

/// Commands, and requests to the coordinator: direct, by the service's name.
pub const COMMANDS: &str = "planshift.commands";
/// Replies to the coordinator: direct, with the routing key `coordinator`.
pub const REPLIES: &str = "planshift.replies";
/// Answers: direct, by the name of the asker's queue.
pub const ANSWERS: &str = "planshift.answers";
/// The routing key of [`ANSWERS`] that leads to every asker's queue. No queue has this name.
pub const ALL_ASKERS: &str = "planshift.answers.all";
/// Events: topic.
pub const EVENTS: &str = "planshift.events";
/// Dead letters: fanout, to the queue of the same name.
pub const DEAD: &str = "planshift.dead";

/// Deliveries of a message that was never settled, before the broker itself gives it up. Retries do not count: they are new messages.
const DELIVERY_LIMIT: i64 = 100;

/// Dead letters have nowhere else to go, and newer brokers drop what was delivered twenty times if they are not told otherwise.
/// (No limit at all cannot be said in a way that every version understands.)
const DEAD_DELIVERY_LIMIT: i64 = 1_000_000;

/// The name of a delay level's exchange and queue.
pub fn delay_name(level: &str) -> String {
    format!("planshift.delay.{level}")
}

/// An exchange; durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeSpec {
    /// Its name.
    pub name: String,
    /// `direct`, `topic` or `fanout`.
    pub kind: &'static str,
}

/// A queue; durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSpec {
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<(&'static str, Argument)>,
}

/// An argument of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

/// A binding of a queue to an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindingSpec {
    /// The exchange.
    pub exchange: String,
    /// The queue.
    pub queue: String,
    /// The routing key.
    pub routing_key: String,
}

/// Everything that is declared (askers' own queues are not: they come and go).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// The exchanges.
    pub exchanges: Vec<ExchangeSpec>,
    /// The queues.
    pub queues: Vec<QueueSpec>,
    /// The bindings.
    pub bindings: Vec<BindingSpec>,
}

/// The topology.
pub fn topology() -> Topology {
    let exchange = |name: &str, kind| ExchangeSpec { name: name.to_owned(), kind };
    let mut exchanges = vec![
        exchange(COMMANDS, "direct"),
        exchange(REPLIES, "direct"),
        exchange(ANSWERS, "direct"),
        exchange(EVENTS, "topic"),
        exchange(DEAD, "fanout"),
    ];
    let mut dead = quorum();
    dead.push(("x-delivery-limit", Argument::Number(DEAD_DELIVERY_LIMIT)));
    let mut queues = vec![QueueSpec { name: DEAD.to_owned(), arguments: dead }];
    let mut bindings = vec![binding(DEAD, DEAD, "")];
    for service in Service::ALL {
        let name = Queue::Service(service).name();
        let mut arguments = quorum();
        arguments.push(("x-delivery-limit", Argument::Number(DELIVERY_LIMIT)));
        arguments.extend(dead_letters_to(DEAD));
        queues.push(QueueSpec { name: name.to_owned(), arguments });
        bindings.push(binding(COMMANDS, name, service.name()));
    }
    bindings.push(binding(REPLIES, Queue::Service(Service::Coordinator).name(), Service::Coordinator.name()));
    bindings.push(binding(EVENTS, Queue::Service(Service::Gateway).name(), "#"));
    for level in DELAY_LEVELS {
        let name = delay_name(level.name);
        exchanges.push(exchange(&name, "fanout"));
        let mut arguments = quorum();
        // The default exchange leads a message to the queue that its routing key names: back to where it came from.
        arguments.extend(dead_letters_to(""));
        arguments.push(("x-message-ttl", Argument::Number(i64::try_from(level.length.as_millis()).unwrap_or(i64::MAX))));
        bindings.push(binding(&name, &name, ""));
        queues.push(QueueSpec { name, arguments });
    }
    Topology { exchanges, queues, bindings }
}

fn text(text: &str) -> Argument {
    Argument::Text(text.to_owned())
}

fn quorum() -> Vec<(&'static str, Argument)> {
    vec![("x-queue-type", text("quorum"))]
}

/// Without loss: all three are needed for a dead letter that arrives at least once.
fn dead_letters_to(exchange: &str) -> Vec<(&'static str, Argument)> {
    vec![
        ("x-dead-letter-exchange", text(exchange)),
        ("x-dead-letter-strategy", text("at-least-once")),
        ("x-overflow", text("reject-publish")),
    ]
}

fn binding(exchange: &str, queue: &str, routing_key: &str) -> BindingSpec {
    BindingSpec { exchange: exchange.to_owned(), queue: queue.to_owned(), routing_key: routing_key.to_owned() }
}

/// Declares everything, or makes sure that it is there.
///
/// # Errors
/// In words: what is missing, and what to do about it.
pub(super) async fn declare(connection: &Connection, manner: Manner) -> Result<(), String> {
    let could_not = |error: lapin::Error| format!("the topology could not be declared: {error}");
    let topology = topology();
    let channel = connection.create_channel().await.map_err(could_not)?;
    let mut declarer = Declarer { connection, channel, manner };
    let declared = async {
        for exchange in &topology.exchanges {
            declarer.exchange(exchange).await?;
        }
        for queue in &topology.queues {
            declarer.queue(queue).await?;
        }
        for binding in &topology.bindings {
            declarer.bind(binding).await?;
        }
        declarer.channel.close(200, "OK".into()).await
    };
    declared.await.map_err(|error| {
        if is_refusal(&error, AMQPSoftError::NOTFOUND) {
            format!("the topology is not whole, and this user may not declare it: run `planshift migrate` with a user that may ({error})")
        } else {
            could_not(error)
        }
    })
}

/// How something comes to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// It is declared.
    Declares,
    /// It is asked for, and declared if it is missing.
    AsksFirst,
    /// It was refused once for want of a right: it is asked for, and must be there.
    OnlyAsks,
}

struct Declarer<'a> {
    connection: &'a Connection,
    channel: Channel,
    manner: Manner,
}

impl Declarer<'_> {
    async fn exchange(&mut self, spec: &ExchangeSpec) -> Result<(), lapin::Error> {
        let kind = ExchangeKind::Custom(spec.kind.to_owned());
        let name = spec.name.as_str();
        let mut passive = self.manner != Manner::Declares;
        loop {
            let options = ExchangeDeclareOptions { durable: true, passive, ..ExchangeDeclareOptions::default() };
            match self.channel.exchange_declare(name.into(), kind.clone(), options, FieldTable::default()).await {
                Err(error) => passive = self.otherwise(name, passive, error).await?,
                Ok(()) => return Ok(()),
            }
        }
    }

    async fn queue(&mut self, spec: &QueueSpec) -> Result<(), lapin::Error> {
        let mut arguments = FieldTable::default();
        for (key, value) in &spec.arguments {
            let value = match value {
                Argument::Text(text) => AMQPValue::LongString(LongString::from(text.as_str())),
                Argument::Number(number) => AMQPValue::LongLongInt(*number),
            };
            arguments.insert((*key).into(), value);
        }
        let name = spec.name.as_str();
        let mut passive = self.manner != Manner::Declares;
        loop {
            let options = QueueDeclareOptions { durable: true, passive, ..QueueDeclareOptions::default() };
            match self.channel.queue_declare(name.into(), options, arguments.clone()).await {
                Err(error) => passive = self.otherwise(name, passive, error).await?,
                Ok(_) => return Ok(()),
            }
        }
    }

    async fn bind(&mut self, spec: &BindingSpec) -> Result<(), lapin::Error> {
        if self.manner != Manner::Declares {
            // Whoever has declared the queue has bound it; a publication that finds no queue is returned, and seen.
            return Ok(());
        }
        let (queue, exchange, key) = (spec.queue.as_str(), spec.exchange.as_str(), spec.routing_key.as_str());
        let options = QueueBindOptions::default();
        match self.channel.queue_bind(queue.into(), exchange.into(), key.into(), options, FieldTable::default()).await {
            Err(error) if is_refusal(&error, AMQPSoftError::ACCESSREFUSED) => self.reopen().await,
            outcome => outcome,
        }
    }

    /// After a refusal, which closes the channel: shall it be asked for (true) or declared?
    async fn otherwise(&mut self, name: &str, was_asked_for: bool, error: lapin::Error) -> Result<bool, lapin::Error> {
        if was_asked_for {
            if self.manner != Manner::AsksFirst || !is_refusal(&error, AMQPSoftError::NOTFOUND) {
                return Err(error);
            }
            // Whoever declares one thing binds and declares what comes after it too.
            self.manner = Manner::Declares;
        } else if is_refusal(&error, AMQPSoftError::PRECONDITIONFAILED) {
            tracing::warn!(name, error = %error, "it exists with other arguments than are promised, and is used as it is");
        } else if is_refusal(&error, AMQPSoftError::ACCESSREFUSED) {
            tracing::debug!(name, error = %error, "not ours to declare; what is there is used");
            self.manner = Manner::OnlyAsks;
        } else {
            return Err(error);
        }
        self.reopen().await?;
        Ok(!was_asked_for)
    }

    async fn reopen(&mut self) -> Result<(), lapin::Error> {
        self.channel = self.connection.create_channel().await?;
        Ok(())
    }
}

pub(super) fn is_refusal(error: &lapin::Error, refusal: AMQPSoftError) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(error) if *error.kind() == AMQPErrorKind::Soft(refusal))
}
