//! Usage over HTTP: brought, listed, added up, and whose it is.

use crate::world::*;
use planshift_domain::{
    message::{
        Body as _,
        ownership::{OwnedSubscription, OwnershipPoint, OwnershipRead, ReadOwnership},
    },
    time::Timestamp,
};
use planshift_messaging::{Delivery, Outgoing};
use planshift_worker::codec;
use serde_json::Value;

const CUSTOMER: u128 = 5;
const AZURE: u128 = 11;
const PLAN: u128 = 77;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Mapping: one subscription, under a plan from 10:00 on.
fn mapping(delivery: &Delivery) -> Vec<Outgoing> {
    assert_eq!(delivery.message.kind, ReadOwnership::TYPE);
    let question: ReadOwnership = codec::body(&delivery.message).unwrap();
    let points = vec![OwnershipPoint { from: at("2026-09-18T10:00:00Z"), revision: 0, plan_id: Some(id(PLAN)), transition_id: id(9) }];
    let known = question.azure_subscription_ids.contains(&id(AZURE)) && question.partner_id == id(1);
    let subscriptions =
        if known { vec![OwnedSubscription { azure_subscription_id: id(AZURE), customer_id: id(CUSTOMER), points }] } else { Vec::new() };
    vec![answer(delivery, &OwnershipRead { request_id: question.request_id, subscriptions })]
}

fn file() -> String {
    let uri = format!("/subscriptions/{}/x", guid(AZURE));
    let header = "usageStartTime,usageEndTime,resource.id,quantity,unit,resourceUri";
    let rows = (8..12).map(|hour| {
        let (start, end) = (format!("2026-09-18T{hour:02}:00:00Z"), format!("2026-09-18T{:02}:00:00Z", hour + 1));
        format!("{start},{end},m,0.1,Hours,{uri}\n")
    });
    format!("{header}\n{}", rows.collect::<String>())
}

async fn bring(world: &World, kind: &str, text: String) -> (u16, Value) {
    let request = world.client.post(format!("{}/v1/usage", world.base)).header("content-type", kind).body(text);
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

#[tokio::test]
async fn usage_is_brought_and_belongs_to_its_owner_at_its_start() {
    let world = World::new(mapping).await;
    world.tell_customer(1, CUSTOMER).await;
    let (status, import) = bring(&world, "text/csv", file()).await;
    assert_eq!((status, &import["state"], &import["added"]), (200, &"Done".into(), &4.into()), "{import}");
    let (_, again) = bring(&world, "text/csv", file()).await;
    assert_eq!((&again["added"], &again["repeated"], &again["sameFileAs"]), (&0.into(), &4.into(), &import["importId"]));
    let one: Value =
        world.get(&format!("/v1/usage/imports/{}", again["importId"].as_str().unwrap())).send().await.unwrap().json().await.unwrap();
    assert_eq!(one["sameFileAs"], import["importId"]);
    let imports: Value = world.get("/v1/usage/imports?size=1").send().await.unwrap().json().await.unwrap();
    assert!(imports["links"]["next"].is_object() && imports["items"].as_array().unwrap().len() == 1);

    let (mut path, mut owners) = (format!("/v1/usage?size=3&azureSubscriptionId={}", guid(AZURE)), Vec::new());
    loop {
        let page: Value = world.get(&path).send().await.unwrap().json().await.unwrap();
        owners.extend(page["items"].as_array().unwrap().iter().map(|one| one["owner"].as_str().unwrap().to_owned()));
        let Some(next) = page["links"]["next"]["uri"].as_str() else { break };
        path = format!("/v1{next}");
    }
    assert_eq!(owners, ["legacy", "legacy", "plan", "plan"]);
    let totals: Value = world.get(&format!("/v1/usage/totals?customerId={}", guid(CUSTOMER))).send().await.unwrap().json().await.unwrap();
    let invoice = &totals["invoices"][0];
    assert_eq!((&invoice["d"], &invoice["g"], &invoice["metered"]), (&"0.2".into(), &"0.2".into(), &"0.4".into()), "{totals}");
    let plans: Value = world
        .get(&format!("/v1/usage?owner=plan&from=2026-09-18T11:00:00Z&azureSubscriptionId={}", guid(AZURE)))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!((plans["items"].as_array().unwrap().len(), &plans["items"][0]["planId"]), (1, &guid(PLAN).into()));
    let ownership: Value = world
        .get(&format!("/v1/customers/{}/azureSubscriptions/{}/ownership", guid(CUSTOMER), guid(AZURE)))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(ownership["intervals"][0]["to"], "2026-09-18T10:00:00Z");
    assert_eq!((&ownership["intervals"][1]["owner"], &ownership["intervals"][1]["to"]), (&"plan".into(), &Value::Null));
    world.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_told_by_row_and_column_and_nothing_is_taken() {
    let world = World::new(mapping).await;
    world.tell_customer(1, CUSTOMER).await;
    let (status, fault) = bring(&world, "text/csv", file().replacen("0.1", "x", 1)).await;
    assert_eq!((status, fault["errorName"].as_str(), &fault["faults"]), (400, Some("InvalidUsage"), &1.into()), "{fault}");
    assert_eq!((&fault["data"][0]["row"], fault["data"][0]["column"].as_str()), (&2.into(), Some("Quantity")));
    let (status, fault) = bring(&world, "text/csv", file().replace(&guid(AZURE), &guid(12))).await;
    assert_eq!((status, fault["data"][0]["column"].as_str(), &fault["faults"]), (400, Some("EntitlementId"), &4.into()), "{fault}");
    assert_eq!(bring(&world, "application/xml", file()).await.0, 415);
    let none: Value = world.get(&format!("/v1/usage?azureSubscriptionId={}", guid(AZURE))).send().await.unwrap().json().await.unwrap();
    assert_eq!(none["items"].as_array().unwrap().len(), 0);
    for (path, status) in [
        ("/v1/usage".to_owned(), 400),
        (format!("/v1/usage/imports/{}", guid(1)), 404),
        (format!("/v1/customers/{}/azureSubscriptions/{}/ownership", guid(CUSTOMER), guid(12)), 404),
    ] {
        let (found, _) = error(world.get(&path).send().await.unwrap()).await;
        assert_eq!(found, status, "{path}");
    }
    world.stop().await;
}
