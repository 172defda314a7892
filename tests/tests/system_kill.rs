//! `kill -9` of a process in the middle of a run, several times, at different moments: started again, everything ends as it
//! should, and no effect happens twice.

use planshift_tests::{
    accounts::Document,
    cluster::Cluster,
    outcome::Ran,
    place::Place,
    program::{PATIENCE, Running},
    wait,
};

/// More customers than `run` moves at once, so that at any moment some are at each step.
const CUSTOMERS: usize = 160;
const SUBSCRIPTIONS: usize = 6;

/// Parts of a service's work after which it is killed: with its first effect, and later on.
const MOMENTS: [f64; 3] = [0.0, 0.25, 0.5];

/// The least work that a service has to do for the whole document.
fn work_of(service: &str) -> usize {
    match service {
        "mapping" | "suspension" => CUSTOMERS * SUBSCRIPTIONS,
        // at least one plan, one check, one transition for each customer
        _ => CUSTOMERS,
    }
}

fn killed_in_mid_run(service: &str, seed: u64) {
    let place = Place::distributed();
    let mut cluster = Cluster::start(&place);
    let document = Document::generated(CUSTOMERS, SUBSCRIPTIONS, seed);
    let stored = place.stored();
    let mut run = cluster.start_run(&document.path());
    for moment in MOMENTS {
        let done = (work_of(service) as f64 * moment) as i64;
        wait::until(&format!("{service} is at {moment} of its work"), PATIENCE, || stored.progress(service) > done);
        assert!(run.is_running(), "the run has ended before {service} could be killed in the middle of it\n{}", run.stderr());
        cluster.kill(service);
        cluster.start_again(service);
    }
    finish_exactly_once(run, &place);
    // the same run went on through it: nothing was asked for twice
    assert_eq!(stored.progress("coordinator"), CUSTOMERS as i64);
}

fn finish_exactly_once(run: Running, place: &Place) {
    let outcome = run.finish().expect(0);
    let ran = Ran::of(&outcome);
    assert_eq!((ran.count("Completed"), ran.lines()), (CUSTOMERS, CUSTOMERS * SUBSCRIPTIONS), "{outcome}");
    place.stored().assert_exactly_once(&[ran]);
    place.assert_verified();
}

#[test]
fn killed_gateway() {
    killed_in_mid_run("gateway", 11);
}

#[test]
fn killed_coordinator() {
    killed_in_mid_run("coordinator", 12);
}

#[test]
fn killed_eligibility() {
    killed_in_mid_run("eligibility", 13);
}

#[test]
fn killed_purchasing() {
    killed_in_mid_run("purchasing", 14);
}

#[test]
fn killed_mapping() {
    killed_in_mid_run("mapping", 15);
}

#[test]
fn killed_suspension() {
    killed_in_mid_run("suspension", 16);
}

/// The whole of the embedded way is one process: its queues and its databases are all that is left of it.
#[test]
fn killed_embedded_process() {
    let place = Place::embedded();
    let stored = place.stored();
    let document = Document::generated(CUSTOMERS, SUBSCRIPTIONS, 17);
    let start = || place.program(&["run", &document.path().display().to_string(), "--json"]).start();
    let half = (CUSTOMERS / 2) as i64;
    let moments: [(&str, &dyn Fn() -> bool); 6] = [
        ("some customers are imported", &|| stored.try_number("coordinator", "SELECT count(*) FROM customers").unwrap_or(0) > 0),
        ("a transition is accepted", &|| stored.progress("coordinator") > 0),
        ("a plan is bought", &|| stored.progress("purchasing") > 0),
        ("a subscription is mapped", &|| stored.progress("mapping") > 0),
        ("a subscription is suspended", &|| stored.progress("suspension") > 0),
        ("half of them have ended", &|| stored.ended() > half),
    ];
    for (moment, has_come) in moments {
        let mut run = start();
        wait::until(moment, PATIENCE, || {
            assert!(run.is_running(), "the run has ended before {moment}\n{}", run.stderr());
            has_come()
        });
        run.kill();
    }
    finish_exactly_once(start(), &place);
}
