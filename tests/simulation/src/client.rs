//! Whoever asks: imports, starts, cancels, resumes, closes, by messages as the gateway's API sends them.
//!
//! A question is sent again, the same, until it is answered; the queue for the answers may be lost at any time.

use crate::{
    broker,
    sim::{ProcessId, Sim},
    world::{Ask, Import, Script},
};
use planshift_domain::{
    ids::{ImportId, PartnerId, TransitionId},
    message::{
        Body,
        operator::{ActOnStep, StepActKind, StepsRead},
        request::{
            Act, ActAnswered, ActOnTransition, CustomersImported, ImportCustomers, ImportedBy, Priority, StartAnswered, StartOutcome,
            StartTransition,
        },
    },
    step::Step,
    time::Timestamp,
};
use planshift_messaging::{Destination, Message, Outgoing, Queue, Service, Settlement, SharedBroker};
use planshift_telemetry::TraceContext;
use planshift_worker::codec;
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::oneshot;
use uuid::Uuid;

/// How many answers are taken at once.
const ANSWERS: usize = 200;
/// The pause before a lost queue for answers is replaced.
const BREATH: Duration = Duration::from_millis(200);
/// The first, and the longest, pause before a question is sent again.
const RESEND: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(24));
/// How long an import may take, as the gateway has it.
const IMPORT_TIME: Duration = Duration::from_secs(120);
/// The pause before a customer that is not known yet is asked for again.
const NOT_YET: Duration = Duration::from_secs(2);

/// The asker. Cheap to clone; clones are the same one.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    sim: Sim,
    process: ProcessId,
    broker: SharedBroker,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queue: Option<String>,
    waiting: BTreeMap<String, oneshot::Sender<Vec<u8>>>,
    /// How many are not done with their scripts.
    busy: usize,
    /// How many imports were not answered in time.
    imports_again: usize,
    /// Which transitions a request was told that it made.
    accepted: BTreeMap<Uuid, BTreeSet<TransitionId>>,
    /// The redrives that the broker has confirmed.
    redriven: Vec<String>,
}

impl Client {
    /// An asker in a process of its own.
    pub fn new(sim: &Sim, process: ProcessId, broker: SharedBroker) -> Self {
        let shared = Shared { sim: sim.clone(), process, broker, state: Mutex::default() };
        let client = Self { shared: Arc::new(shared) };
        client.spawn(client.clone().listen());
        client
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // nobody waits for it
        drop(self.shared.sim.spawn(self.shared.process, task));
    }

    /// How many scripts are not through, with the questions that wait for an answer.
    pub fn busy(&self) -> (usize, Vec<String>) {
        let state = self.state();
        (state.busy, state.waiting.keys().cloned().collect())
    }

    /// How many imports were not answered in time, and made again.
    pub fn imports_again(&self) -> usize {
        self.state().imports_again
    }

    /// Which transitions each request was told that it made.
    pub fn accepted(&self) -> BTreeMap<Uuid, BTreeSet<TransitionId>> {
        self.state().accepted.clone()
    }

    /// The redrives that the broker has confirmed, each of one message.
    pub fn redriven(&self) -> Vec<String> {
        self.state().redriven.clone()
    }

    /// Imports a document.
    pub fn import(&self, import: Import) {
        self.work(|client| async move {
            let Import { partner, parts, begun_at } = import;
            let import_id = ImportId(client.shared.sim.id());
            client
                .take_in(ImportCustomers {
                    import_id,
                    chunk: 0,
                    begun_at,
                    by: ImportedBy::default(),
                    partner,
                    customers: parts,
                    resellers: Vec::new(),
                    only_if: None,
                })
                .await;
        });
    }

    /// Goes through a script.
    pub fn follow(&self, script: Script) {
        self.work(|client| async move { client.go_through(script).await });
    }

    /// Has a transition go on.
    pub fn resume(&self, partner_id: PartnerId, transition_id: TransitionId) {
        self.work(|client| async move { client.act(partner_id, transition_id, Act::Resume).await });
    }

    /// Pauses a step for everyone, and resumes it after so long.
    pub fn pause(&self, step: Step, time: Duration) {
        self.work(|client| async move {
            client.act_on_step(step, StepActKind::Pause).await;
            client.shared.sim.sleep(time).await;
            client.act_on_step(step, StepActKind::Resume).await;
        });
    }

    /// Gives every message that was given up after many attempts another chance.
    pub fn redrive(&self) {
        self.work(|client| async move { client.redrive_all().await });
    }

    fn work<F: Future<Output = ()> + Send + 'static>(&self, work: impl FnOnce(Self) -> F) {
        self.state().busy += 1;
        let client = self.clone();
        let work = work(self.clone());
        self.spawn(async move {
            work.await;
            client.state().busy -= 1;
        });
    }

    async fn go_through(&self, script: Script) {
        let sim = &self.shared.sim;
        let Script { partner, part, priority, asks } = script;
        let mut last = None;
        for ask in asks {
            match ask {
                Ask::Wait(time) => sim.sleep(time).await,
                Ask::Start => last = self.start(partner.id, &part, priority).await.or(last),
                Ask::StartTwice => {
                    let (one, two) =
                        futures::join!(self.start(partner.id, &part, priority), self.start(partner.id, &part, Priority::Interactive));
                    last = one.or(two).or(last);
                }
                Ask::Cancel | Ask::Close => {
                    if let Some(transition) = last {
                        self.act(partner.id, transition, if ask == Ask::Cancel { Act::Cancel } else { Act::Close }).await;
                    }
                }
                Ask::Import => {
                    let (import_id, begun_at) = (ImportId(sim.id()), Timestamp::from_micros(sim.now()));
                    let chunk = ImportCustomers {
                        import_id,
                        chunk: 0,
                        begun_at,
                        by: ImportedBy::default(),
                        partner: partner.clone(),
                        customers: vec![part.clone()],
                        resellers: Vec::new(),
                        only_if: None,
                    };
                    self.take_in(chunk).await;
                }
            }
        }
    }

    /// Has facts taken. After [`IMPORT_TIME`] the import has failed for whoever asks the gateway, and is made again, as another.
    async fn take_in(&self, mut chunk: ImportCustomers) {
        loop {
            let key = format!("{}/{}", chunk.import_id, chunk.chunk);
            let answer = self.ask::<_, CustomersImported>(&chunk, key, chunk.import_id.to_string());
            tokio::select! {
                biased;
                answer = answer => {
                    let (taken, refused) = (answer.imported.len(), answer.refused.len());
                    return self.note(|| format!("is told of import {}: {taken} taken, {refused} refused", answer.import_id));
                }
                () = self.shared.sim.sleep(IMPORT_TIME) => {}
            }
            self.note(|| format!("is not told of import {}, and makes it again", chunk.import_id));
            self.state().imports_again += 1;
            (chunk.import_id, chunk.begun_at) = (ImportId(self.shared.sim.id()), Timestamp::from_micros(self.shared.sim.now()));
        }
    }

    /// The transition that came of it, or that was there.
    async fn start(
        &self,
        partner_id: PartnerId,
        part: &planshift_domain::account::facts::CustomerPart,
        priority: Priority,
    ) -> Option<TransitionId> {
        let request_id = self.shared.sim.id();
        let start = StartTransition {
            request_id,
            partner_id,
            customer_id: part.customer_id,
            actor: "ann".to_owned(),
            plan_hash: None,
            priority,
            batch: None,
        };
        loop {
            let answer: StartAnswered = self.ask(&start, request_id.to_string(), String::new()).await;
            self.note(|| format!("is told of start {request_id} of customer {}: {:?}", part.customer_id, answer.outcome));
            match answer.outcome {
                StartOutcome::Accepted { transition_id } | StartOutcome::InProgress { transition_id } => return Some(transition_id),
                StartOutcome::UnknownCustomer | StartOutcome::ImportUnderWay => self.shared.sim.sleep(NOT_YET).await,
            }
        }
    }

    async fn act(&self, partner_id: PartnerId, transition_id: TransitionId, act: Act) {
        let request_id = self.shared.sim.id();
        let (actor, reason) = ("ann".to_owned(), String::new());
        let question = ActOnTransition { request_id, partner_id, transition_id, act, actor, reason };
        let answer: ActAnswered = self.ask(&question, request_id.to_string(), transition_id.to_string()).await;
        self.note(|| format!("is told of {act:?} of {transition_id}: {:?}", answer.outcome));
    }

    async fn act_on_step(&self, step: Step, act: StepActKind) {
        let request_id = self.shared.sim.id();
        self.note(|| format!("has {step} {}d, by request {request_id}", act.name()));
        let act = ActOnStep { request_id, step, act, actor: "ann".to_owned(), reason: "it is down".to_owned() };
        let _: StepsRead = self.ask(&act, request_id.to_string(), String::new()).await;
        self.note(|| format!("is told that {step} is {}d", act.act.name()));
    }

    /// As the gateway does it: published again, then taken out. Lost in between, it stays, and is redriven twice in the end.
    async fn redrive_all(&self) {
        let Ok(mut letters) = self.shared.broker.letters().await else { return };
        let pass = self.shared.sim.id().to_string();
        for number in 1.. {
            let Ok(Some(letter)) = letters.next().await else { return };
            let message = letter.message;
            if message.redrive.as_ref().is_some_and(|redrive| redrive.starts_with(&pass)) {
                // it died again meanwhile: the pass has come round
                return;
            }
            let Some(dead) = letter.dead.filter(broker::is_worn_out) else { continue };
            let Some(Queue::Service(to)) = Queue::from_name(&dead.queue) else { continue };
            let redrive = format!("{pass}/{number}");
            self.note(|| format!("gives {} {} another chance", message.kind, message.message_id));
            let before = message.redrive.clone();
            let message = Message { redrive: Some(redrive.clone()), ..message };
            let again = Outgoing { to: Destination::Redrive { to, sender: letter.sender }, message };
            if self.shared.broker.publish(vec![again]).await.is_err() {
                continue;
            }
            // where the broker gave it up nobody was told; this time somebody may be
            let untold = before.filter(|_| dead.reason == broker::DELIVERY_LIMIT);
            self.redrives_again(untold.as_ref(), redrive);
            if letters.take_out(letter.tag).await.is_err() {
                return;
            }
        }
    }

    fn redrives_again(&self, before: Option<&String>, redrive: String) {
        let redriven = &mut self.state().redriven;
        redriven.retain(|redrive| Some(redrive) != before);
        redriven.push(redrive);
    }

    fn note(&self, text: impl FnOnce() -> String) {
        self.shared.sim.note(self.shared.process, None, text);
    }

    /// Asks until there is an answer.
    async fn ask<Q: Body, A: Body>(&self, question: &Q, key: String, correlation: String) -> A {
        let sim = &self.shared.sim;
        let id = format!("{}/{key}", Q::TYPE);
        let trace = TraceContext::root(sim.id());
        let mut message = codec::message(id, correlation, &trace, Timestamp::from_micros(sim.now()), question);
        let mut pause = RESEND.0;
        loop {
            let (give, answer) = oneshot::channel();
            // whoever asks under the same key again is the same asker
            let queue = {
                let mut state = self.state();
                state.waiting.insert(format!("{key}/answer"), give);
                state.queue.clone()
            };
            if queue.is_some() {
                message.reply_to = queue;
                // one that is lost is sent again
                let _ = self
                    .shared
                    .broker
                    .publish(vec![Outgoing { to: Destination::Command(Service::Coordinator), message: message.clone() }])
                    .await;
            }
            tokio::select! {
                biased;
                body = answer => {
                    if let Some(answer) = body.ok().and_then(|body| serde_json::from_slice(&body).ok()) {
                        return answer;
                    }
                }
                () = sim.sleep(pause) => {}
            }
            pause = (pause * 2).min(RESEND.1);
        }
    }

    /// Takes answers, on one queue after the other.
    async fn listen(self) {
        loop {
            if let Ok((name, mut consumer)) = self.shared.broker.answers().await {
                self.state().queue = Some(name);
                while let Some(batch) = consumer.next(ANSWERS).await {
                    let settlements = batch.iter().map(|delivery| (delivery.tag, Settlement::Ack)).collect();
                    for delivery in batch {
                        self.answered(&delivery.message.message_id, &delivery.message.kind, &delivery.message.body);
                    }
                    if consumer.settle(settlements).await.is_err() {
                        break;
                    }
                }
                self.state().queue = None;
            }
            self.shared.sim.sleep(BREATH).await;
        }
    }

    fn answered(&self, id: &str, kind: &str, body: &[u8]) {
        let mut state = self.state();
        if kind == StartAnswered::TYPE
            && let Ok(answer) = serde_json::from_slice::<StartAnswered>(body)
            && let StartOutcome::Accepted { transition_id } = answer.outcome
        {
            state.accepted.entry(answer.request_id).or_default().insert(transition_id);
        }
        if let Some(waiting) = state.waiting.remove(id) {
            // one who has stopped waiting needs no answer
            let _ = waiting.send(body.to_vec());
        }
    }
}
