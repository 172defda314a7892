//! `/v1/usage/imports`: how imports are, and were.

use crate::{
    app::App,
    files::FileState,
    http::{answer::Answer, context::Context, errors::ApiError, fields::Parameters, files},
    usage::Import,
    words::words,
};
use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use serde_json::{Value, json};

/// `GET /v1/usage/imports?size=`: the newest first.
pub(in crate::http) async fn imports(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Answer, ApiError> {
    files::list((&app, &app.usage.files), &context, &parameters, &headers, "/usage/imports", plain).await
}

/// `GET /v1/usage/imports/{id}`.
pub(in crate::http) async fn import(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let import = files::find(&app.usage.files, &context, &id).await?.ok_or_else(|| {
        let text = words!("There is no import of usage {id}.", "Il n’existe pas d’importation de consommation {id}.");
        ApiError::new(StatusCode::NOT_FOUND, "404", "UsageImportNotFound", text)
    })?;
    Answer::json(&shown(&app, &import).await?)
}

/// An import, and whether the same file had been brought before.
pub(super) async fn shown(app: &App, import: &Import) -> Result<Value, ApiError> {
    let mut value = plain(import);
    let same = match import.state {
        FileState::Done => app.usage.files.same(import.partner, &import.document).await?.filter(|first| first.id != import.id),
        _ => None,
    };
    value["sameFileAs"] = json!(same.map(|first| first.id));
    Ok(value)
}

fn plain(import: &Import) -> Value {
    let mut value = files::shown(import, "importId");
    let counts = &import.brought;
    for (name, count) in
        [("records", counts.records), ("added", counts.added), ("repeated", counts.repeated), ("corrected", counts.corrected)]
    {
        value[name] = count.into();
    }
    value
}
