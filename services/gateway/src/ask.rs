//! Asking the coordinator (or a worker) and waiting for the answer, on a queue of this replica's own.
//!
//! A question that is not answered is sent again, the same message: whoever answers recognises the request, and answers
//! the same; or the question has no effect, and is answered as things are then. So a question, its answer, or this
//! replica's queue may be lost, and nothing happens twice.
//!
//! On the same queue every process with a service in it tells this replica that it lives: see [`Instances`].

#[cfg(test)]
mod tests;

use crate::{Settings, instances::Instances, together::Together};
use bytes::Bytes;
use futures::FutureExt as _;
use planshift_domain::message::{
    Body,
    instance::InstanceAlive,
    operator::{ActOnStep, ExplainTransition, ListStuck, ReadSteps, StepsRead, StuckListed, TransitionExplained},
    ownership::{OwnershipRead, ReadOwnership},
    plan::{PlanTransition, TransitionPlanned},
    request::{
        ActAnswered, ActOnTransition, AssessCustomer, CustomerAssessed, CustomerRead, CustomersImported, FindImport, ImportCustomers,
        ImportFound, ReadCustomer, StartAnswered, StartTransition,
    },
};
use planshift_domain::said::letters;
use planshift_messaging::{Delivery, Destination, Outgoing, Service, Settlement, SharedBroker};
use planshift_telemetry::TraceContext;
use planshift_worker::{Ports, codec};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

/// How many answers are taken at once.
const ANSWERS: usize = 200;
/// The pause before a lost queue for answers is replaced, or a message that was not published is sent again.
const BREATH: Duration = Duration::from_millis(200);

/// Something to ask.
pub(crate) trait Question: Body {
    /// What comes back.
    type Answer: Answer;
    /// Who is asked.
    const OF: Service;
    /// The answer with this key is the one to this question.
    fn key(&self) -> String;
    /// The transition (or the import) that it is about; empty where there is none yet.
    fn correlation(&self) -> String {
        String::new()
    }
}

/// An answer.
pub(crate) trait Answer: Body {
    /// Which question it answers.
    fn key(&self) -> String;
}

macro_rules! asked_by_request_id {
    ($question:ty => $answer:ty, $of:expr, $correlation:expr) => {
        impl Question for $question {
            type Answer = $answer;
            const OF: Service = $of;
            fn key(&self) -> String {
                self.request_id.to_string()
            }
            fn correlation(&self) -> String {
                let correlation: fn(&Self) -> String = $correlation;
                correlation(self)
            }
        }
    };
}
macro_rules! by_request_id {
    ($($question:ty => $answer:ty, $of:expr, $correlation:expr);* $(;)?) => { $(
        asked_by_request_id!($question => $answer, $of, $correlation);
        impl Answer for $answer {
            fn key(&self) -> String {
                self.request_id.to_string()
            }
        }
    )* };
}
by_request_id! {
    StartTransition => StartAnswered, Service::Coordinator, |_| String::new();
    FindImport => ImportFound, Service::Coordinator, |_| String::new();
    ActOnTransition => ActAnswered, Service::Coordinator, |act| act.transition_id.to_string();
    AssessCustomer => CustomerAssessed, Service::Eligibility, |_| String::new();
    ReadCustomer => CustomerRead, Service::Eligibility, |_| String::new();
    PlanTransition => TransitionPlanned, Service::Eligibility, |_| String::new();
    ReadOwnership => OwnershipRead, Service::Mapping, |_| String::new();
    ReadSteps => StepsRead, Service::Coordinator, |_| String::new();
    ExplainTransition => TransitionExplained, Service::Coordinator, |question| question.transition_id.to_string();
    ListStuck => StuckListed, Service::Coordinator, |_| String::new();
}
// an act about a step is answered with how the steps are then
asked_by_request_id!(ActOnStep => StepsRead, Service::Coordinator, |_| String::new());
impl Question for ImportCustomers {
    type Answer = CustomersImported;
    const OF: Service = Service::Coordinator;
    fn key(&self) -> String {
        format!("{}/{}", self.import_id, self.chunk)
    }
    fn correlation(&self) -> String {
        self.import_id.to_string()
    }
}
impl Answer for CustomersImported {
    fn key(&self) -> String {
        format!("{}/{}", self.import_id, self.chunk)
    }
}

/// Why there is no answer. What was asked may still happen: the same request again finds out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AskError {
    /// None came in time.
    #[error("no answer came in time")]
    NoAnswer,
    /// Too many questions are open.
    #[error("too many questions are open")]
    Busy,
}

/// Asks. Cheap to clone; clones share.
#[derive(Clone)]
pub(crate) struct Asker {
    shared: Arc<Shared>,
}

struct Shared {
    broker: SharedBroker,
    ports: Ports,
    first_resend: Duration,
    limit: usize,
    open: Mutex<Open>,
    /// The name of the queue for answers, while there is one.
    queue: watch::Sender<Option<String>>,
    /// Who has told that it lives.
    instances: Instances,
    /// Questions that come at the same time are published together: one window of confirms, and fuller messages.
    sending: Together<Outgoing, Result<(), String>>,
}

/// The type and the key of the answer that is waited for.
type AnswerKey = (&'static str, String);

/// Who waits for which answer. The same question may be asked by several at once.
#[derive(Default)]
struct Open {
    askers: HashMap<AnswerKey, Vec<(u64, oneshot::Sender<Bytes>)>>,
    count: usize,
    last: u64,
}

impl Asker {
    pub(crate) fn new(broker: SharedBroker, ports: Ports, settings: &Settings) -> Self {
        Self {
            shared: Arc::new(Shared {
                broker,
                ports,
                first_resend: settings.first_resend,
                limit: settings.open_questions,
                open: Mutex::default(),
                queue: watch::channel(None).0,
                instances: Instances::default(),
                sending: Together::default(),
            }),
        }
    }

    /// Who lives, as far as it was heard here.
    pub(crate) fn instances(&self) -> &Instances {
        &self.shared.instances
    }

    /// Asks, and sends the same again while there is no answer, for as long as `limit`.
    pub(crate) async fn ask<Q: Question>(&self, question: &Q, trace: &TraceContext, limit: Duration) -> Result<Q::Answer, AskError> {
        let key = question.key();
        let (_open, answer) = self.shared.open(<Q::Answer as Body>::TYPE, key.clone()).ok_or(AskError::Busy)?;
        let clock = &self.shared.ports.clock;
        let mut message = codec::message(format!("{}/{key}", Q::TYPE), question.correlation(), trace, clock.now(), question);
        let sending = async {
            let mut queue = self.shared.queue.subscribe();
            let mut pause = self.shared.first_resend;
            loop {
                // no queue for answers: nobody is asked before there is one
                let name = queue.wait_for(Option::is_some).await.ok().and_then(|name| name.clone());
                message.reply_to = name;
                let sent = self.shared.send(Outgoing { to: Destination::Command(Q::OF), message: message.clone() }).await;
                let wait = match sent {
                    Ok(()) => pause,
                    Err(error) => {
                        tracing::warn!(kind = Q::TYPE, %error, "the question is sent again");
                        BREATH
                    }
                };
                tokio::select! {
                    () = clock.sleep(wait) => pause = pause.saturating_mul(2),
                    _ = queue.changed() => {} // the old queue, and any answer on its way to it, is gone
                }
            }
        };
        tokio::select! {
            biased;
            body = answer => match body.map(|body| serde_json::from_slice(&body)) {
                Ok(Ok(answer)) => Ok(answer),
                _ => Err(AskError::NoAnswer),
            },
            () = clock.sleep(limit) => Err(AskError::NoAnswer),
            () = sending => Err(AskError::NoAnswer),
        }
    }

    /// Takes answers until `stop`, on one queue after the other: each is gone with the connection it was made on.
    pub(crate) async fn listen(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            match self.shared.broker.answers().await {
                Ok((name, mut consumer)) => {
                    self.shared.queue.send_replace(Some(name));
                    loop {
                        let batch = tokio::select! {
                            () = stop.cancelled() => return,
                            batch = consumer.next(ANSWERS) => batch,
                        };
                        let Some(batch) = batch else { break };
                        let settlements = batch.iter().map(|delivery| (delivery.tag, self.shared.answered(delivery))).collect();
                        if let Err(error) = consumer.settle(settlements).await {
                            tracing::warn!(%error, "answers are not settled: they come again");
                        }
                    }
                    self.shared.queue.send_replace(None);
                }
                Err(error) => tracing::warn!(%error, "no queue for answers yet"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.shared.ports.clock.sleep(BREATH) => {}
            }
        }
    }
}

impl Shared {
    async fn send(&self, question: Outgoing) -> Result<(), String> {
        let broker = self.broker.clone();
        let publish = move |questions: Vec<Outgoing>| {
            let broker = broker.clone();
            async move {
                let asked = questions.len();
                let published = broker.publish(questions).await.map_err(|error| error.to_string());
                std::iter::repeat_n(published, asked).collect()
            }
            .boxed()
        };
        self.sending.join(question, publish).await
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // a panic elsewhere leaves it whole: at worst an asker waits for its time limit
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(self: &Arc<Self>, kind: &'static str, key: String) -> Option<(OpenQuestion, oneshot::Receiver<Bytes>)> {
        let mut open = self.lock();
        if open.count >= self.limit {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        open.count += 1;
        open.last += 1;
        let number = open.last;
        open.askers.entry((kind, key.clone())).or_default().push((number, sender));
        Some((OpenQuestion { shared: self.clone(), key: (kind, key), number }, receiver))
    }

    /// Gives an answer to all who asked; one that nobody waits for any more is done too.
    fn answered(&self, delivery: &Delivery) -> Settlement {
        let sender = match codec::sender(delivery) {
            Ok(sender) => sender,
            Err(why) => return why.into(),
        };
        let message = &delivery.message;
        if message.kind == InstanceAlive::TYPE {
            return match codec::body(message) {
                Ok(told) => {
                    self.instances.heard(sender, &told, self.ports.clock.now());
                    Settlement::Ack
                }
                Err(why) => why.into(),
            };
        }
        let known = match message.kind.as_str() {
            CustomersImported::TYPE => key_of::<CustomersImported>(delivery),
            ImportFound::TYPE => key_of::<ImportFound>(delivery),
            StartAnswered::TYPE => key_of::<StartAnswered>(delivery),
            ActAnswered::TYPE => key_of::<ActAnswered>(delivery),
            CustomerAssessed::TYPE => key_of::<CustomerAssessed>(delivery),
            CustomerRead::TYPE => key_of::<CustomerRead>(delivery),
            TransitionPlanned::TYPE => key_of::<TransitionPlanned>(delivery),
            OwnershipRead::TYPE => key_of::<OwnershipRead>(delivery),
            StepsRead::TYPE => key_of::<StepsRead>(delivery),
            TransitionExplained::TYPE => key_of::<TransitionExplained>(delivery),
            StuckListed::TYPE => key_of::<StuckListed>(delivery),
            kind => Err(codec::Unreadable::new("UnknownType", letters::NO_ANSWER.with(&[&kind]))),
        };
        match known {
            Ok(key) => {
                for (_, asker) in self.lock().askers.get_mut(&key).map(std::mem::take).unwrap_or_default() {
                    // one who has stopped waiting needs no answer
                    let _ = asker.send(message.body.clone());
                }
                Settlement::Ack
            }
            Err(why) => why.into(),
        }
    }
}

fn key_of<A: Answer>(delivery: &Delivery) -> Result<AnswerKey, codec::Unreadable> {
    Ok((A::TYPE, codec::body::<A>(&delivery.message)?.key()))
}

/// A question that is open until this is dropped.
struct OpenQuestion {
    shared: Arc<Shared>,
    key: AnswerKey,
    number: u64,
}
impl Drop for OpenQuestion {
    fn drop(&mut self) {
        let mut open = self.shared.lock();
        open.count = open.count.saturating_sub(1);
        if let Some(askers) = open.askers.get_mut(&self.key) {
            askers.retain(|(number, _)| *number != self.number);
            if askers.is_empty() {
                open.askers.remove(&self.key);
            }
        }
    }
}
