//! `/v1/invoices`: how files are, and were; one that was wrong is withdrawn.

use super::{bring::does_not_count, find, shown};
use crate::{
    app::App,
    http::{
        actor,
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{A_GUID, Fields, Parameters},
        pages::{Asked, Page, again},
        usage::whose,
    },
};
use axum::{
    Extension,
    extract::{Path, State},
    http::HeaderMap,
};
use planshift_domain::ids::PartnerId;
use uuid::Uuid;

const PAGE: u32 = 50;

/// `GET /v1/invoices?size=`: the newest first.
pub(in crate::http) async fn files(
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
    let mut rows = app.invoices.files(partner, before, asked.size + 1).await?;
    let more = rows.len() > asked.size as usize;
    rows.truncate(asked.size as usize);
    let next = rows.last().filter(|_| more).map(|last| format!("{}-{}", last.created_at.as_micros(), last.id.as_simple()));
    let items = rows.iter().map(shown).collect();
    asked.answer("/invoices", &again(&parameters, &["partnerId"]), Page { items, next, ..Page::default() })
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
    if !app.invoices.withdraw(file.id, file.partner, &by, &why).await? && file.withdrawn.is_none() {
        return Err(does_not_count(file.id));
    }
    Answer::json(&shown(&find(&app, &context, &id).await?))
}
