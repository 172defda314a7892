//! `/v1/usage/imports`: how imports are, and were.

use super::{super::answer::Answer, whose};
use crate::{
    app::App,
    http::{
        context::Context,
        errors::ApiError,
        fields::{A_GUID, Parameters},
        pages::{Asked, Page, again},
    },
    usage::{Import, ImportState},
    words::words,
};
use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use planshift_domain::ids::{PartnerId, parse_guid};
use serde_json::{Value, json};
use uuid::Uuid;

const PAGE: u32 = 50;

/// `GET /v1/usage/imports?size=`: the newest first.
pub(in crate::http) async fn imports(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Answer, ApiError> {
    let named: Option<PartnerId> = parameters.parse("partnerId", A_GUID, |text| text.parse().ok())?;
    // an operator may see those of all
    let partner = if context.caller.sees_all() && named.is_none() { None } else { Some(whose(&app, &context, &parameters).await?) };
    let asked = Asked::read(&headers, &parameters, PAGE)?;
    let before = asked.after(|token| {
        let (at, id) = token.split_once('-')?;
        Some((at.parse().ok()?, Uuid::try_parse(id).ok()?))
    })?;
    let mut rows = app.usage.imports(partner, before, asked.size + 1).await?;
    let more = rows.len() > asked.size as usize;
    rows.truncate(asked.size as usize);
    let next = rows.last().filter(|_| more).map(|last| format!("{}-{}", last.created_at.as_micros(), last.id.as_simple()));
    let items = rows.iter().map(plain).collect();
    asked.answer("/usage/imports", &again(&parameters, &["partnerId"]), Page { items, next, ..Page::default() })
}

/// `GET /v1/usage/imports/{id}`.
pub(in crate::http) async fn import(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let found = match parse_guid(&id) {
        Some(id) => app.usage.import(id).await?,
        None => None,
    };
    let import = found.filter(|import| context.caller.sees(import.partner)).ok_or_else(|| {
        let text = words!("There is no import of usage {id}.", "Il n’existe pas d’importation de consommation {id}.");
        ApiError::new(StatusCode::NOT_FOUND, "404", "UsageImportNotFound", text)
    })?;
    Answer::json(&shown(&app, &import).await?)
}

/// An import, and whether the same file had been brought before.
pub(super) async fn shown(app: &App, import: &Import) -> Result<Value, ApiError> {
    let mut value = plain(import);
    let same = match import.state {
        ImportState::Done => app.usage.same_file(import.partner, &import.document).await?.filter(|first| first.id != import.id),
        _ => None,
    };
    value["sameFileAs"] = json!(same.map(|first| first.id));
    Ok(value)
}

fn plain(import: &Import) -> Value {
    json!({
        "importId": import.id,
        "partnerId": import.partner,
        "state": import.state.name(),
        "format": import.format,
        "actor": import.actor,
        "document": import.document,
        "createdAt": import.created_at,
        "endedAt": import.ended_at,
        "records": import.records,
        "added": import.added,
        "repeated": import.repeated,
        "corrected": import.corrected,
        "faults": import.faults.as_ref().map(|faults| faults.total),
        "listedFaults": import.faults.as_ref().map(|faults| &faults.listed),
    })
}
