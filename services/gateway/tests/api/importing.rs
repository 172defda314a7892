//! `POST /v1/accounts`.

use crate::world::*;
use planshift_domain::{
    account::sample::{self, SampleOptions},
    message::{
        Body as _,
        request::{CustomersImported, ImportCustomers, RefusedCustomer, StartTransition},
    },
};
use planshift_messaging::{Delivery, Outgoing};
use planshift_worker::codec;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};
use uuid::Uuid;

fn document(customers: u32) -> Vec<u8> {
    let mut document = Vec::new();
    sample::write(SampleOptions { customers, ..SampleOptions::default() }, &mut document).unwrap();
    document
}

/// Takes all but the first customer of each chunk, or all.
fn takes(refuse_first: bool, chunks: Arc<Mutex<BTreeSet<u32>>>) -> impl FnMut(&Delivery) -> Vec<Outgoing> + Send + 'static {
    let mut start = starts(vec![accepted(7)], vec![changed(7, 3, planshift_domain::transition::State::PurchasingPlans)]);
    move |delivery| {
        if delivery.message.kind == StartTransition::TYPE {
            return start(delivery);
        }
        let chunk: ImportCustomers = codec::body(&delivery.message).unwrap();
        chunks.lock().unwrap().insert(chunk.chunk);
        let mut imported: Vec<_> = chunk.customers.iter().map(|part| part.customer_id).collect();
        let mut refused = Vec::new();
        if refuse_first {
            let customer_id = imported.remove(0);
            refused.push(RefusedCustomer {
                customer_id,
                code: "UpgradeInProgress".into(),
                description: "it is under way".into(),
                transition_id: None,
            });
        }
        vec![answer(delivery, &CustomersImported { import_id: chunk.import_id, chunk: chunk.chunk, imported, refused })]
    }
}

fn send(world: &World, document: Vec<u8>) -> RequestBuilder {
    world.client.post(format!("{}/V1/Accounts", world.base)).body(document)
}

#[tokio::test]
async fn a_document_is_taken_in_chunks_and_its_customers_can_be_started() {
    let chunks = Arc::new(Mutex::new(BTreeSet::new()));
    let world = World::new(takes(false, chunks.clone())).await;
    let document = document(250);
    let key = Uuid::new_v4().to_string();
    for _ in 0..2 {
        let response = send(&world, document.clone()).header("MS-RequestId", &key).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.json::<Value>().await.unwrap(), json!({ "imported": 250, "refused": [] }));
    }
    let chunks = chunks.lock().unwrap().clone();
    assert!(chunks.len() >= 3 && chunks.iter().copied().eq(0..u32::try_from(chunks.len()).unwrap()), "{chunks:?}");
    assert_eq!(world.count(ImportCustomers::TYPE), (chunks.len(), chunks.len()), "the second time the stored answer was given");

    let customer = serde_json::from_slice::<Value>(&document).unwrap()["customers"][0]["id"].clone();
    let start = json!({ "customerId": customer, "productFamily": "Azure" });
    assert_eq!(world.post("/v1/productUpgrades", &start).send().await.unwrap().status(), 202);
}

#[tokio::test]
async fn refused_customers_are_named() {
    let world = World::new(takes(true, Arc::default())).await;
    let answer: Value = send(&world, document(3)).send().await.unwrap().json().await.unwrap();
    assert_eq!((answer["imported"].as_u64(), answer["refused"].as_array().unwrap().len()), (Some(2), 1));
    assert_eq!(answer["refused"][0]["code"], "UpgradeInProgress");
    assert!(answer["refused"][0]["customerId"].is_string() && answer["refused"][0]["description"].is_string());
}

#[tokio::test]
async fn a_document_with_faults_is_refused_whole_with_all_of_them() {
    let world = World::new(takes(false, Arc::default())).await;
    let mut wrong: Value = serde_json::from_slice(&document(3)).unwrap();
    wrong["customers"][1]["id"] = json!("x");
    wrong["customers"][2]["subscriptions"][0]["status"] = json!("gone");
    let (status, body) = error(send(&world, wrong.to_string().into_bytes()).send().await.unwrap()).await;
    assert_eq!((status, body["errorName"].as_str()), (400, Some("InvalidAccountDocument")));
    let paths: Vec<_> = body["data"].as_array().unwrap().iter().map(|fault| fault["path"].as_str().unwrap()).collect();
    assert!(paths.contains(&"customers[1].id") && paths.contains(&"customers[2].subscriptions[0].status"), "{paths:?}");
    assert!(body["description"].as_str().unwrap().contains("customers[1].id"));
    for broken in [&b"{"[..], b"", b"[]"] {
        assert_eq!(error(send(&world, broken.to_vec()).send().await.unwrap()).await.0, 400);
    }
    assert_eq!(world.count(ImportCustomers::TYPE).0, 0, "nothing was sent");
}

#[tokio::test]
async fn a_document_beyond_the_limit_is_refused_however_it_comes() {
    let world = World::new(takes(false, Arc::default())).await;
    let large = vec![b' '; 1_000_001];
    assert_eq!(error(send(&world, large).send().await.unwrap()).await.0, 413);
    let slow = world
        .client
        .post(format!("{}/v1/accounts", world.base))
        .body(reqwest::Body::wrap_stream(futures::stream::iter((0..11).map(|_| Ok::<_, std::io::Error>(vec![b' '; 100_000])))));
    assert_eq!(error(slow.send().await.unwrap()).await.0, 413);
    assert_eq!(send(&world, document(1)).send().await.unwrap().status(), 200, "and the next one is taken");
}

#[tokio::test]
async fn a_chunk_that_is_not_answered_is_no_import() {
    let world =
        World::with(planshift_gateway::Settings { chunk_answer: std::time::Duration::from_millis(300), ..settings() }, silence).await;
    let (status, body) = error(send(&world, document(1)).send().await.unwrap()).await;
    assert_eq!((status, body["isRetryable"].as_bool()), (503, Some(true)));
    let (messages, different) = world.count(ImportCustomers::TYPE);
    assert!(messages > 1 && different == 1);
}

#[tokio::test]
async fn a_document_in_lines_is_taken_and_its_faults_are_named_by_their_lines() {
    let world = World::new(takes(false, Arc::default())).await;
    let mut lines = Vec::new();
    sample::write_lines(SampleOptions { customers: 120, ..SampleOptions::default() }, &mut lines).unwrap();
    let post = |body: Vec<u8>, kind: &'static str| send(&world, body).header("Content-Type", kind).send();
    let response = post(lines.clone(), "Application/x-ndjson; charset=utf-8").await.unwrap();
    assert_eq!(response.json::<Value>().await.unwrap(), json!({ "imported": 120, "refused": [] }));
    assert_eq!(error(post(lines.clone(), "application/json").await.unwrap()).await.0, 400, "it is no JSON");
    let text = String::from_utf8(lines).unwrap().replacen("\"status\":\"active\"", "\"status\":\"asleep\"", 1);
    let before = world.count(ImportCustomers::TYPE).0;
    let (status, body) = error(post(text.into_bytes(), "application/x-ndjson").await.unwrap()).await;
    assert_eq!((status, body["errorName"].as_str()), (400, Some("InvalidAccountDocument")));
    assert_eq!(body["data"][0]["path"], "line 2: subscriptions[0].status");
    assert_eq!(world.count(ImportCustomers::TYPE).0, before, "nothing of it was sent");
}

#[tokio::test]
async fn all_resellers_of_a_document_are_known_also_those_on_record_nowhere() {
    let holder = crate::holder::Holder::default();
    let world = World::new(holder.script()).await;
    let (mut document, _) = crate::holder::one_customer(1);
    let resellers = document["resellers"].as_array_mut().unwrap();
    let (on_record, one) = (resellers.len(), resellers[0].clone());
    for n in 0..450_u32 {
        let mut further = one.clone();
        further["id"] = json!(Uuid::new_v4());
        further["mpnId"] = json!((7_000_000 + n).to_string());
        resellers.push(further);
    }
    crate::holder::import(&world, &document).await;
    let all: Value = world.get("/v1/relationships?size=500").send().await.unwrap().json().await.unwrap();
    assert_eq!(all["totalCount"], on_record + 450);
    // and what a newer document says of one holds
    document["resellers"].as_array_mut().unwrap().last_mut().unwrap()["isAgreementSigned"] = json!(false);
    crate::holder::import(&world, &document).await;
    let signed: Value = world.get("/v1/compliance/csp/agreementstatus?mpnId=7000449").send().await.unwrap().json().await.unwrap();
    assert_eq!(signed["isAgreementSigned"], false);
}
