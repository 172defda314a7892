//! What one service publishes and consumes with.

use super::consumer::{EmbeddedConsumer, EmbeddedLetters};
use super::state::Key;
use super::store::NewRow;
use super::writer::Job;
use super::{Core, record};
use crate::{Broker, BrokerError, Consumer, DELAYED, Depth, Destination, Letters, Looked, Outgoing, Queue, QueueSeen, Service};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// Unsettled answers that an asker holds: it settles each as soon as it has handed it on.
const ANSWERS_PREFETCH: usize = 1_000;

/// A service's own end of the broker.
pub(crate) struct Handle {
    core: Arc<Core>,
    service: Service,
    closed: CancellationToken,
}

impl Handle {
    pub(crate) fn new(core: Arc<Core>, service: Service) -> Self {
        let closed = core.closed.child_token();
        Self { core, service, closed }
    }

    /// A message as a row. Only the gateway may speak in another's name, and only when it gives a dead letter another chance.
    fn row(&self, queue: Queue, outgoing: Outgoing) -> NewRow {
        let sender = match outgoing.to {
            Destination::Redrive { sender, .. } if self.service == Service::Gateway && sender.is_some() => sender,
            _ => Some(self.service),
        };
        NewRow { row: 0, queue, sender, attempts: 0, size: record::size(&outgoing.message), message: outgoing.message, dead: None }
    }
}

#[async_trait::async_trait]
impl Broker for Handle {
    async fn publish(&self, messages: Vec<Outgoing>) -> Result<(), BrokerError> {
        if self.closed.is_cancelled() {
            return Err(closed());
        }
        let mut rows = Vec::with_capacity(messages.len());
        let (mut answers, mut for_all) = (Vec::new(), Vec::new());
        for outgoing in messages {
            match (outgoing.to.queue(), outgoing) {
                (Some(queue), outgoing) => rows.push(self.row(queue, outgoing)),
                (None, Outgoing { to: Destination::Answer(name), message }) => answers.push((name, message)),
                (None, Outgoing { to: Destination::Askers, message }) => for_all.push(message),
                (None, _) => {}
            }
        }
        if !rows.is_empty() {
            let (done, outcome) = oneshot::channel();
            self.core.jobs.send(Job::Publish { rows, done }).map_err(|_| closed())?;
            outcome.await.map_err(|_| closed())??;
        }
        if !answers.is_empty() || !for_all.is_empty() {
            let mut state = self.core.state();
            for message in for_all {
                state.tell_askers(self.service, &message);
            }
            for (name, message) in answers {
                if !state.answer(&name, self.service, message) {
                    tracing::debug!(queue = name, "an answer was dropped: nobody asks under this name any more");
                }
            }
        }
        Ok(())
    }

    async fn consume(&self, queue: Queue, prefetch: u16) -> Result<Box<dyn Consumer>, BrokerError> {
        if self.closed.is_cancelled() {
            return Err(closed());
        }
        Ok(Box::new(EmbeddedConsumer::subscribe(self.core.clone(), Key::Durable(queue), usize::from(prefetch), self.closed.clone())))
    }

    async fn answers(&self) -> Result<(String, Box<dyn Consumer>), BrokerError> {
        if self.closed.is_cancelled() {
            return Err(closed());
        }
        let name = format!("planshift.answers.{}", uuid::Uuid::new_v4());
        let key = Key::Answers(name.clone());
        let consumer = EmbeddedConsumer::subscribe(self.core.clone(), key, ANSWERS_PREFETCH, self.closed.clone());
        Ok((name, Box::new(consumer)))
    }

    async fn letters(&self) -> Result<Box<dyn Letters>, BrokerError> {
        if self.closed.is_cancelled() {
            return Err(closed());
        }
        Ok(Box::new(EmbeddedLetters::begin(self.core.clone(), self.closed.clone())))
    }

    async fn depth(&self, queue: Queue) -> Result<Depth, BrokerError> {
        if self.closed.is_cancelled() {
            return Err(closed());
        }
        let state = self.core.state();
        Ok(Depth { ready: state.depth(queue).ready as u64, consumers: state.consumers(queue) as u64 })
    }

    async fn queues(&self) -> Result<Vec<QueueSeen>, BrokerError> {
        if self.closed.is_cancelled() {
            return Err(closed());
        }
        let state = self.core.state();
        let holds = |name: &str, ready: usize, consumers: usize| {
            let looked = Looked::Holds(Depth { ready: ready as u64, consumers: consumers as u64 });
            QueueSeen { name: name.to_owned(), looked }
        };
        let mut seen: Vec<QueueSeen> =
            Queue::ALL.into_iter().map(|queue| holds(queue.name(), state.depth(queue).ready, state.consumers(queue))).collect();
        // one for all: what waits here knows when it is due, and stands in no queue of its own
        seen.push(holds(DELAYED, Queue::ALL.into_iter().map(|queue| state.depth(queue).delayed).sum(), 0));
        Ok(seen)
    }

    async fn ready(&self) -> bool {
        !self.closed.is_cancelled() && self.core.healthy.load(Ordering::Relaxed)
    }

    async fn close(&self) {
        self.closed.cancel();
    }
}

fn closed() -> BrokerError {
    BrokerError::Unavailable("it was closed".to_owned())
}
