//! Messages as AMQP carries them, and back.

use super::consumer::Source;
use super::headers::{ATTEMPTS, DESCRIPTION, Headers, QUEUE, REASON, REDRIVE, SENDER, SENT, TRACEPARENT, TRACESTATE};
use super::sender::Senders;
use super::topology::{self, delay_name};
use crate::{BrokerError, Destination, Message, Outgoing, Queue, Service, Settlement, delay};
use bytes::Bytes;
use lapin::BasicProperties;
use lapin::types::{FieldTable, ShortString};

const CONTENT_TYPE: &str = "application/json";
const PERSISTENT: u8 = 2;
const TRANSIENT: u8 = 1;
/// What was told to all askers is of no use to one that has not taken it by then.
const ASKERS_EXPIRY_MILLIS: &str = "30000";
/// Microseconds in a second.
const MICROS: u64 = 1_000_000;

/// One publication.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    pub(super) exchange: ShortString,
    pub(super) routing_key: ShortString,
    /// The broker returns what finds no queue.
    pub(super) mandatory: bool,
    pub(super) properties: BasicProperties,
    pub(super) body: Bytes,
    /// The messages in it.
    pub(super) ids: Vec<String>,
    /// The queue that it leads to: what goes to one queue stays in order.
    pub(super) queue: String,
}

/// The publications of messages.
pub(super) fn parcels(messages: Vec<Outgoing>, senders: &Senders) -> Result<Vec<Parcel>, BrokerError> {
    let parcel = |outgoing: Outgoing| {
        let id = outgoing.message.message_id.clone();
        parcel(outgoing, senders).map_err(|TooLong| BrokerError::Refused {
            ids: vec![id],
            reason: "a property or a routing key is longer than the 255 bytes that AMQP allows".to_owned(),
        })
    };
    messages.into_iter().map(parcel).collect()
}

pub(super) struct TooLong;

pub(super) fn short(text: &str) -> Result<ShortString, TooLong> {
    ShortString::try_new(text).map_err(|_| TooLong)
}

fn parcel(outgoing: Outgoing, senders: &Senders) -> Result<Parcel, TooLong> {
    let Outgoing { to, message } = outgoing;
    let mut headers = Headers::default();
    for (name, value) in [(TRACEPARENT, &message.traceparent), (TRACESTATE, &message.tracestate)] {
        if !value.is_empty() {
            headers.set_text(name, value);
        }
    }
    if let Ok(sent @ 1..) = i64::try_from(message.sent_micros) {
        headers.set_number(SENT, sent);
    }
    if let Some(redrive) = &message.redrive {
        headers.set_text(REDRIVE, redrive);
    }
    let (exchange, routing_key, queue) = match &to {
        Destination::Command(service) => (topology::COMMANDS, service.name(), None),
        Destination::Reply => (topology::REPLIES, Service::Coordinator.name(), None),
        Destination::Answer(name) => (topology::ANSWERS, name.as_str(), Some(name.as_str())),
        Destination::Askers => (topology::ANSWERS, topology::ALL_ASKERS, Some(topology::ALL_ASKERS)),
        Destination::Event(key) => (topology::EVENTS, key.as_str(), None),
        Destination::Redrive { to, sender } => {
            if let Some(sender) = sender {
                headers.set_text(SENDER, sender.name());
            }
            (topology::COMMANDS, to.name(), None)
        }
    };
    let mut properties = BasicProperties::default()
        .with_content_type(CONTENT_TYPE.into())
        .with_delivery_mode(PERSISTENT)
        .with_timestamp(message.sent_micros / MICROS)
        .with_app_id(senders.service().name().into())
        .with_user_id(short(senders.user())?);
    if !message.message_id.is_empty() {
        properties = properties.with_message_id(short(&message.message_id)?);
    }
    if !message.kind.is_empty() {
        properties = properties.with_type(short(&message.kind)?);
    }
    if !message.correlation_id.is_empty() {
        properties = properties.with_correlation_id(short(&message.correlation_id)?);
    }
    if let Some(reply_to) = &message.reply_to {
        properties = properties.with_reply_to(short(reply_to)?);
    }
    if to == Destination::Askers {
        properties = properties.with_delivery_mode(TRANSIENT).with_expiration(ASKERS_EXPIRY_MILLIS.into());
    }
    Ok(Parcel {
        exchange: exchange.into(),
        routing_key: short(routing_key)?,
        mandatory: !matches!(to, Destination::Answer(_) | Destination::Askers),
        properties: properties.with_headers(headers.0),
        body: message.body,
        ids: vec![message.message_id],
        queue: queue.map(str::to_owned).unwrap_or_else(|| to.queue().map_or_else(String::new, |queue| queue.name().to_owned())),
    })
}

/// A message that was delivered, as it was: what it is published again from.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) properties: BasicProperties,
    pub(super) body: Bytes,
    pub(super) sender: Option<Service>,
    pub(super) attempts: u32,
}

pub(super) fn headers(properties: &BasicProperties) -> Headers {
    Headers(properties.headers().clone().unwrap_or_default())
}

pub(super) fn content_type(properties: &BasicProperties) -> Option<String> {
    properties.content_type().as_ref().map(|text| text.as_str().to_owned())
}

/// When it was sent. A header that does not belong to the property's second is another's, and not believed.
fn sent_micros(seconds: u64, header: Option<i64>) -> u64 {
    let exact = header.and_then(|micros| u64::try_from(micros).ok()).filter(|micros| micros / MICROS == seconds);
    exact.unwrap_or(seconds.saturating_mul(MICROS))
}

/// The message. What is missing is empty: the reader tells what it cannot do without.
pub(super) fn message(properties: &BasicProperties, headers: &Headers, body: Bytes) -> Message {
    let text = |value: &Option<ShortString>| value.as_ref().map(|text| text.as_str().to_owned());
    Message {
        message_id: text(properties.message_id()).unwrap_or_default(),
        kind: text(properties.kind()).unwrap_or_default(),
        correlation_id: text(properties.correlation_id()).unwrap_or_default(),
        reply_to: text(properties.reply_to()),
        sent_micros: sent_micros(properties.timestamp().unwrap_or(0), headers.number(SENT)),
        traceparent: headers.text(TRACEPARENT).unwrap_or_default(),
        tracestate: headers.text(TRACESTATE).unwrap_or_default(),
        redrive: headers.text(REDRIVE),
        body,
    }
}

/// The publication that a retry or a dead letter is; `None` for an acknowledgement.
pub(super) fn again(held: &Held, source: &Source, settlement: &Settlement, senders: &Senders) -> Option<Parcel> {
    let queue = source.name();
    let original = headers(&held.properties);
    let mut headers = original.without_the_brokers_own();
    headers.set_text(SENDER, held.sender.map_or("", Service::name));
    let tried = u32::from(!matches!(settlement, Settlement::Wait { .. }));
    headers.set_number(ATTEMPTS, held.attempts.saturating_add(tried));
    match settlement {
        Settlement::Ack => None,
        Settlement::Retry { delay } | Settlement::Wait { delay } => {
            // The broker's record of a death does not survive another publication; what it says must.
            if let (Source::Queue(Queue::Dead), Some(dead)) = (source, original.dead_letter()) {
                set_dead(&mut headers, &dead.reason, &dead.description, &dead.queue);
                headers.set_number(ATTEMPTS, dead.attempts.saturating_add(tried));
            }
            let properties = properties_again(&held.properties, headers.0, senders);
            if let Source::Answers(_) = source {
                // At once, past the delay queues: what waits there for a queue that is gone by then would wait for ever.
                return Some(Parcel { mandatory: false, ..parcel_again(held, topology::ANSWERS.into(), queue, properties) });
            }
            let (level, wait) = delay::choose(*delay);
            let properties = properties.with_expiration(ShortString::from(wait.as_millis().to_string()));
            Some(parcel_again(held, delay_name(level.name).as_str().into(), queue, properties))
        }
        Settlement::Dead { reason, description } => {
            set_dead(&mut headers, reason, description, queue);
            let properties = properties_again(&held.properties, headers.0, senders);
            Some(parcel_again(held, topology::DEAD.into(), queue, properties))
        }
    }
}

fn set_dead(headers: &mut Headers, reason: &str, description: &str, queue: &str) {
    headers.set_text(REASON, reason);
    headers.set_text(DESCRIPTION, description);
    headers.set_text(QUEUE, queue);
}

/// A queue's name comes from the topology, or is an asker's own: short enough as it was declared.
fn parcel_again(held: &Held, exchange: ShortString, queue: &str, properties: BasicProperties) -> Parcel {
    let id = held.properties.message_id().as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default();
    Parcel {
        exchange,
        routing_key: ShortString::try_new(queue).unwrap_or_default(),
        mandatory: true,
        properties,
        body: held.body.clone(),
        ids: vec![id],
        queue: String::new(),
    }
}

/// The original properties, except what belongs to one publication: the user, how it is stored, and when it expires.
fn properties_again(original: &BasicProperties, headers: FieldTable, senders: &Senders) -> BasicProperties {
    type Set = fn(BasicProperties, ShortString) -> BasicProperties;
    let kept: [(&Option<ShortString>, Set); 7] = [
        (original.content_type(), BasicProperties::with_content_type),
        (original.content_encoding(), BasicProperties::with_content_encoding),
        (original.correlation_id(), BasicProperties::with_correlation_id),
        (original.reply_to(), BasicProperties::with_reply_to),
        (original.message_id(), BasicProperties::with_message_id),
        (original.kind(), BasicProperties::with_type),
        (original.app_id(), BasicProperties::with_app_id),
    ];
    let mut properties = BasicProperties::default()
        .with_headers(headers)
        .with_delivery_mode(PERSISTENT)
        .with_user_id(ShortString::try_new(senders.user()).unwrap_or_default());
    for (value, set) in kept {
        if let Some(value) = value {
            properties = set(properties, value.clone());
        }
    }
    if let Some(timestamp) = original.timestamp() {
        properties = properties.with_timestamp(*timestamp);
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_as_old_as_its_header_says_where_that_fits() {
        let sent = |header| sent_micros(1_700_000_000, header);
        assert_eq!(sent(Some(1_700_000_000_250_000)), 1_700_000_000_250_000);
        // of a version that has no header; of somebody who has copied another message's
        for other in [None, Some(1_700_000_001_000_000), Some(5), Some(-1)] {
            assert_eq!(sent(other), 1_700_000_000_000_000, "{other:?}");
        }
        assert_eq!(sent_micros(0, None), 0);
    }
}
