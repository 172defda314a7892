//! Messages that nobody should send, of ten kinds; what must become of each.
//!
//! A message that would have an effect if it were taken for good is about an Azure subscription of a customer that may not move, so
//! that the effect would be seen: nobody asked for it.

use super::{chance::Chance, customers::Customer, fleet::user_of, history::View};
use lapin::{BasicProperties, types::ShortString};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The bytes of a large one.
const LARGE: usize = 10 * 1024 * 1024;
/// A user of the broker that is no service.
pub const INTRUDER: &str = "intruder";
/// The property of a body that names the message: for those that have no `message_id`.
const MARK: &str = "poison";

/// The ten kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The body is no JSON.
    NotJson,
    /// Of a type that nobody, or not this service, reads.
    WrongType,
    /// Of a version that is not known.
    UnknownVersion,
    /// A worker's answer about a transition that there is not.
    UnknownTransition,
    /// A body that breaks off.
    Truncated,
    /// Ten megabytes.
    Large,
    /// From a user that may not send its type.
    WrongUser,
    /// Without `message_id` or `type`.
    MissingHeaders,
    /// It does not say that it is JSON, though it is.
    WrongContentType,
    /// Valid, and done long ago: counted, never dead.
    Stale,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::NotJson,
        Self::WrongType,
        Self::UnknownVersion,
        Self::UnknownTransition,
        Self::Truncated,
        Self::Large,
        Self::WrongUser,
        Self::MissingHeaders,
        Self::WrongContentType,
        Self::Stale,
    ];

    /// As tables name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotJson => "not JSON",
            Self::WrongType => "wrong type",
            Self::UnknownVersion => "unknown version",
            Self::UnknownTransition => "unknown transition",
            Self::Truncated => "truncated",
            Self::Large => "10 MB",
            Self::WrongUser => "wrong user",
            Self::MissingHeaders => "missing headers",
            Self::WrongContentType => "wrong content type",
            Self::Stale => "valid but stale",
        }
    }

    /// The reason that its dead letter must have; `None` where it must not become one.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::NotJson | Self::Truncated | Self::Large => Some("UnreadableBody"),
            Self::WrongType | Self::UnknownVersion => Some("UnknownType"),
            Self::UnknownTransition => Some("UnknownTransition"),
            Self::WrongUser => Some("WrongSender"),
            Self::MissingHeaders => Some("MissingProperty"),
            Self::WrongContentType => Some("WrongContentType"),
            Self::Stale => None,
        }
    }
}

/// A message to publish.
#[derive(Clone, Debug)]
pub struct Poison {
    /// What it is known by, in the dead letters too.
    pub id: String,
    /// Its kind.
    pub kind: Kind,
    /// The service whose queue it goes to.
    pub service: &'static str,
    /// The user that publishes it.
    pub user: String,
    /// Its properties.
    pub properties: BasicProperties,
    /// Its body.
    pub body: Vec<u8>,
}

/// Of each service: a type that it reads, and who sends it.
const READS: [(&str, &str, &str); 7] = [
    ("eligibility", "CheckEligibility.v1", "coordinator"),
    ("purchasing", "PurchasePlans.v1", "coordinator"),
    ("mapping", "MapSubscriptions.v1", "coordinator"),
    ("suspension", "SuspendSubscriptions.v1", "coordinator"),
    ("coordinator", "StartTransition.v1", "gateway"),
    ("coordinator", "MappingAnswered.v1", "mapping"),
    ("gateway", "TransitionChanged.v1", "coordinator"),
];
/// Answers of workers to the coordinator.
const ANSWERS: [(&str, &str); 4] = [
    ("PlansAnswered.v1", "purchasing"),
    ("MappingAnswered.v1", "mapping"),
    ("SuspensionAnswered.v1", "suspension"),
    ("EligibilityReleased.v1", "eligibility"),
];

/// Makes poison.
#[derive(Debug)]
pub struct Brewer {
    chance: Chance,
    partner: Uuid,
    /// Customers that may not move.
    bystanders: Vec<Customer>,
    made: usize,
}

impl Brewer {
    /// Whose stray commands would be about these customers.
    ///
    /// # Panics
    /// Where there is none.
    pub fn new(chance: Chance, partner: Uuid, bystanders: Vec<Customer>) -> Self {
        assert!(!bystanders.is_empty(), "stray commands need a customer");
        Self { chance, partner, bystanders, made: 0 }
    }

    /// One of a kind that needs no transition.
    ///
    /// # Panics
    /// For a stale one.
    pub fn brew(&mut self, kind: Kind) -> Poison {
        self.made += 1;
        let id = format!("poison-{}-{}", self.made, kind.name().replace(' ', "-"));
        let (service, message_type, sender) = *self.chance.pick(&READS);
        let marked = |mut body: Value| {
            body[MARK] = id.clone().into();
            body.to_string().into_bytes()
        };
        let properties = |message_type: &str, user: &str| properties(&id, message_type, user);
        let (service, user, properties, body) = match kind {
            Kind::NotJson => (service, user_of(sender), properties(message_type, &user_of(sender)), format!("no JSON: {id}").into_bytes()),
            Kind::WrongType => {
                // a type of nobody, or one that another service reads
                let other = *self.chance.pick(&READS);
                let (message_type, sender) =
                    if self.chance.one_in(2) || other.0 == service { ("DropTables.v1", sender) } else { (other.1, other.2) };
                (service, user_of(sender), properties(message_type, &user_of(sender)), marked(json!({})))
            }
            Kind::UnknownVersion => {
                let other = message_type.replace(".v1", &format!(".v{}", self.chance.number(2..=99)));
                (service, user_of(sender), properties(&other, &user_of(sender)), marked(json!({})))
            }
            Kind::UnknownTransition => {
                let (message_type, sender) = *self.chance.pick(&ANSWERS);
                let body = json!({ "transitionId": Uuid::new_v4(), "action": "do", "packet": 0, "attempt": 1, "items": [] });
                ("coordinator", user_of(sender), properties(message_type, &user_of(sender)), marked(body))
            }
            Kind::Truncated => {
                let mut body = marked(self.stray_command());
                body.truncate(self.chance.number(1..=body.len() - 1));
                (service, user_of(sender), properties(message_type, &user_of(sender)), body)
            }
            Kind::Large => {
                let body = marked(json!({ "padding": "x".repeat(LARGE) }));
                (service, user_of(sender), properties(message_type, &user_of(sender)), body)
            }
            Kind::WrongUser => {
                let properties = properties("MapSubscriptions.v1", "");
                let user = match self.chance.number(0..=2) {
                    0 => user_of("suspension"),
                    1 => INTRUDER.to_owned(),
                    // one of the services' own users, but nobody vouches for it
                    _ => user_of("coordinator"),
                };
                let is_named = user != user_of("coordinator");
                let properties = if is_named { properties.with_user_id(short(&user)) } else { properties };
                ("mapping", user, properties, marked(self.stray_command()))
            }
            Kind::MissingHeaders => {
                let user = user_of("coordinator");
                let bare = BasicProperties::default().with_content_type("application/json".into()).with_user_id(short(&user));
                let bare =
                    if self.chance.one_in(2) { bare.with_type("MapSubscriptions.v1".into()) } else { bare.with_message_id(short(&id)) };
                ("mapping", user, bare, marked(self.stray_command()))
            }
            Kind::WrongContentType => {
                let other = *self.chance.pick(&["text/plain", "application/xml", "application/octet-stream"]);
                let user = user_of("coordinator");
                let properties = properties("MapSubscriptions.v1", &user).with_content_type(other.into());
                ("mapping", user, properties, marked(self.stray_command()))
            }
            Kind::Stale => unreachable!("a stale message is about a transition"),
        };
        Poison { id, kind, service, user, properties, body }
    }

    /// A command to map a subscription of a customer that may not move: valid in itself.
    fn stray_command(&mut self) -> Value {
        let customer = self.chance.pick(&self.bystanders).clone();
        let (azure, _) = *self.chance.pick(&customer.lines);
        json!({
            "transitionId": Uuid::new_v4(), "partnerId": self.partner, "customerId": customer.id, "factsVersion": 1, "packet": 0,
            "attempt": 1, "effectiveAt": EFFECTIVE_AT, "items": [{ "azureSubscriptionId": azure, "planId": Uuid::new_v4() }],
        })
    }

    /// One about a transition that has ended: a command that was commanded, or its answer, again. `None` where this one has none.
    pub fn stale(&mut self, view: &View) -> Option<Poison> {
        let was_undone = view.lines.iter().any(|line| line.state == "Compensated");
        let choices: &[&str] = match view.state.as_str() {
            "Completed" => &["MapSubscriptions.v1", "SuspendSubscriptions.v1", "MappingAnswered.v1", "SuspensionAnswered.v1"],
            // the fence: an effect now would be one after its undo
            "Compensated" if was_undone => &["MapSubscriptions.v1"],
            _ => return None,
        };
        let message_type = *self.chance.pick(choices);
        let plan = view.plans.first()?.plan_id;
        let items = view.lines.iter().map(|line| match message_type {
            "MapSubscriptions.v1" => json!({ "azureSubscriptionId": line.azure_subscription_id, "planId": line.plan_id.unwrap_or(plan) }),
            "SuspendSubscriptions.v1" => json!({ "commerceSubscriptionId": line.commerce_subscription_id }),
            "MappingAnswered.v1" => json!({ "item": line.azure_subscription_id, "evidence": "done" }),
            _ => json!({ "item": line.commerce_subscription_id, "evidence": "done" }),
        });
        let items: Vec<Value> = items.collect();
        let (service, sender, body) = if message_type.ends_with("Answered.v1") {
            let sender = if message_type.starts_with("Mapping") { "mapping" } else { "suspension" };
            let body = json!({ "transitionId": view.transition_id, "action": "do", "packet": 0, "attempt": 1, "items": items });
            ("coordinator", sender, body)
        } else {
            let service = if message_type.starts_with("Map") { "mapping" } else { "suspension" };
            let body = json!({
                "transitionId": view.transition_id, "partnerId": self.partner, "customerId": view.customer_id, "factsVersion": 1,
                "packet": 0, "attempt": 1, "effectiveAt": EFFECTIVE_AT, "items": items,
            });
            (service, "coordinator", body)
        };
        self.made += 1;
        let id = format!("poison-{}-stale", self.made);
        let (user, body) = (user_of(sender), body.to_string().into_bytes());
        Some(Poison { properties: properties(&id, message_type, &user), id, kind: Kind::Stale, service, user, body })
    }
}

/// Some whole hour; what has been done before does not look at it again.
const EFFECTIVE_AT: &str = "2030-01-01T00:00:00Z";

fn short(text: &str) -> ShortString {
    ShortString::try_new(text).unwrap_or_default()
}

/// As a service's own messages have them; no user where `user` is empty.
fn properties(id: &str, message_type: &str, user: &str) -> BasicProperties {
    let properties = BasicProperties::default()
        .with_content_type("application/json".into())
        .with_delivery_mode(2)
        .with_message_id(short(id))
        .with_type(short(message_type))
        .with_app_id("chaos".into());
    if user.is_empty() { properties } else { properties.with_user_id(short(user)) }
}

/// What a message is known by: its `message_id`, else the mark in its body.
pub fn identity(properties: &BasicProperties, body: &[u8]) -> String {
    let named = properties.message_id().as_ref().map(|id| id.as_str().to_owned());
    named.unwrap_or_else(|| {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        body[MARK].as_str().unwrap_or("a message without a name").to_owned()
    })
}

/// How many messages of which type each service must count for stale ones that came when nothing else did: the messages themselves, and
/// what workers answer.
pub fn counts_of(stale: &[Poison]) -> BTreeMap<(&'static str, String), u64> {
    let mut counts = BTreeMap::new();
    for poison in stale {
        let message_type = poison.properties.kind().as_ref().map_or("", ShortString::as_str);
        *counts.entry((poison.service, message_type.to_owned())).or_default() += 1;
        let answer = match message_type {
            "MapSubscriptions.v1" => "MappingAnswered.v1",
            "SuspendSubscriptions.v1" => "SuspensionAnswered.v1",
            _ => continue,
        };
        *counts.entry(("coordinator", answer.to_owned())).or_default() += 1;
    }
    counts
}
