//! A handler whose batches and messages have spans.

use super::{SYSTEM, about, context_of, give};
use crate::run::{End, HandleError, Handled, Handler};
use async_trait::async_trait;
use planshift_domain::transition::State;
use planshift_messaging::{Delivery, Destination, Message, Outgoing, Queue, Service, Settlement};
use planshift_telemetry::{Kind, Span, SpanStart, TraceContext, Tracer, under};
use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};
use uuid::Uuid;

/// Events of a transition's state go out under this and the state's name.
const STATE: &str = "transition.";

/// A handler whose batches and messages have spans.
pub struct Traced<H> {
    inner: H,
    tracer: Tracer,
    /// The last id that a span was given: while the database is away, one attempt is begun again and again.
    last: AtomicU64,
}

impl<H: Handler> Traced<H> {
    /// Records what `inner` does.
    pub fn new(inner: H, tracer: Tracer) -> Self {
        Self { inner, tracer, last: AtomicU64::new(0) }
    }

    fn queue(&self) -> &'static str {
        Queue::Service(self.inner.service()).name()
    }

    fn start(&self, kind: Kind, operation: &'static str, at: SystemTime) -> SpanStart {
        SpanStart::new(kind, format!("{operation} {}", self.queue()))
            .at(at)
            .with("messaging.operation.name", operation)
            .with("messaging.operation.type", operation)
            .with("messaging.destination.name", self.queue())
            .with("planshift.worker", self.tracer.instance().to_owned())
    }

    /// The span of a batch: beneath its one message, or linked to all of them where the sampler lets it have one.
    fn receive(&self, batch: &[Delivery], at: SystemTime) -> Span {
        if let [alone] = batch {
            let context = context_of(&alone.message);
            if !context.is_sampled() {
                return Tracer::pass(context);
            }
            return self.tracer.begin(about(self.start(Kind::Client, "receive", at), &alone.message), &context);
        }
        let sampled: Vec<_> = batch.iter().map(|delivery| context_of(&delivery.message)).filter(TraceContext::is_sampled).collect();
        if sampled.is_empty() || !self.tracer.records_batch() {
            return Tracer::pass(TraceContext::default());
        }
        let start = self.start(Kind::Client, "receive", at);
        let count = i64::try_from(batch.len()).unwrap_or(i64::MAX);
        let start = start.with("messaging.system", SYSTEM).with("messaging.batch.message_count", count);
        let start = sampled.iter().fold(start, SpanStart::linked);
        self.tracer.begin(start.kept(true), &TraceContext::default())
    }

    /// Links an attempt to the one before it, and makes it known to the one after it.
    fn known(&self, start: SpanStart, delivery: &Delivery, own: &TraceContext) -> SpanStart {
        let start = match delivery.attempts.checked_sub(1) {
            Some(before) => {
                let span_id = format!("{:016x}", id_of_attempt(&delivery.message, before));
                start.linked(&TraceContext { span_id, flags: 1, ..own.clone() })
            }
            None => start,
        };
        let id = id_of_attempt(&delivery.message, delivery.attempts);
        // what was delivered before may have had its span
        if delivery.redelivered || self.last.swap(id, Ordering::Relaxed) == id { start } else { start.known_as(id) }
    }

    fn process(&self, delivery: &Delivery, received: &Span, alone: bool, at: SystemTime, kept: bool) -> Span {
        let own = context_of(&delivery.message);
        // most messages under load: nothing is put together for what nobody will see
        if !kept && !own.is_sampled() && delivery.message.redrive.is_none() {
            return Tracer::pass(own);
        }
        let step = self.inner.service().name();
        let start = about(self.start(Kind::Consumer, "process", at), &delivery.message)
            .with("planshift.step", step)
            .with("planshift.attempt", i64::from(delivery.attempts) + 1)
            .kept(kept || delivery.message.redrive.is_some());
        let start = self.known(start, delivery, &own);
        // in a trace that is not recorded, what is kept all the same is beneath the message
        let parent = if alone && received.is_recorded() { received.context().clone() } else { own };
        let start = if alone { start } else { start.linked(received.context()) };
        self.tracer.begin(start, &parent)
    }
}

/// The id of the span in which an attempt at a message is processed: the same whoever reckons it.
fn id_of_attempt(message: &Message, attempt: u32) -> u64 {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{} {} {attempt}", message.traceparent, message.message_id).as_bytes()).as_u64_pair().1
}

/// What becomes of spans once everything was published and confirmed: they end.
#[derive(Debug)]
pub struct Spans(#[allow(dead_code, reason = "a span ends when it is dropped")] Vec<Span>);

#[async_trait]
impl<H: Handler> Handler for Traced<H> {
    type Receipt = (H::Receipt, Spans);

    fn service(&self) -> Service {
        self.inner.service()
    }

    async fn handle(&self, batch: &[Delivery]) -> Result<Handled<Self::Receipt>, HandleError> {
        if !self.tracer.is_on() {
            // what is logged of a message alone says its trace all the same
            let handled = match batch {
                [alone] => under(context_of(&alone.message), self.inner.handle(batch)).await,
                _ => self.inner.handle(batch).await,
            };
            let Handled { publish, ends, receipt } = handled?;
            return Ok(Handled { publish, ends, receipt: (receipt, Spans(Vec::new())) });
        }
        let begun = SystemTime::now();
        let mut received = self.receive(batch, begun);
        let alone = batch.len() == 1;
        // of one alone, the statements are beneath what processes it
        let first = batch.first().filter(|_| alone).map(|delivery| self.process(delivery, &received, alone, begun, false));
        let scope = first.as_ref().unwrap_or(&received).context().clone();
        let handled = under(scope, self.inner.handle(batch)).await;
        let Handled { mut publish, ends, receipt } = match handled {
            Ok(handled) => handled,
            Err(error) => {
                // of one alone it is known whose failure it is; a database that is away is nobody's
                let is_away = matches!(&error, HandleError::Storage(error) if error.is_passing());
                let again = batch
                    .first()
                    .filter(|_| alone && !is_away && !received.is_recorded())
                    .map(|delivery| self.process(delivery, &received, alone, begun, true));
                let first = first.filter(Span::is_recorded).or(again);
                for mut span in [received].into_iter().chain(first) {
                    span.fail(kind_of(&error), error.to_string());
                }
                return Err(error);
            }
        };
        let states = states(&publish);
        let mut first = first.filter(Span::is_recorded);
        let mut spans = Vec::with_capacity(batch.len() + 1);
        let mut contexts: HashMap<String, TraceContext> = HashMap::new();
        for (delivery, end) in batch.iter().zip(&ends) {
            let context = context_of(&delivery.message);
            let state = states.get(&delivery.message.correlation_id).copied();
            let turned = state.is_some_and(is_failure);
            let kept = turned || !matches!(end, End::Done | End::Later { .. });
            let mut span = first.take().unwrap_or_else(|| self.process(delivery, &received, alone, begun, kept));
            if let Some(state) = state {
                span.set("planshift.transition.state", state.name());
            }
            match end {
                End::Dead(why) => span.fail(why.code, why.description.clone()),
                End::NotYet(why) => span.fail("NotYet", why.clone()),
                End::Done if turned => span.fail(state.map_or("", State::name), "the transition has turned"),
                End::Done | End::Later { .. } => {}
            }
            // of several messages of a trace, what is sent belongs to the last of them; a message without a trace has nothing beneath it
            if span.is_recorded() && !context.trace_id.is_empty() {
                contexts.insert(context.trace_id, span.context().clone());
            }
            spans.push(span);
        }
        for outgoing in publish.iter_mut().filter(|_| !contexts.is_empty()) {
            if let Some(context) = contexts.get(&context_of(&outgoing.message).trace_id) {
                give(&mut outgoing.message, context);
            }
        }
        received.set("planshift.batch.sent", i64::try_from(publish.len()).unwrap_or(i64::MAX));
        spans.push(received);
        Ok(Handled { publish, ends, receipt: (receipt, Spans(spans)) })
    }

    async fn confirmed(&self, (receipt, spans): Self::Receipt) {
        self.inner.confirmed(receipt).await;
        drop(spans);
    }

    fn settled(&self, batch: &[Delivery], settlements: &[Settlement]) {
        self.inner.settled(batch, settlements);
    }

    fn stopping(&self) {
        self.inner.stopping();
    }

    fn given_up(&self, delivery: &Delivery, why: &str) -> Vec<Outgoing> {
        let mut publish = self.inner.given_up(delivery, why);
        // beneath what sent the message: no span of its own tells that its attempts are used up
        publish.iter_mut().for_each(|outgoing| give(&mut outgoing.message, &context_of(&delivery.message)));
        publish
    }
}

/// The states that transitions have come to, by their ids: as the events say that go out.
fn states(publish: &[Outgoing]) -> HashMap<String, State> {
    let state_of = |outgoing: &Outgoing| match &outgoing.to {
        Destination::Event(key) => key.strip_prefix(STATE).and_then(State::from_name),
        _ => None,
    };
    publish.iter().filter_map(|outgoing| Some((outgoing.message.correlation_id.clone(), state_of(outgoing)?))).collect()
}

const fn is_failure(state: State) -> bool {
    matches!(state, State::Compensating | State::Compensated | State::NeedsOperator | State::Ineligible)
}

const fn kind_of(error: &HandleError) -> &'static str {
    match error {
        HandleError::Storage(_) => "Storage",
        HandleError::NotYet(_) => "NotYet",
        HandleError::Faulty(_) => "Faulty",
        HandleError::Violated { .. } => "Violated",
    }
}
