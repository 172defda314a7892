//! The contract: what the API is, as an OpenAPI 3.1 document that is made from the code.
//!
//! Who may use a path is taken from [`RULES`](super::rules::RULES); the shape of what is a type, from that type; the shape of an answer
//! that a handler puts together stands here, a file for each room. Nothing here is taken on trust: every rule must have its operation and
//! every operation its rule (the test below), and every answer that the tests of the API get is checked against the document
//! (the crate `planshift-contract`), in which an undeclared status, header or property fails.
//!
//! A new path: an `api.add(Operation::get("/v1/camelCase/{name}", "operationId", "What it does.")…)` in the file of its room. Paths are
//! written as Partner Center spells them; requests may come in any case.
//!
//! | file | holds |
//! |---|---|
//! | `operation` | one method of one path, told step by step |
//! | `api` | operations, and the shapes that they share |
//! | `shapes` | schemas of plain values, objects, collections |
//! | `errors` | errors in their two shapes, each status |
//! | `headers` | headers that every request may have, and every answer has |
//! | `info` | what stands at the head of the document |
//! | `accounts`, `upgrades`, `batches`, `schedules`, `findings`, `live`, `customers`, `agreements`, `subscriptions`, `catalogue`, `orders`, `audit`, `steps`, `instances`, `queues`, `invariants`, `letters`, `usage`, `reconciliation`, `webhooks` | the rooms |

mod accounts;
mod agreements;
mod api;
mod audit;
mod batches;
mod catalogue;
mod customers;
mod errors;
mod findings;
mod headers;
mod info;
mod instances;
mod invariants;
mod letters;
mod live;
mod operation;
mod orders;
mod queues;
mod reconciliation;
mod schedules;
mod shapes;
mod steps;
mod subscriptions;
mod upgrades;
mod usage;
mod webhooks;

use super::{answer::Answer, errors::ApiError};
use api::Api;
use operation::Operation;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The document.
pub fn openapi() -> Value {
    let api = Api::new();
    accounts::describe(&api);
    upgrades::describe(&api);
    batches::describe(&api);
    schedules::describe(&api);
    live::describe(&api);
    customers::describe(&api);
    agreements::describe(&api);
    subscriptions::describe(&api);
    catalogue::describe(&api);
    orders::describe(&api);
    audit::describe(&api);
    steps::describe(&api);
    instances::describe(&api);
    queues::describe(&api);
    invariants::describe(&api);
    letters::describe(&api);
    usage::describe(&api);
    reconciliation::describe(&api);
    webhooks::describe(&api);
    api.add(Operation::get("/", "whatThisIs", "What this is, for whoever opens it in a browser.").kind(
        200,
        "A page of text.",
        "text/plain",
        shapes::text(),
    ));
    api.add(Operation::get("/openapi.json", "getContract", "This document.").json(200, "OpenAPI 3.1.", json!({ "type": "object" })));
    api.into_document(info::info())
}

/// `GET /openapi.json`.
pub(super) async fn read() -> Result<Answer, ApiError> {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(openapi);
    Answer::json(&*DOCUMENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::rules::RULES;
    use std::collections::BTreeSet;

    const METHODS: [&str; 7] = ["get", "post", "patch", "put", "delete", "options", "head"];

    fn operations(document: &Value) -> Vec<(String, String, Value)> {
        let mut found = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap().iter().filter(|(key, _)| METHODS.contains(&key.as_str())) {
                found.push((method.to_uppercase(), path.clone(), operation.clone()));
            }
        }
        found
    }

    #[test]
    fn every_rule_has_its_operation_and_every_operation_its_rule() {
        let document = openapi();
        let described: BTreeSet<_> = operations(&document).iter().map(|(method, path, _)| (method.clone(), path.to_lowercase())).collect();
        // pages are for people: what they ask is described
        let rules = RULES.iter().filter(|rule| !crate::portal::is_here(rule.path));
        let rules: BTreeSet<_> = rules.map(|rule| (rule.method.to_owned(), rule.path.to_owned())).collect();
        let missing: Vec<_> = rules.difference(&described).collect();
        assert!(missing.is_empty(), "not described in http/contract: {missing:?}");
        let too_many: Vec<_> = described.difference(&rules).collect();
        assert!(too_many.is_empty(), "described, and there is no such rule: {too_many:?}");
    }

    #[test]
    fn every_operation_says_what_it_is_and_has_an_id_of_its_own() {
        let (document, mut ids) = (openapi(), BTreeSet::new());
        for (method, path, operation) in operations(&document) {
            let what = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{what}");
            assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with(['.', '?'])), "{what}");
            let is_success = |status: &String| status.starts_with('2');
            assert!(operation["responses"].as_object().unwrap().keys().any(is_success), "{what} never succeeds");
            let mut named = BTreeSet::new();
            for parameter in operation["parameters"].as_array().unwrap() {
                let Some(name) = parameter["name"].as_str() else { continue };
                assert!(named.insert((parameter["in"].as_str().unwrap(), name.to_lowercase())), "{what}: {name} stands twice");
                let described = parameter["description"].as_str().is_some_and(|text| !text.is_empty());
                assert!(described, "{what}: what is {name}?");
            }
            for part in path.split('/').filter_map(|part| part.strip_prefix('{')) {
                assert!(named.contains(&("path", part.trim_end_matches('}').to_lowercase())), "{what}: {part}");
            }
        }
    }

    #[test]
    fn the_roles_of_an_operation_are_those_of_its_rule() {
        let document = openapi();
        for (method, path, operation) in operations(&document) {
            let rule = RULES.iter().find(|rule| rule.method == method && rule.path == path.to_lowercase()).unwrap();
            let roles = operation["security"].as_array().unwrap();
            assert_eq!(roles.is_empty(), rule.right == crate::auth::Right::Open, "{method} {path}");
        }
        assert_eq!(document["paths"]["/v1/steps"]["get"]["security"], json!([{ "token": ["Operator"] }]));
        let sellers = &document["paths"]["/v1/productUpgrades"]["post"]["security"];
        assert_eq!(sellers, &json!([{ "token": ["SalesAgent"] }, { "token": ["AdminAgent"] }, { "token": ["Operator"] }]));
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
            match value {
                Value::Object(members) => {
                    found.extend(members.get("$ref").and_then(Value::as_str));
                    members.values().for_each(|value| references(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = openapi();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.len() > 20, "{found:?}");
        for reference in found {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }
}
