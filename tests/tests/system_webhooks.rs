//! Webhooks, both ways: a transition from start to completed and one that fails, told to a receiver of each partner, signed, once; what
//! is dead is visible and is delivered when the receiver is back.

use planshift_tests::{
    accounts,
    cluster::Cluster,
    http,
    outcome::{Ran, items},
    place::Place,
    program::Program,
    receiver::Receiver,
    wait,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

const SOON: Duration = Duration::from_secs(30);
/// Longer than what a killed gateway was sending is its own.
const LEASE_AND_MORE: Duration = Duration::from_secs(90);

fn registration(api: &str, partner: &str) -> String {
    format!("{api}/webhooks/v1/registration?partnerId={partner}")
}

fn register(api: &str, partner: &str, receiver: &Receiver) {
    let events = ["product-upgrade-created", "product-upgrade-progressed", "product-upgrade-completed", "product-upgrade-failed"];
    let body = json!({ "WebhookUrl": receiver.url(), "WebhookEvents": events });
    http::post(&registration(api, partner), &body).expect(200);
}

/// The names of what a receiver was told of a transition, in the order in which it was.
fn told(receiver: &Receiver, transition: &Value) -> Vec<String> {
    let of = |event: &Value| event["ResourceUri"].as_str().is_some_and(|uri| uri.ends_with(transition.as_str().expect("an id")));
    receiver.events().iter().filter(|event| of(event)).map(|event| event["EventName"].as_str().expect("a name").to_owned()).collect()
}

fn partner_of(sample: &str) -> String {
    let document: Value = serde_json::from_str(&std::fs::read_to_string(accounts::sample(sample)).expect("a sample")).expect("JSON");
    document["partner"]["id"].as_str().expect("an id").to_owned()
}

/// One that goes well and one that is refused by a rule, over services that run at `api`.
fn one_that_goes_well_and_one_that_does_not(api: &str) {
    let (good, bad) = (partner_of("direct-one-plan"), partner_of("blocked"));
    assert_ne!(good, bad, "two partners");
    let (first, second) = (Receiver::start(), Receiver::start());
    register(api, &good, &first);
    register(api, &bad, &second);
    let run = |sample: &str| {
        let document = accounts::sample(sample).display().to_string();
        Ran::of(&Program::planshift(["run", &document, "--json", "--api", api]).run())
    };
    let completed = run("direct-one-plan").only().clone();
    assert_eq!(completed["state"], "Completed", "{completed}");
    wait::until("the whole story is told", SOON, || told(&first, &completed["transitionId"]).len() == 6);
    let story = told(&first, &completed["transitionId"]);
    // deliveries may overtake each other where one has to be sent again
    let count = |event: &str| story.iter().filter(|name| *name == event).count();
    let counts = [count("product-upgrade-created"), count("product-upgrade-progressed"), count("product-upgrade-completed")];
    assert_eq!(counts, [1, 4, 1], "{story:?}");

    let refused = run("blocked");
    let ineligible: Vec<&Value> = refused.customers.values().filter(|one| one["state"] == "Ineligible").collect();
    assert!(!ineligible.is_empty());
    for one in &ineligible {
        wait::until("the failure is told", SOON, || told(&second, &one["transitionId"]).len() == 3);
        // deliveries may overtake each other where one has to be sent again
        assert_eq!(told(&second, &one["transitionId"]).iter().filter(|name| *name == "product-upgrade-failed").count(), 1);
    }
    assert_eq!(first.events().len(), 6, "each partner is told of its own alone");
    for receiver in [&first, &second] {
        receiver.check_signatures();
        let ids = receiver.ids();
        assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "each once");
    }

    // everything again, under the same ids
    let before: BTreeSet<String> = first.ids().into_iter().collect();
    let args = ["webhooks", "replay", "--from", "2020-01-01T00:00:00Z", "--partner", &good, "--json", "--api", api];
    let replay = Program::planshift(args).run().expect(0).json().remove(0);
    assert_eq!((&replay["found"], &replay["state"]), (&json!(6), &json!("done")), "{replay}");
    wait::until("all is told again", SOON, || first.events().len() == 12);
    assert_eq!(first.ids().into_iter().collect::<BTreeSet<_>>(), before);

    // a test, and what the command line shows
    let tested = Program::planshift(["webhooks", "test", "--partner", &good, "--json", "--api", api]).run().expect(0).json().remove(0);
    assert_eq!(tested["status"], "completed", "{tested}");
    let shown = Program::planshift(["webhooks", "--partner", &good, "--json", "--api", api]).run().expect(0).json().remove(0);
    assert_eq!(shown["WebhookUrl"], json!(first.url()));
    let args = ["webhooks", "deliveries", "--state", "delivered", "--partner", &good, "--json", "--api", api];
    let listed = Program::planshift(args).run().expect(0).json().remove(0);
    assert_eq!(items(&listed["items"]).len(), 7, "{listed}");
}

#[test]
fn one_that_goes_well_and_one_that_does_not_in_files() {
    let place = Place::embedded();
    let served = place.serve_with(&[("PLANSHIFT_WEBHOOKS_ALLOW_INTERNAL", "true")]);
    one_that_goes_well_and_one_that_does_not(&served.api);
    served.stop();
    place.assert_verified();
}

#[test]
fn one_that_goes_well_and_one_that_does_not_on_servers_with_two_gateways() {
    let place = Place::distributed();
    let cluster =
        Cluster::with(&place, |service| if service == "gateway" { 2 } else { 1 }, &[("PLANSHIFT_WEBHOOKS_ALLOW_INTERNAL", "true")]);
    one_that_goes_well_and_one_that_does_not(&cluster.api());
    drop(cluster);
    place.assert_verified();
}

#[test]
fn a_gateway_that_is_killed_loses_no_event() {
    let place = Place::distributed();
    let mut cluster = Cluster::with(&place, |_| 1, &[("PLANSHIFT_WEBHOOKS_ALLOW_INTERNAL", "true")]);
    let (api, receiver) = (cluster.api(), Receiver::start());
    register(&api, &partner_of("portfolio"), &receiver);
    let run = cluster.start_run(&accounts::sample("portfolio"));
    wait::until("events come", SOON, || receiver.events().len() >= 10);
    cluster.kill("gateway");
    cluster.start_again("gateway");
    cluster.wait_until_ready();
    let ran = Ran::of(&run.finish());
    // what the histories say is what was told
    let (mut expected, mut count) = (BTreeSet::new(), 0);
    for transition in ran.customers.values().map(|one| one["transitionId"].as_str().expect("an id").to_owned()) {
        let history = http::get(&format!("{api}/v1/productUpgrades/{transition}/history")).expect(200).json();
        for entry in items(&history["items"]).iter().filter(|entry| entry["number"] == 1 || entry["event"] == "Moved") {
            // two may be of the same moment
            expected.insert((transition.clone(), entry["at"].to_string()));
            count += 1;
        }
    }
    let told = || -> BTreeSet<(String, String)> {
        let of = |event: &Value| {
            let uri = event["ResourceUri"].as_str().expect("a URI").to_owned();
            (uri.rsplit('/').next().expect("an id").to_owned(), event["ResourceChangeUtcDate"].to_string())
        };
        receiver.events().iter().map(of).collect()
    };
    assert!(count > 100, "{count}");
    // what was on its way is sent again when its lease has ended, under the same id
    let ids = || receiver.ids().into_iter().collect::<BTreeSet<_>>().len();
    wait::until("every event is told", LEASE_AND_MORE, || ids() == count && told() == expected);
    receiver.check_signatures();
}
