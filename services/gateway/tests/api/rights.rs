//! Who may do what: every path with every role.

use crate::{provider::*, world::*};
use planshift_gateway::{RULES, Right, Settings};
use reqwest::Method;
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};
use uuid::Uuid;

/// The roles that may, of ReadOnlyAgent, SalesAgent, AdminAgent and Operator. Written down a second time, so that a slip shows.
const READERS: &str = "RSAO";
const SELLERS: &str = "SAO";
const MANAGERS: &str = "AO";
const OPERATORS_ALONE: &str = "O";
const EXPECTED: &[(&str, &str, &str)] = &[
    ("POST", "/v1/accounts", MANAGERS),
    ("GET", "/v1/steps", OPERATORS_ALONE),
    ("POST", "/v1/steps/{step}/pause", OPERATORS_ALONE),
    ("POST", "/v1/steps/{step}/resume", OPERATORS_ALONE),
    ("GET", "/v1/instances", OPERATORS_ALONE),
    ("GET", "/v1/queues", OPERATORS_ALONE),
    ("GET", "/v1/invariants", OPERATORS_ALONE),
    ("PUT", "/v1/invariants", OPERATORS_ALONE),
    ("GET", "/v1/deadletters", OPERATORS_ALONE),
    ("POST", "/v1/deadletters/drop", OPERATORS_ALONE),
    ("GET", "/v1/deadletters/dropped", OPERATORS_ALONE),
    ("GET", "/v1/deadletters/redrives", OPERATORS_ALONE),
    ("POST", "/v1/deadletters/redrives", OPERATORS_ALONE),
    ("GET", "/v1/deadletters/redrives/{id}", OPERATORS_ALONE),
    ("POST", "/v1/deadletters/redrives/{id}/cancel", OPERATORS_ALONE),
    ("GET", "/v1/deadletters/{key}", OPERATORS_ALONE),
    ("GET", "/v1/deadletters/{key}/body", OPERATORS_ALONE),
    ("GET", "/v1/productupgrades", READERS),
    ("POST", "/v1/productupgrades", SELLERS),
    ("POST", "/v1/productupgrades/eligibility", READERS),
    ("POST", "/v1/productupgrades/plan", READERS),
    ("GET", "/v1/productupgrades/batches", READERS),
    ("POST", "/v1/productupgrades/batches", SELLERS),
    ("GET", "/v1/productupgrades/batches/{batch}", READERS),
    ("GET", "/v1/productupgrades/batches/{batch}/rows", READERS),
    ("GET", "/v1/productupgrades/batches/{batch}/results", READERS),
    ("GET", "/v1/productupgrades/batches/{batch}/history", READERS),
    ("GET", "/v1/productupgrades/batches/{batch}/events", READERS),
    ("POST", "/v1/productupgrades/batches/{batch}/plan", SELLERS),
    ("POST", "/v1/productupgrades/batches/{batch}/start", SELLERS),
    ("POST", "/v1/productupgrades/batches/{batch}/retry", SELLERS),
    ("POST", "/v1/productupgrades/batches/{batch}/recheck", SELLERS),
    ("POST", "/v1/productupgrades/batches/{batch}/pause", MANAGERS),
    ("POST", "/v1/productupgrades/batches/{batch}/resume", MANAGERS),
    ("POST", "/v1/productupgrades/batches/{batch}/cancel", MANAGERS),
    ("GET", "/v1/productupgrades/schedules", READERS),
    ("POST", "/v1/productupgrades/schedules", SELLERS),
    ("GET", "/v1/productupgrades/schedules/{schedule}", READERS),
    ("PUT", "/v1/productupgrades/schedules/{schedule}", SELLERS),
    ("GET", "/v1/productupgrades/schedules/{schedule}/rows", READERS),
    ("GET", "/v1/productupgrades/schedules/{schedule}/history", READERS),
    ("POST", "/v1/productupgrades/schedules/{schedule}/cancel", MANAGERS),
    ("GET", "/v1/productupgrades/stuck", READERS),
    ("GET", "/v1/productupgrades/events", READERS),
    ("GET", "/v1/productupgrades/{id}/events", READERS),
    ("GET", "/v1/productupgrades/{id}", READERS),
    ("POST", "/v1/productupgrades/{id}", READERS),
    ("POST", "/v1/productupgrades/{id}/status", READERS),
    ("GET", "/v1/productupgrades/{id}/progress", READERS),
    ("GET", "/v1/productupgrades/{id}/history", READERS),
    ("GET", "/v1/productupgrades/{id}/report", READERS),
    ("GET", "/v1/productupgrades/{id}/why", READERS),
    ("GET", "/v1/productupgrades/{id}/reconciliation", READERS),
    ("POST", "/v1/productupgrades/{id}/cancel", MANAGERS),
    ("POST", "/v1/productupgrades/{id}/resume", MANAGERS),
    ("POST", "/v1/productupgrades/{id}/close", MANAGERS),
    ("GET", "/v1/customers", READERS),
    ("GET", "/v1/customers/{customer}", READERS),
    ("GET", "/v1/customers/{customer}/relationships", READERS),
    ("GET", "/v1/customers/{customer}/agreements", READERS),
    ("POST", "/v1/customers/{customer}/agreements", SELLERS),
    ("GET", "/v1/customers/{customer}/directsignedmicrosoftcustomeragreementstatus", READERS),
    ("GET", "/v1/customers/{customer}/usagebudget", READERS),
    ("PATCH", "/v1/customers/{customer}/usagebudget", MANAGERS),
    ("GET", "/v1/customers/{customer}/budget", READERS),
    ("POST", "/v1/customers/{customer}/budget/done", MANAGERS),
    ("POST", "/v1/customers/{customer}/budget/acknowledge", MANAGERS),
    ("GET", "/v1/customers/{customer}/usagesummary", READERS),
    ("GET", "/v1/customers/usagerecords", READERS),
    ("GET", "/v1/budgets", READERS),
    ("GET", "/v1/customers/{customer}/subscriptions", READERS),
    ("GET", "/v1/customers/{customer}/subscriptions/{subscription}", READERS),
    ("PATCH", "/v1/customers/{customer}/subscriptions/{subscription}", MANAGERS),
    ("GET", "/v1/customers/{customer}/subscriptions/{subscription}/azureentitlements", READERS),
    ("GET", "/v1/customers/{customer}/subscriptions/{subscription}/azureentitlements/{entitlement}", READERS),
    ("GET", "/v1/customers/{customer}/products", READERS),
    ("GET", "/v1/customers/{customer}/products/{product}", READERS),
    ("GET", "/v1/customers/{customer}/products/{product}/skus", READERS),
    ("GET", "/v1/customers/{customer}/products/{product}/skus/{sku}", READERS),
    ("GET", "/v1/customers/{customer}/products/{product}/skus/{sku}/availabilities", READERS),
    ("GET", "/v1/customers/{customer}/products/{product}/skus/{sku}/availabilities/{availability}", READERS),
    ("POST", "/v1/customers/{customer}/carts", SELLERS),
    ("GET", "/v1/customers/{customer}/carts/{cart}", READERS),
    ("POST", "/v1/customers/{customer}/carts/{cart}/checkout", SELLERS),
    ("GET", "/v1/customers/{customer}/orders", READERS),
    ("GET", "/v1/customers/{customer}/orders/{order}", READERS),
    ("GET", "/v1/customers/{customer}/orders/{order}/provisioningstatus", READERS),
    ("GET", "/v1/auditrecords", READERS),
    ("GET", "/v1/customers/{customer}/dossier", READERS),
    ("GET", "/v1/customers/{customer}/azuresubscriptions/{subscription}/ownership", READERS),
    ("GET", "/v1/usage", READERS),
    ("POST", "/v1/usage", MANAGERS),
    ("GET", "/v1/usage/totals", READERS),
    ("GET", "/v1/usage/imports", READERS),
    ("GET", "/v1/usage/imports/{id}", READERS),
    ("GET", "/v1/invoices", READERS),
    ("POST", "/v1/invoices", MANAGERS),
    ("GET", "/v1/invoices/{id}", READERS),
    ("GET", "/v1/invoices/{id}/findings", READERS),
    ("POST", "/v1/invoices/{id}/withdraw", MANAGERS),
    ("GET", "/v1/reconciliation", READERS),
    ("GET", "/v1/reconciliation/totals", READERS),
    ("GET", "/v1/reconciliation/credit", READERS),
    ("GET", "/v1/reconciliation/findings", READERS),
    ("GET", "/v1/relationships", READERS),
    ("GET", "/v1/profiles/mpn", READERS),
    ("GET", "/v1/agreements", READERS),
    ("GET", "/v1/compliance/csp/agreementstatus", READERS),
    ("GET", "/webhooks/v1/registration/events", READERS),
    ("GET", "/webhooks/v1/registration", READERS),
    ("POST", "/webhooks/v1/registration", MANAGERS),
    ("PUT", "/webhooks/v1/registration", MANAGERS),
    ("DELETE", "/webhooks/v1/registration", MANAGERS),
    ("POST", "/webhooks/v1/registration/validationevents", MANAGERS),
    ("GET", "/webhooks/v1/registration/validationevents/{id}", READERS),
    ("GET", "/webhooks/v1/deliveries", READERS),
    ("POST", "/webhooks/v1/deliveries/replay", MANAGERS),
    ("GET", "/webhooks/v1/deliveries/replay/{id}", READERS),
    ("GET", "/webhooks/v1/deliveries/{id}", READERS),
    ("POST", "/webhooks/v1/deliveries/{id}/redeliver", MANAGERS),
    ("GET", "/portal/customers", READERS),
    ("POST", "/portal/customers/look", READERS),
    ("GET", "/portal/blockers", READERS),
    ("GET", "/portal/customers/{customer}", READERS),
    ("POST", "/portal/customers/{customer}/budget", MANAGERS),
    ("GET", "/portal/customers/{customer}/transition", READERS),
    ("POST", "/portal/customers/{customer}/transition", SELLERS),
    ("GET", "/portal/transitions", READERS),
    ("GET", "/portal/transitions/{id}", READERS),
    ("GET", "/portal/transitions/{id}/cells", READERS),
    ("GET", "/portal/transitions/{id}/events", READERS),
    ("GET", "/portal/transitions/{id}/cancel", MANAGERS),
    ("POST", "/portal/transitions/{id}/cancel", MANAGERS),
    ("POST", "/portal/transitions/{id}/resume", MANAGERS),
    ("POST", "/portal/transitions/{id}/close", MANAGERS),
    ("GET", "/portal/batches/new", SELLERS),
    ("POST", "/portal/batches/new", SELLERS),
    ("POST", "/portal/batches/upload", SELLERS),
    ("GET", "/portal/batches", READERS),
    ("POST", "/portal/batches", SELLERS),
    ("GET", "/portal/batches/{batch}", READERS),
    ("GET", "/portal/batches/{batch}/events", READERS),
    ("GET", "/portal/batches/{batch}/results", READERS),
    ("GET", "/portal/batches/{batch}/act", SELLERS),
    ("POST", "/portal/batches/{batch}/act", SELLERS),
    ("GET", "/portal/schedules", READERS),
    ("POST", "/portal/schedules", SELLERS),
    ("GET", "/portal/schedules/new", SELLERS),
    ("GET", "/portal/schedules/{schedule}", READERS),
    ("GET", "/portal/schedules/{schedule}/move", SELLERS),
    ("POST", "/portal/schedules/{schedule}/move", SELLERS),
    ("GET", "/portal/schedules/{schedule}/cancel", MANAGERS),
    ("POST", "/portal/schedules/{schedule}/cancel", MANAGERS),
    ("GET", "/portal/operations", READERS),
    ("GET", "/portal/operations/now", READERS),
    ("GET", "/portal/operations/steps/{step}", OPERATORS_ALONE),
    ("POST", "/portal/operations/steps/{step}", OPERATORS_ALONE),
    ("GET", "/portal/operations/letters", OPERATORS_ALONE),
    ("GET", "/portal/operations/letters/{key}", OPERATORS_ALONE),
    ("GET", "/portal/operations/redrive", OPERATORS_ALONE),
    ("POST", "/portal/operations/redrive", OPERATORS_ALONE),
    ("GET", "/portal/operations/drop", OPERATORS_ALONE),
    ("POST", "/portal/operations/drop", OPERATORS_ALONE),
    ("GET", "/portal/operations/redrives/{id}", OPERATORS_ALONE),
    ("POST", "/portal/operations/redrives/{id}/cancel", OPERATORS_ALONE),
    ("GET", "/portal/billing", READERS),
    ("GET", "/portal/billing/credit", READERS),
    ("GET", "/portal/billing/table", READERS),
    ("GET", "/portal/billing/invoices", READERS),
    ("POST", "/portal/billing/invoices", MANAGERS),
    ("GET", "/portal/billing/invoices/{id}", READERS),
    ("POST", "/portal/billing/invoices/{id}/replace", MANAGERS),
    ("POST", "/portal/billing/invoices/{id}/withdraw", MANAGERS),
    ("GET", "/portal/billing/usage", READERS),
    ("POST", "/portal/billing/usage", MANAGERS),
    ("GET", "/portal/customers/{customer}/azure/{subscription}", READERS),
    ("POST", "/portal/customers/{customer}/warnings", MANAGERS),
    ("GET", "/portal/customers/{customer}/dossier", READERS),
    ("GET", "/portal/audit", READERS),
];

/// Nobody waits long for a coordinator that never answers.
fn quick() -> Settings {
    Settings { answer: Duration::from_millis(30), ..settings() }
}

fn filled(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { guid(123) } else { part.to_owned() }).collect::<Vec<_>>().join("/")
}

/// What a role gets: the status, and the name of the error where it is one.
async fn ask(world: &World, client: &Client, method: &str, path: &str) -> (u16, String) {
    let request = client.request(method.parse::<Method>().unwrap(), format!("{}{}", world.base, filled(path)));
    let response = request.json(&json!({})).send().await.unwrap();
    let status = response.status().as_u16();
    // what is no error is not read: it may be a stream without an end
    let is_error = !response.status().is_success();
    let body: serde_json::Value = if is_error { response.json().await.unwrap_or_default() } else { serde_json::Value::Null };
    (status, body["errorName"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn every_route_has_a_rule() {
    let world = World::with(quick(), silence).await;
    let mut routes = BTreeSet::new();
    for path in planshift_gateway::paths() {
        // a method that no path has is told which ones it has
        let response = world.client.request(Method::TRACE, format!("{}{}", world.base, filled(path))).send().await.unwrap();
        assert_eq!(response.status(), 405, "{path}");
        for method in response.headers()["allow"].to_str().unwrap().split(',').map(str::trim).filter(|method| *method != "HEAD") {
            routes.insert((method.to_owned(), path.to_owned()));
        }
    }
    let rules: BTreeSet<_> = RULES.iter().map(|rule| (rule.method.to_owned(), rule.path.to_owned())).collect();
    assert_eq!(rules.len(), RULES.len(), "a path stands twice");
    let bare: Vec<_> = routes.difference(&rules).collect();
    assert!(bare.is_empty(), "nobody may use these, for http/rules.rs has no rule for them: {bare:?}");
    let idle: Vec<_> = rules.difference(&routes).collect();
    assert!(idle.is_empty(), "rules for what is not there: {idle:?}");
    assert!(routes.len() > 20);
}

#[tokio::test]
async fn every_role_may_what_it_may_and_nothing_else() {
    let covered: BTreeSet<_> = EXPECTED.iter().map(|(method, path, _)| (*method, *path)).collect();
    let closed: BTreeSet<_> = RULES.iter().filter(|rule| rule.right != Right::Open).map(|rule| (rule.method, rule.path)).collect();
    assert_eq!(covered, closed, "every path has its line here");

    let provider = Provider::start().await;
    let limits = Settings { request_burst: 10_000, ..quick() };
    let world = World::for_whom(provider.auth(), limits, silence).await;
    world.eventually(async || world.readiness.ask().await.0).await;
    let partner = Uuid::from_u128(1);
    let roles = [
        ('-', provider.token(partner, &[])),
        // in a tenant that is not the operators', the role says nothing
        ('-', provider.token(partner, &["Operator"])),
        ('R', provider.token(partner, &["ReadOnlyAgent"])),
        ('S', provider.token(partner, &["SalesAgent"])),
        ('A', provider.token(partner, &["AdminAgent"])),
        ('O', provider.token(Uuid::from_u128(OPERATORS), &["Operator"])),
    ];
    let roles = roles.map(|(role, token)| (role, client(&token)));
    let app = client(&provider.app_token(partner, &["AdminAgent"]));
    for (method, path, who) in EXPECTED {
        for (role, client) in &roles {
            let (status, name) = ask(&world, client, method, path).await;
            let is_refused = status == 403 && name == "Forbidden";
            assert_eq!(is_refused, !who.contains(*role), "{role} {method} {path}: {status} {name}");
            assert!(status != 401, "{role} {method} {path}");
        }
        let (status, name) = ask(&world, &app, method, path).await;
        if path.starts_with("/v1/productupgrades") || path.starts_with("/portal") {
            assert_eq!((status, name.as_str()), (403, "UserContextRequired"), "an app alone: {method} {path}");
        } else {
            assert_eq!(status == 403, !who.contains('A'), "an app alone: {method} {path}: {name}");
        }
    }
    let refused = app.get(format!("{}/v1/productUpgrades", world.base)).send().await.unwrap();
    assert_eq!(error(refused).await.1["code"], "900329");
    let refused = roles[2].1.post(format!("{}/v1/productUpgrades", world.base)).send().await.unwrap();
    assert_eq!(error(refused).await.1["code"], "900308");
    assert_eq!(world.got.lock().unwrap().iter().filter(|(kind, _)| kind.starts_with("Start")).count(), 0);
}
