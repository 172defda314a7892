//! The outside system as simple as it can be: effects by their keys, in memory. What is here is the whole of what the contract asks
//! of one; the simulator puts HTTP before it, and trouble.

use planshift_domain::transition::ItemError;
use serde::Serialize;
use std::collections::BTreeMap;

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// How it stands.
    pub state: State,
    /// How often the effect was had: 1 at most, or the key did not make it one and the same.
    pub had: u32,
    /// What was asked of it, in order.
    pub history: Vec<&'static str>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<(String, String)>,
}

/// How an effect stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// It is there.
    Done,
    /// It was refused.
    Refused,
    /// It was there, and is no more. The key is never had again.
    Undone,
    /// It was never there. The key is never had.
    Fenced,
}

/// Every key that anybody has named.
#[derive(Clone, Debug, Default)]
pub struct Effects(BTreeMap<String, Entry>);

impl Effects {
    /// Has the effect of a key, unless it is there, refused, or never to be had: how it stands then.
    pub fn provision(&mut self, key: &str, refuse: Option<ItemError>) -> State {
        let entry = self.0.entry(key.to_owned()).or_insert_with(|| {
            let (state, had) = if refuse.is_some() { (State::Refused, 0) } else { (State::Done, 1) };
            Entry { state, had, history: Vec::new(), refusal: refuse.map(|error| (error.code, error.description)) }
        });
        entry.history.push("put");
        entry.state
    }

    /// What is known of a key.
    pub fn look_up(&self, key: &str) -> Option<&Entry> {
        self.0.get(key)
    }

    /// Undoes the effect of a key, and sees to it that there is none later. Says whether there ever was one, and the same each time.
    pub fn undo(&mut self, key: &str) -> bool {
        let fenced = || Entry { state: State::Fenced, had: 0, history: Vec::new(), refusal: None };
        let entry = self.0.entry(key.to_owned()).or_insert_with(fenced);
        entry.history.push("delete");
        entry.state = if entry.had > 0 { State::Undone } else { State::Fenced };
        entry.had > 0
    }

    /// Forgets a key, as no outside system may: for tests that look whether that is found.
    pub fn forget(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// All of them, by key.
    pub fn all(&self) -> &BTreeMap<String, Entry> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_is_had_once_and_never_after_its_undo() {
        let mut effects = Effects::default();
        assert_eq!([effects.provision("a", None), effects.provision("a", None)], [State::Done; 2]);
        assert!(effects.undo("a") && effects.undo("a"), "the same each time");
        assert_eq!(effects.provision("a", None), State::Undone);
        let entry = effects.look_up("a").unwrap();
        assert_eq!((entry.had, entry.history.join(" ")), (1, "put put delete delete put".to_owned()));
    }

    #[test]
    fn an_undo_of_what_nobody_knows_is_a_fence() {
        let mut effects = Effects::default();
        assert!(!effects.undo("a"));
        assert_eq!(effects.provision("a", None), State::Fenced);
        assert_eq!(effects.look_up("b"), None);
    }

    #[test]
    fn a_refusal_is_remembered_until_it_is_fenced() {
        let mut effects = Effects::default();
        let error = ItemError { code: "NoQuota".into(), description: "no".into() };
        assert_eq!([effects.provision("a", Some(error)), effects.provision("a", None)], [State::Refused; 2]);
        assert!(!effects.undo("a"));
        assert_eq!(effects.all()["a"].state, State::Fenced);
    }
}
