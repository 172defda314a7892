//! A cancel before the pivot undoes everything, also what is still on its way; after the pivot it is refused.

use planshift_tests::{
    accounts,
    cluster::Cluster,
    http,
    outcome::{assert_as_it_was, from_api, line_states},
    place::Place,
    program::PATIENCE,
    wait,
};
use serde_json::{Value, json};

/// A place where one customer with two resellers is imported.
fn imported(cluster: &Cluster<'_>) -> Value {
    let document = accounts::read(&accounts::sample("two-resellers"));
    let answer = http::post(&format!("{}/v1/accounts", cluster.api()), &document).expect(200).json();
    assert_eq!(answer, json!({ "imported": 1, "refused": [] }));
    document["customers"][0]["id"].clone()
}

/// Starts a customer's transition, and gives its address.
fn start(cluster: &Cluster<'_>, customer: &Value) -> String {
    let body = json!({ "customerId": customer, "productFamily": "Azure" });
    let started = http::post(&format!("{}/v1/productUpgrades", cluster.api()), &body).expect(202);
    let location = started.location.expect("a Location");
    assert!(!location.contains("://"), "the Location is relative: {location}");
    format!("{}/v1/productUpgrades/{}", cluster.api(), location.rsplit('/').next().unwrap_or_default())
}

fn wait_for(transition: &str, state: &str) -> Value {
    wait::until_some(&format!("{transition} is {state}"), PATIENCE, || {
        let answer = http::get(transition);
        let found = answer.json();
        (answer.status == 200 && found["state"] == state).then(|| from_api(found))
    })
}

fn cancel(transition: &str) -> http::Answer {
    http::post(&format!("{transition}/cancel"), &json!({ "reason": "the customer changed its mind" }))
}

fn assert_cancelled(transition: &Value, step: &str) {
    assert_eq!((&transition["failure"]["code"], &transition["failure"]["step"]), (&json!("Cancelled"), &json!(step)), "{transition}");
    assert_as_it_was(transition);
}

fn assert_nothing_attached(place: &Place) {
    let stored = place.stored();
    assert_eq!(stored.number("mapping", "SELECT count(*) FROM azure_subscriptions WHERE plan_id IS NOT NULL"), 0);
    // change points are never taken back: the last one of each says who owns it
    let owned = "SELECT count(*) FROM ownership AS o WHERE plan_id IS NOT NULL AND NOT EXISTS
        (SELECT 1 FROM ownership AS later WHERE later.azure_subscription_id = o.azure_subscription_id
         AND (later.from_at > o.from_at OR (later.from_at = o.from_at AND later.revision > o.revision)))";
    assert_eq!(stored.number("mapping", owned), 0);
}

#[test]
fn a_cancel_fences_the_command_that_comes_after_it() {
    let place = Place::distributed();
    let Place::Distributed(servers) = &place else { unreachable!() };
    let mut cluster = Cluster::start(&place);
    let customer = imported(&cluster);
    assert_eq!(cluster.terminate("mapping"), 0);
    let transition = start(&cluster, &customer);
    wait_for(&transition, "MappingSubscriptions");
    // taken and kept, as by a worker that hangs: it comes again only when that one is gone
    let late = servers.hold("planshift.mapping");
    cancel(&transition).expect(202);
    cluster.start_again("mapping");
    let cancelled = wait_for(&transition, "Compensated");
    assert_cancelled(&cancelled, "mapping");
    assert!(line_states(&cancelled).iter().all(|state| *state == "NotStarted"), "{cancelled}");

    late.release();
    wait::until("the late command is refused", PATIENCE, || {
        http::counter(&cluster.metrics("mapping"), "planshift_fence_hits_total", &[("step", "mapping")]) > 0
    });
    assert_nothing_attached(&place);
    assert_eq!(place.stored().number("mapping", "SELECT count(*) FROM ownership"), 0, "and nothing ever was");
    assert_eq!(from_api(http::get(&transition).json()), cancelled);
    place.assert_verified();
}

#[test]
fn a_cancel_while_commands_wait_is_compensated() {
    let place = Place::distributed();
    let mut cluster = Cluster::start(&place);
    let customer = imported(&cluster);
    for service in ["mapping", "purchasing", "eligibility"] {
        assert_eq!(cluster.terminate(service), 0);
        let transition = start(&cluster, &customer);
        let state = match service {
            "mapping" => "MappingSubscriptions",
            "purchasing" => "PurchasingPlans",
            _ => "CheckingEligibility",
        };
        wait_for(&transition, state);
        // another start finds it, and nobody else may have the customer meanwhile
        let body = json!({ "customerId": customer, "productFamily": "Azure" });
        let refused = http::post(&format!("{}/v1/productUpgrades", cluster.api()), &body).expect(409).json();
        assert!(transition.ends_with(refused["transitionId"].as_str().unwrap()), "{refused}");
        cancel(&transition).expect(202);
        cluster.start_again(service);
        let cancelled = wait_for(&transition, "Compensated");
        assert_cancelled(&cancelled, service);
        assert_nothing_attached(&place);
        let refused = cancel(&transition).expect(409).json();
        assert_eq!(refused["errorName"], "NotAllowedInState", "{refused}");
    }
}

#[test]
fn a_cancel_after_the_pivot_is_refused() {
    let place = Place::distributed();
    let mut cluster = Cluster::start(&place);
    let customer = imported(&cluster);
    assert_eq!(cluster.terminate("suspension"), 0);
    let transition = start(&cluster, &customer);
    wait_for(&transition, "SuspendingCommerce");
    let refused = cancel(&transition).expect(409).json();
    assert_eq!(refused["errorName"], "PastThePivot", "{refused}");
    cluster.start_again("suspension");
    let completed = wait_for(&transition, "Completed");
    assert_eq!(line_states(&completed), ["Completed", "Completed"], "{completed}");
    cancel(&transition).expect(409);
}
