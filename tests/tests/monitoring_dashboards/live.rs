//! A distributed run in which everything happens that is counted: what `/metrics` shows is in the catalogue, and the other way round; and
//! a real Prometheus with the project's rules answers whatever the dashboards ask.

use crate::{ALL, asks, resolved, shape::Always};
use planshift_tests::{
    accounts::{self, Document},
    cluster::Cluster,
    http,
    letters::Caught,
    monitoring::{Asked, Known, Prometheus, asked, expressions, promtool, rabbitmq_metrics, send},
    outcome::Ran,
    outside::Outside,
    place::{Distributed, Place, READY_WITHIN, free_port, is_ready},
    program::{PATIENCE, Program, Running},
    wait,
};
use planshift_worker::metrics::{CATALOGUE, OF_THE_PROCESS};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What nobody needs to show in this run, and why.
const NOT_SEEN: [(&str, &str); 2] = [
    ("planshift_stale_writes_total", "two writers must meet at the same moment; the workers' own tests make them"),
    ("planshift_given_up_total", "25 attempts take an hour and a half; the loop has a test of its own with two"),
];

#[test]
fn what_is_shown_is_in_the_list_and_every_expression_is_answered() {
    let place = Place::distributed();
    let Place::Distributed(servers) = &place else { unreachable!("it is distributed") };
    let outside = Outside::start(&[]);
    let mut cluster = Cluster::with(&place, |_| 1, &outside.variables(&[]));
    let verify = Verifying::start(&place);
    let mut targets: Vec<(&str, u16)> = cluster.admins().into_iter().map(|(_, port)| ("planshift", port)).collect();
    targets.push(("planshift", verify.port));
    targets.push(("rabbitmq", rabbitmq_metrics()));
    let prometheus = Prometheus::start(&targets);

    everything_happens(&mut cluster, servers);
    let texts: Vec<String> = targets.iter().filter(|(job, _)| *job == "planshift").map(|(_, port)| read(*port)).collect();
    is_in_the_catalogue(&texts);
    was_seen(&texts);
    // rates are of what grows between two scrapes: once all is seen, more of it
    let mapped = r#"planshift_message_critical_seconds_count{type="MapSubscriptions.v1"}"#;
    // each target has a moment of its own: one that is first scraped after the second run has not grown
    let all = format!("count(up == 1) == {}", targets.len());
    wait::until("everything was scraped", READY_WITHIN, || prometheus.has(&all) && prometheus.has(mapped));
    let ran = Ran::of(&cluster.run(&Document::generated(5, 4, 72).path()).expect(0));
    assert_eq!(ran.count("Completed"), 5);
    let lacks: Vec<(String, Result<Vec<Value>, String>)> = ALL
        .iter()
        .flat_map(|dashboard| asks(dashboard).map(move |ask| (dashboard, ask)))
        .filter_map(|(dashboard, ask)| {
            let expression = resolved(dashboard, ask.0);
            prometheus.query(&expression).unwrap_or_else(|error| panic!("{}: {expression}: {error}", dashboard.name));
            let is_there = || prometheus.has(&expression);
            (ask.2 == Always::Yes && !wait_for(is_there)).then(|| (expression.clone(), prometheus.query(&expression)))
        })
        .collect();
    assert!(lacks.is_empty(), "nothing is there for {lacks:#?}");
    wait::until("every rule was evaluated", READY_WITHIN, || {
        let rules = prometheus.rules();
        let failed: Vec<&Value> = rules.iter().filter(|rule| rule["health"] == "err").collect();
        assert!(failed.is_empty(), "{failed:?}");
        rules.len() == expressions().len() && rules.iter().all(|rule| rule["health"] == "ok")
    });
    // the dead letter, and nothing that is not so
    wait::until("the dead letter is pending or fires", READY_WITHIN, || prometheus.has(r#"ALERTS{alertname="PlanshiftDeadLetters"}"#));
    for quiet in ["PlanshiftInvariantViolated", "PlanshiftServiceDown", "PlanshiftBrokerAway", "PlanshiftDatabaseAway", "RabbitMQAlarm"] {
        assert!(!prometheus.has(&format!(r#"ALERTS{{alertname="{quiet}"}}"#)), "{quiet}");
    }
    drop(prometheus);
    servers.forget_queues();
    cluster.forget();
    verify.process.terminate();
}

fn wait_for(mut holds: impl FnMut() -> bool) -> bool {
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while std::time::Instant::now() < limit {
        if holds() {
            return true;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    false
}

/// A verification that stays.
struct Verifying {
    process: Running,
    port: u16,
}

impl Verifying {
    fn start(place: &Place) -> Self {
        let port = free_port();
        let admin = format!("127.0.0.1:{port}");
        let Place::Distributed(servers) = place else { unreachable!("it is distributed") };
        let args = ["verify", "--every", "2s", "--admin", &admin, "--database", &servers.database_url()];
        let process = Program::planshift(args).start();
        wait::until("a verification has ended", READY_WITHIN, || is_ready(port));
        Self { process, port }
    }
}

/// Transitions that complete, that are refused and undone; messages that come again, too late, too early, and never right.
fn everything_happens(cluster: &mut Cluster<'_>, servers: &Distributed) {
    let mut caught = Caught::begin(servers, "mapping");
    let ran = Ran::of(&cluster.run(&Document::generated(5, 4, 71).path()).expect(0));
    assert_eq!(ran.count("Completed"), 5);
    cluster.run(&accounts::sample("blocked"));
    assert!(caught.of_type("MapSubscriptions.v1") > 0);
    // a command that comes after its undo
    let document = accounts::read(&accounts::sample("two-resellers"));
    http::post(&format!("{}/v1/accounts", cluster.api()), &document).expect(200);
    assert_eq!(cluster.terminate("mapping"), 0);
    let body = json!({ "customerId": document["customers"][0]["id"], "productFamily": "Azure" });
    let started = http::post(&format!("{}/v1/productUpgrades", cluster.api()), &body).expect(202);
    let id = started.location.expect("a Location").rsplit('/').next().unwrap_or_default().to_owned();
    let transition = format!("{}/v1/productUpgrades/{id}", cluster.api());
    let is = |state: &str| wait::until(&format!("{id} is {state}"), PATIENCE, || http::get(&transition).json()["state"] == state);
    is("MappingSubscriptions");
    let late = servers.hold("planshift.mapping");
    http::post(&format!("{transition}/cancel"), &json!({ "reason": "to see it undone" })).expect(202);
    cluster.start_again("mapping");
    is("Compensated");
    late.release();
    // the process that counts from here on is another one, and has something done outside too
    cluster.run(&Document::generated(1, 2, 73).path()).expect(0);
    // a command that was done comes again
    caught.bury();
    cluster.planshift(&["redrive", "--all", "--reason", "again"]).expect(0);
    caught.end();
    // one that is too early: there are no facts of its customer. One of a type that there is not
    let nobody = uuid::Uuid::new_v4();
    let packet = json!({
        "transitionId": nobody, "partnerId": nobody, "customerId": nobody, "factsVersion": 1, "packet": 0, "attempt": 1, "items": [],
    });
    send(servers, "suspension", "SuspendSubscriptions.v1", &packet);
    send(servers, "suspension", "NoSuchType.v1", &json!({}));
    let counted = |service: &'static str, name: &'static str, labels: &'static [(&'static str, &'static str)]| {
        wait::until(name, PATIENCE, || http::counter(&cluster.metrics(service), name, labels) > 0);
    };
    counted("mapping", "planshift_fence_hits_total", &[("step", "mapping")]);
    counted("mapping", "planshift_repeated_total", &[("step", "mapping")]);
    counted("suspension", "planshift_messages_total", &[("outcome", "retry")]);
    counted("suspension", "planshift_messages_total", &[("outcome", "dead"), ("type", "unknown")]);
    counted("suspension", "planshift_dead_letters_total", &[("reason", "UnknownType")]);
}

fn read(port: u16) -> String {
    http::get(&format!("http://127.0.0.1:{port}/metrics")).expect(200).body
}

fn series(text: &str) -> impl Iterator<Item = Asked<'_>> {
    text.lines().filter(|line| !line.starts_with('#')).map(asked)
}

/// Each series is of a metric of the catalogue, has its labels, and they say what they may; `promtool` has nothing to say about it.
fn is_in_the_catalogue(texts: &[String]) {
    let known = Known::new();
    for text in texts {
        for asked in series(text) {
            let [(name, labels)] = &asked.series[..] else { panic!("{asked:?}") };
            let allowed = known.labels(name).unwrap_or_else(|| panic!("{name} is not in the catalogue"));
            assert_eq!(labels.len(), allowed.len(), "{name}: {labels:?}");
            for (label, _, value) in labels {
                let values = allowed.get(label).unwrap_or_else(|| panic!("{name}: {label}"));
                assert!(values.as_ref().is_none_or(|values| values.contains(value)), "{name}: {label}={value}");
            }
        }
        let said = promtool(&["check", "metrics"], text).unwrap_or_else(|said| panic!("promtool: {said}"));
        assert_eq!(said, "", "promtool");
    }
}

/// Everything of the catalogue was shown by somebody.
fn was_seen(texts: &[String]) {
    let seen: BTreeSet<&str> = texts.iter().flat_map(|text| series(text)).map(|asked| asked.series[0].0).collect();
    let names = CATALOGUE.iter().map(|metric| metric.name).chain(OF_THE_PROCESS.iter().map(|(name, ..)| *name));
    let is_seen = |name: &str| seen.contains(name) || seen.contains(format!("{name}_count").as_str());
    let unseen: Vec<&str> = names.filter(|name| !is_seen(name) && NOT_SEEN.iter().all(|(exempt, _)| exempt != name)).collect();
    assert!(unseen.is_empty(), "nobody has shown {unseen:?}");
}
