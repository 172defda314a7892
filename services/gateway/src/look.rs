//! One look at the read model for all in this process who wait: an event that another replica has taken wakes them too.

use crate::{hub::Hub, model::ReadModel};
use planshift_worker::Ports;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// With many who wait, a look takes its time: the pause is so many times as long, so that the looks are never the load.
const PAUSE_FOR_A_LOOK: u32 = 10;

/// Looks until `stop`, with pauses of at least `pause`.
pub(crate) async fn look(model: ReadModel, hub: Hub, ports: Ports, pause: Duration, stop: CancellationToken) {
    let (mut wait, mut seen) = (pause, 0);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = ports.clock.sleep(wait) => {}
        }
        let begun = ports.clock.now();
        match model.versions(&hub.waited_for()).await {
            Ok(versions) => versions.into_iter().for_each(|(id, version)| hub.found(id, version)),
            // whoever waits looks for himself as well
            Err(error) => tracing::debug!(%error, "the read model could not be looked at"),
        }
        if hub.anyone_waits_for_any() {
            match model.feed_clock().await {
                Ok(change) if change != seen => {
                    seen = change;
                    hub.any_changed();
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "the feed's clock could not be looked at"),
            }
        }
        let took = ports.clock.now().as_micros().saturating_sub(begun.as_micros());
        wait = pause.max(Duration::from_micros(u64::try_from(took).unwrap_or_default()) * PAUSE_FOR_A_LOOK);
    }
}
