//! The services' ports: time, ids, chance, tasks.

use super::{ProcessId, Sim};
use futures::future::BoxFuture;
use planshift_domain::time::Timestamp;
use planshift_worker::{
    Ports,
    ports::{Clock, Random, Spawn},
};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

struct Here {
    sim: Sim,
    process: ProcessId,
}

impl Sim {
    /// The ports of a process.
    pub fn ports(&self, process: ProcessId) -> Ports {
        let here = Arc::new(Here { sim: self.clone(), process });
        Ports { clock: here.clone(), random: here.clone(), spawn: here, tracer: planshift_telemetry::Tracer::off() }
    }
}

impl Clock for Here {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.sim.now_of(self.process))
    }
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.sim.sleep(duration))
    }
}

impl Random for Here {
    fn id(&self) -> Uuid {
        self.sim.id()
    }
    fn fraction(&self) -> f64 {
        self.sim.fraction()
    }
}

impl Spawn for Here {
    fn spawn(&self, task: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
        self.sim.spawn(self.process, task)
    }
}
