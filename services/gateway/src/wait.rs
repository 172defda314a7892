//! Waiting for a transition to get somewhere: woken by events, and looking now and then, because the event may have gone to
//! another replica.

use crate::{
    hub::Hub,
    model::{Known, ReadModel},
    settings::Settings,
};
use planshift_domain::ids::TransitionId;
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
    is_there: impl Fn(&Known) -> bool + Send,
) -> Result<Option<Known>, StorageError> {
    // before the first look: what changes after that look wakes
    let mut waiter = hub.wait_for(id);
    let mut limit = ports.clock.sleep(limit);
    let mut pause = settings.first_poll;
    loop {
        let known = model.transition(id).await?;
        if known.as_ref().is_some_and(&is_there) {
            return Ok(known);
        }
        tokio::select! {
            () = waiter.changed() => {}
            () = ports.clock.sleep(pause) => pause = pause.mul_f64(1.1).min(settings.longest_poll),
            () = &mut limit => return model.transition(id).await,
            () = ends[0].cancelled() => return Ok(known),
            () = ends[1].cancelled() => return Ok(known),
        }
    }
}
