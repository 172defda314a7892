//! `docs/metrics.md` is made of the catalogue. After a change of it: `PLANSHIFT_UPDATE_DOCS=1 cargo test --workspace --test metrics`.

use planshift_worker::{
    codec,
    metrics::{CATALOGUE, OF_THE_PROCESS, described::Kind},
};
use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::PathBuf};

const BEFORE: &str = "\
# Metrics

Every metric that a process shows on `/metrics` of its administration address, in Prometheus's text format (0.0.4). This page is made of the list in
[`catalogue.rs`](../shared/worker/src/metrics/catalogue.rs): what is not in it cannot be counted.

- **Several replicas.** Counters and histograms are of one process: add them up (`sum`). Gauges of what all replicas see alike (transitions, queues,
  webhooks) are shown by each: take the maximum (`max`).
- **Not yet counted.** A series with labels appears when it is first counted. Those that alerts look at are there from the start.
- **Histograms** have `_bucket`, `_sum` and `_count`.
- **What a message's age is.** A message says when it was first sent, in microseconds (`x-planshift-sent`): until it is done, all its waits and attempts
  count. Clocks of several machines must agree as well as such a figure is to be believed.
- What alerts there are and what to do then: [runbooks](runbooks/README.md). What a RabbitMQ shows itself: its plugin `rabbitmq_prometheus`.

| name | type | unit | labels | what it says | shown by |
|---|---|---|---|---|---|
";

const PROCESS: &str = "
## Of the process

Under the names that Prometheus's clients have in common; on Linux alone. Processor time is in whole seconds.

| name | type | what it says |
|---|---|---|
";

const BUCKETS: &str = "
## Buckets

| histogram | upper bounds |
|---|---|
";

fn document() -> String {
    let (mut text, mut buckets) = (BEFORE.to_owned(), BUCKETS.to_owned());
    for metric in CATALOGUE {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{}`: {}", label.name, label.values.in_words())).collect();
        let (name, kind, unit) = (metric.name, metric.kind.name(), metric.unit());
        writeln!(text, "| `{name}` | {kind} | {unit} | {} | {} | {} |", labels.join("; "), metric.help, metric.by.in_words()).unwrap();
        if let Kind::Histogram(bounds) = metric.kind {
            let bounds: Vec<String> = bounds.iter().map(ToString::to_string).collect();
            writeln!(buckets, "| `{name}` | {} |", bounds.join(", ")).unwrap();
        }
    }
    text += PROCESS;
    for (name, kind, help) in OF_THE_PROCESS {
        writeln!(text, "| `{name}` | {kind} | {help} |").unwrap();
    }
    text + &buckets
}

#[test]
fn the_page_is_what_the_catalogue_says() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    if env::var_os("PLANSHIFT_UPDATE_DOCS").is_some() {
        fs::write(&path, document()).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == document(), "docs/metrics.md is stale: PLANSHIFT_UPDATE_DOCS=1 cargo test --workspace --test metrics");
}

/// Every type that the contract of messages has can be counted, and no other.
#[test]
fn every_type_of_message_can_be_counted() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/asyncapi.json");
    let contract: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let messages = contract["components"]["messages"].as_object().unwrap();
    let known: BTreeSet<&str> = messages.keys().map(String::as_str).filter(|name| *name != "Pack.v1").collect();
    assert_eq!(codec::TYPES.into_iter().collect::<BTreeSet<_>>(), known);
}

/// Every code that a service gives a message up with is one of the list, and has its row on the page of codes.
#[test]
fn every_reason_of_the_list_is_explained() {
    let page = fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md")).unwrap();
    let letters = &page[page.find("\n## Dead letters").unwrap()..];
    for reason in codec::REASONS {
        assert!(letters.contains(&format!("\n| `{reason}` |")), "{reason}");
    }
}
