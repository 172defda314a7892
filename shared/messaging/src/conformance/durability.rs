//! What the broker has accepted is there after it was stopped and started.

use super::World;
use super::support::{acknowledge, dead, drain, expected, gather, ids, publish, retry, settle, to};
use crate::{Destination, Queue, Service};
use std::collections::BTreeSet;
use std::time::Duration;

const MAPPING: Destination = Destination::Command(Service::Mapping);
const QUEUE: Queue = Queue::Service(Service::Mapping);

pub(super) async fn what_was_accepted_survives(world: &dyn World) {
    publish(&*world.handle(Service::Coordinator).await, to(&MAPPING, 0..500)).await;
    world.restart().await;
    let reader = world.handle(Service::Mapping).await;
    let mut consumer = reader.consume(QUEUE, 100).await.unwrap();
    let all = drain(&mut *consumer, 500).await;
    assert_eq!(ids(&all), expected(0..500));
    assert!(all.iter().all(|delivery| delivery.sender == Some(Service::Coordinator)));
}

pub(super) async fn what_was_not_settled_survives(world: &dyn World) {
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    publish(&*broker, to(&MAPPING, 0..100)).await;
    let mut consumer = reader.consume(QUEUE, 200).await.unwrap();
    let all = gather(&mut *consumer, 100).await;
    acknowledge(&mut *consumer, &all[..50]).await;
    drop((consumer, reader, broker));
    world.restart().await;
    let reader = world.handle(Service::Mapping).await;
    let mut consumer = reader.consume(QUEUE, 200).await.unwrap();
    let mut seen = BTreeSet::new();
    // What was acknowledged may come again when the broker went down right then; what was not must.
    let wanted: BTreeSet<_> = expected(50..100).into_iter().collect();
    while !wanted.is_subset(&seen) {
        for delivery in drain(&mut *consumer, 1).await {
            assert!(delivery.redelivered, "{delivery:?}");
            seen.insert(delivery.message.message_id);
        }
    }
}

pub(super) async fn retries_and_dead_letters_survive(world: &dyn World) {
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    publish(&*broker, to(&MAPPING, 0..2)).await;
    let mut consumer = reader.consume(QUEUE, 10).await.unwrap();
    let two = gather(&mut *consumer, 2).await;
    settle(&mut *consumer, vec![(two[0].tag, retry(Duration::from_millis(900))), (two[1].tag, dead("Poison"))]).await;
    drop((consumer, reader, broker));
    world.restart().await;
    let reader = world.handle(Service::Mapping).await;
    let mut consumer = reader.consume(QUEUE, 10).await.unwrap();
    let again = drain(&mut *consumer, 1).await.remove(0);
    assert_eq!((again.message.message_id.as_str(), again.attempts, again.sender), ("message-0", 1, Some(Service::Coordinator)));
    let mut graves = reader.consume(Queue::Dead, 10).await.unwrap();
    let letter = drain(&mut *graves, 1).await.remove(0);
    let dead = letter.dead.unwrap();
    assert_eq!((letter.message.message_id.as_str(), dead.reason.as_str(), dead.attempts), ("message-1", "Poison", 1));
}
