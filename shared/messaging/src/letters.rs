//! Looking through the dead letters without taking them away.

use crate::{BrokerError, Consumer, Delivery, DeliveryTag, Settlement};
use async_trait::async_trait;
use futures::FutureExt as _;
use std::collections::VecDeque;

/// A pass through `planshift.dead`. What it has got, no other pass sees; what was not taken out is there again after the end, in
/// whatever order (RabbitMQ 3.10 does not keep it).
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

    /// Puts back what was not taken out. Where the pass is only dropped, the broker does that a little later.
    async fn end(self: Box<Self>);
}

/// Letters asked for at once.
pub(crate) const BATCH: usize = 200;

/// A pass by consuming and not settling, for a broker that hands out at once what there is.
pub(crate) struct ByConsuming {
    pub(crate) consumer: Box<dyn Consumer>,
    pub(crate) waiting: VecDeque<Delivery>,
}

#[async_trait]
impl Letters for ByConsuming {
    async fn next(&mut self) -> Result<Option<Delivery>, BrokerError> {
        if self.waiting.is_empty()
            && let Some(Some(batch)) = self.consumer.next(BATCH).now_or_never()
        {
            self.waiting.extend(batch);
        }
        Ok(self.waiting.pop_front())
    }

    async fn take_out(&mut self, tag: DeliveryTag) -> Result<(), BrokerError> {
        self.consumer.settle(vec![(tag, Settlement::Ack)]).await
    }

    async fn end(self: Box<Self>) {}
}
