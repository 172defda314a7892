//! `GET /v1/productUpgrades/batches/{batch}/events`: how far a batch is, as it goes on (server-sent events).
//!
//! Each event is the whole of what there is to show, so a reader that was cut off needs no more than the present one: an event's id says
//! what it shows, and whoever comes again with it hears of it only once it has changed. All replicas give the same ids, also after a
//! restart. What rows add up to is counted for each look, so looks at a large batch are further apart.

use super::{find, shown};
use crate::{
    app::App,
    batches::{Batch, BatchState},
    http::{
        context::Context,
        errors::ApiError,
        fields::Parameters,
        live::{AHEAD, RETRY, answer, room},
        once::hash,
    },
};
use axum::{
    Extension,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use uuid::Uuid;

/// How many times as long as a look takes nothing is looked at: a reader costs a tenth of a connection to the database at most.
const PAUSE_FOR_A_LOOK: u32 = 10;
/// How much of a hash tells what is shown from what was shown before.
const TOLD_BY: usize = 16;

/// What a look has found.
struct Seen {
    id: String,
    shown: Value,
    /// It has come to its end, and nothing of it is under way. One that waits for somebody is still followed.
    is_end: bool,
}

impl Seen {
    async fn of(app: &App, batch: &Batch) -> Result<Self, ApiError> {
        let shown = shown::whole(app, batch).await?;
        // when it will end is reckoned anew at each look, and is no news
        let told = format!("{}{}{}{}", shown["state"], shown["counts"], shown["plan"], shown["drained"]);
        let id = format!("{}.{}", batch.version, hash(told.as_bytes()).get(..TOLD_BY).unwrap_or_default());
        let is_end = matches!(batch.state, BatchState::Completed | BatchState::Cancelled) && shown["drained"] == true;
        Ok(Self { id, shown, is_end })
    }
}

pub(in crate::http) async fn events(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let batch = find(&app, &context, &id).await?;
    // the header is the newer one: a browser sends it when it comes again to the same address
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    let last = header.or(parameters.get("lastEventId")).map(str::to_owned);
    if last.is_some() {
        let seen = Seen::of(&app, &batch).await?;
        if seen.is_end && last.as_deref() == Some(&seen.id) {
            // to a browser this says that it need not come again
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
    }
    let room = room(&app)?;
    let (send, taken) = mpsc::channel(AHEAD);
    let reader = Reader { app: app.clone(), batch: batch.id, last, send, _room: room };
    drop(app.ports.spawn.spawn(Box::pin(reader.run()))); // it goes on
    Ok(answer(taken))
}

/// One reader.
struct Reader {
    app: App,
    batch: Uuid,
    /// What it was shown last.
    last: Option<String>,
    send: mpsc::Sender<Bytes>,
    _room: OwnedSemaphorePermit,
}

/// It has gone, does not take what it is sent, or the gateway stops.
struct Away;

impl Reader {
    async fn run(mut self) {
        if self.piece(format!("retry: {RETRY}\n\n")).await.is_err() {
            return;
        }
        let clock = self.app.ports.clock.clone();
        let mut silent_since = clock.now();
        loop {
            let began = clock.now();
            let seen = match self.look().await {
                Ok(Some(seen)) => seen,
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(status = %error.status(), "a reader of a batch is let go: it comes again, and goes on");
                    return;
                }
            };
            if self.last.as_deref() != Some(&seen.id) {
                let name = if seen.is_end { "end" } else { "state" };
                // JSON has no line breaks of its own: one line of data
                if self.piece(format!("event: {name}\nid: {}\ndata: {}\n\n", seen.id, seen.shown)).await.is_err() {
                    return;
                }
                (self.last, silent_since) = (Some(seen.id), clock.now());
            }
            if seen.is_end {
                return;
            }
            if clock.now().seconds_since(silent_since) >= self.app.settings.heartbeat.as_secs_f64() {
                if self.piece(": still here\n\n".to_owned()).await.is_err() {
                    return;
                }
                silent_since = clock.now();
            }
            let took = Duration::from_secs_f64(clock.now().seconds_since(began).max(0.0));
            let pause = self.app.settings.poll.max(took * PAUSE_FOR_A_LOOK).min(self.app.settings.heartbeat);
            tokio::select! {
                biased;
                () = self.app.stop.cancelled() => return,
                () = self.send.closed() => return,
                () = clock.sleep(pause) => {}
            }
        }
    }

    async fn look(&self) -> Result<Option<Seen>, ApiError> {
        match self.app.batches.find(self.batch).await? {
            Some(batch) => Seen::of(&self.app, &batch).await.map(Some),
            None => Ok(None),
        }
    }

    async fn piece(&self, text: String) -> Result<(), Away> {
        tokio::select! {
            sent = self.send.send(text.into()) => sent.map_err(|_| Away),
            () = self.app.stop.cancelled() => Err(Away),
            () = self.app.ports.clock.sleep(self.app.settings.piece_time) => Err(Away),
        }
    }
}
