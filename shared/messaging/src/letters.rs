//! Looking through the dead letters without taking them away.

use crate::{BrokerError, Consumer, Delivery, DeliveryTag, Settlement};
use async_trait::async_trait;
use std::{collections::VecDeque, time::Duration};

/// A pass through `planshift.dead`, the oldest first. What was not taken out is there again when this is dropped, in its old order.
#[async_trait]
pub trait Letters: Send {
    /// The next one; `None` at the end of what is there.
    ///
    /// # Errors
    /// `Unavailable`: the pass is over, and can be begun anew.
    async fn next(&mut self) -> Result<Option<Delivery>, BrokerError>;

    /// Takes one out for good: it was published again, or is kept elsewhere.
    ///
    /// # Errors
    /// As above; it may then still be there.
    async fn take_out(&mut self, tag: DeliveryTag) -> Result<(), BrokerError>;
}

/// Nothing came for so long: that was the last one.
const END: Duration = Duration::from_millis(250);
/// Letters asked for at once.
const BATCH: usize = 200;

/// A pass by consuming and not settling: for a broker in the same process, which hands out at once what there is.
pub(crate) struct ByConsuming {
    pub(crate) consumer: Box<dyn Consumer>,
    pub(crate) waiting: VecDeque<Delivery>,
}

#[async_trait]
impl Letters for ByConsuming {
    async fn next(&mut self) -> Result<Option<Delivery>, BrokerError> {
        if self.waiting.is_empty()
            && let Ok(Some(batch)) = tokio::time::timeout(END, self.consumer.next(BATCH)).await
        {
            self.waiting.extend(batch);
        }
        Ok(self.waiting.pop_front())
    }

    async fn take_out(&mut self, tag: DeliveryTag) -> Result<(), BrokerError> {
        self.consumer.settle(vec![(tag, Settlement::Ack)]).await
    }
}
