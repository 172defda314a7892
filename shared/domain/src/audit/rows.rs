//! Is what a history tells what the rows say?

use super::{
    dossier::TransitionPart,
    exchange::{EXCHANGED, Exchange},
};
use crate::step::{Action, Step};

/// What does not fit, with its place within the transition: the first of each kind.
pub fn faults(part: &TransitionPart) -> Vec<(String, String)> {
    let TransitionPart { history, lines, packets, plans, transition: row } = part;
    let mut found = Vec::new();
    let mut expect = |holds: bool, path: &str, text: String| {
        if !holds {
            found.push((path.to_owned(), text));
        }
    };
    expect(
        row.history as usize == history.len(),
        ".history",
        format!("the transition says that it has {} entries, and there are {}", row.history, history.len()),
    );
    expect(history.last().is_none_or(|last| last.state == row.state), ".transition.state", {
        let told = history.last().map_or("nothing", |last| last.state.name());
        format!("the transition is {}, and its history ends with {told}", row.state)
    });
    expect(row.state.is_end() == row.ended_at.is_some(), ".transition.endedAt", "a time of end stands beside an end alone".to_owned());
    let told_end = row.ended_at.is_none_or(|ended| history.iter().any(|entry| entry.at == ended && entry.state == row.state));
    expect(told_end, ".transition.endedAt", "the history does not tell of an end at that time".to_owned());
    let whole_lines = if row.lines == 0 { true } else { lines.len() == row.lines as usize };
    expect(whole_lines, ".lines", format!("the transition says that it has {} lines, and there are {}", row.lines, lines.len()));
    // where nobody has answered for one and an operator is needed, there is nothing of it yet
    let whole_plans = !row.state.is_end() || plans.len() >= row.plans as usize;
    expect(whole_plans, ".plans", format!("the transition says that it has {} plans, and there are {}", row.plans, plans.len()));
    let good = |step: Step, action: Action| -> u32 {
        packets.iter().filter(|packet| packet.step == step && packet.action == action).map(|packet| packet.good).sum()
    };
    let mapped = good(Step::Mapping, Action::Do).saturating_sub(good(Step::Mapping, Action::Undo));
    expect(row.mapped == mapped, ".transition.mapped", format!("{} are mapped, and the answers tell of {mapped}", row.mapped));
    let suspended = good(Step::Suspension, Action::Do);
    expect(
        row.suspended == suspended,
        ".transition.suspended",
        format!("{} are suspended, and the answers tell of {suspended}", row.suspended),
    );
    let told: Vec<u64> = history.iter().filter(|entry| entry.event == EXCHANGED).map(|entry| Exchange::read(&entry.text).answers).collect();
    let answers: u64 = told.iter().sum();
    // a history from before such entries were written tells of none
    expect(told.is_empty() || answers >= packets.len() as u64, ".packets", {
        format!("the history tells of {answers} answers, and there are {}", packets.len())
    });
    found
}
