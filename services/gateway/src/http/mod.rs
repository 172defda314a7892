//! The HTTP API: its paths, and what surrounds every request.
//!
//! | file | holds |
//! |---|---|
//! | `errors` | an error as Partner Center prints it |
//! | `faults`, `findings` | texts that come from elsewhere, in French |
//! | `reasons` | our codes, Microsoft's codes and statuses: one table |
//! | `context` | a request's ids, its caller, its trace |
//! | `spans` | the span of a request |
//! | `measured` | what is counted of a request |
//! | `surround` | what happens before and after every handler |
//! | `rules` | which right each path needs |
//! | `routes` | a router that knows its paths |
//! | `bearer` | a request's caller, or why there is none |
//! | `local` | from where a gateway with a local token alone is reached |
//! | `serve`, `taken` | connections: how many, and how slow they may be |
//! | `fields` | request bodies and queries, names in any case |
//! | `once` | idempotency |
//! | `pages` | collections, and pages of them |
//! | `actor` | who acts, and why |
//! | `acts` | handlers of what people do to something |
//! | `accounts` | the import |
//! | `uploads` | documents that are being received |
//! | `audit` | audit records, and the dossier of a customer |
//! | `steps` | steps paused for everyone |
//! | `instances` | which processes live |
//! | `invariants` | what verifications have found |
//! | `letters` | dead letters |
//! | `queues` | how much queues hold |
//! | `customers` | customers, their agreements, subscriptions and plans |
//! | `upgrades` | product upgrades |
//! | `batches` | batches of them |
//! | `schedules` | batches at their time |
//! | `usage` | usage records, and who owns them |
//! | `live` | streams of events, as all of them begin |
//! | `invoices` | invoices' files |
//! | `reconciliation` | what belongs on which invoice, and what is wrong with those that came |
//! | `tables` | tables for spreadsheets |
//! | `contract` | the OpenAPI document |
//! | `webhooks` | webhooks: registration, tests, deliveries, replays |

mod accounts;
mod actor;
mod acts;
mod answer;
mod audit;
mod batches;
mod bearer;
mod context;
mod contract;
mod customers;
mod errors;
mod faults;
mod fields;
mod files;
mod findings;
mod instances;
mod invariants;
mod invoices;
mod letters;
mod live;
mod local;
mod measured;
mod once;
mod pages;
mod queues;
mod reasons;
mod reconciliation;
mod routes;
mod rules;
mod schedules;
mod serve;
mod spans;
mod steps;
mod surround;
mod tables;
mod taken;
mod upgrades;
mod uploads;
mod usage;
mod webhooks;

use crate::{
    app::App,
    portal::{self, Api},
    reconciliation::count_sums,
    words::words,
};
pub(crate) use answer::accepts;
use axum::{
    Extension, Router,
    extract::DefaultBodyLimit,
    http::{HeaderMap, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
pub(crate) use context::Context;
pub use contract::openapi;
pub(crate) use errors::ApiError;
pub(crate) use fields::Parameters;
pub(crate) use findings::told;
pub(crate) use invariants::{PassShown, PassesShown};
pub(crate) use local::Reach;
pub(crate) use once::hex;
use planshift_worker::metrics::Metrics;
use routes::Routes;
pub use rules::{RULES, Rule};
pub(crate) use serve::serve;
pub(crate) use upgrades::Said;
pub(crate) use upgrades::find_parts;
pub(crate) use uploads::Uploads;
pub(crate) use usage::whose;

/// Makes every series of what is counted here appear, so that an alert sees the first one too.
pub(crate) fn count_from_zero(metrics: &Metrics) {
    bearer::count_from_zero(metrics);
    files::count_from_zero(metrics);
    count_sums(metrics, 0, 0);
}

/// Every path. They are written in lower case: a request's path is brought to it before it is routed. What a path needs is in
/// [`RULES`].
fn routes() -> Routes {
    use {batches as b, customers as c, schedules as s, upgrades as u, webhooks as w};
    Routes::new()
        .route("/", get(what_this_is))
        .route("/openapi.json", get(contract::read))
        .route("/v1/accounts", post(accounts::import).layer(DefaultBodyLimit::disable()))
        .route("/v1/productupgrades", get(u::list).post(u::create))
        .route("/v1/auditrecords", get(audit::records))
        .route("/v1/customers/{customer}/dossier", get(audit::dossier))
        .route("/v1/steps", get(steps::read))
        .route("/v1/steps/{step}/pause", post(steps::pause))
        .route("/v1/steps/{step}/resume", post(steps::resume))
        .route("/v1/instances", get(instances::read))
        .route("/v1/queues", get(queues::read))
        .route("/v1/invariants", get(invariants::read).put(invariants::tell))
        .route("/v1/deadletters", get(letters::list))
        .route("/v1/deadletters/drop", post(letters::drop))
        .route("/v1/deadletters/dropped", get(letters::dropped))
        .route("/v1/deadletters/redrives", get(letters::redrives).post(letters::redrive))
        .route("/v1/deadletters/redrives/{id}", get(letters::one_redrive))
        .route("/v1/deadletters/redrives/{id}/cancel", post(letters::cancel_redrive))
        .route("/v1/deadletters/{key}", get(letters::show))
        .route("/v1/deadletters/{key}/body", get(letters::body))
        .route("/v1/productupgrades/eligibility", post(u::eligibility))
        .route("/v1/productupgrades/plan", post(u::plan))
        .route("/v1/productupgrades/events", get(u::all_events))
        .route("/v1/productupgrades/stuck", get(u::stuck))
        .route("/v1/productupgrades/batches", get(b::list).post(b::create).layer(DefaultBodyLimit::disable()))
        .route("/v1/productupgrades/batches/{batch}", get(b::one))
        .route("/v1/productupgrades/batches/{batch}/rows", get(b::rows))
        .route("/v1/productupgrades/batches/{batch}/results", get(b::results))
        .route("/v1/productupgrades/batches/{batch}/history", get(b::history))
        .route("/v1/productupgrades/batches/{batch}/events", get(b::events))
        .route("/v1/productupgrades/batches/{batch}/plan", post(b::plan))
        .route("/v1/productupgrades/batches/{batch}/start", post(b::start))
        .route("/v1/productupgrades/batches/{batch}/pause", post(b::pause))
        .route("/v1/productupgrades/batches/{batch}/resume", post(b::resume))
        .route("/v1/productupgrades/batches/{batch}/cancel", post(b::cancel))
        .route("/v1/productupgrades/batches/{batch}/retry", post(b::retry))
        .route("/v1/productupgrades/batches/{batch}/recheck", post(b::recheck))
        .route("/v1/productupgrades/schedules", get(s::list).post(s::create))
        .route("/v1/productupgrades/schedules/{schedule}", get(s::one).put(s::reschedule))
        .route("/v1/productupgrades/schedules/{schedule}/rows", get(s::rows))
        .route("/v1/productupgrades/schedules/{schedule}/history", get(s::history))
        .route("/v1/productupgrades/schedules/{schedule}/cancel", post(s::cancel))
        .route("/v1/productupgrades/{id}", get(u::view).post(u::status))
        .route("/v1/productupgrades/{id}/status", post(u::status))
        .route("/v1/productupgrades/{id}/progress", get(u::progress))
        .route("/v1/productupgrades/{id}/history", get(u::history))
        .route("/v1/productupgrades/{id}/events", get(u::events))
        .route("/v1/productupgrades/{id}/report", get(u::report))
        .route("/v1/productupgrades/{id}/why", get(u::why))
        .route("/v1/productupgrades/{id}/reconciliation", get(reconciliation::of_upgrade))
        .route("/v1/productupgrades/{id}/cancel", post(u::cancel))
        .route("/v1/productupgrades/{id}/resume", post(u::resume))
        .route("/v1/productupgrades/{id}/close", post(u::close))
        .route("/v1/customers", get(c::customers))
        .route("/v1/customers/{customer}", get(c::customer))
        .route("/v1/customers/{customer}/relationships", get(c::relationships_of))
        .route("/v1/customers/{customer}/agreements", get(c::agreements).post(c::confirm))
        .route("/v1/customers/{customer}/directsignedmicrosoftcustomeragreementstatus", get(c::direct_signature))
        .route("/v1/customers/{customer}/usagebudget", get(c::budget).patch(c::set_budget))
        .route("/v1/customers/{customer}/budget", get(c::budget_task))
        .route("/v1/customers/{customer}/budget/done", post(c::budget_done))
        .route("/v1/customers/{customer}/budget/acknowledge", post(c::acknowledge_warnings))
        .route("/v1/customers/{customer}/usagesummary", get(c::usage_summary))
        .route("/v1/customers/usagerecords", get(c::usage_records))
        .route("/v1/budgets", get(c::budgets))
        .route("/v1/customers/{customer}/subscriptions", get(c::subscriptions))
        .route("/v1/customers/{customer}/subscriptions/{subscription}", get(c::subscription).patch(c::update))
        .route("/v1/customers/{customer}/subscriptions/{subscription}/azureentitlements", get(c::entitlements))
        .route("/v1/customers/{customer}/subscriptions/{subscription}/azureentitlements/{entitlement}", get(c::entitlement))
        .route("/v1/customers/{customer}/products", get(c::products))
        .route("/v1/customers/{customer}/products/{product}", get(c::product))
        .route("/v1/customers/{customer}/products/{product}/skus", get(c::skus))
        .route("/v1/customers/{customer}/products/{product}/skus/{sku}", get(c::sku))
        .route("/v1/customers/{customer}/products/{product}/skus/{sku}/availabilities", get(c::availabilities))
        .route("/v1/customers/{customer}/products/{product}/skus/{sku}/availabilities/{availability}", get(c::availability))
        .route("/v1/customers/{customer}/carts", post(c::create_cart))
        .route("/v1/customers/{customer}/carts/{cart}", get(c::cart))
        .route("/v1/customers/{customer}/carts/{cart}/checkout", post(c::checkout))
        .route("/v1/customers/{customer}/orders", get(c::list_orders))
        .route("/v1/customers/{customer}/orders/{order}", get(c::order))
        .route("/v1/customers/{customer}/orders/{order}/provisioningstatus", get(c::provisioning))
        .route("/v1/customers/{customer}/azuresubscriptions/{subscription}/ownership", get(usage::ownership))
        .route("/v1/usage", get(usage::records).post(usage::bring).layer(DefaultBodyLimit::disable()))
        .route("/v1/usage/totals", get(usage::totals))
        .route("/v1/usage/imports", get(usage::imports))
        .route("/v1/usage/imports/{id}", get(usage::import))
        .route("/v1/invoices", get(invoices::files).post(invoices::bring).layer(DefaultBodyLimit::disable()))
        .route("/v1/invoices/{id}", get(invoices::file))
        .route("/v1/invoices/{id}/findings", get(reconciliation::of_file))
        .route("/v1/invoices/{id}/withdraw", post(invoices::withdraw))
        .route("/v1/reconciliation", get(reconciliation::list))
        .route("/v1/reconciliation/totals", get(reconciliation::totals))
        .route("/v1/reconciliation/credit", get(reconciliation::credit))
        .route("/v1/reconciliation/findings", get(reconciliation::findings))
        .route("/v1/relationships", get(c::relationships))
        .route("/v1/profiles/mpn", get(c::mpn_profile))
        .route("/v1/agreements", get(c::metadata))
        .route("/v1/compliance/csp/agreementstatus", get(c::reseller_agreement))
        .route("/webhooks/v1/registration/events", get(w::events))
        .route("/webhooks/v1/registration", get(w::read).post(w::register).put(w::change).delete(w::unregister))
        .route("/webhooks/v1/registration/validationevents", post(w::test))
        .route("/webhooks/v1/registration/validationevents/{id}", get(w::outcome))
        .route("/webhooks/v1/certificate", get(w::certificate))
        .route("/webhooks/v1/deliveries", get(w::list))
        .route("/webhooks/v1/deliveries/replay", post(w::replay))
        .route("/webhooks/v1/deliveries/replay/{id}", get(w::replayed))
        .route("/webhooks/v1/deliveries/{id}", get(w::one))
        .route("/webhooks/v1/deliveries/{id}/redeliver", post(w::redeliver))
}

/// The API's, and the portal's.
fn all_routes() -> Routes {
    portal::routes().into_iter().fold(routes(), |routes, (path, methods)| routes.route(path, methods))
}

/// Where there are routes, each as the router has it.
pub fn paths() -> Vec<&'static str> {
    all_routes().paths()
}

/// What answers requests.
pub(crate) fn router(app: &App) -> Router {
    // what pages ask, with the same rights as from outside
    let api = routes().into_router().route_layer(middleware::from_fn(rules::enforce));
    let api = Api::new(api.layer(DefaultBodyLimit::max(app.settings.body_bytes)).with_state(app.clone()));
    let routes = all_routes()
        .into_router()
        .route_layer(middleware::from_fn(rules::enforce))
        .layer(Extension(api))
        .fallback(async || {
            let text = words!("There is nothing under this path.", "Il n’y a rien à ce chemin d’accès.");
            ApiError::new(StatusCode::NOT_FOUND, "404", "NotFound", text)
        })
        .method_not_allowed_fallback(async || {
            let text = words!("This path has no such method.", "Ce chemin d’accès n’a pas cette méthode.");
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "405", "MethodNotAllowed", text)
        })
        .layer(DefaultBodyLimit::max(app.settings.body_bytes))
        .with_state(app.clone());
    // a router around the routes: only a layer of it sees a path before it is routed
    Router::new().fallback_service(routes).layer(middleware::from_fn_with_state(app.clone(), surround::surround))
}

/// What this is. Whoever opens it in a browser is led to the portal.
async fn what_this_is(headers: HeaderMap) -> Response {
    if accepts(&headers, "text/html") {
        return (StatusCode::SEE_OTHER, [(header::LOCATION, portal::HOME)]).into_response();
    }
    let page = "Planshift moves a customer's Azure subscriptions from the legacy CSP offer to the Azure plan.\n\n\
                This is its API; its pages are at /portal. Requests need a bearer token (docs/api/authentication.md). Begin with:\n\n\
                \x20 POST /v1/accounts            import an account document\n\
                \x20 POST /v1/productUpgrades     {\"customerId\": \"…\", \"productFamily\": \"Azure\"}\n\
                \x20 GET  /v1/productUpgrades     what there is\n\n\
                All of it: GET /openapi.json\n";
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], page).into_response()
}
