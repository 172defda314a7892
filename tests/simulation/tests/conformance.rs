//! The simulated store and the simulated broker are held to what the real ones are held to.

use async_trait::async_trait;
use planshift_messaging::{
    Service, SharedBroker,
    conformance::{self as messaging, World},
};
use planshift_simulation::{broker::MemoryBroker, store::MemoryStore};
use planshift_storage::{
    Database, StorageError,
    conformance::{self as storage, Place},
};
use planshift_worker::Ports;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// A case that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(120);

struct Memory(MemoryStore);

#[async_trait]
impl Place for Memory {
    async fn open(&self) -> Result<Database, StorageError> {
        Ok(self.0.handle(None))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_in_memory_is_a_store() {
    let mut failures = Vec::new();
    for (name, case) in storage::CASES {
        let place = Memory(MemoryStore::new().unwrap());
        match tokio::time::timeout(LIMIT, case(&place)).await {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => failures.push(format!("{name}: {failure}")),
            Err(_) => failures.push(format!("{name}: hangs")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

struct InMemory {
    broker: MemoryBroker,
    handles: Mutex<Vec<SharedBroker>>,
}

#[async_trait]
impl World for InMemory {
    async fn handle(&self, service: Service) -> SharedBroker {
        let handle = self.broker.handle(service, None);
        self.handles.lock().unwrap().push(handle.clone());
        handle
    }

    async fn restart(&self) {
        let handles = std::mem::take(&mut *self.handles.lock().unwrap());
        for handle in handles {
            handle.close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_broker_in_memory_is_a_broker() {
    for case in messaging::CASES {
        println!("{}", case.name);
        let world = InMemory { broker: MemoryBroker::new(Ports::system(), None), handles: Mutex::default() };
        tokio::time::timeout(LIMIT, (case.run)(Arc::new(world))).await.unwrap_or_else(|_| panic!("{} hangs", case.name));
    }
}
