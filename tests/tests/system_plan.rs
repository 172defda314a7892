//! A plan before a start, from a document in lines: the start does exactly what was shown, or nothing; and what happens is told live.
//! Embedded and distributed.

use planshift_tests::{http, outcome::Ran, outcome::items, place::Place, program::Program};
use serde_json::{Value, json};
use std::fs;

const SUBSCRIPTIONS: u64 = 120;

fn client(api: &str, args: &[&str], code: i32) -> Value {
    Program::planshift(args).args(["--api", api, "--json"]).run().expect(code).json().remove(0)
}

/// The events of a stream that ends by itself: names and data.
fn events(url: &str) -> Vec<(String, Value)> {
    let text = http::get(url).expect(200).body;
    let field = |block: &str, name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    let event = |block: &str| Some((field(block, "event: ")?, serde_json::from_str(&field(block, "data: ")?).expect("JSON")));
    text.split("\n\n").filter_map(event).collect()
}

fn a_start_keeps_to_its_plan(place: &Place) {
    let folder = tempfile::tempdir().expect("a folder for a document");
    let document = folder.path().join("accounts.ndjson");
    let sample = ["sample", "--ndjson", "--customers", "2", "--subscriptions", &SUBSCRIPTIONS.to_string()];
    fs::write(&document, Program::planshift(sample).run().expect(0).stdout).expect("a document written");
    let document = document.display().to_string();
    let served = place.serve();
    let api = served.api.as_str();
    assert_eq!(client(api, &["import", &document], 0)["imported"], 2);
    let text = fs::read_to_string(&document).expect("the document");
    let customer: Value = serde_json::from_str(text.lines().nth(1).expect("a customer")).expect("JSON");
    let customer = customer["id"].as_str().expect("an id").to_owned();

    let plan = client(api, &["plan", "--customer", &customer], 0);
    assert_eq!((&plan["isEligible"], &plan["subscriptionsTotal"]), (&json!(true), &json!(SUBSCRIPTIONS)), "{plan}");
    let resellers: Vec<_> =
        items(&plan["groups"]).iter().map(|group| (group["partnerId"].clone(), group["subscriptionsTotal"].clone())).collect();
    assert!(items(&plan["groups"]).iter().all(|group| group["plan"]["action"] == "buy"), "{plan}");
    let hash = plan["planHash"].as_str().expect("a hash").to_owned();

    // another plan than the one that was shown: nothing happens
    let other = "0".repeat(64);
    let refused = client(api, &["start", "--customer", &customer, "--plan-hash", &other, "--wait"], 3);
    assert_eq!((&refused["state"], &refused["reasons"][0]["code"]), (&json!("Ineligible"), &json!("PlanChanged")), "{refused}");
    assert!(items(&refused["plans"]).is_empty() && items(&refused["lines"]).is_empty());

    // the one that was shown: exactly that
    let done = client(api, &["start", "--customer", &customer, "--plan-hash", &hash, "--wait"], 0);
    let plans: Vec<_> = items(&done["plans"]).iter().map(|plan| plan["partnerId"].clone()).collect();
    assert_eq!(plans, resellers.iter().map(|(reseller, _)| reseller.clone()).collect::<Vec<_>>());
    assert_eq!(items(&done["lines"]).len() as u64, SUBSCRIPTIONS);

    // what happened, as it was told
    let id = done["transitionId"].as_str().expect("an id");
    let told = events(&format!("{api}/v1/productUpgrades/{id}/events"));
    let history = http::get(&format!("{api}/v1/productUpgrades/{id}/history")).expect(200).json();
    let entries: Vec<_> = told.iter().filter(|(name, _)| name == "history").map(|(_, data)| data["hash"].clone()).collect();
    assert_eq!(entries, items(&history["items"]).iter().map(|entry| entry["hash"].clone()).collect::<Vec<_>>());
    let (name, end) = told.last().expect("an end");
    assert_eq!((name.as_str(), &end["percent"], &end["linesChanged"]), ("end", &json!(100), &json!(SUBSCRIPTIONS)));

    // and the same hash again is none of what there is to do now
    let url = format!("{api}/v1/productUpgrades");
    let body = json!({ "customerId": customer, "productFamily": "Azure", "planHash": hash });
    let again = http::post(&url, &body).expect(409).json();
    assert_eq!(again["errorName"], "PlanChanged", "{again}");
    served.stop();

    // a run of the same document takes it as it is
    let ran = Ran::of(&place.run(document.as_ref(), &[]).expect(0));
    assert_eq!(ran.count("Completed"), 2);
    place.assert_verified();
}

#[test]
fn embedded() {
    a_start_keeps_to_its_plan(&Place::embedded());
}

#[test]
fn distributed() {
    a_start_keeps_to_its_plan(&Place::distributed());
}
