//! The coordinator, as the worker's loop sees it: a batch of messages is one turn.

use crate::engine::{Engine, Input, Told};
use async_trait::async_trait;
use planshift_domain::said::letters;
use planshift_messaging::Delivery;
use planshift_worker::{End, HandleError, Handled, Handler, Service, codec::Unreadable};
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
        // which of the batch each input was read from
        let mut places = Vec::with_capacity(batch.len());
        for delivery in batch {
            match Input::read(delivery) {
                Ok(input) => {
                    inputs.push(input);
                    places.push(ends.len());
                    ends.push(End::Done);
                }
                Err(unreadable) => ends.push(End::Dead(unreadable)),
            }
        }
        let turn = self.engine.turn(&inputs).await?;
        for input in turn.unknown {
            let (Some(place), Some(id)) = (places.get(input), inputs.get(input).and_then(Input::transition)) else { continue };
            if let Some(end) = ends.get_mut(*place) {
                *end = End::Dead(Unreadable::new("UnknownTransition", letters::UNKNOWN_TRANSITION.with(&[&id])));
            }
        }
        Ok(Handled { publish: turn.publish, ends, receipt: turn.told })
    }

    async fn confirmed(&self, told: Self::Receipt) {
        self.engine.confirmed(&told);
    }
}
