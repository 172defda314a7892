//! How often sums were checked, and how often they did not agree.

use planshift_worker::metrics::{Metrics, SUM_CHECKS};

/// Counts them: so many that agree, and so many that do not.
pub(crate) fn count_sums(metrics: &Metrics, agreeing: usize, disagreeing: usize) {
    for (outcome, count) in [("agrees", agreeing), ("disagrees", disagreeing)] {
        metrics.add(SUM_CHECKS, &[("outcome", outcome)], count);
    }
}
