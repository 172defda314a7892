//! An entry of a customer's chain.

use super::canonical::{canonical, sha256};
use crate::{
    ids::{CustomerId, PartnerId, TransitionId},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// What can happen: the words in `event`.
pub mod event {
    /// Facts of the customer were taken.
    pub const IMPORTED: &str = "Imported";
    /// Facts of the customer were not taken.
    pub const IMPORT_REFUSED: &str = "ImportRefused";
    /// A transition that was there before the chain began.
    pub const FOUND: &str = "Found";
    /// A transition was accepted.
    pub const STARTED: &str = "Started";
    /// A transition that waited in line in the background was moved up by a start.
    pub const MOVED_UP: &str = "MovedUp";
    /// A transition was not accepted.
    pub const START_REFUSED: &str = "StartRefused";
    /// Every Azure subscription is under its plan.
    pub const MAPPED: &str = "Mapped";
    /// Every commerce subscription is suspended.
    pub const SUSPENDED: &str = "Suspended";
    /// A transition came to its end.
    pub const ENDED: &str = "Ended";
    /// A transition waits for an operator.
    pub const OPERATOR_NEEDED: &str = "OperatorNeeded";
    /// A person cancelled a transition.
    pub const CANCELLED: &str = "Cancelled";
    /// A person resumed a transition.
    pub const RESUMED: &str = "Resumed";
    /// A person accepted a compensated failure as it is.
    pub const CLOSED: &str = "Closed";
    /// What a person asked of a transition was refused.
    pub const ACT_REFUSED: &str = "ActRefused";
}

/// The state of a transition's history at a moment: whoever has this can prove later that nothing before it was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seal {
    /// The transition.
    pub transition_id: TransitionId,
    /// How many entries its history had.
    pub entries: u32,
    /// The hash of the last of them.
    pub hash: String,
}

/// One thing that happened to a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerEntry {
    /// Whose customer.
    pub partner_id: PartnerId,
    /// Who.
    pub customer_id: CustomerId,
    /// From 1, without gaps.
    pub number: u32,
    /// When.
    pub at: Timestamp,
    /// What happened: one of [`event`].
    pub event: String,
    /// In words.
    pub text: String,
    /// Who did it: a person, or the service.
    pub actor: String,
    /// The transition that it is about, with its history as it was then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transition: Option<Seal>,
    /// The idempotency key of the request, or the id of the import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Uuid>,
    /// The trace that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<Uuid>,
    /// What was there before: JSON as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_value: Option<String>,
    /// What is there now: JSON as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_value: Option<String>,
    /// SHA-256 over the hash before, a line feed, and the canonical form of this entry without `hash`; hexadecimal.
    pub hash: String,
}

impl CustomerEntry {
    /// The hash that the entry must have after the one with the hash `previous` (empty for the first).
    pub fn expected_hash(&self, previous: &str) -> String {
        let mut value = json!(self);
        if let Value::Object(members) = &mut value {
            members.remove("hash");
        }
        sha256(format!("{previous}\n{}", canonical(&value)))
    }

    /// The entry with its hash set.
    #[must_use]
    pub fn sealed(mut self, previous: &str) -> Self {
        self.hash = self.expected_hash(previous);
        self
    }
}

/// A customer's chain, followed entry by entry, so that however long it is, only its end is held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerChain {
    /// How many entries were followed.
    pub entries: u32,
    /// The hash of the last one, empty before the first.
    pub hash: String,
    /// The number of the first entry that is missing or was changed, where there is one.
    pub broken_at: Option<u32>,
}

impl CustomerChain {
    /// Takes in the next entry.
    pub fn follow(&mut self, entry: &CustomerEntry) {
        self.entries += 1;
        let fits = entry.number == self.entries && entry.hash == entry.expected_hash(&self.hash);
        if !fits && self.broken_at.is_none() {
            self.broken_at = Some(self.entries);
        }
        self.hash.clone_from(&entry.hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_under_the_hash() {
        let entry = CustomerEntry {
            partner_id: PartnerId(Uuid::from_u128(1)),
            customer_id: CustomerId(Uuid::from_u128(2)),
            number: 1,
            at: Timestamp::from_micros(3),
            event: event::STARTED.into(),
            text: "t".into(),
            actor: "ann".into(),
            transition: Some(Seal { transition_id: TransitionId(Uuid::from_u128(4)), entries: 5, hash: "h".into() }),
            request_id: Some(Uuid::from_u128(6)),
            correlation_id: None,
            old_value: None,
            new_value: Some("{}".into()),
            hash: String::new(),
        }
        .sealed("");
        let follow = |entry: &CustomerEntry| {
            let mut chain = CustomerChain::default();
            chain.follow(entry);
            chain.broken_at
        };
        assert_eq!(follow(&entry), None);
        let Value::Object(members) = json!(entry) else { panic!("no object") };
        for (name, value) in &members {
            let changed = match value {
                Value::Number(_) => json!(9),
                Value::Object(seal) => json!({ "transitionId": seal["transitionId"], "entries": 6, "hash": "h" }),
                Value::String(text) if Uuid::try_parse(text).is_ok() => json!(Uuid::from_u128(9)),
                Value::String(_) if name == "at" => json!(Timestamp::from_micros(4)),
                _ => json!("other"),
            };
            let mut members = members.clone();
            members.insert(name.clone(), changed);
            let changed: CustomerEntry = serde_json::from_value(Value::Object(members)).unwrap();
            assert_eq!(follow(&changed), Some(1), "{name}");
        }
    }
}
