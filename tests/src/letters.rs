//! Commands caught on their way, and given up in their sender's name as a worker gives up what it cannot do.

use crate::{block_on, place::Distributed, servers::close};
use futures::StreamExt as _;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use std::time::Duration;

/// What has not come after this time will not.
const QUIET: Duration = Duration::from_millis(500);

/// Commands to a service, as they were on the wire.
pub struct Caught {
    channel: Channel,
    connection: Connection,
    service: &'static str,
    consumer: lapin::Consumer,
    messages: Vec<(BasicProperties, Vec<u8>)>,
}

impl Caught {
    /// From now on, a copy of each command to the service.
    ///
    /// # Panics
    /// Where the broker does not do as it is told.
    pub fn begin(place: &Distributed, service: &'static str) -> Self {
        block_on(async {
            let connection = Connection::connect(&place.broker_url(), ConnectionProperties::default()).await.expect("a connection");
            let channel = connection.create_channel().await.expect("a channel");
            channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
            let exclusive = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
            let queue = channel.queue_declare("".into(), exclusive, FieldTable::default()).await.expect("a queue");
            let (name, bind) = (queue.name().clone(), QueueBindOptions::default());
            let bound = channel.queue_bind(name.clone(), "planshift.commands".into(), service.into(), bind, FieldTable::default());
            bound.await.expect("a binding");
            let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
            let consumer = channel.basic_consume(name, "".into(), options, FieldTable::default()).await.expect("a consumer");
            Self { channel, connection, service, consumer, messages: Vec::new() }
        })
    }

    /// Those of a type, once no more come. What comes in a pack is a pack.
    pub fn of_type(&mut self, wanted: &str) -> usize {
        block_on(async {
            while let Ok(Some(Ok(delivery))) = tokio::time::timeout(QUIET, self.consumer.next()).await {
                let is_wanted =
                    delivery.properties.kind().as_ref().is_some_and(|kind| kind.as_str() == wanted || kind.as_str() == "Pack.v1");
                if is_wanted && String::from_utf8_lossy(&delivery.data).contains("azureSubscriptionId") {
                    self.messages.push((delivery.properties, delivery.data));
                }
            }
        });
        self.messages.len()
    }

    /// Each of them is a dead letter.
    ///
    /// # Panics
    /// Where the broker refuses.
    pub fn bury(&self) {
        block_on(async {
            let queue = format!("planshift.{}", self.service);
            for (properties, body) in &self.messages {
                bury(&self.channel, properties, body, &queue).await;
            }
        });
    }

    /// No more copies.
    pub fn end(self) {
        block_on(close(&self.connection));
    }
}

/// Sends a command of the coordinator's to the dead letters, as its worker does whose attempts are used up.
pub(crate) async fn bury(channel: &Channel, properties: &BasicProperties, body: &[u8], queue: &str) {
    let mut headers = properties.headers().clone().unwrap_or_default();
    for (name, value) in [("x-planshift-reason", "AttemptsUsedUp"), ("x-planshift-queue", queue), ("x-planshift-sender", "coordinator")] {
        headers.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    headers.insert("x-planshift-attempts".into(), AMQPValue::LongInt(25));
    let properties = properties.clone().with_headers(headers);
    let published = channel.basic_publish("planshift.dead".into(), "".into(), BasicPublishOptions::default(), body, properties);
    published.await.expect("published").await.expect("confirmed");
}
