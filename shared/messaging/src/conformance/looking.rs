//! Dead letters, looked through.

use super::World;
use super::support::{dead, drain, gather, in_time, numbers, publish, retry, settle, to};
use crate::{Broker, DELAYED, Delivery, Depth, Destination, Letters, Looked, Message, Outgoing, Queue, Service, Settlement};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const QUEUE: Queue = Queue::Service(Service::Mapping);
const MAPPING: Destination = Destination::Command(Service::Mapping);

/// Every letter of a pass, which is then over; those that `out` wants are taken out.
async fn look(broker: &dyn Broker, out: impl Fn(&Delivery) -> bool) -> Vec<Delivery> {
    let mut pass: Box<dyn Letters> = in_time("a pass", broker.letters()).await.unwrap();
    let mut seen = Vec::new();
    while let Some(letter) = in_time("the next letter", pass.next()).await.unwrap() {
        if out(&letter) {
            in_time("taking out", pass.take_out(letter.tag)).await.unwrap();
        }
        seen.push(letter);
    }
    in_time("the end", pass.end()).await;
    seen
}

/// Until there are so many: the broker may take a moment to bury them.
async fn until(broker: &dyn Broker, count: usize) -> Vec<Delivery> {
    loop {
        let seen = look(broker, |_| false).await;
        if seen.len() >= count {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn bury(world: &dyn World, count: usize) {
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    publish(&*broker, to(&MAPPING, 0..count)).await;
    let mut consumer = reader.consume(QUEUE, 500).await.unwrap();
    let all = gather(&mut *consumer, count).await;
    settle(&mut *consumer, all.iter().map(|delivery| (delivery.tag, dead("Unreadable"))).collect()).await;
}

pub(super) async fn a_queue_tells_how_much_it_holds(world: &dyn World) {
    let broker = world.handle(Service::Coordinator).await;
    let reader = world.handle(Service::Mapping).await;
    // a broker may take a moment to know of what it has
    let tells = async |ready, consumers| {
        let wanted = Depth { ready, consumers };
        in_time(&format!("{wanted:?}"), async {
            while broker.depth(QUEUE).await.unwrap() != wanted {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    };
    tells(0, 0).await;
    publish(&*broker, to(&MAPPING, 0..5)).await;
    // what goes out at once may be one message on the wire
    publish(&*broker, to(&MAPPING, 5..6)).await;
    in_time("some are ready", async {
        while broker.depth(QUEUE).await.unwrap().ready < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let mut consumer = reader.consume(QUEUE, 10).await.unwrap();
    let all = gather(&mut *consumer, 6).await;
    tells(0, 1).await;
    settle(&mut *consumer, all.iter().map(|delivery| (delivery.tag, Settlement::Ack)).collect()).await;
    drop(consumer);
    tells(0, 0).await;
    // nobody else's
    assert_eq!(broker.depth(Queue::Service(Service::Purchasing)).await.unwrap(), Depth::default());
}

/// By name, how much is ready in it and how many consume it; what is not seen is not among them.
async fn all(broker: &dyn Broker) -> BTreeMap<String, Depth> {
    let seen = broker.queues().await.unwrap().into_iter();
    seen.filter_map(|queue| if let Looked::Holds(depth) = queue.looked { Some((queue.name, depth)) } else { None }).collect()
}

pub(super) async fn every_queue_is_seen(world: &dyn World) {
    let gateway = world.handle(Service::Gateway).await;
    let reader = world.handle(Service::Mapping).await;
    for queue in Queue::ALL {
        assert_eq!(all(&*gateway).await.get(queue.name()), Some(&Depth::default()), "{queue:?}");
    }
    publish(&*gateway, to(&MAPPING, 0..1)).await;
    let mut consumer = reader.consume(QUEUE, 10).await.unwrap();
    let first = gather(&mut *consumer, 1).await;
    settle(&mut *consumer, vec![(first[0].tag, retry(Duration::from_secs(600)))]).await;
    in_time("it waits for its retry, and one consumes", async {
        loop {
            let now = all(&*gateway).await;
            let delayed: u64 = now.iter().filter(|(name, _)| name.starts_with(DELAYED)).map(|(_, depth)| depth.ready).sum();
            if (delayed, now[QUEUE.name()]) == (1, Depth { ready: 0, consumers: 1 }) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

pub(super) async fn a_look_changes_nothing(world: &dyn World) {
    bury(world, 450).await;
    let gateway = world.handle(Service::Gateway).await;
    let whole = |letters: &[Delivery]| {
        let letter = |letter: &Delivery| {
            let dead = letter.dead.clone().unwrap();
            assert_eq!((dead.reason.as_str(), letter.sender), ("Unreadable", Some(Service::Coordinator)));
            (letter.message.message_id.clone(), letter.message.body.clone(), dead.attempts)
        };
        letters.iter().map(letter).collect::<BTreeSet<_>>()
    };
    let first = until(&*gateway, 450).await;
    assert_eq!(numbers(&first), (0..450).collect());
    for _ in 0..3 {
        let again = look(&*gateway, |_| false).await;
        assert_eq!((again.len(), whole(&again)), (450, whole(&first)));
    }
}

pub(super) async fn what_was_taken_out_is_gone(world: &dyn World) {
    bury(world, 7).await;
    let gateway = world.handle(Service::Gateway).await;
    until(&*gateway, 7).await;
    look(&*gateway, |letter| ["message-1", "message-4"].contains(&letter.message.message_id.as_str())).await;
    assert_eq!(numbers(&look(&*gateway, |_| false).await), BTreeSet::from([0, 2, 3, 5, 6]));
    let mut graves = gateway.consume(Queue::Dead, 10).await.unwrap();
    let left = drain(&mut *graves, 5).await;
    assert_eq!(numbers(&left), BTreeSet::from([0, 2, 3, 5, 6]));
}

pub(super) async fn a_pass_that_takes_all_out_disturbs_nobody(world: &dyn World) {
    bury(world, 3).await;
    let gateway = world.handle(Service::Gateway).await;
    until(&*gateway, 3).await;
    publish(&*gateway, to(&Destination::Event("transition.Requested".to_owned()), [9])).await;
    let mut consumer = gateway.consume(Queue::Service(Service::Gateway), 10).await.unwrap();
    let held = gather(&mut *consumer, 1).await;
    assert_eq!(look(&*gateway, |_| true).await.len(), 3);
    assert!(look(&*gateway, |_| true).await.is_empty());
    // what was delivered before is still held there, and settled: it does not come again
    publish(&*gateway, to(&Destination::Event("transition.Requested".to_owned()), [10])).await;
    let next = gather(&mut *consumer, 1).await;
    assert_eq!((numbers(&next), next[0].redelivered), (BTreeSet::from([10]), false));
    settle(&mut *consumer, held.iter().chain(&next).map(|delivery| (delivery.tag, Settlement::Ack)).collect()).await;
}

pub(super) async fn a_redriven_message_names_its_redrive(world: &dyn World) {
    bury(world, 1).await;
    let gateway = world.handle(Service::Gateway).await;
    let letter = until(&*gateway, 1).await.remove(0);
    let again = Message { redrive: Some("a-redrive/a-letter".to_owned()), ..letter.message };
    let to = Destination::Redrive { to: Service::Mapping, sender: letter.sender };
    publish(&*gateway, vec![Outgoing { to, message: again.clone() }]).await;
    look(&*gateway, |_| true).await;
    let reader = world.handle(Service::Mapping).await;
    let mut consumer = reader.consume(QUEUE, 10).await.unwrap();
    // a retry does not forget it, and neither does another death
    let first = gather(&mut *consumer, 1).await;
    assert_eq!((first[0].message.redrive.as_deref(), first[0].attempts), (Some("a-redrive/a-letter"), 0));
    settle(&mut *consumer, vec![(first[0].tag, retry(Duration::ZERO))]).await;
    let second = gather(&mut *consumer, 1).await;
    assert_eq!((&second[0].message, second[0].sender), (&again, Some(Service::Coordinator)));
    settle(&mut *consumer, vec![(second[0].tag, dead("Unreadable"))]).await;
    assert_eq!(until(&*gateway, 1).await[0].message, again);
}
