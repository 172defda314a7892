//! How many messages a service has in hand: taken, and not settled.

use async_trait::async_trait;
use planshift_messaging::{
    Broker, BrokerError, ConnectionState, Consumer, Delivery, DeliveryTag, Depth, Letters, Outgoing, Queue, QueueSeen, Settlement,
    SharedBroker,
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// How many there are. Cheap to clone; clones share.
#[derive(Clone, Debug, Default)]
pub struct InHand(Arc<AtomicU64>);

impl InHand {
    /// So many.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// A broker whose consumers' messages are counted. Answers and dead letters are not: nobody works on them.
    pub(super) fn counting(&self, inner: SharedBroker) -> SharedBroker {
        Arc::new(Counting { inner, in_hand: self.clone() })
    }

    fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    fn take(&self, count: u64) {
        self.0.fetch_sub(count, Ordering::Relaxed);
    }
}

struct Counting {
    inner: SharedBroker,
    in_hand: InHand,
}

#[async_trait]
impl Broker for Counting {
    async fn publish(&self, messages: Vec<Outgoing>) -> Result<(), BrokerError> {
        self.inner.publish(messages).await
    }

    async fn consume(&self, queue: Queue, prefetch: u16) -> Result<Box<dyn Consumer>, BrokerError> {
        let inner = self.inner.consume(queue, prefetch).await?;
        Ok(Box::new(CountingConsumer { inner, in_hand: self.in_hand.clone(), own: 0 }))
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

struct CountingConsumer {
    inner: Box<dyn Consumer>,
    in_hand: InHand,
    /// Of this consumer.
    own: u64,
}

#[async_trait]
impl Consumer for CountingConsumer {
    async fn next(&mut self, max: usize) -> Option<Vec<Delivery>> {
        let batch = self.inner.next(max).await?;
        let count = batch.len() as u64;
        self.own += count;
        self.in_hand.add(count);
        Some(batch)
    }

    async fn settle(&mut self, settlements: Vec<(DeliveryTag, Settlement)>) -> Result<(), BrokerError> {
        let count = settlements.len() as u64;
        self.inner.settle(settlements).await?;
        // never more than there were: a tag may be settled twice
        let count = count.min(self.own);
        self.own -= count;
        self.in_hand.take(count);
        Ok(())
    }
}

impl Drop for CountingConsumer {
    fn drop(&mut self) {
        // they come again, to whoever takes them then
        self.in_hand.take(self.own);
    }
}
