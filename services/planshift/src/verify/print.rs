//! The report, for people and for programs.

use super::{Report, report::KEPT};
use crate::{
    exit::Failure,
    output::{self, json, text},
};
use serde::Serialize;
use std::fmt::Write as _;

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    statement: &'a str,
    checked: u64,
    violations: u64,
    found: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct Found<'a> {
    subject: &'a str,
    text: &'a str,
}

/// One JSON object a line, one for each invariant, with its first violations.
///
/// # Errors
/// Program: standard output cannot be written to.
pub fn for_programs(report: &Report) -> Result<(), Failure> {
    for row in report.rows() {
        let found = row.first.iter().map(|violation| Found { subject: &violation.subject, text: &violation.text }).collect();
        let (id, statement) = (row.invariant.id, row.invariant.statement);
        json::print_line(&Line { id, statement, checked: row.checked, violations: row.violations, found })?;
    }
    Ok(())
}

/// A row for each invariant, then the first violations in words.
///
/// # Errors
/// Program: standard output cannot be written to.
pub fn for_people(report: &Report) -> Result<(), Failure> {
    output::print(&in_words(report))
}

fn in_words(report: &Report) -> String {
    let rows = report.rows();
    let mut out = format!("{:<4} {:>10} {:>10}  {}\n", "id", "checked", "violations", "invariant");
    // writing to a string does not fail
    for row in &rows {
        let _ = writeln!(out, "{:<4} {:>10} {:>10}  {}", row.invariant.id, row.checked, row.violations, row.invariant.statement);
    }
    let all: u64 = rows.iter().map(|row| row.violations).sum();
    let count = |number: u64, noun| text::count(usize::try_from(number).unwrap_or(usize::MAX), noun);
    if all == 0 {
        let _ = writeln!(out, "\nno violation in {}", count(rows.iter().map(|row| row.checked).sum(), "check"));
        return out;
    }
    let _ = writeln!(out, "\n{}", count(all, "violation"));
    let told: Vec<_> = rows.iter().flat_map(|row| &row.first).take(KEPT).collect();
    for violation in &told {
        let _ = writeln!(out, "  {violation}");
    }
    let more = all - told.len() as u64;
    if more > 0 {
        let _ = writeln!(out, "  … and {more} more");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use planshift_invariants::{Checked, Violation};

    #[test]
    fn people_read_every_invariant_and_the_first_violations() {
        let report = Report::new();
        report.add(Checked { invariant: "I2", items: 7, violations: Vec::new() });
        assert!(in_words(&report).ends_with("\nno violation in 7 checks\n"));
        let violation = Violation { invariant: "I8", subject: "a".into(), text: "the reseller is another".into() };
        report.add(Checked { invariant: "I8", items: 30, violations: vec![violation; 25] });
        let words = in_words(&report);
        assert!(words.contains("I2            7          0  at each instant"), "{words}");
        assert!(words.contains("\n25 violations\n  I8: the reseller is another\n") && words.ends_with("  … and 5 more\n"), "{words}");
    }
}
