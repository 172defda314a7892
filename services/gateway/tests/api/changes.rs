//! Changes of customers through the API: how they are recorded, and that each is made once, whatever is lost.

use crate::{holder::*, world::*};
use planshift_domain::audit::{Change, Operation};
use planshift_gateway::Settings;
use planshift_storage::{Args, Statement};
use reqwest::Method;
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use uuid::Uuid;

/// How long the answer to an import is waited for, which may not come.
const SHORT: Duration = Duration::from_millis(1_500);
/// How long one is that comes.
const LONG: Duration = Duration::from_secs(10);
const TEMPLATE: &str = "117a77b0-9360-443b-8795-c6dedc750cf9";

fn agreement() -> Value {
    let contact = json!({ "firstName": "Nadia", "lastName": "Roy", "email": "nadia@contoso.example", "phoneNumber": "555 1234" });
    json!({ "primaryContact": contact, "templateId": TEMPLATE, "dateAgreed": "2026-01-02T00:00:00Z", "type": "MicrosoftCustomerAgreement" })
}

/// A world with one customer, and how its paths begin.
async fn world_of_one(holder: &Holder) -> (World, String, String) {
    let world = World::new(holder.script()).await;
    let (document, customer) = one_customer(2);
    import(&world, &document).await;
    let subscription = holder.subscription(&customer).commerce_subscription_id.to_string();
    (world, subscription, format!("/v1/customers/{customer}"))
}

async fn ask(world: &World, method: Method, path: &str, body: &str) -> (u16, Value) {
    let response = world.client.request(method, format!("{}{path}", world.base)).body(body.to_owned()).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn made(holder: &Holder) -> Change {
    holder.changes().last().expect("a change").by.made.clone().expect("what was made")
}

fn value(text: Option<&String>) -> Value {
    text.map_or(Value::Null, |text| serde_json::from_str(text).expect("JSON as text"))
}

#[tokio::test]
async fn each_change_is_recorded_under_partner_centers_name_with_what_was_before_and_after() {
    let holder = Holder::default();
    let (world, subscription, of) = world_of_one(&holder).await;

    let (status, renamed) = ask(&world, Method::PATCH, &format!("{of}/subscriptions/{subscription}"), r#"{"friendlyName":"Line 1"}"#).await;
    assert_eq!((status, &renamed["friendlyName"]), (200, &json!("Line 1")));
    let change = made(&holder);
    assert_eq!(change.operation, Operation::UpdateSubscription);
    let (old, new) = (value(change.old_value.as_ref()), value(change.new_value.as_ref()));
    assert_eq!((&old["id"], &new), (&json!(subscription), &renamed), "what is recorded is what was answered");
    assert_ne!(old["friendlyName"], new["friendlyName"]);
    let (_, read) = ask(&world, Method::GET, &format!("{of}/subscriptions/{subscription}"), "").await;
    assert_eq!(read, renamed, "and what is there");
    let told = |key: &str| change.data.get(key).cloned();
    assert_eq!((told("SubscriptionId-0"), told("SubscriptionName-0")), (Some(subscription.clone()), Some("Line 1".into())));
    assert_eq!((told("OfferId-0").as_deref(), told("Quantity-0").as_deref()), (Some("MS-AZR-0145P"), Some("1")));

    let (status, _) = ask(&world, Method::PATCH, &format!("{of}/usagebudget"), r#"{"amount":1000000000000.10}"#).await;
    assert_eq!(status, 200);
    ask(&world, Method::PATCH, &format!("{of}/usagebudget"), r#"{"amount":null}"#).await;
    let change = made(&holder);
    assert_eq!(change.operation, Operation::UpdateCustomerSpendingBudget);
    assert!(change.old_value.as_ref().unwrap().contains("\"amount\":1000000000000.10,"), "every digit: {change:?}");
    assert!(value(change.new_value.as_ref())["amount"].is_null());

    let (status, _) = ask(&world, Method::POST, &format!("{of}/agreements"), &agreement().to_string()).await;
    assert_eq!(status, 201);
    let change = made(&holder);
    assert_eq!((change.operation, &change.old_value), (Operation::CreateAgreement, &None));
    let new = value(change.new_value.as_ref());
    assert_eq!((&new["templateId"], &new["primaryContact"]["lastName"]), (&json!(TEMPLATE), &json!("Roy")));
    assert!(!change.new_value.unwrap().contains("555"), "nobody needs to call them");

    let (_, cart) = ask(&world, Method::POST, &format!("{of}/carts"), r#"{"lineItems":[{"catalogItemId":"MS-AZR-0145P"}]}"#).await;
    let (status, bought) = ask(&world, Method::POST, &format!("{of}/carts/{}/checkout", cart["id"].as_str().unwrap()), "{}").await;
    assert_eq!(status, 201, "{bought}");
    let change = made(&holder);
    assert_eq!((change.operation, value(change.new_value.as_ref())), (Operation::CreateOrder, bought["orders"][0].clone()));
    let told = |key: &str| change.data.get(key).cloned();
    assert_eq!(told("OrderId").as_deref(), bought["orders"][0]["id"].as_str());
    assert_eq!(told("BillingCycle").as_deref(), Some("monthly"));
    assert_eq!(told("SubscriptionId-0").as_deref(), bought["orders"][0]["lineItems"][0]["subscriptionId"].as_str());

    // what changes nothing is no change
    let before = holder.changes().len();
    ask(&world, Method::PATCH, &format!("{of}/usagebudget"), r#"{"amount":null}"#).await;
    assert_eq!(holder.changes().len(), before);
}

/// Each kind of change: a path, a body, and a change of another request after it that would make the same one again impossible.
fn kinds(of: &str, subscription: &str, cart: &str) -> [(Method, String, String, Method, String, String); 4] {
    let one = format!("{of}/subscriptions/{subscription}");
    let budget = format!("{of}/usagebudget");
    let patch = |path: &str, body: &str| (Method::PATCH, path.to_owned(), body.to_owned());
    let (status, name) = (patch(&one, r#"{"status":"suspended"}"#), patch(&one, r#"{"status":"active"}"#));
    let budgets = (patch(&budget, r#"{"amount":7.50}"#), patch(&budget, r#"{"amount":8}"#));
    let then = patch(&budget, r#"{"amount":9}"#);
    let agreed = (Method::POST, format!("{of}/agreements"), agreement().to_string());
    let bought = (Method::POST, format!("{of}/carts/{cart}/checkout"), "{}".to_owned());
    let both = |(a, b, c): (Method, String, String), (d, e, f): (Method, String, String)| (a, b, c, d, e, f);
    [both(status, name), both(budgets.0, budgets.1), both(agreed, then.clone()), both(bought, then)]
}

async fn send(world: &World, key: &str, method: &Method, path: &str, body: &str) -> (u16, String) {
    let request = world.client.request(method.clone(), format!("{}{path}", world.base)).header("MS-RequestId", key);
    let response = request.body(body.to_owned()).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_answered_the_same_after_other_changes_and_made_once() {
    static LOSE: Statement = Statement::new("UPDATE requests SET status = NULL, headers = NULL, body = NULL WHERE request_id = $1");
    for lost in 0..3 {
        let holder = Holder::default();
        let world = World::with(Settings { answer: LONG, chunk_answer: SHORT, ..settings() }, holder.script()).await;
        let (document, customer) = one_customer(2);
        import(&world, &document).await;
        let of = format!("/v1/customers/{customer}");
        let subscription = holder.subscription(&customer).commerce_subscription_id.to_string();
        let (subscriptions, agreements) =
            holder.look(&customer, |held| (held.part.subscriptions.len(), held.part.customer.agreements.len()));
        let (_, cart) = ask(&world, Method::POST, &format!("{of}/carts"), r#"{"lineItems":[{"catalogItemId":"MS-AZR-0145P"}]}"#).await;
        for (method, path, body, then_method, then_path, then_body) in kinds(&of, &subscription, cart["id"].as_str().unwrap()) {
            let what = format!("{lost}: {method} {path}");
            let key = Uuid::new_v4();
            let again = async || send(&world, &key.to_string(), &method, &path, &body).await;
            let before = holder.changes().len();
            let first = match lost {
                // everything went well, but for the stored answer
                0 => {
                    let first = again().await;
                    assert!(matches!(first.0, 200 | 201), "{what}: {first:?}");
                    let lose = world.database.execute(&LOSE, Args::new().value(key)).await.unwrap();
                    assert_eq!(lose, 1, "{what}");
                    Some(first)
                }
                // the coordinator's answer did not come
                1 => {
                    holder.set(Mode::LosesAnswers);
                    assert_eq!(again().await.0, 503, "{what}");
                    None
                }
                // nor did anybody get the facts
                _ => {
                    holder.set(Mode::LosesFacts);
                    assert_eq!(again().await.0, 503, "{what}");
                    None
                }
            };
            holder.set(Mode::Answers);
            let recorded = holder.changes()[before].clone();
            // what others would change meanwhile is of a version that they do not have, until this one has come again
            if lost < 2 {
                let (status, body) = send(&world, &Uuid::new_v4().to_string(), &then_method, &then_path, &then_body).await;
                assert_eq!(status, 200, "{what}: {body}");
            }
            let repeated = again().await;
            assert!(matches!(repeated.0, 200 | 201), "{what}: {repeated:?}");
            if let Some(first) = first {
                assert_eq!(repeated, first, "{what}");
            }
            let made = recorded.by.made.unwrap();
            if method == Method::PATCH {
                assert_eq!(Some(repeated.1.clone()), made.new_value, "{what}");
            }
            assert_eq!(again().await, repeated, "{what}: from now on it is stored");
            // where it had to be asked for again, it was the same import
            let ids: BTreeSet<_> = holder.changes()[before..]
                .iter()
                .filter(|asked| asked.by.made.as_ref() == Some(&made))
                .map(|asked| asked.import_id)
                .collect();
            assert_eq!(ids, BTreeSet::from([recorded.import_id]), "{what}");
        }
        let now = holder.look(&customer, |held| (held.part.subscriptions.len(), held.part.customer.agreements.len()));
        assert_eq!(now, (subscriptions + 1, agreements + 1), "each was made once");
        assert_eq!(ask(&world, Method::GET, &format!("{of}/orders"), "").await.1["totalCount"], 1);
    }
}
