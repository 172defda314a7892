//! Messages read and written, and who may send what.

use bytes::Bytes;
use planshift_domain::{
    message::{Body, command, event, instance, notice, operator, ownership, plan, reply, request},
    said::letters,
    time::Timestamp,
};
use planshift_messaging::{Delivery, Destination, Message, Outgoing, Service, Settlement};
use planshift_telemetry::TraceContext;

/// Why a message can never be handled: a code for `x-planshift-reason`, and words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {description}")]
pub struct Unreadable {
    /// `UnreadableBody`, `WrongContentType`, `UnknownType`, `WrongSender`, `MissingProperty` …
    pub code: &'static str,
    /// In words.
    pub description: String,
}

impl Unreadable {
    /// A code and words.
    pub fn new(code: &'static str, description: impl Into<String>) -> Self {
        Self { code, description: description.into() }
    }
}

impl From<Unreadable> for Settlement {
    fn from(error: Unreadable) -> Self {
        Self::Dead { reason: error.code.to_owned(), description: error.description }
    }
}

/// Every type of message.
pub const TYPES: [&str; 46] = [
    command::CheckEligibility::TYPE,
    command::ReleaseEligibility::TYPE,
    command::PurchasePlans::TYPE,
    command::UndoPurchasePlans::TYPE,
    command::MapSubscriptions::TYPE,
    command::UndoMapSubscriptions::TYPE,
    command::SuspendSubscriptions::TYPE,
    command::TakeEligibilityFacts::TYPE,
    command::TakePurchasingFacts::TYPE,
    command::TakeMappingFacts::TYPE,
    command::TakeSuspensionFacts::TYPE,
    request::CustomersImported::TYPE,
    request::ImportFound::TYPE,
    request::StartAnswered::TYPE,
    request::ActAnswered::TYPE,
    operator::StepsRead::TYPE,
    operator::TransitionExplained::TYPE,
    operator::StuckListed::TYPE,
    event::TransitionChanged::TYPE,
    event::AccountImported::TYPE,
    request::ImportCustomers::TYPE,
    request::FindImport::TYPE,
    request::StartTransition::TYPE,
    request::ActOnTransition::TYPE,
    request::AssessCustomer::TYPE,
    request::ReadCustomer::TYPE,
    plan::PlanTransition::TYPE,
    ownership::ReadOwnership::TYPE,
    operator::ActOnStep::TYPE,
    operator::ReadSteps::TYPE,
    operator::ExplainTransition::TYPE,
    operator::ListStuck::TYPE,
    request::TellAgain::TYPE,
    reply::EligibilityChecked::TYPE,
    reply::EligibilityReleased::TYPE,
    request::CustomerAssessed::TYPE,
    request::CustomerRead::TYPE,
    plan::TransitionPlanned::TYPE,
    reply::PlansAnswered::TYPE,
    reply::MappingAnswered::TYPE,
    ownership::OwnershipRead::TYPE,
    reply::SuspensionAnswered::TYPE,
    reply::FactsTaken::TYPE,
    reply::PacketGivenUp::TYPE,
    notice::MessageEnded::TYPE,
    instance::InstanceAlive::TYPE,
];

/// The codes with which a service here gives a message up: see docs/errors.md.
pub const REASONS: &[&str] = &[
    "MissingProperty",
    "UnknownType",
    "WrongContentType",
    "UnknownTransition",
    "WrongSender",
    "UnreadableBody",
    "AttemptsUsedUp",
    "Faulty",
];

/// The services that may send a type, or `None` for a type that is not known.
pub fn senders_of(kind: &str) -> Option<&'static [Service]> {
    const COORDINATOR: &[Service] = &[Service::Coordinator];
    const GATEWAY: &[Service] = &[Service::Gateway];
    const WORKERS: &[Service] = &[Service::Eligibility, Service::Purchasing, Service::Mapping, Service::Suspension];
    Some(match kind {
        command::CheckEligibility::TYPE
        | command::ReleaseEligibility::TYPE
        | command::PurchasePlans::TYPE
        | command::UndoPurchasePlans::TYPE
        | command::MapSubscriptions::TYPE
        | command::UndoMapSubscriptions::TYPE
        | command::SuspendSubscriptions::TYPE
        | command::TakeEligibilityFacts::TYPE
        | command::TakePurchasingFacts::TYPE
        | command::TakeMappingFacts::TYPE
        | command::TakeSuspensionFacts::TYPE
        | request::CustomersImported::TYPE
        | request::ImportFound::TYPE
        | request::StartAnswered::TYPE
        | request::ActAnswered::TYPE
        | operator::StepsRead::TYPE
        | operator::TransitionExplained::TYPE
        | operator::StuckListed::TYPE
        | event::TransitionChanged::TYPE
        | event::AccountImported::TYPE => COORDINATOR,
        request::ImportCustomers::TYPE
        | request::FindImport::TYPE
        | request::StartTransition::TYPE
        | request::ActOnTransition::TYPE
        | request::AssessCustomer::TYPE
        | request::ReadCustomer::TYPE
        | plan::PlanTransition::TYPE
        | ownership::ReadOwnership::TYPE
        | operator::ActOnStep::TYPE
        | operator::ReadSteps::TYPE
        | operator::ExplainTransition::TYPE
        | operator::ListStuck::TYPE
        | request::TellAgain::TYPE => GATEWAY,
        reply::EligibilityChecked::TYPE
        | reply::EligibilityReleased::TYPE
        | request::CustomerAssessed::TYPE
        | request::CustomerRead::TYPE
        | plan::TransitionPlanned::TYPE => &[Service::Eligibility],
        reply::PlansAnswered::TYPE => &[Service::Purchasing],
        reply::MappingAnswered::TYPE | ownership::OwnershipRead::TYPE => &[Service::Mapping],
        reply::SuspensionAnswered::TYPE => &[Service::Suspension],
        reply::FactsTaken::TYPE | reply::PacketGivenUp::TYPE => WORKERS,
        notice::MessageEnded::TYPE | instance::InstanceAlive::TYPE => &Service::ALL,
        _ => return None,
    })
}

/// Is this delivery of a type that is known, from one who may send it? Gives the sender.
///
/// # Errors
/// `Unreadable` with the code of what is wrong.
pub fn sender(delivery: &Delivery) -> Result<Service, Unreadable> {
    let message = &delivery.message;
    if message.message_id.is_empty() || message.kind.is_empty() {
        return Err(Unreadable::new("MissingProperty", letters::PROPERTIES));
    }
    if let Some(other) = delivery.content_type.as_deref().filter(|text| !is_json(text)) {
        // its sender means something else by it, even where the bytes could be taken for JSON
        return Err(Unreadable::new("WrongContentType", letters::CONTENT_TYPE.with(&[&format_args!("{other:?}")])));
    }
    if message.kind == "Pack.v1" {
        // a broker that could unpack it would have handed out what is in it
        return Err(Unreadable::new("UnreadableBody", letters::NO_PACK));
    }
    let allowed = senders_of(&message.kind)
        .ok_or_else(|| Unreadable::new("UnknownType", letters::UNKNOWN_TYPE.with(&[&format_args!("{:?}", message.kind)])))?;
    match delivery.sender {
        Some(sender) if allowed.contains(&sender) => Ok(sender),
        Some(sender) => Err(Unreadable::new("WrongSender", letters::WRONG_SENDER.with(&[&sender.name(), &message.kind]))),
        None => Err(Unreadable::new("WrongSender", letters::UNKNOWN_SENDER.with(&[&message.kind]))),
    }
}

/// `application/json`, whatever parameters follow.
pub fn is_json(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// The body as `B`.
///
/// # Errors
/// `UnreadableBody` where it is not JSON of that shape.
pub fn body<B: Body>(message: &Message) -> Result<B, Unreadable> {
    serde_json::from_slice(&message.body).map_err(|error| Unreadable::new("UnreadableBody", format!("{}: {error}", B::TYPE)))
}

/// A message with this body.
pub fn message<B: Body>(message_id: String, correlation_id: String, trace: &TraceContext, now: Timestamp, body: &B) -> Message {
    Message {
        message_id,
        kind: B::TYPE.to_owned(),
        correlation_id,
        reply_to: None,
        sent_micros: u64::try_from(now.as_micros()).unwrap_or_default(),
        traceparent: trace.traceparent(),
        tracestate: trace.tracestate.clone(),
        redrive: None,
        // our own types have no map with keys that are not texts, the one thing that serde_json refuses
        body: Bytes::from(serde_json::to_vec(body).unwrap_or_default()),
    }
}

/// The same, on its way.
pub fn outgoing<B: Body>(
    to: Destination,
    message_id: String,
    correlation_id: String,
    trace: &TraceContext,
    now: Timestamp,
    body: &B,
) -> Outgoing {
    Outgoing { to, message: message(message_id, correlation_id, trace, now, body) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(kind: &str, sender: Option<Service>) -> Result<Service, &'static str> {
        read(kind, sender, None)
    }

    fn read(kind: &str, sender: Option<Service>, content_type: Option<&str>) -> Result<Service, &'static str> {
        let body = request::TellAgain { transition_id: planshift_domain::ids::TransitionId(uuid::Uuid::nil()), chain: None };
        let message = message("id".into(), String::new(), &TraceContext::default(), Timestamp::from_micros(0), &body);
        let message = Message { kind: kind.into(), ..message };
        let tag = planshift_messaging::DeliveryTag { epoch: 0, wire: 0, part: 0 };
        let content_type = content_type.map(str::to_owned);
        let delivery = Delivery { tag, message, content_type, sender, attempts: 0, redelivered: false, dead: None };
        super::sender(&delivery).map_err(|error| error.code)
    }

    #[test]
    fn only_json_is_read() {
        let of = |content_type| read("MapSubscriptions.v1", Some(Service::Coordinator), content_type);
        for json in [None, Some("application/json"), Some("Application/JSON; charset=utf-8")] {
            assert_eq!(of(json), Ok(Service::Coordinator), "{json:?}");
        }
        for other in ["", "text/plain", "application/octet-stream", "application/json-seq"] {
            assert_eq!(of(Some(other)), Err("WrongContentType"), "{other:?}");
        }
    }

    #[test]
    fn every_type_of_the_list_has_a_sender() {
        for kind in TYPES {
            assert!(senders_of(kind).is_some(), "{kind}");
        }
    }

    #[test]
    fn who_may_send_what() {
        assert_eq!(from("MapSubscriptions.v1", Some(Service::Coordinator)), Ok(Service::Coordinator));
        assert_eq!(from("MapSubscriptions.v1", Some(Service::Mapping)), Err("WrongSender"));
        assert_eq!(from("MapSubscriptions.v1", None), Err("WrongSender"));
        assert_eq!(from("MapSubscriptions.v9", Some(Service::Coordinator)), Err("UnknownType"));
        assert_eq!(from("", Some(Service::Coordinator)), Err("MissingProperty"));
        assert_eq!(from("Pack.v1", Some(Service::Coordinator)), Err("UnreadableBody"));
    }
}
