//! Batches looked at: the list, one with what its rows add up to, its rows, what was done to it.

use super::{find, shown};
use crate::{
    app::App,
    batches::{BatchFilter, BatchState, RowFilter, RowState},
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::{A_GUID, Parameters},
        pages::{Asked, Page, again, place_of, token_of, whole},
    },
    words::Words,
};
use axum::{
    Extension,
    extract::{Path, State},
    http::HeaderMap,
};
use planshift_domain::ids::PartnerId;

/// How many a page has unless asked otherwise.
const PAGE: u32 = 100;
const A_BATCH_STATE: &Words = &Words::both("a state of a batch, as Running or Paused", "un état de lot, comme Running ou Paused");
const A_ROW_STATE: &Words = &Words::both("a state of a row, as Waiting or Failed", "un état de ligne, comme Waiting ou Failed");

/// `GET /v1/productUpgrades/batches?partnerId=&state=&externalReferenceId=&size=`: newest first.
pub(in crate::http) async fn list(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let named = parameters.parse("partnerId", A_GUID, |text| text.parse::<PartnerId>().ok())?;
    // a caller that is a partner sees its own, whatever it asks for
    let partner = context.caller.partner.or(named);
    let state = parameters.parse("state", A_BATCH_STATE, BatchState::from_name)?;
    let filter = BatchFilter { partner, state, reference: parameters.get("externalReferenceId") };
    let asked = Asked::read(&headers, &parameters, PAGE)?;
    let mut batches = app.batches.list(filter, asked.after(place_of)?, asked.size + 1).await?;
    let next = asked.cut(&mut batches, |last| token_of(last.created_at, last.id));
    let page = Page { items: batches.iter().map(shown::summary).collect(), next, ..Page::default() };
    asked.answer("/productUpgrades/batches", &again(&parameters, &["partnerId", "state", "externalReferenceId"]), page)
}

/// `GET /v1/productUpgrades/batches/{batch}`.
pub(in crate::http) async fn one(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let batch = find(&app, &context, &id).await?;
    Answer::json(&shown::whole(&app, &batch).await?)
}

/// `GET /v1/productUpgrades/batches/{batch}/rows?state=&customerId=&size=`: in the order of their numbers.
pub(in crate::http) async fn rows(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let batch = find(&app, &context, &id).await?;
    let state = parameters.parse("state", A_ROW_STATE, RowState::from_name)?;
    let filter = RowFilter { state, customer: parameters.parse("customerId", A_GUID, |text| text.parse().ok())? };
    let asked = Asked::read(&headers, &parameters, PAGE)?;
    let after = asked.after(|token| token.parse::<u32>().ok())?.unwrap_or_default();
    let mut rows = app.batches.rows((batch.id, batch.partner.0), filter, after, asked.size + 1).await?;
    let next = asked.cut(&mut rows, |last| last.number.to_string());
    let page = Page { items: rows.iter().map(|row| shown::row(row, context.locale)).collect(), next, ..Page::default() };
    let path = format!("/productUpgrades/batches/{}/rows", batch.id);
    asked.answer(&path, &again(&parameters, &["state", "customerId"]), page)
}

/// `GET /v1/productUpgrades/batches/{batch}/history`: who did what to it and why, the newest first.
pub(in crate::http) async fn history(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
) -> Result<Answer, ApiError> {
    let batch = find(&app, &context, &id).await?;
    let acts = app.batches.acts(batch.id).await?;
    whole(&format!("/productUpgrades/batches/{}/history", batch.id), acts.iter().map(shown::act).collect())
}
