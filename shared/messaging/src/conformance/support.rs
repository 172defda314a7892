//! What the cases have in common.

use super::PATIENCE;
use crate::{Broker, BrokerError, Consumer, Delivery, DeliveryTag, Destination, Message, Outgoing, Settlement};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Whole numbers as JSON, so that a case can tell its messages apart by their bodies too.
pub(super) fn message(number: usize) -> Message {
    Message {
        message_id: format!("message-{number}"),
        kind: "Conformance.v1".to_owned(),
        correlation_id: format!("transition-{}", number % 7),
        reply_to: None,
        sent_micros: 1_700_000_000_000_001 + number as u64,
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned(),
        tracestate: "planshift=1".to_owned(),
        redrive: None,
        body: Bytes::from(format!("{{\"number\":{number}}}")),
    }
}

pub(super) fn to(destination: &Destination, numbers: impl IntoIterator<Item = usize>) -> Vec<Outgoing> {
    numbers.into_iter().map(|number| Outgoing { to: destination.clone(), message: message(number) }).collect()
}

/// Publishes, again where the broker was not reached: a case is about what follows.
pub(super) async fn publish(broker: &dyn Broker, messages: Vec<Outgoing>) {
    let until = Instant::now() + PATIENCE;
    loop {
        match broker.publish(messages.clone()).await {
            Ok(()) => return,
            Err(error @ BrokerError::Refused { .. }) => panic!("{error}"),
            Err(error) => {
                assert!(Instant::now() < until, "{error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

pub(super) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// The next batch, which must come.
pub(super) async fn batch(consumer: &mut dyn Consumer, max: usize) -> Vec<Delivery> {
    let batch = in_time("a batch", consumer.next(max)).await.unwrap_or_else(|| panic!("the consumer has ended"));
    assert!(!batch.is_empty() && batch.len() <= max, "a batch of {} where at most {max} were asked for", batch.len());
    batch
}

/// Deliveries until there are this many, unsettled.
pub(super) async fn gather(consumer: &mut dyn Consumer, count: usize) -> Vec<Delivery> {
    let mut all = Vec::new();
    while all.len() < count {
        all.extend(batch(consumer, count - all.len()).await);
    }
    all
}

/// Deliveries until there are this many, each batch acknowledged.
pub(super) async fn drain(consumer: &mut dyn Consumer, count: usize) -> Vec<Delivery> {
    let mut all = Vec::new();
    while all.len() < count {
        let batch = batch(consumer, (count - all.len()).min(500)).await;
        acknowledge(consumer, &batch).await;
        all.extend(batch);
    }
    all
}

pub(super) async fn acknowledge(consumer: &mut dyn Consumer, batch: &[Delivery]) {
    settle(consumer, batch.iter().map(|delivery| (delivery.tag, Settlement::Ack)).collect()).await;
}

pub(super) async fn settle(consumer: &mut dyn Consumer, settlements: Vec<(DeliveryTag, Settlement)>) {
    in_time("a settlement", consumer.settle(settlements)).await.unwrap_or_else(|error| panic!("{error}"));
}

pub(super) fn dead(reason: &str) -> Settlement {
    Settlement::Dead { reason: reason.to_owned(), description: format!("{reason} in words") }
}

pub(super) fn retry(delay: Duration) -> Settlement {
    Settlement::Retry { delay }
}

pub(super) fn ids(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery.message.message_id.as_str()).collect()
}

/// The numbers of messages that may come in any order, each of them once.
pub(super) fn numbers(deliveries: &[Delivery]) -> BTreeSet<usize> {
    let number = |id: &str| id.trim_start_matches("message-").parse().unwrap_or_else(|_| panic!("{id}"));
    let numbers: BTreeSet<usize> = deliveries.iter().map(|delivery| number(&delivery.message.message_id)).collect();
    assert_eq!(numbers.len(), deliveries.len(), "something came twice");
    numbers
}

pub(super) fn expected(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(|number| format!("message-{number}")).collect()
}
