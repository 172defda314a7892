//! `--fail`: before the pivot a transition is compensated and everything is as it was; past it an operator is needed, and a
//! resumed transition completes. Embedded and distributed.

use planshift_tests::{
    accounts,
    outcome::{Ran, assert_as_it_was, items, line, line_states},
    place::Place,
    program::Program,
};
use serde_json::{Value, json};

/// A line of the sample, not its first or last.
fn second_line(transition: &Value) -> &Value {
    &items(&transition["lines"])[1]
}

/// What the sample would come to, without leaving anything behind.
fn without_a_fault(sample: &str) -> Value {
    Ran::of(&Place::embedded().run(&accounts::sample(sample), &[])).only().clone()
}

fn a_refused_mapping_is_compensated(place: &Place) {
    let document = accounts::sample("direct-one-plan");
    let victim = second_line(&without_a_fault("direct-one-plan"))["azureSubscriptionId"].as_str().unwrap().to_owned();
    let outcome = place.run(&document, &["--fail", &format!("mapping={}", victim.to_uppercase())]);
    assert_eq!(outcome.code, 3, "{outcome}");
    let ran = Ran::of(&outcome);
    let failed = ran.only();
    assert_eq!(failed["state"], "Compensated", "{failed}");
    assert_eq!(failed["failure"]["step"], "mapping", "{failed}");
    assert_eq!(failed["failure"]["resourceId"], victim.as_str(), "{failed}");
    assert_eq!(failed["failure"]["code"], "FaultInjected", "{failed}");
    assert_eq!(line(failed, &victim)["error"]["code"], "FaultInjected", "{failed}");
    // one packet: the others of it were mapped, and given back
    for state in items(&failed["lines"]) {
        let expected = if state["azureSubscriptionId"] == victim.as_str() { "Failed" } else { "Compensated" };
        assert_eq!(state["state"], expected, "{failed}");
    }
    assert_as_it_was(failed);
    let stored = place.stored();
    assert_eq!(stored.number("mapping", "SELECT count(*) FROM azure_subscriptions WHERE plan_id IS NOT NULL"), 0);
    assert_eq!(stored.number("suspension", "SELECT count(*) FROM commerce_subscriptions WHERE status <> 'active'"), 0);

    the_next_run_completes_and_reuses_the_plans(place, "direct-one-plan", failed);
}

fn the_next_run_completes_and_reuses_the_plans(place: &Place, sample: &str, failed: &Value) {
    place.assert_verified();
    let ran = Ran::of(&place.run(&accounts::sample(sample), &[]));
    let completed = ran.only();
    assert_eq!(completed["state"], "Completed", "{completed}");
    assert_ne!(completed["transitionId"], failed["transitionId"]);
    assert_eq!(completed["adopted"], false);
    for bought in items(&failed["plans"]) {
        let plan = items(&completed["plans"]).iter().find(|plan| plan["planId"] == bought["planId"]);
        let plan = plan.unwrap_or_else(|| panic!("{} is not used again: {completed}", bought["planId"]));
        assert_eq!((&plan["reused"], &plan["status"]), (&json!(true), &json!("active")), "{plan}");
    }
    let again = Ran::of(&place.run(&accounts::sample(sample), &[]));
    assert_eq!((&again.only()["transitionId"], &again.only()["adopted"]), (&completed["transitionId"], &json!(true)));
    place.assert_verified();
}

fn a_refused_purchase_is_compensated(place: &Place) {
    let document = accounts::sample("two-resellers");
    let outcome = place.run(&document, &["--fail", "purchasing=4847433"]);
    let ran = Ran::of(&outcome);
    let failed = ran.only();
    assert_eq!((outcome.code, &failed["state"]), (3, &json!("Compensated")), "{failed}");
    let failure = &failed["failure"];
    assert_eq!(
        (&failure["step"], &failure["resourceId"], &failure["code"]),
        (&json!("purchasing"), &json!("4847433"), &json!("FaultInjected"))
    );
    assert!(line_states(failed).iter().all(|state| *state == "NotStarted"), "nothing was mapped: {failed}");
    assert_as_it_was(failed);
    assert_eq!(items(&failed["plans"]).len(), 1, "the other reseller's plan was bought, and suspended: {failed}");
    assert_eq!(place.stored().number("mapping", "SELECT count(*) FROM ownership"), 0);
    the_next_run_completes_and_reuses_the_plans(place, "two-resellers", failed);
}

fn a_refused_suspension_needs_an_operator(place: &Place) {
    let document = accounts::sample("direct-one-plan");
    let victim = second_line(&without_a_fault("direct-one-plan")).clone();
    let azure = victim["azureSubscriptionId"].as_str().unwrap();
    let option = format!("suspension={}", victim["commerceSubscriptionId"].as_str().unwrap());
    let outcome = place.run(&document, &["--fail", &option]);
    let ran = Ran::of(&outcome);
    let stuck = ran.only().clone();
    assert_eq!((outcome.code, &stuck["state"]), (3, &json!("NeedsOperator")), "{stuck}");
    assert_eq!((&stuck["failure"]["step"], &stuck["failure"]["code"]), (&json!("suspension"), &json!("FaultInjected")), "{stuck}");
    assert!(stuck["endedAt"].is_null(), "it is not at an end: {stuck}");
    for at in items(&stuck["lines"]) {
        let (state, status) = if at["azureSubscriptionId"] == azure { ("Failed", "active") } else { ("Completed", "suspended") };
        assert_eq!((&at["state"], &at["commerceStatus"]), (&json!(state), &json!(status)), "{stuck}");
        assert!(!at["planId"].is_null(), "past the pivot every line is under its plan: {stuck}");
    }

    place.assert_verified();

    // the same run again, now without the fault, finds it where it is and changes nothing
    let outcome = place.run(&document, &[]);
    let ran = Ran::of(&outcome);
    let mut adopted = stuck.clone();
    adopted["adopted"] = true.into();
    assert_eq!((outcome.code, ran.only()), (3, &adopted));

    let id = stuck["transitionId"].as_str().unwrap();
    let served = place.serve();
    let client = |command: &str, more: &[&str]| Program::planshift([command, id, "--api", &served.api]).args(more).run();
    client("cancel", &["--reason", "too late"]).expect(1);
    client("resume", &["--reason", "the fault is gone"]).expect(0);
    client("watch", &[]).expect(0);
    let printed = client("status", &["--json"]).expect(0).json();
    assert_eq!(printed[0]["state"], "Completed", "{}", printed[0]);
    assert_eq!(printed[0]["plans"], stuck["plans"]);
    assert!(items(&printed[0]["lines"]).iter().all(|line| line["commerceStatus"] == "suspended"), "{}", printed[0]);
    served.stop();

    let ran = Ran::of(&place.run(&document, &[]));
    assert_eq!((&ran.only()["state"], &ran.only()["transitionId"]), (&json!("Completed"), &stuck["transitionId"]));
    place.assert_verified();
}

macro_rules! both_ways {
    ($($embedded:ident, $distributed:ident: $test:ident;)*) => { $(
        #[test]
        fn $embedded() {
            $test(&Place::embedded());
        }
        #[test]
        fn $distributed() {
            $test(&Place::distributed());
        }
    )* };
}
both_ways! {
    a_refused_mapping_is_compensated_embedded, a_refused_mapping_is_compensated_distributed: a_refused_mapping_is_compensated;
    a_refused_purchase_is_compensated_embedded, a_refused_purchase_is_compensated_distributed: a_refused_purchase_is_compensated;
    a_refused_suspension_needs_an_operator_embedded, a_refused_suspension_needs_an_operator_distributed: a_refused_suspension_needs_an_operator;
}
