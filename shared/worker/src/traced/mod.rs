//! Spans: what stands before a service's handler, its broker and its store, and sees what passes.
//!
//! | file | holds |
//! |---|---|
//! | `handler` | a batch that is received, and each message of it that is processed |
//! | `broker` | messages that are sent, and answers that are received |
//! | `store` | statements |
//!
//! No service knows of it. Names, kinds and attributes are those of OpenTelemetry's conventions for messaging (v1.44) and databases.
//!
//! ```text
//! POST /v1/productUpgrades                     gateway, server
//! └─ send planshift.commands                   gateway, producer
//!    └─ receive planshift.coordinator          coordinator, client
//!       └─ process planshift.coordinator       coordinator, consumer
//!          ├─ INSERT transitions               coordinator, client
//!          └─ send planshift.commands          coordinator, producer
//!             └─ receive planshift.eligibility …
//! ```
//!
//! A message is processed beneath the span that sent it, however many came with it: so the trace of a transition reads from its start to
//! its end. What was received alone is received beneath it too, with its statements. A batch of several belongs to no one of them: it is
//! received in a trace of its own, which holds the statements and is linked to all of its messages, as they are to it.

mod broker;
mod handler;
mod store;

pub use broker::TracedBroker;
pub use handler::Traced;
pub use store::traced;

use planshift_domain::message::{
    Body as _,
    command::{TakeEligibilityFacts, TakeMappingFacts, TakePurchasingFacts, TakeSuspensionFacts},
    event::AccountImported,
    reply::FactsTaken,
    request::{CustomersImported, ImportCustomers},
};
use planshift_messaging::Message;
use planshift_telemetry::{SpanStart, TraceContext};
use serde::Deserialize;

/// What every span about a message says.
const SYSTEM: &str = "rabbitmq";

/// Where a message belongs in a trace; nowhere where it says nothing that can be read.
fn context_of(message: &Message) -> TraceContext {
    TraceContext::parse(&message.traceparent, &message.tracestate).unwrap_or_default()
}

fn give(message: &mut Message, context: &TraceContext) {
    message.traceparent = context.traceparent();
    message.tracestate.clone_from(&context.tracestate);
}

/// What every span about this message says of it.
fn about(start: SpanStart, message: &Message) -> SpanStart {
    let start = start
        .with("messaging.system", SYSTEM)
        .with("messaging.message.id", message.message_id.clone())
        .with("messaging.message.body.size", i64::try_from(message.body.len()).unwrap_or(i64::MAX))
        .with("planshift.message.type", message.kind.clone());
    let start = match &message.redrive {
        Some(redrive) => start.with("planshift.redrive.id", redrive.clone()),
        None => start,
    };
    let start = match customer_of(message) {
        Some(customer) => start.with("planshift.customer.id", customer),
        None => start,
    };
    match message.correlation_id.as_str() {
        "" => start,
        id if is_of_an_import(&message.kind) => start.with("messaging.message.conversation_id", id.to_owned()),
        id => start.with("messaging.message.conversation_id", id.to_owned()).with("planshift.transition.id", id.to_owned()),
    }
}

/// The customer that a message is about, where it names one.
fn customer_of(message: &Message) -> Option<String> {
    #[derive(Deserialize)]
    struct About {
        #[serde(rename = "customerId")]
        customer: String,
    }
    serde_json::from_slice(&message.body).ok().map(|About { customer }| customer)
}

/// The trace that a message belongs to, for a log line about it.
pub(crate) fn trace_of(message: &Message) -> Option<String> {
    Some(context_of(message).trace_id).filter(|id| !id.is_empty())
}

/// The transition that a message belongs to; none where it is of an import, or of nothing.
pub(crate) fn transition_of(message: &Message) -> Option<&str> {
    Some(message.correlation_id.as_str()).filter(|id| !id.is_empty() && !is_of_an_import(&message.kind))
}

/// What belongs together is an import then, and no transition.
fn is_of_an_import(kind: &str) -> bool {
    [
        ImportCustomers::TYPE,
        CustomersImported::TYPE,
        TakeEligibilityFacts::TYPE,
        TakePurchasingFacts::TYPE,
        TakeMappingFacts::TYPE,
        TakeSuspensionFacts::TYPE,
        FactsTaken::TYPE,
        AccountImported::TYPE,
    ]
    .contains(&kind)
}
