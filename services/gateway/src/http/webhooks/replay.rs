//! `POST /webhooks/v1/deliveries/replay`: everything that happened within a time is told again.

use super::{not_registered, whose};
use crate::{
    app::App,
    hooks::{EventName, NewReplay, Replay},
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{Fields, Parameters},
        once::{hash, once},
    },
    words::{Words, words},
};
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};
use planshift_domain::{
    ids::{PartnerId, parse_guid},
    time::Timestamp,
};
use serde_json::json;

type Asked = (State<App>, Extension<Context>);

/// `POST /webhooks/v1/deliveries/replay` `{from, to?, event?}`. 202 with the replay, whose id is the request's: it goes on by itself.
pub(in crate::http) async fn replay(
    (State(app), Extension(context)): Asked,
    parameters: Parameters,
    fields: Fields,
) -> Result<Answer, ApiError> {
    let partner = whose(&context, &parameters)?;
    if app.webhooks.registration(partner).await?.is_none() {
        return Err(not_registered());
    }
    let wrong = |text: Words| ApiError::bad_input("InvalidBody", text);
    let time = |name: &str| {
        let parse = |text: &str| text.parse::<Timestamp>();
        let text = fields.text(name)?;
        text.map(parse).transpose().map_err(|_| {
            wrong(words!(
                "The property {name} must be a time, as 2026-11-22T16:00:00Z.",
                "La propriété {name} doit être une date et une heure, comme 2026-11-22T16:00:00Z."
            ))
        })
    };
    let missing = || {
        wrong(words!(
            "The property from is missing: a time, as 2026-11-22T16:00:00Z.",
            "La propriété from manque : une date et une heure, comme 2026-11-22T16:00:00Z."
        ))
    };
    let from = time("from")?.ok_or_else(missing)?;
    let to = time("to")?.unwrap_or_else(|| app.ports.clock.now());
    if to < from {
        return Err(wrong(words!("The property to is before from.", "La propriété to précède from.")));
    }
    let event = match fields.text("event")? {
        None => None,
        Some(name) => Some(EventName::from_name(name).filter(|event| *event != EventName::TestCreated).ok_or_else(|| {
            let text = words!("The property event: {name:?} is not told again.", "La propriété event : {name:?} ne peut pas être répété.");
            ApiError::bad_input("UnknownWebhookEvent", text)
        })?),
    };
    let new = NewReplay { id: context.request_id, partner, actor: context.caller.actor.clone(), from, to, event };
    let work = async {
        app.webhooks.begin_replay(&new).await?;
        let replay = find(&app, &new.id.to_string(), partner).await?;
        let location = format!("deliveries/replay/{}", new.id);
        Ok(shown(&replay)?.status(StatusCode::ACCEPTED).header("location", location))
    };
    once(&app, &context, "POST /webhooks/v1/deliveries/replay", &hash(&fields.raw), work).await
}

/// `GET /webhooks/v1/deliveries/replay/{id}`: how far it is.
pub(in crate::http) async fn replayed(
    (State(app), Extension(context)): Asked,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    shown(&find(&app, &id, whose(&context, &parameters)?).await?)
}

async fn find(app: &App, id: &str, partner: PartnerId) -> Result<Replay, ApiError> {
    let unknown = || {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "404",
            "WebhookReplayNotFound",
            words!("There is no replay {id}.", "La répétition {id} n’existe pas."),
        )
    };
    app.webhooks.replay(parse_guid(id).ok_or_else(unknown)?, partner).await?.ok_or_else(unknown)
}

fn shown(replay: &Replay) -> Result<Answer, ApiError> {
    Answer::json(&json!({
        "id": replay.id,
        "partnerId": replay.partner,
        "createdAt": replay.created_at,
        "createdBy": replay.actor,
        "from": replay.from,
        "to": replay.to,
        "event": replay.event,
        "found": replay.found,
        "state": if replay.ended_at.is_some() { "done" } else { "running" },
        "endedAt": replay.ended_at,
    }))
}
