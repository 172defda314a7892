//! The HTTP API: its paths, and what surrounds every request.
//!
//! | file | holds |
//! |---|---|
//! | `errors` | an error as Partner Center prints it |
//! | `reasons` | our codes, Microsoft's codes and statuses: one table |
//! | `context` | a request's ids, its caller, its trace |
//! | `surround` | what happens before and after every handler |
//! | `local` | who may reach a gateway that has no tokens yet |
//! | `fields` | request bodies and queries, names in any case |
//! | `once` | idempotency |
//! | `actor` | who acts, and why |
//! | `accounts` | the import |
//! | `audit` | audit records, and the dossier of a customer |
//! | `steps` | steps paused for everyone |
//! | `letters` | dead letters |
//! | `upgrades` | product upgrades |

mod accounts;
mod actor;
mod answer;
mod audit;
mod context;
mod errors;
mod fields;
mod letters;
mod local;
mod once;
mod reasons;
mod steps;
mod surround;
mod upgrades;

use crate::app::App;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use errors::ApiError;
pub(crate) use once::hex;

/// Every path. They are written in lower case: a request's path is brought to it before it is routed.
pub(crate) fn router(app: &App) -> Router {
    use upgrades as u;
    let routes = Router::new()
        .route("/", get(what_this_is))
        .route("/v1/accounts", post(accounts::import).layer(DefaultBodyLimit::disable()))
        .route("/v1/productupgrades", get(u::list).post(u::create))
        .route("/v1/auditrecords", get(audit::records))
        .route("/v1/customers/{id}/dossier", get(audit::dossier))
        .route("/v1/steps", get(steps::read))
        .route("/v1/steps/{step}/pause", post(steps::pause))
        .route("/v1/steps/{step}/resume", post(steps::resume))
        .route("/v1/deadletters", get(letters::list))
        .route("/v1/deadletters/drop", post(letters::drop))
        .route("/v1/deadletters/dropped", get(letters::dropped))
        .route("/v1/deadletters/redrives", get(letters::redrives).post(letters::redrive))
        .route("/v1/deadletters/redrives/{id}", get(letters::one_redrive))
        .route("/v1/deadletters/redrives/{id}/cancel", post(letters::cancel_redrive))
        .route("/v1/deadletters/{key}", get(letters::show))
        .route("/v1/deadletters/{key}/body", get(letters::body))
        .route("/v1/productupgrades/eligibility", post(u::eligibility))
        .route("/v1/productupgrades/stuck", get(u::stuck))
        .route("/v1/productupgrades/{id}", get(u::view).post(u::status))
        .route("/v1/productupgrades/{id}/status", post(u::status))
        .route("/v1/productupgrades/{id}/progress", get(u::progress))
        .route("/v1/productupgrades/{id}/history", get(u::history))
        .route("/v1/productupgrades/{id}/report", get(u::report))
        .route("/v1/productupgrades/{id}/why", get(u::why))
        .route("/v1/productupgrades/{id}/cancel", post(u::cancel))
        .route("/v1/productupgrades/{id}/resume", post(u::resume))
        .route("/v1/productupgrades/{id}/close", post(u::close))
        .fallback(async || ApiError::new(StatusCode::NOT_FOUND, "404", "NotFound", "there is nothing under this path"))
        .method_not_allowed_fallback(async || {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "405", "MethodNotAllowed", "this path has no such method")
        })
        .layer(DefaultBodyLimit::max(app.settings.body_bytes))
        .with_state(app.clone());
    // a router around the routes: only a layer of it sees a path before it is routed
    Router::new().fallback_service(routes).layer(middleware::from_fn_with_state(app.clone(), surround::surround))
}

/// The portal comes here. Until then: what this is, for whoever opens it in a browser.
async fn what_this_is() -> Response {
    let page = "Planshift moves a customer's Azure subscriptions from the legacy CSP offer to the Azure plan.\n\n\
                This is its API. Begin with:\n\n\
                \x20 POST /v1/accounts            import an account document\n\
                \x20 POST /v1/productUpgrades     {\"customerId\": \"…\", \"productFamily\": \"Azure\"}\n\
                \x20 GET  /v1/productUpgrades     what there is\n";
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], page).into_response()
}
