//! That a service lives in this process, told to every gateway: at once, every ten seconds, when it is to stop, and when it has ended.
//!
//! Nothing waits for it and nothing is kept of it: what is not heard is said again ten seconds later. It goes past what is counted and
//! traced of a service's messages, for it is none of its work.

mod held;

pub use held::InHand;

use crate::{Ports, codec};
use planshift_domain::message::instance::{InstanceAlive, Living};
use planshift_messaging::{Destination, Service, SharedBroker};
use planshift_telemetry::TraceContext;
use std::{convert::Infallible, future::Future, time::Duration};
use tokio_util::sync::CancellationToken;

/// How often it is told.
pub const EVERY: Duration = Duration::from_secs(10);
/// How soon it is told for the second time: a gateway that starts beside it may not listen yet.
const SOON: Duration = Duration::from_secs(2);
/// How long the last word may take: a broker that is away keeps no process from ending.
const LAST_WORD: Duration = Duration::from_secs(2);
/// The system's own name for this machine, or this container.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// A service that lives, and tells so.
pub struct Alive {
    service: Service,
    broker: SharedBroker,
    ports: Ports,
    in_hand: InHand,
    /// Everything but how it is just now.
    told: InstanceAlive,
}

impl Alive {
    /// From now on it has an id. It tells through `broker`, the service's own end.
    pub fn new(service: Service, broker: SharedBroker, ports: &Ports) -> Self {
        let told = InstanceAlive {
            instance_id: ports.random.id(),
            host: std::fs::read_to_string(HOST_NAME).unwrap_or_default().trim().to_owned(),
            process: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since: ports.clock.now(),
            state: Living::Alive,
            in_hand: 0,
        };
        Self { service, broker, ports: ports.clone(), in_hand: InHand::default(), told }
    }

    /// The broker that the service is to work with: what it has taken and not settled is counted.
    pub fn counting(&self, broker: SharedBroker) -> SharedBroker {
        self.in_hand.counting(broker)
    }

    /// Does the work, and tells meanwhile; at the end that it has ended.
    pub async fn during<T>(self, work: impl Future<Output = T>, stop: &CancellationToken) -> T {
        let output = tokio::select! {
            output = work => output,
            never = self.tell(stop) => match never {},
        };
        tokio::select! {
            () = self.say(Living::Stopped) => {}
            () = self.ports.clock.sleep(LAST_WORD) => {}
        }
        output
    }

    async fn tell(&self, stop: &CancellationToken) -> Infallible {
        let (mut state, mut pause) = (Living::Alive, SOON);
        loop {
            self.say(state).await;
            let pause = self.ports.clock.sleep(std::mem::replace(&mut pause, EVERY));
            if state == Living::Alive {
                tokio::select! {
                    () = stop.cancelled() => state = Living::Stopping,
                    () = pause => {}
                }
            } else {
                pause.await;
            }
        }
    }

    async fn say(&self, state: Living) {
        let body = InstanceAlive { state, in_hand: self.in_hand.count(), ..self.told.clone() };
        let (id, now, trace) = (self.ports.random.id().to_string(), self.ports.clock.now(), TraceContext::default());
        let message = codec::outgoing(Destination::Askers, id, String::new(), &trace, now, &body);
        if let Err(error) = self.broker.publish(vec![message]).await {
            tracing::debug!(service = self.service.name(), %error, "nobody hears now that it lives");
        }
    }
}

#[cfg(test)]
mod tests;
