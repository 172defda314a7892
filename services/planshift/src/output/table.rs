//! Tables of transitions, aligned, at most as wide as the terminal.

use super::{style::To, text};
use crate::client::{
    Batch, BatchRow, Budget, DeadLetter, Dropped, Instance, LetterGroup, PlanGroup, QueueShown, Redrive, Schedule, ScheduleDay, Summary,
    WebhookDelivery,
};
use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle};
use planshift_billing::Decimal;
use planshift_domain::{
    ids::{CustomerId, TransitionId},
    message::operator::{StepState, StuckTransition},
    transition::State,
    view::TransitionView,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// The names of customers, as far as they are known.
pub type Names = BTreeMap<CustomerId, String>;

/// The width of the outcome of a run with the customers' ids; narrower, it has their names alone, and the reports have the ids.
const WITH_IDS: u16 = 104;
/// The width of a list with names and ends side by side.
const WITH_ENDS: u16 = 126;

/// How many reasons of a customer a table lists; the report lists all.
const REASONS_SHOWN: usize = 5;

/// Lines above, below and under the header, nothing between rows: easy to read, and to take apart with other tools.
const STYLE: TableStyle = TableStyle::new()
    .top_border(LineStyle::none().fill('─').junction('─'))
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

fn table(header: &[&str], numbers: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
    // what is piped to a file or another tool is not broken into lines
    if To::Out.is_terminal() {
        table.set_width(To::Out.width());
    }
    table.set_header(header.iter().copied());
    for index in numbers {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn laid_out(table: &Table) -> String {
    let lines: Vec<_> = table.to_string().lines().map(|line| line.trim_end().to_owned()).collect();
    To::Out.paint_states(&lines.join("\n")) + "\n"
}

/// The groups of a plan.
pub fn plan(groups: &[PlanGroup]) -> String {
    let mut table = table(&["reseller", "name", "subscriptions", "plan", "plan id"], &[2]);
    for group in groups {
        table.add_row(vec![
            Cell::new(group.partner_id.as_deref().unwrap_or("none")),
            Cell::new(group.reseller_name.as_deref().unwrap_or("")),
            Cell::new(group.subscriptions_total),
            Cell::new(&group.plan.action),
            Cell::new(group.plan.plan_id.map(|id| id.to_string()).unwrap_or_default()),
        ]);
    }
    laid_out(&table)
}

/// Objects, by some of their properties. What is a number stands to the right.
pub fn values(items: &[Value], names: &[&str]) -> String {
    let is_number = |name: &&str| {
        let told = items.iter().map(|item| &item[*name]).filter(|value| !value.is_null());
        let mut told = told.peekable();
        told.peek().is_some() && told.all(|value| value.is_number() || value.as_str().is_some_and(|text| text.parse::<Decimal>().is_ok()))
    };
    let numbers: Vec<usize> = names.iter().enumerate().filter(|(_, name)| is_number(name)).map(|(place, _)| place).collect();
    let mut table = table(names, &numbers);
    for item in items {
        table.add_row(names.iter().map(|name| Cell::new(cell(&item[*name]))));
    }
    laid_out(&table)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text::printable(text),
        Value::Array(parts) => parts.iter().map(cell).collect::<Vec<_>>().join("\n"),
        // an amount of money
        Value::Object(_) => format!("{} {}", cell(&value["amount"]), cell(&value["currency"])).trim_end().to_owned(),
        other => other.to_string(),
    }
}

/// Batches.
pub fn batches(batches: &[Batch]) -> String {
    let mut table = table(&["batch", "reference", "state", "rows", "made", "by"], &[3]);
    for batch in batches {
        table.add_row(vec![
            Cell::new(batch.batch_id),
            Cell::new(text::printable(&batch.external_reference_id)),
            Cell::new(&batch.state),
            Cell::new(batch.rows),
            Cell::new(text::moment(batch.created_at)),
            Cell::new(text::printable(&batch.created_by)),
        ]);
    }
    laid_out(&table)
}

/// Rows of a batch.
pub fn batch_rows(rows: &[BatchRow]) -> String {
    let mut table = table(&["row", "customer", "reference", "state", "why"], &[0]);
    for row in rows {
        let customer = match &row.company_name {
            Some(name) => format!("{}\n{}", text::printable(name), row.customer_id),
            None => row.customer_id.to_string(),
        };
        table.add_row(vec![
            Cell::new(row.row),
            Cell::new(customer),
            Cell::new(text::printable(&row.external_reference_id)),
            Cell::new(&row.state),
            Cell::new(row.code.as_deref().unwrap_or_default()),
        ]);
    }
    laid_out(&table)
}

/// Schedules.
pub fn schedules(schedules: &[Schedule]) -> String {
    let mut table = table(&["schedule", "reference", "state", "rows", "at", "time zone", "next", "late by"], &[3]);
    for schedule in schedules {
        table.add_row(vec![
            Cell::new(schedule.schedule_id),
            Cell::new(text::printable(&schedule.external_reference_id)),
            Cell::new(&schedule.state),
            Cell::new(schedule.rows),
            Cell::new(text::printable(&schedule.at)),
            Cell::new(text::printable(&schedule.time_zone)),
            Cell::new(schedule.next_at.map(text::moment).unwrap_or_default()),
            Cell::new(schedule.late_by.map(text::span).unwrap_or_default()),
        ]);
    }
    laid_out(&table)
}

/// Days of a schedule.
pub fn schedule_days(days: &[ScheduleDay]) -> String {
    let mut table = table(&["day", "rows", "opens", "closes", "begun", "late by"], &[0, 1]);
    for day in days {
        let moment = |at: Option<_>| at.map(text::moment).unwrap_or_default();
        table.add_row(vec![
            Cell::new(day.day),
            Cell::new(day.rows),
            Cell::new(text::moment(day.opens_at)),
            Cell::new(moment(day.closes_at)),
            Cell::new(moment(day.begun_at)),
            Cell::new(day.late_by.map(text::span).unwrap_or_default()),
        ]);
    }
    laid_out(&table)
}

/// Rows of a schedule.
pub fn schedule_rows(rows: &[BatchRow]) -> String {
    let mut table = table(&["row", "customer", "day", "state", "why", "transition"], &[0, 2]);
    for row in rows {
        table.add_row(vec![
            Cell::new(row.row),
            Cell::new(row.company_name.as_deref().map_or_else(|| row.customer_id.to_string(), text::printable)),
            Cell::new(row.more.get("day").and_then(serde_json::Value::as_u64).map(|day| day.to_string()).unwrap_or_default()),
            Cell::new(&row.state),
            Cell::new(row.code.as_deref().unwrap_or_default()),
            Cell::new(row.transition_id.map(|id| id.to_string()).unwrap_or_default()),
        ]);
    }
    laid_out(&table)
}

/// A row of what a run came to: what the table and the reports need, without the lines.
#[derive(Clone, Debug)]
pub struct Row {
    /// Who.
    pub customer: CustomerId,
    /// Which transition.
    pub transition: TransitionId,
    /// Where it ended.
    pub state: State,
    adopted: bool,
    plans: usize,
    lines: usize,
    why: String,
}

impl Row {
    /// Of a transition.
    pub fn of(view: &TransitionView) -> Self {
        Self {
            customer: view.customer_id,
            transition: view.transition_id,
            state: view.state,
            adopted: view.adopted,
            plans: view.plans.len(),
            lines: view.lines.len(),
            why: why(view),
        }
    }
}

/// What a run came to: a row for each customer.
pub fn outcomes(rows: &[Row], names: &Names) -> String {
    let narrow = To::Out.is_terminal() && To::Out.width() < WITH_IDS;
    let mut table = table(&["customer", "state", "plans", "subscr.", "why"], &[2, 3]);
    for row in rows {
        let customer = match names.get(&row.customer) {
            Some(name) if narrow => name.clone(),
            Some(name) => format!("{name}\n{}", row.customer),
            None => row.customer.to_string(),
        };
        table.add_row(vec![
            Cell::new(customer),
            Cell::new(if row.adopted { format!("{}\n(adopted)", row.state) } else { row.state.to_string() }),
            Cell::new(row.plans),
            Cell::new(row.lines),
            Cell::new(&row.why),
        ]);
    }
    laid_out(&table)
}

/// Why it did not complete, in a few words.
fn why(view: &TransitionView) -> String {
    if let Some(failure) = &view.failure {
        return format!("{} in {}", failure.code, failure.step);
    }
    let mut codes: Vec<&str> = Vec::new();
    for reason in &view.reasons {
        if !codes.contains(&reason.code.as_str()) {
            codes.push(&reason.code);
        }
    }
    let more = codes.len().saturating_sub(REASONS_SHOWN);
    codes.truncate(REASONS_SHOWN);
    let codes = codes.join("\n");
    if more > 0 { format!("{codes}\nand {more} more") } else { codes }
}

/// A list of transitions. On a terminal a customer is its name, and where there is no room the end is left out; what is piped on has the
/// customers' ids too.
pub fn list(items: &[Summary]) -> String {
    let (is_terminal, narrow) = (To::Out.is_terminal(), To::Out.is_terminal() && To::Out.width() < WITH_ENDS);
    let ends: &[&str] = if narrow { &[] } else { &["ended"] };
    let ids: &[&str] = if is_terminal { &[] } else { &["customer id"] };
    let header = [&["transition", "customer", "state", "done", "started"], ends, ids].concat();
    let mut table = table(&header, &[3]);
    // an id that is broken cannot be taken along
    if let Some(ids) = table.column_mut(0) {
        ids.set_constraint(ColumnConstraint::ContentWidth);
    }
    for item in items {
        let mut cells = vec![
            item.transition_id.to_string(),
            item.company_name.as_deref().map_or_else(|| item.customer_id.to_string(), text::printable),
            item.state.to_string(),
            format!("{}/{}", item.suspended, item.lines),
            text::moment(item.started_at),
        ];
        if !narrow {
            cells.push(item.ended_at.map(text::moment).unwrap_or_default());
        }
        if !is_terminal {
            cells.push(item.customer_id.to_string());
        }
        table.add_row(cells);
    }
    laid_out(&table)
}

/// Transitions that have not moved for a while, with what they wait for.
pub fn stuck(items: &[StuckTransition]) -> String {
    let mut table = table(&["transition", "state", "since", "waits for"], &[]);
    for item in items {
        table.add_row([item.transition_id.to_string(), item.state.to_string(), text::moment(item.changed_at), item.waits_for.clone()]);
    }
    laid_out(&table)
}

/// How the steps are.
pub fn steps(items: &[StepState]) -> String {
    let mut table = table(&["step", "", "in flight", "held"], &[2, 3]);
    for item in items {
        let word = match (item.paused, item.drained) {
            (false, _) => "runs",
            (true, false) => "paused, drains",
            (true, true) => "paused, drained",
        };
        table.add_row([item.step.to_string(), word.to_owned(), item.in_flight.to_string(), item.held.to_string()]);
    }
    laid_out(&table)
}

/// Processes.
pub fn instances(items: &[Instance]) -> String {
    let mut table = table(&["service", "state", "version", "host", "process", "in hand", "since", "last seen"], &[4, 5]);
    for item in items {
        let paused = if item.step_paused == Some(true) { ", step paused" } else { "" };
        table.add_row([
            text::printable(&item.service),
            format!("{}{paused}", item.state),
            text::printable(&item.version),
            text::printable(&item.host),
            item.process.to_string(),
            item.in_hand.to_string(),
            text::moment(item.since),
            text::moment(item.last_seen),
        ]);
    }
    laid_out(&table)
}

/// Queues.
pub fn queues(items: &[QueueShown]) -> String {
    let mut table = table(&["queue", "waiting", "taken from by", ""], &[1, 2]);
    for item in items {
        let count = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
        let is_service = item.kind == "service";
        let note = match item.state.as_str() {
            "missing" => "not there",
            "hidden" => "the gateway's user may not look",
            _ if is_service && item.consumers == Some(0) => "nobody takes from it",
            _ => "",
        };
        let consumers = if is_service { count(item.consumers) } else { String::new() };
        table.add_row([text::printable(&item.name), count(item.waiting), consumers, note.to_owned()]);
    }
    laid_out(&table)
}

/// The plans of a transition.
pub fn plans(view: &TransitionView) -> String {
    let mut table = table(&["plan", "reseller", "status", ""], &[]);
    for plan in &view.plans {
        table.add_row(vec![
            Cell::new(plan.plan_id),
            Cell::new(plan.partner_id.as_ref().map_or("none", |id| id.as_str())),
            Cell::new(plan.status),
            Cell::new(if plan.reused { "reused" } else { "" }),
        ]);
    }
    laid_out(&table)
}

/// The lines of a transition, at most `most` of them.
pub fn lines(view: &TransitionView, most: usize) -> String {
    let mut table = table(&["Azure subscription", "plan", "line", "commerce", "why"], &[]);
    for line in view.lines.iter().take(most) {
        let reseller = line.plan_id.and_then(|id| view.plans.iter().find(|plan| plan.plan_id == id));
        table.add_row(vec![
            Cell::new(line.azure_subscription_id),
            Cell::new(match reseller {
                Some(plan) => format!("of {}", plan.partner_id.as_ref().map_or("none", |id| id.as_str())),
                None => "–".to_owned(),
            }),
            Cell::new(format!("{:?}", line.state)),
            Cell::new(line.commerce_status),
            Cell::new(line.error.as_ref().map_or("", |error| error.code.as_str())),
        ]);
    }
    let mut text = laid_out(&table);
    if view.lines.len() > most {
        text.push_str(&format!("… {} lines in all; --json prints every one\n", view.lines.len()));
    }
    text
}

/// Dead letters by reason.
pub fn letter_groups(groups: &[LetterGroup]) -> String {
    let mut table = table(&["letters", "died of", "in", "type", "oldest", "newest"], &[0]);
    for group in groups {
        let (oldest, newest) = (text::moment(group.oldest), text::moment(group.newest));
        table.add_row([group.count.to_string(), group.reason.clone(), group.queue.clone(), group.kind.clone(), oldest, newest]);
    }
    laid_out(&table)
}

/// Dead letters, each in a row.
pub fn letters(letters: &[DeadLetter]) -> String {
    let mut table = table(&["key", "died of", "type", "message", "sent", "tries"], &[5]);
    for letter in letters {
        let (sent, tries) = (text::moment(letter.sent_at), letter.attempts.to_string());
        table.add_row([letter.key.clone(), letter.reason.clone(), letter.kind.clone(), letter.message_id.clone(), sent, tries]);
    }
    laid_out(&table)
}

/// Letters that were dropped.
pub fn dropped(letters: &[Dropped]) -> String {
    let mut table = table(&["key", "dropped", "by", "why", "type"], &[]);
    for letter in letters {
        let kind = letter.letter["type"].as_str().unwrap_or_default();
        table.add_row([&letter.key, &text::moment(letter.dropped_at), &letter.actor, &letter.reason, kind]);
    }
    laid_out(&table)
}

/// Redrives.
pub fn redrives(redrives: &[Redrive]) -> String {
    let mut table = table(&["redrive", "state", "sent", "succeeded", "died", "by", "why"], &[2, 3, 4]);
    for redrive in redrives {
        let counts = [redrive.sent, redrive.succeeded, redrive.died].map(|count| count.to_string());
        let [sent, succeeded, died] = counts;
        let (id, state) = (redrive.redrive_id.to_string(), redrive.state.clone());
        table.add_row([id, state, sent, succeeded, died, redrive.actor.clone(), redrive.reason.clone()]);
    }
    laid_out(&table)
}

/// Budgets of customers.
pub fn budgets(budgets: &[Budget]) -> String {
    let mut table = table(&["customer", "name", "budget", "spent", "%", "in the Azure portal"], &[2, 3, 4]);
    for budget in budgets {
        let amount = budget.amount.as_ref().map_or_else(String::new, |amount| format!("{amount} {}", budget.currency_code));
        let portal = match budget.azure_portal.task.as_str() {
            "open" => "to do".to_owned(),
            "done" => "done".to_owned(),
            _ => String::new(),
        };
        let name = text::printable(budget.company_name.as_deref().unwrap_or_default());
        let spending = &budget.spending;
        // a part is never shown as if it were all
        let spent = match (&spending.amount, spending.is_complete) {
            (Some(amount), true) => text::printable(amount),
            (Some(amount), false) => format!("{} (part)", text::printable(amount)),
            (None, _) => "not known".to_owned(),
        };
        let percent = spending.percent_used.as_deref().map(text::printable).unwrap_or_default();
        table.add_row([budget.customer_id.to_string(), name, amount, spent, percent, portal]);
    }
    laid_out(&table)
}

/// Deliveries of webhooks.
pub fn webhooks(deliveries: &[WebhookDelivery]) -> String {
    let mut table = table(&["delivery", "event", "happened", "state", "tries", "answer"], &[4]);
    for one in deliveries {
        let answer = one.last_error.clone().or_else(|| one.last_status.map(|status| format!("HTTP {status}"))).unwrap_or_default();
        let (happened, tries) = (text::moment(one.happened_at), one.attempts.to_string());
        table.add_row([one.id.to_string(), one.event.clone(), happened, one.state.clone(), tries, text::printable(&answer)]);
    }
    laid_out(&table)
}
