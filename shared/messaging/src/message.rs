//! A message as services see it, whatever carries it.

use crate::{DeadLetter, Destination, Service};
use bytes::Bytes;

/// A message: AMQP's properties by their AMQP names, the project's headers, and the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Unique to the logical message: the same again when it is sent again.
    pub message_id: String,
    /// The type with its version, `MapSubscriptions.v1`.
    pub kind: String,
    /// The transition (or the import) that it belongs to; empty where there is none.
    pub correlation_id: String,
    /// The queue that an answer is to go to (`planshift.answers`), where one is wanted.
    pub reply_to: Option<String>,
    /// When it was first sent: microseconds since 1970. On AMQP the property `timestamp` has the whole seconds, and the header
    /// `x-planshift-sent` all of it; whole seconds where a sender gives only the property, 0 where it gives neither.
    pub sent_micros: u64,
    /// W3C trace context: `traceparent` (empty where there is none).
    pub traceparent: String,
    /// W3C trace context: `tracestate` (empty where there is none).
    pub tracestate: String,
    /// The redrive that published it, where it was a dead letter that is given another chance.
    pub redrive: Option<String>,
    /// JSON.
    pub body: Bytes,
}

/// A message and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Where it goes.
    pub to: Destination,
    /// What goes there.
    pub message: Message,
}

/// Names a delivery until it is settled. Opaque: `epoch` tells channels apart, `wire` messages on one, `part` the message within a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryTag {
    /// Which channel (or subscription) delivered it.
    pub epoch: u64,
    /// The delivery on that channel.
    pub wire: u64,
    /// Its place within a `Pack.v1`; 0 for a message alone.
    pub part: u32,
}

/// A message that was delivered.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// For settling it.
    pub tag: DeliveryTag,
    /// The message.
    pub message: Message,
    /// What its sender says that its body is (`content_type`); `None` where it says nothing.
    pub content_type: Option<String>,
    /// The user that the broker vouches for; `None` where it vouches for nobody.
    pub sender: Option<Service>,
    /// How often it was tried before, counted in the message (0 the first time).
    pub attempts: u32,
    /// It may have been delivered before without having been settled.
    pub redelivered: bool,
    /// Why it was given up, where it comes from `planshift.dead`.
    pub dead: Option<DeadLetter>,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Done.
    Ack,
    /// A passing fault: deliver it again after about this long, with one more attempt counted in the message.
    Retry {
        /// The shortest wait wanted; the broker rounds up to one of its delay levels and spreads it.
        delay: std::time::Duration,
    },
    /// Nothing is wrong with it, and now is not its time: deliver it again after about this long, with no attempt counted.
    Wait {
        /// As for [`Retry`](Self::Retry).
        delay: std::time::Duration,
    },
    /// It can never be done: to `planshift.dead`, with the code in `x-planshift-reason`.
    Dead {
        /// A stable code, `UnknownType` for example.
        reason: String,
        /// In words, for the one who reads the dead letter.
        description: String,
    },
}
