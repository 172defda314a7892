//! Counters and gauges, as Prometheus reads them; and the counting of what every service's loop does.
//!
//! Names and labels are one table here. Labels are bounded: a type that is not known is counted as `unknown`. The invariants have
//! series of their own: [`crate::watched`].

use crate::{
    codec, provisioner,
    run::{End, HandleError, Handled, Handler},
    watched::{self, Watched},
};
use async_trait::async_trait;
use planshift_messaging::{Delivery, Outgoing, Service};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

/// Messages by `service`, `type` and `outcome`: `done`, `retry`, `later` (it waits for somebody outside), `dead`.
pub const MESSAGES: &str = "planshift_messages_total";
/// Batches by `service` and `outcome`: `done`, `failed`.
pub const BATCHES: &str = "planshift_batches_total";
/// Messages that were given up, by `service` and `type`: their attempts are used up.
pub const GIVEN_UP: &str = "planshift_given_up_total";
/// Effects by `step`, `action` and `evidence`: each one exactly once, however often it was commanded.
pub const EFFECTS: &str = "planshift_effects_total";
/// Commands that came after their undo, by `step`.
pub const FENCE_HITS: &str = "planshift_fence_hits_total";
/// Commands and undos that were done before and got the same answer again, by `step` and `action`.
pub const REPEATED: &str = "planshift_repeated_total";
/// Facts by `service` and `outcome`: `taken`, `stale` (older than what is there, or there already).
pub const FACTS: &str = "planshift_facts_total";
/// Writes that met a version that had changed since it was read, by `step`.
pub const STALE_WRITES: &str = "planshift_stale_writes_total";
/// Requests of the API that were refused before anything else of them was looked at, by `status` (401, 429) and `reason`.
pub const REFUSED_REQUESTS: &str = "planshift_http_refused_total";
/// Passes of `planshift verify` that stays, by `outcome`: `clean`, `violated`, `failed`.
pub const VERIFY_PASSES: &str = "planshift_verify_passes_total";
/// What the last whole pass has looked at, by `invariant`.
pub const VERIFY_CHECKED: &str = "planshift_verify_checked";
/// What the last whole pass has found, by `invariant`.
pub const VERIFY_VIOLATIONS: &str = "planshift_verify_violations";
/// When the last whole pass ended, in seconds since 1970.
pub const VERIFY_LAST_PASS: &str = "planshift_verify_last_pass_timestamp_seconds";
/// How long the last whole pass took, in seconds.
pub const VERIFY_DURATION: &str = "planshift_verify_last_pass_duration_seconds";
/// Attempts to deliver a webhook by `outcome`: `delivered`, `failed` (again later), `dead` (the last one failed).
pub const WEBHOOKS: &str = "planshift_webhook_attempts_total";

const HELP: [(&str, &str); 15] = [
    (BATCHES, "Batches by outcome."),
    (EFFECTS, "Effects and their undos by evidence, each counted once."),
    (FACTS, "Parts of customers' facts that were taken, or were stale."),
    (FENCE_HITS, "Commands that came after their undo and were refused."),
    (GIVEN_UP, "Messages whose attempts are used up."),
    (MESSAGES, "Messages handled by type and outcome."),
    (REFUSED_REQUESTS, "Requests of the API that were refused for their token, or for the pace of their partner."),
    (REPEATED, "Commands and undos that were recognised as done before."),
    (STALE_WRITES, "Optimistic writes that met a changed version and were read again."),
    (VERIFY_CHECKED, "What the last whole pass over what is stored has looked at."),
    (VERIFY_DURATION, "How long the last whole pass over what is stored took."),
    (VERIFY_LAST_PASS, "When the last whole pass over what is stored ended."),
    (VERIFY_PASSES, "Passes over what is stored by outcome."),
    (VERIFY_VIOLATIONS, "Violations that the last whole pass over what is stored has found."),
    (WEBHOOKS, "Attempts to deliver a webhook by outcome."),
];

type Labels = Vec<(&'static str, String)>;
type Series<T> = Arc<Mutex<BTreeMap<(&'static str, Labels), T>>>;

/// The counters of a process. Cheap to clone; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    series: Series<u64>,
    gauges: Series<f64>,
    pub(crate) watched: Arc<Watched>,
}

impl Metrics {
    /// All at zero. In a build with debug assertions an invariant that is violated panics.
    pub fn new() -> Self {
        Self::default()
    }

    /// All at zero. An invariant that is violated is counted and logged, in any build: for those who look for violations, or plant
    /// them.
    pub fn counting() -> Self {
        Self { watched: Arc::new(Watched::counting()), ..Self::default() }
    }

    /// Adds to a counter. Adding nothing makes the series appear with 0.
    pub fn add(&self, name: &'static str, labels: &[(&'static str, &str)], count: usize) {
        let labels = labels.iter().map(|(label, value)| (*label, (*value).to_owned())).collect();
        *self.lock().entry((name, labels)).or_default() += count as u64;
    }

    /// What a counter says; 0 where nothing was counted.
    pub fn get(&self, name: &'static str, labels: &[(&'static str, &str)]) -> u64 {
        let labels: Labels = labels.iter().map(|(label, value)| (*label, (*value).to_owned())).collect();
        self.lock().get(&(name, labels)).copied().unwrap_or_default()
    }

    /// Sets a gauge.
    pub fn set(&self, name: &'static str, labels: &[(&'static str, &str)], value: f64) {
        let labels = labels.iter().map(|(label, value)| (*label, (*value).to_owned())).collect();
        self.gauges.lock().unwrap_or_else(PoisonError::into_inner).insert((name, labels), value);
    }

    /// Everything in Prometheus's text format, version 0.0.4.
    pub fn text(&self) -> String {
        let mut text = in_text(&self.lock(), "counter");
        self.watched.write_to(&mut text);
        text.push_str(&in_text(&self.gauges.lock().unwrap_or_else(PoisonError::into_inner), "gauge"));
        text
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(&'static str, Labels), u64>> {
        // a panic while counting leaves whole numbers behind
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn in_text(series: &BTreeMap<(&'static str, Labels), impl std::fmt::Display>, kind: &str) -> String {
    let mut text = String::new();
    let mut last = "";
    for ((name, labels), value) in series {
        if *name != last {
            let help = HELP.iter().chain(&provisioner::metrics::HELP).find(|(known, _)| known == name).map_or("", |(_, help)| help);
            // writing to a String cannot fail
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            last = name;
        }
        let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let braces = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(text, "{name}{braces} {value}");
    }
    text
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// A handler whose batches and messages are counted.
pub struct Counted<H> {
    inner: H,
    metrics: Metrics,
}

impl<H: Handler> Counted<H> {
    /// Counts what `inner` does in `metrics`.
    pub fn new(inner: H, metrics: Metrics) -> Self {
        Self { inner, metrics }
    }

    fn service_label(&self) -> (&'static str, &'static str) {
        ("service", self.inner.service().name())
    }
}

/// The type as a label: what is not ours is one label, however many names a sender makes up.
fn type_label(delivery: &Delivery) -> &str {
    if codec::senders_of(&delivery.message.kind).is_some() { &delivery.message.kind } else { "unknown" }
}

#[async_trait]
impl<H: Handler> Handler for Counted<H> {
    type Receipt = H::Receipt;

    fn service(&self) -> Service {
        self.inner.service()
    }

    async fn handle(&self, batch: &[Delivery]) -> Result<Handled<Self::Receipt>, HandleError> {
        let handled = self.inner.handle(batch).await;
        let outcome = if handled.is_ok() { "done" } else { "failed" };
        self.metrics.add(BATCHES, &[self.service_label(), ("outcome", outcome)], 1);
        if let (Err(error), 1) = (&handled, batch.len()) {
            // a larger batch is taken apart until the message at fault stands alone
            watched::refused(&self.metrics, error);
        }
        for (delivery, end) in batch.iter().zip(handled.iter().flat_map(|handled| &handled.ends)) {
            let outcome = match end {
                End::Done => "done",
                End::NotYet(_) => "retry",
                End::Later { .. } => "later",
                End::Dead(_) => "dead",
            };
            self.metrics.add(MESSAGES, &[self.service_label(), ("type", type_label(delivery)), ("outcome", outcome)], 1);
        }
        handled
    }

    async fn confirmed(&self, receipt: Self::Receipt) {
        self.inner.confirmed(receipt).await;
    }

    fn stopping(&self) {
        self.inner.stopping();
    }

    fn given_up(&self, delivery: &Delivery, why: &str) -> Vec<Outgoing> {
        self.metrics.add(GIVEN_UP, &[self.service_label(), ("type", type_label(delivery))], 1);
        self.inner.given_up(delivery, why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_prometheus_reads() {
        let metrics = Metrics::new();
        metrics.add(EFFECTS, &[("step", "mapping"), ("evidence", "done")], 2);
        metrics.clone().add(EFFECTS, &[("step", "mapping"), ("evidence", "done")], 1);
        metrics.add(MESSAGES, &[("type", "a\"b\\c\nd")], 0);
        assert_eq!(
            metrics.text(),
            "# HELP planshift_effects_total Effects and their undos by evidence, each counted once.\n\
             # TYPE planshift_effects_total counter\n\
             planshift_effects_total{step=\"mapping\",evidence=\"done\"} 3\n\
             # HELP planshift_messages_total Messages handled by type and outcome.\n\
             # TYPE planshift_messages_total counter\n\
             planshift_messages_total{type=\"a\\\"b\\\\c\\nd\"} 0\n"
        );
        assert_eq!(metrics.get(EFFECTS, &[("step", "mapping"), ("evidence", "done")]), 3);
    }
}
