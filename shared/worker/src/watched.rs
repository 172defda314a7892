//! The invariants, watched by the services while they run: two series for each that a service sees, at 0 from its start.
//!
//! [`Metrics::check`] takes what a check of [`planshift_invariants`] has found. In a build with debug assertions, and so in tests, a
//! violation panics: the test that met it fails where it happened. Otherwise it is counted and logged as an error, and the service
//! goes on; an alert on `planshift_invariant_violations_total` says the rest.

use crate::{metrics::Metrics, run::HandleError};
use planshift_invariants::{CATALOGUE, Checked, Violation};
use planshift_storage::StorageError;
use std::{
    fmt::Write as _,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

/// What was looked at, by `invariant`.
pub const CHECKS: &str = "planshift_invariant_checks_total";
/// What must not be and was found, by `invariant`.
pub const VIOLATIONS: &str = "planshift_invariant_violations_total";

/// Unique indexes that stand for an invariant, by the names that each database gives them. Whoever meets one has tried to break it:
/// the locks that come before should not have let it get there.
const INDEXES: [(&str, &str); 4] = [
    ("transitions_live", "I10"),
    ("transitions.partner_id, transitions.customer_id", "I10"),
    ("one_active_bought_plan", "I7"),
    ("plans.partner_id, plans.customer_id, plans.reseller", "I7"),
];

/// The series of all invariants; those that nobody watches in this process are not shown.
#[derive(Debug)]
pub(crate) struct Watched {
    series: [Series; CATALOGUE.len()],
    panics: bool,
}

#[derive(Debug, Default)]
struct Series {
    is_shown: AtomicBool,
    checks: AtomicU64,
    violations: AtomicU64,
}

impl Default for Watched {
    fn default() -> Self {
        Self { series: Default::default(), panics: cfg!(debug_assertions) }
    }
}

impl Watched {
    pub(crate) fn counting() -> Self {
        Self { panics: false, ..Self::default() }
    }

    fn of(&self, invariant: &str) -> Option<&Series> {
        let place = CATALOGUE.iter().position(|known| known.id == invariant)?;
        self.series.get(place)
    }

    pub(crate) fn write_to(&self, text: &mut String) {
        type Count = fn(&Series) -> &AtomicU64;
        let both: [(&str, &str, Count); 2] = [
            (CHECKS, "How often an invariant was checked.", |series| &series.checks),
            (VIOLATIONS, "How often an invariant was found violated: an alert for anything but 0.", |series| &series.violations),
        ];
        let shown: Vec<_> = CATALOGUE.iter().zip(&self.series).filter(|(_, series)| series.is_shown.load(Ordering::Relaxed)).collect();
        for (name, help, count) in both.into_iter().filter(|_| !shown.is_empty()) {
            // writing to a String cannot fail
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter");
            for (invariant, series) in &shown {
                let _ = writeln!(text, "{name}{{invariant=\"{}\"}} {}", invariant.id, count(series).load(Ordering::Relaxed));
            }
        }
    }
}

impl Metrics {
    /// Shows these invariants from now on, at 0.
    pub fn watch(&self, invariants: &[&str]) {
        for series in invariants.iter().filter_map(|invariant| self.watched.of(invariant)) {
            series.is_shown.store(true, Ordering::Relaxed);
        }
    }

    /// Counts what a check has found.
    ///
    /// # Panics
    /// With debug assertions, where something was violated, unless these metrics are only [counting](Metrics::counting).
    pub fn check(&self, checked: &Checked) {
        self.count(checked);
        if let Some(violation) = checked.violations.first() {
            assert!(!self.watched.panics, "{violation}");
        }
    }

    /// Counts what was found elsewhere, and told of there.
    pub fn found(&self, invariant: &str, checks: u64, violations: u64) {
        if let Some(series) = self.watched.of(invariant) {
            series.is_shown.store(true, Ordering::Relaxed);
            series.checks.fetch_add(checks, Ordering::Relaxed);
            series.violations.fetch_add(violations, Ordering::Relaxed);
        }
    }

    fn count(&self, checked: &Checked) {
        self.found(checked.invariant, checked.items, checked.violations.len() as u64);
        for violation in &checked.violations {
            tracing::error!(invariant = violation.invariant, subject = violation.subject, "violated: {}", violation.text);
        }
    }

    /// How often an invariant was checked, and found violated.
    pub fn watched(&self, invariant: &str) -> (u64, u64) {
        self.watched
            .of(invariant)
            .map_or((0, 0), |series| (series.checks.load(Ordering::Relaxed), series.violations.load(Ordering::Relaxed)))
    }

    /// What was found violated so far, with how often.
    pub fn violated(&self) -> Vec<(&'static str, u64)> {
        let counts =
            CATALOGUE.iter().zip(&self.watched.series).map(|(invariant, series)| (invariant.id, series.violations.load(Ordering::Relaxed)));
        counts.filter(|(_, count)| *count > 0).collect()
    }
}

/// Counts a violation that was refused where it would have happened: nothing came of it, and so it is no reason to panic.
pub fn refused(metrics: &Metrics, error: &HandleError) {
    let (invariant, text) = match error {
        HandleError::Violated { invariant, why } => (*invariant, why),
        HandleError::Storage(StorageError::Constraint { constraint, message }) => match INDEXES.iter().find(|(name, _)| name == constraint)
        {
            Some((_, invariant)) => (*invariant, message),
            None => return,
        },
        _ => return,
    };
    let violation = Violation { invariant, subject: "refused".to_owned(), text: text.clone() };
    metrics.count(&Checked { invariant, items: 1, violations: vec![violation] });
}

#[cfg(test)]
mod tests {
    use super::*;
    use planshift_invariants::checks;
    use planshift_invariants::data::Id;

    fn broken() -> Checked {
        checks::one_live_transition(Id(1), &[Id(2), Id(3)])
    }

    #[test]
    fn what_is_watched_is_there_from_the_start() {
        let metrics = Metrics::counting();
        assert_eq!(metrics.text(), "");
        metrics.watch(&["I10", "S1"]);
        metrics.clone().check(&checks::one_live_transition(Id(1), &[]));
        metrics.check(&broken());
        let text = metrics.text();
        for line in [
            "# TYPE planshift_invariant_checks_total counter",
            "planshift_invariant_checks_total{invariant=\"I10\"} 2",
            "planshift_invariant_checks_total{invariant=\"S1\"} 0",
            "planshift_invariant_violations_total{invariant=\"I10\"} 1",
            "planshift_invariant_violations_total{invariant=\"S1\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        assert_eq!((metrics.watched("I10"), metrics.violated()), ((2, 1), vec![("I10", 1)]));
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "I10: the customer")]
    fn a_violation_panics_in_tests() {
        Metrics::new().check(&broken());
    }

    #[test]
    fn what_was_refused_is_counted_and_nobody_panics() {
        let metrics = Metrics::new();
        let constraint = |constraint: &str| {
            HandleError::Storage(StorageError::Constraint { constraint: constraint.to_owned(), message: "no".to_owned() })
        };
        for (index, invariant) in INDEXES {
            let before = metrics.watched(invariant).1;
            refused(&metrics, &constraint(index));
            assert_eq!(metrics.watched(invariant).1, before + 1, "{index}");
        }
        refused(&metrics, &HandleError::Violated { invariant: "I14", why: "no such move".to_owned() });
        refused(&metrics, &constraint("something_else"));
        refused(&metrics, &HandleError::Faulty("x".to_owned()));
        assert_eq!(metrics.violated(), [("I7", 2), ("I10", 2), ("I14", 1)]);
    }
}
