//! Which processes live, what waits in queues, and what was verified: as operators see it, on both brokers, while processes come and go.

use planshift_tests::{
    accounts::Document,
    cluster::{Cluster, SERVICES},
    http,
    outcome::Ran,
    place::Place,
    program::{PATIENCE, Program},
    wait,
};
use serde_json::Value;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn ask(api: &str, command: &str) -> Value {
    Program::planshift([command, "--api", api, "--json"]).run().expect(0).json().remove(0)
}

/// How many processes of a service are in a state.
fn count(instances: &Value, service: &str, state: &str) -> usize {
    let items = instances["items"].as_array().expect("the processes");
    items.iter().filter(|one| one["service"] == service && one["state"] == state).count()
}

fn queue(queues: &Value, name: &str) -> Value {
    let items = queues["items"].as_array().expect("the queues");
    items.iter().find(|queue| queue["name"] == name).unwrap_or_else(|| panic!("no {name} in {queues}")).clone()
}

#[test]
fn embedded_every_service_lives_in_one_process_and_its_verification_tells() {
    let place = Place::embedded();
    let served = place.serve_with(&[("PLANSHIFT_VERIFY_EVERY", "1s")]);
    let api = served.api.clone();
    wait::until("all are heard", PATIENCE, || SERVICES.iter().all(|service| count(&ask(&api, "instances"), service, "alive") == 1));
    let instances = ask(&api, "instances");
    assert_eq!(instances["versions"], serde_json::json!([VERSION]), "{instances}");
    let processes: Vec<_> = instances["items"].as_array().unwrap().iter().map(|one| one["process"].clone()).collect();
    assert!(processes.iter().all(|process| *process == processes[0]), "{instances}");
    assert_eq!(queue(&ask(&api, "queues"), "planshift.mapping")["consumers"], 1);
    let shown = Program::planshift(["instances", "--api", &api]).run().expect(0).stdout;
    assert!(shown.contains("coordinator") && shown.contains(VERSION), "{shown}");
    let passes = || http::get(&format!("{api}/v1/invariants")).expect(200).json()["items"].clone();
    wait::until("a pass is told", PATIENCE, || passes()[0]["violations"] == 0);
    assert_eq!((&passes()[0]["reporter"], &passes()[0]["everySeconds"]), (&"serve".into(), &1.into()));
    // by hand, beside it
    let told = ["verify", "--tell", &api, "--reporter", "by hand"];
    place.planshift(&told).expect(0);
    wait::until("both are kept", PATIENCE, || passes().as_array().is_some_and(|passes| passes.len() == 2));
    served.stop();
}

#[test]
fn distributed_processes_come_go_and_die() {
    let place = Place::distributed();
    let mut cluster = Cluster::with(&place, |service| if service == "mapping" { 2 } else { 1 }, &[]);
    let api = cluster.api();
    let document = Document::generated(20, 4, 17);
    Ran::of(&cluster.run(&document.path()).expect(0));
    wait::until("two of mapping, one of each other", PATIENCE, || {
        let instances = ask(&api, "instances");
        let expected = |service: &&str| count(&instances, service, "alive") == if *service == "mapping" { 2 } else { 1 };
        instances["complete"] == true && SERVICES.iter().all(expected)
    });
    let queues = ask(&api, "queues");
    assert_eq!(queue(&queues, "planshift.mapping")["consumers"], 2, "{queues}");
    assert!(queues["items"].as_array().unwrap().iter().all(|queue| queue["state"] == "seen"), "{queues}");
    let shown = Program::planshift(["queues", "--api", &api]).run().expect(0).stdout;
    assert!(shown.contains("planshift.mapping") && shown.contains("planshift.dead"), "{shown}");

    // in order: it says so itself
    assert_eq!(cluster.terminate("suspension"), 0);
    wait::until("it has stopped", PATIENCE, || count(&ask(&api, "instances"), "suspension", "stopped") == 1);
    let doctor = Program::planshift(["doctor", "--api", &api, "--json"]).args(place.options()).run();
    assert!(doctor.stdout.contains("no process of suspension lives"), "{doctor}");
    // killed: it is missed
    cluster.kill("mapping");
    wait::until("it is gone, and the other lives", PATIENCE, || {
        let instances = ask(&api, "instances");
        (count(&instances, "mapping", "gone"), count(&instances, "mapping", "alive")) == (1, 1)
    });
    cluster.start_again("suspension");
    cluster.start_again("mapping");
    cluster.wait_until_ready();
    wait::until("they are back, and who they were is still told", PATIENCE, || {
        let instances = ask(&api, "instances");
        (count(&instances, "mapping", "alive"), count(&instances, "suspension", "alive"), count(&instances, "suspension", "stopped"))
            == (2, 1, 1)
    });
    place.assert_verified();
}
