//! A handler whose batches and messages are counted.

use super::{
    BATCH_MESSAGES, BATCHES, CRITICAL_TIME, DEAD_LETTERS, GIVEN_UP, MESSAGES, Metrics, PROCESSING_TIME, REDELIVERED, UNKNOWN_TYPE,
};
use crate::{
    codec,
    ports::Clock,
    run::{HandleError, Handled, Handler},
    watched,
};
use async_trait::async_trait;
use planshift_messaging::{Delivery, Outgoing, Service, Settlement};
use prometheus::{Histogram, IntCounter};
use std::{sync::Arc, time::Instant};

/// A handler whose batches and messages are counted.
pub struct Counted<H> {
    inner: H,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    done: IntCounter,
    messages: Histogram,
    redelivered: IntCounter,
}

/// What is known of a batch until everything of it is confirmed.
#[derive(Debug)]
pub struct Begun {
    at: Instant,
    /// How many messages of each type.
    types: Vec<(&'static str, usize)>,
}

impl<H: Handler> Counted<H> {
    /// Counts what `inner` does in `metrics`.
    pub fn new(inner: H, metrics: Metrics, clock: Arc<dyn Clock>) -> Self {
        for reason in codec::REASONS {
            // from the start, so that an alert sees the first one too
            metrics.add(DEAD_LETTERS, &[("service", inner.service().name()), ("reason", reason)], 0);
        }
        let service = [("service", inner.service().name())];
        let done = metrics.counter(BATCHES, &[service[0], ("outcome", "done")]);
        let (messages, redelivered) = (metrics.histogram(BATCH_MESSAGES, &service), metrics.counter(REDELIVERED, &service));
        Self { inner, metrics, clock, done, messages, redelivered }
    }

    fn service_label(&self) -> (&'static str, &'static str) {
        ("service", self.inner.service().name())
    }
}

/// The type as a label.
fn type_label(delivery: &Delivery) -> &'static str {
    codec::TYPES.iter().copied().find(|known| *known == delivery.message.kind).unwrap_or(UNKNOWN_TYPE)
}

/// How many there are of each: a batch has messages of few types.
fn tally<K: PartialEq>(keys: impl Iterator<Item = K>) -> Vec<(K, usize)> {
    let mut tally: Vec<(K, usize)> = Vec::new();
    for key in keys {
        match tally.iter_mut().find(|(known, _)| *known == key) {
            Some((_, count)) => *count += 1,
            None => tally.push((key, 1)),
        }
    }
    tally
}

#[async_trait]
impl<H: Handler> Handler for Counted<H> {
    type Receipt = (H::Receipt, Begun);

    fn service(&self) -> Service {
        self.inner.service()
    }

    async fn handle(&self, batch: &[Delivery]) -> Result<Handled<Self::Receipt>, HandleError> {
        let at = Instant::now();
        let handled = self.inner.handle(batch).await;
        if let Err(error) = &handled {
            self.metrics.add(BATCHES, &[self.service_label(), ("outcome", "failed")], 1);
            if batch.len() == 1 {
                // a larger batch is taken apart until the message at fault stands alone
                watched::refused(&self.metrics, error);
            }
        }
        let Handled { publish, ends, receipt } = handled?;
        self.done.inc();
        self.messages.observe(batch.len() as f64);
        self.redelivered.inc_by(batch.iter().filter(|delivery| delivery.redelivered).count() as u64);
        let begun = Begun { at, types: tally(batch.iter().map(type_label)) };
        Ok(Handled { publish, ends, receipt: (receipt, begun) })
    }

    async fn confirmed(&self, (receipt, begun): Self::Receipt) {
        self.inner.confirmed(receipt).await;
        let took = begun.at.elapsed().as_secs_f64();
        for (kind, count) in begun.types {
            let series = self.metrics.histogram(PROCESSING_TIME, &[self.service_label(), ("type", kind)]);
            (0..count).for_each(|_| series.observe(took));
        }
    }

    fn settled(&self, batch: &[Delivery], settlements: &[Settlement]) {
        let now = u64::try_from(self.clock.now().as_micros()).unwrap_or_default();
        let ends: Vec<_> = batch.iter().zip(settlements).map(|(delivery, end)| (type_label(delivery), outcome(end))).collect();
        for ((kind, outcome), count) in tally(ends.iter().copied()) {
            self.metrics.add(MESSAGES, &[self.service_label(), ("type", kind), ("outcome", outcome)], count);
            if outcome == "done" {
                let series = self.metrics.histogram(CRITICAL_TIME, &[self.service_label(), ("type", kind)]);
                let of_it = batch.iter().zip(&ends).filter(|(_, end)| **end == (kind, outcome)).map(|(delivery, _)| &delivery.message);
                // what says nothing of its sending has no age, and that of a redriven dead letter tells how long people took
                for message in of_it.filter(|message| message.sent_micros > 0 && message.redrive.is_none()) {
                    // clocks of two machines: nothing is done before it was sent
                    series.observe(now.saturating_sub(message.sent_micros) as f64 / 1e6);
                }
            }
        }
        for (reason, count) in tally(settlements.iter().filter_map(reason)) {
            self.metrics.add(DEAD_LETTERS, &[self.service_label(), ("reason", reason)], count);
        }
        self.inner.settled(batch, settlements);
    }

    fn stopping(&self) {
        self.inner.stopping();
    }

    fn given_up(&self, delivery: &Delivery, why: &str) -> Vec<Outgoing> {
        self.metrics.add(GIVEN_UP, &[self.service_label(), ("type", type_label(delivery))], 1);
        self.inner.given_up(delivery, why)
    }
}

const fn outcome(settlement: &Settlement) -> &'static str {
    match settlement {
        Settlement::Ack => "done",
        Settlement::Retry { .. } => "retry",
        Settlement::Wait { .. } => "later",
        Settlement::Dead { .. } => "dead",
    }
}

fn reason(settlement: &Settlement) -> Option<&str> {
    match settlement {
        Settlement::Dead { reason, .. } => Some(reason),
        Settlement::Ack | Settlement::Retry { .. } | Settlement::Wait { .. } => None,
    }
}
