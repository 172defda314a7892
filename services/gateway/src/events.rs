//! The coordinator's events into the read model: a batch is one transaction. Then whoever waits for them is woken.

use crate::{
    hub::Hub,
    model::{Changes, ReadModel},
};
use async_trait::async_trait;
use planshift_domain::message::{
    Body as _,
    event::{AccountImported, TransitionChanged},
    notice::MessageEnded,
};
use planshift_domain::said::letters;
use planshift_messaging::{Delivery, Service};
use planshift_worker::{
    End, HandleError, Handled, Handler, Ports,
    codec::{self, Unreadable},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// What the gateway does with its queue.
pub(crate) struct EventHandler {
    pub(crate) model: ReadModel,
    pub(crate) hub: Hub,
    pub(crate) ports: Ports,
    pub(crate) gap: Duration,
    /// Told when rows of batches have changed.
    pub(crate) batches: Option<Arc<Notify>>,
}

#[async_trait]
impl Handler for EventHandler {
    type Receipt = ();

    fn service(&self) -> Service {
        Service::Gateway
    }

    async fn handle(&self, batch: &[Delivery]) -> Result<Handled<()>, HandleError> {
        let mut changes = Changes::default();
        let ends = batch.iter().map(|delivery| read(delivery, &mut changes).map_or_else(End::Dead, |()| End::Done)).collect();
        self.model.apply(&changes, self.ports.clock.now(), self.gap).await?;
        changes.rows().for_each(|row| self.hub.changed(row));
        if changes.rows().next().is_some() {
            self.hub.any_changed();
        }
        if let Some(batches) = &self.batches
            && changes.rows().any(|row| row.batch.is_some())
        {
            batches.notify_one();
        }
        Ok(Handled { publish: Vec::new(), ends, receipt: () })
    }
}

fn read(delivery: &Delivery, changes: &mut Changes) -> Result<(), Unreadable> {
    codec::sender(delivery)?;
    match delivery.message.kind.as_str() {
        TransitionChanged::TYPE => changes.transition(codec::body(&delivery.message)?),
        AccountImported::TYPE => changes.account(codec::body(&delivery.message)?),
        MessageEnded::TYPE => changes.ended(codec::body(&delivery.message)?),
        kind => return Err(Unreadable::new("UnknownType", letters::NO_EVENT.with(&[&kind]))),
    }
    Ok(())
}
