//! What was found: for each invariant how much was looked at, how much must not be, and the first of it in words.

use planshift_invariants::{CATALOGUE, Checked, Invariant, Place, Violation};
use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

/// How many violations of an invariant are kept in words.
pub const KEPT: usize = 20;

/// An invariant's row.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which.
    pub invariant: &'static Invariant,
    /// How many items were looked at.
    pub checked: u64,
    /// How many violations there are.
    pub violations: u64,
    /// The first 20 of them.
    pub first: Vec<Violation>,
}

/// All rows, in the catalogue's order.
#[derive(Clone, Debug)]
pub struct Report {
    rows: Vec<Row>,
    /// What was found, by invariant and subject: all that a second pass needs to know of the first.
    found: HashSet<u64>,
    /// Where this is a second pass: what the first has found.
    before: Option<HashSet<u64>>,
}

impl Report {
    /// Nothing looked at yet.
    pub(super) fn new() -> Self {
        let rows = CATALOGUE.iter().filter(|invariant| invariant.is_checked_in(Place::Verify));
        let rows = rows.map(|invariant| Row { invariant, checked: 0, violations: 0, first: Vec::new() }).collect();
        Self { rows, found: HashSet::new(), before: None }
    }

    /// For a second pass, in which only what was found before counts.
    pub(super) fn into_unconfirmed(self) -> Self {
        Self { before: Some(self.found), ..Self::new() }
    }

    /// Takes in what a check has found.
    pub(super) fn add(&mut self, checked: Checked) {
        // every id that a check gives stands in the catalogue; the tests hold that
        let Some(row) = self.rows.iter_mut().find(|row| row.invariant.id == checked.invariant) else { return };
        row.checked += checked.items;
        for violation in checked.violations {
            let key = key(&violation);
            if self.before.as_ref().is_some_and(|before| !before.contains(&key)) {
                continue;
            }
            self.found.insert(key);
            row.violations += 1;
            if row.first.len() < KEPT {
                row.first.push(violation);
            }
        }
    }

    /// Every invariant that was checked, in order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Nothing was found that must not be.
    pub fn is_clean(&self) -> bool {
        self.rows.iter().all(|row| row.violations == 0)
    }
}

fn key(violation: &Violation) -> u64 {
    let mut hasher = DefaultHasher::new();
    (violation.invariant, &violation.subject).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(subject: &str, text: &str) -> Checked {
        let violation = Violation { invariant: "I3", subject: subject.into(), text: text.into() };
        Checked { invariant: "I3", items: 1, violations: vec![violation] }
    }

    #[test]
    fn a_second_pass_counts_what_both_have_found() {
        let mut first = Report::new();
        first.add(found("a", "x"));
        first.add(found("b", "x"));
        assert!(!first.is_clean());
        let mut second = first.into_unconfirmed();
        second.add(found("b", "in other words"));
        second.add(found("c", "x"));
        let row = second.rows().iter().find(|row| row.invariant.id == "I3").unwrap();
        assert_eq!((row.checked, row.violations, row.first[0].subject.as_str()), (2, 1, "b"));
    }

    #[test]
    fn only_the_first_are_kept_in_words() {
        let mut report = Report::new();
        (0..30).for_each(|n| report.add(found(&n.to_string(), "x")));
        let row = report.rows().iter().find(|row| row.invariant.id == "I3").unwrap();
        assert_eq!((row.violations, row.first.len()), (30, KEPT));
    }
}
