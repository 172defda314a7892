//! Batches: begun from the list of customers or brought as a file, followed, acted on, taken along as a table.
//!
//! | file | holds |
//! |---|---|
//! | `list` | all of them |
//! | `selected` | one of customers that were selected |
//! | `upload` | one of a file, or of all customers; what is wrong with a file, by row and column |
//! | `page` | one, as it goes on |
//! | `acts` | what people do to it, after a question |
//! | `streams` | its events, and its rows as a file |

mod acts;
mod list;
mod page;
mod selected;
mod streams;
mod upload;

pub(super) use acts::{act, ask as ask_act};
pub(super) use list::list;
pub(super) use page::page;
pub(super) use selected::{begin, prepare};
pub(super) use streams::{events, results};
pub(super) use upload::{ask, upload};

use super::visit::Visit;
use maud::{Markup, html};
use planshift_domain::time::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

/// How many subscriptions its rows have, and how many of them have moved.
#[derive(Default, Deserialize)]
struct Subscriptions {
    total: u64,
    completed: u64,
}

/// A batch as the API tells it. What a list does not tell is empty there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    batch_id: String,
    external_reference_id: String,
    state: String,
    note: String,
    rows: u64,
    schedule_id: Option<String>,
    options: Value,
    created_at: Timestamp,
    created_by: String,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    #[serde(default)]
    counts: Map<String, Value>,
    percent: Option<u64>,
    #[serde(default)]
    drained: bool,
    #[serde(default)]
    subscriptions: Subscriptions,
    expected_end: Option<Timestamp>,
    #[serde(default)]
    plan: Value,
}

impl Batch {
    fn count(&self, state: &str) -> u64 {
        let name = state[..1].to_lowercase() + &state[1..];
        self.counts.get(&name).and_then(Value::as_u64).unwrap_or_default()
    }

    /// Nothing more happens, unless somebody tries something again.
    fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "Completed" | "Cancelled") && self.drained
    }

    fn here(&self) -> String {
        format!("/portal/batches/{}", self.batch_id)
    }
}

/// The state of a batch or of a row as people say it, and the class that it looks by.
pub(super) fn state_of<'a>(visit: &Visit, state: &'a str) -> (&'a str, &'static str) {
    match state {
        "Draft" => (visit.say("Draft", "Brouillon"), "idle"),
        "Planning" => (visit.say("Dry run", "Simulation"), "moving"),
        "Planned" => (visit.say("Planned", "Simulé"), "idle"),
        "Running" => (visit.say("Under way", "En cours"), "moving"),
        "Starting" => (visit.say("Starting", "Démarrage"), "moving"),
        "Waiting" => (visit.say("Waiting", "En attente"), "idle"),
        "Pausing" => (visit.say("Pausing", "Mise en pause"), "turning"),
        "Paused" => (visit.say("Paused", "En pause"), "held"),
        "Stopped" => (visit.say("Stopped", "Arrêté"), "bad"),
        "Cancelling" => (visit.say("Cancelling", "Annulation"), "turning"),
        "Cancelled" => (visit.say("Cancelled", "Annulé"), "held"),
        "Completed" => (visit.say("Completed", "Terminé"), "good"),
        "Ineligible" => (visit.say("Blocked", "Bloqué"), "held"),
        "Failed" => (visit.say("Undone", "Annulé"), "held"),
        "NeedsOperator" => (visit.say("Needs somebody", "Attend quelqu’un"), "bad"),
        "Refused" => (visit.say("Refused", "Refusé"), "bad"),
        other => (other, "idle"),
    }
}

pub(super) fn state_mark(visit: &Visit, state: &str) -> Markup {
    let (text, look) = state_of(visit, state);
    html! { span class={ "mark " (look) } { (text) } }
}
