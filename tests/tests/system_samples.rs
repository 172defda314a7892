//! Every sample comes to its expected outcome, all three ways, and a second run adopts what is there.

use planshift_tests::{
    accounts::{self, SAMPLES},
    cluster::Cluster,
    outcome::{Ran, as_expected, in_promised_order},
    place::Place,
    program::Outcome,
};
use std::path::Path;

/// Runs a sample twice.
fn comes_out_as_expected(sample: &str, run: impl Fn(&Path) -> Outcome) {
    let document = accounts::sample(sample);
    let outcome = run(&document);
    let first = Ran::of(&outcome);
    let expected = accounts::expected(sample);
    assert!(first.customers.keys().eq(expected.keys().collect::<std::collections::BTreeSet<_>>()), "{sample}: the document's customers");
    for (customer, expected) in &expected {
        let printed = &first.customers[customer];
        assert_eq!(as_expected(printed), in_promised_order(expected.clone()), "{sample}: {printed}");
        assert_eq!(printed["adopted"], false, "{sample}: {printed}");
    }

    let outcome = run(&document);
    let second = Ran::of(&outcome);
    for (customer, before) in &first.customers {
        let after = &second.customers[customer];
        if before["state"] == "Completed" {
            let mut adopted = before.clone();
            adopted["adopted"] = true.into();
            assert_eq!(after, &adopted, "{sample}: the transition that has completed is adopted as it is");
        } else {
            assert_eq!(as_expected(after), as_expected(before), "{sample}: refused for the same reasons");
        }
    }
    assert_eq!(first.summary["completed"], second.summary["completed"], "{sample}");
}

fn hosted_in_one_process(place: impl Fn() -> Place) {
    for sample in SAMPLES {
        let place = place();
        comes_out_as_expected(sample, |document| place.run(document, &[]));
        place.assert_verified();
    }
}

#[test]
fn samples_embedded() {
    hosted_in_one_process(Place::embedded);
}

#[test]
fn samples_distributed_in_one_process() {
    hosted_in_one_process(Place::distributed);
}

#[test]
fn samples_with_every_service_as_a_process() {
    let place = Place::distributed();
    let cluster = Cluster::start(&place);
    for sample in SAMPLES {
        comes_out_as_expected(sample, |document| cluster.run(document));
    }
    place.assert_verified();
}

/// Only the customers that are asked for are imported and moved, whatever the case of their ids.
#[test]
fn only_the_customers_asked_for_are_moved() {
    let place = Place::embedded();
    let expected = accounts::expected("portfolio");
    let chosen: Vec<&String> = expected.keys().take(3).collect();
    let shouted: Vec<String> = chosen.iter().map(|id| id.to_uppercase()).collect();
    let options: Vec<&str> = shouted.iter().flat_map(|id| ["--customer", id.as_str()]).collect();
    let ran = Ran::of(&place.run(&accounts::sample("portfolio"), &options));
    assert!(ran.customers.keys().eq(chosen.into_iter().collect::<std::collections::BTreeSet<_>>()));
    assert_eq!(place.stored().number("coordinator", "SELECT count(*) FROM customers"), 3);
}
