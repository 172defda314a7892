//! The suite on a real RabbitMQ, and what is its own: users, faults, the broker's own dead letters.
//!
//! Runs where `PLANSHIFT_TEST_RABBITMQ_URL` (`amqp://guest:guest@127.0.0.1:5672`, without a vhost) and
//! `PLANSHIFT_TEST_RABBITMQ_MANAGEMENT` (`http://127.0.0.1:15672`) are set, and is skipped elsewhere. What stops the broker needs
//! `PLANSHIFT_TEST_RABBITMQ_CTL` too: the `rabbitmqctl` of that broker. Each test has a vhost of its own.

mod faults;
mod server;
mod users;

use super::{RabbitMqBroker, RabbitMqOptions};
use crate::conformance::{CASES, World};
use crate::{Service, SharedBroker};
use server::{Server, VHost};
use std::sync::Arc;
use tokio::sync::{Mutex, MutexGuard};

/// One test at a time: some of them stop the broker.
static ALONE: Mutex<()> = Mutex::const_new(());

/// A vhost with its handles.
struct RabbitMq {
    vhost: VHost,
    pack_messages: usize,
    handles: Mutex<Vec<SharedBroker>>,
    _alone: MutexGuard<'static, ()>,
}

impl RabbitMq {
    async fn new(server: &Server, pack_messages: usize) -> Self {
        let alone = ALONE.lock().await;
        Self { vhost: server.vhost().await, pack_messages, handles: Mutex::default(), _alone: alone }
    }

    fn options(&self, service: Service) -> RabbitMqOptions {
        RabbitMqOptions { pack_messages: self.pack_messages, ..RabbitMqOptions::new(self.vhost.url("guest", "guest"), service) }
    }
}

#[async_trait::async_trait]
impl World for RabbitMq {
    async fn handle(&self, service: Service) -> SharedBroker {
        let broker: SharedBroker = Arc::new(RabbitMqBroker::start(self.options(service)).unwrap());
        self.handles.lock().await.push(broker.clone());
        server::eventually!("the broker is ready", broker.ready().await);
        broker
    }

    async fn restart(&self) {
        for broker in self.handles.lock().await.drain(..) {
            broker.close().await;
        }
        self.vhost.server().restart().await;
    }
}

async fn run_all(pack_messages: usize) {
    let Some(server) = Server::from_environment() else { return };
    let world = Arc::new(RabbitMq::new(&server, pack_messages).await);
    for case in CASES {
        world.vhost.purge().await;
        let before = std::time::Instant::now();
        (case.run)(world.clone()).await;
        for broker in world.handles.lock().await.drain(..) {
            broker.close().await;
        }
        println!("{} ({} messages a pack): {:?}", case.name, pack_messages, before.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conformance() {
    run_all(super::options::PACK_MESSAGES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conformance_without_packs() {
    run_all(1).await;
}
