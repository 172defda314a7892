//! The catalogue, and what is shown of it.

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
