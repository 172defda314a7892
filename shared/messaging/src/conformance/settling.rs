//! Acknowledge, retry, give up: each alone.

use super::World;
use super::support::{acknowledge, batch, dead, drain, expected, gather, ids, message, numbers, publish, retry, settle, to};
use crate::{Destination, Message, Outgoing, Queue, Service, Settlement};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

const MAPPING: Destination = Destination::Command(Service::Mapping);
const QUEUE: Queue = Queue::Service(Service::Mapping);

pub(super) async fn a_retry_comes_back_later_and_counts(world: &dyn World) {
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    let mut consumer = reader.consume(QUEUE, 10).await.unwrap();
    publish(&*broker, to(&MAPPING, [0])).await;
    for attempts in 0..3 {
        let delivery = batch(&mut *consumer, 10).await.remove(0);
        assert_eq!((delivery.attempts, &delivery.message), (attempts, &message(0)));
        assert_eq!(delivery.sender, Some(Service::Coordinator), "the first sender stays the sender");
        let before = Instant::now();
        settle(&mut *consumer, vec![(delivery.tag, retry(Duration::from_millis(200)))]).await;
        let again = batch(&mut *consumer, 10).await.remove(0);
        // A hundredth of a second for the broker's clock, which counts whole milliseconds.
        assert!(before.elapsed() >= Duration::from_millis(190), "it came back after {:?}", before.elapsed());
        assert_eq!(again.attempts, attempts + 1);
        // Not settled: what a lost consumer had comes again with the same count.
        drop(consumer);
        consumer = reader.consume(QUEUE, 10).await.unwrap();
    }
    let last = batch(&mut *consumer, 10).await;
    assert_eq!(last[0].attempts, 3);
    acknowledge(&mut *consumer, &last).await;
}

pub(super) async fn a_retry_does_not_hold_up_the_others(world: &dyn World) {
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    let mut consumer = reader.consume(QUEUE, 10).await.unwrap();
    publish(&*broker, to(&MAPPING, 0..3)).await;
    let three = gather(&mut *consumer, 3).await;
    let seconds = |s| retry(Duration::from_secs(s));
    settle(&mut *consumer, vec![(three[0].tag, seconds(3)), (three[1].tag, retry(Duration::ZERO)), (three[2].tag, Settlement::Ack)]).await;
    publish(&*broker, to(&MAPPING, 3..5)).await;
    let mut order = Vec::new();
    for delivery in drain(&mut *consumer, 4).await {
        order.push(delivery.message.message_id);
    }
    assert_eq!(order, expected([3, 4, 1, 0]));
}

pub(super) async fn each_of_a_batch_is_settled_alone(world: &dyn World) {
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    // One at a time: what is put together on the wire comes again together, if one of it was not settled.
    for number in 0..40 {
        publish(&*broker, to(&MAPPING, [number])).await;
    }
    let mut consumer = reader.consume(QUEUE, 100).await.unwrap();
    let all = gather(&mut *consumer, 40).await;
    let settlements = all.iter().zip(0_usize..).filter_map(|(delivery, number)| {
        let settlement = match number % 4 {
            0 => Settlement::Ack,
            1 => retry(Duration::ZERO),
            2 => dead("Poison"),
            _ => return None,
        };
        Some((delivery.tag, settlement))
    });
    settle(&mut *consumer, settlements.collect()).await;
    drop(consumer);
    let mut consumer = reader.consume(QUEUE, 100).await.unwrap();
    let (retried, unsettled): (Vec<_>, Vec<_>) = drain(&mut *consumer, 20).await.into_iter().partition(|delivery| delivery.attempts == 1);
    assert_eq!(numbers(&retried), (1..40).step_by(4).collect());
    assert_eq!(numbers(&unsettled), (3..40).step_by(4).collect());
    let mut graves = reader.consume(Queue::Dead, 100).await.unwrap();
    assert_eq!(numbers(&drain(&mut *graves, 10).await), (2..40).step_by(4).collect());
}

pub(super) async fn each_of_a_publication_is_settled_alone(world: &dyn World) {
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    publish(&*broker, to(&MAPPING, 0..200)).await;
    let mut consumer = reader.consume(QUEUE, 300).await.unwrap();
    let all = gather(&mut *consumer, 200).await;
    assert_eq!(ids(&all), expected(0..200));
    // In three portions across each other, and each message in its own way.
    for portion in 0..3 {
        let chosen = all.iter().zip(0_usize..).filter(|(_, number)| number % 3 == portion);
        let settlements = chosen.map(|(delivery, number)| {
            let settlement = match number % 5 {
                0 => retry(Duration::ZERO),
                1 => dead("Poison"),
                _ => Settlement::Ack,
            };
            (delivery.tag, settlement)
        });
        settle(&mut *consumer, settlements.collect()).await;
    }
    drop(consumer);
    let mut consumer = reader.consume(QUEUE, 300).await.unwrap();
    publish(&*broker, to(&MAPPING, [1_000])).await;
    let again = drain(&mut *consumer, 41).await;
    let mut wanted: BTreeSet<usize> = (0..200).step_by(5).collect();
    wanted.insert(1_000);
    assert_eq!(numbers(&again), wanted, "what was settled does not come again, and what was to be retried does");
    let mut graves = reader.consume(Queue::Dead, 100).await.unwrap();
    assert_eq!(numbers(&drain(&mut *graves, 40).await), (1..200).step_by(5).collect());
}

pub(super) async fn a_dead_letter_says_why(world: &dyn World) {
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    let mut consumer = reader.consume(QUEUE, 10).await.unwrap();
    publish(&*broker, to(&MAPPING, 0..2)).await;
    let two = gather(&mut *consumer, 2).await;
    settle(&mut *consumer, vec![(two[0].tag, dead("UnknownType")), (two[1].tag, retry(Duration::ZERO))]).await;
    let again = gather(&mut *consumer, 1).await;
    settle(&mut *consumer, vec![(again[0].tag, dead("AttemptsUsedUp"))]).await;
    let gateway = world.handle(Service::Gateway).await;
    let mut graves = gateway.consume(Queue::Dead, 10).await.unwrap();
    let letters = drain(&mut *graves, 2).await;
    for (number, (letter, reason)) in letters.iter().zip(["UnknownType", "AttemptsUsedUp"]).enumerate() {
        assert_eq!(letter.message, message(number), "nothing of the message is lost");
        assert_eq!(letter.sender, Some(Service::Coordinator));
        let dead = letter.dead.as_ref().unwrap();
        assert_eq!((dead.reason.as_str(), dead.queue.as_str()), (reason, "planshift.mapping"));
        assert_eq!((dead.attempts, dead.description.as_str()), (number as u32 + 1, format!("{reason} in words").as_str()));
    }
}

pub(super) async fn a_dead_letter_is_redriven_in_its_senders_name(world: &dyn World) {
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    let gateway = world.handle(Service::Gateway).await;
    let mut consumer = reader.consume(QUEUE, 10).await.unwrap();
    publish(&*broker, to(&MAPPING, [0])).await;
    let died = gather(&mut *consumer, 1).await;
    settle(&mut *consumer, vec![(died[0].tag, dead("Poison"))]).await;
    let mut graves = gateway.consume(Queue::Dead, 10).await.unwrap();
    let letter = gather(&mut *graves, 1).await.remove(0);
    let redrive = Destination::Redrive { to: Service::Mapping, sender: letter.sender };
    publish(&*gateway, vec![Outgoing { to: redrive.clone(), message: letter.message.clone() }]).await;
    settle(&mut *graves, vec![(letter.tag, Settlement::Ack)]).await;
    let again = drain(&mut *consumer, 1).await.remove(0);
    assert_eq!((again.message, again.sender, again.attempts), (message(0), Some(Service::Coordinator), 0));
    assert!(again.dead.is_none());
    // From anyone but the gateway the name of another is not believed.
    let purchasing = world.handle(Service::Purchasing).await;
    publish(&*purchasing, vec![Outgoing { to: redrive, message: message(1) }]).await;
    let forged = drain(&mut *consumer, 1).await.remove(0);
    assert_eq!(forged.sender, Some(Service::Purchasing));
}

pub(super) async fn an_unreadable_body_does_not_block(world: &dyn World) {
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    let bodies = [&b"{}"[..], b"not json", b"\xff\xfe\x00", b"", b" {} ", b"{}"];
    let messages = bodies.iter().enumerate().map(|(number, body)| Message { body: Bytes::copy_from_slice(body), ..message(number) });
    publish(&*broker, messages.map(|message| Outgoing { to: MAPPING, message }).collect()).await;
    let nothing = Message {
        message_id: String::new(),
        kind: String::new(),
        correlation_id: String::new(),
        reply_to: None,
        sent_micros: 0,
        traceparent: String::new(),
        tracestate: String::new(),
        redrive: None,
        body: Bytes::new(),
    };
    publish(&*broker, vec![Outgoing { to: MAPPING, message: nothing.clone() }]).await;
    let mut consumer = reader.consume(QUEUE, 10).await.unwrap();
    let all = gather(&mut *consumer, 7).await;
    assert_eq!(all.iter().take(6).map(|delivery| &*delivery.message.body).collect::<Vec<_>>(), bodies);
    assert_eq!(all[6].message, nothing);
    settle(&mut *consumer, all.iter().map(|delivery| (delivery.tag, dead("Unreadable"))).collect()).await;
    let mut graves = reader.consume(Queue::Dead, 10).await.unwrap();
    let letters = drain(&mut *graves, 7).await;
    assert_eq!(letters.iter().take(6).map(|delivery| &*delivery.message.body).collect::<Vec<_>>(), bodies);
}

pub(super) async fn settling_twice_does_no_harm(world: &dyn World) {
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    let mut consumer = reader.consume(QUEUE, 10).await.unwrap();
    publish(&*broker, to(&MAPPING, [0])).await;
    publish(&*broker, to(&MAPPING, [1])).await;
    let two = gather(&mut *consumer, 2).await;
    acknowledge(&mut *consumer, &two[..1]).await;
    acknowledge(&mut *consumer, &two[..1]).await;
    settle(&mut *consumer, vec![(two[0].tag, dead("Late")), (two[0].tag, retry(Duration::ZERO))]).await;
    drop(consumer);
    // A tag of another consumer means nothing here: message 1 stays unsettled, and comes again.
    let mut consumer = reader.consume(QUEUE, 10).await.unwrap();
    acknowledge(&mut *consumer, &two).await;
    let again = gather(&mut *consumer, 1).await;
    assert_eq!(ids(&again), expected([1]));
    acknowledge(&mut *consumer, &again).await;
    publish(&*broker, to(&MAPPING, [2])).await;
    assert_eq!(ids(&drain(&mut *consumer, 1).await), expected([2]));
}
