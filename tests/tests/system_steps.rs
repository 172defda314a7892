//! A step paused for everyone in the middle of a run: it drains, nothing is lost, and everything goes on when it is resumed. Embedded
//! and distributed, over a restart of the coordinator.

use planshift_tests::{accounts::Document, cluster::Cluster, outcome::Ran, place::Place, program::PATIENCE, program::Program, wait};
use serde_json::Value;

const CUSTOMERS: usize = 50;
const SUBSCRIPTIONS: usize = 4;

fn client(api: &str, args: &[&str]) -> Value {
    Program::planshift(args).args(["--api", api, "--json"]).run().expect(0).json().remove(0)
}

fn mapping(steps: &Value) -> Value {
    let items = steps["items"].as_array().expect("the steps");
    items.iter().find(|step| step["step"] == "mapping").expect("the step mapping").clone()
}

/// Pauses mapping while a run is under way, waits until it has drained, and gives how many are mapped then.
fn paused_in_mid_run(place: &Place, api: &str, restart: impl FnOnce()) {
    let document = Document::generated(CUSTOMERS, SUBSCRIPTIONS, 61);
    let stored = place.stored();
    let paused = client(api, &["steps", "pause", "mapping", "--reason", "the registry is down", "--actor", "ann"]);
    assert_eq!(mapping(&paused)["paused"], true);
    let run = Program::planshift(["run", &document.path().display().to_string(), "--json", "--api", api]).start();
    let held = "SELECT count(*) FROM transitions WHERE held_step = 'mapping'";
    wait::until("all are held", PATIENCE, || stored.number("coordinator", held) == CUSTOMERS as i64);
    restart();
    let steps = client(api, &["steps"]);
    let now = mapping(&steps);
    assert_eq!((&now["drained"], &now["held"], &now["inFlight"]), (&true.into(), &(CUSTOMERS as u64).into(), &0.into()), "{steps}");
    assert_eq!(now["last"]["actor"], "ann (local)");
    assert_eq!(stored.progress("mapping"), 0, "nothing was mapped");
    let shown = Program::planshift(["steps", "--api", api]).run().expect(0).stdout;
    assert!(shown.contains("paused, drained") && shown.contains("the registry is down"), "{shown}");

    // why one of them waits, and that they are stuck
    let stuck = client(api, &["stuck", "--longer-than", "0s"]);
    assert_eq!(stuck["totalCount"], CUSTOMERS, "{stuck}");
    let id = stuck["items"][0]["transitionId"].as_str().expect("an id");
    let why = client(api, &["why", id]);
    assert_eq!(
        (&why["state"], &why["held"]["paused"]["reason"]),
        (&"MappingSubscriptions".into(), &"the registry is down".into()),
        "{why}"
    );
    let shown = Program::planshift(["why", id, "--api", api]).run().expect(0).stdout;
    assert!(shown.contains("mapping is paused") && shown.contains("by ann (local)"), "{shown}");

    client(api, &["steps", "resume", "mapping"]);
    let ran = Ran::of(&run.finish().expect(0));
    assert_eq!(ran.count("Completed"), CUSTOMERS);
    stored.assert_exactly_once(&[ran]);
    assert_eq!(mapping(&client(api, &["steps"]))["held"], 0);
}

#[test]
fn embedded() {
    let place = Place::embedded();
    let served = place.serve();
    let api = served.api.clone();
    paused_in_mid_run(&place, &api, || {});
    served.stop();
    place.assert_verified();
}

#[test]
fn distributed_and_the_coordinator_is_killed_meanwhile() {
    let place = Place::distributed();
    let mut cluster = Cluster::start(&place);
    let api = cluster.api();
    paused_in_mid_run(&place, &api, || {
        cluster.kill("coordinator");
        cluster.start_again("coordinator");
        cluster.wait_until_ready();
    });
    place.assert_verified();
}
