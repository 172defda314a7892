//! Waiting until nothing more happens to a transition by itself.

use crate::client::{Api, ApiError, LONG_POLL_SECONDS, Patience, Progress};
use planshift_domain::{ids::TransitionId, view::TransitionView};
use std::{
    future::Future,
    time::{Duration, Instant},
};

/// How long a transition that was accepted may take to show: what is read is a copy, kept from events.
const APPEARS_WITHIN: Duration = Duration::from_secs(30);
/// Between two looks for it.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Waits until the transition is settled, telling every step on the way.
///
/// # Errors
/// The API's, where it does not pass.
pub async fn settle(api: &Api, id: TransitionId, mut saw: impl FnMut(&Progress)) -> Result<Progress, ApiError> {
    let (mut after, mut wait) = (None, 0);
    loop {
        let progress = Patience::REACHED.ask(|| appearing(|| api.progress(id, after, wait))).await?;
        let changed = after != Some(progress.version);
        if changed {
            saw(&progress);
        }
        if progress.settled {
            return Ok(progress);
        }
        after = Some(progress.version);
        // one that has come to its end but does not show whole yet gets whole without a new version
        wait = if progress.state.is_settled() { 1 } else { LONG_POLL_SECONDS };
    }
}

/// Waits until the transition is settled, whatever happens on the way.
async fn settle_unseen(api: &Api, id: TransitionId) -> Result<Progress, ApiError> {
    loop {
        let progress = Patience::REACHED.ask(|| appearing(|| api.settled(id, LONG_POLL_SECONDS))).await?;
        if progress.settled {
            return Ok(progress);
        }
    }
}

/// Waits until the transition is settled, telling every step on the way to whoever wants to see; then all of it.
///
/// # Errors
/// As [`settle`].
pub async fn settled_view(api: &Api, id: TransitionId, saw: Option<impl FnMut(&Progress)>) -> Result<TransitionView, ApiError> {
    match saw {
        Some(saw) => settle(api, id, saw).await?,
        None => settle_unseen(api, id).await?,
    };
    Patience::REACHED.ask(|| api.get(id)).await
}

/// Asks again while it does not show.
async fn appearing<T, F: Future<Output = Result<T, ApiError>>>(mut ask: impl FnMut() -> F) -> Result<T, ApiError> {
    let begun = Instant::now();
    loop {
        match ask().await {
            Err(error) if error.refusal().is_some_and(|refusal| refusal.status == 404) && begun.elapsed() < APPEARS_WITHIN => {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            other => return other,
        }
    }
}
