//! The histories of a stretch of transitions, folded as they are read: one may have thousands of entries.

use super::{PAGE, Stores};
use planshift_coordinator::inspect::{self, Stretch};
use planshift_domain::{
    history::{Chain, HistoryEntry},
    ids::TransitionId,
    transition::State,
};
use planshift_storage::StorageError;
use std::collections::HashMap;

/// What a history tells.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// Its states, each once until another comes.
    pub states: Vec<State>,
    /// Its entries.
    pub chain: Chain,
}

impl Told {
    fn follow(&mut self, transition: TransitionId, entry: &HistoryEntry) {
        if self.states.last() != Some(&entry.state) {
            self.states.push(entry.state);
        }
        self.chain.follow(transition, entry);
    }
}

/// Reads them.
pub(super) async fn read(stores: &Stores, stretch: Stretch) -> Result<HashMap<TransitionId, Told>, StorageError> {
    let mut told: HashMap<TransitionId, Told> = HashMap::new();
    let mut after = None;
    loop {
        let page = inspect::history(&stores.coordinator, stretch, after, PAGE).await?;
        for (transition, entry) in &page {
            told.entry(*transition).or_default().follow(*transition, entry);
        }
        if page.len() < PAGE as usize {
            return Ok(told);
        }
        after = page.last().map(|(transition, entry)| (*transition, entry.number));
    }
}
