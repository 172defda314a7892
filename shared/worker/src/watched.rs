//! The invariants, watched by the services while they run: two series for each that a service sees, at 0 from its start.
//!
//! [`Metrics::check`] takes what a check of [`planshift_invariants`] has found. In a build with debug assertions, and so in tests, a
//! violation panics: the test that met it fails where it happened. Otherwise it is counted and logged as an error, and the service
//! goes on; an alert on `planshift_invariant_violations_total` says the rest.

use crate::{
    metrics::{INVARIANT_CHECKS, INVARIANT_VIOLATIONS, Metrics},
    run::HandleError,
};
use planshift_invariants::{CATALOGUE, Checked, Violation};
use planshift_storage::StorageError;
use prometheus::IntCounter;
use std::sync::OnceLock;

/// Unique indexes that stand for an invariant, by the names that each database gives them. Whoever meets one has tried to break it:
/// the locks that come before should not have let it get there.
const INDEXES: [(&str, &str); 4] = [
    ("transitions_live", "I10"),
    ("transitions.partner_id, transitions.customer_id", "I10"),
    ("one_active_bought_plan", "I7"),
    ("plans.partner_id, plans.customer_id, plans.reseller", "I7"),
];

/// The series of all invariants, kept at hand: a check counts for each item. Those that nobody watches in this process are not shown.
pub(crate) struct Watched {
    series: [OnceLock<Series>; CATALOGUE.len()],
    panics: bool,
}

struct Series {
    checks: IntCounter,
    violations: IntCounter,
}

impl Watched {
    /// `panics`: where something is violated.
    pub(crate) fn new(panics: bool) -> Self {
        Self { series: [const { OnceLock::new() }; CATALOGUE.len()], panics }
    }
}

impl Metrics {
    /// Shows these invariants from now on, at 0.
    pub fn watch(&self, invariants: &[&str]) {
        for invariant in invariants {
            self.found(invariant, 0, 0);
        }
    }

    fn series_of(&self, invariant: &str) -> Option<&Series> {
        let place = CATALOGUE.iter().position(|known| known.id == invariant)?;
        let labels = [("invariant", CATALOGUE[place].id)];
        let made = || Series { checks: self.counter(INVARIANT_CHECKS, &labels), violations: self.counter(INVARIANT_VIOLATIONS, &labels) };
        Some(self.invariants().series.get(place)?.get_or_init(made))
    }

    /// Counts what a check has found.
    ///
    /// # Panics
    /// With debug assertions, where something was violated, unless these metrics are only [counting](Metrics::counting).
    pub fn check(&self, checked: &Checked) {
        self.count(checked);
        if let Some(violation) = checked.violations.first() {
            assert!(!self.invariants().panics, "{violation}");
        }
    }

    /// Counts what was found elsewhere, and told of there.
    pub fn found(&self, invariant: &str, checks: u64, violations: u64) {
        if let Some(series) = self.series_of(invariant) {
            series.checks.inc_by(checks);
            series.violations.inc_by(violations);
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
        let place = CATALOGUE.iter().position(|known| known.id == invariant);
        let series = place.and_then(|place| self.invariants().series.get(place)).and_then(OnceLock::get);
        series.map_or((0, 0), |series| (series.checks.get(), series.violations.get()))
    }

    /// What was found violated so far, with how often.
    pub fn violated(&self) -> Vec<(&'static str, u64)> {
        let counts = CATALOGUE
            .iter()
            .zip(&self.invariants().series)
            .map(|(invariant, series)| (invariant.id, series.get().map_or(0, |series| series.violations.get())));
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
