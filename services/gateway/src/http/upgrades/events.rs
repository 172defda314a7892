//! `GET /v1/productUpgrades/events` and `…/{id}/events`: what happens, as it happens (server-sent events).
//!
//! Each event has an id, a place in the read model's own order: a reader that comes again with the last one it had
//! (`Last-Event-ID`, or `lastEventId` where no header can be set) goes on from there, at any replica. Entries of histories are
//! events `history`, the present state of a transition is `state`, or `end` once it has come to one.
//!
//! A reader that does not take what it is sent is let go, and comes again: nothing is kept for it here.

use super::{find, progress::progress_of};
use crate::{
    app::App,
    http::{
        context::Context,
        errors::ApiError,
        fields::{A_GUID, A_STATE, Parameters},
        findings,
        live::{AHEAD, RETRY, answer, room},
    },
    hub::{FeedWaiter, Waiter},
    model::{Cursor, Happened, Of, What},
    view::assemble,
    words::{Locale, words},
};
use axum::{
    Extension,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use planshift_domain::{history::HistoryEntry, ids::TransitionId, transition::State as TransitionState};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// Lines are told of one by one only where a transition has no more than this: all of them are read to show how some of them are.
const LINES_READ: u32 = 2_000;
/// How many of the lines that have changed an event lists.
const LINES_LISTED: usize = 200;

/// `GET /v1/productUpgrades/events`: everything that the caller may see.
pub(in crate::http) async fn all_events(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let guid = |name: &str| parameters.parse(name, A_GUID, planshift_domain::ids::parse_guid);
    let state = parameters.parse("state", A_STATE, TransitionState::from_name)?;
    let of = Of::All {
        // a caller that is a partner hears of its own, whatever it asks for
        partner: context.caller.partner.or(guid("partnerId")?.map(Into::into)),
        customer: guid("customerId")?.map(Into::into),
        state,
    };
    let last = last_event(&headers, &parameters)?;
    let from = match last {
        Some(last) => last,
        None => app.model.now().await?,
    };
    stream(&app, &context, of, from, last.is_some()).await
}

/// `GET /v1/productUpgrades/{id}/events`: one transition, from its first entry on.
pub(in crate::http) async fn events(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let known = find(&app, &context, &id).await?;
    let last = last_event(&headers, &parameters)?;
    let of = Of::One(known.row.id);
    let from = last.unwrap_or(Cursor::START);
    if last.is_some() && is_over(&app, &of, from).await? {
        // to a browser this says that it need not come again
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    stream(&app, &context, of, from, last.is_some()).await
}

/// The place that a reader has come to. The header is the newer one: a browser sends it when it comes again to the same address.
fn last_event(headers: &HeaderMap, parameters: &Parameters) -> Result<Option<Cursor>, ApiError> {
    let header = headers.get("last-event-id").and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    let text =
        || words!("The last event's id is none that was given out.", "L’ID du dernier événement n’est pas un de ceux qui ont été donnés.");
    let wrong = |_| ApiError::bad_input("InvalidLastEventId", text());
    header.or(parameters.get("lastEventId")).map(|text| text.parse().map_err(wrong)).transpose()
}

/// Nothing more happens to it by itself, and everything was told.
async fn is_over(app: &App, of: &Of, from: Cursor) -> Result<bool, ApiError> {
    let Of::One(id) = of else { return Ok(false) };
    let ended = app.model.transition(*id).await?.is_some_and(|known| known.row.state.is_end() && known.settled());
    Ok(ended && app.model.happened(of, from).await?.happened.is_empty())
}

async fn stream(app: &App, context: &Context, of: Of, from: Cursor, resumes: bool) -> Result<Response, ApiError> {
    let room = room(app)?;
    let (send, taken) = mpsc::channel(AHEAD);
    let wakes = match of {
        Of::One(id) => Wakes::One(app.hub.wait_for(id)),
        Of::All { .. } => Wakes::All(app.hub.wait_for_any()),
    };
    let reader = Reader { app: app.clone(), locale: context.locale, of, at: from, send, wakes, _room: room };
    drop(app.ports.spawn.spawn(Box::pin(reader.run(resumes)))); // it goes on
    Ok(answer(taken))
}

/// What wakes a reader.
enum Wakes {
    One(Waiter),
    All(FeedWaiter),
}

impl Wakes {
    async fn woken(&mut self) {
        match self {
            Self::One(waiter) => drop(waiter.changed().await),
            Self::All(waiter) => waiter.changed().await,
        }
    }
}

/// Why a reader gets nothing more.
enum Gone {
    /// It has gone, or does not take what it is sent; or the gateway stops.
    Away,
    /// The database is away: it comes again, and goes on from where it was.
    Failed(ApiError),
}

impl From<ApiError> for Gone {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}
impl From<planshift_storage::StorageError> for Gone {
    fn from(error: planshift_storage::StorageError) -> Self {
        Self::Failed(error.into())
    }
}

/// One reader of events.
struct Reader {
    app: App,
    locale: Locale,
    of: Of,
    /// It has everything up to here.
    at: Cursor,
    send: mpsc::Sender<Bytes>,
    wakes: Wakes,
    _room: OwnedSemaphorePermit,
}

impl Reader {
    async fn run(mut self, resumes: bool) {
        if let Err(Gone::Failed(error)) = self.tell(resumes).await {
            tracing::warn!(status = %error.status(), "a reader of events is let go: it comes again, and goes on");
        }
    }

    async fn tell(&mut self, resumes: bool) -> Result<(), Gone> {
        if resumes && !self.app.model.has_reached(&self.at).await? {
            // of another database, or of a later time of this one: what was missed cannot be known
            self.at = self.app.model.now().await?;
            self.piece(format!("retry: {RETRY}\nevent: reset\nid: {}\ndata: {{}}\n\n", self.at)).await?;
        }
        // from the first moment on, a reader that is cut off knows where it was
        self.piece(format!("retry: {RETRY}\nid: {}\n\n", self.at)).await?;
        let clock = self.app.ports.clock.clone();
        let mut heartbeat = clock.sleep(self.app.settings.heartbeat);
        loop {
            let over = self.everything().await?;
            if over {
                return Ok(());
            }
            tokio::select! {
                biased;
                () = self.app.stop.cancelled() => return Err(Gone::Away),
                () = self.send.closed() => return Err(Gone::Away),
                () = &mut heartbeat => {
                    // the id without data moves the reader's place on, and is no event
                    self.piece(format!(": still here\nid: {}\n\n", self.at)).await?;
                    heartbeat = clock.sleep(self.app.settings.heartbeat);
                    continue;
                }
                () = self.wakes.woken() => {}
                () = clock.sleep(self.app.settings.poll) => {}
            }
            // what comes at the same time is read at once
            tokio::select! {
                () = self.app.stop.cancelled() => return Err(Gone::Away),
                () = clock.sleep(self.app.settings.stream_pause) => {}
            }
        }
    }

    /// Tells everything that has happened up to now. True: nothing more comes by itself.
    async fn everything(&mut self) -> Result<bool, Gone> {
        loop {
            let batch = self.app.model.happened(&self.of, self.at).await?;
            let more = batch.more;
            for one in batch.happened {
                let text = self.event(&one).await?;
                self.piece(text).await?;
                self.at = one.at;
            }
            self.at = batch.reached;
            if !more {
                return match self.of {
                    Of::One(id) => {
                        Ok(self.app.model.transition(id).await?.is_some_and(|known| known.row.state.is_end() && known.settled())
                            && self.app.model.happened(&self.of, self.at).await?.happened.is_empty())
                    }
                    Of::All { .. } => Ok(false),
                };
            }
        }
    }

    async fn piece(&self, text: String) -> Result<(), Gone> {
        tokio::select! {
            sent = self.send.send(text.into()) => sent.map_err(|_| Gone::Away),
            () = self.app.stop.cancelled() => Err(Gone::Away),
            () = self.app.ports.clock.sleep(self.app.settings.piece_time) => {
                tracing::info!("a reader of events does not take what it is sent, and is let go");
                Err(Gone::Away)
            }
        }
    }

    async fn event(&self, one: &Happened) -> Result<String, Gone> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Entry<'a> {
            transition_id: TransitionId,
            #[serde(flatten)]
            entry: &'a HistoryEntry,
        }
        let (name, data) = match &one.what {
            What::Entry(entry) => ("history", json!(Entry { transition_id: one.transition, entry })),
            What::State(known) => {
                let mut progress = progress_of(&self.app, known, self.locale).await?;
                progress["partnerId"] = json!(known.row.partner_id);
                if matches!(self.of, Of::One(_)) {
                    self.add_lines(&mut progress, one.transition, known.row.lines).await?;
                }
                (if known.row.state.is_end() { "end" } else { "state" }, progress)
            }
        };
        // JSON has no line breaks of its own: one line of data
        Ok(format!("event: {name}\nid: {}\ndata: {data}\n\n", one.at))
    }

    /// The lines that have changed since the reader's place, where the transition is not so large that they are to be asked for.
    async fn add_lines(&self, progress: &mut Value, id: TransitionId, lines: u32) -> Result<(), Gone> {
        if lines > LINES_READ {
            progress["linesChanged"] = Value::Null;
            return Ok(());
        }
        let Some(parts) = self.app.model.parts(id).await? else { return Ok(()) };
        let mut shown = assemble(parts, self.app.ports.clock.now()).lines;
        // a line's state is also its transition's: where that has moved, or may have, all of them are told of
        if self.at.is_after_a_state() {
            let changed: BTreeSet<_> = self.app.model.lines_changed(id, self.at).await?.into_iter().collect();
            shown.retain(|line| changed.contains(&line.azure_subscription_id));
        }
        progress["linesChanged"] = json!(shown.len());
        shown.truncate(LINES_LISTED);
        findings::of_lines(&mut shown, self.locale);
        progress["changedLines"] = json!(shown);
        Ok(())
    }
}
