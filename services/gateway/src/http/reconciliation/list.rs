//! `GET /v1/reconciliation`: subscriptions, page by page or as a table; what all of them come to.

use super::{
    scope::{NARROWS, of_transition, scope},
    shown::{By, Totals, header, rows, subscription},
};
use crate::{
    app::App,
    http::{
        answer::Answer,
        context::Context,
        errors::ApiError,
        fields::Parameters,
        pages::{Asked, Page, again},
        tables,
    },
    reconciliation::{After, Scope},
    words::Words,
};
use axum::{
    Extension,
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use planshift_domain::time::Timestamp;
use serde_json::json;
use uuid::Uuid;

/// How many subscriptions a page has at most: with all days of all their meters it is long.
const PAGE: u32 = 50;
const A_GRAIN: &Words = &Words::both("subscription, meter or day", "subscription, meter ou day");
const FIRST: After = (Uuid::nil(), Uuid::nil());

/// `GET /v1/reconciliation?month=&customerId=&azureSubscriptionId=&transitionId=&by=&size=&format=`.
pub(in crate::http) async fn list(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (scope, month) = scope(&app, &context, &parameters).await?;
    shown(app, scope, &month, ("/reconciliation", again(&parameters, &NARROWS)), &parameters, &headers).await
}

/// `GET /v1/productUpgrades/{id}/reconciliation`: of the subscriptions of a transition.
pub(in crate::http) async fn of_upgrade(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (scope, month) = of_transition(&app, &context, &parameters, &id).await?;
    let path = format!("/productUpgrades/{id}/reconciliation");
    shown(app, scope, &month, (&path, again(&parameters, &NARROWS)), &parameters, &headers).await
}

async fn shown(
    app: App,
    scope: Scope,
    month: &str,
    (path, query): (&str, String),
    parameters: &Parameters,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let by = parameters.parse("by", A_GRAIN, By::of)?.unwrap_or(By::Subscription);
    let anchor = app.reconciliation.anchor(scope.partner).await?;
    if tables::is_asked(parameters, headers)? {
        return Ok(as_table(app, scope, anchor, by, month));
    }
    let asked = Asked::read(headers, parameters, PAGE)?;
    let after = asked.after(place)?.unwrap_or(FIRST);
    let size = asked.size.min(PAGE);
    let page = app.reconciliation.page(&scope, anchor, after, size).await?;
    let next = page
        .last()
        .filter(|_| page.len() == size as usize)
        .map(|last| format!("{}.{}", last.customer.0.as_simple(), last.azure.0.as_simple()));
    let items = page.iter().map(|one| subscription(one, by)).collect();
    let more = Some(("month", json!(month)));
    Ok(asked.answer(path, &query, Page { items, next, more, ..Page::default() })?.into_response())
}

fn place(token: &str) -> Option<After> {
    let (customer, azure) = token.split_once('.')?;
    Some((Uuid::try_parse(customer).ok()?, Uuid::try_parse(azure).ok()?))
}

/// Where writing has come to.
struct Writing {
    app: App,
    scope: Scope,
    anchor: Option<Timestamp>,
    by: By,
    after: Option<After>,
    is_begun: bool,
    /// Held until it is written: work under way.
    _under_way: tokio::sync::mpsc::Sender<()>,
}

fn as_table(app: App, scope: Scope, anchor: Option<Timestamp>, by: By, month: &str) -> Response {
    let under_way = app.under_way.clone();
    let writing = Writing { app, scope, anchor, by, after: Some(FIRST), is_begun: false, _under_way: under_way };
    tables::file(tables::CSV, &format!("reconciliation-{month}.csv"), writing, |mut writing| async move {
        let Some(after) = writing.after else { return Ok(None) };
        let page = writing.app.reconciliation.page(&writing.scope, writing.anchor, after, PAGE).await?;
        writing.after = page.last().filter(|_| page.len() == PAGE as usize).map(|last| (last.customer.0, last.azure.0));
        let is_first = !std::mem::replace(&mut writing.is_begun, true);
        let piece = tables::table(is_first.then(|| header(writing.by)), page.iter().flat_map(|one| rows(one, writing.by)))?;
        Ok(Some((piece, writing)))
    })
}

/// `GET /v1/reconciliation/totals?month=&…`: what all of them come to. One page after the other is read, so that it needs no more memory than
/// a page.
pub(in crate::http) async fn totals(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
) -> Result<Answer, ApiError> {
    let (scope, month) = scope(&app, &context, &parameters).await?;
    let (mut totals, mut after) = (Totals::default(), Some(FIRST));
    while let Some(place) = after {
        let page = app.reconciliation.page(&scope, None, place, PAGE).await?;
        after = page.last().filter(|_| page.len() == PAGE as usize).map(|last| (last.customer.0, last.azure.0));
        page.iter().for_each(|one| totals.add(one));
    }
    let mut answer = totals.shown();
    answer.insert("month".to_owned(), json!(month));
    answer.insert("from".to_owned(), json!(scope.from));
    answer.insert("to".to_owned(), json!(scope.to));
    Answer::json(&answer)
}
