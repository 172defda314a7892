//! A broker whose sendings are measured.

use super::{Metrics, PUBLISH_FAILURES, PUBLISH_TIME, PUBLISHED};
use async_trait::async_trait;
use planshift_messaging::{
    Broker, BrokerError, ConnectionState, Consumer, Depth, Letters, Outgoing, Queue, QueueSeen, Service, SharedBroker,
};
use prometheus::{Histogram, IntCounter};
use std::{sync::Arc, time::Instant};

/// A broker whose sendings are measured.
pub struct MeasuredBroker {
    inner: SharedBroker,
    metrics: Metrics,
    service: Service,
    published: IntCounter,
    time: Histogram,
}

impl MeasuredBroker {
    /// Measures what `service` sends through `inner`.
    pub fn before(inner: SharedBroker, metrics: &Metrics, service: Service) -> SharedBroker {
        let labels = [("service", service.name())];
        let (published, time) = (metrics.counter(PUBLISHED, &labels), metrics.histogram(PUBLISH_TIME, &labels));
        for reason in ["unavailable", "refused", "store"] {
            metrics.add(PUBLISH_FAILURES, &[("service", service.name()), ("reason", reason)], 0);
        }
        Arc::new(Self { inner, metrics: metrics.clone(), service, published, time })
    }
}

#[async_trait]
impl Broker for MeasuredBroker {
    async fn publish(&self, messages: Vec<Outgoing>) -> Result<(), BrokerError> {
        if messages.is_empty() {
            return self.inner.publish(messages).await;
        }
        let (count, begun) = (messages.len() as u64, Instant::now());
        let outcome = self.inner.publish(messages).await;
        match &outcome {
            Ok(()) => {
                self.time.observe(begun.elapsed().as_secs_f64());
                self.published.inc_by(count);
            }
            Err(error) => {
                let reason = match error {
                    BrokerError::Unavailable(_) => "unavailable",
                    BrokerError::Refused { .. } => "refused",
                    BrokerError::Store(_) => "store",
                };
                self.metrics.add(PUBLISH_FAILURES, &[("service", self.service.name()), ("reason", reason)], 1);
            }
        }
        outcome
    }

    async fn consume(&self, queue: Queue, prefetch: u16) -> Result<Box<dyn Consumer>, BrokerError> {
        self.inner.consume(queue, prefetch).await
    }

    async fn answers(&self) -> Result<(String, Box<dyn Consumer>), BrokerError> {
        self.inner.answers().await
    }

    async fn letters(&self) -> Result<Box<dyn Letters>, BrokerError> {
        self.inner.letters().await
    }

    async fn depth(&self, queue: Queue) -> Result<Depth, BrokerError> {
        self.inner.depth(queue).await
    }

    async fn queues(&self) -> Result<Vec<QueueSeen>, BrokerError> {
        self.inner.queues().await
    }

    fn connections(&self) -> Vec<ConnectionState> {
        self.inner.connections()
    }

    async fn ready(&self) -> bool {
        self.inner.ready().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
