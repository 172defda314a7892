//! The suite on the embedded broker, and what is its own: messages in the file alone, shared commits, `kill -9`.

use super::state::QUEUE_MEMORY_BYTES;
use super::{EmbeddedBroker, QueueDepth};
use crate::conformance::{CASES, PATIENCE, World};
use crate::{BrokerError, Consumer, Destination, Message, Outgoing, Queue, Service, Settlement, SharedBroker};
use bytes::Bytes;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

const MAPPING: Destination = Destination::Command(Service::Mapping);
const QUEUE: Queue = Queue::Service(Service::Mapping);

struct Folder {
    folder: tempfile::TempDir,
    broker: Mutex<Option<EmbeddedBroker>>,
}

impl Folder {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let broker = EmbeddedBroker::open(&folder.path().join("broker.db")).await.unwrap();
        Self { folder, broker: Mutex::new(Some(broker)) }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("broker.db")
    }
}

#[async_trait::async_trait]
impl World for Folder {
    async fn handle(&self, service: Service) -> SharedBroker {
        self.broker.lock().await.as_ref().unwrap().for_service(service)
    }

    async fn restart(&self) {
        let mut slot = self.broker.lock().await;
        slot.take().unwrap().close().await;
        *slot = Some(EmbeddedBroker::open(&self.file()).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conformance() {
    for case in CASES {
        let before = std::time::Instant::now();
        (case.run)(Arc::new(Folder::new().await)).await;
        println!("{}: {:?}", case.name, before.elapsed());
    }
}

fn numbered(number: usize, body: Bytes) -> Outgoing {
    let message = Message {
        message_id: number.to_string(),
        kind: "Embedded.v1".to_owned(),
        correlation_id: String::new(),
        reply_to: None,
        sent_micros: 1,
        traceparent: String::new(),
        tracestate: String::new(),
        redrive: None,
        body,
    };
    Outgoing { to: MAPPING, message }
}

async fn drain(consumer: &mut dyn Consumer, count: usize) -> Vec<Message> {
    let mut all = Vec::new();
    while all.len() < count {
        let batch = timeout(PATIENCE, consumer.next(500)).await.expect("messages").unwrap();
        consumer.settle(batch.iter().map(|delivery| (delivery.tag, Settlement::Ack)).collect()).await.unwrap();
        all.extend(batch.into_iter().map(|delivery| delivery.message));
    }
    all
}

async fn until_depth(broker: &EmbeddedBroker, wanted: QueueDepth) {
    let reached = async {
        while broker.depth(QUEUE) != wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("{:?}, not {wanted:?}", broker.depth(QUEUE)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_into_memory_is_read_from_the_file() {
    const LARGE: usize = 1024 * 1024;
    let count = 2 * QUEUE_MEMORY_BYTES / LARGE;
    let folder = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::open(&folder.path().join("broker.db")).await.unwrap();
    let handle = broker.for_service(Service::Coordinator);
    for number in 0..count {
        handle.publish(vec![numbered(number, Bytes::from(vec![b'a' + (number % 26) as u8; LARGE]))]).await.unwrap();
    }
    let depth = broker.depth(QUEUE);
    assert_eq!(depth.ready, count);
    assert!(depth.bytes_in_memory <= QUEUE_MEMORY_BYTES, "{depth:?}");
    let mut consumer = handle.consume(QUEUE, 1_000).await.unwrap();
    for (number, message) in drain(&mut *consumer, count).await.into_iter().enumerate() {
        assert_eq!((message.message_id, message.body.len(), message.body[7]), (number.to_string(), LARGE, b'a' + (number % 26) as u8));
    }
    until_depth(&broker, QueueDepth::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_publishers_at_once_are_all_served() {
    let folder = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::open(&folder.path().join("broker.db")).await.unwrap();
    let publishing = (0..1_000).map(|number| {
        let handle = broker.for_service(Service::Coordinator);
        tokio::spawn(async move { handle.publish(vec![numbered(number, Bytes::from_static(b"{}"))]).await })
    });
    for outcome in futures::future::join_all(publishing).await {
        outcome.unwrap().unwrap();
    }
    let handle = broker.for_service(Service::Mapping);
    let mut consumer = handle.consume(QUEUE, 1_000).await.unwrap();
    let mut numbers: Vec<usize> = drain(&mut *consumer, 1_000).await.iter().map(|message| message.message_id.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..1_000).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn depth_tells_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::open(&folder.path().join("broker.db")).await.unwrap();
    let handle = broker.for_service(Service::Mapping);
    handle.publish((0..5).map(|number| numbered(number, Bytes::from_static(b"{}"))).collect()).await.unwrap();
    let mut consumer = handle.consume(QUEUE, 10).await.unwrap();
    let batch = consumer.next(3).await.unwrap();
    consumer.settle(vec![(batch[0].tag, Settlement::Retry { delay: Duration::from_secs(300) })]).await.unwrap();
    let depth = broker.depth(QUEUE);
    assert_eq!((depth.ready, depth.delayed, depth.unsettled), (2, 1, 2));
    drop(consumer);
    let depth = broker.depth(QUEUE);
    assert_eq!((depth.ready, depth.delayed, depth.unsettled), (4, 1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_broker_says_so_to_everyone() {
    let folder = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::open(&folder.path().join("broker.db")).await.unwrap();
    let handle = broker.for_service(Service::Mapping);
    let mut consumer = handle.consume(QUEUE, 10).await.unwrap();
    broker.close().await;
    assert!(consumer.next(1).await.is_none() && !handle.ready().await);
    let refused = |outcome: Result<(), BrokerError>| assert!(matches!(outcome, Err(BrokerError::Unavailable(_))), "{outcome:?}");
    refused(handle.publish(vec![numbered(1, Bytes::new())]).await);
    refused(handle.consume(QUEUE, 1).await.map(|_| ()));
    refused(handle.answers().await.map(|_| ()));
}

/// Set in the process that is killed: the broker's file.
const CHILD: &str = "PLANSHIFT_TEST_EMBEDDED_CHILD";

/// Publishes for ever, and says what was accepted.
async fn publish_until_killed(file: &Path) {
    let broker = EmbeddedBroker::open(file).await.unwrap();
    let handle = broker.for_service(Service::Coordinator);
    for start in (0..).step_by(10) {
        let batch = (start..start + 10).map(|number| numbered(number, Bytes::from_static(b"{}"))).collect();
        handle.publish(batch).await.unwrap();
        println!("accepted {}", start + 9);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_survives_a_kill() {
    if let Ok(file) = std::env::var(CHILD) {
        return publish_until_killed(Path::new(&file)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broker.db");
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "embedded::tests::what_was_accepted_survives_a_kill", "--nocapture"])
        .env(CHILD, &file)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let accepted: Vec<usize> = said.filter_map(|line| line.split_once("accepted ")?.1.parse().ok()).take(100).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let last = *accepted.last().unwrap();
    let broker = EmbeddedBroker::open(&file).await.unwrap();
    let handle = broker.for_service(Service::Mapping);
    let mut consumer = handle.consume(QUEUE, 1_000).await.unwrap();
    let survived = drain(&mut *consumer, last + 1).await;
    for (number, message) in survived.iter().enumerate() {
        assert_eq!(message.message_id, number.to_string());
    }
}
