//! Which right each path needs: one table, and the one place where it is enforced.
//!
//! A path that is not in the table is refused to everybody; a test walks the router and fails before that happens to anyone.

use super::{context::Context, errors::ApiError};
use crate::{
    auth::{Caller, Right},
    words::{Words, words},
};
use axum::{
    Extension,
    extract::{MatchedPath, Request},
    http::{Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// A path, and what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// GET stands for HEAD too.
    pub method: &'static str,
    /// As the router has it: in lower case, with names in braces.
    pub path: &'static str,
    /// What a caller needs.
    pub right: Right,
}

const fn get(path: &'static str, right: Right) -> Rule {
    Rule { method: "GET", path, right }
}
const fn post(path: &'static str, right: Right) -> Rule {
    Rule { method: "POST", path, right }
}

const fn patch(path: &'static str, right: Right) -> Rule {
    Rule { method: "PATCH", path, right }
}

const fn with(method: &'static str, path: &'static str, right: Right) -> Rule {
    Rule { method, path, right }
}

/// Every path. Source of the roles: Partner Center's, in the domain's sections 5 and 6; as people read it: `docs/api/authentication.md`.
pub const RULES: &[Rule] = &[
    get("/", Right::Open),
    get("/openapi.json", Right::Open),
    post("/v1/accounts", Right::Manage),
    get("/v1/steps", Right::Operate),
    post("/v1/steps/{step}/pause", Right::Operate),
    post("/v1/steps/{step}/resume", Right::Operate),
    get("/v1/instances", Right::Operate),
    get("/v1/queues", Right::Operate),
    get("/v1/invariants", Right::Operate),
    with("PUT", "/v1/invariants", Right::Operate),
    get("/v1/deadletters", Right::Operate),
    post("/v1/deadletters/drop", Right::Operate),
    get("/v1/deadletters/dropped", Right::Operate),
    get("/v1/deadletters/redrives", Right::Operate),
    post("/v1/deadletters/redrives", Right::Operate),
    get("/v1/deadletters/redrives/{id}", Right::Operate),
    post("/v1/deadletters/redrives/{id}/cancel", Right::Operate),
    get("/v1/deadletters/{key}", Right::Operate),
    get("/v1/deadletters/{key}/body", Right::Operate),
    get("/v1/productupgrades", Right::Read),
    post("/v1/productupgrades", Right::Sell),
    // these two and the two of the status are questions, though Partner Center has them as POST
    post("/v1/productupgrades/eligibility", Right::Read),
    post("/v1/productupgrades/plan", Right::Read),
    get("/v1/productupgrades/batches", Right::Read),
    post("/v1/productupgrades/batches", Right::Sell),
    get("/v1/productupgrades/batches/{batch}", Right::Read),
    get("/v1/productupgrades/batches/{batch}/rows", Right::Read),
    get("/v1/productupgrades/batches/{batch}/results", Right::Read),
    get("/v1/productupgrades/batches/{batch}/history", Right::Read),
    get("/v1/productupgrades/batches/{batch}/events", Right::Read),
    post("/v1/productupgrades/batches/{batch}/plan", Right::Sell),
    post("/v1/productupgrades/batches/{batch}/start", Right::Sell),
    post("/v1/productupgrades/batches/{batch}/retry", Right::Sell),
    post("/v1/productupgrades/batches/{batch}/recheck", Right::Sell),
    post("/v1/productupgrades/batches/{batch}/pause", Right::Manage),
    post("/v1/productupgrades/batches/{batch}/resume", Right::Manage),
    post("/v1/productupgrades/batches/{batch}/cancel", Right::Manage),
    get("/v1/productupgrades/schedules", Right::Read),
    post("/v1/productupgrades/schedules", Right::Sell),
    get("/v1/productupgrades/schedules/{schedule}", Right::Read),
    with("PUT", "/v1/productupgrades/schedules/{schedule}", Right::Sell),
    get("/v1/productupgrades/schedules/{schedule}/rows", Right::Read),
    get("/v1/productupgrades/schedules/{schedule}/history", Right::Read),
    post("/v1/productupgrades/schedules/{schedule}/cancel", Right::Manage),
    get("/v1/productupgrades/stuck", Right::Read),
    get("/v1/productupgrades/events", Right::Read),
    get("/v1/productupgrades/{id}/events", Right::Read),
    get("/v1/productupgrades/{id}", Right::Read),
    post("/v1/productupgrades/{id}", Right::Read),
    post("/v1/productupgrades/{id}/status", Right::Read),
    get("/v1/productupgrades/{id}/progress", Right::Read),
    get("/v1/productupgrades/{id}/history", Right::Read),
    get("/v1/productupgrades/{id}/report", Right::Read),
    get("/v1/productupgrades/{id}/why", Right::Read),
    get("/v1/productupgrades/{id}/reconciliation", Right::Read),
    post("/v1/productupgrades/{id}/cancel", Right::Manage),
    post("/v1/productupgrades/{id}/resume", Right::Manage),
    post("/v1/productupgrades/{id}/close", Right::Manage),
    get("/v1/customers", Right::Read),
    get("/v1/customers/{customer}", Right::Read),
    get("/v1/customers/{customer}/relationships", Right::Read),
    get("/v1/customers/{customer}/agreements", Right::Read),
    post("/v1/customers/{customer}/agreements", Right::Sell),
    get("/v1/customers/{customer}/directsignedmicrosoftcustomeragreementstatus", Right::Read),
    get("/v1/customers/{customer}/usagebudget", Right::Read),
    patch("/v1/customers/{customer}/usagebudget", Right::Manage),
    get("/v1/customers/{customer}/budget", Right::Read),
    post("/v1/customers/{customer}/budget/done", Right::Manage),
    post("/v1/customers/{customer}/budget/acknowledge", Right::Manage),
    get("/v1/customers/{customer}/usagesummary", Right::Read),
    get("/v1/customers/usagerecords", Right::Read),
    get("/v1/budgets", Right::Read),
    get("/v1/customers/{customer}/subscriptions", Right::Read),
    get("/v1/customers/{customer}/subscriptions/{subscription}", Right::Read),
    patch("/v1/customers/{customer}/subscriptions/{subscription}", Right::Manage),
    get("/v1/customers/{customer}/subscriptions/{subscription}/azureentitlements", Right::Read),
    get("/v1/customers/{customer}/subscriptions/{subscription}/azureentitlements/{entitlement}", Right::Read),
    get("/v1/customers/{customer}/products", Right::Read),
    get("/v1/customers/{customer}/products/{product}", Right::Read),
    get("/v1/customers/{customer}/products/{product}/skus", Right::Read),
    get("/v1/customers/{customer}/products/{product}/skus/{sku}", Right::Read),
    get("/v1/customers/{customer}/products/{product}/skus/{sku}/availabilities", Right::Read),
    get("/v1/customers/{customer}/products/{product}/skus/{sku}/availabilities/{availability}", Right::Read),
    post("/v1/customers/{customer}/carts", Right::Sell),
    get("/v1/customers/{customer}/carts/{cart}", Right::Read),
    post("/v1/customers/{customer}/carts/{cart}/checkout", Right::Sell),
    get("/v1/customers/{customer}/orders", Right::Read),
    get("/v1/customers/{customer}/orders/{order}", Right::Read),
    get("/v1/customers/{customer}/orders/{order}/provisioningstatus", Right::Read),
    get("/v1/auditrecords", Right::Read),
    get("/v1/customers/{customer}/dossier", Right::Read),
    get("/v1/customers/{customer}/azuresubscriptions/{subscription}/ownership", Right::Read),
    get("/v1/usage", Right::Read),
    post("/v1/usage", Right::Manage),
    get("/v1/usage/totals", Right::Read),
    get("/v1/usage/imports", Right::Read),
    get("/v1/usage/imports/{id}", Right::Read),
    get("/v1/invoices", Right::Read),
    post("/v1/invoices", Right::Manage),
    get("/v1/invoices/{id}", Right::Read),
    get("/v1/invoices/{id}/findings", Right::Read),
    post("/v1/invoices/{id}/withdraw", Right::Manage),
    get("/v1/reconciliation", Right::Read),
    get("/v1/reconciliation/totals", Right::Read),
    get("/v1/reconciliation/credit", Right::Read),
    get("/v1/reconciliation/findings", Right::Read),
    get("/v1/relationships", Right::Read),
    get("/v1/profiles/mpn", Right::Read),
    get("/v1/agreements", Right::Read),
    get("/v1/compliance/csp/agreementstatus", Right::Read),
    get("/webhooks/v1/registration/events", Right::Read),
    get("/webhooks/v1/registration", Right::Read),
    post("/webhooks/v1/registration", Right::Manage),
    with("PUT", "/webhooks/v1/registration", Right::Manage),
    with("DELETE", "/webhooks/v1/registration", Right::Manage),
    post("/webhooks/v1/registration/validationevents", Right::Manage),
    get("/webhooks/v1/registration/validationevents/{id}", Right::Read),
    // whoever gets an event checks it, and has no token
    get("/webhooks/v1/certificate", Right::Open),
    get("/webhooks/v1/deliveries", Right::Read),
    post("/webhooks/v1/deliveries/replay", Right::Manage),
    get("/webhooks/v1/deliveries/replay/{id}", Right::Read),
    get("/webhooks/v1/deliveries/{id}", Right::Read),
    post("/webhooks/v1/deliveries/{id}/redeliver", Right::Manage),
    // pages; what they ask of the API is enforced there once more
    get("/portal", Right::Open),
    get("/portal/assets/{*file}", Right::Open),
    get("/portal/sign-in", Right::Open),
    post("/portal/sign-in", Right::Open),
    get("/portal/sign-in/provider", Right::Open),
    get("/portal/sign-in/callback", Right::Open),
    post("/portal/sign-out", Right::Open),
    post("/portal/preferences", Right::Open),
    get("/portal/customers", Right::Read),
    post("/portal/customers/look", Right::Read),
    get("/portal/blockers", Right::Read),
    get("/portal/customers/{customer}", Right::Read),
    post("/portal/customers/{customer}/budget", Right::Manage),
    get("/portal/customers/{customer}/transition", Right::Read),
    post("/portal/customers/{customer}/transition", Right::Sell),
    get("/portal/transitions", Right::Read),
    get("/portal/transitions/{id}", Right::Read),
    get("/portal/transitions/{id}/cells", Right::Read),
    get("/portal/transitions/{id}/events", Right::Read),
    get("/portal/transitions/{id}/cancel", Right::Manage),
    post("/portal/transitions/{id}/cancel", Right::Manage),
    post("/portal/transitions/{id}/resume", Right::Manage),
    post("/portal/transitions/{id}/close", Right::Manage),
    get("/portal/batches/new", Right::Sell),
    post("/portal/batches/new", Right::Sell),
    post("/portal/batches/upload", Right::Sell),
    get("/portal/batches", Right::Read),
    post("/portal/batches", Right::Sell),
    get("/portal/batches/{batch}", Right::Read),
    get("/portal/batches/{batch}/events", Right::Read),
    get("/portal/batches/{batch}/results", Right::Read),
    get("/portal/batches/{batch}/act", Right::Sell),
    post("/portal/batches/{batch}/act", Right::Sell),
    get("/portal/schedules", Right::Read),
    post("/portal/schedules", Right::Sell),
    get("/portal/schedules/new", Right::Sell),
    get("/portal/schedules/{schedule}", Right::Read),
    get("/portal/schedules/{schedule}/move", Right::Sell),
    post("/portal/schedules/{schedule}/move", Right::Sell),
    get("/portal/schedules/{schedule}/cancel", Right::Manage),
    post("/portal/schedules/{schedule}/cancel", Right::Manage),
    // steps and dead letters are for operators: the page leaves them out for others
    get("/portal/operations", Right::Read),
    get("/portal/operations/now", Right::Read),
    get("/portal/operations/steps/{step}", Right::Operate),
    post("/portal/operations/steps/{step}", Right::Operate),
    get("/portal/operations/letters", Right::Operate),
    get("/portal/operations/letters/{key}", Right::Operate),
    get("/portal/operations/redrive", Right::Operate),
    post("/portal/operations/redrive", Right::Operate),
    get("/portal/operations/drop", Right::Operate),
    post("/portal/operations/drop", Right::Operate),
    get("/portal/operations/redrives/{id}", Right::Operate),
    post("/portal/operations/redrives/{id}/cancel", Right::Operate),
    get("/portal/billing", Right::Read),
    get("/portal/billing/credit", Right::Read),
    get("/portal/billing/table", Right::Read),
    get("/portal/billing/invoices", Right::Read),
    post("/portal/billing/invoices", Right::Manage),
    get("/portal/billing/invoices/{id}", Right::Read),
    post("/portal/billing/invoices/{id}/replace", Right::Manage),
    post("/portal/billing/invoices/{id}/withdraw", Right::Manage),
    get("/portal/billing/usage", Right::Read),
    post("/portal/billing/usage", Right::Manage),
    get("/portal/customers/{customer}/azure/{subscription}", Right::Read),
    post("/portal/customers/{customer}/warnings", Right::Manage),
    get("/portal/customers/{customer}/dossier", Right::Read),
    get("/portal/audit", Right::Read),
];

/// Beneath these paths a token must be a user's. Source: the domain's rule E19; and pages are for people.
const OF_USERS: [&str; 2] = ["/v1/productupgrades", "/portal"];

/// Whatever is beneath it is served without a token, where the path before it is open: pages and what they load.
const REST: &str = "/{*";

/// Is this path, in lower case, one that needs no token?
pub(super) fn is_open(method: &Method, path: &str) -> bool {
    let is_it = |rule: &Rule| match rule.path.find(REST) {
        Some(at) => path.strip_prefix(&rule.path[..at]).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/')),
        None => rule.path == path,
    };
    RULES.iter().any(|rule| rule.right == Right::Open && rule.method == name(method) && is_it(rule))
}

/// Lets a request to the handler of its path, or refuses it.
pub(super) async fn enforce(path: MatchedPath, Extension(context): Extension<Context>, request: Request, next: Next) -> Response {
    let mut response = match check(request.method(), path.as_str(), &context.caller) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    // for the span of the request, which is named after it
    response.extensions_mut().insert(path);
    response
}

fn check(method: &Method, path: &str, caller: &Caller) -> Result<(), ApiError> {
    let forbidden = |text: Words| Err(ApiError::new(StatusCode::FORBIDDEN, "900308", "Forbidden", text));
    let Some(rule) = RULES.iter().find(|rule| rule.method == name(method) && rule.path == path) else {
        tracing::error!(%method, path, "no rule says who may use this path: it is refused");
        return forbidden(words!("Nobody may use this path.", "Personne ne peut utiliser ce chemin d’accès."));
    };
    if caller.is_app_only() && OF_USERS.iter().any(|top| beneath(path, top)) {
        let text = words!(
            "Product upgrades and pages need the token of an app and a user together; this one is of an app alone.",
            "Les mises à niveau et les pages demandent le jeton d’une application avec un utilisateur ; celui-ci est d’une application seule."
        );
        return Err(ApiError::new(StatusCode::FORBIDDEN, "900329", "UserContextRequired", text));
    }
    if caller.may(rule.right) {
        return Ok(());
    }
    forbidden(match rule.right {
        Right::Operate => {
            words!("This is for operators of the whole installation.", "Ceci est réservé aux opérateurs de toute l’installation.")
        }
        Right::Manage => words!("This needs the role AdminAgent.", "Ceci demande le rôle AdminAgent."),
        Right::Sell => words!("This needs the role AdminAgent or SalesAgent.", "Ceci demande le rôle AdminAgent ou SalesAgent."),
        Right::Read | Right::Open => words!(
            "This needs one of the roles AdminAgent, SalesAgent and ReadOnlyAgent.",
            "Ceci demande l’un des rôles AdminAgent, SalesAgent et ReadOnlyAgent."
        ),
    })
}

fn beneath(path: &str, top: &str) -> bool {
    path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn name(method: &Method) -> &str {
    if *method == Method::HEAD { "GET" } else { method.as_str() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_alone_are_open() {
        assert!(is_open(&Method::GET, "/") && is_open(&Method::HEAD, "/"));
        for closed in ["/v1", "/v1/productupgrades", "/x", "//", ""] {
            assert!(!is_open(&Method::GET, closed), "{closed}");
        }
        assert!(!is_open(&Method::POST, "/"));
        let open: Vec<_> = RULES.iter().filter(|rule| rule.right == Right::Open && rule.path.starts_with("/v1")).collect();
        assert!(open.is_empty(), "{open:?}");
    }

    #[test]
    fn a_path_without_a_rule_is_refused_to_everybody() {
        let error = check(&Method::GET, "/v1/new", &Caller::local()).unwrap_err();
        assert_eq!(error.status(), StatusCode::FORBIDDEN);
        assert!(check(&Method::DELETE, "/v1/steps", &Caller::local()).is_err());
        assert!(check(&Method::HEAD, "/v1/steps", &Caller::local()).is_ok());
    }
}
