//! Several messages for one queue in one on the wire: `Pack.v1`.
//!
//! The body is a JSON list of whole messages, each with its properties (by their AMQP names), its headers, and its body as it is.
//! The pack's own `user_id` counts for all of them. A message whose body is not JSON travels alone.

use super::headers::Headers;
use super::sender::Senders;
use super::{
    RabbitMqOptions,
    wire::{Held, Parcel},
};
use crate::Queue;
use bytes::Bytes;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};

/// The type of a pack.
pub(super) const KIND: &str = "Pack.v1";

#[derive(Serialize, Deserialize)]
struct PackedMessage<'a> {
    properties: PackedProperties,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, serde_json::Value>,
    #[serde(borrow)]
    body: &'a RawValue,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct PackedProperties {
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "type")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<String>,
}

/// Packs what goes to the same queue in the same way, in order, up to the limits of `options`. What stays alone stays as it was.
pub(super) fn pack(parcels: Vec<Parcel>, options: &RabbitMqOptions, senders: &Senders) -> Vec<Parcel> {
    let (most_messages, most_bytes) = (options.pack_messages, options.pack_bytes);
    let unpacked: Vec<_> = options.unpacked.iter().map(|service| Queue::Service(*service).name()).collect();
    if most_messages < 2 || parcels.len() < 2 {
        return parcels;
    }
    let mut groups: Vec<Vec<Parcel>> = Vec::new();
    // Of each queue: the group that still takes messages, and the bytes in it.
    let mut open: HashMap<String, (usize, usize)> = HashMap::new();
    for parcel in parcels {
        if unpacked.contains(&parcel.queue.as_str()) || !is_one_json_value(&parcel.body) {
            open.remove(&parcel.queue);
            groups.push(vec![parcel]);
            continue;
        }
        if let Some((index, bytes)) = open.get_mut(&parcel.queue)
            && let Some(group) = groups.get_mut(*index)
            && group.len() < most_messages
            && *bytes + parcel.body.len() <= most_bytes
            && group.first().is_some_and(|first| first.exchange == parcel.exchange && first.routing_key == parcel.routing_key)
        {
            *bytes += parcel.body.len();
            group.push(parcel);
        } else {
            open.insert(parcel.queue.clone(), (groups.len(), parcel.body.len()));
            groups.push(vec![parcel]);
        }
    }
    groups.into_iter().flat_map(|group| together(group, senders)).collect()
}

/// Exactly one value, without blanks around it: a body must come out as it went in.
fn is_one_json_value(body: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(body).is_ok_and(|value| value.get().len() == body.len())
}

fn together(group: Vec<Parcel>, senders: &Senders) -> Vec<Parcel> {
    if group.len() < 2 {
        return group;
    }
    let packed: Option<Vec<_>> = group.iter().map(packed).collect();
    let Some(Ok(body)) = packed.map(|packed| serde_json::to_vec(&packed)) else { return group };
    let Some(first) = group.first() else { return group };
    let mut properties = BasicProperties::default()
        .with_content_type("application/json".into())
        .with_delivery_mode(2)
        .with_type(KIND.into())
        .with_message_id(uuid::Uuid::new_v4().to_string().into())
        .with_app_id(senders.service().name().into());
    for (value, set) in [
        (first.properties.user_id(), BasicProperties::with_user_id as fn(_, _) -> _),
        (first.properties.app_id(), BasicProperties::with_app_id),
    ] {
        if let Some(value) = value {
            properties = set(properties, value.clone());
        }
    }
    if let Some(timestamp) = first.properties.timestamp() {
        properties = properties.with_timestamp(*timestamp);
    }
    vec![Parcel {
        exchange: first.exchange.clone(),
        routing_key: first.routing_key.clone(),
        mandatory: first.mandatory,
        properties,
        body: Bytes::from(body),
        ids: group.iter().flat_map(|parcel| parcel.ids.iter().cloned()).collect(),
        queue: first.queue.clone(),
    }]
}

fn packed(parcel: &Parcel) -> Option<PackedMessage<'_>> {
    let text = |value: &Option<ShortString>| value.as_ref().map(|text| text.as_str().to_owned());
    let properties = &parcel.properties;
    let table = Headers(properties.headers().clone().unwrap_or_default());
    let headers = table.0.inner().keys().filter_map(|name| {
        let value = match (table.text(name.as_str()), table.number(name.as_str())) {
            (Some(text), _) => serde_json::Value::from(text),
            (None, Some(number)) => serde_json::Value::from(number),
            (None, None) => return None,
        };
        Some((name.as_str().to_owned(), value))
    });
    Some(PackedMessage {
        properties: PackedProperties {
            message_id: text(properties.message_id()),
            correlation_id: text(properties.correlation_id()),
            kind: text(properties.kind()),
            content_type: text(properties.content_type()),
            reply_to: text(properties.reply_to()),
            timestamp: *properties.timestamp(),
            app_id: text(properties.app_id()),
        },
        headers: headers.collect(),
        body: serde_json::from_slice(&parcel.body).ok()?,
    })
}

/// The messages in a pack, with the pack's user; `None` where it cannot be read, and is then a message like any other.
pub(super) fn unpack(properties: &BasicProperties, body: &Bytes) -> Option<Vec<Held>> {
    if properties.kind().as_ref()?.as_str() != KIND {
        return None;
    }
    let packed: Vec<PackedMessage<'_>> = serde_json::from_slice(body).ok()?;
    let user = properties.user_id();
    let held: Option<Vec<_>> = packed.into_iter().map(|packed| held(packed, user.as_ref(), body)).collect();
    held.filter(|held| !held.is_empty())
}

fn held(packed: PackedMessage<'_>, user: Option<&ShortString>, pack: &Bytes) -> Option<Held> {
    type Set = fn(BasicProperties, ShortString) -> BasicProperties;
    let mut table = FieldTable::default();
    for (name, value) in packed.headers {
        let value = match value {
            serde_json::Value::String(text) => AMQPValue::LongString(text.into()),
            serde_json::Value::Number(number) => AMQPValue::LongLongInt(number.as_i64()?),
            other => AMQPValue::LongString(other.to_string().into()),
        };
        table.insert(ShortString::try_new(name).ok()?, value);
    }
    let mut properties = BasicProperties::default().with_headers(table);
    let given = packed.properties;
    let values: [(Option<String>, Set); 7] = [
        (given.message_id, BasicProperties::with_message_id),
        (given.correlation_id, BasicProperties::with_correlation_id),
        (given.kind, BasicProperties::with_type),
        (given.content_type, BasicProperties::with_content_type),
        (given.reply_to, BasicProperties::with_reply_to),
        (given.app_id, BasicProperties::with_app_id),
        (user.map(|user| user.as_str().to_owned()), BasicProperties::with_user_id),
    ];
    for (value, set) in values {
        if let Some(value) = value {
            properties = set(properties, ShortString::try_new(value).ok()?);
        }
    }
    if let Some(timestamp) = given.timestamp {
        properties = properties.with_timestamp(timestamp);
    }
    // No copy: a part of the pack.
    Some(Held { properties, body: pack.slice_ref(packed.body.get().as_bytes()), sender: None, attempts: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rabbitmq::wire;
    use crate::{Destination, Message, Outgoing, Service};

    fn outgoing(to: Destination, number: usize, body: &str) -> Outgoing {
        let message = Message {
            message_id: format!("m{number}"),
            kind: "T.v1".to_owned(),
            correlation_id: "c".to_owned(),
            reply_to: (number == 1).then(|| "planshift.answers".to_owned()),
            sent_micros: 5_000_123,
            traceparent: "t".to_owned(),
            redrive: None,
            tracestate: String::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        Outgoing { to, message }
    }

    fn senders() -> Senders {
        Senders::new("planshift-coordinator".to_owned(), Service::Coordinator, None)
    }

    fn packed_from(messages: Vec<Outgoing>, most: usize, bytes: usize) -> Vec<Parcel> {
        let Ok(parcels) = wire::parcels(messages, &senders()) else { panic!() };
        pack(parcels, &options(most, bytes), &senders())
    }

    fn options(pack_messages: usize, pack_bytes: usize) -> RabbitMqOptions {
        RabbitMqOptions { pack_messages, pack_bytes, ..RabbitMqOptions::new("amqp://h", Service::Coordinator) }
    }

    #[test]
    fn what_takes_its_receiver_long_travels_alone() {
        let to = |service| Destination::Command(service);
        let messages = [Service::Mapping, Service::Suspension, Service::Mapping, Service::Suspension];
        let messages = messages.into_iter().zip(0..).map(|(service, n)| outgoing(to(service), n, "{}")).collect();
        let Ok(parcels) = wire::parcels(messages, &senders()) else { panic!() };
        let options = RabbitMqOptions { unpacked: vec![Service::Mapping], ..options(64, 1_000_000) };
        let ids: Vec<_> = pack(parcels, &options, &senders()).into_iter().map(|parcel| parcel.ids.join(" ")).collect();
        assert_eq!(ids, ["m0", "m1 m3", "m2"]);
    }

    #[test]
    fn what_is_packed_comes_out_as_it_was() {
        let messages: Vec<_> = ["{\"a\": [1, 2.50, \"\u{e9}\"]}", "[]", "\"x\""]
            .iter()
            .zip(0..)
            .map(|(body, n)| outgoing(Destination::Reply, n, body))
            .collect();
        let packs = packed_from(messages.clone(), 64, 1_000_000);
        assert_eq!(packs.len(), 1);
        assert_eq!(packs[0].ids, ["m0", "m1", "m2"]);
        let unpacked = unpack(&packs[0].properties, &packs[0].body).unwrap();
        assert_eq!(unpacked.len(), 3);
        for (held, outgoing) in unpacked.into_iter().zip(messages) {
            let headers = wire::headers(&held.properties);
            assert_eq!(wire::message(&held.properties, &headers, held.body), outgoing.message);
            assert_eq!(held.properties.user_id().as_ref().unwrap().as_str(), "planshift-coordinator");
            assert_eq!(held.properties.app_id().as_ref().unwrap().as_str(), "coordinator");
        }
    }

    #[test]
    fn order_within_a_queue_is_kept_whatever_cannot_be_packed() {
        let command = || Destination::Command(Service::Mapping);
        let messages = vec![
            outgoing(command(), 0, "{}"),
            outgoing(Destination::Reply, 1, "{}"),
            outgoing(command(), 2, "{}"),
            outgoing(command(), 3, "not json"),
            outgoing(command(), 4, " {}"),
            outgoing(Destination::Reply, 5, "{}"),
            outgoing(command(), 6, "{}"),
            outgoing(command(), 7, "{}"),
            outgoing(Destination::Event("a".to_owned()), 8, "{}"),
            outgoing(Destination::Event("b".to_owned()), 9, "{}"),
            outgoing(Destination::Event("a".to_owned()), 10, "{}"),
        ];
        let ids: Vec<_> = packed_from(messages, 64, 1_000_000).into_iter().map(|parcel| parcel.ids.join(" ")).collect();
        assert_eq!(ids, ["m0 m2", "m1 m5", "m3", "m4", "m6 m7", "m8", "m9", "m10"]);
    }

    #[test]
    fn a_pack_has_its_limits() {
        let messages = || (0..5).map(|n| outgoing(Destination::Reply, n, "\"12345678\"")).collect();
        let sizes = |most, bytes| packed_from(messages(), most, bytes).iter().map(|parcel| parcel.ids.len()).collect::<Vec<_>>();
        assert_eq!(sizes(2, 1_000), [2, 2, 1]);
        assert_eq!(sizes(64, 30), [3, 2]);
        assert_eq!(sizes(1, 1_000), [1; 5]);
    }

    #[test]
    fn what_is_no_pack_is_not_unpacked() {
        let properties = BasicProperties::default().with_type(KIND.into());
        for body in ["", "{}", "[]", "[1]", "[{\"properties\":{}}]"] {
            assert!(unpack(&properties, &Bytes::copy_from_slice(body.as_bytes())).is_none(), "{body}");
        }
        assert!(unpack(&BasicProperties::default(), &Bytes::from_static(b"[{\"properties\":{},\"body\":1}]")).is_none());
    }
}
