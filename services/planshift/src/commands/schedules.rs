//! `schedule`: customers, or a batch, that begin at a time.

use crate::{
    cli::{ApiArgs, CreateScheduleArgs, ListSchedulesArgs, ScheduleArgs, ScheduleCommand, ShowScheduleArgs, WhenArgs, WhoArgs},
    client::{Api, Schedule},
    exit::{Exit, Outcome},
    output::{self, json, table, text},
};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use uuid::Uuid;

/// Does what is asked.
///
/// # Errors
/// The API's.
pub async fn schedule(args: ScheduleArgs) -> Outcome {
    match args.what {
        ScheduleCommand::Create(args) => create(*args).await,
        ScheduleCommand::List(args) => list(args).await,
        ScheduleCommand::Show(args) => show(args).await,
        ScheduleCommand::Move(args) => {
            let body = when(&args.when).into_iter().chain(said(&args.who)).collect();
            let moved = Api::from_args(&args.one.api)?.move_schedule(args.one.id, &body).await?;
            print(&args.one.api, &moved)
        }
        ScheduleCommand::Cancel(args) => {
            let body = Value::Object(said(&args.who).into_iter().collect());
            let cancelled = Api::from_args(&args.one.api)?.cancel_schedule(args.one.id, &body).await?;
            print(&args.one.api, &cancelled)
        }
    }
}

async fn create(args: CreateScheduleArgs) -> Outcome {
    let given = [
        ("customerIds", (!args.customers.is_empty()).then(|| json!(args.customers))),
        ("batchId", args.batch.map(|id| json!(id))),
        ("externalReferenceId", args.reference.as_ref().map(|text| json!(text))),
        ("partnerId", args.partner.map(|id| json!(id))),
    ];
    let body: Map<String, Value> = given.into_iter().filter_map(of_given).chain(when(&args.when)).chain(said(&args.who)).collect();
    let made = Api::from_args(&args.api)?.create_schedule(&body, Uuid::new_v4()).await?;
    print(&args.api, &made)
}

async fn list(args: ListSchedulesArgs) -> Outcome {
    let given = [
        ("size", Some(args.size.to_string())),
        ("state", args.state),
        ("customerId", args.customer.map(|id| id.to_string())),
        ("partnerId", args.partner.map(|id| id.to_string())),
        ("from", args.from),
        ("to", args.to),
    ];
    let filter: Vec<(&str, String)> = given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let schedules = Api::from_args(&args.api)?.list_schedules(&filter).await?;
    if args.api.json {
        json::print_line(&schedules)?;
    } else {
        output::print(&table::schedules(&schedules.items))?;
    }
    Ok(Exit::Done)
}

async fn show(args: ShowScheduleArgs) -> Outcome {
    let api = Api::from_args(&args.one.api)?;
    let schedule = api.schedule(args.one.id).await?;
    let rows = api.schedule_rows(args.one.id, args.size).await?;
    if args.one.api.json {
        json::print_line(&json!({ "schedule": schedule, "rows": rows.items }))?;
    } else {
        output::print(&(for_people(&schedule) + &table::schedule_rows(&rows.items)))?;
    }
    Ok(Exit::Done)
}

/// When it is to be, as the API has it.
fn when(args: &WhenArgs) -> Vec<(String, Value)> {
    let given = [
        ("at", Some(json!(args.at))),
        ("timeZone", Some(json!(args.time_zone))),
        ("window", args.window.as_ref().map(|hours| json!({ "from": hours.from, "to": hours.to }))),
        ("days", (!args.days.is_empty()).then(|| json!(args.days))),
        ("spread", args.spread.map(|days| json!(days))),
    ];
    given.into_iter().filter_map(of_given).collect()
}

/// Who acts and why.
fn said(who: &WhoArgs) -> Vec<(String, Value)> {
    let given = [("reason", (!who.reason.is_empty()).then(|| json!(who.reason))), ("actor", who.actor().map(|name| json!(name)))];
    given.into_iter().filter_map(of_given).collect()
}

fn of_given((name, value): (&str, Option<Value>)) -> Option<(String, Value)> {
    Some((name.to_owned(), value?))
}

fn print(args: &ApiArgs, schedule: &Schedule) -> Outcome {
    if args.json {
        json::print_line(schedule)?;
    } else {
        output::print(&for_people(schedule))?;
    }
    Ok(Exit::Done)
}

fn for_people(schedule: &Schedule) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        // writing to a string does not fail
        let _ = writeln!(out, "{name:<11}{value}");
    };
    line("schedule", &schedule.schedule_id.to_string());
    line("reference", &text::printable(&schedule.external_reference_id));
    line("state", &schedule.state);
    line("when", &text::printable(&when_for_people(schedule)));
    line("batch", &format!("{} ({})", schedule.batch_id, schedule.batch_state));
    line("rows", &schedule.rows.to_string());
    let counts: Vec<String> =
        schedule.counts.iter().filter(|(_, count)| **count > 0).map(|(state, count)| format!("{count} {state}")).collect();
    if !counts.is_empty() {
        line("progress", &counts.join(", "));
    }
    if let Some(next) = schedule.next_at {
        line("next", &text::moment(next));
    }
    if let Some(seconds) = schedule.late_by {
        line("late by", &text::span(seconds));
    }
    if schedule.planned.is_empty() { out } else { out + &table::schedule_days(&schedule.planned) }
}

fn when_for_people(schedule: &Schedule) -> String {
    let mut when = format!("{} {}", schedule.at, schedule.time_zone);
    if let Some(window) = &schedule.window {
        let _ = write!(when, ", {} to {}", window.from, window.to);
    }
    if !schedule.days.is_empty() {
        let _ = write!(when, ", on {}", schedule.days.join(", "));
    }
    when
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_for_people_says_when_and_how_late() {
        let schedule: Schedule = serde_json::from_value(json!({
            "scheduleId": Uuid::nil(), "externalReferenceId": "night\u{1b}[31m", "state": "Running", "batchId": Uuid::nil(),
            "batchState": "Paused", "rows": 3, "at": "2027-01-09", "timeZone": "Europe/Paris",
            "window": { "from": "22:00", "to": "05:00" }, "days": ["Saturday", "Sunday"], "nextAt": "2027-01-10T21:00:00Z", "lateBy": 7_260,
            "counts": { "waiting": 2, "completed": 1 },
            "planned": [{ "day": 1, "opensAt": "2027-01-09T21:00:00Z", "closesAt": "2027-01-10T04:00:00Z", "rows": 3,
                          "begunAt": "2027-01-09T21:00:01Z" }],
        }))
        .unwrap();
        let text = for_people(&schedule);
        for said in ["2027-01-09 Europe/Paris, 22:00 to 05:00, on Saturday, Sunday", "2h 1m", "1 completed, 2 waiting", "(Paused)"] {
            assert!(text.contains(said), "{said} in {text}");
        }
        assert!(!text.contains('\u{1b}'));
    }
}
