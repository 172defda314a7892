//! Schedules: customers, or a batch, that move at their time.
//!
//! | file | holds |
//! |---|---|
//! | `list` | all of them |
//! | `when` | the fields that say when, and what they say to the API |
//! | `create` | one is made |
//! | `page` | one, with its days and rows |
//! | `acts` | it is moved, or cancelled |

mod acts;
mod create;
mod list;
mod page;
mod when;

pub(super) use acts::{ask_cancel, ask_move, cancel, reschedule};
pub(super) use create::{ask, create};
pub(super) use list::list;
pub(super) use page::page;

use super::visit::Visit;
use maud::{Markup, html};
use planshift_domain::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// Hours of a day.
#[derive(Deserialize)]
struct Window {
    from: String,
    to: String,
}

/// A schedule as the API tells it. Its days are told of one alone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schedule {
    schedule_id: String,
    external_reference_id: String,
    state: String,
    settled: bool,
    batch_id: String,
    batch_state: String,
    rows: u64,
    at: String,
    time_zone: String,
    window: Option<Window>,
    days: Vec<String>,
    spread: u64,
    next_at: Option<Timestamp>,
    late_by: Option<u64>,
    created_at: Timestamp,
    created_by: String,
    ended_at: Option<Timestamp>,
    #[serde(default)]
    counts: Value,
    #[serde(default)]
    planned: Vec<Day>,
}

/// A day on which some of its rows begin.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Day {
    day: u64,
    opens_at: Timestamp,
    closes_at: Option<Timestamp>,
    rows: u64,
    first_row: u64,
    last_row: u64,
    begun_at: Option<Timestamp>,
    late_by: Option<u64>,
}

impl Schedule {
    fn here(&self) -> String {
        format!("/portal/schedules/{}", self.schedule_id)
    }
}

fn state_of<'a>(visit: &Visit, state: &'a str) -> (&'a str, &'static str) {
    match state {
        "Waiting" => (visit.say("Waiting", "En attente"), "idle"),
        "Running" => (visit.say("Under way", "En cours"), "moving"),
        "Completed" => (visit.say("Completed", "Terminée"), "good"),
        "Cancelled" => (visit.say("Cancelled", "Annulée"), "held"),
        other => (other, "idle"),
    }
}

fn mark(visit: &Visit, state: &str) -> Markup {
    let (text, look) = state_of(visit, state);
    html! { span class={ "mark " (look) } { (text) } }
}

/// How late something is, in the largest unit that says enough.
fn late(visit: &Visit, seconds: Option<u64>) -> Markup {
    let text = seconds.filter(|seconds| *seconds > 0).map(|seconds| match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} {}", seconds / 86_400, visit.say("days", "jours")),
    });
    html! { @if let Some(text) = text { span.mark.held { (visit.say("late by ", "retard : ")) (text) } } }
}
