//! A broker in memory: at-least-once, with everything going wrong that a real one lets go wrong.
//!
//! It passes the conformance suite of brokers; what goes wrong comes from the [`Line`] that a handle was made with, and a handle
//! without one has perfect weather.
//!
//! | file | holds |
//! |---|---|
//! | `queues` | the queues themselves: nothing there waits |
//! | `handle` | what a service publishes and consumes with |
//! | `consumer` | the receiving end of a queue |
//! | `letters` | a pass through the dead letters |
//! | `line` | the way between a process and the broker |

mod consumer;
mod handle;
mod letters;
mod line;
mod queues;

pub use line::Line;
pub use queues::Depth;

use crate::sim::ProcessId;
use planshift_messaging::{DeadLetter, Message, Outgoing, Queue, Service, SharedBroker};
use planshift_worker::Ports;
use queues::Queues;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// Sees what the broker takes, as it takes it.
pub trait Listener: Send + Sync {
    /// A service published this, and it was stored.
    fn published(&self, sender: Service, outgoing: &Outgoing);
}

/// The broker. Cheap to clone; clones are the same one.
#[derive(Clone)]
pub struct MemoryBroker {
    core: Arc<Core>,
}

struct Core {
    queues: Mutex<Queues>,
    ports: Ports,
    listener: Option<Arc<dyn Listener>>,
}

impl Core {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        self.ports.clock.now().as_micros()
    }
}

/// Why the broker itself gives a message up: RabbitMQ's word.
pub const DELIVERY_LIMIT: &str = "delivery_limit";

/// Was it given up after many attempts, as lasting trouble explains? What can never be read or done has another reason.
pub fn is_worn_out(dead: &DeadLetter) -> bool {
    ["AttemptsUsedUp", DELIVERY_LIMIT].contains(&dead.reason.as_str())
}

/// A message that was given up, and why.
#[derive(Clone, Debug)]
pub struct Buried {
    /// The message.
    pub message: Message,
    /// Why.
    pub dead: DeadLetter,
}

impl MemoryBroker {
    /// An empty broker, whose delays pass by the clock of `ports`.
    pub fn new(ports: Ports, listener: Option<Arc<dyn Listener>>) -> Self {
        Self { core: Arc::new(Core { queues: Mutex::default(), ports, listener }) }
    }

    /// What a service publishes and consumes with.
    pub fn handle(&self, service: Service, line: Option<Line>) -> SharedBroker {
        Arc::new(handle::Handle::new(self.core.clone(), service, line, CancellationToken::new()))
    }

    /// A process loses its connection: what it held unsettled comes again, to whoever consumes.
    pub fn disconnect(&self, process: ProcessId) {
        self.core.queues().disconnect(process);
    }

    /// How much a queue holds.
    pub fn depth(&self, queue: Queue) -> Depth {
        self.core.queues().depth(queue)
    }

    /// Everything that was given up and not fetched since.
    pub fn dead_letters(&self) -> Vec<Buried> {
        self.core.queues().dead_letters()
    }
}
