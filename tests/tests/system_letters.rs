//! Dead letters on real servers: looked through, redriven twice without a second effect, dropped.

use planshift_tests::{accounts::Document, cluster::Cluster, letters::Caught, outcome::Ran, place::Place};
use serde_json::Value;

#[test]
fn what_was_done_already_is_redriven_twice_and_has_one_effect() {
    let place = Place::distributed();
    let Place::Distributed(servers) = &place else { unreachable!("it is distributed") };
    let cluster = Cluster::start(&place);
    let mut caught = Caught::begin(servers, "mapping");
    let runs = [Ran::of(&cluster.run(&Document::generated(5, 4, 71).path()).expect(0))];
    assert!(caught.of_type("MapSubscriptions.v1") > 0, "commands to mapping were caught");
    let letters = |args: &[&str]| -> Value {
        let args = [&["dead-letters"], args, &["--json"]].concat();
        cluster.planshift(&args).expect(0).json().remove(0)
    };
    assert_eq!(letters(&[])["totalCount"], 0);
    for round in 1..=2 {
        caught.bury();
        let listed = letters(&["--type", "MapSubscriptions.v1"]);
        // the facts are no command of a transition: they were caught in the same packs
        let count = listed["totalCount"].as_u64().unwrap();
        assert!(count >= 5, "{listed}");
        assert!(listed["groups"].as_array().unwrap().iter().all(|group| group["reason"] == "AttemptsUsedUp"), "{listed}");
        let key = listed["items"][0]["key"].as_str().unwrap().to_owned();
        assert!(letters(&["show", &key])["body"].as_str().unwrap().contains("azureSubscriptionId"));
        let why = format!("round {round}");
        let args = ["redrive", "--all", "--canary", "1", "--rate", "500", "--reason", &why, "--json"];
        let redrive = cluster.planshift(&args).expect(0).json().remove(0);
        assert!(redrive["sent"].as_u64().unwrap() >= count, "{redrive}");
        assert_eq!((&redrive["state"], &redrive["succeeded"], &redrive["died"]), (&"Done".into(), &redrive["sent"], &0.into()));
        assert_eq!(letters(&[])["totalCount"], 0, "none is left");
        place.stored().assert_exactly_once(&runs);
        place.assert_verified();
    }
    assert_eq!(letters(&["redrives"])["items"].as_array().unwrap().len(), 2);
    caught.bury();
    let dropped = letters(&["drop", "--code", "AttemptsUsedUp", "--reason", "done long ago"]);
    assert!(dropped["dropped"].as_u64().unwrap() >= 5 && dropped["complete"] == true, "{dropped}");
    assert_eq!(letters(&["dropped"])["items"][0]["reason"], "done long ago");
    assert_eq!(letters(&[])["totalCount"], 0);
    caught.end();
}
