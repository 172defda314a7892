//! `GET /v1/reconciliation/findings`, `/v1/invoices/{id}/findings`: invoices' lines against what was metered.

use super::{began, scope::scope};
use crate::{
    app::App,
    files::FileState,
    http::{
        context::Context,
        errors::ApiError,
        fields::{A_GUID, Parameters},
        invoices,
        pages::{Asked, LARGEST_PAGE, Page, again},
        tables::{self, Cell},
    },
    reconciliation::{FindingsOf, FindingsPlace},
    words::words,
};
use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use planshift_billing::reconcile::{Finding, Series};
use serde_json::{Value, json};
use uuid::Uuid;

const HEADER: [&str; 13] = [
    "fault",
    "series",
    "customerId",
    "azureSubscriptionId",
    "meterId",
    "from",
    "to",
    "expected",
    "found",
    "invoice",
    "row",
    "invoiceId",
    "moreLines",
];

/// `GET /v1/reconciliation/findings?month=&customerId=&azureSubscriptionId=&transitionId=&size=&format=`.
pub(in crate::http) async fn findings(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (scope, month) = scope(&app, &context, &parameters).await?;
    let (partner, span) = (scope.partner, (scope.from, scope.to));
    let of = FindingsOf { partner, customer: scope.customer, azure: scope.azure, span, file: None };
    let query = again(&parameters, &["month", "partnerId", "customerId", "azureSubscriptionId", "transitionId"]);
    answer(app, of, ("/reconciliation/findings", query), &format!("findings-{month}.csv"), &parameters, &headers).await
}

/// `GET /v1/invoices/{id}/findings?customerId=&size=&format=`: what is to be seen on that invoice, and what is missing there.
pub(in crate::http) async fn of_file(
    State(app): State<App>,
    Extension(context): Extension<Context>,
    Path(id): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let file = invoices::find(&app, &context, &id).await?;
    let customer = parameters.parse("customerId", A_GUID, |text| text.parse().ok())?;
    if file.state != FileState::Done {
        let text = words!(
            "The invoice {id} is {}, and is compared with nothing.",
            "La facture {id} est dans l’état {} et n’est comparée à rien.",
            file.state.name()
        );
        return Err(ApiError::new(StatusCode::CONFLICT, "409", "InvoiceDoesNotCount", text));
    }
    let (first, (from, to)) = (file.brought.first, file.brought.window);
    let span = (first.min(from), to);
    let (path, name) = (format!("/invoices/{}/findings", file.id), format!("findings-{}.csv", file.id));
    let of = FindingsOf { partner: file.partner, customer, azure: None, span, file: Some(file) };
    answer(app, of, (&path, again(&parameters, &["customerId"])), &name, &parameters, &headers).await
}

async fn answer(
    app: App,
    of: FindingsOf,
    (path, query): (&str, String),
    name: &str,
    parameters: &Parameters,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    if tables::is_asked(parameters, headers)? {
        let under_way = app.under_way.clone();
        let first = (app, of, Some(Uuid::nil()), true, under_way);
        return Ok(tables::file(tables::CSV, name, first, |(app, of, after, is_first, under_way)| async move {
            let Some(after) = after else { return Ok(None) };
            let found = app.reconciliation.findings_after(&of, after).await?;
            let (next, findings) = found.map_or((None, Vec::new()), |(customer, findings, _)| (Some(customer.0), findings));
            let piece = tables::table(is_first.then_some(&HEADER[..]), findings.iter().map(cells))?;
            Ok(Some((piece, (app, of, next, false, under_way))))
        }));
    }
    let asked = Asked::read(headers, parameters, LARGEST_PAGE)?;
    let (mut items, mut unlisted, mut next) = (Vec::new(), 0, None);
    let (mut after, mut told) = asked.after(place)?.unwrap_or((Uuid::nil(), 0));
    let size = asked.size as usize;
    // a token names the customer before the one whose findings go on
    while let Some((customer, findings, more)) = app.reconciliation.findings_after(&of, after).await? {
        let room = size - items.len();
        let skipped = usize::try_from(told).unwrap_or(usize::MAX).min(findings.len());
        items.extend(findings[skipped..].iter().take(room).map(shown));
        if findings.len() - skipped > room {
            next = Some(token((after, (skipped + room) as u64)));
            break;
        }
        (after, told, unlisted) = (customer.0, 0, unlisted + more);
        if items.len() == size {
            next = Some(token((after, 0)));
            break;
        }
    }
    let page = Page { items, next, more: Some(("unlisted", json!(unlisted))), ..Page::default() };
    Ok(asked.answer(path, &query, page)?.into_response())
}

fn token((customer, told): FindingsPlace) -> String {
    format!("{}.{told}", customer.as_simple())
}

fn place(token: &str) -> Option<FindingsPlace> {
    let (customer, told) = token.split_once('.')?;
    Some((Uuid::try_parse(customer).ok()?, told.parse().ok()?))
}

fn name_of(series: Series) -> &'static str {
    match series {
        Series::Legacy => "D",
        Series::Plan => "G",
    }
}

fn shown(finding: &Finding) -> Value {
    json!({
        "fault": finding.fault,
        "series": name_of(finding.series),
        "customerId": finding.customer_id,
        "azureSubscriptionId": finding.azure_subscription_id,
        "meterId": finding.meter_id,
        "from": began(finding.series, finding.from),
        "to": began(finding.series, finding.to),
        "expected": finding.expected,
        "found": finding.found,
        "lines": finding.lines.iter().map(|line| json!({ "invoiceId": line.file, "invoice": line.invoice, "row": line.row })).collect::<Vec<_>>(),
    })
}

fn cells(finding: &Finding) -> Vec<Cell> {
    let (fault, line) = (json!(finding.fault), finding.lines.first());
    vec![
        Cell::own(fault.as_str().unwrap_or_default()),
        Cell::own(name_of(finding.series)),
        Cell::own(&finding.customer_id),
        Cell::maybe(finding.azure_subscription_id),
        Cell::Text(finding.meter_id.clone()),
        Cell::own(&began(finding.series, finding.from)),
        Cell::own(&began(finding.series, finding.to)),
        Cell::own(&finding.expected),
        Cell::own(&finding.found),
        Cell::Text(line.map(|line| line.invoice.clone()).unwrap_or_default()),
        Cell::maybe(line.map(|line| line.row)),
        Cell::maybe(line.map(|line| line.file)),
        Cell::own(&finding.lines.len().saturating_sub(1)),
    ]
}
