//! The AsyncAPI document, `docs/asyncapi.json`: every message, its shape, its channel, who sends it and who takes it.
//!
//! It is built from the types themselves (their JSON Schema), from the topology, and from [`codec::senders_of`]. One list says
//! which types there are; the tests hold it, the document and the code together. After a change of a message:
//! `PLANSHIFT_UPDATE_DOCS=1 cargo test -p planshift-worker --test asyncapi`.

use planshift_domain::message::{
    Body, command::*, event::*, instance::*, notice::*, operator::*, ownership::*, plan::*, reply::*, request::*,
};
use planshift_messaging::{
    DELAY_LEVELS, Queue, Service,
    rabbitmq::topology::{ALL_ASKERS, ANSWERS, Argument, COMMANDS, DEAD, EVENTS, REPLIES, topology},
};
use planshift_worker::codec;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::PathBuf,
};

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Channel {
    /// To a service's queue, by its name.
    Commands(&'static str),
    /// To the coordinator.
    Replies,
    /// To the queue of the gateway replica that asked.
    Answers,
    /// To the queue of every gateway replica.
    Askers,
    /// To whoever listens.
    Events,
}
use Channel::{Answers, Askers, Commands, Events, Replies};

const ELIGIBILITY: Channel = Commands("eligibility");
const PURCHASING: Channel = Commands("purchasing");
const MAPPING: Channel = Commands("mapping");
const SUSPENSION: Channel = Commands("suspension");
const COORDINATOR: Channel = Commands("coordinator");

/// A type of message.
struct Kind {
    /// On the wire, `MapSubscriptions.v1`.
    name: &'static str,
    channel: Channel,
    summary: &'static str,
    schema: fn(&mut SchemaGenerator) -> Value,
}

macro_rules! kinds {
    ($($type:ty: $channel:expr, $summary:literal;)*) => {
        [$(Kind { name: <$type as Body>::TYPE, channel: $channel, summary: $summary, schema: schema::<$type> }),*]
    };
}

/// Every type of message: the one list.
fn kinds() -> Vec<Kind> {
    Vec::from(kinds! {
        CheckEligibility: ELIGIBILITY, "May this customer move? One item, answered in as many packets as it takes.";
        ReleaseEligibility: ELIGIBILITY, "The check is of no more use; one that comes later is fenced off.";
        PurchasePlans: PURCHASING, "Have one plan for each reseller.";
        UndoPurchasePlans: PURCHASING, "Put away what was bought or made active.";
        MapSubscriptions: MAPPING, "Put Azure subscriptions under their plans.";
        UndoMapSubscriptions: MAPPING, "Put them back.";
        SuspendSubscriptions: SUSPENSION, "Suspend commerce subscriptions.";
        TakeEligibilityFacts: ELIGIBILITY, "Facts of customers, as far as eligibility owns them.";
        TakePurchasingFacts: PURCHASING, "Facts of customers, as far as purchasing owns them.";
        TakeMappingFacts: MAPPING, "Facts of customers, as far as mapping owns them.";
        TakeSuspensionFacts: SUSPENSION, "Facts of customers, as far as suspension owns them.";
        EligibilityChecked: Replies, "A packet of what eligibility found.";
        EligibilityReleased: Replies, "Eligibility's answer to a release.";
        PlansAnswered: Replies, "What became of a packet of plans, or of its undo.";
        MappingAnswered: Replies, "What became of a packet of mappings, or of its undo.";
        SuspensionAnswered: Replies, "What became of a packet of suspensions.";
        FactsTaken: Replies, "A worker has stored a chunk of facts.";
        PacketGivenUp: Replies, "A worker's attempts at a packet are used up: it is a dead letter now.";
        ImportCustomers: COORDINATOR, "A chunk of an account document.";
        FindImport: COORDINATOR, "Was one of these imports taken? Asked by who has lost the answer.";
        StartTransition: COORDINATOR, "Move this customer.";
        ActOnTransition: COORDINATOR, "Cancel, resume or close a transition.";
        ActOnStep: COORDINATOR, "Pause or resume a step for everyone.";
        ReadSteps: COORDINATOR, "How are the steps?";
        ExplainTransition: COORDINATOR, "What does this transition wait for?";
        ListStuck: COORDINATOR, "Which transitions have not moved for a while?";
        TellAgain: COORDINATOR, "Tell everything of a transition, or the chain of a customer, again, as events.";
        AssessCustomer: ELIGIBILITY, "May this customer move? Asked without a transition and without any effect.";
        ReadCustomer: ELIGIBILITY, "What do the facts say of a customer? Asked to show it, a page at a time.";
        PlanTransition: ELIGIBILITY, "What would a transition of this customer do? Asked without a transition and without any effect.";
        ReadOwnership: MAPPING, "Who owns the usage of these Azure subscriptions, from when? Asked without any effect.";
        CustomersImported: Answers, "The answer to a chunk: all four workers have it, or customers were refused.";
        ImportFound: Answers, "The import that was taken, where one was.";
        StartAnswered: Answers, "The answer to a start.";
        ActAnswered: Answers, "The answer to an act.";
        StepsRead: Answers, "Every step: paused or not, and what of it is on its way.";
        TransitionExplained: Answers, "Why a transition stands where it stands.";
        StuckListed: Answers, "Transitions that have not moved for a while.";
        CustomerAssessed: Answers, "The answer to an assessment.";
        CustomerRead: Answers, "What the facts say of a customer.";
        OwnershipRead: Answers, "Who owns the usage of Azure subscriptions from when.";
        TransitionPlanned: Answers, "What a transition would do, and the hash of it.";
        InstanceAlive: Askers, "A service lives in a process, in this version. Told every ten seconds, and at the end; nobody keeps it.";
        TransitionChanged: Events, "A transition changed: whole rows, each with its own version. Routing key transition.STATE.";
        MessageEnded: Events, "A dead letter that was given another chance was handled, or given up again. Routing key message.ended.";
        AccountImported: Events, "Facts of customers were taken, and entries of customers' chains. Routing keys account.imported, customer.audited.";
    })
}

/// Which answer a question gets: from the gateway's questions to the answers' types.
const QUESTIONS: [(&str, &str); 12] = [
    (ImportCustomers::TYPE, CustomersImported::TYPE),
    (FindImport::TYPE, ImportFound::TYPE),
    (StartTransition::TYPE, StartAnswered::TYPE),
    (ActOnTransition::TYPE, ActAnswered::TYPE),
    (AssessCustomer::TYPE, CustomerAssessed::TYPE),
    (ReadCustomer::TYPE, CustomerRead::TYPE),
    (PlanTransition::TYPE, TransitionPlanned::TYPE),
    (ReadOwnership::TYPE, OwnershipRead::TYPE),
    (ActOnStep::TYPE, StepsRead::TYPE),
    (ReadSteps::TYPE, StepsRead::TYPE),
    (ExplainTransition::TYPE, TransitionExplained::TYPE),
    (ListStuck::TYPE, StuckListed::TYPE),
];

/// Several messages for one queue in one on the wire: the transport's own, not a type that services know.
const PACK: &str = "Pack.v1";

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

impl Channel {
    fn id(self) -> String {
        match self {
            Commands(service) => format!("commands.{service}"),
            Replies => "replies".to_owned(),
            Answers => "answers".to_owned(),
            Askers => "askers".to_owned(),
            Events => "events".to_owned(),
        }
    }

    fn exchange(self) -> &'static str {
        match self {
            Commands(_) => COMMANDS,
            Replies => REPLIES,
            Answers | Askers => ANSWERS,
            Events => EVENTS,
        }
    }

    /// Who takes what comes there.
    fn reader(self) -> Service {
        match self {
            Commands(service) => Service::from_name(service).expect("a service"),
            Replies => Service::Coordinator,
            Answers | Askers | Events => Service::Gateway,
        }
    }

    fn document(self, messages: &[&Kind]) -> Value {
        let exchange = topology().exchanges.into_iter().find(|exchange| exchange.name == self.exchange()).expect("an exchange");
        let (address, queue, description) = match self {
            Commands(service) => {
                let queue = Queue::Service(self.reader()).name();
                (json!(service), Some(queue), format!("What {service} is told or asked. The address is the routing key."))
            }
            Replies => (
                json!(Service::Coordinator.name()),
                Some(Queue::Service(Service::Coordinator).name()),
                "What workers answer the coordinator. The address is the routing key.".to_owned(),
            ),
            Answers => (
                Value::Null,
                None,
                "Answers to the one who asked, on an exclusive queue of its own, named in the question's AMQP property reply_to. \
                 Not mandatory: the asker may be gone."
                    .to_owned(),
            ),
            Askers => (
                json!(ALL_ASKERS),
                None,
                "What every gateway replica is to know just now, on the queue that it has for answers, which is bound with this key too. Not \
                 persistent, gone after 30 seconds, not mandatory: there may be nobody."
                    .to_owned(),
            ),
            Events => (
                json!("{event}"),
                Some(Queue::Service(Service::Gateway).name()),
                "What changed, for whoever listens; a queue is bound with the routing keys that its owner wants.".to_owned(),
            ),
        };
        let mut channel = json!({
            "address": address,
            "description": description,
            "messages": messages.iter().map(|kind| (kind.name.to_owned(), message_ref(kind.name))).collect::<Map<_, _>>(),
            "bindings": { "amqp": {
                "is": "routingKey",
                "exchange": { "name": exchange.name, "type": exchange.kind, "durable": true, "autoDelete": false },
                "bindingVersion": "0.3.0",
            } },
        });
        if let Some(queue) = queue {
            channel["x-queue"] = queue_document(queue);
        }
        if self == Events {
            channel["parameters"] = json!({ "event": { "description": "transition.STATE or account.imported.", "examples": ["transition.Completed", "account.imported"] } });
        }
        channel
    }
}

/// A queue with its arguments, from the topology.
fn queue_document(name: &str) -> Value {
    let queue = topology().queues.into_iter().find(|queue| queue.name == name).expect("a queue");
    let arguments = queue.arguments.into_iter().map(|(key, value)| {
        let value = match value {
            Argument::Text(text) => json!(text),
            Argument::Number(number) => json!(number),
        };
        (key.to_owned(), value)
    });
    json!({ "name": name, "durable": true, "arguments": arguments.collect::<Map<_, _>>() })
}

fn message_ref(name: &str) -> Value {
    json!({ "$ref": format!("#/components/messages/{name}") })
}

/// A message as an operation names it: by its channel.
fn channel_message_ref(channel: Channel, name: &str) -> Value {
    json!({ "$ref": format!("#/channels/{}/messages/{name}", channel.id()) })
}

fn channel_ref(channel: Channel) -> Value {
    json!({ "$ref": format!("#/channels/{}", channel.id()) })
}

/// The document.
fn document() -> Value {
    let kinds = kinds();
    let mut settings = SchemaSettings::draft07();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = settings.into_generator();

    let mut messages = Map::new();
    let mut channels: BTreeMap<Channel, Vec<&Kind>> = BTreeMap::new();
    for kind in &kinds {
        let senders = codec::senders_of(kind.name).unwrap_or_default();
        let payload = (kind.schema)(&mut generator);
        let message = json!({
            "name": kind.name,
            "summary": kind.summary,
            "traits": [{ "$ref": "#/components/messageTraits/planshift" }],
            "payload": payload,
            "bindings": { "amqp": { "messageType": kind.name, "bindingVersion": "0.3.0" } },
            "x-senders": senders.iter().map(|service| service.name()).collect::<Vec<_>>(),
            "x-reader": kind.channel.reader().name(),
        });
        messages.insert(kind.name.to_owned(), message);
        channels.entry(kind.channel).or_default().push(kind);
    }
    messages.insert(PACK.to_owned(), pack());

    let mut operations = Map::new();
    for (channel, kinds) in &channels {
        let mut by_sender: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for kind in kinds {
            for sender in codec::senders_of(kind.name).unwrap_or_default() {
                by_sender.entry(sender.name()).or_default().push(kind.name);
            }
        }
        let refs = |names: &[&str]| names.iter().map(|name| channel_message_ref(*channel, name)).collect::<Vec<_>>();
        for (sender, names) in by_sender {
            let mut operation = json!({ "action": "send", "channel": channel_ref(*channel), "messages": refs(&names) });
            let answers: Vec<Value> = QUESTIONS
                .iter()
                .filter(|(question, _)| names.contains(question))
                .map(|(_, answer)| channel_message_ref(Answers, answer))
                .collect();
            if !answers.is_empty() {
                operation["reply"] = json!({ "channel": channel_ref(Answers), "messages": answers });
            }
            operations.insert(format!("{sender}.sends.{}", channel.id()), operation);
        }
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
        let operation = json!({ "action": "receive", "channel": channel_ref(*channel), "messages": refs(&names) });
        operations.insert(format!("{}.takes.{}", channel.reader().name(), channel.id()), operation);
    }

    let mut all: Map<String, Value> = channels.iter().map(|(channel, kinds)| (channel.id(), channel.document(kinds))).collect();
    all.insert("dead".to_owned(), dead(&kinds));
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Planshift's messages",
            "version": "1",
            "description": format!(
                "Every message that Planshift's services exchange, whatever carries it. It describes the system as a whole: an \
                 operation's id says which service sends or takes. A message is JSON; its AMQP properties are message_id (the same \
                 again when it is sent again), correlation_id (the transition, the import, or the request), type (the message's name here), \
                 content_type, timestamp, app_id (the sending service), user_id (the broker vouches for it), and reply_to where an \
                 answer is wanted. A message from a service that is not among its x-senders is dead-lettered. A retry waits in one \
                 of the queues {} and comes back to the queue where it failed. Several messages for one queue may travel as one {PACK}.",
                DELAY_LEVELS.map(|level| format!("planshift.delay.{}", level.name)).join(", ")
            ),
            "license": { "name": "Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "channels": all,
        "operations": operations,
        "components": {
            "messages": messages,
            "messageTraits": { "planshift": { "contentType": "application/json", "headers": headers() } },
            "schemas": generator.take_definitions(true),
        },
    })
}

/// Headers that any message may have.
fn headers() -> Value {
    json!({ "type": "object", "properties": {
        "traceparent": { "type": "string", "description": "W3C trace context." },
        "tracestate": { "type": "string", "description": "W3C trace context." },
        "x-planshift-sent": { "type": "integer", "minimum": 1, "description": "When it was first sent, in microseconds since 1970; the property timestamp has the whole seconds of it. Where it is absent, readers take those." },
        "x-planshift-attempts": { "type": "integer", "minimum": 0, "description": "How often it was tried before; absent the first time." },
        "x-planshift-sender": { "type": "string", "description": "The first sender of a message that another one published again: a retry, a dead letter, a redrive." },
    } })
}

/// The dead letters of all: whatever type it was, with these headers on top of its own.
fn dead(kinds: &[Kind]) -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    json!({
        "address": DEAD,
        "description": "The dead letters of all. A service that gives a message up says why in headers; where the broker itself gives \
                        one up, readers derive the first three from x-death.",
        "messages": kinds.iter().map(|kind| (kind.name.to_owned(), message_ref(kind.name))).collect::<Map<_, _>>(),
        "bindings": { "amqp": {
            "is": "queue",
            "queue": { "name": DEAD, "durable": true, "exclusive": false, "autoDelete": false },
            "bindingVersion": "0.3.0",
        } },
        "x-queue": queue_document(DEAD),
        "x-headers": {
            "x-planshift-reason": text("A stable code: see errors.md."),
            "x-planshift-queue": text("The queue that it died in."),
            "x-planshift-attempts": { "type": "integer", "description": "How often it was tried, the last time included." },
            "x-planshift-description": text("The reason in words."),
        },
    })
}

/// The transport's own message: see `shared/messaging/src/rabbitmq/pack.rs`.
fn pack() -> Value {
    let text = json!({ "type": "string" });
    let properties = ["message_id", "correlation_id", "type", "content_type", "reply_to", "app_id"];
    let mut properties: Map<String, Value> = properties.into_iter().map(|name| (name.to_owned(), text.clone())).collect();
    properties.insert("timestamp".to_owned(), json!({ "type": "integer", "minimum": 0 }));
    json!({
        "name": PACK,
        "summary": "Several whole messages for the same queue. The pack's own user_id counts for all of them.",
        "contentType": "application/json",
        "payload": { "type": "array", "minItems": 1, "items": {
            "type": "object",
            "required": ["properties", "body"],
            "properties": {
                "properties": { "type": "object", "properties": properties },
                "headers": { "type": "object" },
                "body": { "description": "The message's body, as it is." },
            },
        } },
        "bindings": { "amqp": { "messageType": PACK, "bindingVersion": "0.3.0" } },
    })
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_asyncapi_document_is_not_stale() {
    let path = root().join("docs/asyncapi.json");
    let built = document();
    if env::var_os("PLANSHIFT_UPDATE_DOCS").is_some_and(|value| value == "1") {
        let text = serde_json::to_string_pretty(&built).expect("JSON");
        fs::write(&path, text + "\n").expect("docs/asyncapi.json can be written");
    }
    let text = fs::read_to_string(&path).unwrap_or_default();
    let stored: Value = serde_json::from_str(&text).unwrap_or_default();
    assert!(
        stored == built,
        "docs/asyncapi.json is not what the message types say. Bring it up to date with \
         `PLANSHIFT_UPDATE_DOCS=1 cargo test -p planshift-worker --test asyncapi`"
    );
}

#[test]
fn every_type_has_senders_and_another_one_has_none() {
    for kind in kinds() {
        assert!(codec::senders_of(kind.name).is_some_and(|senders| !senders.is_empty()), "nobody may send {}", kind.name);
    }
    assert_eq!(codec::senders_of("Nonsense.v1"), None);
}

/// The types are found in the source of `domain`: one that is forgotten in the list above fails here.
#[test]
fn every_type_is_in_the_list() {
    let listed: BTreeSet<String> = kinds().iter().map(|kind| kind.name.to_owned()).collect();
    assert_eq!(listed.len(), kinds().len(), "a type stands in the list twice");
    let mut declared = BTreeSet::new();
    for entry in fs::read_dir(root().join("shared/domain/src/message")).expect("the messages' folder") {
        let source = fs::read_to_string(entry.expect("a file").path()).expect("a source file");
        let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        for literal in code.flat_map(|line| line.split('"').skip(1).step_by(2)) {
            if literal.rsplit_once(".v").is_some_and(|(name, version)| !name.is_empty() && version.bytes().all(|b| b.is_ascii_digit())) {
                declared.insert(literal.to_owned());
            }
        }
    }
    assert_eq!(listed, declared);
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    found.push(reference);
                }
                fields.values().for_each(|field| walk(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut references = Vec::new();
    walk(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let found = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
        assert!(found.is_some(), "{reference} leads nowhere");
    }
}
