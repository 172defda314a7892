//! How long answers take, one request at a time or at a given pace.

use super::figures::rounded;
use serde::Serialize;
use std::time::Duration;

/// How long a number of answers took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Times {
    /// How many.
    pub requests: usize,
    /// The median.
    pub p50_ms: f64,
    /// Of a hundred, one took longer.
    pub p99_ms: f64,
    /// The longest.
    pub most_ms: f64,
}

impl Times {
    /// Of these, in any order.
    pub fn of(mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        let last = took.len().saturating_sub(1);
        let at = |share: f64| took.get((last as f64 * share) as usize).map_or(0.0, |took| rounded(took.as_secs_f64() * 1e3));
        Self { requests: took.len(), p50_ms: at(0.5), p99_ms: at(0.99), most_ms: at(1.0) }
    }

    /// As a cell of a table.
    pub fn told(&self) -> String {
        format!("**{:.1}** ({:.1}, {:.1})", self.p50_ms, self.p99_ms, self.most_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_end_are_found_in_any_order() {
        let times = Times::of((1..=100).rev().map(Duration::from_millis).collect());
        assert_eq!(times, Times { requests: 100, p50_ms: 50.0, p99_ms: 99.0, most_ms: 100.0 });
        assert_eq!(Times::of(Vec::new()), Times::default());
    }
}
