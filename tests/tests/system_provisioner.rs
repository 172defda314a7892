//! Mapping with a system outside, in processes of their own: whatever goes wrong on the way, what is there outside is what the
//! ledgers say.

use planshift_tests::{
    accounts::Document,
    cluster::Cluster,
    http,
    outcome::Ran,
    outside::Outside,
    place::Place,
    program::{PATIENCE, Program},
    wait,
};
use std::time::{Duration, Instant};

const CUSTOMERS: usize = 40;
const SUBSCRIPTIONS: usize = 6;
const LINES: usize = CUSTOMERS * SUBSCRIPTIONS;

/// Longer than a process may take to be ready, so that a test sees it end.
const GRACE: Duration = Duration::from_secs(20);

#[test]
fn killed_in_mid_run_with_every_trouble_outside() {
    let place = Place::distributed();
    let outside = Outside::start(&[
        "--latency=30ms",
        "--jitter=50ms",
        "--share-5xx-after-effect=0.04",
        "--share-silence=0.02",
        "--share-429=0.05",
        "--share-503=0.01",
    ]);
    let variables = outside.variables(&[("PLANSHIFT_MAPPING_PROVISIONER_TIMEOUT", "1s"), ("PLANSHIFT_MAPPING_PROVISIONER_IN_FLIGHT", "8")]);
    let mut cluster = Cluster::with(&place, |service| if service == "mapping" { 2 } else { 1 }, &variables);
    let document = Document::generated(CUSTOMERS, SUBSCRIPTIONS, 61);
    let mut run = cluster.start_run(&document.path());
    for part in [1, 4, 8] {
        wait::until("some more are had outside", PATIENCE, || outside.count("done") as usize > LINES * part / 12);
        assert!(run.is_running(), "the run has ended before mapping could be killed in the middle of it\n{}", run.stderr());
        cluster.kill("mapping");
        cluster.start_again("mapping");
    }
    let ran = Ran::of(&run.finish().expect(0));
    assert_eq!((ran.count("Completed"), ran.lines()), (CUSTOMERS, LINES));
    let stored = place.stored();
    stored.assert_exactly_once(&[ran]);
    outside.assert_equals_ledger(&stored);
    place.assert_verified();
    let account = outside.account();
    assert!(account["troubles"]["failedAfter"].as_u64().unwrap_or_default() > 0, "{account}");
    assert!(account["calls"]["GET"].as_u64().unwrap_or_default() > 0, "an unknown outcome is looked up: {account}");
}

#[test]
fn a_failed_transition_leaves_nothing_outside() {
    let place = Place::embedded();
    let outside = Outside::start(&["--latency=5ms", "--share-5xx-after-effect=0.1"]);
    let document = Document::generated(6, SUBSCRIPTIONS, 62);
    let accounts = planshift_tests::accounts::read(&document.path());
    let azure = accounts["customers"][0]["subscriptions"][0]["entitlementId"].as_str().expect("an Azure subscription").to_owned();
    let variables = outside.variables(&[]);
    let program = variables.iter().fold(
        place.program(&["run", &document.path().display().to_string(), "--json", "--fail", &format!("mapping={azure}")]),
        |program, (key, value)| program.env(key, value),
    );
    let ran = Ran::of(&program.run().expect(3));
    assert_eq!((ran.count("Completed"), ran.count("Compensated")), (5, 1));
    let stored = place.stored();
    outside.assert_equals_ledger(&stored);
    assert_eq!(outside.count("done"), 5 * SUBSCRIPTIONS as u64);
    assert_eq!(outside.count("undone"), SUBSCRIPTIONS as u64 - 1, "what had been had of the failed one");
    place.assert_verified();
}

#[test]
fn a_throttled_partner_slows_itself_alone() {
    let place = Place::distributed();
    // each partner has 20 calls a second outside; the first asks for far more
    let outside = Outside::start(&["--latency=5ms", "--rate-per-partner=20"]);
    let cluster = Cluster::with(&place, |_| 1, &outside.variables(&[]));
    let (many, few) = (Document::generated(30, 10, 63), Document::generated(2, 5, 64));
    let text = std::fs::read_to_string(few.path()).expect("a document");
    let partner = planshift_tests::accounts::read(&few.path())["partner"]["id"].as_str().expect("a partner").to_owned();
    let few = Document::of(&text.replace(&partner, "7b0e2a52-1b0e-4f0e-9d3b-000000000064"));
    let mut slow = cluster.start_run(&many.path());
    wait::until("the first partner is throttled", PATIENCE, || outside.account()["troubles"]["throttled"].as_u64().unwrap_or_default() > 0);
    let quick = Ran::of(&cluster.run(&few.path()).expect(0));
    assert!(slow.is_running(), "the other partner was to be through first\n{}", slow.stderr());
    let slow = Ran::of(&slow.finish().expect(0));
    assert_eq!((quick.count("Completed"), slow.count("Completed")), (2, 30));
    let (stored, metrics) = (place.stored(), cluster.metrics("mapping"));
    assert!(http::counter(&metrics, "planshift_provisioner_throttled_total", &[("step", "mapping")]) > 0);
    assert_eq!(http::counter(&metrics, "planshift_given_up_total", &[("service", "mapping"), ("type", "MapSubscriptions.v1")]), 0);
    stored.assert_exactly_once(&[quick, slow]);
    outside.assert_equals_ledger(&stored);
    place.assert_verified();
}

#[test]
fn asked_to_stop_in_mid_batch_it_leaves_in_time_and_nothing_is_lost() {
    let place = Place::distributed();
    let outside = Outside::start(&["--latency=300ms", "--share-silence=0.05"]);
    let variables =
        outside.variables(&[("PLANSHIFT_MAPPING_PROVISIONER_TIMEOUT", "60s"), ("PLANSHIFT_MAPPING_PROVISIONER_IN_FLIGHT", "8")]);
    let mut cluster = Cluster::with(&place, |service| if service == "mapping" { 2 } else { 1 }, &variables);
    let document = Document::generated(CUSTOMERS / 2, SUBSCRIPTIONS, 65);
    let mut run = cluster.start_run(&document.path());
    for part in [1, 2] {
        wait::until("some more are had outside", PATIENCE, || outside.count("done") as usize > LINES * part / 8);
        assert!(run.is_running(), "the run has ended before mapping could be stopped in the middle of it\n{}", run.stderr());
        let begun = Instant::now();
        assert_eq!(cluster.terminate("mapping"), 0, "it did not end well");
        // a call that is never answered may take 60 s; the grace period is shorter
        assert!(begun.elapsed() < GRACE, "it took {:?}", begun.elapsed());
        cluster.start_again("mapping");
        cluster.wait_until_ready();
    }
    // a call that is never answered takes its 60 s, and the one after it may be such a one again
    let ran = Ran::of(&run.finish_within(3 * PATIENCE).expect(0));
    assert_eq!(ran.count("Completed"), CUSTOMERS / 2);
    let stored = place.stored();
    stored.assert_exactly_once(&[ran]);
    outside.assert_equals_ledger(&stored);
    place.assert_verified();
}

#[test]
fn a_wrong_setting_is_named_before_anything_begins() {
    for (variable, value) in [("PLANSHIFT_MAPPING_PROVISIONER_URL", "http://h"), ("PLANSHIFT_SUSPENSION_PROVISIONER_RATE", "5")] {
        for program in [Program::planshift(["serve", "--data", "nowhere"]), Program::planshift(["run", "nothing.json"])] {
            let outcome = program.env(variable, value).run().expect(2);
            assert!(outcome.to_string().contains(variable) || outcome.to_string().contains("nothing.json"), "{outcome}");
        }
    }
    let outcome = Program::new("planshift-mapping").env("PLANSHIFT_MAPPING_PROVISIONER_URL", "ftp://h").run().expect(2);
    assert!(outcome.to_string().contains("PLANSHIFT_MAPPING_PROVISIONER_URL"), "{outcome}");
}
