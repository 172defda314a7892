//! What every released version left behind comes to its end under this one: transitions in every state, with the messages that waited
//! in its queues, and without them.

use planshift_tests::{
    cluster::Cluster,
    place::Place,
    program::PATIENCE,
    stored::Stored,
    upgrade::{kept::Kept, message},
    wait,
};
use std::collections::{BTreeMap, BTreeSet};

/// The transitions that are on their way.
const UNDER_WAY: &str = "SELECT count(*) FROM transitions WHERE ended_at IS NULL AND state <> 'NeedsOperator'";

fn count(stored: &Stored, state: &str) -> i64 {
    stored.number("coordinator", &format!("SELECT count(*) FROM transitions WHERE state = '{state}'"))
}

/// It was stopped a moment ago: nothing of it has run out of time since. Commands are due to be sent again, as after any stop.
fn as_if_just_stopped(stored: &Stored) {
    let microseconds = std::time::UNIX_EPOCH.elapsed().expect("a clock").as_micros();
    stored.change("coordinator", &format!("UPDATE transitions SET give_up_at = {microseconds} + 3600000000 WHERE ended_at IS NULL"));
}

fn all_end(stored: &Stored) {
    wait::until("every transition of the old version ends", PATIENCE, || stored.number("coordinator", UNDER_WAY) == 0);
}

/// What a distributed system left: what it stored, and where it says so what waited in its queues.
fn comes_to_its_end(kept: &Kept, with_its_messages: bool) {
    let place = Place::distributed();
    let Place::Distributed(servers) = &place else { unreachable!("a distributed place") };
    kept.restore(servers);
    let (stored, before) = (place.stored(), kept.states());
    let of = |state: &str| before[state];
    assert_eq!(count(&stored, "MappingSubscriptions"), of("MappingSubscriptions"), "the database is the one that was kept");
    as_if_just_stopped(&stored);
    let cluster = Cluster::start(&place);
    let mut started = 0;
    if with_its_messages {
        let queued = kept.queued();
        // a gateway that is not answered asks again
        let starts = queued
            .iter()
            .filter(|message| message.kind() == "StartTransition.v1")
            .map(planshift_tests::upgrade::message::KeptMessage::json);
        started = starts.map(|start| start["requestId"].to_string()).collect::<BTreeSet<_>>().len() as i64;
        assert!(started > 0, "starts waited in a queue");
        message::publish(&servers.broker_url(), &queued);
        let all = before.values().sum::<i64>() + started;
        wait::until("what waited in the queues has begun", PATIENCE, || stored.progress("coordinator") == all);
    }
    all_end(&stored);
    assert_eq!(count(&stored, "NeedsOperator"), of("NeedsOperator"));
    let waiting = cluster.planshift(&["list", "--state", "NeedsOperator", "--json"]).expect(0).json();
    for transition in waiting[0]["items"].as_array().expect("a list") {
        let id = transition["transitionId"].as_str().expect("an id");
        cluster.planshift(&["resume", id, "--reason", "the version is another"]).expect(0);
    }
    wait::until("who waited for an operator goes on", PATIENCE, || count(&stored, "NeedsOperator") == 0);
    all_end(&stored);

    let on_their_way = ["CheckingEligibility", "PurchasingPlans", "MappingSubscriptions", "SuspendingCommerce", "NeedsOperator"];
    let ends = |stored: &Stored| ["Completed", "Compensated", "Ineligible"].map(|state| count(stored, state));
    let completed = of("Completed") + on_their_way.into_iter().map(of).sum::<i64>() + started;
    let expected = [completed, of("Compensated") + of("Compensating"), of("Ineligible")];
    assert_eq!(ends(&stored), expected, "of {before:?} and {started} starts");
    place.assert_verified();

    // one of each type again, long after: read, and recognized as what was done before
    let effects = |stored: &Stored| {
        let services = ["purchasing", "mapping", "suspension"];
        services.map(|service| (service, stored.number(service, "SELECT count(*) FROM ledger"))).into_iter().collect::<BTreeMap<_, _>>()
    };
    let before = effects(&stored);
    message::publish(&servers.broker_url(), &kept.messages().into_iter().filter(|m| m.exchange != "planshift.answers").collect::<Vec<_>>());
    servers.drain();
    all_end(&stored);
    assert_eq!((ends(&stored), effects(&stored)), (expected, before), "messages that come again change nothing");
    place.assert_verified();
}

#[test]
fn with_the_messages_that_waited() {
    Kept::all().iter().for_each(|kept| comes_to_its_end(kept, true));
}

#[test]
fn with_an_empty_broker() {
    Kept::all().iter().for_each(|kept| comes_to_its_end(kept, false));
}

#[test]
fn a_data_folder() {
    for kept in Kept::all() {
        let place = Place::embedded();
        let Place::Embedded(folder) = &place else { unreachable!("an embedded place") };
        kept.unpack(folder);
        let stored = place.stored();
        let all = stored.progress("coordinator");
        assert!(stored.number("coordinator", UNDER_WAY) > 0, "it was stopped in the middle of its work");
        as_if_just_stopped(&stored);
        let served = place.serve();
        all_end(&stored);
        assert_eq!(count(&stored, "Completed"), all);
        served.stop();
        place.assert_verified();
    }
}
