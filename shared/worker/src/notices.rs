//! What is told of a redriven message once it has come to its end.

use crate::{Ports, codec};
use planshift_domain::message::notice::{GivenUp, MessageEnded};
use planshift_messaging::{Delivery, Destination, Outgoing, Service, Settlement};
use planshift_telemetry::TraceContext;

/// Under which routing key.
const ENDED: &str = "message.ended";

/// The notices of these deliveries, each settled so. A retry is no end.
pub(crate) fn of(service: Service, batch: &[Delivery], settlements: &[Settlement], ports: &Ports) -> Vec<Outgoing> {
    let ended = batch.iter().zip(settlements).filter_map(|(delivery, settlement)| {
        let redrive = delivery.message.redrive.clone()?;
        let dead = match settlement {
            Settlement::Ack => None,
            Settlement::Retry { .. } | Settlement::Wait { .. } => return None,
            Settlement::Dead { reason, description } => Some(GivenUp { reason: reason.clone(), description: description.clone() }),
        };
        let message = &delivery.message;
        let (now, id) = (ports.clock.now(), message.message_id.clone());
        let body = MessageEnded { redrive: redrive.clone(), message_id: id, service: service.name().to_owned(), dead, at: now };
        let trace = TraceContext::parse(&message.traceparent, &message.tracestate).unwrap_or_default();
        let correlation = message.correlation_id.clone();
        Some(codec::outgoing(Destination::Event(ENDED.to_owned()), format!("{redrive}/ended"), correlation, &trace, now, &body))
    });
    ended.collect()
}
