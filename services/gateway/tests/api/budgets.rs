//! Budgets, and the open task to set them in the Azure portal too.

use crate::{holder::*, world::*};
use planshift_domain::{
    message::event::{AccountImported, ImportedCustomer},
    transition::State,
};
use planshift_messaging::Destination;
use planshift_storage::{Args, Statement};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

async fn ask(world: &World, method: Method, path: &str, body: Value) -> (u16, Value) {
    let response = world.client.request(method, format!("{}{path}", world.base)).json(&body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn task(budget: &Value) -> &str {
    budget["azurePortal"]["task"].as_str().unwrap()
}

/// A customer of the holder that has moved, by its transition `n`.
async fn moved(world: &World, document: &Value, customer: &str, n: u128, state: State) {
    let mut event = changed(n, 9, state);
    let guid = |value: &Value| value.as_str().unwrap().parse::<uuid::Uuid>().unwrap();
    (event.transition.partner_id, event.transition.customer_id) =
        (guid(&document["partner"]["id"]).into(), customer.parse::<uuid::Uuid>().unwrap().into());
    world.tell(event).await;
}

#[tokio::test]
async fn a_budget_is_to_be_set_in_the_azure_portal_until_someone_says_that_it_is() {
    let holder = Holder::default();
    let world = World::new(holder.script()).await;
    let (document, customer) = one_customer(2);
    import(&world, &document).await;
    let of = format!("/v1/customers/{customer}");
    let (budget, done) = (format!("{of}/budget"), format!("{of}/budget/done"));
    let version = AtomicU32::new(10);
    let set = async |amount: &str| {
        let request = world.client.patch(format!("{}{of}/usagebudget", world.base)).body(format!(r#"{{"amount":{amount}}}"#));
        assert_eq!(request.send().await.unwrap().status(), 200);
        // as the coordinator tells of every import
        let version = version.fetch_add(1, Ordering::Relaxed);
        let (partner, told) = holder.look(&customer, |held| (held.partner.clone(), ImportedCustomer::of(&held.part, version)));
        let event = AccountImported {
            partner_id: partner.id,
            partner_name: partner.name,
            begun_at: None,
            customers: vec![told],
            resellers: Vec::new(),
            audit: Vec::new(),
        };
        world.coordinator.publish(vec![message(Destination::Event("account.imported".into()), &event)]).await.unwrap();
        static KNOWN: Statement = Statement::new("SELECT count(*) FROM customers WHERE version = $1");
        world
            .eventually(async || world.database.query(&KNOWN, Args::new().value(version)).await.unwrap()[0].get::<i64>(0).unwrap() == 1)
            .await;
    };
    let listed = async |query: &str| {
        let (status, list) = ask(&world, Method::GET, &format!("/v1/budgets{query}"), json!(null)).await;
        assert_eq!(status, 200);
        let ids: Vec<String> =
            list["items"].as_array().unwrap().iter().map(|item| item["customerId"].as_str().unwrap().to_owned()).collect();
        assert_eq!(list["totalCount"], ids.len());
        ids
    };
    set("1000000000000.10").await;
    let (_, before) = ask(&world, Method::GET, &budget, json!(null)).await;
    assert_eq!((task(&before), &before["amount"]), ("notNeeded", &json!("1000000000000.1")), "every digit is kept");
    let (status, nothing) = ask(&world, Method::POST, &done, json!({})).await;
    assert_eq!((status, &nothing["errorName"]), (409, &json!("NoOpenTask")));

    // one that was undone leaves it as it was; one that completes opens the task
    moved(&world, &document, &customer, 71, State::Compensated).await;
    assert_eq!(task(&ask(&world, Method::GET, &budget, json!(null)).await.1), "notNeeded");
    assert!(listed("?azurePortal=open").await.is_empty());
    moved(&world, &document, &customer, 72, State::Completed).await;
    let (_, open) = ask(&world, Method::GET, &budget, json!(null)).await;
    assert_eq!((task(&open), &open["azurePortal"]["transitionId"]), ("open", &json!(guid(72))));
    assert_eq!((listed("?azurePortal=open").await, listed("?azurePortal=done").await.len()), (vec![customer.clone()], 0));

    let (status, told) = ask(&world, Method::POST, &done, json!({ "actor": "Nadia", "reason": "alert too" })).await;
    assert_eq!((status, task(&told), &told["azurePortal"]["lastDone"]["reason"]), (200, "done", &json!("alert too")));
    let (_, again) = ask(&world, Method::POST, &done, json!({ "reason": "second" })).await;
    assert_eq!(again, told, "said twice, the first one counts");
    assert_eq!((listed("?azurePortal=open").await.len(), listed("?azurePortal=done").await), (0, vec![customer.clone()]));

    // the same value in another spelling changes nothing; another amount opens it again
    set("1000000000000.1").await;
    assert_eq!(task(&ask(&world, Method::GET, &budget, json!(null)).await.1), "done");
    set("7.50").await;
    let (_, changed) = ask(&world, Method::GET, &budget, json!(null)).await;
    assert_eq!((task(&changed), &changed["azurePortal"]["lastDone"]["amount"]), ("open", &json!("1000000000000.1")));
    set("null").await;
    assert_eq!(task(&ask(&world, Method::GET, &budget, json!(null)).await.1), "notNeeded");
    assert!(listed("").await.is_empty());

    let (status, wrong) = ask(&world, Method::GET, "/v1/budgets?azurePortal=notNeeded", json!(null)).await;
    assert_eq!((status, &wrong["errorName"]), (400, &json!("InvalidParameter")));
}
