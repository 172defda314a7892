//! One trace id from the start of a transition to its end, in the logs of all services.

use planshift_tests::{
    accounts,
    cluster::{Cluster, SERVICES},
    outcome::Ran,
    place::Place,
};
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn one_trace_id_in_the_logs_of_all_services() {
    let place = Place::distributed();
    let variables =
        [("PLANSHIFT_LOG_FORMAT", "json"), ("RUST_LOG", "info,planshift_worker=debug,planshift_coordinator=debug,planshift_gateway=debug")];
    let cluster = Cluster::with(&place, |_| 1, &variables);
    let ran = Ran::of(&cluster.run(&accounts::sample("two-resellers")).expect(0));
    let id = ran.only()["transitionId"].as_str().unwrap().to_owned();

    let mut traces = BTreeSet::new();
    for service in SERVICES {
        let log = cluster.log(service);
        let lines: Vec<Value> = log
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{service}: no JSON ({error}): {line}")))
            .collect();
        let field = |line: &Value, name: &str| line[name].as_str().or_else(|| line["span"][name].as_str()).map(str::to_owned);
        let of_it: Vec<&Value> = lines.iter().filter(|line| field(line, "transition").as_deref() == Some(&id)).collect();
        assert!(!of_it.is_empty(), "{service} logs nothing of the transition {id}:\n{log}");
        for line in of_it {
            let trace = field(line, "trace_id").unwrap_or_else(|| panic!("{service}: no trace id: {line}"));
            assert!(trace.len() == 32 && trace.bytes().all(|byte| byte.is_ascii_hexdigit()), "{service}: {line}");
            traces.insert(trace);
        }
    }
    assert_eq!(traces.len(), 1, "one trace: {traces:?}");
}
