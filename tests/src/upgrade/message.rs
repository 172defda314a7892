//! A message as a broker carries it: its way there, its properties and headers, its body, on one line of JSON.

use crate::{block_on, servers::close};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions},
    types::{AMQPValue, FieldTable, ShortString},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, path::Path};

/// A message.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptMessage {
    /// Where it was published.
    pub exchange: String,
    /// Under which key.
    pub routing_key: String,
    /// The properties that are texts, by name: `type`, `message_id` …
    pub properties: BTreeMap<String, String>,
    /// When it was published.
    pub timestamp: Option<u64>,
    /// The headers that are texts or numbers.
    pub headers: BTreeMap<String, Header>,
    /// The body: JSON, as text.
    pub body: String,
}

/// A header's value.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Header {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

type Property = (&'static str, fn(&BasicProperties) -> &Option<ShortString>, fn(BasicProperties, ShortString) -> BasicProperties);

/// The properties that are texts. Not the user: that is whoever publishes it.
const PROPERTIES: [Property; 7] = [
    ("content_type", BasicProperties::content_type, BasicProperties::with_content_type),
    ("content_encoding", BasicProperties::content_encoding, BasicProperties::with_content_encoding),
    ("correlation_id", BasicProperties::correlation_id, BasicProperties::with_correlation_id),
    ("reply_to", BasicProperties::reply_to, BasicProperties::with_reply_to),
    ("message_id", BasicProperties::message_id, BasicProperties::with_message_id),
    ("type", BasicProperties::kind, BasicProperties::with_type),
    ("app_id", BasicProperties::app_id, BasicProperties::with_app_id),
];

impl KeptMessage {
    /// Its type on the wire.
    pub fn kind(&self) -> &str {
        self.properties.get("type").map_or("", String::as_str)
    }

    /// Its body.
    ///
    /// # Panics
    /// Where it is no JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.body))
    }

    fn of(exchange: &str, routing_key: &str, properties: &BasicProperties, body: &[u8]) -> Self {
        let texts = PROPERTIES.iter().filter_map(|(name, get, _)| Some(((*name).to_owned(), get(properties).as_ref()?.to_string())));
        let table = properties.headers().clone().unwrap_or_default();
        let headers = table.into_iter().filter_map(|(name, value)| Some((name.to_string(), header(value)?)));
        // the broker's own record of deliveries is not the sender's
        let headers = headers.filter(|(name, _)| name != "x-delivery-count");
        Self {
            exchange: exchange.to_owned(),
            routing_key: routing_key.to_owned(),
            properties: texts.collect(),
            timestamp: *properties.timestamp(),
            headers: headers.collect(),
            body: String::from_utf8(body.to_vec()).expect("a message of text"),
        }
    }

    fn basic_properties(&self, user: &str) -> BasicProperties {
        let mut properties = BasicProperties::default().with_delivery_mode(2).with_user_id(user.into());
        for (name, _, set) in PROPERTIES {
            if let Some(value) = self.properties.get(name) {
                properties = set(properties, value.as_str().into());
            }
        }
        if let Some(timestamp) = self.timestamp {
            properties = properties.with_timestamp(timestamp);
        }
        let mut table = FieldTable::default();
        for (name, value) in &self.headers {
            let value = match value {
                Header::Text(text) => AMQPValue::LongString(text.as_str().into()),
                Header::Number(number) => AMQPValue::LongLongInt(*number),
            };
            table.insert(name.as_str().into(), value);
        }
        properties.with_headers(table)
    }
}

fn header(value: &AMQPValue) -> Option<Header> {
    match value {
        AMQPValue::LongString(text) => Some(Header::Text(text.to_string())),
        AMQPValue::LongLongInt(number) => Some(Header::Number(*number)),
        _ => None,
    }
}

/// Takes what waits in queues, until they are empty.
///
/// # Panics
/// Where the broker does not give it.
pub async fn take(channel: &Channel, queues: &[String]) -> Vec<KeptMessage> {
    let mut messages = Vec::new();
    for queue in queues {
        while let Some(got) =
            channel.basic_get(queue.as_str().into(), BasicGetOptions { no_ack: true }).await.expect("a queue that is there")
        {
            messages.push(KeptMessage::of(got.exchange.as_str(), got.routing_key.as_str(), &got.properties, &got.data));
        }
    }
    messages
}

/// Publishes them again as they were, through a virtual host's URL; the broker has them all when this returns.
///
/// # Panics
/// Where the broker does not take one.
pub fn publish(url: &str, messages: &[KeptMessage]) {
    let user = reqwest::Url::parse(url).expect("an address").username().to_owned();
    block_on(async {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.expect("a connection to RabbitMQ");
        let channel = connection.create_channel().await.expect("a channel");
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
        for message in messages {
            let (exchange, key) = (message.exchange.as_str(), message.routing_key.as_str());
            let options = BasicPublishOptions::default();
            let published =
                channel.basic_publish(exchange.into(), key.into(), options, message.body.as_bytes(), message.basic_properties(&user));
            let confirm = published.await.expect("a message published").await.expect("a message confirmed");
            assert!(confirm.is_ack(), "the broker does not take {message:?}");
        }
        close(&connection).await;
    });
}

/// Writes them, a line each.
///
/// # Panics
/// Where the file cannot be written.
pub fn write(path: &Path, messages: &[KeptMessage]) {
    let line = |message| serde_json::to_string(message).expect("a message as JSON") + "\n";
    fs::write(path, messages.iter().map(line).collect::<String>()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Reads them.
///
/// # Panics
/// Where the file is not what [`write()`] wrote.
pub fn read(path: &Path) -> Vec<KeptMessage> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{}: {error}: {line}", path.display()));
    text.lines().map(parse).collect()
}
