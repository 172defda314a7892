//! Order, batches, prefetch, competition, answers, size, senders.

use super::support::{acknowledge, batch, drain, expected, gather, ids, in_time, message, publish, to};
use super::{PATIENCE, World};
use crate::{Destination, Message, Outgoing, Queue, Service};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, timeout};

const MAPPING: Destination = Destination::Command(Service::Mapping);
const QUEUE: Queue = Queue::Service(Service::Mapping);

pub(super) async fn messages_come_in_order_and_whole(world: &dyn World) {
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    publish(&*broker, to(&MAPPING, 0..100)).await;
    publish(&*broker, to(&MAPPING, 100..200)).await;
    let bare =
        Message { reply_to: Some("planshift.answers".to_owned()), traceparent: String::new(), tracestate: String::new(), ..message(200) };
    publish(&*broker, vec![Outgoing { to: MAPPING, message: bare.clone() }]).await;
    let mut consumer = reader.consume(QUEUE, 50).await.unwrap();
    let all = drain(&mut *consumer, 201).await;
    assert_eq!(ids(&all), expected(0..201));
    for (number, delivery) in all.iter().enumerate().take(200) {
        assert_eq!(delivery.message, message(number));
        assert!(delivery.attempts == 0 && delivery.dead.is_none(), "{delivery:?}");
    }
    assert_eq!(all[200].message, bare);
}

pub(super) async fn every_destination_leads_to_its_queue(world: &dyn World) {
    let broker = world.handle(Service::Gateway).await;
    let mut destinations: Vec<_> = Service::ALL.into_iter().map(|to| Destination::Redrive { to, sender: None }).collect();
    destinations.extend([
        Destination::Reply,
        Destination::Event("account.imported".to_owned()),
        Destination::Event("transition.Completed".to_owned()),
    ]);
    destinations.extend(Service::ALL.into_iter().filter(|service| *service != Service::Gateway).map(Destination::Command));
    let messages = destinations.iter().enumerate().map(|(number, to)| Outgoing { to: to.clone(), message: message(number) }).collect();
    publish(&*broker, messages).await;
    for service in Service::ALL {
        let queue = Queue::Service(service);
        let numbers = destinations.iter().enumerate().filter(|(_, to)| to.queue() == Some(queue)).map(|(number, _)| number);
        let wanted = expected(numbers);
        let reader = world.handle(service).await;
        let mut consumer = reader.consume(queue, 100).await.unwrap();
        assert_eq!(ids(&drain(&mut *consumer, wanted.len()).await), wanted, "{}", queue.name());
    }
}

pub(super) async fn a_batch_is_what_is_there_and_waits_for_no_more(world: &dyn World) {
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    let mut consumer = reader.consume(QUEUE, 100).await.unwrap();
    publish(&*broker, to(&MAPPING, 0..1)).await;
    let first = batch(&mut *consumer, 100).await;
    assert_eq!(ids(&first), ["message-0"], "one message is a batch, however many are asked for");
    publish(&*broker, to(&MAPPING, 1..40)).await;
    let mut rest = batch(&mut *consumer, 10).await;
    assert!(rest.len() <= 10);
    while rest.len() < 39 {
        rest.extend(batch(&mut *consumer, 39 - rest.len()).await);
    }
    assert_eq!(ids(&rest), expected(1..40));
    acknowledge(&mut *consumer, &first).await;
    acknowledge(&mut *consumer, &rest).await;
}

pub(super) async fn prefetch_bounds_what_is_unsettled(world: &dyn World) {
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    publish(&*broker, to(&MAPPING, 0..30)).await;
    let mut consumer = reader.consume(QUEUE, 8).await.unwrap();
    let held = gather(&mut *consumer, 8).await;
    // The bound is on this consumer, not on the queue: another one gets the next message although these are not settled.
    assert!(timeout(Duration::from_millis(300), consumer.next(100)).await.is_err(), "more was delivered than the prefetch");
    acknowledge(&mut *consumer, &held[..3]).await;
    let more = gather(&mut *consumer, 3).await;
    assert_eq!(ids(&more), expected(8..11));
    assert!(timeout(Duration::from_millis(300), consumer.next(100)).await.is_err(), "more was delivered than the prefetch");
}

pub(super) async fn what_a_dropped_consumer_had_comes_again(world: &dyn World) {
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    // One at a time: what is put together on the wire comes again together, if one of it was not settled.
    for number in 0..20 {
        publish(&*broker, to(&MAPPING, [number])).await;
    }
    let mut first = reader.consume(QUEUE, 100).await.unwrap();
    let had = gather(&mut *first, 20).await;
    acknowledge(&mut *first, &had[..5]).await;
    drop(first);
    let mut second = reader.consume(QUEUE, 100).await.unwrap();
    let again = drain(&mut *second, 15).await;
    assert_eq!(ids(&again), expected(5..20), "what was not settled comes again, in its order");
    assert!(again.iter().all(|delivery| delivery.redelivered && delivery.attempts == 0));
}

pub(super) async fn competing_consumers_get_each_message_once(world: &dyn World) {
    const COUNT: usize = 2_000;
    let broker = world.handle(Service::Coordinator).await;
    let mut tasks = tokio::task::JoinSet::new();
    let (seen, mut all) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..4 {
        let reader = world.handle(Service::Mapping).await;
        let mut consumer = reader.consume(QUEUE, 20).await.unwrap();
        let seen = seen.clone();
        tasks.spawn(async move {
            while let Some(batch) = consumer.next(10).await {
                acknowledge(&mut *consumer, &batch).await;
                for delivery in batch {
                    let _ = seen.send(delivery.message.message_id);
                }
            }
            drop(reader);
        });
    }
    publish(&*broker, to(&MAPPING, 0..COUNT)).await;
    let mut ids = BTreeSet::new();
    for _ in 0..COUNT {
        let id = in_time("a message", all.recv()).await.unwrap();
        assert!(ids.insert(id.clone()), "{id} came twice");
    }
    assert_eq!(ids.len(), COUNT);
    tasks.abort_all();
}

pub(super) async fn a_dropped_next_loses_nothing(world: &dyn World) {
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    let mut consumer = reader.consume(QUEUE, 100).await.unwrap();
    let publishing = tokio::spawn(async move {
        for number in 0..200 {
            publish(&*broker, to(&MAPPING, [number])).await;
        }
    });
    let mut all = Vec::new();
    let until = Instant::now() + PATIENCE;
    while all.len() < 200 {
        assert!(Instant::now() < until, "{} of 200 arrived", all.len());
        if let Ok(batch) = timeout(Duration::from_micros(500), consumer.next(5)).await {
            let batch = batch.unwrap();
            acknowledge(&mut *consumer, &batch).await;
            all.extend(batch);
        }
    }
    assert_eq!(ids(&all), expected(0..200));
    publishing.await.unwrap();
}

pub(super) async fn answers_reach_the_asker_alone(world: &dyn World) {
    let broker = world.handle(Service::Coordinator).await;
    let (one, two) = (world.handle(Service::Gateway).await, world.handle(Service::Gateway).await);
    let (first_name, mut first) = one.answers().await.unwrap();
    let (second_name, mut second) = two.answers().await.unwrap();
    assert_ne!(first_name, second_name);
    publish(&*broker, to(&Destination::Answer(first_name.clone()), [1, 3, 5])).await;
    publish(&*broker, to(&Destination::Answer(second_name), [2])).await;
    publish(&*broker, to(&Destination::Answer(first_name), [7])).await;
    assert_eq!(ids(&drain(&mut *first, 4).await), expected([1, 3, 5, 7]));
    assert_eq!(ids(&drain(&mut *second, 1).await), expected([2]));
}

pub(super) async fn what_is_told_to_all_askers_reaches_each(world: &dyn World) {
    let broker = world.handle(Service::Mapping).await;
    // nobody listens: it is nobody's fault
    publish(&*broker, to(&Destination::Askers, [1])).await;
    let (one, two) = (world.handle(Service::Gateway).await, world.handle(Service::Gateway).await);
    let ((name, mut first), (_, mut second)) = (one.answers().await.unwrap(), two.answers().await.unwrap());
    publish(&*broker, to(&Destination::Askers, [2])).await;
    publish(&*broker, to(&Destination::Answer(name), [3])).await;
    publish(&*broker, to(&Destination::Askers, [4])).await;
    let heard = drain(&mut *first, 3).await;
    assert_eq!(ids(&heard), expected([2, 3, 4]));
    assert!(heard.iter().all(|delivery| delivery.sender == Some(Service::Mapping)), "who says it is vouched for");
    assert_eq!(ids(&drain(&mut *second, 2).await), expected([2, 4]));
}

pub(super) async fn an_answer_to_nobody_is_dropped_quietly(world: &dyn World) {
    let broker = world.handle(Service::Coordinator).await;
    let gateway = world.handle(Service::Gateway).await;
    let (name, gone) = gateway.answers().await.unwrap();
    drop(gone);
    let mut messages = to(&Destination::Answer("planshift.answers.nobody".to_owned()), [1]);
    messages.extend(to(&Destination::Answer(name), [2]));
    messages.extend(to(&MAPPING, [3]));
    publish(&*broker, messages).await;
    let reader = world.handle(Service::Mapping).await;
    let mut consumer = reader.consume(QUEUE, 10).await.unwrap();
    assert_eq!(ids(&drain(&mut *consumer, 1).await), expected([3]), "what else was published arrives");
}

pub(super) async fn a_large_body_arrives_whole(world: &dyn World) {
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    let text: String = (0..1_048_576_u32).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
    let large = Message { body: Bytes::from(format!("\"{text}\"")), ..message(1) };
    let messages = vec![large.clone(), message(2), Message { message_id: "message-3".to_owned(), ..large.clone() }];
    publish(&*broker, messages.into_iter().map(|message| Outgoing { to: MAPPING, message }).collect()).await;
    let mut consumer = reader.consume(QUEUE, 10).await.unwrap();
    let all = drain(&mut *consumer, 3).await;
    assert_eq!(ids(&all), expected(1..4));
    assert!(all[0].message == large && all[2].message.body == large.body && all[1].message == message(2));
}

pub(super) async fn ten_thousand_messages_arrive(world: &dyn World) {
    const COUNT: usize = 10_000;
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    let mut consumer = reader.consume(QUEUE, 300).await.unwrap();
    let publishing = tokio::spawn(async move {
        for start in (0..COUNT).step_by(1_000) {
            publish(&*broker, to(&MAPPING, start..start + 1_000)).await;
        }
    });
    let all = drain(&mut *consumer, COUNT).await;
    assert_eq!(ids(&all), expected(0..COUNT));
    publishing.await.unwrap();
}

pub(super) async fn the_sender_is_vouched_for(world: &dyn World) {
    let reader = world.handle(Service::Coordinator).await;
    let mut consumer = reader.consume(Queue::Service(Service::Coordinator), 10).await.unwrap();
    for (number, service) in Service::ALL.into_iter().enumerate() {
        publish(&*world.handle(service).await, to(&Destination::Reply, [number])).await;
    }
    for delivery in drain(&mut *consumer, Service::ALL.len()).await {
        let number: usize = delivery.message.message_id.trim_start_matches("message-").parse().unwrap();
        assert_eq!(delivery.sender, Some(Service::ALL[number]));
    }
}

pub(super) async fn closing_ends_the_consumers(world: &dyn World) {
    let reader = world.handle(Service::Mapping).await;
    let mut consumer = reader.consume(QUEUE, 10).await.unwrap();
    let waiting = tokio::spawn(async move { consumer.next(10).await.is_none() });
    tokio::task::yield_now().await;
    in_time("the close", reader.close()).await;
    assert!(in_time("the consumer's end", waiting).await.unwrap());
    assert!(!reader.ready().await);
    assert!(reader.publish(to(&MAPPING, [1])).await.is_err());
    let other = world.handle(Service::Coordinator).await;
    publish(&*other, to(&MAPPING, [2])).await;
    assert!(other.ready().await, "another's handle is not closed with it");
}
