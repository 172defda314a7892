//! Dead letters: looked through, given another chance, dropped.

use crate::world::*;
use async_trait::async_trait;
use bytes::Bytes;
use planshift_messaging::{Delivery, Destination, Message, Outgoing, Queue, Service, Settlement};
use planshift_worker::{
    End, HandleError, Handled, Handler, Ports,
    codec::Unreadable,
    run::{RunOptions, run},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use uuid::Uuid;

fn letter(number: usize, body: &'static [u8]) -> Outgoing {
    let message = Message {
        message_id: format!("m{number}"),
        kind: "MapSubscriptions.v1".into(),
        correlation_id: guid(7),
        reply_to: None,
        sent_micros: (1_700_000_000 + number as u64) * 1_000_000,
        traceparent: String::new(),
        tracestate: String::new(),
        redrive: None,
        body: Bytes::from_static(body),
    };
    Outgoing { to: Destination::Command(Service::Mapping), message }
}

/// Letters of the coordinator that died at mapping.
pub async fn bury(world: &World, bodies: &[&'static [u8]]) {
    let letters = bodies.iter().enumerate().map(|(number, body)| letter(number, body));
    world.coordinator.publish(letters.collect()).await.unwrap();
    let mut consumer = world.broker.for_service(Service::Mapping).consume(Queue::Service(Service::Mapping), 100).await.unwrap();
    let mut left = bodies.len();
    while left > 0 {
        let batch = consumer.next(100).await.unwrap();
        left -= batch.len();
        let dead = |d: &Delivery| {
            let reason = if d.message.body.starts_with(b"{") { "AttemptsUsedUp" } else { "Unreadable" };
            (d.tag, Settlement::Dead { reason: reason.into(), description: "in words".into() })
        };
        consumer.settle(batch.iter().map(dead).collect()).await.unwrap();
    }
}

/// Mapping, once more: what it is to make of a message, by its id; all others are done. What it got is counted.
#[derive(Clone, Default)]
pub struct Mapping {
    dies: Arc<Mutex<Vec<String>>>,
    got: Arc<Mutex<BTreeMap<String, u32>>>,
}

#[async_trait]
impl Handler for Mapping {
    type Receipt = ();
    fn service(&self) -> Service {
        Service::Mapping
    }
    async fn handle(&self, batch: &[Delivery]) -> Result<Handled<()>, HandleError> {
        let end = |delivery: &Delivery| {
            assert_eq!(delivery.sender, Some(Service::Coordinator), "in its first sender's name");
            let id = &delivery.message.message_id;
            *self.got.lock().unwrap().entry(id.clone()).or_default() += 1;
            if self.dies.lock().unwrap().contains(id) { End::Dead(Unreadable::new("Faulty", "still so")) } else { End::Done }
        };
        Ok(Handled { publish: Vec::new(), ends: batch.iter().map(end).collect(), receipt: () })
    }
}

impl Mapping {
    pub fn dying(ids: &[&str]) -> Self {
        Self { dies: Arc::new(Mutex::new(ids.iter().map(|id| (*id).to_owned()).collect())), ..Self::default() }
    }
    pub fn start(&self, world: &World) {
        let (broker, stop) = (world.broker.for_service(Service::Mapping), world.stop.clone());
        tokio::spawn(run(Arc::new(self.clone()), broker, Ports::system(), RunOptions::default(), stop));
    }
    pub fn got(&self) -> Vec<(String, u32)> {
        self.got.lock().unwrap().clone().into_iter().collect()
    }
}

async fn get(world: &World, path: &str) -> (u16, Value) {
    let response = world.get(path).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn list(world: &World, query: &str) -> Value {
    let (status, listed) = get(world, &format!("/v1/deadLetters{query}")).await;
    assert_eq!(status, 200, "{listed}");
    listed
}

/// Asks for a redrive, and waits for its end.
async fn redriven(world: &World, body: &Value) -> Value {
    let response = world.post("/v1/deadLetters/redrives", body).send().await.unwrap();
    assert_eq!(response.status(), 202);
    let asked: Value = response.json().await.unwrap();
    let path = format!("/v1/deadletters/redrives/{}?wait=10s", asked["redriveId"].as_str().unwrap());
    let (status, ended) = get(world, &path).await;
    assert_eq!(status, 200);
    assert_ne!(ended["state"], "Running", "{ended}");
    ended
}

#[tokio::test]
async fn they_are_grouped_shown_and_stay() {
    let world = World::without_mapping(settings(), silence).await;
    assert_eq!(list(&world, "").await["totalCount"], 0);
    bury(&world, &[b"{}", b"\xff\x00", b"{\"a\":1}", b"{}"]).await;
    let listed = list(&world, "").await;
    assert_eq!((&listed["totalCount"], &listed["complete"]), (&json!(4), &json!(true)));
    let groups: Vec<_> = listed["groups"].as_array().unwrap().iter().map(|g| (g["reason"].clone(), g["count"].clone())).collect();
    assert_eq!(groups, [(json!("AttemptsUsedUp"), json!(3)), (json!("Unreadable"), json!(1))]);
    let ids: Vec<_> = listed["items"].as_array().unwrap().iter().map(|item| item["messageId"].as_str().unwrap()).collect();
    assert_eq!(ids, ["m0", "m1", "m2", "m3"], "the oldest first");
    // a page, and the next one
    let response = world.get("/v1/deadLetters?size=3").send().await.unwrap();
    let token = response.headers()["ms-continuationtoken"].to_str().unwrap().to_owned();
    let next = list(&world, &format!("?size=3&continuationToken={token}")).await;
    assert_eq!((&next["items"][0]["messageId"], next["items"].as_array().unwrap().len()), (&json!("m3"), 1));
    for (query, count) in [
        ("?code=Unreadable", 1),
        ("?queue=mapping", 4),
        ("?queue=suspension", 0),
        ("?type=MapSubscriptions.v1", 4),
        (&*format!("?transitionId={}", guid(7)), 4),
        (&*format!("?transitionId={}", guid(8)), 0),
    ] {
        assert_eq!(list(&world, query).await["totalCount"], count, "{query}");
    }
    // whole
    let key = listed["items"][1]["key"].as_str().unwrap();
    let (status, shown) = get(&world, &format!("/v1/deadLetters/{key}")).await;
    assert_eq!(
        (status, &shown["bodyHex"], &shown["sender"], &shown["queue"]),
        (200, &json!("ff00"), &json!("coordinator"), &json!("planshift.mapping"))
    );
    let bytes = world.get(&format!("/v1/deadLetters/{key}/body")).send().await.unwrap();
    assert_eq!(bytes.headers()["x-content-type-options"], "nosniff");
    assert_eq!(&bytes.bytes().await.unwrap()[..], b"\xff\x00");
    let (status, body) = error(world.get("/v1/deadLetters/nothing").send().await.unwrap()).await;
    assert_eq!((status, &body["errorName"]), (404, &json!("DeadLetterNotFound")));
    assert_eq!(list(&world, "").await["totalCount"], 4);
}

#[tokio::test]
async fn a_redriven_letter_counts_when_it_is_seen_to_finish() {
    let world = World::without_mapping(settings(), silence).await;
    bury(&world, &[b"{}", b"{}", b"no", b"{}"]).await;
    let mapping = Mapping::dying(&["m3"]);
    mapping.start(&world);
    let ended = redriven(&world, &json!({ "code": "AttemptsUsedUp", "reason": "mended", "actor": "ann" })).await;
    let counts = ["sent", "succeeded", "died"].map(|name| ended[name].as_u64().unwrap());
    assert_eq!((counts, &ended["state"], &ended["actor"]), ([3, 2, 1], &json!("Done"), &json!("ann (local)")), "{ended}");
    assert_eq!((&ended["diedAgain"][0]["messageId"], &ended["diedAgain"][0]["diedOf"]), (&json!("m3"), &json!("Faulty")));
    assert_eq!(mapping.got(), [("m0".into(), 1), ("m1".into(), 1), ("m3".into(), 1)]);
    // what died again is there again, with its history; what was not meant never left
    let left = list(&world, "").await;
    let reasons: Vec<_> = left["items"].as_array().unwrap().iter().map(|item| (&item["messageId"], &item["reason"])).collect();
    assert_eq!(reasons, [(&json!("m2"), &json!("Unreadable")), (&json!("m3"), &json!("Faulty"))]);
    let (_, shown) = get(&world, &format!("/v1/deadLetters/{}", left["items"][1]["key"].as_str().unwrap())).await;
    assert_eq!((&shown["redrives"][0]["diedOf"], &shown["redriveId"]), (&json!("Faulty"), &ended["redriveId"]));
    // and another chance it may have
    mapping.dies.lock().unwrap().clear();
    let again = redriven(&world, &json!({ "keys": [shown["key"]], "reason": "now" })).await;
    assert_eq!((&again["sent"], &again["succeeded"]), (&json!(1), &json!(1)));
    assert_eq!(list(&world, "").await["totalCount"], 1);
    let (_, all) = get(&world, "/v1/deadLetters/redrives").await;
    let ids: Vec<_> = all["items"].as_array().unwrap().iter().map(|item| &item["redriveId"]).collect();
    assert_eq!(ids, [&again["redriveId"], &ended["redriveId"]], "the newest first");
}

#[tokio::test]
async fn a_canary_that_dies_stops_the_redrive() {
    let world = World::without_mapping(settings(), silence).await;
    bury(&world, &[b"{}", b"{}", b"{}", b"{}", b"{}", b"{}"]).await;
    let mapping = Mapping::dying(&["m1"]);
    mapping.start(&world);
    let ended = redriven(&world, &json!({ "all": true, "canary": 2, "reason": "mended?" })).await;
    let counts = ["sent", "succeeded", "died"].map(|name| ended[name].as_u64().unwrap());
    assert_eq!((counts, &ended["state"], &ended["canaryState"]), ([2, 1, 1], &json!("Stopped"), &json!("dead")), "{ended}");
    assert_eq!(ended["note"], "its canary died");
    assert_eq!(list(&world, "").await["totalCount"], 5, "four were not sent, and one died again");
    // one that lives lets the others go
    mapping.dies.lock().unwrap().clear();
    let ended = redriven(&world, &json!({ "all": true, "canary": 2, "rate": 1000, "reason": "mended!" })).await;
    assert_eq!(
        (&ended["sent"], &ended["succeeded"], &ended["state"], &ended["canaryState"]),
        (&json!(5), &json!(5), &json!("Done"), &json!("alive"))
    );
    assert_eq!(list(&world, "").await["totalCount"], 0);
}

#[tokio::test]
async fn a_redrive_can_be_cancelled_and_the_same_request_is_the_same_redrive() {
    let world = World::without_mapping(settings(), silence).await;
    bury(&world, &[b"{}", b"{}", b"{}"]).await;
    // nobody handles the canary
    let (body, key) = (json!({ "all": true, "canary": 1, "reason": "a try" }), Uuid::new_v4().to_string());
    for _ in 0..2 {
        let response = world.post("/v1/deadLetters/redrives", &body).header("MS-RequestId", &key).send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.json::<Value>().await.unwrap()["redriveId"].as_str()), (202, Some(&*key)));
    }
    let path = format!("/v1/deadLetters/redrives/{key}");
    world.eventually(async || get(&world, &path).await.1["sent"] == 1).await;
    let cancelled: Value =
        world.post(&format!("{path}/cancel"), &json!({ "reason": "not now" })).send().await.unwrap().json().await.unwrap();
    assert_eq!((&cancelled["state"], &cancelled["note"]), (&json!("Cancelled"), &json!("cancelled by local: not now")));
    assert_eq!(world.post(&format!("{path}/cancel"), &json!({})).send().await.unwrap().status(), 200, "again is no other act");
    assert_eq!(list(&world, "").await["totalCount"], 2);
    let mapping = Mapping::default();
    mapping.start(&world);
    // what was on its way still counts when it finishes
    world.eventually(async || get(&world, &path).await.1["succeeded"] == 1).await;
    let done = redriven(&world, &json!({ "all": true, "reason": "now" })).await;
    let (status, refused) = error(
        world.post(&format!("/v1/deadLetters/redrives/{}/cancel", done["redriveId"].as_str().unwrap()), &json!({})).send().await.unwrap(),
    )
    .await;
    assert_eq!((status, &refused["errorName"]), (409, &json!("NotAllowedInState")));
    assert_eq!(mapping.got(), [("m0".into(), 1), ("m1".into(), 1), ("m2".into(), 1)]);
}

#[tokio::test]
async fn a_letter_is_dropped_with_a_reason_that_is_kept() {
    let world = World::without_mapping(settings(), silence).await;
    bury(&world, &[b"{}", b"\xff", b"{}"]).await;
    let dropped: Value =
        world.post("/v1/deadLetters/drop", &json!({ "code": "Unreadable", "reason": "noise" })).send().await.unwrap().json().await.unwrap();
    assert_eq!((&dropped["dropped"], &dropped["complete"]), (&json!(1), &json!(true)));
    assert_eq!(list(&world, "").await["totalCount"], 2);
    let (_, kept) = get(&world, "/v1/deadLetters/dropped").await;
    let kept = &kept["items"][0];
    assert_eq!((&kept["reason"], &kept["actor"], &kept["letter"]["bodyHex"]), (&json!("noise"), &json!("local"), &json!("ff")));
}

#[tokio::test]
async fn a_look_that_died_keeps_nobody_waiting_for_long() {
    let world = World::without_mapping(settings(), silence).await;
    bury(&world, &[b"{}"]).await;
    static HELD: planshift_storage::Statement = planshift_storage::Statement::new("UPDATE letter_pass SET holder = $1, until = $2");
    let until = Ports::system().clock.now().as_micros() + 1_000_000;
    let args = planshift_storage::Args::new().value(Uuid::from_u128(9)).value(until);
    world.database.execute(&HELD, args).await.unwrap();
    let listed = list(&world, "").await;
    assert_eq!(listed["totalCount"], 1);
    assert!(Ports::system().clock.now().as_micros() >= until, "it was not waited for");
    // what came back is nobody's any more
    assert_eq!(list(&world, "").await["totalCount"], 1);
}

#[tokio::test]
async fn what_is_meant_and_why_must_be_said() {
    let world = World::without_mapping(settings(), silence).await;
    for (path, body, status, name) in [
        ("/v1/deadLetters/drop", json!({ "all": true }), 400, "ReasonRequired"),
        ("/v1/deadLetters/drop", json!({ "reason": "x" }), 400, "InvalidBody"),
        ("/v1/deadLetters/redrives", json!({ "all": true }), 400, "ReasonRequired"),
        ("/v1/deadLetters/redrives", json!({ "all": true, "code": "x", "reason": "x" }), 400, "InvalidBody"),
        ("/v1/deadLetters/redrives", json!({ "keys": [], "reason": "x" }), 400, "InvalidBody"),
        ("/v1/deadLetters/redrives", json!({ "keys": "x", "reason": "x" }), 400, "InvalidBody"),
        ("/v1/deadLetters/redrives", json!({ "all": true, "rate": 0, "reason": "x" }), 400, "InvalidBody"),
        ("/v1/deadLetters/redrives", json!({ "transitionId": "x", "reason": "x" }), 400, "InvalidBody"),
        (&*format!("/v1/deadLetters/redrives/{}/cancel", guid(1)), json!({}), 404, "RedriveNotFound"),
    ] {
        let (got, body) = error(world.post(path, &body).send().await.unwrap()).await;
        assert_eq!((got, body["errorName"].as_str()), (status, Some(name)), "{path} {body}");
    }
    let (status, body) = error(world.get("/v1/deadLetters?size=0").send().await.unwrap()).await;
    assert_eq!((status, &body["errorName"]), (400, &json!("InvalidParameter")));
}
