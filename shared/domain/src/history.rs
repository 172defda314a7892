//! What happened to a transition, in order, each entry chained to the one before it by a hash.

use crate::{ids::TransitionId, time::Timestamp, transition::State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// From 1, without gaps.
    pub number: u32,
    /// When.
    pub at: Timestamp,
    /// The state that the transition was in afterwards.
    pub state: State,
    /// What happened: `Started`, `Moved`, `Refused`, `Cancelled`, `Resumed`, `Resent` …
    pub event: String,
    /// Why, in words.
    pub text: String,
    /// Who did it: a person, or the service.
    pub actor: String,
    /// SHA-256 over the entry before and this one, hexadecimal.
    pub hash: String,
}

impl HistoryEntry {
    /// The hash that an entry must have after the entry with the hash `previous` (empty for the first).
    pub fn expected_hash(&self, transition: TransitionId, previous: &str) -> String {
        let mut hasher = Sha256::new();
        // lengths before texts, so that no two entries have the same bytes
        for text in [previous, &transition.to_string(), &self.at.to_string(), self.state.name(), &self.event, &self.text, &self.actor] {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.update(self.number.to_be_bytes());
        hasher.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// The entry with its hash set.
    #[must_use]
    pub fn sealed(mut self, transition: TransitionId, previous: &str) -> Self {
        self.hash = self.expected_hash(transition, previous);
        self
    }
}

/// A history, followed entry by entry, so that however long it is, only its end is held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// How many entries were followed.
    pub entries: u32,
    /// The hash of the last one, empty before the first.
    pub hash: String,
    /// The number of the first entry that is missing or was changed, where there is one.
    pub broken_at: Option<u32>,
}

impl Chain {
    /// Takes in the next entry.
    pub fn follow(&mut self, transition: TransitionId, entry: &HistoryEntry) {
        self.entries += 1;
        let fits = entry.number == self.entries && entry.hash == entry.expected_hash(transition, &self.hash);
        if !fits && self.broken_at.is_none() {
            self.broken_at = Some(self.entries);
        }
        self.hash.clone_from(&entry.hash);
    }
}

/// The number of the first entry that is missing or was changed, where there is one. `entries` are in order.
pub fn first_break(transition: TransitionId, entries: &[HistoryEntry]) -> Option<u32> {
    let mut chain = Chain::default();
    entries.iter().for_each(|entry| chain.follow(transition, entry));
    chain.broken_at
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_changed_byte_is_found() {
        let id = TransitionId(Uuid::from_u128(7));
        let mut entries: Vec<HistoryEntry> = Vec::new();
        for number in 1..=3 {
            let previous = entries.last().map_or(String::new(), |e| e.hash.clone());
            let entry = HistoryEntry {
                number,
                at: Timestamp::from_micros(i64::from(number)),
                state: State::Requested,
                event: "Started".into(),
                text: format!("entry {number}"),
                actor: "a".into(),
                hash: String::new(),
            };
            entries.push(entry.sealed(id, &previous));
        }
        assert_eq!(first_break(id, &entries), None);
        entries[1].text.push('!');
        assert_eq!(first_break(id, &entries), Some(2));
        entries.remove(0);
        assert_eq!(first_break(id, &entries), Some(1));
    }
}
