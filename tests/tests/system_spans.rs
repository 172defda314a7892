//! The trace of a transition, as an OTLP receiver gets it: one root, no orphan, and exactly the messages that there are between services.

use planshift_tests::{
    accounts,
    cluster::Cluster,
    letters::Caught,
    otlp::{Receiver, Span, Trace},
    outcome::Ran,
    place::Place,
    wait,
};
use std::{collections::BTreeSet, time::Duration};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// Services send their spans every two seconds.
const SENT_WITHIN: Duration = Duration::from_secs(30);

/// Runs a sample with everything in one process, which has sent its spans when it ends.
fn traced(place: &Place, sample: &str, fault: Option<&str>, code: i32) -> (Ran, Receiver) {
    let receiver = Receiver::start();
    let document = accounts::sample(sample).display().to_string();
    let fail: Vec<&str> = fault.iter().flat_map(|fault| ["--fail", *fault]).collect();
    let program = place.program(&["run", &document, "--json"]).args(fail).env(ENDPOINT, receiver.endpoint());
    (Ran::of(&program.run().expect(code)), receiver)
}

fn trace(ran: &Ran, receiver: &Receiver) -> Trace {
    looked_at(receiver.trace_of(&id_of(ran)))
}

fn id_of(ran: &Ran) -> String {
    ran.only()["transitionId"].as_str().unwrap().to_owned()
}

/// What holds of every trace of a transition.
fn looked_at(trace: Trace) -> Trace {
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

/// Those that process this type of message, in the order in which they began.
fn processed<'t>(trace: &'t Trace, kind: &str) -> Vec<&'t Span> {
    let mut found: Vec<&Span> =
        trace.0.iter().filter(|span| span.kind == "Consumer" && span.attribute("planshift.message.type") == kind).collect();
    found.sort_by_key(|span| span.times.0);
    found
}

/// The trace of a transition on a cluster, once this holds of it and everything beneath its root has come.
fn eventually(receiver: &Receiver, id: &str, what: &str, holds: impl Fn(&Trace) -> bool) -> Trace {
    let there = || receiver.spans().iter().any(|span| span.kind == "Server" && span.attribute("planshift.transition.id") == id);
    let is_whole = |trace: &Trace| trace.0.iter().all(|span| span.parent.is_empty() || trace.above(span).is_some());
    wait::until(what, SENT_WITHIN, || {
        there() && {
            let trace = receiver.trace_of(id);
            holds(&trace) && is_whole(&trace)
        }
    });
    looked_at(receiver.trace_of(id))
}

#[test]
fn a_message_that_is_retried_is_processed_again_beneath_the_span_that_sent_it() {
    let (place, receiver) = (Place::distributed(), Receiver::start());
    let cluster = Cluster::with(&place, |_| 1, &[(ENDPOINT, receiver.endpoint())]);
    let stored = place.stored();
    stored.change("mapping", "ALTER TABLE ownership RENAME TO away");
    let running = cluster.start_run(&accounts::sample("direct-one-plan"));
    let is_failed = |span: &Span| span.name == "process planshift.mapping" && span.error.is_some();
    wait::until("mapping has failed", SENT_WITHIN, || receiver.spans().iter().any(is_failed));
    stored.change("mapping", "ALTER TABLE away RENAME TO ownership");
    let ran = Ran::of(&running.finish().expect(0));
    let done = |trace: &Trace| processed(trace, "MapSubscriptions.v1").last().is_some_and(|span| span.error.is_none());
    let trace = eventually(&receiver, &id_of(&ran), "the attempts are all told", done);
    let attempts = processed(&trace, "MapSubscriptions.v1");
    let told: Vec<String> = attempts.iter().map(|span| span.attribute("planshift.attempt").to_owned()).collect();
    assert_eq!(told, (1..=attempts.len()).map(|attempt| attempt.to_string()).collect::<Vec<_>>());
    let (last, failed) = attempts.split_last().unwrap();
    assert!(!failed.is_empty() && failed.iter().all(|span| span.error.is_some()) && last.error.is_none());
    let sent = |span: &&Span| trace.above(span).and_then(|received| trace.above(received)).unwrap().id.clone();
    assert!(attempts.iter().all(|span| sent(span) == sent(last)), "all beneath the one that sent it");
}

#[test]
fn a_dead_letter_that_is_redriven_is_processed_in_the_trace_of_its_transition() {
    let (place, receiver) = (Place::distributed(), Receiver::start());
    let Place::Distributed(servers) = &place else { unreachable!("it is distributed") };
    let cluster = Cluster::with(&place, |_| 1, &[(ENDPOINT, receiver.endpoint())]);
    let mut caught = Caught::begin(servers, "mapping");
    let ran = Ran::of(&cluster.run(&accounts::sample("direct-one-plan")).expect(0));
    assert!(caught.of_type("MapSubscriptions.v1") > 0);
    caught.bury();
    let args = ["redrive", "--type", "MapSubscriptions.v1", "--rate", "500", "--reason", "once more", "--json"];
    let redrive = cluster.planshift(&args).expect(0).json().remove(0);
    let of_it =
        |trace: &Trace| processed(trace, "MapSubscriptions.v1").iter().any(|span| span.attribute("planshift.redrive.id") == redrive["id"]);
    let trace = eventually(&receiver, &id_of(&ran), "the redrive is told", of_it);
    let told = processed(&trace, "MapSubscriptions.v1");
    let [first, again] = told[..] else { panic!("processed twice: {told:#?}") };
    assert_eq!((first.attribute("planshift.redrive.id"), again.attribute("planshift.redrive.id")), ("", redrive["id"].as_str().unwrap()));
    assert!(again.error.is_none() && first.trace == again.trace);
    // what mapping answers again changes nothing, and the coordinator says so in the same trace
    assert_eq!(processed(&trace, "MappingAnswered.v1").len(), 2);
    caught.end();
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
