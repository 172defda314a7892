//! Events that are lost with the broker, after it had confirmed them: the gateway asks for what they told.

use planshift_tests::{accounts, cluster::Cluster, http, place::Place, program::PATIENCE, wait};
use serde_json::json;

#[test]
fn an_end_that_the_broker_has_lost_is_told_again() {
    let place = Place::distributed();
    let Place::Distributed(servers) = &place else { unreachable!("it is distributed") };
    let mut cluster = Cluster::start(&place);
    let document = accounts::read(&accounts::sample("direct-one-plan"));
    http::post(&format!("{}/v1/accounts", cluster.api()), &document).expect(200);
    assert_eq!(cluster.terminate("mapping"), 0);
    let body = json!({ "customerId": document["customers"][0]["id"], "productFamily": "Azure" });
    let started = http::post(&format!("{}/v1/productUpgrades", cluster.api()), &body).expect(202);
    let id = started.location.expect("a Location").rsplit('/').next().unwrap_or_default().to_owned();
    let transition = format!("{}/v1/productUpgrades/{id}", cluster.api());
    wait::until("mapping is waited for", PATIENCE, || http::get(&transition).json()["state"] == "MappingSubscriptions");
    assert_eq!(cluster.terminate("gateway"), 0);
    cluster.start_again("mapping");
    let stored = place.stored();
    let ended = "SELECT count(*) FROM transitions WHERE ended_at IS NOT NULL AND sent = version";
    wait::until("it has ended, and the broker has confirmed what tells so", PATIENCE, || stored.number("coordinator", ended) == 1);
    servers.empty("planshift.gateway");
    cluster.start_again("gateway");
    cluster.wait_until_ready();
    let shown = || http::get(&transition).json();
    assert_eq!(shown()["state"], "MappingSubscriptions", "nobody has told it");
    wait::until("it was asked for", PATIENCE, || shown()["state"] == "Completed");
    assert!(shown()["lines"].as_array().unwrap().iter().all(|line| line["state"] == "Completed"));
    place.assert_verified();
}
