//! What was found: for each invariant how much was looked at, how much must not be, and the first of it in words.

use planshift_invariants::{CATALOGUE, Checked, Invariant, Place, Violation};
use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How many violations of an invariant are kept in words.
pub const KEPT: usize = 20;
/// How many of a first pass's findings the second one can confirm, so that memory does not grow with the damage. Where there are
/// more, the second pass counts these.
const REMEMBERED: usize = 100_000;

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

/// What was found, in the catalogue's order. Several parts of a pass add to it at the same time.
#[derive(Debug)]
pub struct Report {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    rows: Vec<Row>,
    /// What was found, by invariant and subject: all that a second pass needs to know of the first.
    found: HashSet<u64>,
    /// Where this is a second pass: what the first has found.
    before: Option<HashSet<u64>>,
}

impl Report {
    /// Nothing looked at yet.
    pub(super) fn new() -> Self {
        Self::after(None)
    }

    fn after(before: Option<HashSet<u64>>) -> Self {
        let rows = CATALOGUE.iter().filter(|invariant| invariant.is_checked_in(Place::Verify));
        let rows = rows.map(|invariant| Row { invariant, checked: 0, violations: 0, first: Vec::new() }).collect();
        Self { inner: Mutex::new(Inner { rows, found: HashSet::new(), before }) }
    }

    /// For a second pass, in which only what was found before counts.
    pub(super) fn into_unconfirmed(self) -> Self {
        let inner = self.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        Self::after(Some(inner.found))
    }

    /// Takes in what a check has found.
    pub(super) fn add(&self, checked: Checked) {
        let mut inner = self.lock();
        let Inner { rows, found, before } = &mut *inner;
        // every id that a check gives stands in the catalogue; the tests hold that
        let Some(row) = rows.iter_mut().find(|row| row.invariant.id == checked.invariant) else { return };
        row.checked += checked.items;
        for violation in checked.violations {
            let key = key(&violation);
            if before.as_ref().is_some_and(|before| !before.contains(&key)) {
                continue;
            }
            if found.len() < REMEMBERED {
                found.insert(key);
            }
            row.violations += 1;
            if row.first.len() < KEPT {
                row.first.push(violation);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // a panic while adding leaves whole rows behind
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every invariant that was checked, in order.
    pub fn rows(&self) -> Vec<Row> {
        self.lock().rows.clone()
    }

    /// Nothing was found that must not be.
    pub fn is_clean(&self) -> bool {
        self.lock().rows.iter().all(|row| row.violations == 0)
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
        let first = Report::new();
        first.add(found("a", "x"));
        first.add(found("b", "x"));
        assert!(!first.is_clean());
        let second = first.into_unconfirmed();
        second.add(found("b", "in other words"));
        second.add(found("c", "x"));
        let rows = second.rows();
        let row = rows.iter().find(|row| row.invariant.id == "I3").unwrap();
        assert_eq!((row.checked, row.violations, row.first[0].subject.as_str()), (2, 1, "b"));
    }

    #[test]
    fn a_second_pass_remembers_no_more_than_it_may() {
        let first = Report::new();
        (0..REMEMBERED + 10).for_each(|n| first.add(found(&n.to_string(), "x")));
        let violations = |report: &Report| report.rows().iter().map(|row| row.violations).sum::<u64>();
        assert_eq!(violations(&first), REMEMBERED as u64 + 10);
        let second = first.into_unconfirmed();
        (0..REMEMBERED + 10).for_each(|n| second.add(found(&n.to_string(), "x")));
        assert_eq!(violations(&second), REMEMBERED as u64);
    }

    #[test]
    fn only_the_first_are_kept_in_words() {
        let report = Report::new();
        (0..30).for_each(|n| report.add(found(&n.to_string(), "x")));
        let rows = report.rows();
        let row = rows.iter().find(|row| row.invariant.id == "I3").unwrap();
        assert_eq!((row.violations, row.first.len()), (30, KEPT));
    }
}
