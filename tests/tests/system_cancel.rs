//! A cancel before the pivot undoes everything, also what is still on its way; after the pivot it is refused.

use planshift_tests::{
    accounts,
    cluster::Cluster,
    http,
    outcome::{Ran, assert_as_it_was, check_transition, line_states},
    place::Place,
    program::PATIENCE,
    wait,
};
use serde_json::{Value, json};

/// Starts the sample's customer through the API, and gives the transition's address.
fn start(cluster: &Cluster<'_>, sample: &str) -> String {
    let api = cluster.api();
    let document = accounts::read(&accounts::sample(sample));
    let imported = http::post(&format!("{api}/v1/accounts"), &document).expect(200).json();
    assert_eq!(imported["refused"], json!([]), "{imported}");
    let customer = &document["customers"][0]["id"];
    let body = json!({ "customerId": customer, "productFamily": "Azure" });
    let started = http::post(&format!("{api}/v1/productUpgrades"), &body).expect(202);
    let location = started.location.expect("a Location");
    assert!(!location.starts_with("http"), "the Location is relative: {location}");
    format!("{api}/v1/productUpgrades/{}", location.rsplit('/').next().unwrap_or_default())
}

fn wait_for(transition: &str, state: &str) -> Value {
    wait::until_some(&format!("{transition} is {state}"), PATIENCE, || {
        let answer = http::get(transition);
        let transition = answer.json();
        (answer.status == 200 && transition["state"] == state).then_some(transition)
    })
}

#[test]
fn a_cancel_under_way_fences_the_command_that_comes_late() {
    let place = Place::distributed();
    let mut cluster = Cluster::start(&place);
    // the command to map waits in the queue while nobody takes it
    assert_eq!(cluster.terminate("mapping"), 0);
    let mapping_has_its_facts = cluster.start_mapping_for_the_import(|cluster| start(cluster, "two-resellers"));
    let transition = mapping_has_its_facts;
    wait_for(&transition, "MappingSubscriptions");
    http::post(&format!("{transition}/cancel"), &json!({ "reason": "the customer changed its mind" })).expect(202);
    wait_for(&transition, "Compensating");
    http::post(&format!("{transition}/resume"), &json!({})).expect(409);
    cluster.start_again("mapping");
    let cancelled = wait_for(&transition, "Compensated");
    check_transition(&cancelled);
    assert_eq!(cancelled["failure"]["code"], "Cancelled", "{cancelled}");
    assert_eq!(cancelled["failure"]["step"], "mapping", "{cancelled}");
    assert_as_it_was(&cancelled);
    let _ = line_states;
}
