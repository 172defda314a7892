//! Tables of transitions, aligned, at most as wide as the terminal.

use super::{style::To, text};
use crate::client::Summary;
use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use planshift_domain::{ids::CustomerId, view::TransitionView};
use std::collections::BTreeMap;

/// The names of customers, as far as they are known.
pub type Names = BTreeMap<CustomerId, String>;

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
    table.set_width(To::Out.width());
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

/// What a run came to: a row for each customer.
pub fn outcomes(views: &[TransitionView], names: &Names) -> String {
    let mut table = table(&["customer", "state", "plans", "subscr.", "why"], &[2, 3]);
    for view in views {
        let name = names.get(&view.customer_id).map(|name| format!("{name}\n")).unwrap_or_default();
        table.add_row(vec![
            Cell::new(format!("{name}{}", view.customer_id)),
            Cell::new(if view.adopted { format!("{}\n(adopted)", view.state) } else { view.state.to_string() }),
            Cell::new(view.plans.len()),
            Cell::new(view.lines.len()),
            Cell::new(why(view)),
        ]);
    }
    laid_out(&table)
}

/// Why it did not complete, in a few words.
fn why(view: &TransitionView) -> String {
    if let Some(failure) = &view.failure {
        return format!("{} in {}", failure.code, failure.step);
    }
    let mut codes: Vec<String> = Vec::new();
    for reason in &view.reasons {
        if !codes.contains(&reason.code) {
            codes.push(reason.code.clone());
        }
    }
    if codes.len() > REASONS_SHOWN {
        let more = codes.len() - REASONS_SHOWN;
        codes.truncate(REASONS_SHOWN);
        codes.push(format!("and {more} more"));
    }
    codes.join("\n")
}

/// A list of transitions.
pub fn list(items: &[Summary]) -> String {
    let mut table = table(&["transition", "customer", "state", "lines", "started"], &[3]);
    for item in items {
        table.add_row(vec![
            Cell::new(item.transition_id),
            Cell::new(item.customer_id),
            Cell::new(item.state),
            Cell::new(item.lines),
            Cell::new(text::moment(item.started_at)),
        ]);
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
