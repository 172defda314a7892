//! Through the queue: starts are published to the coordinator as the gateway publishes them, with confirms and an asker's own queue
//! for the answers; ends are seen by the events of transitions that have come to one, in an exclusive queue bound to those alone.

use super::{Report, Stopwatch, Task};
use futures::StreamExt;
use lapin::{
    Connection, ConnectionProperties,
    options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};
use planshift_domain::{
    ids::{CustomerId, PartnerId},
    message::{
        Body,
        event::TransitionChanged,
        request::{Priority, StartAnswered, StartOutcome, StartTransition},
    },
    time::Timestamp,
};
use planshift_messaging::{
    Broker, Consumer, Destination, Outgoing, RabbitMqBroker, RabbitMqOptions, Service, Settlement, rabbitmq::topology::EVENTS,
};
use planshift_telemetry::TraceContext;
use planshift_worker::{Ports, codec};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;
use uuid::Uuid;

/// States that nothing follows by itself.
const ENDS: [&str; 4] = ["Completed", "Ineligible", "Compensated", "NeedsOperator"];
/// How many starts are published at once, at most.
const STARTS: usize = 1_024;
/// How many answers are taken at once.
const ANSWERS: usize = 200;
/// How long the broker may take to be reached.
const REACHED_WITHIN: Duration = Duration::from_secs(20);

/// What is heard.
pub enum Heard {
    /// A start was accepted.
    Accepted,
    /// A customer's transition has come to an end: in this state.
    End(Uuid, String),
    /// It cannot go on.
    Fault(String),
}

pub(super) async fn drive(url: &str, task: &Task, mut go: impl FnMut()) -> Result<Report, String> {
    let mut wire = Wire::open(url).await?;
    let mut under_way: HashMap<Uuid, Instant> = HashMap::new();

    go();
    let mut stopwatch = Stopwatch::start(task);
    let mut customers = task.customers.iter();
    for customer in customers.by_ref().take(task.concurrency) {
        under_way.insert(*customer, stopwatch.now());
        wire.start(task.partner, *customer, Priority::Interactive)?;
    }
    while !under_way.is_empty() {
        if let Heard::End(customer, state) = wire.heard().await? {
            // one that was told of twice, or another's
            let Some(started) = under_way.remove(&customer) else { continue };
            if state != "Completed" {
                return Err(format!("{customer}: its transition is {state}"));
            }
            stopwatch.ended(started);
            if let Some(next) = customers.next() {
                under_way.insert(*next, stopwatch.now());
                wire.start(task.partner, *next, Priority::Interactive)?;
            }
        }
    }
    Ok(stopwatch.report())
}

/// Starts transitions, and hears what becomes of them.
pub struct Wire {
    _listening: Connection,
    reply_to: String,
    start: mpsc::UnboundedSender<Outgoing>,
    heard: mpsc::UnboundedReceiver<Heard>,
}

impl Wire {
    /// Connected to the broker.
    pub async fn open(url: &str) -> Result<Self, String> {
        let (tell, heard) = mpsc::unbounded_channel();
        let listening = listen(url, tell.clone()).await.map_err(|error| format!("the events: {error}"))?;
        let broker = RabbitMqBroker::start(RabbitMqOptions::new(url, Service::Gateway)).map_err(|error| error.to_string())?;
        wait_for(&broker).await?;
        let (reply_to, answers) = broker.answers().await.map_err(|error| error.to_string())?;
        tokio::spawn(hear_answers(answers, tell.clone()));
        let (start, starts) = mpsc::unbounded_channel();
        tokio::spawn(publish(broker, starts, tell));
        Ok(Self { _listening: listening, reply_to, start, heard })
    }

    /// The next that is heard.
    pub async fn heard(&mut self) -> Result<Heard, String> {
        match self.heard.recv().await {
            Some(Heard::Fault(fault)) => Err(fault),
            Some(heard) => Ok(heard),
            None => Err("nobody listens any more".to_owned()),
        }
    }

    /// Asks the coordinator to move a customer.
    pub fn start(&self, partner: Uuid, customer: Uuid, priority: Priority) -> Result<(), String> {
        let request_id = Uuid::new_v4();
        let question = StartTransition {
            request_id,
            partner_id: PartnerId(partner),
            customer_id: CustomerId(customer),
            actor: "benchmark".to_owned(),
            plan_hash: None,
            priority,
            batch: None,
        };
        let (id, trace, now) = (format!("{}/{request_id}", StartTransition::TYPE), TraceContext::root(Uuid::new_v4()), now());
        let mut outgoing = codec::outgoing(Destination::Command(Service::Coordinator), id, String::new(), &trace, now, &question);
        outgoing.message.reply_to = Some(self.reply_to.clone());
        self.start.send(outgoing).map_err(|_| "nothing is published any more".to_owned())
    }
}

fn now() -> Timestamp {
    Ports::system().clock.now()
}

async fn wait_for(broker: &RabbitMqBroker) -> Result<(), String> {
    let begun = Instant::now();
    while !broker.ready().await {
        if begun.elapsed() > REACHED_WITHIN {
            return Err("the broker is not reached".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Publishes what is there, as one publication, and waits for its confirms; meanwhile the next one gathers.
async fn publish(broker: RabbitMqBroker, mut starts: mpsc::UnboundedReceiver<Outgoing>, tell: mpsc::UnboundedSender<Heard>) {
    let mut batch = Vec::new();
    while starts.recv_many(&mut batch, STARTS).await > 0 {
        if let Err(error) = broker.publish(std::mem::take(&mut batch)).await {
            let _ = tell.send(Heard::Fault(format!("starts are not published: {error}")));
        }
    }
}

/// A start that is refused has no end to wait for.
async fn hear_answers(mut answers: Box<dyn Consumer>, tell: mpsc::UnboundedSender<Heard>) {
    while let Some(batch) = answers.next(ANSWERS).await {
        for delivery in &batch {
            let heard = match codec::body::<StartAnswered>(&delivery.message) {
                Ok(StartAnswered { outcome: StartOutcome::Accepted { .. }, .. }) => Heard::Accepted,
                Ok(refused) => Heard::Fault(format!("a start is refused: {:?}", refused.outcome)),
                Err(error) => Heard::Fault(error.to_string()),
            };
            let _ = tell.send(heard);
        }
        let settlements = batch.iter().map(|delivery| (delivery.tag, Settlement::Ack)).collect();
        if let Err(error) = answers.settle(settlements).await {
            let _ = tell.send(Heard::Fault(format!("answers are not settled: {error}")));
        }
    }
}

/// Hears the ends of transitions, on a connection of its own.
async fn listen(url: &str, tell: mpsc::UnboundedSender<Heard>) -> Result<Connection, lapin::Error> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare("".into(), options, FieldTable::default()).await?.name().clone();
    for state in ENDS {
        let key = format!("transition.{state}");
        channel.queue_bind(queue.clone(), EVENTS.into(), key.as_str().into(), QueueBindOptions::default(), FieldTable::default()).await?;
    }
    // nothing is lost that was not acknowledged: with its connection the queue itself would be gone
    let options = BasicConsumeOptions { no_ack: true, exclusive: true, ..BasicConsumeOptions::default() };
    let mut events = channel.basic_consume(queue, "".into(), options, FieldTable::default()).await?;
    tokio::spawn(async move {
        let _channel = channel;
        while let Some(event) = events.next().await {
            match event.map_err(|error| error.to_string()).and_then(|event| ends(kind(&event.properties), &event.data)) {
                Ok(ends) => ends.into_iter().for_each(|(customer, state)| drop(tell.send(Heard::End(customer, state)))),
                Err(error) => drop(tell.send(Heard::Fault(format!("an event: {error}")))),
            }
        }
        let _ = tell.send(Heard::Fault("the events have ended".to_owned()));
    });
    Ok(connection)
}

fn kind(properties: &lapin::BasicProperties) -> &str {
    properties.kind().as_ref().map_or("", |kind| kind.as_str())
}

/// An event, as far as it is of interest here.
#[derive(Deserialize)]
struct Ended {
    transition: Transition,
}
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transition {
    customer_id: Uuid,
    state: String,
}

/// A message within a pack.
#[derive(Deserialize)]
struct Packed<'a> {
    properties: Properties,
    #[serde(borrow)]
    body: &'a RawValue,
}
#[derive(Deserialize)]
struct Properties {
    #[serde(rename = "type")]
    kind: String,
}

/// The transitions that a message tells the end of, which may hold several messages.
fn ends(kind: &str, body: &[u8]) -> Result<Vec<(Uuid, String)>, String> {
    let read = |body: &str| serde_json::from_str(body).map(|Ended { transition }| (transition.customer_id, transition.state));
    let failed = |error: serde_json::Error| error.to_string();
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    let ends = match kind {
        "Pack.v1" => {
            let packed: Vec<Packed<'_>> = serde_json::from_str(text).map_err(failed)?;
            let bodies = packed.iter().filter(|packed| packed.properties.kind == TransitionChanged::TYPE).map(|packed| packed.body.get());
            bodies.map(read).collect::<Result<Vec<_>, _>>().map_err(failed)?
        }
        TransitionChanged::TYPE => vec![read(text).map_err(failed)?],
        _ => Vec::new(),
    };
    Ok(ends.into_iter().filter(|(_, state)| ENDS.contains(&state.as_str())).collect())
}
