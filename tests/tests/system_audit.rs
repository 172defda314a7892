//! The audit, both ways: a customer from import to dossier, the dossier checked without anything beside it, and a changed byte found.

use planshift_tests::{
    accounts, http,
    outcome::{Ran, items},
    place::Place,
    program::Program,
};
use std::fs;

fn a_customer_from_import_to_dossier(place: &Place) {
    let document = accounts::sample("two-resellers").display().to_string();
    let first = Ran::of(&Place::embedded().run(&accounts::sample("two-resellers"), &[])).only().clone();
    let azure = first["lines"][1]["azureSubscriptionId"].as_str().expect("an id").to_owned();
    let customer = first["customerId"].as_str().expect("an id").to_owned();
    // refused once and undone, then moved
    let fail = format!("mapping={azure}");
    place.program(&["run", &document, "--json", "--fail", &fail]).run().expect(3);
    place.program(&["run", &document, "--json"]).run().expect(0);

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("dossier.json").display().to_string();
    let served = place.serve();
    Program::planshift(["audit", "--customer", &customer, "--out", &file, "--api", &served.api]).run().expect(0);
    let listed = http::get(&format!("{}/v1/auditrecords", served.api)).expect(200).json();
    let page = http::get(&format!("{}/v1/customers/{customer}/dossier", served.api)).expect(200);
    served.stop();

    let checked = Program::planshift(["audit", "--check", &file, "--json"]).run().expect(0).json().remove(0);
    assert_eq!((&checked["intact"], &checked["transitions"], &checked["unsealed"]), (&true.into(), &2.into(), &0.into()), "{checked}");
    let operations: Vec<&str> = items(&listed["items"]).iter().filter_map(|item| item["operationType"].as_str()).collect();
    let expected = [
        "complete_product_upgrade",
        "suspend_commerce_subscription",
        "map_azure_entitlement",
        "create_product_upgrade",
        "import_customer",
        "compensate_product_upgrade",
        "create_product_upgrade",
        "import_customer",
    ];
    assert_eq!(operations, expected, "newest first");
    assert!(page.body.contains("\"format\":\"planshift-dossier.v1\""));

    let text = fs::read_to_string(&file).expect("a dossier");
    let changed = folder.path().join("changed.json").display().to_string();
    fs::write(&changed, text.replacen("FaultInjected", "FaultInjektd", 1)).expect("a file");
    let found = Program::planshift(["audit", "--check", &changed]).run().expect(4).stdout;
    assert!(found.contains("$.transitions[0]") || found.contains("$.chain["), "it names where:\n{found}");
    Program::planshift(["audit", "--check", &document]).run().expect(2);
    place.assert_verified();
}

#[test]
fn a_customer_from_import_to_dossier_in_files() {
    a_customer_from_import_to_dossier(&Place::embedded());
}

#[test]
fn a_customer_from_import_to_dossier_on_servers() {
    a_customer_from_import_to_dossier(&Place::distributed());
}
