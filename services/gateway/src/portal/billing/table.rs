//! All of it as CSV: the API's own tables, passed on as they are written.

use super::asked::Asked;
use crate::{
    http::{ApiError, Parameters},
    portal::visit::Visit,
    words::words,
};
use axum::{
    body::Body,
    http::{Request, header},
    response::Response,
};

/// What there is a table of, and where.
const TABLES: [(&str, &str); 5] = [
    ("subscription", "/v1/reconciliation?by=subscription"),
    ("meter", "/v1/reconciliation?by=meter"),
    ("day", "/v1/reconciliation?by=day"),
    ("credit", "/v1/reconciliation/credit?by=subscription"),
    ("findings", "/v1/reconciliation/findings?by=subscription"),
];

/// `GET /portal/billing/table?of=&month=&customerId=`.
pub(in crate::portal) async fn read(visit: Visit, parameters: Parameters) -> Result<Response, ApiError> {
    let of = parameters.get("of").unwrap_or("subscription");
    let Some((_, path)) = TABLES.iter().find(|(name, _)| *name == of) else {
        let text = words!(
            "The parameter of must be subscription, meter, day, credit or findings.",
            "Le paramètre of doit être subscription, meter, day, credit ou findings."
        );
        return Err(ApiError::bad_input("InvalidParameter", text));
    };
    let asked = Asked::of(&visit, &parameters).await?;
    // who has to say whose is told so by the API
    let query = asked.map(|asked| asked.query()).unwrap_or_default();
    passed(&visit, &format!("{path}&{query}&format=csv")).await
}

/// The API's answer as it is.
pub(super) async fn passed(visit: &Visit, uri: &str) -> Result<Response, ApiError> {
    let request = Request::builder().uri(uri).header(header::ACCEPT, "text/csv").body(Body::empty());
    visit.api.pass(&visit.context, request.map_err(|error| ApiError::internal(&error))?).await
}
