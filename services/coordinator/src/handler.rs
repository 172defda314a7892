//! The coordinator, as the worker's loop sees it: a batch of messages is one turn.

use crate::engine::{Engine, Input, Told};
use async_trait::async_trait;
use planshift_messaging::Delivery;
use planshift_worker::{End, HandleError, Handled, Handler, Service};
use std::sync::Arc;

/// Handles what comes to `planshift.coordinator`.
pub struct CoordinatorHandler {
    /// Does the turns.
    pub engine: Arc<Engine>,
}

#[async_trait]
impl Handler for CoordinatorHandler {
    type Receipt = Vec<Told>;

    fn service(&self) -> Service {
        Service::Coordinator
    }

    async fn handle(&self, batch: &[Delivery]) -> Result<Handled<Self::Receipt>, HandleError> {
        let mut inputs = Vec::with_capacity(batch.len());
        let mut ends = Vec::with_capacity(batch.len());
        for delivery in batch {
            match Input::read(delivery) {
                Ok(input) => {
                    inputs.push(input);
                    ends.push(End::Done);
                }
                Err(unreadable) => ends.push(End::Dead(unreadable)),
            }
        }
        let turn = self.engine.turn(&inputs).await?;
        Ok(Handled { publish: turn.publish, ends, receipt: turn.told })
    }

    async fn confirmed(&self, told: Self::Receipt) {
        self.engine.confirmed(&told);
    }
}
