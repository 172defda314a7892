//! The small interfaces through which the world reaches a service, so that a simulator can take their place.
//!
//! The broker and the store are ports too: `planshift_messaging::Broker` and `planshift_storage::Store`.

use futures::future::BoxFuture;
use planshift_domain::time::Timestamp;
use planshift_telemetry::Tracer;
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use uuid::Uuid;

/// Tells the time, and lets it pass.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
    /// Completes after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// Gives out ids and other random numbers.
pub trait Random: Send + Sync + 'static {
    /// An id that nobody has had before; ids given later sort later, which keeps indexes compact.
    fn id(&self) -> Uuid;
    /// From 0 (inclusive) to 1 (exclusive): for jitter.
    fn fraction(&self) -> f64;
}

/// Starts tasks.
pub trait Spawn: Send + Sync + 'static {
    /// Runs `task` on its own. The future that is returned ends with it; dropping that future does not stop the task.
    fn spawn(&self, task: BoxFuture<'static, ()>) -> BoxFuture<'static, ()>;
}

/// All of them.
#[derive(Clone)]
pub struct Ports {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids and chance.
    pub random: Arc<dyn Random>,
    /// Tasks.
    pub spawn: Arc<dyn Spawn>,
    /// Where spans begin: off unless the process has said where they go.
    pub tracer: Tracer,
}

impl Ports {
    /// The real world: the system's clock, random ids, tokio's tasks.
    pub fn system() -> Self {
        Self { clock: Arc::new(System), random: Arc::new(System), spawn: Arc::new(System), tracer: Tracer::off() }
    }

    /// The same with this tracer.
    #[must_use]
    pub fn traced_by(self, tracer: Tracer) -> Self {
        Self { tracer, ..self }
    }
}

struct System;

impl Clock for System {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
impl Random for System {
    fn id(&self) -> Uuid {
        Uuid::now_v7()
    }
    fn fraction(&self) -> f64 {
        rand::random()
    }
}
impl Spawn for System {
    fn spawn(&self, task: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
        let handle = tokio::spawn(task);
        Box::pin(async move {
            if let Err(error) = handle.await
                && let Ok(panic) = error.try_into_panic()
            {
                std::panic::resume_unwind(panic);
            }
        })
    }
}
