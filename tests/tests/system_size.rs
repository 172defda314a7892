//! A customer with 2,000 Azure subscriptions goes through in a few messages a step.

use planshift_tests::{accounts::Document, cluster::Cluster, http::counter, outcome::Ran, place::Place};

const SUBSCRIPTIONS: usize = 2_000;
/// Subscriptions that a command carries.
const PACKET: usize = 50;

fn document() -> Document {
    Document::generated(1, SUBSCRIPTIONS, 5)
}

fn assert_whole(ran: &Ran, place: &Place) {
    assert_eq!(ran.lines(), SUBSCRIPTIONS);
    place.stored().assert_exactly_once(std::slice::from_ref(ran));
}

#[test]
fn two_thousand_subscriptions_embedded() {
    let place = Place::embedded();
    let ran = Ran::of(&place.run(&document().path(), &[]).expect(0));
    assert_whole(&ran, &place);
}

#[test]
fn two_thousand_subscriptions_distributed_in_a_few_messages_a_step() {
    let place = Place::distributed();
    let cluster = Cluster::start(&place);
    let ran = Ran::of(&cluster.run(&document().path()).expect(0));
    assert_whole(&ran, &place);

    let packets = (SUBSCRIPTIONS / PACKET) as u64;
    for (service, kind) in [("mapping", "MapSubscriptions.v1"), ("suspension", "SuspendSubscriptions.v1")] {
        let metrics = cluster.metrics(service);
        let commands = counter(&metrics, "planshift_messages_total", &[("service", service), ("type", kind)]);
        assert!((packets..=packets + 5).contains(&commands), "{kind}: {commands} messages for {packets} packets\n{metrics}");
        assert_eq!(counter(&metrics, "planshift_effects_total", &[("step", service)]), SUBSCRIPTIONS as u64, "{metrics}");
    }
    for service in ["coordinator", "eligibility", "purchasing", "mapping", "suspension", "gateway"] {
        let metrics = cluster.metrics(service);
        let messages = counter(&metrics, "planshift_messages_total", &[("service", service)]);
        // the coordinator gets an answer for each packet of three steps; nobody gets one for each subscription
        assert!(messages < 6 * packets, "{service} got {messages} messages\n{metrics}");
    }
}
