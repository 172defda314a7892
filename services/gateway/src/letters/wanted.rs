//! Which letters are meant.

use super::Letter;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Which letters are meant: those that meet all that is given; nothing given are all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Wanted {
    /// One of these.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) keys: BTreeSet<String>,
    /// The code of the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// The queue that they died in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) queue: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    /// The transition that they belong to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) transition_id: Option<String>,
}

impl Wanted {
    pub(crate) fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn includes(&self, letter: &Letter) -> bool {
        let is = |wanted: &Option<String>, has: &str| wanted.as_deref().is_none_or(|wanted| wanted == has);
        (self.keys.is_empty() || self.keys.contains(&letter.key))
            && is(&self.code, &letter.reason)
            && is(&self.queue, &letter.queue)
            && is(&self.kind, &letter.kind)
            && is(&self.transition_id, &letter.correlation_id)
    }
}
