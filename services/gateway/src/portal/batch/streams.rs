//! A batch's events, and its rows as a file: the API's own, for a browser, which cannot send a token with them.

use crate::{
    http::ApiError,
    portal::{api::encoded, visit::Visit},
};
use axum::{
    body::Body,
    extract::{Path, Request},
    http::{HeaderMap, HeaderName},
    response::Response,
};

/// `GET /portal/batches/{batch}/events`.
pub(in crate::portal) async fn events(
    visit: Visit,
    Path(batch): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    passed(&visit, &batch, "events", &headers, request).await
}

/// `GET /portal/batches/{batch}/results?format=csv`.
pub(in crate::portal) async fn results(
    visit: Visit,
    Path(batch): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    passed(&visit, &batch, "results", &headers, request).await
}

async fn passed(visit: &Visit, batch: &str, what: &str, headers: &HeaderMap, request: Request) -> Result<Response, ApiError> {
    const LAST: HeaderName = HeaderName::from_static("last-event-id");
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut asked = axum::http::Request::builder().uri(format!("/v1/productupgrades/batches/{}/{what}{query}", encoded(batch)));
    if let Some(last) = headers.get(LAST) {
        asked = asked.header(LAST, last);
    }
    let asked = asked.body(Body::empty()).map_err(|error| ApiError::internal(&error))?;
    visit.api.pass(&visit.context, asked).await
}
