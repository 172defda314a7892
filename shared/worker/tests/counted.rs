//! What a service's loop counts, from the taking of a message to its end.

use planshift_domain::{ids::TransitionId, message::request::TellAgain};
use planshift_messaging::{Delivery, Destination, EmbeddedBroker, Outgoing, Service, SharedBroker};
use planshift_telemetry::TraceContext;
use planshift_worker::{
    CancellationToken, HandleError, Ports, Running, codec,
    codec::Unreadable,
    metrics::{BATCHES, DEAD_LETTERS, GIVEN_UP, MESSAGES, MeasuredBroker, Metrics, PUBLISH_FAILURES, PUBLISHED},
    run::{End, Handled, Handler, RunOptions},
};
use std::time::Duration;
use uuid::Uuid;

/// Ends a message as its correlation id says.
struct AsTold;

#[async_trait::async_trait]
impl Handler for AsTold {
    type Receipt = ();

    fn service(&self) -> Service {
        Service::Coordinator
    }

    async fn handle(&self, batch: &[Delivery]) -> Result<Handled<()>, HandleError> {
        let end = |delivery: &Delivery| match delivery.message.correlation_id.as_str() {
            "later" => End::NotYet("not yet".to_owned()),
            "never" => End::Dead(Unreadable::new("UnreadableBody", "never")),
            _ => End::Done,
        };
        if let [alone] = batch
            && alone.message.correlation_id == "faulty"
        {
            return Err(HandleError::Faulty("it cannot be".to_owned()));
        }
        if batch.iter().any(|delivery| delivery.message.correlation_id == "faulty") {
            return Err(HandleError::Faulty("one of them cannot be".to_owned()));
        }
        Ok(Handled { publish: Vec::new(), ends: batch.iter().map(end).collect(), receipt: () })
    }
}

/// A message, sent so many seconds ago.
fn message(id: &str, told: &str, seconds_ago: u64, ports: &Ports) -> Outgoing {
    let body = TellAgain { transition_id: TransitionId(Uuid::nil()), chain: None };
    let to = Destination::Command(Service::Coordinator);
    let mut outgoing = codec::outgoing(to, id.to_owned(), told.to_owned(), &TraceContext::default(), ports.clock.now(), &body);
    outgoing.message.sent_micros -= seconds_ago * 1_000_000;
    outgoing
}

#[tokio::test]
async fn a_message_is_counted_once_by_what_became_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let embedded = EmbeddedBroker::open(&folder.path().join("broker")).await.unwrap();
    let (metrics, ports, stop) = (Metrics::new(), Ports::system(), CancellationToken::new());
    let gateway: SharedBroker = MeasuredBroker::before(embedded.for_service(Service::Gateway), &metrics, Service::Gateway);
    let mut redriven = message("redriven", "done", 5_000, &ports);
    redriven.message.redrive = Some("r/l".to_owned());
    let sent = vec![
        message("a", "done", 0, &ports),
        message("b", "done", 400, &ports),
        message("c", "later", 0, &ports),
        message("d", "never", 0, &ports),
        message("e", "faulty", 0, &ports),
        redriven,
    ];
    gateway.publish(sent).await.unwrap();
    gateway.publish(Vec::new()).await.unwrap();

    let options = RunOptions { max_attempts: 2, ..RunOptions::default() };
    let running = Running::new(AsTold, embedded.for_service(Service::Coordinator), ports, options, metrics.clone());
    let task = tokio::spawn(running.run(stop.clone()));
    let dead = |reason| metrics.get(DEAD_LETTERS, &[("service", "coordinator"), ("reason", reason)]);
    tokio::time::timeout(Duration::from_secs(30), async {
        while dead("AttemptsUsedUp") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the second attempt is the last");
    stop.cancel();
    task.await.unwrap();

    let kind = [("service", "coordinator"), ("type", "TellAgain.v1")];
    let messages = |outcome| metrics.get(MESSAGES, &[kind[0], kind[1], ("outcome", outcome)]);
    assert_eq!((messages("done"), messages("retry"), messages("dead")), (3, 1, 3));
    assert_eq!((dead("UnreadableBody"), dead("Faulty"), dead("AttemptsUsedUp"), dead("WrongSender")), (1, 1, 1, 0));
    assert_eq!(metrics.get(GIVEN_UP, &kind), 1);
    assert!(metrics.get(BATCHES, &[("service", "coordinator"), ("outcome", "failed")]) >= 2, "the batch was taken apart");

    let text = metrics.text();
    let value = |series: String| -> f64 {
        let found = text.lines().find_map(|line| line.strip_prefix(series.as_str())?.trim().parse().ok());
        found.unwrap_or_else(|| panic!("{series} in {text}"))
    };
    let labels = r#"{service="coordinator",type="TellAgain.v1"}"#;
    // two were done; the third is a dead letter that was given another chance, whose age says nothing
    assert_eq!(value(format!("planshift_message_critical_seconds_count{labels}")), 2.0);
    let sum = value(format!("planshift_message_critical_seconds_sum{labels}"));
    assert!((400.0..430.0).contains(&sum), "{sum}");
    assert_eq!(value(r#"planshift_message_critical_seconds_bucket{service="coordinator",type="TellAgain.v1",le="300"}"#.to_owned()), 1.0);
    assert!(value(format!("planshift_message_processing_seconds_count{labels}")) >= 5.0, "each attempt that was handled");
    assert_eq!(value(r#"planshift_redelivered_total{service="coordinator"}"#.to_owned()), 0.0);

    assert_eq!(metrics.get(PUBLISHED, &[("service", "gateway")]), 6);
    assert_eq!(value(r#"planshift_publish_seconds_count{service="gateway"}"#.to_owned()), 1.0, "nothing sent is no sending");
    assert_eq!(metrics.get(PUBLISH_FAILURES, &[("service", "gateway"), ("reason", "unavailable")]), 0);
    gateway.close().await;
    let closed = gateway.publish(vec![message("f", "done", 0, &Ports::system())]).await;
    assert!(closed.is_err());
    assert_eq!(metrics.get(PUBLISH_FAILURES, &[("service", "gateway"), ("reason", "unavailable")]), 1);
}
