//! Several processes of each service: they share the work, and nothing is done twice.

use planshift_tests::{
    accounts::{self, Document},
    cluster::Cluster,
    http::counter,
    outcome::{Ran, as_expected, in_promised_order},
    place::Place,
};

#[test]
fn several_processes_of_each_service_share_the_work() {
    let place = Place::distributed();
    let count = |service: &str| match service {
        "gateway" => 1,
        "mapping" => 3,
        _ => 2,
    };
    let cluster = Cluster::with(&place, count, &[]);
    let generated = Ran::of(&cluster.run(&Document::generated(100, 8, 41).path()).expect(0));
    place.stored().assert_exactly_once(&[generated]);
    let mapped = counter(&cluster.metrics("mapping"), "planshift_effects_total", &[("step", "mapping")]);
    assert!(mapped < 800, "one mapping worker did all the work");

    let portfolio = Ran::of(&cluster.run(&accounts::sample("portfolio")));
    for (customer, expected) in accounts::expected("portfolio") {
        assert_eq!(as_expected(&portfolio.customers[&customer]), in_promised_order(expected), "{customer}");
    }
    place.assert_verified();
}
