//! Webhooks: registered, signed, sent, sent again, given up, begun anew, told again.

use crate::{provider::*, receiver::*, world::*};
use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::IntoResponse as _,
};
use planshift_domain::{
    history::HistoryEntry,
    message::event::TransitionChanged,
    time::Timestamp,
    transition::State::{self, *},
};
use planshift_gateway::{Auth, Gateway, LocalToken, Options, Settings, WebhookSettings};
use planshift_messaging::Service;
use planshift_storage::{Args, Statement};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const REGISTRATION: &str = "/webhooks/v1/registration";
const DELIVERIES: &str = "/webhooks/v1/deliveries";
/// Longer than the longest wait between two attempts.
const LONG: Duration = Duration::from_secs(5 * 3600);

/// What happens to a transition that goes well.
const WELL: [(&str, State); 7] = [
    ("Started", Requested),
    ("Moved", CheckingEligibility),
    ("Exchanged", CheckingEligibility),
    ("Moved", PurchasingPlans),
    ("Moved", MappingSubscriptions),
    ("Moved", SuspendingCommerce),
    ("Moved", Completed),
];
const EVENTS_OF_WELL: [&str; 6] = [
    "product-upgrade-created",
    "product-upgrade-progressed",
    "product-upgrade-progressed",
    "product-upgrade-progressed",
    "product-upgrade-progressed",
    "product-upgrade-completed",
];
/// And to one that does not.
const BADLY: [(&str, State); 4] = [("Started", Requested), ("Moved", CheckingEligibility), ("Moved", Ineligible), ("Closed", Ineligible)];

fn trial() -> Settings {
    let (look, signing) = (Duration::from_millis(20), Some(SIGNING.clone()));
    Settings { webhooks: WebhookSettings { allow_internal: true, look, signing, ..WebhookSettings::default() }, ..settings() }
}

fn local() -> Auth {
    Auth::local(LocalToken::try_new(TOKEN).unwrap())
}

/// A world in which time can be set forward.
async fn world_in_time() -> (World, Forward) {
    let clock = Forward::default();
    (World::in_time(clock.ports(), local(), trial(), silence).await, clock)
}

/// Transition `n` of a partner, with a history of these entries, each a second after the one before; all of them new.
fn story(partner: u128, n: u128, states: &[(&str, State)]) -> TransitionChanged {
    let count = u32::try_from(states.len()).unwrap();
    let mut event = changed(n, count, states.last().unwrap().1);
    event.transition.partner_id = id(partner);
    event.transition.history = count;
    for (number, (name, state)) in (1..).zip(states) {
        let previous = event.history.last().map_or(String::new(), |entry: &HistoryEntry| entry.hash.clone());
        let at = Timestamp::from_micros((i64::try_from(n).unwrap() + i64::from(number)) * 1_000_000);
        let (event_name, text, actor) = ((*name).to_owned(), String::new(), "coordinator".to_owned());
        let entry = HistoryEntry { number, at, state: *state, event: event_name, text, actor, hash: String::new() };
        event.history.push(entry.sealed(id(n), &previous));
    }
    event
}

fn of(partner: u128) -> String {
    format!("?partnerId={}", guid(partner))
}

async fn register(world: &World, partner: u128, url: &str, events: &[&str]) -> Value {
    let body = json!({ "WebhookUrl": url, "WebhookEvents": events });
    let response = world.post(&format!("{REGISTRATION}{}", of(partner)), &body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

async fn register_for_all(world: &World, partner: u128, url: &str) -> Value {
    let events = ["product-upgrade-created", "product-upgrade-progressed", "product-upgrade-completed", "product-upgrade-failed"];
    register(world, partner, url, &events).await
}

async fn deliveries(world: &World, query: &str) -> Vec<Value> {
    let page: Value = world.get(&format!("{DELIVERIES}{query}")).send().await.unwrap().json().await.unwrap();
    page["items"].as_array().unwrap().clone()
}

async fn delivery(world: &World, id: &Value) -> Value {
    world.get(&format!("{DELIVERIES}/{}", id.as_str().unwrap())).send().await.unwrap().json().await.unwrap()
}

fn names(got: &[Got]) -> Vec<&str> {
    got.iter().map(Got::name).collect()
}

#[tokio::test]
async fn what_happens_is_told_signed_in_its_order_and_once() {
    let (world, receiver) = (World::with(trial(), silence).await, Receiver::start().await);
    // before there is a registration nothing is told, also not later
    world.tell(story(1, 6, &WELL)).await;
    register_for_all(&world, 1, &receiver.url).await;
    world.tell(story(1, 7, &WELL)).await;
    world.tell(story(1, 8, &BADLY)).await;
    // the same again is nothing new
    world.tell(story(1, 7, &WELL)).await;
    world.eventually(async || deliveries(&world, "?state=delivered").await.len() == 9).await;
    let got = receiver.got();
    let of_one = |n: u128| got.iter().filter(|one| one.header("ms-correlationid") == guid(n)).cloned().collect::<Vec<_>>();
    assert_eq!(names(&of_one(7)), EVENTS_OF_WELL);
    assert_eq!(names(&of_one(8)), ["product-upgrade-created", "product-upgrade-progressed", "product-upgrade-failed"]);
    assert_eq!(got.len(), 9);
    assert_eq!(got.iter().map(Got::id).collect::<BTreeSet<_>>().len(), 9, "each has an id of its own");
    for one in &got {
        one.check_signature().await;
    }
    let last = &of_one(7)[5];
    let uri = format!("{}/v1/productUpgrades/{}", world.base, guid(7));
    let expected = json!({
        "EventName": "product-upgrade-completed", "ResourceUri": uri, "ResourceName": "product-upgrade",
        "AuditUri": format!("{uri}/history"), "ResourceChangeUtcDate": "1970-01-01T00:00:14Z",
    });
    assert_eq!(last.event, expected);
    assert_eq!(last.header("content-type"), "application/json; charset=utf-8");
    // what the event names is there
    assert_eq!(world.client.get(&uri).send().await.unwrap().status(), 200);
    assert_eq!(world.client.get(format!("{uri}/history")).send().await.unwrap().status(), 200);
    world.stop().await;
}

#[tokio::test]
async fn only_what_is_wanted_is_told_and_to_whom_it_concerns() {
    let provider = Provider::start().await;
    let world = World::for_whom(provider.auth(), trial(), silence).await;
    world.eventually(async || world.readiness.ask().await.0).await;
    let (one, two) = (Receiver::start().await, Receiver::start().await);
    register(&world, 1, &one.url, &["Product-Upgrade-Completed", "product-upgrade-failed"]).await;
    register_for_all(&world, 2, &two.url).await;
    world.tell(story(1, 7, &WELL)).await;
    world.tell(story(2, 8, &BADLY)).await;
    // of a partner that has registered nothing
    world.tell(story(3, 9, &WELL)).await;
    world.eventually(async || deliveries(&world, "?state=delivered").await.len() == 4).await;
    assert_eq!(names(&one.got()), ["product-upgrade-completed"]);
    assert_eq!((names(&two.got()).len(), two.got()[0].header("ms-correlationid")), (3, guid(8).as_str()));

    // each sees its own alone
    let clients = [1, 2].map(|partner| client(&provider.token(Uuid::from_u128(partner), &["AdminAgent"])));
    let list = async |client: &Client, query: &str| -> Vec<Value> {
        let page: Value = client.get(format!("{}{DELIVERIES}{query}", world.base)).send().await.unwrap().json().await.unwrap();
        page["items"].as_array().unwrap().clone()
    };
    let own = list(&clients[0], &of(2)).await;
    assert_eq!((own.len(), &own[0]["partnerId"]), (1, &json!(guid(1))));
    let path = format!("{}{DELIVERIES}/{}", world.base, own[0]["id"].as_str().unwrap());
    assert_eq!(clients[0].get(&path).send().await.unwrap().status(), 200);
    for request in [clients[1].get(&path), clients[1].post(format!("{path}/redeliver"))] {
        let (status, body) = error(request.send().await.unwrap()).await;
        assert_eq!((status, body["errorName"].as_str()), (404, Some("WebhookDeliveryNotFound")));
    }
    let registration: Value = clients[1].get(format!("{}{REGISTRATION}{}", world.base, of(1))).send().await.unwrap().json().await.unwrap();
    assert_eq!(registration["WebhookUrl"], json!(two.url), "its own, whatever it asks for");
    assert_eq!((one.count(), two.count()), (1, 3));
}

#[tokio::test]
async fn one_that_fails_comes_again_and_is_dead_after_ten_attempts_and_begins_anew() {
    let (world, clock) = world_in_time().await;
    let receiver = Receiver::start().await;
    receiver.answers(|_| (StatusCode::INTERNAL_SERVER_ERROR, "no").into_response());
    register(&world, 1, &receiver.url, &["product-upgrade-completed"]).await;
    world.tell(story(1, 7, &WELL)).await;
    for attempt in 1..=10 {
        world.eventually(async || receiver.count() == attempt).await;
        let state = if attempt == 10 { "dead" } else { "pending" };
        world
            .eventually(async || {
                let found = deliveries(&world, "").await;
                found[0]["attempts"] == json!(attempt) && found[0]["state"] == json!(state)
            })
            .await;
        let found = &deliveries(&world, "").await[0];
        assert_eq!((found["lastStatus"].as_u64(), found["lastError"].as_str()), (Some(500), Some("HTTP 500")));
        assert_eq!(found["nextAttemptAt"].is_null(), attempt == 10, "{found}");
        clock.by(LONG);
    }
    let got = receiver.got();
    assert_eq!(got.iter().map(Got::id).collect::<BTreeSet<_>>().len(), 1, "the same id at each attempt");
    assert_eq!(got.iter().map(|one| one.header("x-planshift-attempt").to_owned()).collect::<Vec<_>>()[9], "10");
    assert!(got.iter().all(|one| one.body == got[0].body));
    got[9].check_signature().await;

    // it is visible, and nothing more is sent
    let dead = deliveries(&world, "?state=dead&event=product-upgrade-completed").await;
    assert_eq!(dead.len(), 1);
    assert_eq!(deliveries(&world, "?state=pending").await.len(), 0);
    let whole = delivery(&world, &dead[0]["id"]).await;
    assert_eq!((whole["tries"].as_array().unwrap().len(), whole["body"].as_str().unwrap().as_bytes()), (10, &got[0].body[..]));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(receiver.count(), 10);

    // the receiver is back: begun anew, under the same id
    receiver.answers(|_| StatusCode::NO_CONTENT.into_response());
    let path = format!("{DELIVERIES}/{}/redeliver", dead[0]["id"].as_str().unwrap());
    assert_eq!(world.post(&path, &json!({})).send().await.unwrap().status(), 202);
    world.eventually(async || deliveries(&world, "?state=delivered").await.len() == 1).await;
    let got = receiver.got();
    assert_eq!((got.len(), got[10].id(), got[10].header("x-planshift-attempt")), (11, got[0].id(), "1"));
    assert_eq!(delivery(&world, &dead[0]["id"]).await["tries"].as_array().unwrap().len(), 11);
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it_and_a_redirect_is_not_followed() {
    let (world, _clock) = world_in_time().await;
    let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
    let to = elsewhere.url.clone();
    receiver.answers(move |number| match number {
        1 => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1800")]).into_response(),
        _ => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to.clone())]).into_response(),
    });
    register(&world, 1, &receiver.url, &["product-upgrade-completed"]).await;
    world.tell(story(1, 7, &WELL)).await;
    world.eventually(async || deliveries(&world, "").await.first().is_some_and(|one| one["attempts"] == 1)).await;
    let found = &deliveries(&world, "").await[0];
    let time = |name: &str| found[name].as_str().unwrap().parse::<Timestamp>().unwrap();
    let wait = time("nextAttemptAt").seconds_since(time("lastAttemptAt"));
    assert!((1_800.0..1_830.0).contains(&wait), "{wait}");
    let path = format!("{DELIVERIES}/{}/redeliver", found["id"].as_str().unwrap());
    world.post(&path, &json!({})).send().await.unwrap();
    world.eventually(async || receiver.count() == 2).await;
    world.eventually(async || deliveries(&world, "").await[0]["lastStatus"] == 307).await;
    let found = &deliveries(&world, "").await[0];
    assert_eq!((found["state"].as_str(), elsewhere.count()), (Some("pending"), 0));
}

#[tokio::test]
async fn a_receiver_that_answers_nobody_keeps_nobody_else_waiting() {
    let mut limits = trial();
    limits.webhooks.answer = Duration::from_secs(60);
    let world = World::with(limits, silence).await;
    // it takes connections, and says nothing
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let receiver = Receiver::start().await;
    register_for_all(&world, 1, &format!("http://{}/", silent.local_addr().unwrap())).await;
    register_for_all(&world, 2, &receiver.url).await;
    for n in 10..20 {
        world.tell(story(1, n, &WELL)).await;
    }
    world.tell(story(2, 30, &WELL)).await;
    world.eventually(async || receiver.count() == 6).await;
    assert_eq!(deliveries(&world, &format!("{}&state=pending", of(1))).await.len(), 60);
    // and it does not keep the gateway from stopping
    world.stop().await;
}

#[tokio::test]
async fn a_receiver_that_is_away_is_tried_now_and_then_and_whatever_is_asked_for_at_once() {
    let (world, clock) = world_in_time().await;
    let receiver = Receiver::start().await;
    receiver.answers(|_| StatusCode::SERVICE_UNAVAILABLE.into_response());
    register_for_all(&world, 1, &receiver.url).await;
    for n in 10..20 {
        world.tell(story(1, n, &WELL)).await;
    }
    world.eventually(async || receiver.count() > 0).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(receiver.count() < 20, "{} of 60 are tried", receiver.count());
    // it is back, and somebody tries
    receiver.answers(|_| StatusCode::OK.into_response());
    world.post(&format!("{REGISTRATION}/validationEvents{}", of(1)), &json!({})).send().await.unwrap();
    world.eventually(async || names(&receiver.got()).contains(&"test-created")).await;
    clock.by(LONG);
    world.eventually(async || deliveries(&world, "?state=delivered").await.len() == 61).await;
    // an answer about one event leaves the others alone
    receiver.answers(|_| StatusCode::BAD_REQUEST.into_response());
    let before = receiver.count();
    for n in 20..25 {
        world.tell(story(1, n, &WELL)).await;
    }
    world.eventually(async || receiver.count() == before + 30).await;
}

#[tokio::test]
async fn an_answer_counts_by_its_status_though_its_body_never_ends() {
    let (world, receiver) = (World::with(trial(), silence).await, Receiver::start().await);
    receiver.answers(|_| Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>()).into_response());
    register(&world, 1, &receiver.url, &["product-upgrade-completed"]).await;
    world.tell(story(1, 7, &WELL)).await;
    world.eventually(async || deliveries(&world, "?state=delivered").await.len() == 1).await;
    assert_eq!(receiver.count(), 1);
}

#[tokio::test]
async fn why_an_attempt_failed_does_not_repeat_the_url_which_may_be_a_secret() {
    let world = World::with(trial(), silence).await;
    // nobody listens there any more
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    register(&world, 1, &format!("http://127.0.0.1:{port}/hunter2?key=hunter2"), &["product-upgrade-completed"]).await;
    world.tell(story(1, 7, &WELL)).await;
    world.eventually(async || deliveries(&world, "").await.first().is_some_and(|one| one["attempts"] == 1)).await;
    let error = deliveries(&world, "").await[0]["lastError"].as_str().unwrap().to_owned();
    assert!(error.starts_with("not reached: ") && !error.contains("hunter2") && error.len() > 15, "{error}");
}

#[tokio::test]
async fn everything_since_a_time_is_told_again() {
    let (world, receiver) = (World::with(trial(), silence).await, Receiver::start().await);
    // before the registration, and of another partner
    world.tell(story(1, 100, &WELL)).await;
    world.tell(story(1, 200, &BADLY)).await;
    world.tell(story(2, 100_000, &WELL)).await;
    register_for_all(&world, 1, &receiver.url).await;
    world.tell(story(1, 300, &WELL)).await;
    world.eventually(async || receiver.count() == 6).await;
    let time = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
    let replay = async |body: Value| -> Value {
        let response = world.post(&format!("{DELIVERIES}/replay{}", of(1)), &body).send().await.unwrap();
        assert_eq!(response.status(), 202);
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        let path = format!("/webhooks/v1/{location}{}", of(1));
        world
            .eventually(async || {
                let replay: Value = world.get(&path).send().await.unwrap().json().await.unwrap();
                replay["state"] == "done"
            })
            .await;
        world.get(&path).send().await.unwrap().json().await.unwrap()
    };
    let first = receiver.got();
    // entries are a second apart, the first of transition n at n + 1 s
    let replayed = replay(json!({ "from": time(0), "to": time(203) })).await;
    assert_eq!(replayed["found"], 8, "six of the first and two of the second");
    world.eventually(async || receiver.count() == 14).await;
    let replayed = replay(json!({ "from": time(203), "event": "product-upgrade-failed" })).await;
    assert_eq!(replayed["found"], 1);
    world.eventually(async || receiver.count() == 15).await;
    // what was delivered is delivered again, under the same ids
    let replayed = replay(json!({ "from": time(300) })).await;
    assert_eq!(replayed["found"], 6);
    world.eventually(async || receiver.count() == 21).await;
    let ids = |got: &[Got]| got.iter().map(|one| one.id().to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(ids(&first), ids(&receiver.got()[15..]));
    world.eventually(async || deliveries(&world, "?state=delivered").await.len() == 15).await;
    for (body, name) in [
        (json!({}), "InvalidBody"),
        (json!({ "from": "yesterday" }), "InvalidBody"),
        (json!({ "from": time(2), "to": time(1) }), "InvalidBody"),
        (json!({ "from": time(2), "event": "test-created" }), "UnknownWebhookEvent"),
    ] {
        let (status, answer) = error(world.post(&format!("{DELIVERIES}/replay{}", of(1)), &body).send().await.unwrap()).await;
        assert_eq!((status, answer["errorName"].as_str()), (400, Some(name)), "{body}");
    }
}

#[tokio::test]
async fn a_replay_of_much_goes_page_by_page() {
    let (world, receiver) = (World::with(trial(), silence).await, Receiver::start().await);
    for n in 1..=200 {
        world.coordinator.publish(vec![told(&story(1, n, &WELL))]).await.unwrap();
    }
    world.tell(story(1, 201, &WELL)).await;
    register(&world, 1, &receiver.url, &["product-upgrade-completed"]).await;
    let body = json!({ "from": "1970-01-01T00:00:00Z" });
    assert_eq!(world.post(&format!("{DELIVERIES}/replay{}", of(1)), &body).send().await.unwrap().status(), 202);
    world.eventually(async || receiver.count() == 201).await;
    assert_eq!(receiver.got().iter().map(|one| one.header("ms-correlationid").to_owned()).collect::<BTreeSet<_>>().len(), 201);
    // page after page of deliveries, by the link
    let (mut seen, mut path) = (BTreeSet::new(), format!("{DELIVERIES}?size=90"));
    loop {
        let page: Value = world.get(&path).send().await.unwrap().json().await.unwrap();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match page["links"]["next"]["uri"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen.len(), 201);
}

#[tokio::test]
async fn a_test_is_sent_and_seen_and_there_are_two_a_minute() {
    let (world, clock) = world_in_time().await;
    let receiver = Receiver::start().await;
    let path = format!("{REGISTRATION}/validationEvents{}", of(1));
    let (status, body) = error(world.post(&path, &json!({})).send().await.unwrap()).await;
    assert_eq!((status, body["errorName"].as_str()), (404, Some("WebhookNotRegistered")));
    register(&world, 1, &receiver.url, &["product-upgrade-failed"]).await;
    let key = guid(4_711);
    let send = || world.post(&path, &json!({})).header("MS-RequestId", &key).send();
    let answer: Value = send().await.unwrap().json().await.unwrap();
    // the same request is the same test
    assert_eq!(send().await.unwrap().json::<Value>().await.unwrap(), answer);
    let id = answer["correlationId"].as_str().unwrap().to_owned();
    let outcome =
        async || -> Value { world.get(&format!("{REGISTRATION}/validationEvents/{id}")).send().await.unwrap().json().await.unwrap() };
    world.eventually(async || outcome().await["status"] == "completed").await;
    let told = outcome().await;
    assert_eq!((&told["callbackUrl"], &told["results"][0]["responseCode"]), (&json!(receiver.url), &json!("200")));
    let got = receiver.got();
    assert_eq!((names(&got), got[0].id()), (vec!["test-created"], id.as_str()));
    got[0].check_signature().await;

    receiver.answers(|_| StatusCode::GONE.into_response());
    let second: Value = world.post(&path, &json!({})).send().await.unwrap().json().await.unwrap();
    let third = world.post(&path, &json!({})).send().await.unwrap();
    assert_eq!(third.status(), 429);
    let seconds: u64 = third.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    let message = format!("Rate limit is exceeded. Try again in {seconds} seconds.");
    assert_eq!(third.json::<Value>().await.unwrap(), json!({ "statusCode": 429, "message": message }));
    clock.by(Duration::from_secs(seconds));
    assert_eq!(world.post(&path, &json!({})).send().await.unwrap().status(), 200);
    // one that fails says how
    let path = format!("{REGISTRATION}/validationEvents/{}", second["correlationId"].as_str().unwrap());
    let outcome = async || -> Value { world.get(&path).send().await.unwrap().json().await.unwrap() };
    world.eventually(async || outcome().await["results"][0]["responseCode"] == "410").await;
    assert_eq!(outcome().await["status"], "pending");
}

#[tokio::test]
async fn a_registration_is_made_read_changed_and_taken_away() {
    let world = World::with(trial(), silence).await;
    let (one, two) = (Receiver::start().await, Receiver::start().await);
    let events: Value = world.get(&format!("{REGISTRATION}/events")).send().await.unwrap().json().await.unwrap();
    assert_eq!((events[0].as_str(), events.as_array().unwrap().len()), (Some("test-created"), 6));
    let path = format!("{REGISTRATION}{}", of(1));
    let (status, body) = error(world.get(&path).send().await.unwrap()).await;
    assert_eq!((status, body["errorName"].as_str()), (404, Some("WebhookNotRegistered")));
    let (status, body) = error(world.get(REGISTRATION).send().await.unwrap()).await;
    assert_eq!((status, body["errorName"].as_str()), (400, Some("PartnerRequired")), "an operator says whose");

    // both spellings of properties
    let made: Value = world
        .post(&path, &json!({ "webhookUrl": one.url, "webhookEvents": ["product-upgrade-completed"] }))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(made["WebhookEvents"], json!(["product-upgrade-completed"]));
    assert_eq!(world.get(&path).send().await.unwrap().json::<Value>().await.unwrap(), made);
    assert_eq!(register(&world, 1, &one.url, &["product-upgrade-completed"]).await, made, "the same again");
    let other = json!({ "WebhookUrl": two.url, "WebhookEvents": ["product-upgrade-completed", "product-upgrade-failed"] });
    let (status, body) = error(world.post(&path, &other).send().await.unwrap()).await;
    assert_eq!((status, body["errorName"].as_str()), (409, Some("WebhookAlreadyRegistered")));

    // what waits goes to the new URL
    one.answers(|_| StatusCode::BAD_GATEWAY.into_response());
    world.tell(story(1, 7, &WELL)).await;
    world.eventually(async || one.count() == 1).await;
    let put = world.client.put(format!("{}{path}", world.base)).json(&other).send().await.unwrap();
    assert_eq!(put.status(), 200);
    assert_eq!(put.json::<Value>().await.unwrap()["SubscriberId"], made["SubscriberId"]);
    world.eventually(async || deliveries(&world, "").await[0]["attempts"] == 1).await;
    let id = deliveries(&world, "").await[0]["id"].as_str().unwrap().to_owned();
    world.post(&format!("{DELIVERIES}/{id}/redeliver"), &json!({})).send().await.unwrap();
    world.eventually(async || two.count() == 1).await;

    // nothing is told any more; what waits is dead, and is not lost
    two.answers(|_| StatusCode::BAD_GATEWAY.into_response());
    world.tell(story(1, 8, &BADLY)).await;
    world.eventually(async || two.count() == 2).await;
    let delete = || world.client.delete(format!("{}{path}", world.base)).send();
    assert_eq!(delete().await.unwrap().status(), 204);
    assert_eq!(delete().await.unwrap().status(), 404);
    world.tell(story(1, 9, &BADLY)).await;
    let dead = deliveries(&world, "?state=dead").await;
    assert_eq!((dead.len(), &dead[0]["transitionId"]), (1, &json!(guid(8))));
    let redeliver = format!("{DELIVERIES}/{}/redeliver", dead[0]["id"].as_str().unwrap());
    let (status, body) = error(world.post(&redeliver, &json!({})).send().await.unwrap()).await;
    assert_eq!((status, body["errorName"].as_str()), (404, Some("WebhookNotRegistered")));
    // a new registration begins at its own time
    two.answers(|_| StatusCode::OK.into_response());
    register_for_all(&world, 1, &two.url).await;
    world.tell(story(1, 10, &WELL)).await;
    world.eventually(async || two.count() == 8).await;
    assert!(two.got()[2..].iter().all(|one| one.header("ms-correlationid") == guid(10)));
}

#[tokio::test]
async fn what_leads_nowhere_or_inside_is_not_registered() {
    let world = World::new(silence).await;
    let path = format!("{REGISTRATION}{}", of(1));
    let events = json!(["product-upgrade-failed"]);
    for (url, name) in [
        ("http://example.org/hook", "InvalidWebhookUrl"),
        ("https://user:hunter2@example.org/", "InvalidWebhookUrl"),
        ("https://localhost/", "InvalidWebhookUrl"),
        ("https://127.0.0.1/", "InvalidWebhookUrl"),
        ("https://0x7f000001/", "InvalidWebhookUrl"),
        ("https://169.254.169.254/latest/meta-data", "InvalidWebhookUrl"),
        ("https://[::ffff:10.0.0.1]/", "InvalidWebhookUrl"),
        ("gopher://example.org", "InvalidWebhookUrl"),
        ("", "InvalidBody"),
    ] {
        let (status, body) = error(world.post(&path, &json!({ "WebhookUrl": url, "WebhookEvents": events })).send().await.unwrap()).await;
        assert_eq!((status, body["errorName"].as_str()), (400, Some(name)), "{url}");
        assert!(!body.to_string().contains("hunter2"), "{body}");
    }
    let url = "https://example.org/hook";
    for (body, name) in [
        (json!({ "WebhookUrl": url }), "InvalidBody"),
        (json!({ "WebhookUrl": url, "WebhookEvents": [] }), "InvalidBody"),
        (json!({ "WebhookUrl": url, "WebhookEvents": ["subscription-updated"] }), "UnknownWebhookEvent"),
        (json!({ "WebhookUrl": url, "WebhookEvents": events, "SubscriberId": "me" }), "InvalidBody"),
    ] {
        let (status, answer) = error(world.post(&path, &body).send().await.unwrap()).await;
        assert_eq!((status, answer["errorName"].as_str()), (400, Some(name)), "{body}");
    }
}

#[tokio::test]
async fn a_url_that_was_let_in_before_is_not_called_when_it_leads_inside() {
    // registered while trials were allowed; then they are not any more, on the same database
    let receiver = Receiver::start().await;
    let world = World::with(Settings { webhooks: WebhookSettings { sends: false, ..trial().webhooks }, ..trial() }, silence).await;
    let port = receiver.url.rsplit(':').next().unwrap().to_owned();
    for (partner, url) in [(1, receiver.url.clone()), (2, format!("https://localhost:{port}")), (3, format!("https://127.0.0.1:{port}"))] {
        register_for_all(&world, partner, &url).await;
        world.tell(story(partner, 6 + partner, &BADLY)).await;
    }
    let strict = Settings { webhooks: WebhookSettings { allow_internal: false, ..trial().webhooks }, ..trial() };
    let replica = replica(&world, strict).await;
    world.eventually(async || deliveries(&world, "?state=pending").await.iter().filter(|one| one["attempts"] == 1).count() >= 3).await;
    for (partner, why) in
        [(1, "it is not https"), (2, "it leads to an address that is not public"), (3, "it leads to an address that is not public")]
    {
        let found = deliveries(&world, &of(partner)).await;
        let tried = found.iter().find(|one| one["attempts"] == 1).unwrap();
        assert_eq!(tried["lastError"], why, "{partner}");
    }
    assert_eq!(receiver.count(), 0);
    replica.stop().await;
}

/// Another replica on the same database and broker.
async fn replica(world: &World, settings: Settings) -> Replica {
    let mut options = Options::new(world.database.clone(), world.broker.for_service(Service::Gateway), planshift_worker::Ports::system());
    options.address.set_port(0);
    (options.settings, options.auth) = (settings, local());
    let (gateway, stop) = (Gateway::bind(options).await.unwrap(), CancellationToken::new());
    let stopped = stop.clone();
    let running = tokio::spawn(async move { gateway.run(stopped).await.unwrap() });
    Replica { stop, running }
}

struct Replica {
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl Replica {
    async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.running).await.expect("it stops").unwrap();
    }
}

#[tokio::test]
async fn several_replicas_tell_each_event_once_and_sign_alike() {
    // with the key that one of them makes
    let own = || Settings { webhooks: WebhookSettings { signing: None, ..trial().webhooks }, ..trial() };
    let (world, receiver) = (World::with(own(), silence).await, Receiver::start().await);
    let replicas = [replica(&world, own()).await, replica(&world, own()).await];
    register_for_all(&world, 1, &receiver.url).await;
    for n in 1..=30 {
        world.coordinator.publish(vec![told(&story(1, n, &WELL))]).await.unwrap();
    }
    world.eventually(async || receiver.count() >= 180).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let got = receiver.got();
    assert_eq!((got.len(), got.iter().map(Got::id).collect::<BTreeSet<_>>().len()), (180, 180));
    // one from each replica
    let mut signed = BTreeSet::new();
    for one in &got {
        if signed.insert(one.header("x-ms-certificate-url").to_owned()) {
            one.check_signature().await;
        }
    }
    for replica in replicas {
        replica.stop().await;
    }
}

#[tokio::test]
async fn what_a_crash_left_is_sent_once_its_lease_has_ended_under_the_same_id() {
    static TAKE: Statement = Statement::new("UPDATE webhook_deliveries SET lease = $1, next_at = $2 WHERE state = 'pending'");
    let clock = Forward::default();
    let quiet = Settings { webhooks: WebhookSettings { sends: false, ..trial().webhooks }, ..trial() };
    let world = World::in_time(clock.ports(), local(), quiet, silence).await;
    let receiver = Receiver::start().await;
    register_for_all(&world, 1, &receiver.url).await;
    world.tell(story(1, 7, &WELL)).await;
    // one that makes deliveries and is gone: what it had taken is under its lease
    receiver.answers(|_| StatusCode::SERVICE_UNAVAILABLE.into_response());
    let first = replica(&world, trial()).await;
    world.eventually(async || receiver.count() > 0).await;
    first.stop().await;
    let before: BTreeSet<String> = deliveries(&world, "").await.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
    let now = planshift_worker::Ports::system().clock.now().as_micros();
    let args = Args::new().value(Uuid::from_u128(1)).value(now + 1_000_000);
    assert_eq!(world.database.execute(&TAKE, args).await.unwrap(), 6);
    receiver.answers(|_| StatusCode::OK.into_response());
    let (count, second) = (receiver.count(), replica(&world, trial()).await);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(receiver.count(), count, "nobody takes what another has");
    world.eventually(async || deliveries(&world, "?state=delivered").await.len() == 6).await;
    let after: BTreeSet<String> = receiver.got()[count..].iter().map(|one| one.id().to_owned()).collect();
    assert_eq!((before.len(), &before), (6, &after));
    second.stop().await;
}
