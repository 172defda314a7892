//! What a worker sends back: replies to the coordinator, and answers to whoever asked, in the trace of the message that they answer.

use crate::{Ports, codec};
use bytes::Bytes;
use planshift_domain::{
    ids::TransitionId,
    message::Body,
    step::{Action, Step},
    time::Timestamp,
};
use planshift_messaging::{Destination, Message, Outgoing};
use planshift_telemetry::TraceContext;
use uuid::Uuid;

/// A packet of a transition: what the ids of its messages are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketName {
    /// The transition.
    pub transition: TransitionId,
    /// The step.
    pub step: Step,
    /// Command or undo.
    pub action: Action,
    /// The packet's number.
    pub packet: u32,
    /// The attempt.
    pub attempt: u32,
}

impl PacketName {
    /// The `message_id` of a message about the packet: the same each time, so that one that is sent again is recognised.
    pub fn message_id(&self, what: &str) -> String {
        let Self { transition, step, action, packet, attempt } = self;
        format!("{transition}/{step}/{}/{packet}/{attempt}/{what}", action.name())
    }
}

/// The trace context for what is sent because of `message`: the same trace, a span of its own. A message without a trace has none.
pub fn child_trace(message: &Message, ports: &Ports) -> TraceContext {
    let Some(parent) = TraceContext::parse(&message.traceparent, &message.tracestate) else { return TraceContext::default() };
    // an id of the ports ends in 62 random bits: enough for a span
    TraceContext { span_id: TraceContext::root(ports.random.id()).span_id, ..parent }
}

/// A reply to the coordinator.
pub fn reply<B: Body>(message_id: String, correlation_id: String, trace: &TraceContext, now: Timestamp, body: &B) -> Outgoing {
    codec::outgoing(Destination::Reply, message_id, correlation_id, trace, now, body)
}

/// A reply that a worker makes itself, not yet a message: it gets its id and its trace from the command that it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    packet: u32,
    kind: &'static str,
    body: Bytes,
}

impl Reply {
    /// Reply number `packet` (from 0) to one command.
    pub fn new<B: Body>(packet: u32, body: &B) -> Self {
        let message = codec::message(String::new(), String::new(), &TraceContext::default(), Timestamp::from_micros(0), body);
        Self { packet, kind: B::TYPE, body: message.body }
    }

    /// The message: its id is that of an answer to the command's packet of the reply's number.
    pub fn into_outgoing(self, command: PacketName, trace: &TraceContext, now: Timestamp) -> Outgoing {
        let name = PacketName { packet: self.packet, ..command };
        let message = Message {
            message_id: name.message_id("answer"),
            kind: self.kind.to_owned(),
            correlation_id: command.transition.to_string(),
            reply_to: None,
            sent_micros: u64::try_from(now.as_micros()).unwrap_or_default(),
            traceparent: trace.traceparent(),
            tracestate: trace.tracestate.clone(),
            redrive: None,
            body: self.body,
        };
        Outgoing { to: Destination::Reply, message }
    }
}

/// An answer to a question, not yet under way: it gets its trace and its destination from the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer(Message);

impl Answer {
    /// The answer to this request: its `message_id` is made of the request's id, so that it is the same each time.
    pub fn new<B: Body>(request_id: Uuid, body: &B) -> Self {
        let message_id = format!("{request_id}/answer");
        Self(codec::message(message_id, request_id.to_string(), &TraceContext::default(), Timestamp::from_micros(0), body))
    }

    /// The message, to whoever asked; `None` where the question does not say who that is.
    pub fn into_outgoing(self, question: &Message, ports: &Ports, now: Timestamp) -> Option<Outgoing> {
        let asker = question.reply_to.clone()?;
        let trace = child_trace(question, ports);
        let message = Message {
            sent_micros: u64::try_from(now.as_micros()).unwrap_or_default(),
            traceparent: trace.traceparent(),
            tracestate: trace.tracestate,
            redrive: None,
            ..self.0
        };
        Some(Outgoing { to: Destination::Answer(asker), message })
    }
}
