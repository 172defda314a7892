//! Waiting for a transition to get somewhere: woken by the hub, and looking for itself now and then.

use crate::{
    hub::Hub,
    model::{Known, ReadModel},
    settings::Settings,
};
use planshift_domain::{ids::TransitionId, transition::TransitionRow};
use planshift_storage::StorageError;
use planshift_worker::Ports;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Waits until the transition `is_there`, at most for `limit`, or until one of `ends`; gives what is known of it then.
pub(crate) async fn wait_for(
    (model, hub, ports, settings): (&ReadModel, &Hub, &Ports, &Settings),
    id: TransitionId,
    limit: Duration,
    ends: [&CancellationToken; 2],
    is_there: impl Fn(&Known) -> bool + Send + Sync,
) -> Result<Option<Known>, StorageError> {
    // before the first look: what changes after that look wakes
    let mut waiter = hub.wait_for(id);
    let mut limit = ports.clock.sleep(limit);
    loop {
        let known = model.transition(id).await?;
        if known.as_ref().is_some_and(&is_there) {
            return Ok(known);
        }
        // what an event tells is enough to know that it is not there yet; that it is, the read model says
        let may_be_there = async {
            while let Some(row) = waiter.changed().await
                && !is_there(&Known::told(TransitionRow::clone(&row)))
            {}
        };
        tokio::select! {
            () = may_be_there => {}
            () = ports.clock.sleep(settings.poll) => {}
            () = &mut limit => return model.transition(id).await,
            () = ends[0].cancelled() => return Ok(known),
            () = ends[1].cancelled() => return Ok(known),
        }
    }
}
