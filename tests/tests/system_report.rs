//! The failure report: the same text from the command line, the API, and the end of a run.

use planshift_tests::{
    accounts, http,
    outcome::{Ran, items},
    place::Place,
    program::Program,
};

fn the_report_is_one_text(place: &Place, sample: &str, fault: Option<&str>, tells: &[&str]) {
    let document = accounts::sample(sample).display().to_string();
    let fail: Vec<&str> = fault.iter().flat_map(|fault| ["--fail", *fault]).collect();
    let printed = place.program(&["run", &document]).args(fail).run().expect(3).stdout;
    let served = place.serve();
    let list = Program::planshift(["list", "--json", "--api", &served.api]).run().expect(0).json();
    let failed: Vec<&str> = items(&list[0]["items"])
        .iter()
        .filter(|item| item["state"] != "Completed")
        .filter_map(|item| item["transitionId"].as_str())
        .collect();
    assert!(!failed.is_empty());
    for id in &failed {
        let told = Program::planshift(["report", id, "--api", &served.api]).run().expect(0).stdout;
        let answered = http::get(&format!("{}/v1/productUpgrades/{id}/report", served.api)).expect(200).body;
        assert_eq!(told.trim_end(), answered.trim_end(), "the command line and the API");
        assert!(printed.contains(told.trim_end()), "the end of the run has another text:\n{printed}\n-- than the report:\n{told}");
        assert!(told.contains(*id), "it names the transition:\n{told}");
        let found = |filter: &[&str]| {
            let listed = Program::planshift(["list", "--json", "--api", &served.api]).args(filter).run().expect(0).json();
            items(&listed[0]["items"]).iter().any(|item| item["transitionId"] == **id)
        };
        assert!(
            found(&["--id", id]) && found(&["--q", "local"]) && found(&["--started-after", "2020-01-01T00:00:00Z", "--older-than", "0s"])
        );
        assert!(
            !found(&["--status", "pending"])
                && !found(&["--q", "nobody has this"])
                && !found(&["--started-before", "2020-01-01T00:00:00Z"])
        );
    }
    for word in tells {
        assert!(printed.contains(word), "{word} is not told:\n{printed}");
    }
    served.stop();
}

#[test]
fn the_report_of_a_compensated_transition_is_one_text() {
    let transition = Ran::of(&Place::embedded().run(&accounts::sample("direct-one-plan"), &[])).only().clone();
    let azure = transition["lines"][1]["azureSubscriptionId"].as_str().unwrap();
    let fault = format!("mapping={azure}");
    the_report_is_one_text(&Place::embedded(), "direct-one-plan", Some(&fault), &["FaultInjected", azure]);
}

#[test]
fn the_report_of_a_transition_that_needs_an_operator_is_one_text() {
    let transition = Ran::of(&Place::embedded().run(&accounts::sample("direct-one-plan"), &[])).only().clone();
    let commerce = transition["lines"][1]["commerceSubscriptionId"].as_str().unwrap();
    let fault = format!("suspension={commerce}");
    the_report_is_one_text(&Place::distributed(), "direct-one-plan", Some(&fault), &["FaultInjected", commerce, "planshift resume"]);
}

#[test]
fn the_reports_of_refused_customers_are_one_text() {
    the_report_is_one_text(&Place::embedded(), "blocked", None, &["ResellerRelationshipMissing", "ResellerAgreementMissing"]);
}
