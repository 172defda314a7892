//! A dead letter: what it is known by, and as JSON.

use crate::http::hex;
use planshift_domain::time::Timestamp;
use planshift_messaging::{Delivery, Queue, Service};
use planshift_worker::codec;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// A body beyond this is shown (and kept, when it is dropped) up to here; the whole is to be had as bytes while it is there.
pub(crate) const BODY_SHOWN: usize = 1024 * 1024;
/// The reason of a letter that does not say why it is one.
const NO_REASON: &str = "Unknown";
/// Bytes of the digest that a letter is known by.
const KEY_BYTES: usize = 16;

/// A dead letter as it is shown.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Letter {
    /// What it is known by: the same letter has the same key at every look.
    pub(crate) key: String,
    pub(crate) message_id: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) correlation_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reply_to: Option<String>,
    /// When it was first sent.
    pub(crate) sent_at: Timestamp,
    /// Whom the broker vouches for.
    pub(crate) sender: Option<&'static str>,
    /// The queue that it died in.
    pub(crate) queue: String,
    pub(crate) reason: String,
    pub(crate) description: String,
    pub(crate) attempts: u32,
    /// The redrive that gave it its last chance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) redrive_id: Option<String>,
    /// What its sender says that its body is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    /// Bytes of its body.
    pub(crate) size: usize,
    pub(crate) traceparent: String,
}

/// A letter's body, as far as it is shown.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Contents {
    /// As text, where it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
    /// In hexadecimal, where it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body_hex: Option<String>,
    /// There is more of it than stands here.
    pub(crate) body_cut: bool,
    /// Of all of it.
    pub(crate) body_sha256: String,
}

impl Letter {
    pub(crate) fn of(delivery: &Delivery) -> Self {
        let (message, dead) = (&delivery.message, delivery.dead.as_ref());
        Self {
            key: key(delivery),
            message_id: message.message_id.clone(),
            kind: message.kind.clone(),
            correlation_id: message.correlation_id.clone(),
            reply_to: message.reply_to.clone(),
            sent_at: Timestamp::from_micros(i64::try_from(message.sent_micros).unwrap_or_default()),
            sender: delivery.sender.map(Service::name),
            queue: dead.map(|dead| dead.queue.clone()).unwrap_or_default(),
            reason: dead.map_or(NO_REASON, |dead| dead.reason.as_str()).to_owned(),
            description: dead.map(|dead| dead.description.clone()).unwrap_or_default(),
            attempts: delivery.attempts,
            redrive_id: message.redrive.as_deref().and_then(|redrive| redrive.split('/').next()).map(str::to_owned),
            content_type: delivery.content_type.clone(),
            size: message.body.len(),
            traceparent: message.traceparent.clone(),
        }
    }

    /// The service that it may go to again: the one in whose queue it died. An asker's own queue is gone; and what its sender did
    /// not call JSON would be published as JSON, which its sender did not mean.
    pub(crate) fn goes_to(&self) -> Option<Service> {
        if self.content_type.as_deref().is_some_and(|other| !codec::is_json(other)) {
            return None;
        }
        match Queue::from_name(&self.queue)? {
            Queue::Service(service) => Some(service),
            Queue::Dead => None,
        }
    }
}

impl Contents {
    pub(crate) fn of(delivery: &Delivery) -> Self {
        let body = &delivery.message.body;
        let shown = &body[..body.len().min(BODY_SHOWN)];
        // a cut may fall within a character
        let text = match std::str::from_utf8(shown) {
            Ok(text) => Some(text),
            Err(error) if shown.len() < body.len() && error.error_len().is_none() => {
                std::str::from_utf8(&shown[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        };
        Self {
            body: text.map(str::to_owned),
            body_hex: text.is_none().then(|| hex(shown)),
            body_cut: shown.len() < body.len(),
            body_sha256: hex(&Sha256::digest(body)),
        }
    }
}

/// What a letter is known by: everything that it came with, and why it died.
fn key(delivery: &Delivery) -> String {
    let (message, dead) = (&delivery.message, delivery.dead.as_ref());
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        // with its length, so that no two letters read the same
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    for text in [&message.message_id, &message.kind, &message.correlation_id, &message.traceparent] {
        part(text.as_bytes());
    }
    part(message.redrive.as_deref().unwrap_or_default().as_bytes());
    // whole seconds: a key is the same whoever reads the letter, also one that knows no more of it
    part(&(message.sent_micros / 1_000_000).to_be_bytes());
    part(&delivery.attempts.to_be_bytes());
    part(dead.map(|dead| dead.reason.as_str()).unwrap_or_default().as_bytes());
    part(dead.map(|dead| dead.queue.as_str()).unwrap_or_default().as_bytes());
    part(&message.body);
    hex(&hash.finalize()[..KEY_BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use planshift_messaging::{DeadLetter, DeliveryTag, Message};

    fn delivery(id: &str, body: &'static [u8]) -> Delivery {
        let message = Message {
            message_id: id.into(),
            kind: "MapSubscriptions.v1".into(),
            correlation_id: String::new(),
            reply_to: None,
            sent_micros: 1_700_000_000_000_000,
            traceparent: String::new(),
            tracestate: String::new(),
            redrive: Some("r/l".into()),
            body: Bytes::from_static(body),
        };
        let dead = DeadLetter { reason: "Faulty".into(), queue: "planshift.mapping".into(), attempts: 2, description: String::new() };
        let tag = DeliveryTag { epoch: 1, wire: 1, part: 0 };
        Delivery { tag, message, sender: None, attempts: 2, redelivered: false, content_type: None, dead: Some(dead) }
    }

    #[test]
    fn the_same_letter_is_known_by_the_same_key_and_another_by_another() {
        let one = Letter::of(&delivery("a", b"{}"));
        let again = Delivery { tag: DeliveryTag { epoch: 9, wire: 7, part: 0 }, redelivered: true, ..delivery("a", b"{}") };
        assert_eq!(one.key, Letter::of(&again).key);
        assert_eq!(one.key.len(), 2 * KEY_BYTES);
        assert_ne!(one.key, Letter::of(&delivery("b", b"{}")).key);
        assert_ne!(one.key, Letter::of(&delivery("a", b"{ }")).key);
        assert_ne!(one.key, Letter::of(&Delivery { attempts: 3, ..delivery("a", b"{}") }).key);
        assert_eq!((one.redrive_id.as_deref(), one.goes_to()), (Some("r"), Some(Service::Mapping)));
        let xml = Delivery { content_type: Some("text/xml".into()), ..delivery("a", b"{}") };
        assert_eq!(Letter::of(&xml).goes_to(), None);
    }

    #[test]
    fn any_body_can_be_shown() {
        let contents = |body| Contents::of(&delivery("a", body));
        assert_eq!(contents(b"{\"a\":\"\0\"}").body.as_deref(), Some("{\"a\":\"\0\"}"));
        assert_eq!(contents(b"\xff\x00").body_hex.as_deref(), Some("ff00"));
        let long = "x".repeat(BODY_SHOWN - 1) + "é";
        let cut = contents(long.leak().as_bytes());
        assert_eq!((cut.body_cut, cut.body.map(|text| text.len()), cut.body_hex), (true, Some(BODY_SHOWN - 1), None));
    }
}
