//! Logs as JSON: every line of every service has the fields that docs/logs.md promises, what is about a transition says its trace, and a
//! transition is told of in two lines, whatever its size.

use planshift_tests::{
    accounts::{self, Document},
    cluster::{Cluster, SERVICES},
    outcome::Ran,
    place::Place,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Those that every line has.
const ALWAYS: [&str; 5] = ["timestamp", "level", "service", "target", "message"];

fn lines(cluster: &Cluster<'_>, service: &str) -> Vec<Value> {
    let log = cluster.log(service);
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{service}: no JSON ({error}): {line}"))).collect()
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[test]
fn every_line_has_its_fields_and_a_transition_is_two_lines() {
    let place = Place::distributed();
    let cluster = Cluster::with(&place, |_| 1, &[("PLANSHIFT_LOG_FORMAT", "json")]);
    let quiet: usize = SERVICES.iter().map(|service| lines(&cluster, service).len()).sum();
    let documented = std::fs::read_to_string(planshift_tests::monitoring::root().join("docs/logs.md")).unwrap();
    let ran = Ran::of(&cluster.run(&Document::generated(20, 30, 12).path()).expect(0));
    assert_eq!(ran.count("Completed"), 20);
    cluster.run(&accounts::sample("blocked"));

    let mut of_transitions: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let mut told = 0;
    for service in SERVICES {
        for line in lines(&cluster, service) {
            told += 1;
            for field in ALWAYS {
                assert!(line[field].as_str().is_some_and(|text| !text.is_empty()), "{service}: no {field}: {line}");
            }
            let timestamp = line["timestamp"].as_str().unwrap();
            assert!(timestamp.len() == 27 && timestamp.ends_with('Z') && timestamp.as_bytes()[10] == b'T', "{timestamp}");
            assert_eq!(line["service"], *service, "{line}");
            // nothing goes wrong here
            assert!(["INFO", "WARN"].contains(&line["level"].as_str().unwrap()), "{line}");
            for name in line.as_object().unwrap().keys() {
                assert!(documented.contains(&format!("`{name}`")), "{service}: docs/logs.md does not know the field {name}: {line}");
            }
            if let Some(transition) = line["transition"].as_str() {
                let trace = line["trace_id"].as_str().unwrap_or_else(|| panic!("{service}: no trace id: {line}"));
                assert!(is_hex(trace, 32), "{line}");
                let entry = of_transitions.entry(transition.to_owned()).or_insert_with(|| (0, trace.to_owned()));
                assert_eq!(entry.1, trace, "another trace: {line}");
                entry.0 += 1;
            }
        }
    }
    assert!(of_transitions.len() >= 20, "{of_transitions:?}");
    assert!(of_transitions.values().all(|(lines, _)| *lines == 2), "accepted and ended: {of_transitions:?}");
    // what is told besides does not grow with the work
    let besides = told - quiet - of_transitions.len() * 2;
    assert!(besides < 10, "{besides} lines besides");
}
