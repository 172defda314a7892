//! `GET /v1/reconciliation/credit`: partner earned credit by day, with who loses it and why.

use super::{
    scope::{NARROWS, scope},
    shown::{money, paid},
};
use crate::{
    app::App,
    http::{
        context::Context,
        errors::ApiError,
        fields::Parameters,
        pages::{Asked, Page, again},
        tables::{self, Cell},
    },
    reconciliation::{After, CreditRow, Scope},
};
use axum::{
    Extension,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use planshift_domain::time::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// How many subscriptions' days a page has: those that are reckoned at once. It is not cut in the middle of one.
const PAGE: u32 = 50;
const HEADER: [&str; 9] = ["customerId", "azureSubscriptionId", "planId", "day", "credit", "reason", "resellerMpnId", "records", "amount"];
const FIRST: After = (Uuid::nil(), Uuid::nil());

/// `GET /v1/reconciliation/credit?month=&customerId=&azureSubscriptionId=&transitionId=&format=`.
pub(in crate::http) async fn credit(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (scope, month) = scope(&app, &context, &parameters).await?;
    if tables::is_asked(&parameters, &headers)? {
        return Ok(as_table(app, scope, &month));
    }
    let asked = Asked::read(&headers, &parameters, PAGE)?;
    let after = asked.after(|token| {
        let (customer, azure) = token.split_once('.')?;
        Some((Uuid::try_parse(customer).ok()?, Uuid::try_parse(azure).ok()?))
    })?;
    let (rows, next) = app.reconciliation.credit(&scope, after.unwrap_or(FIRST)).await?;
    let next = next.map(|(customer, azure)| format!("{}.{}", customer.as_simple(), azure.as_simple()));
    let page = Page { items: rows.iter().map(shown).collect(), next, more: Some(("month", json!(month))), ..Page::default() };
    Ok(asked.answer("/reconciliation/credit", &again(&parameters, &NARROWS), page)?.into_response())
}

fn as_table(app: App, scope: Scope, month: &str) -> Response {
    let (under_way, name) = (app.under_way.clone(), format!("credit-{month}.csv"));
    tables::file(tables::CSV, &name, (app, Some(FIRST), true, under_way), move |(app, after, is_first, under_way)| async move {
        let Some(after) = after else { return Ok(None) };
        let (rows, next) = app.reconciliation.credit(&scope, after).await?;
        let piece = tables::table(is_first.then_some(&HEADER[..]), rows.iter().map(cells))?;
        Ok(Some((piece, (app, next, false, under_way))))
    })
}

fn date(day: Timestamp) -> String {
    day.to_string().chars().take(10).collect()
}

fn shown(row: &CreditRow) -> Value {
    json!({
        "customerId": row.customer,
        "azureSubscriptionId": row.azure,
        "planId": row.plan,
        "day": date(row.day),
        "credit": row.outcome.name(),
        "reason": row.reason,
        "resellerMpnId": row.reseller,
        "records": row.records,
        "amounts": money(&row.amount),
    })
}

fn cells(row: &CreditRow) -> Vec<Cell> {
    let reason = json!(row.reason);
    vec![
        Cell::own(&row.customer),
        Cell::own(&row.azure),
        Cell::maybe(row.plan),
        Cell::own(&date(row.day)),
        Cell::own(row.outcome.name()),
        Cell::maybe(reason.as_str()),
        Cell::Text(row.reseller.clone().unwrap_or_default()),
        Cell::own(&row.records),
        paid(&row.amount),
    ]
}
