//! What the API answers, as far as this client reads it. Unknown properties are ignored, so that the API can grow.

use planshift_domain::{
    history::HistoryEntry,
    ids::{CustomerId, TransitionId},
    message::operator::{StepState, StuckTransition},
    time::Timestamp,
    transition::{Failure, State},
};
use serde::{Deserialize, Serialize};

/// The answer to an import.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// How many customers were taken.
    pub imported: u64,
    /// Those that were not.
    #[serde(default)]
    pub refused: Vec<RefusedCustomer>,
}

/// A customer that an import did not take.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusedCustomer {
    /// The customer.
    pub customer_id: CustomerId,
    /// `UpgradeInProgress` …
    pub code: String,
    /// In words.
    #[serde(default)]
    pub description: String,
}

/// What became of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// It is under way under this id.
    Accepted(TransitionId),
    /// It has ended already: not eligible.
    Ineligible(TransitionId),
    /// Another one is not at an end.
    UnderWay(TransitionId),
}

impl Started {
    /// The transition.
    pub const fn id(self) -> TransitionId {
        match self {
            Self::Accepted(id) | Self::Ineligible(id) | Self::UnderWay(id) => id,
        }
    }
}

/// How far a transition is: of fixed size, however many lines it has.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The transition.
    pub transition_id: TransitionId,
    /// Who moves.
    pub customer_id: CustomerId,
    /// Where it stands.
    pub state: State,
    /// Counts up with every change.
    pub version: u32,
    /// Nothing more happens by itself.
    #[serde(default)]
    pub settled: bool,
    /// Azure subscriptions that move.
    #[serde(default)]
    pub lines: u32,
    /// Plans, one for each reseller.
    #[serde(default)]
    pub plans: u32,
    /// Lines mapped so far.
    #[serde(default)]
    pub mapped: u32,
    /// Commerce subscriptions suspended so far.
    #[serde(default)]
    pub suspended: u32,
    /// When it may end, should it go on as fast as lately.
    #[serde(default)]
    pub expected_end: Option<Timestamp>,
    /// What failed first.
    #[serde(default)]
    pub failure: Option<Failure>,
}

/// A transition in a list.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The transition.
    pub transition_id: TransitionId,
    /// Who moves.
    pub customer_id: CustomerId,
    /// Its name; an older API does not tell it.
    #[serde(default)]
    pub company_name: Option<String>,
    /// Where it stands.
    pub state: State,
    /// When it was accepted.
    pub started_at: Timestamp,
    /// When it came to an end.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// Azure subscriptions that move.
    #[serde(default)]
    pub lines: u32,
    /// Lines mapped so far.
    #[serde(default)]
    pub mapped: u32,
    /// Commerce subscriptions suspended so far.
    #[serde(default)]
    pub suspended: u32,
}

/// A list.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct List {
    /// How many there are; a search does not know it.
    #[serde(default)]
    pub total_count: Option<u64>,
    /// Some of them.
    pub items: Vec<Summary>,
    /// How many a search has looked through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_through: Option<u64>,
    /// Where it goes on.
    #[serde(default, skip_serializing)]
    links: Links,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Links {
    #[serde(default)]
    next: Option<Link>,
}

#[derive(Clone, Debug, Deserialize)]
struct Link {
    uri: String,
}

impl List {
    /// The path of the next page beneath the API's version, where there is one.
    pub(super) fn next(&self) -> Option<String> {
        self.links.next.as_ref().map(|link| link.uri.clone())
    }

    /// Adds the next page.
    pub(super) fn go_on(&mut self, page: Self) {
        self.items.extend(page.items);
        self.links = page.links;
        self.looked_through = match (self.looked_through, page.looked_through) {
            (Some(before), Some(more)) => Some(before + more),
            (before, more) => before.or(more),
        };
    }
}

/// A history, whether the API wraps it as a list or not.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum History {
    /// `{"items": […]}`.
    List {
        /// The entries.
        items: Vec<HistoryEntry>,
    },
    /// `[…]`.
    Plain(Vec<HistoryEntry>),
}

impl History {
    /// The entries in order.
    pub fn entries(self) -> Vec<HistoryEntry> {
        match self {
            Self::List { items } | Self::Plain(items) => items,
        }
    }
}

/// How the steps are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Steps {
    /// Each of them.
    pub items: Vec<StepState>,
    /// How many transitions wait in line to begin.
    pub waiting: u32,
    /// How many may be under way at a time.
    pub under_way_limit: u32,
}

/// Transitions that have not moved for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stuck {
    /// How many there are in all.
    pub total_count: u32,
    /// The first of them, the longest first.
    pub items: Vec<StuckTransition>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_a_search_become_one_list() {
        let page = |text: &str| serde_json::from_str::<List>(text).unwrap();
        let mut list = page(
            r#"{"totalCount":null,"items":[],"lookedThrough":2000,"links":{"self":{"uri":"/a"},"next":{"uri":"/productUpgrades?q=x"}}}"#,
        );
        assert_eq!(list.next().as_deref(), Some("/productUpgrades?q=x"));
        list.go_on(page(r#"{"totalCount":null,"items":[],"lookedThrough":12,"links":{"self":{"uri":"/a"}}}"#));
        assert_eq!((list.next(), list.looked_through, list.total_count), (None, Some(2_012), None));
        assert_eq!(page(r#"{"totalCount":7,"items":[]}"#).total_count, Some(7));
        assert_eq!(serde_json::to_string(&list).unwrap(), r#"{"totalCount":null,"items":[],"lookedThrough":2012}"#);
    }
}
