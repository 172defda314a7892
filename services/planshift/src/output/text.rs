//! Small texts: counts, times, one transition in a line.

use crate::client::Progress;
use planshift_domain::{step::Step, time::Timestamp, transition::State, view::TransitionView};

/// A count with its noun: `1 plan`, `2 plans`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// An instant for people: to the second.
pub fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z").replace('T', " "),
        None => text.replace('T', " "),
    }
}

/// A length of time for people, in its two largest units: `2h 1m`.
pub fn span(seconds: u64) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let first = units.iter().position(|(_, length)| seconds >= *length).unwrap_or(units.len() - 1);
    let mut left = seconds;
    let parts = units[first..].iter().take(2).map(|(unit, length)| {
        let count = left / length;
        left %= length;
        (count, unit)
    });
    let parts: Vec<String> = parts
        .enumerate()
        .filter(|(index, (count, _))| *index == 0 || *count > 0)
        .map(|(_, (count, unit))| format!("{count}{unit}"))
        .collect();
    parts.join(" ")
}

/// Without what would steer a terminal: anybody may have written it.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// A text broken at spaces so that no line is longer than `width`; the first line begins at the column `indent`, where the
/// others are indented to.
pub fn wrapped(text: &str, width: usize, indent: usize) -> String {
    let mut out = String::new();
    let mut column = indent;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > indent {
            if column + 1 + length > width {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent));
                column = indent;
            } else {
                out.push(' ');
                column += 1;
            }
        }
        out.push_str(word);
        column += length;
    }
    out
}

/// How far a transition is, in a few words.
pub fn how_far(progress: &Progress) -> String {
    let (lines, mapped, suspended) = (progress.lines, progress.mapped, progress.suspended);
    match progress.state.step() {
        Some(Step::Mapping) => format!("{mapped} of {lines} mapped"),
        Some(Step::Suspension) => format!("{suspended} of {lines} suspended"),
        _ => String::new(),
    }
}

/// What a transition came to, in a line without the customer's name.
pub fn outcome(view: &TransitionView) -> String {
    let (lines, plans) = (count(view.lines.len(), "subscription"), count(view.plans.len(), "plan"));
    let adopted = if view.adopted { ", adopted" } else { "" };
    let rest = match view.state {
        State::Completed => format!("{lines} under {plans}"),
        State::Ineligible => view.reasons.iter().map(|reason| reason.code.as_str()).collect::<Vec<_>>().join(", "),
        _ => view.failure.as_ref().map_or_else(String::new, |failure| format!("{} in {}", failure.code, failure.step)),
    };
    format!("{}{adopted}: {rest}", view.state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_for_people() {
        assert_eq!(count(1, "plan"), "1 plan");
        assert_eq!(count(0, "plan"), "0 plans");
        assert_eq!(wrapped("one two three four", 11, 2), "one two\n  three\n  four");
        assert_eq!(wrapped("a-very-long-word", 5, 2), "a-very-long-word");
        assert_eq!(moment("2026-11-22T15:12:00.5Z".parse().unwrap()), "2026-11-22 15:12:00Z");
        assert_eq!(moment("2026-11-22T15:12:00Z".parse().unwrap()), "2026-11-22 15:12:00Z");
    }

    #[test]
    fn a_span_has_its_two_largest_units() {
        for (seconds, text) in [(0, "0s"), (59, "59s"), (60, "1m"), (7_260, "2h 1m"), (3_601, "1h"), (90_000, "1d 1h")] {
            assert_eq!(span(seconds), text);
        }
    }
}
