//! A pass through the dead letters.

use super::{consumer::MemoryConsumer, handle::lost};
use async_trait::async_trait;
use planshift_messaging::{BrokerError, Consumer as _, Delivery, DeliveryTag, Letters, Settlement};
use std::collections::VecDeque;

/// Letters asked for at once.
const BATCH: usize = 200;

/// Consumes without settling: what is not taken out is there again when this is dropped. The default of brokers asks for what there
/// is at once; here even that takes a moment.
pub(super) struct MemoryLetters {
    consumer: MemoryConsumer,
    waiting: VecDeque<Delivery>,
}

impl MemoryLetters {
    pub(super) const fn new(consumer: MemoryConsumer) -> Self {
        Self { consumer, waiting: VecDeque::new() }
    }
}

#[async_trait]
impl Letters for MemoryLetters {
    async fn next(&mut self) -> Result<Option<Delivery>, BrokerError> {
        if self.waiting.is_empty() {
            self.waiting = self.consumer.what_is_there(BATCH).await?.into();
        }
        Ok(self.waiting.pop_front())
    }

    async fn take_out(&mut self, tag: DeliveryTag) -> Result<(), BrokerError> {
        self.consumer.settle(vec![(tag, Settlement::Ack)]).await?;
        // on a channel that was lost nobody knows what was heard
        if self.consumer.is_on(tag.epoch) { Ok(()) } else { Err(lost()) }
    }

    /// Dropped, the consumer gives back what it holds.
    async fn end(self: Box<Self>) {}
}
