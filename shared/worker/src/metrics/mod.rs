//! What is counted and measured, as Prometheus reads it.
//!
//! | file | holds |
//! |---|---|
//! | [`catalogue`] | every metric there is: its name, labels, meaning, and who shows it |
//! | [`described`] | what is said of a metric |
//! | `counted` | a handler whose batches and messages are counted |
//! | `measured` | a broker whose sendings are measured |
//! | `seen` | what is looked at when somebody reads `/metrics` |
//!
//! Only what is in the catalogue can be counted. The series themselves, histograms and the text format are the library's
//! (`prometheus`): a look-up of a series takes a shared lock and allocates nothing, counting is an atomic addition. Labels are bounded,
//! which a build with debug assertions holds everybody to.

pub mod catalogue;
mod counted;
pub mod described;
mod measured;
mod seen;
#[cfg(test)]
mod tests;

pub use catalogue::*;
pub use counted::Counted;
pub use described::{Counter, Gauge, Histogram};
pub use measured::MeasuredBroker;

use crate::watched::Watched;
use described::{Described, Kind};
use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, TextEncoder, process_collector::ProcessCollector,
};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// How a message is counted whose type nobody here knows: one label, however many names a sender makes up.
pub const UNKNOWN_TYPE: &str = "unknown";
/// As many labels as a metric has at most.
const MOST_LABELS: usize = 4;

/// A label and what it says.
pub type Labelled<'a> = (&'static str, &'a str);

/// The metrics of a process. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Registry,
    /// In the order of the catalogue.
    series: Vec<Series>,
    watched: Watched,
    /// Held while a counter is brought to what is kept elsewhere.
    raising: Mutex<()>,
}

enum Series {
    Counter(IntCounterVec),
    Gauge(GaugeVec),
    Histogram(HistogramVec),
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// All at zero. In a build with debug assertions an invariant that is violated panics.
    pub fn new() -> Self {
        Self::watched_by(Watched::new(cfg!(debug_assertions)))
    }

    /// All at zero. An invariant that is violated is counted and logged, in any build: for those who look for violations, or plant
    /// them.
    pub fn counting() -> Self {
        Self::watched_by(Watched::new(false))
    }

    fn watched_by(watched: Watched) -> Self {
        let registry = Registry::new();
        let series = CATALOGUE.iter().map(|described| Series::new(described, &registry)).collect();
        Self { inner: Arc::new(Inner { registry, series, watched, raising: Mutex::new(()) }) }
    }

    /// Shows from now on what this process is: its version, its processor time, its memory.
    #[must_use]
    pub fn of_this_process(self) -> Self {
        self.set(BUILD_INFO, &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
        // a second one in the same registry shows nothing new
        let _ = self.inner.registry.register(Box::new(ProcessCollector::for_self()));
        self
    }

    /// Adds to a counter. Adding nothing makes the series appear with 0.
    pub fn add(&self, counter: Counter, labels: &[Labelled<'_>], count: usize) {
        self.counter(counter, labels).inc_by(count as u64);
    }

    /// Brings a counter that is kept elsewhere to what is said there; it never sinks.
    pub fn raise(&self, counter: Counter, labels: &[Labelled<'_>], to: u64) {
        let counter = self.counter(counter, labels);
        let _one_at_a_time = self.inner.raising.lock().unwrap_or_else(PoisonError::into_inner);
        counter.inc_by(to.saturating_sub(counter.get()));
    }

    /// What a counter says; 0 where nothing was counted.
    pub fn get(&self, counter: Counter, labels: &[Labelled<'_>]) -> u64 {
        self.counter(counter, labels).get()
    }

    /// Sets a gauge.
    pub fn set(&self, gauge: Gauge, labels: &[Labelled<'_>], value: f64) {
        self.gauge(gauge, labels).set(value);
    }

    /// Adds to a gauge; a negative number takes away.
    pub fn change(&self, gauge: Gauge, labels: &[Labelled<'_>], by: f64) {
        self.gauge(gauge, labels).add(by);
    }

    /// Shows a gauge no more, until it is set again: nobody knows what it is now.
    pub fn forget(&self, gauge: Gauge, labels: &[Labelled<'_>]) {
        if let (Some(Series::Gauge(family)), Some(described)) = (self.inner.series.get(gauge.0), CATALOGUE.get(gauge.0)) {
            // one that is not shown need not be forgotten
            let _ = with_values(described, labels, |values| family.remove_label_values(values));
        }
    }

    /// Says how large something was that was measured.
    pub fn observe(&self, histogram: Histogram, labels: &[Labelled<'_>], value: f64) {
        self.histogram(histogram, labels).observe(value);
    }

    /// A histogram's series, to be kept by those who observe often.
    pub(crate) fn histogram(&self, histogram: Histogram, labels: &[Labelled<'_>]) -> prometheus::Histogram {
        match (self.inner.series.get(histogram.0), CATALOGUE.get(histogram.0)) {
            (Some(Series::Histogram(family)), Some(described)) => with_values(described, labels, |values| family.with_label_values(values)),
            _ => unreachable!("a histogram of the catalogue has its place in it"),
        }
    }

    /// A counter's series, to be kept by those who count often.
    pub(crate) fn counter(&self, counter: Counter, labels: &[Labelled<'_>]) -> IntCounter {
        match (self.inner.series.get(counter.0), CATALOGUE.get(counter.0)) {
            (Some(Series::Counter(family)), Some(described)) => with_values(described, labels, |values| family.with_label_values(values)),
            _ => unreachable!("a counter of the catalogue has its place in it"),
        }
    }

    fn gauge(&self, gauge: Gauge, labels: &[Labelled<'_>]) -> prometheus::Gauge {
        match (self.inner.series.get(gauge.0), CATALOGUE.get(gauge.0)) {
            (Some(Series::Gauge(family)), Some(described)) => with_values(described, labels, |values| family.with_label_values(values)),
            _ => unreachable!("a gauge of the catalogue has its place in it"),
        }
    }

    pub(crate) fn invariants(&self) -> &Watched {
        &self.inner.watched
    }

    /// Everything in Prometheus's text format, version 0.0.4.
    pub fn text(&self) -> String {
        // what is gathered are families of the catalogue, whose names are checked
        TextEncoder::new().encode_to_string(&self.inner.registry.gather()).unwrap_or_default()
    }
}

impl Series {
    /// # Panics
    /// Where the catalogue has a name twice, or one that is none: the first test that counts anything finds it.
    fn new(described: &Described, registry: &Registry) -> Self {
        const CHECKED: &str = "the catalogue holds names that Prometheus takes, each once";
        let labels: Vec<&str> = described.labels.iter().map(|label| label.name).collect();
        match described.kind {
            Kind::Counter => {
                let family = IntCounterVec::new(Opts::new(described.name, described.help), &labels).expect(CHECKED);
                registry.register(Box::new(family.clone())).expect(CHECKED);
                Self::Counter(family)
            }
            Kind::Gauge => {
                let family = GaugeVec::new(Opts::new(described.name, described.help), &labels).expect(CHECKED);
                registry.register(Box::new(family.clone())).expect(CHECKED);
                Self::Gauge(family)
            }
            Kind::Histogram(buckets) => {
                let options = HistogramOpts::new(described.name, described.help).buckets(buckets.to_vec());
                let family = HistogramVec::new(options, &labels).expect(CHECKED);
                registry.register(Box::new(family.clone())).expect(CHECKED);
                Self::Histogram(family)
            }
        }
    }
}

/// Calls with the labels' values in the catalogue's order, without allocating. A label that is left out is empty.
fn with_values<R>(described: &Described, labels: &[Labelled<'_>], call: impl FnOnce(&[&str]) -> R) -> R {
    let mut values = [""; MOST_LABELS];
    for (value, label) in values.iter_mut().zip(described.labels) {
        let given = labels.iter().find(|(name, _)| *name == label.name).map(|(_, given)| *given);
        debug_assert!(
            given.is_some_and(|given| label.values.allow(given)),
            "{}: {} says {given:?}, which the catalogue does not know",
            described.name,
            label.name
        );
        *value = given.unwrap_or_default();
    }
    debug_assert_eq!(labels.len(), described.labels.len(), "{} has other labels", described.name);
    call(values.get(..described.labels.len()).unwrap_or_default())
}
