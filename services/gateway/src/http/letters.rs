//! `/v1/deadLetters`: looked through, given another chance (`/redrives`), dropped with a reason.

use super::{
    actor::{actor, for_operators, reason_required},
    answer::Answer,
    context::Context,
    errors::ApiError,
    fields::{A_GUID, Fields, Parameters},
    once::{hash, once},
};
use crate::{
    app::App,
    letters::{CanaryState, Ended, LettersError, NewRedrive, Redrive, RedriveState, Wanted},
    words::{Words, words},
};
use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use planshift_domain::{
    ids::parse_guid,
    time::{Timestamp, seconds_of},
};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

/// How many a page has at most, and unless asked otherwise.
pub(super) const LARGEST_PAGE: u32 = 500;
const PAGE: u32 = 50;
/// How many letters may be named one by one.
pub(super) const MOST_KEYS: usize = 500;
/// The fastest rate that can be asked for, and the largest canary.
pub(super) const FASTEST: u32 = 10_000;
pub(super) const LARGEST_CANARY: u32 = 1_000;
const TOKEN: &str = "MS-ContinuationToken";
const WHAT: &Words = &Words::both("Dead letters", "Les lettres mortes");
const A_PLACE: &Words = &Words::both("one that was given out", "un de ceux qui ont été donnés");

type Asked = (State<App>, Extension<Context>);

/// `GET /v1/deadLetters?code=&queue=&type=&transitionId=&size=`: how many, grouped by reason, and the oldest.
pub(super) async fn list((State(app), Extension(context)): Asked, parameters: Parameters) -> Result<Answer, ApiError> {
    for_operators(&context, WHAT)?;
    let text = |name: &str| parameters.get(name).map(str::to_owned);
    let transition_id = parameters.parse("transitionId", A_GUID, parse_guid)?.map(|id| id.to_string());
    let wanted = Wanted { code: text("code"), queue: queue(text("queue")), kind: text("type"), transition_id, ..Wanted::default() };
    let size = parameters.number("size", 1, LARGEST_PAGE)?.unwrap_or(PAGE);
    let after = parameters.parse("continuationToken", A_PLACE, place)?;
    let listing = app.letters.list(&wanted, after, size as usize).await?;
    let next = listing.items.last().filter(|_| listing.more).map(|last| format!("{}-{}", last.sent_at.as_micros(), last.key));
    let answer = Answer::json(&listing)?;
    Ok(match next {
        Some(next) => answer.header(TOKEN, next),
        None => answer,
    })
}

/// `GET /v1/deadLetters/{key}`: one, whole, with the chances that it was given before.
pub(super) async fn show((State(app), Extension(context)): Asked, Path(key): Path<String>) -> Result<Answer, ApiError> {
    for_operators(&context, WHAT)?;
    let (whole, _) = app.letters.find(&key).await?.ok_or_else(|| unknown(&key))?;
    let chances = app.letters.chances(&whole.letter.message_id).await?;
    let mut shown = serde_json::to_value(&whole).map_err(|error| ApiError::internal(&error))?;
    shown["redrives"] = json!(chances);
    Answer::json(&shown)
}

/// `GET /v1/deadLetters/{key}/body`: its body's bytes.
pub(super) async fn body((State(app), Extension(context)): Asked, Path(key): Path<String>) -> Result<Response, ApiError> {
    for_operators(&context, WHAT)?;
    let (_, bytes) = app.letters.find(&key).await?.ok_or_else(|| unknown(&key))?;
    let mut response = Response::new(Body::from(bytes));
    // whatever it is, no browser is to make something of it
    for (name, value) in [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_DISPOSITION, "attachment"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// `POST /v1/deadLetters/drop`: for good, with a reason that is kept along with the letters.
pub(super) async fn drop((State(app), Extension(context)): Asked, fields: Fields) -> Result<Answer, ApiError> {
    for_operators(&context, WHAT)?;
    let wanted = wanted(&fields)?;
    let (actor, reason) = (
        actor(&fields, &context)?,
        reason_required(&fields, &words!("why are the letters dropped?", "pourquoi les lettres sont-elles supprimées ?"))?,
    );
    let work = async { Answer::json(&app.letters.drop_letters(&wanted, &actor, &reason).await?) };
    once(&app, &context, "POST /v1/deadletters/drop", &hash(&fields.raw), work).await
}

/// `GET /v1/deadLetters/dropped`: what was dropped, the newest first.
pub(super) async fn dropped((State(app), Extension(context)): Asked, parameters: Parameters) -> Result<Answer, ApiError> {
    for_operators(&context, WHAT)?;
    let size = parameters.number("size", 1, LARGEST_PAGE)?.unwrap_or(PAGE);
    let before = parameters.parse("continuationToken", A_PLACE, place)?;
    let items = app.letters.dropped(before, size).await?;
    let next = items.last().filter(|_| items.len() == size as usize).map(|last| format!("{}-{}", last.dropped_at.as_micros(), last.key));
    page(&items, next)
}

/// `POST /v1/deadLetters/redrives`: gives letters another chance. 202 with the redrive, whose id is the request's.
pub(super) async fn redrive((State(app), Extension(context)): Asked, fields: Fields) -> Result<Answer, ApiError> {
    for_operators(&context, WHAT)?;
    let new = NewRedrive {
        id: context.request_id,
        actor: actor(&fields, &context)?,
        reason: reason_required(&fields, &words!("why is it worth another try?", "pourquoi un nouvel essai en vaut-il la peine ?"))?,
        wanted: wanted(&fields)?,
        rate: fields.number("rate", 1, FASTEST)?,
        canary: fields.number("canary", 0, LARGEST_CANARY)?.unwrap_or_default(),
        traceparent: context.trace.traceparent(),
    };
    let work = async {
        app.letters.redrive(&new).await?;
        let redrive = app.letters.find_redrive(new.id).await?.ok_or_else(|| unknown_redrive(&new.id.to_string()))?;
        Ok(shown(&redrive, &[] as &[Ended])?.status(StatusCode::ACCEPTED).header("location", format!("deadLetters/redrives/{}", new.id)))
    };
    once(&app, &context, "POST /v1/deadletters/redrives", &hash(&fields.raw), work).await
}

/// `GET /v1/deadLetters/redrives`: the newest first.
pub(super) async fn redrives((State(app), Extension(context)): Asked, parameters: Parameters) -> Result<Answer, ApiError> {
    for_operators(&context, WHAT)?;
    let size = parameters.number("size", 1, LARGEST_PAGE)?.unwrap_or(PAGE);
    let before = parameters.parse("continuationToken", A_PLACE, |token| {
        let (at, id) = token.split_once('-')?;
        Some((Timestamp::from_micros(at.parse().ok()?), Uuid::try_parse(id).ok()?))
    })?;
    let items = app.letters.redrives(before, size).await?;
    let full = items.len() == size as usize;
    let next = items.last().filter(|_| full).map(|last| format!("{}-{}", last.created_at.as_micros(), last.redrive_id.as_simple()));
    page(&items, next)
}

/// `GET /v1/deadLetters/redrives/{id}?wait=10s`: one, once it has ended or after that time, with the letters that died again.
pub(super) async fn one_redrive(
    (State(app), Extension(context)): Asked,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    for_operators(&context, WHAT)?;
    let wait = parameters.parse("wait", &words!("a length of time like 10s", "une durée comme 10s"), |text| {
        seconds_of(text).filter(|s| (0..=60).contains(s))
    })?;
    let until = app.ports.clock.now().plus_seconds(wait.unwrap_or_default());
    let found = find(&app, &id).await?;
    let mut redrive = found;
    while redrive.state == RedriveState::Running && app.ports.clock.now() < until && !app.stop.is_cancelled() {
        app.ports.clock.sleep(app.settings.look).await;
        redrive = find(&app, &id).await?;
    }
    shown(&redrive, &app.letters.died(redrive.redrive_id).await?)
}

/// `POST /v1/deadLetters/redrives/{id}/cancel`: nothing more is sent.
pub(super) async fn cancel_redrive(
    (State(app), Extension(context)): Asked,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Answer, ApiError> {
    for_operators(&context, WHAT)?;
    let (actor, reason) = (actor(&fields, &context)?, super::actor::reason(&fields)?);
    let redrive = find(&app, &id).await?;
    let because = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    let ended = app.letters.end(redrive.redrive_id, RedriveState::Cancelled, &format!("cancelled by {actor}{because}")).await?;
    let now = find(&app, &id).await?;
    if !ended && now.state != RedriveState::Cancelled {
        let text = words!("The redrive is {}.", "La relance est dans l’état {}.", now.state.name());
        return Err(ApiError::new(StatusCode::CONFLICT, "409", "NotAllowedInState", text));
    }
    shown(&now, &app.letters.died(now.redrive_id).await?)
}

async fn find(app: &App, id: &str) -> Result<Redrive, ApiError> {
    let known = match parse_guid(id) {
        Some(id) => app.letters.find_redrive(id).await?,
        None => None,
    };
    known.ok_or_else(|| unknown_redrive(id))
}

fn shown(redrive: &Redrive, died: &[Ended]) -> Result<Answer, ApiError> {
    let mut value = serde_json::to_value(redrive).map_err(|error| ApiError::internal(&error))?;
    let canary = match redrive.canary_state() {
        _ if redrive.canary == 0 => "none",
        CanaryState::ToSend(_) | CanaryState::Flying => "flying",
        CanaryState::Alive => "alive",
        CanaryState::Dead => "dead",
    };
    value["canaryState"] = json!(canary);
    value["diedAgain"] = json!(died);
    Answer::json(&value)
}

fn page(items: &[impl Serialize], next: Option<String>) -> Result<Answer, ApiError> {
    let answer = Answer::json(&json!({ "items": items, "attributes": { "objectType": "Collection" } }))?;
    Ok(match next {
        Some(next) => answer.header(TOKEN, next),
        None => answer,
    })
}

/// A place in a list: a time and a key.
fn place(token: &str) -> Option<(Timestamp, String)> {
    let (at, key) = token.split_once('-')?;
    Some((Timestamp::from_micros(at.parse().ok()?), key.to_owned()))
}

/// Which letters a body means. All of them only where it says so.
fn wanted(fields: &Fields) -> Result<Wanted, ApiError> {
    let text = |name: &str| Ok::<_, ApiError>(fields.text(name)?.map(str::to_owned));
    let transition_id = match fields.text("transitionId")? {
        None => None,
        Some(id) => Some(parse_guid(id).ok_or_else(|| {
            let text = words!("The property transitionId must be a GUID.", "La propriété transitionId doit être un GUID.");
            ApiError::bad_input("InvalidBody", text)
        })?),
    };
    let wanted = Wanted {
        keys: fields.texts("keys", MOST_KEYS)?.into_iter().map(str::to_lowercase).collect(),
        code: text("code")?,
        queue: queue(text("queue")?),
        kind: text("type")?,
        transition_id: transition_id.map(|id| id.to_string()),
    };
    if wanted.is_everything() != fields.flag("all")? {
        let description = words!(
            "Say which letters are meant: keys, code, queue, type or transitionId; or all: true, and none of these.",
            "Dites quelles lettres sont visées : keys, code, queue, type ou transitionId ; ou bien all: true, sans aucun de ceux-ci."
        );
        return Err(ApiError::bad_input("InvalidBody", description));
    }
    Ok(wanted)
}

/// A service's name stands for its queue.
fn queue(name: Option<String>) -> Option<String> {
    name.map(|name| if name.starts_with("planshift.") { name } else { format!("planshift.{}", name.to_lowercase()) })
}

fn unknown(key: &str) -> ApiError {
    let text = words!(
        "There is no dead letter {key}; it may have been redriven or dropped.",
        "Il n’existe pas de lettre morte {key} ; elle a pu être relancée ou supprimée."
    );
    ApiError::new(StatusCode::NOT_FOUND, "404", "DeadLetterNotFound", text)
}

fn unknown_redrive(id: &str) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "404", "RedriveNotFound", words!("There is no redrive {id}.", "Il n’existe pas de relance {id}."))
}

impl From<LettersError> for ApiError {
    fn from(error: LettersError) -> Self {
        match error {
            LettersError::Storage(error) => error.into(),
            LettersError::Broker(error) => {
                tracing::warn!(%error, "the dead letters are not reached");
                Self::unavailable(words!("The broker is away. Try again.", "Le service de messagerie n’est pas joignable. Réessayez."))
            }
            LettersError::Busy => Self::unavailable(words!(
                "Somebody else is looking through the dead letters. Try again.",
                "Quelqu’un d’autre parcourt les lettres mortes. Réessayez."
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_may_be_named_by_its_service() {
        assert_eq!(queue(Some("Mapping".into())).as_deref(), Some("planshift.mapping"));
        assert_eq!(queue(Some("planshift.mapping".into())).as_deref(), Some("planshift.mapping"));
        assert_eq!(queue(None), None);
    }
}
