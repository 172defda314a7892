//! The trace of a transition, as an OTLP receiver gets it: one root, no orphan, and exactly the messages that there are between services.

use planshift_tests::{
    accounts,
    otlp::{Receiver, Trace},
    outcome::Ran,
    place::Place,
};
use std::collections::BTreeSet;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Runs a sample with everything in one process, which has sent its spans when it ends.
fn traced(place: &Place, sample: &str, fault: Option<&str>, code: i32) -> (Ran, Receiver) {
    let receiver = Receiver::start();
    let document = accounts::sample(sample).display().to_string();
    let fail: Vec<&str> = fault.iter().flat_map(|fault| ["--fail", *fault]).collect();
    let program = place.program(&["run", &document, "--json"]).args(fail).env(ENDPOINT, receiver.endpoint());
    (Ran::of(&program.run().expect(code)), receiver)
}

fn trace(ran: &Ran, receiver: &Receiver) -> Trace {
    let id = ran.only()["transitionId"].as_str().unwrap().to_owned();
    let trace = receiver.trace_of(&id);
    let root = trace.root();
    assert_eq!((root.name.as_str(), root.service.as_str()), ("POST /v1/productupgrades", "planshift-gateway"));
    for span in &trace.0 {
        let named = (span.kind, span.name.split(' ').next().unwrap_or_default());
        let is_known = matches!(named, ("Server", "POST") | ("Producer", "send") | ("Client", "receive") | ("Consumer", "process"))
            || span.kind == "Client" && !span.attribute("db.system.name").is_empty();
        assert!(is_known && span.times.0 <= span.times.1, "{span:#?}");
        if span.kind == "Consumer" && !span.attribute("planshift.message.type").starts_with("AccountImported") {
            assert_eq!(
                span.attribute("planshift.transition.id").is_empty(),
                span.attribute("planshift.message.type") == "StartTransition.v1",
                "{span:#?}"
            );
            assert_eq!(span.attribute("planshift.attempt"), "1");
        }
    }
    trace
}

fn expected(messages: &[(&str, &str, &str)]) -> BTreeSet<(String, String, String)> {
    messages.iter().map(|(from, kind, to)| ((*from).to_owned(), (*kind).to_owned(), (*to).to_owned())).collect()
}

const UNTIL_MAPPED: [(&str, &str, &str); 8] = [
    ("gateway", "StartTransition.v1", "coordinator"),
    ("coordinator", "CheckEligibility.v1", "eligibility"),
    ("eligibility", "EligibilityChecked.v1", "coordinator"),
    ("coordinator", "PurchasePlans.v1", "purchasing"),
    ("purchasing", "PlansAnswered.v1", "coordinator"),
    ("coordinator", "MapSubscriptions.v1", "mapping"),
    ("mapping", "MappingAnswered.v1", "coordinator"),
    ("coordinator", "TransitionChanged.v1", "gateway"),
];

fn a_transition_that_completes(place: &Place) {
    let (ran, receiver) = traced(place, "two-resellers", None, 0);
    let trace = trace(&ran, &receiver);
    let suspended = [("coordinator", "SuspendSubscriptions.v1", "suspension"), ("suspension", "SuspensionAnswered.v1", "coordinator")];
    let released = [("coordinator", "ReleaseEligibility.v1", "eligibility"), ("eligibility", "EligibilityReleased.v1", "coordinator")];
    let mut wanted = expected(&[&UNTIL_MAPPED[..], &suspended].concat());
    wanted.extend(trace.messages().intersection(&expected(&released)).cloned());
    assert_eq!(trace.messages(), wanted);
    assert!(trace.failed().is_empty(), "{:#?}", trace.failed());
    // what belongs to the import before it is of no transition
    let spans = receiver.spans();
    let mut of_import = spans.iter().filter(|span| span.attribute("planshift.message.type").starts_with("Take")).peekable();
    assert!(of_import.peek().is_some() && of_import.all(|span| span.attribute("planshift.transition.id").is_empty()));
}

fn a_transition_that_is_compensated(place: &Place) {
    let line = Ran::of(&Place::embedded().run(&accounts::sample("direct-one-plan"), &[])).only()["lines"][1].clone();
    let fault = format!("mapping={}", line["azureSubscriptionId"].as_str().unwrap());
    let (ran, receiver) = traced(place, "direct-one-plan", Some(&fault), 3);
    let trace = trace(&ran, &receiver);
    for undo in [("coordinator", "UndoMapSubscriptions.v1", "mapping"), ("coordinator", "UndoPurchasePlans.v1", "purchasing")] {
        assert!(trace.messages().is_superset(&expected(&[undo])), "{undo:?}: {:#?}", trace.messages());
    }
    // where it turned is seen at a glance, and so is its end
    let turned: Vec<&str> = trace.failed().iter().map(|span| span.attribute("planshift.transition.state")).collect();
    assert!(turned.contains(&"Compensating") && turned.contains(&"Compensated"), "{turned:?}");
    assert!(trace.failed().iter().all(|span| span.service == "planshift-coordinator" && span.kind == "Consumer"));
}

#[test]
fn a_transition_that_completes_is_one_trace_embedded() {
    a_transition_that_completes(&Place::embedded());
}

#[test]
fn a_transition_that_completes_is_one_trace_on_servers() {
    a_transition_that_completes(&Place::distributed());
}

#[test]
fn a_transition_that_is_compensated_is_one_trace_embedded() {
    a_transition_that_is_compensated(&Place::embedded());
}

#[test]
fn a_transition_that_is_compensated_is_one_trace_on_servers() {
    a_transition_that_is_compensated(&Place::distributed());
}
