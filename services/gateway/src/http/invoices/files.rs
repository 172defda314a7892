//! `/v1/invoices`: how files are, and were; one that was wrong is withdrawn.

use super::{bring::does_not_count, find, shown};
use crate::{
    app::App,
    http::{
        actor,
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{Fields, Parameters},
        files::list,
    },
};
use axum::{
    Extension,
    extract::{Path, State},
    http::HeaderMap,
};

/// `GET /v1/invoices?size=`: the newest first.
pub(in crate::http) async fn files(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Answer, ApiError> {
    list((&app, &app.invoices.files), &context, &parameters, &headers, "/invoices", shown).await
}

/// `GET /v1/invoices/{id}`.
pub(in crate::http) async fn file(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    Answer::json(&shown(&find(&app, &context, &id).await?))
}

/// `POST /v1/invoices/{id}/withdraw`: it stays as it was, and is compared with nothing from now on. Once more changes nothing.
pub(in crate::http) async fn withdraw(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Answer, ApiError> {
    let file = find(&app, &context, &id).await?;
    let (by, why) = (actor::actor(&fields, &context)?, actor::reason(&fields)?);
    if !app.invoices.withdraw(file.id, file.partner, &by, &why).await? && file.brought.withdrawn.is_none() {
        return Err(does_not_count(file.id));
    }
    Answer::json(&shown(&find(&app, &context, &id).await?))
}
