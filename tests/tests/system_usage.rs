//! What is wrong with input or usage is told before anything is stored or sent.

use planshift_tests::{
    accounts::{self, Document},
    place::Place,
    program::{Outcome, Program},
};
use std::path::Path;

/// Ends with 2, prints nothing for programs, and makes no data folder.
#[track_caller]
fn refused(args: &[&str]) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let outcome = Program::planshift(args).args(["--data", &data.display().to_string()]).run().expect(2);
    assert_eq!(outcome.stdout, "", "nothing on standard output");
    assert!(!outcome.stderr.trim().is_empty(), "the reason on standard error");
    assert!(!data.exists(), "no data folder is made");
    outcome
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn every_fault_of_a_document_is_told_with_its_path() {
    let mut document = accounts::read(&accounts::sample("two-resellers"));
    document["partner"]["type"] = "Wholesale".into();
    document["customers"][0]["companyProfile"]["tenantId"] = "00000000-0000-4000-8000-000000000000".into();
    document["customers"][0]["subscriptions"][1]["status"] = "resting".into();
    document["customers"][0]["subscriptions"][0]["creationDate"] = "yesterday".into();
    let document = Document::of(&document.to_string());
    let told = refused(&["run", &text(&document.path()), "--json"]).stderr;
    for path in [
        "partner.type",
        "customers[0].companyProfile.tenantId",
        "customers[0].subscriptions[1].status",
        "customers[0].subscriptions[0].creationDate",
    ] {
        assert!(told.contains(path), "{path} is not named:\n{told}");
    }
    assert!(told.contains("resting") && told.contains("Wholesale"), "what stood there:\n{told}");
}

#[test]
fn what_is_no_document_is_refused() {
    for text_of_it in ["", "{", "[]", "{\"partner\":{}}", "not JSON"] {
        let document = Document::of(text_of_it);
        refused(&["run", &text(&document.path())]);
    }
    refused(&["run", "/no/such/file.json"]);
}

#[test]
fn wrong_usage_is_refused() {
    let document = text(&accounts::sample("two-resellers"));
    let run = |more: &[&str]| refused(&[&["run", document.as_str(), "--json"], more].concat()).stderr;
    let told = run(&["--customer", "00000000-0000-4000-8000-00000000abcd"]);
    assert!(told.contains("00000000-0000-4000-8000-00000000abcd"), "{told}");
    run(&["--customer", "somebody"]);
    run(&["--fail", "mapping"]);
    run(&["--fail", "eligibility=4847383"]);
    run(&["--fail", "purchasing=somebody"]);
    // valid, but in no transition of this run: an unknown one, the partner's own group, another step's
    for item in [
        "mapping=00000000-0000-4000-8000-00000000abcd",
        "purchasing=none",
        "purchasing=1",
        "suspension=00000000-0000-4000-8000-00000000abcd",
    ] {
        let told = run(&["--fail", item]);
        assert!(told.contains(item.split_once('=').unwrap().1), "{told}");
    }
    run(&["--api", "http://127.0.0.1:1", "--fail", "purchasing=4847383"]);
    let told = run(&["--database", "postgres://127.0.0.1:1/x"]);
    assert!(told.contains("--broker"), "{told}");
    let told = run(&["--broker", "amqp://127.0.0.1:1"]);
    assert!(told.contains("--database"), "{told}");
    run(&["--no-such-option"]);
}

/// The API refuses the same documents whole, with all faults.
#[test]
fn the_api_refuses_a_faulty_document_with_all_faults() {
    let place = Place::embedded();
    let served = place.serve();
    let mut document = accounts::read(&accounts::sample("two-resellers"));
    document["partner"]["type"] = "Wholesale".into();
    document["customers"][0]["subscriptions"][1]["status"] = "resting".into();
    let answer = planshift_tests::http::post(&format!("{}/v1/accounts", served.api), &document).expect(400).json();
    let faults =
        answer["data"].as_array().map(|data| data.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")).unwrap_or_default();
    assert!(faults.contains("partner.type") && faults.contains("customers[0].subscriptions[1].status"), "{answer}");
    served.stop();
    assert_eq!(place.stored().number("coordinator", "SELECT count(*) FROM customers"), 0, "nothing is stored");
}
