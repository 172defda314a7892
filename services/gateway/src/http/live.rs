//! Streams of events, as all of them begin: room for a reader, and an answer that goes on.

use super::errors::ApiError;
use crate::{app::App, words::words};
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::Response,
};
use std::convert::Infallible;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// How many events wait for a reader in this process; the rest stays in the database until it has taken them.
pub(super) const AHEAD: usize = 32;
/// After how many milliseconds a reader that was cut off comes again.
pub(super) const RETRY: u32 = 2_000;

/// Room for one reader more.
pub(super) fn room(app: &App) -> Result<OwnedSemaphorePermit, ApiError> {
    app.streams.clone().try_acquire_owned().map_err(|_| {
        ApiError::unavailable(words!(
            "As many readers of events are here as may be. Try again.",
            "Le nombre maximal de lecteurs d’événements est atteint. Réessayez."
        ))
    })
}

/// The answer whose pieces come through `taken`.
pub(super) fn answer(taken: mpsc::Receiver<Bytes>) -> Response {
    let pieces = futures::stream::unfold(taken, async |mut taken: mpsc::Receiver<Bytes>| {
        taken.recv().await.map(|piece| (Ok::<_, Infallible>(piece), taken))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    // a proxy that collects answers would keep the events to itself
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
