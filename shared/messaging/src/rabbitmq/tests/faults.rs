//! Lost connections, a broker that stops and starts, one that blocks, and messages that nobody settles.

use super::RabbitMq;
use super::server::{Server, eventually, patience};
use crate::conformance::World;
use crate::rabbitmq::{RabbitMqBroker, topology};
use crate::{Broker, BrokerError, Destination, Message, Outgoing, Queue, Service, Settlement, SharedBroker};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

const MAPPING: Destination = Destination::Command(Service::Mapping);
const QUEUE: Queue = Queue::Service(Service::Mapping);

pub(super) fn numbered(to: &Destination, numbers: std::ops::Range<usize>) -> Vec<Outgoing> {
    let message = |number: usize| Message {
        message_id: number.to_string(),
        kind: "Fault.v1".to_owned(),
        correlation_id: String::new(),
        reply_to: None,
        sent_micros: 1,
        traceparent: String::new(),
        tracestate: String::new(),
        redrive: None,
        body: Bytes::from(number.to_string()),
    };
    numbers.map(|number| Outgoing { to: to.clone(), message: message(number) }).collect()
}

/// Publishes until it is accepted, as a service does.
pub(super) async fn insist(broker: &dyn Broker, messages: Vec<Outgoing>) {
    let until = patience();
    while let Err(error) = broker.publish(messages.clone()).await {
        assert!(matches!(error, BrokerError::Unavailable(_)) && Instant::now() < until, "{error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Publishes and consumes, while something happens to the broker again and again; then nothing is missing.
async fn nothing_is_lost_while(world: &RabbitMq, times: usize, disturb: impl AsyncFn()) {
    const BATCH: usize = 40;
    let publisher = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    let mut consumer = reader.consume(QUEUE, 100).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let publishing = tokio::spawn({
        let stop = stop.clone();
        async move {
            let mut published = 0;
            while !stop.is_cancelled() {
                insist(&*publisher, numbered(&MAPPING, published..published + BATCH)).await;
                published += BATCH;
            }
            published
        }
    });
    let (total, mut known) = tokio::sync::watch::channel(None);
    let (count, mut seen_so_far) = tokio::sync::watch::channel(0_usize);
    let consuming = tokio::spawn(async move {
        let mut seen = BTreeSet::new();
        loop {
            if known.borrow_and_update().is_some_and(|total| seen.len() == total) {
                return seen.len();
            }
            let batch = tokio::select! {
                batch = consumer.next(30) => batch.unwrap(),
                _ = known.changed() => continue,
            };
            let mut settlements = Vec::new();
            for delivery in batch {
                let number: usize = delivery.message.message_id.parse().unwrap();
                // Every tenth is retried once, so that delay queues are in it too.
                if number.is_multiple_of(10) && delivery.attempts == 0 {
                    settlements.push((delivery.tag, Settlement::Retry { delay: Duration::ZERO }));
                } else {
                    seen.insert(number);
                    settlements.push((delivery.tag, Settlement::Ack));
                }
            }
            // What could not be settled comes again.
            let _ = consumer.settle(settlements).await;
            count.send_replace(seen.len());
        }
    });
    for _ in 0..times {
        let before = *seen_so_far.borrow_and_update();
        timeout(Duration::from_secs(60), seen_so_far.wait_for(|seen| *seen > before + 200)).await.expect("it goes on").unwrap();
        disturb().await;
    }
    let before = *seen_so_far.borrow_and_update();
    timeout(Duration::from_secs(60), seen_so_far.wait_for(|seen| *seen > before + 200)).await.expect("it goes on").unwrap();
    stop.cancel();
    let published = publishing.await.unwrap();
    total.send_replace(Some(published));
    assert_eq!(timeout(Duration::from_secs(60), consuming).await.expect("all of them arrive").unwrap(), published);
    println!("{published} messages, none lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_the_broker_closes_are_made_again() {
    let Some(server) = Server::with_ctl() else { return };
    let world = RabbitMq::new(&server, 16).await;
    nothing_is_lost_while(&world, 3, async || server.ctl(&["close_all_connections", "a test"]).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_stops_and_starts_is_found_again() {
    let Some(server) = Server::with_ctl() else { return };
    let world = RabbitMq::new(&server, 16).await;
    nothing_is_lost_while(&world, 2, async || server.restart().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_asker_keeps_its_queue_when_connections_are_lost() {
    let Some(server) = Server::with_ctl() else { return };
    let world = RabbitMq::new(&server, 16).await;
    let gateway = world.handle(Service::Gateway).await;
    let coordinator = world.handle(Service::Coordinator).await;
    let (name, mut answers) = gateway.answers().await.unwrap();
    let answering = tokio::spawn(async move {
        let mut got = 0;
        // Those that came while the queue was away are lost, as answers may be; the asker asks again.
        while got < 2 {
            let batch = answers.next(1).await.unwrap();
            got += usize::from(batch[0].message.message_id == "0" && got == 0) + usize::from(batch[0].message.message_id == "1");
            answers.settle(batch.into_iter().map(|delivery| (delivery.tag, Settlement::Ack)).collect()).await.unwrap();
        }
    });
    insist(&*coordinator, numbered(&Destination::Answer(name.clone()), 0..1)).await;
    server.ctl(&["close_all_connections", "a test"]).await;
    let until = patience();
    while !answering.is_finished() {
        assert!(Instant::now() < until, "no answer arrives any more");
        insist(&*coordinator, numbered(&Destination::Answer(name.clone()), 0..2)).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    answering.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_connection_is_unavailable_and_comes_back() {
    let Some(server) = Server::with_ctl() else { return };
    let world = RabbitMq::new(&server, 1).await;
    let mut options = world.options(Service::Coordinator);
    options.publish_deadline = Duration::from_secs(2);
    let broker: SharedBroker = Arc::new(RabbitMqBroker::start(options).unwrap());
    let reader = world.handle(Service::Mapping).await;
    let mut consumer = reader.consume(QUEUE, 10).await.unwrap();
    insist(&*broker, numbered(&MAPPING, 0..1)).await;
    let first = consumer.next(10).await.unwrap();
    server.ctl(&["set_vm_memory_high_watermark", "absolute", "1MB"]).await;
    // The broker blocks a connection once it publishes.
    let until = patience();
    while broker.publish(numbered(&MAPPING, 1..2)).await.is_ok() {
        assert!(Instant::now() < until, "the broker does not block");
    }
    let before = Instant::now();
    let error = broker.publish(numbered(&MAPPING, 2..3)).await.unwrap_err();
    assert!(matches!(error, BrokerError::Unavailable(_)) && before.elapsed() < Duration::from_secs(5), "{error} {:?}", before.elapsed());
    assert!(!broker.ready().await);
    // Acknowledgements go on: they have a connection of their own, which publishes nothing.
    consumer.settle(vec![(first[0].tag, Settlement::Ack)]).await.unwrap();
    server.ctl(&["set_vm_memory_high_watermark", "0.4"]).await;
    eventually!("it is ready again", broker.ready().await);
    insist(&*broker, numbered(&MAPPING, 3..4)).await;
    let mut seen = BTreeSet::new();
    while !seen.contains("3") {
        let batch = timeout(Duration::from_secs(30), consumer.next(10)).await.unwrap().unwrap();
        seen.extend(batch.iter().map(|delivery| delivery.message.message_id.clone()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_ever_settles_becomes_a_dead_letter_of_the_brokers() {
    let Some(server) = Server::from_environment() else { return };
    let world = RabbitMq::new(&server, 1).await;
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    insist(&*broker, numbered(&MAPPING, 0..1)).await;
    let mut graves = world.handle(Service::Gateway).await.consume(Queue::Dead, 10).await.unwrap();
    let letter = loop {
        let mut consumer = reader.consume(QUEUE, 1).await.unwrap();
        tokio::select! {
            delivered = consumer.next(1) => assert_eq!(delivered.unwrap()[0].attempts, 0),
            letters = graves.next(1) => break letters.unwrap().remove(0),
        }
    };
    let dead = letter.dead.unwrap();
    assert_eq!((dead.reason.as_str(), dead.queue.as_str()), ("delivery_limit", "planshift.mapping"));
    assert!(dead.attempts >= 1, "{dead:?}");
    assert_eq!((letter.message.message_id.as_str(), letter.sender), ("0", Some(Service::Coordinator)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_finds_no_queue_is_refused_by_name() {
    let Some(server) = Server::from_environment() else { return };
    let world = RabbitMq::new(&server, 1).await;
    let broker = world.handle(Service::Coordinator).await;
    let connection = lapin::Connection::connect(&world.vhost.url("guest", "guest"), lapin::ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let unbound = Service::Purchasing;
    let queue = Queue::Service(unbound).name();
    let none = lapin::types::FieldTable::default();
    channel.queue_unbind(queue.into(), topology::COMMANDS.into(), unbound.name().into(), none).await.unwrap();
    let mut messages = numbered(&MAPPING, 0..50);
    messages.extend(numbered(&Destination::Command(unbound), 50..53));
    messages.extend(numbered(&MAPPING, 53..100));
    let others = numbered(&MAPPING, 100..150);
    let (refused, accepted) = futures::join!(broker.publish(messages), broker.publish(others));
    match refused {
        Err(BrokerError::Refused { ids, reason }) => {
            assert_eq!((ids, reason.contains("NO_ROUTE")), (vec!["50".into(), "51".into(), "52".into()], true));
        }
        other => panic!("{other:?}"),
    }
    accepted.unwrap();
}
