//! Changes of customers through the API: how they are recorded.

use crate::{holder::*, world::*};
use planshift_domain::audit::{Change, Operation};
use reqwest::Method;
use serde_json::{Value, json};

const TEMPLATE: &str = "117a77b0-9360-443b-8795-c6dedc750cf9";

fn agreement() -> Value {
    let contact = json!({ "firstName": "Nadia", "lastName": "Roy", "email": "nadia@contoso.example", "phoneNumber": "555 1234" });
    json!({ "primaryContact": contact, "templateId": TEMPLATE, "dateAgreed": "2026-01-02T00:00:00Z", "type": "MicrosoftCustomerAgreement" })
}

/// A world with one customer, and how its paths begin.
async fn world_of_one(holder: &Holder) -> (World, Value, String) {
    let world = World::new(holder.script()).await;
    let (document, customer) = one_customer(2);
    import(&world, &document).await;
    (world, document["customers"][0]["subscriptions"][0]["id"].clone(), format!("/v1/customers/{customer}"))
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
    let subscription = subscription.as_str().unwrap().to_lowercase();

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
