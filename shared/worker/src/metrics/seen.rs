//! What is looked at when somebody reads `/metrics`: nobody has to be told of it, and nothing is asked while nobody reads.

use super::{
    BROKER_CONNECTED, BROKER_CONNECTIONS, BROKER_REACHED, DATABASE_ACQUIRE, DATABASE_CONNECTIONS, DATABASE_CONNECTIONS_MAX,
    DATABASE_REACHED, Metrics, QUEUE_CONSUMERS, QUEUE_READY, READY,
};
use planshift_messaging::{Broker, Queue, Service};
use planshift_storage::Database;
use std::time::Duration;

/// How long the broker may take to say how much a queue holds: whoever reads waits meanwhile.
const DEPTH_TIMEOUT: Duration = Duration::from_secs(1);

impl Metrics {
    /// Measures from now on how long a service waits for connections of its pool.
    pub fn observe_pool(&self, service: Service, database: &Database) {
        if database.pool().is_some() {
            let waits = self.histogram(DATABASE_ACQUIRE, &[("service", service.name())]);
            database.observe_acquires(Box::new(move |waited| waits.observe(waited.as_secs_f64())));
        }
    }

    /// Says whether a service is ready, and what it reaches.
    pub(crate) fn show_ready(&self, service: &'static str, is_ready: bool, reached: Option<(bool, bool)>) {
        let (labels, number) = ([("service", service)], |yes| f64::from(u8::from(yes)));
        self.set(READY, &labels, number(is_ready));
        if let Some((broker, database)) = reached {
            self.set(BROKER_REACHED, &labels, number(broker));
            self.set(DATABASE_REACHED, &labels, number(database));
        }
    }

    /// Says what is open to the database.
    pub(crate) fn show_pool(&self, service: &'static str, database: &Database) {
        let Some(pool) = database.pool() else { return };
        for (state, count) in [("idle", pool.idle), ("used", pool.used)] {
            self.set(DATABASE_CONNECTIONS, &[("service", service), ("state", state)], f64::from(count));
        }
        self.set(DATABASE_CONNECTIONS_MAX, &[("service", service)], f64::from(pool.most));
    }

    /// Says what is open to the broker, and how much queues hold: the service's own; the coordinator looks at all of them, since a
    /// queue whose service is gone has nobody else.
    pub(crate) async fn show_broker(&self, service: &'static str, broker: &dyn Broker, is_reached: bool) {
        for connection in broker.connections() {
            let labels = [("service", service), ("connection", connection.name)];
            self.set(BROKER_CONNECTED, &labels, f64::from(u8::from(connection.is_up)));
            self.raise(BROKER_CONNECTIONS, &labels, connection.made);
        }
        for queue in Queue::ALL.into_iter().filter(|queue| is_looked_at_by(*queue, service)) {
            let labels = [("queue", queue.name())];
            let depth = match is_reached {
                true => tokio::time::timeout(DEPTH_TIMEOUT, broker.depth(queue)).await.ok().and_then(Result::ok),
                false => None,
            };
            match depth {
                Some(depth) => {
                    self.set(QUEUE_READY, &labels, depth.ready as f64);
                    self.set(QUEUE_CONSUMERS, &labels, depth.consumers as f64);
                }
                // what it was some time ago says nothing
                None => {
                    self.forget(QUEUE_READY, &labels);
                    self.forget(QUEUE_CONSUMERS, &labels);
                }
            }
        }
    }
}

fn is_looked_at_by(queue: Queue, service: &str) -> bool {
    match queue {
        Queue::Service(own) => own.name() == service || service == Service::Coordinator.name(),
        Queue::Dead => [Service::Coordinator, Service::Gateway].iter().any(|looks| looks.name() == service),
    }
}
