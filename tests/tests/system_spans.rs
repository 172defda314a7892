//! The trace of a transition, as an OTLP receiver gets it: one root, no orphan, and exactly the messages that there are between services.

use planshift_tests::{
    accounts,
    cluster::Cluster,
    otlp::{Receiver, Span, Trace},
    outcome::Ran,
    picture,
    place::{Distributed, Place},
    wait,
};
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};

/// How long spans may take until they are there: they are sent every two seconds.
const SENT_WITHIN: Duration = Duration::from_secs(30);
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

const SUSPENDED: [(&str, &str, &str); 2] =
    [("coordinator", "SuspendSubscriptions.v1", "suspension"), ("suspension", "SuspensionAnswered.v1", "coordinator")];

fn a_transition_that_completes(place: &Place) {
    let (ran, receiver) = traced(place, "two-resellers", None, 0);
    let trace = trace(&ran, &receiver);
    assert_eq!(trace.messages(), expected(&[&UNTIL_MAPPED[..], &SUSPENDED].concat()));
    assert!(trace.failed().is_empty(), "{:#?}", trace.failed());
    // what belongs to the import before it is of no transition
    let spans = receiver.spans();
    let mut of_import = spans.iter().filter(|span| span.attribute("planshift.message.type").starts_with("Take")).peekable();
    assert!(of_import.peek().is_some() && of_import.all(|span| span.attribute("planshift.transition.id").is_empty()));
}

fn a_transition_that_is_compensated(place: &Place) -> Trace {
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
    trace
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
    let trace = a_transition_that_is_compensated(&Place::distributed());
    let drawn = picture::draw(&trace);
    assert!(drawn.contains("POST /v1/productupgrades") && drawn.contains("UndoMapSubscriptions.v1"), "{drawn}");
    // the picture of the documentation: another one each time, so it is not held against this one
    if std::env::var_os("PLANSHIFT_UPDATE_DOCS").is_some_and(|value| value == "1") {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/images/trace.svg"), drawn).unwrap();
    }
}

/// Imports a sample into services that are processes of their own, does `before` to them, starts the customer, does `meanwhile`, waits
/// for the transition's end, and stops all of them, so that everything that was recorded is sent.
fn traced_apart(
    place: &Place,
    before: impl FnOnce(&mut Cluster<'_>),
    meanwhile: impl FnOnce(&mut Cluster<'_>, &Distributed, &Receiver),
) -> (Receiver, Trace) {
    let Place::Distributed(servers) = place else { panic!("processes of their own need a distributed place") };
    let receiver = Receiver::start();
    let mut cluster = Cluster::with(place, |_| 1, &[(ENDPOINT, receiver.endpoint())]);
    let document = accounts::sample("direct-one-plan");
    cluster.planshift(&["import", &document.display().to_string()]).expect(0);
    before(&mut cluster);
    let customer = accounts::read(&document)["customers"][0]["id"].as_str().unwrap().to_owned();
    let started = cluster.planshift(&["start", "--customer", &customer, "--json"]).expect(0).json().remove(0);
    meanwhile(&mut cluster, servers, &receiver);
    let id = started["transitionId"].as_str().unwrap_or_else(|| panic!("a transition: {started}")).to_owned();
    cluster.planshift(&["watch", &id]).expect(0);
    for service in ["coordinator", "eligibility", "purchasing", "mapping", "suspension", "gateway"] {
        assert_eq!(cluster.terminate(service), 0, "{service}");
    }
    let trace = receiver.trace_of(&id);
    assert_eq!(trace.root().name, "POST /v1/productupgrades");
    let of_customer = |span: &&Span| span.attribute("planshift.customer.id") == customer;
    assert!(trace.0.iter().filter(of_customer).any(|span| span.attribute("planshift.message.type") == "MapSubscriptions.v1"));
    (receiver, trace)
}

/// The attempts at a command, in the order of their times.
fn attempts<'a>(trace: &'a Trace, kind: &str) -> Vec<&'a Span> {
    let of_kind = |span: &&Span| span.kind == "Consumer" && span.attribute("planshift.message.type") == kind;
    let mut found: Vec<&Span> = trace.0.iter().filter(of_kind).collect();
    found.sort_by_key(|span| span.times);
    found
}

#[test]
fn each_attempt_is_linked_to_the_one_before_it() {
    let place = Place::distributed();
    // mapping lacks the version of the facts that the command is about: it waits for it, again and again
    let versions =
        |change: &str| place.stored().change("mapping", &format!("UPDATE customers SET complete_version = complete_version {change}"));
    let failed = |receiver: &Receiver| {
        let spans = receiver.spans();
        spans.iter().filter(|span| span.error.is_some() && span.service == "planshift-mapping" && span.kind == "Consumer").count()
    };
    let (_, trace) = traced_apart(
        &place,
        |_| versions("- 1"),
        |_, _, receiver| {
            wait::until("mapping has tried twice", SENT_WITHIN, || failed(receiver) >= 2);
            versions("+ 1");
        },
    );
    assert_eq!(trace.messages(), expected(&[&UNTIL_MAPPED[..], &SUSPENDED].concat()));
    let attempts = attempts(&trace, "MapSubscriptions.v1");
    assert!(attempts.len() >= 3, "{attempts:#?}");
    for (index, pair) in attempts.windows(2).enumerate() {
        let [before, after] = pair else { unreachable!("two of them") };
        assert!(before.error.as_deref().is_some_and(|error| error.contains("not here yet")), "{before:#?}");
        assert_eq!((before.attribute("planshift.attempt"), &after.links), ((index + 1).to_string().as_str(), &vec![before.id.clone()]));
        let above = |span: &Span| -> Vec<String> {
            let producer = |span: &Span| trace.above(span).map(|above| above.parent.clone());
            [trace.above(span).and_then(producer)].into_iter().flatten().collect()
        };
        assert_eq!(above(before), above(after), "both beneath the span that sent the command");
    }
    assert!(attempts[0].links.is_empty() && attempts.last().unwrap().error.is_none(), "{attempts:#?}");
}

#[test]
fn what_is_redriven_goes_on_in_its_trace_and_is_linked_to_who_ordered_it() {
    let place = Place::distributed();
    let (receiver, trace) = traced_apart(
        &place,
        |cluster| assert_eq!(cluster.terminate("mapping"), 0),
        |cluster, servers, _| {
            servers.hold("planshift.mapping").give_up();
            cluster.start_again("mapping");
            cluster.wait_until_ready();
            let redrive = cluster.planshift(&["redrive", "--all", "--reason", "it is mended", "--json"]).expect(0).json().remove(0);
            assert_eq!((&redrive["state"], &redrive["succeeded"]), (&Value::from("Done"), &Value::from(1)));
        },
    );
    let mut wanted = expected(&[&UNTIL_MAPPED[..], &SUSPENDED].concat());
    wanted.remove(&("coordinator".to_owned(), "MapSubscriptions.v1".to_owned(), "mapping".to_owned()));
    wanted.extend(expected(&[("gateway", "MapSubscriptions.v1", "mapping"), ("mapping", "MessageEnded.v1", "gateway")]));
    assert_eq!(trace.messages(), wanted);
    let [again] = attempts(&trace, "MapSubscriptions.v1")[..] else { panic!("it was processed once: {:#?}", trace.messages()) };
    let redrive = again.attribute("planshift.redrive.id").split('/').next().unwrap_or_default().to_owned();
    assert!(!redrive.is_empty(), "{again:#?}");
    let is_of_it = |span: &&Span| {
        span.kind == "Producer" && span.service == "planshift-gateway" && span.attribute("planshift.redrive.id").starts_with(&redrive)
    };
    let sent = trace.0.iter().find(is_of_it).expect("the gateway sent it again");
    // beneath the span that sent it first
    assert_eq!(trace.above(sent).map(|above| (above.kind, above.service.as_str())), Some(("Producer", "planshift-coordinator")));
    let spans = receiver.spans();
    let ordered =
        spans.iter().find(|span| span.kind == "Server" && span.attribute("planshift.redrive.id") == redrive).expect("who ordered it");
    assert_eq!((&sent.links, ordered.name.as_str()), (&vec![ordered.id.clone()], "POST /v1/deadletters/redrives"));
    assert_ne!(ordered.trace, sent.trace);
}
