//! What is asked of a batch beside its rows.

use planshift_domain::ids::MpnId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How many rows may be under way at once unless the batch says otherwise: enough to keep the workers busy, few enough that a pause
/// is drained soon.
pub(crate) const AT_ONCE: u32 = 1_000;
/// The most that a batch may say.
pub(crate) const MOST_AT_ONCE: u32 = 10_000;
/// How many ends there must be before a share of them says anything, unless the batch says otherwise.
pub(crate) const STOP_MINIMUM: u32 = 20;
/// The most that a batch may say.
pub(crate) const LARGEST_STOP_MINIMUM: u32 = 1_000_000;

/// Which customers a batch is made of, where it is not a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Filter {
    /// All of them, or those alone that may move, which the dry run finds out.
    pub(crate) customers: Which,
    /// Those alone that have this reseller on record of a subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub(crate) reseller: Option<MpnId>,
}

/// All customers, or those that may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Which {
    /// All that have no transition under way and are in no other batch that is at work.
    All,
    /// Of those, the ones that the dry run finds eligible: the others are refused by it.
    Eligible,
}

/// What is asked of a batch beside its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Options {
    /// Which customers; nothing where they are listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) filter: Option<Filter>,
    /// How many rows may be under way at once.
    pub(crate) at_once: u32,
    /// It stops by itself where more than so many of a hundred ends have failed.
    pub(crate) stop_percent: Option<u32>,
    /// Once there are so many ends.
    pub(crate) stop_minimum: u32,
    /// The plan of each row is asked for first.
    pub(crate) dry_run: bool,
    /// It starts at once, or once it is planned.
    pub(crate) start: bool,
    /// Each start does what the dry run has shown, or nothing.
    pub(crate) keep_to_plan: bool,
}

impl Options {
    /// The names of those that differ.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let members = |options: &Self| match serde_json::to_value(options) {
            Ok(Value::Object(members)) => members,
            // a struct of plain values is an object
            _ => Map::new(),
        };
        let (own, others) = (members(self), members(other));
        let names: std::collections::BTreeSet<&String> = own.keys().chain(others.keys()).collect();
        names.into_iter().filter(|name| own.get(*name) != others.get(*name)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named() {
        let one =
            Options { filter: None, at_once: 5, stop_percent: None, stop_minimum: 20, dry_run: false, start: true, keep_to_plan: false };
        assert!(one.differences(&one).is_empty());
        let filter = Some(Filter { customers: Which::All, reseller: None });
        let other = Options { filter, at_once: 6, start: false, ..one.clone() };
        assert_eq!(one.differences(&other), ["atOnce", "filter", "start"]);
    }
}
