//! Workers tried without servers: SQLite in a temporary folder, messages handed to the handler directly. Used by the tests of
//! every worker. With `PLANSHIFT_TEST_STORE=postgres` and `PLANSHIFT_TEST_POSTGRES_URL` the same tests run on Postgres, each in a
//! schema of its own.
#![allow(dead_code, unused_macros, unused_imports, missing_docs)]

pub mod contract;

use planshift_domain::{
    ids::{CustomerId, ImportId, PartnerId, TransitionId},
    message::{
        command::{FactsPart, Packet, TakeFacts},
        reply::{ItemAnswer, PacketAnswer},
    },
    step::Action,
    time::Timestamp,
    transition::Evidence,
};
use planshift_messaging::{Delivery, DeliveryTag, Message, Outgoing, Service};
use planshift_storage::{Database, Dialect, Migration};
use planshift_worker::{
    End, Handled, Handler, Ports,
    ports::Clock,
    step::{StepHandler, StepWorker},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use uuid::Uuid;

pub const PARTNER: PartnerId = PartnerId(Uuid::from_u128(0xA));
pub const CUSTOMER: CustomerId = CustomerId(Uuid::from_u128(0xC));
pub const T1: TransitionId = TransitionId(Uuid::from_u128(0x71));
pub const T2: TransitionId = TransitionId(Uuid::from_u128(0x72));

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A clock that stands until it is set.
pub struct TestClock(AtomicI64);
impl TestClock {
    pub fn set(&self, text: &str) {
        self.0.store(at(text).as_micros(), Ordering::SeqCst);
    }
}
impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }
}

/// A database of a worker's own, and a clock.
pub struct World {
    _folder: tempfile::TempDir,
    pub database: Database,
    pub clock: Arc<TestClock>,
    pub ports: Ports,
}

impl World {
    pub async fn new(migrations: &[Migration]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = match std::env::var("PLANSHIFT_TEST_STORE").as_deref() {
            Ok("postgres") => {
                let url = std::env::var("PLANSHIFT_TEST_POSTGRES_URL").unwrap();
                Database::connect_postgres(&url, &format!("w{}", Uuid::new_v4().simple()), 2).await.unwrap()
            }
            _ => Database::open_sqlite(folder.path().join("worker.sqlite")).await.unwrap(),
        };
        database.migrate(migrations).await.unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(0)));
        clock.set("2026-11-22T15:20:00Z");
        let ports = Ports { clock: clock.clone(), ..Ports::system() };
        Self { _folder: folder, database, clock, ports }
    }

    pub fn is_postgres(&self) -> bool {
        self.database.dialect() == Dialect::Postgres
    }

    pub async fn script(&self, sql: &str) {
        let mut tx = self.database.begin().await.unwrap();
        tx.run_script(sql).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// From now on no such write succeeds.
    pub async fn break_writes(&self, writes: &[Broken]) {
        if self.is_postgres() {
            self.script(
                "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql
                 AS $$ BEGIN RAISE EXCEPTION 'broken' USING ERRCODE = 'check_violation'; END $$",
            )
            .await;
        }
        for (number, (event, table, condition)) in writes.iter().enumerate() {
            let head = format!("CREATE TRIGGER broken{number} BEFORE {event} ON {table}");
            self.script(&if self.is_postgres() {
                format!("{head} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION broken()")
            } else {
                format!("{head} WHEN {condition} BEGIN SELECT RAISE(ABORT, 'broken'); END")
            })
            .await;
        }
    }

    /// They do again.
    pub async fn mend_writes(&self, writes: &[Broken]) {
        if self.is_postgres() {
            return self.script("DROP FUNCTION broken CASCADE").await;
        }
        for number in 0..writes.len() {
            self.script(&format!("DROP TRIGGER broken{number}")).await;
        }
    }
}

/// `INSERT` or `UPDATE`, the table, and a condition on `NEW` or `OLD`.
pub type Broken = (&'static str, &'static str, String);

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A message that was delivered, from the coordinator.
pub fn delivery<B: Serialize>(kind: &str, body: &B) -> Delivery {
    delivery_from(Some(Service::Coordinator), kind, serde_json::to_vec(body).unwrap())
}

pub fn delivery_from(sender: Option<Service>, kind: &str, body: Vec<u8>) -> Delivery {
    let message = Message {
        message_id: Uuid::new_v4().to_string(),
        kind: kind.to_owned(),
        correlation_id: String::new(),
        reply_to: None,
        sent_micros: 0,
        traceparent: format!("00-{TRACE}-00f067aa0ba902b7-01"),
        tracestate: "vendor=1".to_owned(),
        redrive: None,
        body: body.into(),
    };
    Delivery {
        tag: DeliveryTag { epoch: 0, wire: 0, part: 0 },
        message,
        content_type: None,
        sender,
        attempts: 0,
        redelivered: false,
        dead: None,
    }
}

/// A packet of the usual customer.
pub fn packet<I>(transition: TransitionId, number: u32, attempt: u32, items: Vec<I>) -> Packet<I> {
    Packet {
        transition_id: transition,
        partner_id: PARTNER,
        customer_id: CUSTOMER,
        facts_version: 1,
        packet: number,
        attempt,
        effective_at: Some(at("2026-11-22T16:00:00Z")),
        items,
    }
}

pub fn command<W: StepWorker>(packet: &Packet<W::Item>) -> Delivery {
    delivery(W::DO, packet)
}

pub fn undo<W: StepWorker>(packet: &Packet<W::Item>) -> Delivery {
    delivery(W::UNDO.unwrap(), packet)
}

/// Facts of a customer in one part.
pub fn facts<W: StepWorker>(customer: CustomerId, version: u32, facts: W::Facts) -> Delivery
where
    W::Facts: Serialize,
{
    facts_part::<W>(customer, version, 0, 1, facts)
}

pub fn facts_part<W: StepWorker>(customer: CustomerId, version: u32, part: u32, parts: u32, facts: W::Facts) -> Delivery
where
    W::Facts: Serialize,
{
    let customers = vec![FactsPart { customer_id: customer, version, part, parts, facts }];
    delivery(W::FACTS, &TakeFacts { import_id: ImportId(Uuid::from_u128(0x1)), chunk: part, partner_id: PARTNER, customers })
}

pub async fn handle<W: StepWorker>(handler: &StepHandler<W>, batch: &[Delivery]) -> Handled<()> {
    let handled = handler.handle(batch).await.unwrap();
    assert_eq!(handled.ends.len(), batch.len());
    for outgoing in &handled.publish {
        assert!(outgoing.message.traceparent.contains(TRACE), "{outgoing:?}");
        assert_ne!(outgoing.message.traceparent, batch[0].message.traceparent);
        assert_eq!(outgoing.message.tracestate, "vendor=1");
        assert!(!outgoing.message.message_id.is_empty() && !outgoing.message.correlation_id.is_empty());
    }
    handled
}

/// Hands over a batch of which every message is to be done, and gives the packets' answers.
pub async fn answers<W: StepWorker>(handler: &StepHandler<W>, batch: &[Delivery]) -> Vec<PacketAnswer> {
    let handled = handle(handler, batch).await;
    assert!(handled.ends.iter().all(|end| *end == End::Done), "{:?}", handled.ends);
    assert_eq!(handled.publish.len(), batch.len());
    handled.publish.iter().map(read).collect()
}

pub async fn answer<W: StepWorker>(handler: &StepHandler<W>, delivery: Delivery) -> PacketAnswer {
    answers(handler, &[delivery]).await.remove(0)
}

pub fn read<B: DeserializeOwned>(outgoing: &Outgoing) -> B {
    serde_json::from_slice(&outgoing.message.body).unwrap()
}

pub fn evidence(answer: &PacketAnswer) -> Vec<Evidence> {
    answer.items.iter().map(|item| item.evidence).collect()
}

pub fn code(item: &ItemAnswer) -> &str {
    item.error.as_ref().map_or("", |error| error.code.as_str())
}

pub fn is_undo(answer: &PacketAnswer) -> bool {
    answer.action == Action::Undo
}
