//! What a service publishes and consumes with.

use super::{
    Core, Line,
    consumer::MemoryConsumer,
    letters::MemoryLetters,
    line,
    queues::{Entry, Key},
};
use crate::weather::{Passage, Publication};
use async_trait::async_trait;
use planshift_messaging::{
    Broker, BrokerError, Consumer, DELAYED, Depth, Destination, Letters, Looked, Outgoing, Queue, QueueSeen, Service,
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Unsettled answers that an asker holds.
const ANSWERS_PREFETCH: u16 = 1_000;

/// A service's own end of the broker.
pub(super) struct Handle {
    core: Arc<Core>,
    service: Service,
    line: Option<Line>,
    closed: CancellationToken,
}

impl Handle {
    pub(super) const fn new(core: Arc<Core>, service: Service, line: Option<Line>, closed: CancellationToken) -> Self {
        Self { core, service, line, closed }
    }

    fn check_open(&self) -> Result<(), BrokerError> {
        if self.closed.is_cancelled() { Err(BrokerError::Unavailable("it was closed".to_owned())) } else { Ok(()) }
    }

    fn check_reached(&self) -> Result<(), BrokerError> {
        self.check_open()?;
        if self.line.as_ref().is_some_and(Line::is_cut) { Err(lost()) } else { Ok(()) }
    }

    /// Only the gateway may speak in another's name, and only when it gives a dead letter another chance.
    fn sender(&self, to: &Destination) -> Service {
        match to {
            Destination::Redrive { sender: Some(sender), .. } if self.service == Service::Gateway => *sender,
            _ => self.service,
        }
    }

    async fn consumer(&self, queue: Queue, prefetch: u16) -> Result<MemoryConsumer, BrokerError> {
        if let Some(line) = &self.line {
            line.pass().await;
        }
        self.check_reached()?;
        Ok(MemoryConsumer::subscribe(self.core.clone(), Key::from(queue), prefetch, self.line.clone(), self.closed.clone()))
    }

    /// Stores messages, as the weather will have it. Gives the ids of those that the broker did not take.
    fn store(&self, messages: Vec<Outgoing>) -> Vec<String> {
        let mut returned = Vec::new();
        for outgoing in messages {
            let passage = match &self.line {
                Some(line) => line.weather.passage(),
                None => Passage { is_returned: false, after: (Duration::ZERO, None), overtakes: 0 },
            };
            let is_answer = matches!(outgoing.to, Destination::Answer(_) | Destination::Askers);
            if passage.is_returned && !is_answer {
                self.note(&outgoing, || ", and the broker does not take it".to_owned());
                returned.push(outgoing.message.message_id);
                continue;
            }
            self.note(&outgoing, || told(passage));
            self.enqueue(outgoing, passage);
        }
        returned
    }

    fn enqueue(&self, outgoing: Outgoing, passage: Passage) {
        let keys = match (&outgoing.to, outgoing.to.queue()) {
            (_, Some(queue)) => vec![Key::from(queue)],
            (Destination::Answer(name), None) => vec![Key::Answers(name.clone())],
            (Destination::Askers, None) => self.core.queues().askers(),
            (_, None) => return,
        };
        let sender = self.sender(&outgoing.to);
        if let Some(listener) = &self.core.listener {
            listener.published(sender, &outgoing);
        }
        let entry = Entry { message: Arc::new(outgoing.message), sender: Some(sender), attempts: 0, redelivered: false, dead: None };
        let now = self.core.now();
        let mut queues = self.core.queues();
        let (first, second) = passage.after;
        for key in keys {
            if !queues.exists(&key) {
                continue;
            }
            for after in second.into_iter().chain([first]) {
                if after.is_zero() {
                    queues.push(&key, entry.clone(), passage.overtakes);
                } else {
                    queues.delay(key.clone(), entry.clone(), now + i64::try_from(after.as_micros()).unwrap_or(i64::MAX / 2));
                }
            }
        }
    }

    fn note(&self, outgoing: &Outgoing, fate: impl FnOnce() -> String) {
        let Some(line) = &self.line else { return };
        let message = &outgoing.message;
        line.note(line::about(&message.correlation_id), || format!("sends {} {}{}", message.kind, message.message_id, fate()));
    }
}

/// In words, where it is out of the ordinary.
fn told(passage: Passage) -> String {
    let (first, second) = passage.after;
    let mut text = String::new();
    if !first.is_zero() {
        text.push_str(&format!(", late by {first:?}"));
    }
    match second {
        Some(after) if after.is_zero() => text.push_str(", twice"),
        Some(after) => text.push_str(&format!(", twice, the second after {after:?}")),
        None => {}
    }
    if passage.overtakes > 0 {
        text.push_str(&format!(", before the last {}", passage.overtakes));
    }
    text
}

pub(super) fn lost() -> BrokerError {
    BrokerError::Unavailable("the connection was lost".to_owned())
}

#[async_trait]
impl Broker for Handle {
    async fn publish(&self, mut messages: Vec<Outgoing>) -> Result<(), BrokerError> {
        self.check_open()?;
        if messages.is_empty() {
            return Ok(());
        }
        let Some(line) = &self.line else {
            self.store(messages);
            return Ok(());
        };
        line.pass().await;
        self.check_reached()?;
        let fate = line.weather.publication(messages.len());
        if fate != Publication::Confirmed {
            line.note(None, || format!("publishes {} message(s): {fate:?}", messages.len()));
        }
        let returned = match fate {
            Publication::Lost => return Err(lost()),
            Publication::Half(stored) => {
                messages.truncate(stored);
                self.store(messages);
                return Err(lost());
            }
            Publication::Confirmed | Publication::Unconfirmed => self.store(messages),
        };
        line.pass().await;
        if fate == Publication::Unconfirmed || line.is_cut() {
            return Err(lost());
        }
        if returned.is_empty() { Ok(()) } else { Err(BrokerError::Refused { ids: returned, reason: "no route, or no room".to_owned() }) }
    }

    async fn consume(&self, queue: Queue, prefetch: u16) -> Result<Box<dyn Consumer>, BrokerError> {
        Ok(Box::new(self.consumer(queue, prefetch).await?))
    }

    async fn letters(&self) -> Result<Box<dyn Letters>, BrokerError> {
        Ok(Box::new(MemoryLetters::new(self.consumer(Queue::Dead, u16::MAX).await?)))
    }

    async fn answers(&self) -> Result<(String, Box<dyn Consumer>), BrokerError> {
        if let Some(line) = &self.line {
            line.pass().await;
        }
        self.check_reached()?;
        let name = format!("planshift.answers.{}", self.core.ports.random.id());
        let key = Key::Answers(name.clone());
        let consumer = MemoryConsumer::subscribe(self.core.clone(), key, ANSWERS_PREFETCH, self.line.clone(), self.closed.clone());
        Ok((name, Box::new(consumer)))
    }

    async fn depth(&self, queue: Queue) -> Result<Depth, BrokerError> {
        self.check_reached()?;
        let queues = self.core.queues();
        Ok(Depth { ready: queues.depth(queue).ready as u64, consumers: queues.consumers(queue) as u64 })
    }

    async fn queues(&self) -> Result<Vec<QueueSeen>, BrokerError> {
        self.check_reached()?;
        let queues = self.core.queues();
        let holds = |name: &str, ready: usize, consumers: usize| {
            let looked = Looked::Holds(Depth { ready: ready as u64, consumers: consumers as u64 });
            QueueSeen { name: name.to_owned(), looked }
        };
        let one = |queue: Queue| holds(queue.name(), queues.depth(queue).ready, queues.consumers(queue));
        let mut seen: Vec<QueueSeen> = Queue::ALL.into_iter().map(one).collect();
        seen.push(holds(DELAYED, Queue::ALL.into_iter().map(|queue| queues.depth(queue).delayed).sum(), 0));
        Ok(seen)
    }

    async fn ready(&self) -> bool {
        self.check_reached().is_ok()
    }

    async fn close(&self) {
        self.closed.cancel();
    }
}
