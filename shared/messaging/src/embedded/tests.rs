//! The suite on the embedded broker, and what is its own: shared commits, messages in the file alone, `kill -9`.

use super::EmbeddedBroker;
use crate::conformance::{CASES, World};
use crate::{Service, SharedBroker};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Mutex;

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
        println!("{}", case.name);
        (case.run)(Arc::new(Folder::new().await)).await;
    }
}
