//! SIGTERM while work is under way: each process finishes what it has taken and leaves with 0 within its grace period, and nothing
//! is lost.

use planshift_tests::{
    accounts::Document,
    cluster::{Cluster, SERVICES},
    outcome::Ran,
    place::Place,
    program::PATIENCE,
    wait,
};

const CUSTOMERS: usize = 100;
const SUBSCRIPTIONS: usize = 4;

#[test]
fn every_service_leaves_in_good_order_while_work_is_under_way() {
    let place = Place::distributed();
    let mut cluster = Cluster::start(&place);
    let stored = place.stored();
    let mut runs = Vec::new();
    for (service, seed) in SERVICES.into_iter().zip(21..) {
        let document = Document::generated(CUSTOMERS, SUBSCRIPTIONS, seed);
        let before = stored.progress(service);
        let mut run = cluster.start_run(&document.path());
        wait::until(&format!("{service} has begun"), PATIENCE, || stored.progress(service) > before);
        assert!(run.is_running(), "the run has ended before {service} could be stopped in the middle of it");
        assert_eq!(cluster.terminate(service), 0, "{service} did not end well");
        cluster.start_again(service);
        let outcome = run.finish().expect(0);
        runs.push(Ran::of(&outcome));
    }
    stored.assert_exactly_once(&runs);
    place.assert_verified();
}

/// An interrupted run says so, and what was accepted goes on with the next one.
#[test]
fn an_interrupted_run_goes_on_when_it_is_started_again() {
    let place = Place::embedded();
    let stored = place.stored();
    let document = Document::generated(CUSTOMERS, SUBSCRIPTIONS, 31);
    let run = place.program(&["run", &document.path().display().to_string(), "--json"]).start();
    wait::until("a subscription is mapped", PATIENCE, || stored.progress("mapping") > 0);
    assert_eq!(run.terminate(), 130);
    let ran = Ran::of(&place.run(&document.path(), &[]).expect(0));
    stored.assert_exactly_once(&[ran]);
}
