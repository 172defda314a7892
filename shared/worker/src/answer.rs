//! What a worker sends back: replies to the coordinator, in the trace of the command that they answer.

use crate::{Ports, codec};
use planshift_domain::{
    ids::TransitionId,
    message::Body,
    step::{Action, Step},
    time::Timestamp,
};
use planshift_messaging::{Destination, Message, Outgoing};
use planshift_telemetry::TraceContext;

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
