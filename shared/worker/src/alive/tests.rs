use super::*;
use bytes::Bytes;
use planshift_messaging::{Consumer, EmbeddedBroker, Message, Outgoing, Queue, Settlement};
use tempfile::TempDir;

async fn broker() -> (TempDir, EmbeddedBroker) {
    let folder = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::open(&folder.path().join("broker.db")).await.unwrap();
    (folder, broker)
}

async fn heard(answers: &mut dyn Consumer) -> (Option<Service>, InstanceAlive) {
    let batch = tokio::time::timeout(Duration::from_secs(20), answers.next(1)).await.expect("something is heard").unwrap();
    assert_eq!(codec::sender(&batch[0]).unwrap(), Service::Mapping);
    let told = codec::body(&batch[0].message).unwrap();
    answers.settle(vec![(batch[0].tag, Settlement::Ack)]).await.unwrap();
    (batch[0].sender, told)
}

#[tokio::test]
async fn it_tells_at_once_when_it_is_to_stop_and_when_it_has_ended() {
    let (_folder, broker) = broker().await;
    let (_, mut answers) = broker.for_service(Service::Gateway).answers().await.unwrap();
    let alive = Alive::new(Service::Mapping, broker.for_service(Service::Mapping), &Ports::system());
    let (stop, end) = (CancellationToken::new(), CancellationToken::new());
    let (stopped, ended) = (stop.clone(), end.clone());
    let living = tokio::spawn(async move { alive.during(ended.cancelled(), &stopped).await });
    let (sender, first) = heard(&mut *answers).await;
    assert_eq!((sender, first.state, first.in_hand), (Some(Service::Mapping), Living::Alive, 0));
    assert_eq!((first.version.as_str(), first.process), (env!("CARGO_PKG_VERSION"), std::process::id()));
    stop.cancel();
    let mut next = heard(&mut *answers).await.1;
    while next.state == Living::Alive {
        next = heard(&mut *answers).await.1;
    }
    assert_eq!(next, InstanceAlive { state: Living::Stopping, ..first.clone() });
    end.cancel();
    assert_eq!(heard(&mut *answers).await.1, InstanceAlive { state: Living::Stopped, ..first });
    living.await.unwrap();
}

#[tokio::test]
async fn a_broker_that_is_away_keeps_nobody_from_ending() {
    let (_folder, broker) = broker().await;
    let own = broker.for_service(Service::Mapping);
    let alive = Alive::new(Service::Mapping, own.clone(), &Ports::system());
    own.close().await;
    let work = async { 7 };
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), alive.during(work, &CancellationToken::new())).await.unwrap(), 7);
}

#[tokio::test]
async fn what_was_taken_and_is_not_settled_is_in_hand() {
    let (_folder, broker) = broker().await;
    let alive = Alive::new(Service::Mapping, broker.for_service(Service::Mapping), &Ports::system());
    let own = alive.counting(broker.for_service(Service::Mapping));
    let message = |number: u32| Message {
        message_id: number.to_string(),
        kind: "Test.v1".into(),
        correlation_id: String::new(),
        reply_to: None,
        sent_micros: 1,
        traceparent: String::new(),
        tracestate: String::new(),
        redrive: None,
        body: Bytes::from("1"),
    };
    let messages = (0..3).map(|number| Outgoing { to: Destination::Command(Service::Mapping), message: message(number) }).collect();
    own.publish(messages).await.unwrap();
    let mut consumer = own.consume(Queue::Service(Service::Mapping), 10).await.unwrap();
    let mut taken = Vec::new();
    while taken.len() < 3 {
        taken.extend(consumer.next(10).await.unwrap());
    }
    assert_eq!(alive.in_hand.count(), 3);
    let ack = (taken[0].tag, Settlement::Ack);
    consumer.settle(vec![ack.clone()]).await.unwrap();
    assert_eq!(alive.in_hand.count(), 2);
    drop(consumer);
    assert_eq!(alive.in_hand.count(), 0, "they come again, to whoever takes them");
}
