//! How much every queue holds, and who takes from it: a look that changes nothing.

use planshift_messaging::{BrokerError, DELAYED, Looked, Queue, QueueSeen, SharedBroker};
use planshift_worker::Ports;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long the broker may take to tell of all of them: somebody waits for the page.
const LOOK_TIME: Duration = Duration::from_secs(5);

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QueueShown {
    /// Its name on the broker.
    pub(crate) name: String,
    /// What waits in it.
    pub(crate) kind: QueueKind,
    /// Whose it is, where it is a service's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) service: Option<String>,
    /// What a look at it has found.
    pub(crate) state: QueueState,
    /// Messages that can be delivered now; several that were sent together may be one on RabbitMQ. What somebody has in hand is not
    /// among them. Absent where it was not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) waiting: Option<u64>,
    /// How many take from it. Absent where it was not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) consumers: Option<u64>,
}

/// What waits in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum QueueKind {
    /// What a service is to do.
    Service,
    /// Dead letters.
    Dead,
    /// What is tried again later.
    Delayed,
}

/// What a look at a queue has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum QueueState {
    /// It holds so much.
    Seen,
    /// It is not there: `planshift migrate` declares it.
    Missing,
    /// The gateway's user may not look at it.
    Hidden,
}

/// All of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct QueuesShown {
    /// Those of services, the dead letters, and those of retries.
    pub(crate) items: Vec<QueueShown>,
}

/// Looks at queues. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Queues {
    broker: SharedBroker,
    ports: Ports,
}

impl Queues {
    pub(crate) const fn new(broker: SharedBroker, ports: Ports) -> Self {
        Self { broker, ports }
    }

    /// How they are just now.
    ///
    /// # Errors
    /// `Unavailable`: the broker is away, or does not answer in time.
    pub(crate) async fn look(&self) -> Result<QueuesShown, BrokerError> {
        if !self.broker.ready().await {
            return Err(BrokerError::Unavailable("it is not reached".to_owned()));
        }
        let seen = tokio::select! {
            seen = self.broker.queues() => seen?,
            () = self.ports.clock.sleep(LOOK_TIME) => return Err(BrokerError::Unavailable("no answer in time".to_owned())),
        };
        let mut items: Vec<QueueShown> = seen.into_iter().map(shown).collect();
        // those of services in the order in which they are declared, then the dead letters, then retries, the shortest first
        items.sort_by_key(|queue| match queue.kind {
            QueueKind::Service => 0,
            QueueKind::Dead => 1,
            QueueKind::Delayed => 2,
        });
        Ok(QueuesShown { items })
    }
}

fn shown(QueueSeen { name, looked }: QueueSeen) -> QueueShown {
    let (kind, service) = match Queue::from_name(&name) {
        Some(Queue::Service(service)) => (QueueKind::Service, Some(service.name().to_owned())),
        None if name.starts_with(DELAYED) => (QueueKind::Delayed, None),
        Some(Queue::Dead) | None => (QueueKind::Dead, None),
    };
    let (state, depth) = match looked {
        Looked::Holds(depth) => (QueueState::Seen, Some(depth)),
        Looked::Missing => (QueueState::Missing, None),
        Looked::Hidden => (QueueState::Hidden, None),
    };
    QueueShown { name, kind, service, state, waiting: depth.map(|depth| depth.ready), consumers: depth.map(|depth| depth.consumers) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use planshift_messaging::Depth;

    #[test]
    fn what_was_not_seen_is_not_told_as_nothing() {
        let see = |name: &str, looked| shown(QueueSeen { name: name.to_owned(), looked });
        let mapping = see("planshift.mapping", Looked::Holds(Depth { ready: 3, consumers: 2 }));
        assert_eq!((mapping.kind, mapping.service.as_deref()), (QueueKind::Service, Some("mapping")));
        assert_eq!((mapping.state, mapping.waiting, mapping.consumers), (QueueState::Seen, Some(3), Some(2)));
        let hidden = see("planshift.dead", Looked::Hidden);
        assert_eq!((hidden.kind, hidden.state, hidden.waiting, hidden.consumers), (QueueKind::Dead, QueueState::Hidden, None, None));
        let missing = see("planshift.delay.1s", Looked::Missing);
        assert_eq!((missing.kind, missing.state, missing.waiting), (QueueKind::Delayed, QueueState::Missing, None));
    }
}
