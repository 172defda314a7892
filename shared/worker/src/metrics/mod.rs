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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let metrics = Metrics::new();
        assert_eq!(metrics.text(), "", "what nobody has counted is not shown");
        let labels = [("step", "mapping"), ("action", "do"), ("evidence", "done")];
        metrics.add(EFFECTS, &labels, 2);
        metrics.clone().add(EFFECTS, &labels, 1);
        metrics.add(FENCE_HITS, &[("step", "mapping")], 0);
        metrics.set(QUEUE_READY, &[("queue", "planshift.dead")], 7.0);
        assert_eq!(
            metrics.text(),
            "# HELP planshift_effects_total Effects and their undos by evidence, each counted once however often it was commanded.\n\
             # TYPE planshift_effects_total counter\n\
             planshift_effects_total{action=\"do\",evidence=\"done\",step=\"mapping\"} 3\n\
             # HELP planshift_fence_hits_total Commands that came after their undo and had no effect.\n\
             # TYPE planshift_fence_hits_total counter\n\
             planshift_fence_hits_total{step=\"mapping\"} 0\n"
                .to_owned()
                + &metrics.text()[metrics.text().find("# HELP planshift_queue_ready").unwrap()..]
        );
        assert_eq!(metrics.get(EFFECTS, &labels), 3);
        assert!(metrics.text().ends_with("planshift_queue_ready{queue=\"planshift.dead\"} 7\n"), "{}", metrics.text());
        metrics.forget(QUEUE_READY, &[("queue", "planshift.dead")]);
        assert!(!metrics.text().contains("queue_ready"));
    }

    #[test]
    fn a_counter_that_is_kept_elsewhere_only_grows() {
        let (metrics, labels) = (Metrics::new(), [("service", "mapping"), ("connection", "consuming")]);
        for (to, says) in [(1, 1), (1, 1), (4, 4), (2, 4)] {
            metrics.raise(BROKER_CONNECTIONS, &labels, to);
            assert_eq!(metrics.get(BROKER_CONNECTIONS, &labels), says);
        }
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "which the catalogue does not know")]
    fn a_value_that_the_catalogue_does_not_know_is_found_in_tests() {
        Metrics::new().add(FENCE_HITS, &[("step", "somebody's input")], 1);
    }

    #[test]
    fn the_catalogue_keeps_to_prometheus_s_rules() {
        for described in CATALOGUE {
            let name = described.name;
            assert!(name.starts_with("planshift_"), "{name}");
            assert_eq!(name.ends_with("_total"), described.kind == Kind::Counter, "{name}: counters alone end so");
            assert!(described.labels.len() <= MOST_LABELS, "{name}");
            assert!(described.help.ends_with('.') && !described.help.contains(['\n', '|']), "{name}: one sentence or more, on one line");
            if let Kind::Histogram(buckets) = described.kind {
                assert!(buckets.is_sorted() && buckets.len() < 20, "{name}");
            }
            for label in described.labels {
                assert!(label.values.all().is_none_or(|values| !values.is_empty() && values.len() < 60), "{name}: {}", label.name);
            }
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_process_is_what_the_list_says() {
        let text = Metrics::new().of_this_process().of_this_process().text();
        for (name, kind, help) in OF_THE_PROCESS {
            assert!(text.contains(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n")), "{name} in {text}");
        }
        let of_it = text.lines().filter(|line| line.starts_with("process_")).count();
        assert_eq!(of_it, OF_THE_PROCESS.len(), "{text}");
    }
}
