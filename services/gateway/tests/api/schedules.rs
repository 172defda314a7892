//! Schedules: what begins when, and what does not, also after an outage and with two gateways. The time is the test's.

use crate::{batches::Fake, receiver::Forward, world::*};
use planshift_domain::time::Timestamp;
use planshift_gateway::{Auth, LocalToken};
use planshift_worker::Ports;
use serde_json::{Value, json};
use std::time::Duration;

const PATH: &str = "/v1/productUpgrades/schedules";
const BATCHES: &str = "/v1/productUpgrades/batches";
const PARTNER: u128 = 1;
const HOUR: Duration = Duration::from_secs(3_600);

struct Stage {
    world: World,
    fake: Fake,
    clock: Forward,
}

/// So many customers, at noon (UTC) of the day after tomorrow: the time is the system's, and more.
async fn stage(customers: u128) -> Stage {
    let (fake, clock) = (Fake::default(), Forward::default());
    let noon = noon(Ports::system().clock.now()).plus_seconds(2 * 24 * 3_600);
    clock.by(Duration::from_micros((noon.as_micros() - Ports::system().clock.now().as_micros()).unsigned_abs()));
    let auth = Auth::local(LocalToken::try_new(TOKEN).unwrap());
    let world = World::in_time(clock.ports(), auth, settings(), fake.script()).await;
    for n in 1..=customers {
        world.tell_customer(PARTNER, n).await;
    }
    Stage { world, fake, clock }
}

fn noon(at: Timestamp) -> Timestamp {
    let day = 24 * 3_600 * 1_000_000;
    Timestamp::from_micros(at.as_micros().div_euclid(day) * day + day / 2)
}

fn customers(numbers: impl Iterator<Item = u128>) -> Value {
    json!(numbers.map(guid).collect::<Vec<_>>())
}

impl Stage {
    fn now(&self) -> Timestamp {
        self.clock.ports().clock.now()
    }

    /// So many days from now, at this hour.
    fn at(&self, days: i64, hour: &str) -> String {
        format!("{}T{hour}", &self.now().plus_seconds(days * 24 * 3_600).to_string()[..10])
    }

    fn date(&self, days: i64) -> String {
        self.at(days, "")[..10].to_owned()
    }

    async fn made(&self, body: &Value) -> Value {
        let response = self.world.post(PATH, body).send().await.unwrap();
        assert_eq!(response.status(), 201, "{}", response.text().await.unwrap());
        response.json().await.unwrap()
    }

    async fn of(&self, schedule: &Value, rest: &str) -> Value {
        let path = format!("{PATH}/{}{rest}", schedule["scheduleId"].as_str().unwrap());
        self.world.get(&path).send().await.unwrap().json().await.unwrap()
    }

    async fn cancel(&self, schedule: &Value) -> (u16, Value) {
        let path = format!("{PATH}/{}/cancel", schedule["scheduleId"].as_str().unwrap());
        let response = self.world.post(&path, &json!({ "reason": "no more", "actor": "ann" })).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn moved(&self, schedule: &Value, body: &Value) -> (u16, Value) {
        let path = format!("{PATH}/{}", schedule["scheduleId"].as_str().unwrap());
        let response = self.world.put(&path, body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn in_state(&self, schedule: &Value, state: &str) -> Value {
        self.world.eventually(async || self.of(schedule, "").await["state"] == state).await;
        self.of(schedule, "").await
    }

    async fn batch_in_state(&self, schedule: &Value, state: &str) {
        self.world.eventually(async || self.of(schedule, "").await["batchState"] == state).await;
    }

    fn started(&self) -> usize {
        self.fake.inner().started.len()
    }

    async fn started_are(&self, count: usize) {
        self.world.eventually(async || self.started() == count).await;
    }

    /// The runner has looked since, and nothing more has begun: a schedule that was due before this one was made has had its turn.
    async fn has_looked(&self, customer: u128) {
        let probe = json!({ "customerId": guid(customer), "at": self.now().plus_seconds(60).to_string()[..19], "timeZone": "UTC" });
        let made = self.made(&probe).await;
        self.clock.by(Duration::from_secs(61));
        self.in_state(&made, "Completed").await;
    }
}

fn lines(page: &Value, name: &str) -> Vec<Value> {
    page["items"].as_array().unwrap().iter().map(|item| item[name].clone()).collect()
}

#[tokio::test]
async fn one_customer_begins_at_its_time_once_and_not_before() {
    let stage = stage(2).await;
    let at = stage.at(1, "03:00");
    let body = json!({ "customerId": guid(1), "at": at, "timeZone": "Europe/Paris", "externalReferenceId": "one", "reason": "agreed" });
    let made = stage.made(&body).await;
    assert_eq!((&made["state"], &made["batchState"], &made["rows"]), (&json!("Waiting"), &json!("Draft"), &json!(1)), "{made}");
    assert_eq!((&made["planned"][0]["opensAt"], &made["planned"][0]["closesAt"]), (&made["nextAt"], &Value::Null));
    let rows = stage.of(&made, "/rows").await;
    assert_eq!((&rows["items"][0]["plannedAt"], &rows["items"][0]["state"]), (&made["nextAt"], &json!("Waiting")), "{rows}");
    stage.has_looked(2).await;
    assert_eq!((stage.started(), &stage.of(&made, "").await["state"]), (1, &json!("Waiting")), "the other alone has begun");
    stage.clock.by(24 * HOUR);
    let done = stage.in_state(&made, "Completed").await;
    assert_eq!((&done["counts"]["completed"], &done["nextAt"], &done["settled"]), (&json!(1), &Value::Null, &json!(true)), "{done}");
    assert!(done["planned"][0]["lateBy"].as_i64() > Some(3_600), "nobody looked for hours: {done}");
    let row = &stage.of(&made, "/rows").await["items"][0];
    assert!(row["transitionId"].is_string() && row["lateBy"].as_i64() > Some(3_600), "{row}");
    assert_eq!(stage.started(), 2);
    // the same again is the same, though its time has gone; something else is not
    let again = stage.made(&body).await;
    assert_eq!((&again["scheduleId"], &again["state"]), (&made["scheduleId"], &json!("Completed")));
    let other = json!({ "customerId": guid(2), "at": at, "timeZone": "UTC", "externalReferenceId": "one" });
    let (status, told) = error(stage.world.post(PATH, &other).send().await.unwrap()).await;
    assert_eq!((status, &told["errorName"], &told["differences"]), (409, &json!("ScheduleDiffers"), &json!(["customerIds", "timeZone"])));
    let history = stage.of(&made, "/history").await;
    assert_eq!(lines(&history, "act"), ["Complete", "Begin", "Create"]);
    assert_eq!((&history["items"][2]["reason"], &history["items"][2]["actor"]), (&json!("agreed"), &json!("local")));
}

#[tokio::test]
async fn customers_are_spread_over_nights_and_nothing_begins_between_them() {
    let stage = stage(8).await;
    stage.fake.inner().holds = true;
    let body = json!({
        "customerIds": customers(1..=7), "at": stage.date(0), "timeZone": "UTC", "window": { "from": "22:00", "to": "05:00" }, "spread": 3,
    });
    let made = stage.made(&body).await;
    let shares: Vec<_> = made["planned"].as_array().unwrap().iter().map(|day| day["rows"].as_u64().unwrap()).collect();
    assert_eq!(shares, [3, 2, 2], "{made}");
    let rows = stage.of(&made, "/rows").await;
    assert_eq!(lines(&rows, "day"), [1, 1, 1, 2, 2, 3, 3]);
    // the first night; what is under way at its end goes to its own
    stage.clock.by(11 * HOUR);
    stage.started_are(3).await;
    stage.clock.by(7 * HOUR);
    stage.batch_in_state(&made, "Pausing").await;
    stage.fake.let_go(&stage.world).await;
    stage.batch_in_state(&made, "Paused").await;
    stage.fake.inner().holds = false;
    stage.has_looked(8).await;
    assert_eq!(stage.started(), 4, "by day nothing begins");
    // the second night is missed: the third has both
    stage.clock.by(42 * HOUR);
    let done = stage.in_state(&made, "Completed").await;
    assert_eq!((&done["counts"]["completed"], stage.started()), (&json!(7), 8), "{done}");
    assert_eq!((&done["planned"][0]["lateBy"], &done["planned"][2]["lateBy"]), (&Value::Null, &Value::Null), "{done}");
    assert!(done["planned"][1]["lateBy"].as_i64() > Some(0), "{done}");
    let late: Vec<bool> = lines(&stage.of(&made, "/rows").await, "lateBy").iter().map(|late| !late.is_null()).collect();
    assert_eq!(late, [false, false, false, true, true, false, false]);
    let path = format!("{BATCHES}/{}/history", made["batchId"].as_str().unwrap());
    let history: Value = stage.world.get(&path).send().await.unwrap().json().await.unwrap();
    assert_eq!(lines(&history, "act"), ["Complete", "Open", "Drain", "Close", "Start", "Create"]);
}

#[tokio::test]
async fn hours_that_are_too_short_go_on_in_the_next() {
    let stage = stage(5).await;
    stage.fake.inner().holds = true;
    let rows: Vec<Value> = (1..=4).map(|n| json!({ "customerId": guid(n) })).collect();
    let batch: Value = stage.world.post(BATCHES, &json!({ "rows": rows, "atOnce": 1 })).send().await.unwrap().json().await.unwrap();
    let body =
        json!({ "batchId": batch["batchId"], "at": stage.at(0, "22:30"), "timeZone": "UTC", "window": { "from": "22:00", "to": "23:00" } });
    let made = stage.made(&body).await;
    assert_eq!((&made["batchId"], &made["batchState"]), (&batch["batchId"], &json!("Draft")));
    let path = format!("{BATCHES}/{}", batch["batchId"].as_str().unwrap());
    let now: Value = stage.world.get(&path).send().await.unwrap().json().await.unwrap();
    assert_eq!(now["scheduleId"], made["scheduleId"]);
    // whoever starts it by hand is told who starts it
    let (status, told) = error(stage.world.post(&format!("{path}/start"), &json!({})).send().await.unwrap()).await;
    assert_eq!((status, &told["errorName"], &told["scheduleId"]), (409, &json!("BatchScheduled"), &made["scheduleId"]));
    let (status, told) = error(stage.world.post(PATH, &body).send().await.unwrap()).await;
    assert_eq!((status, &told["errorName"]), (409, &json!("BatchScheduled")));
    stage.clock.by(10 * HOUR + HOUR * 3 / 4);
    stage.started_are(1).await;
    stage.clock.by(HOUR);
    stage.batch_in_state(&made, "Pausing").await;
    stage.fake.let_go(&stage.world).await;
    stage.batch_in_state(&made, "Paused").await;
    let late = stage.of(&made, "").await;
    assert!(late["lateBy"].as_i64() > Some(0) && late["nextAt"].is_string(), "three rows should have begun: {late}");
    // somebody has it go on by day: its hours are over
    assert_eq!(stage.world.post(&format!("{path}/resume"), &json!({})).send().await.unwrap().status(), 200);
    stage.batch_in_state(&made, "Paused").await;
    assert_eq!(stage.started(), 1);
    stage.fake.inner().holds = false;
    stage.clock.by(23 * HOUR);
    let done = stage.in_state(&made, "Completed").await;
    assert_eq!((&done["counts"]["completed"], &done["lateBy"], stage.started()), (&json!(4), &Value::Null, 4), "{done}");
    // over, it holds nothing back any more
    let now: Value = stage.world.get(&path).send().await.unwrap().json().await.unwrap();
    assert_eq!((&now["scheduleId"], &now["state"]), (&Value::Null, &json!("Completed")));
}

#[tokio::test]
async fn what_has_not_begun_is_moved_and_cancelled() {
    let stage = stage(6).await;
    let body = json!({ "customerIds": customers(1..=4), "at": stage.at(1, "03:00"), "timeZone": "UTC", "spread": 2, "reason": "first" });
    let made = stage.made(&body).await;
    let later = json!({ "at": stage.at(5, "03:00"), "timeZone": "UTC", "spread": 2, "reason": "not ready", "actor": "ann" });
    let (status, moved) = stage.moved(&made, &later).await;
    assert_eq!((status, &moved["at"], &moved["version"]), (200, &json!(stage.at(5, "03:00:00")), &json!(2)), "{moved}");
    stage.clock.by(48 * HOUR);
    stage.has_looked(5).await;
    assert_eq!(stage.started(), 1, "not at its old time");
    stage.clock.by(72 * HOUR);
    stage.started_are(3).await;
    // its first day has begun: the second is moved
    stage.batch_in_state(&made, "Paused").await;
    let (status, moved) = stage.moved(&made, &json!({ "at": stage.at(9, "04:00"), "timeZone": "UTC" })).await;
    assert_eq!((status, moved["planned"].as_array().unwrap().len()), (200, 2), "{moved}");
    assert!(moved["planned"][0]["begunAt"].is_string() && moved["planned"][1]["begunAt"].is_null(), "{moved}");
    let (status, cancelled) = stage.cancel(&made).await;
    assert_eq!((status, &cancelled["state"]), (200, &json!("Cancelled")));
    stage.batch_in_state(&made, "Cancelled").await;
    let after = stage.of(&made, "").await;
    assert_eq!((&after["counts"]["completed"], &after["counts"]["cancelled"]), (&json!(2), &json!(2)), "{after}");
    for (status, told) in [stage.cancel(&made).await, stage.moved(&made, &later).await] {
        assert_eq!((status, &told["errorName"], &told["state"]), (409, &json!("NotAllowedInState"), &json!("Cancelled")));
    }
    stage.clock.by(10 * 24 * HOUR);
    stage.has_looked(6).await;
    assert_eq!(stage.started(), 4);
    let history = stage.of(&made, "/history").await;
    assert_eq!(lines(&history, "act"), ["Cancel", "Move", "Begin", "Move", "Create"]);
    let cancel = &history["items"][0];
    assert_eq!((&cancel["reason"], &cancel["actor"]), (&json!("no more"), &json!("ann (local)")));
    assert_eq!((&history["items"][3]["when"]["spread"], &history["items"][4]["reason"]), (&json!(2), &json!("first")));
}

#[tokio::test]
async fn a_batch_that_was_there_before_stays_when_its_schedule_is_cancelled() {
    let stage = stage(2).await;
    let rows = json!({ "rows": [{ "customerId": guid(1) }], "externalReferenceId": "mine", "dryRun": true, "keepToPlan": true });
    let batch: Value = stage.world.post(BATCHES, &rows).send().await.unwrap().json().await.unwrap();
    let path = format!("{BATCHES}/{}", batch["batchId"].as_str().unwrap());
    let of = async || stage.world.get(&path).send().await.unwrap().json::<Value>().await.unwrap();
    stage.world.eventually(async || of().await["state"] == "Planned").await;
    let body = json!({ "batchId": batch["batchId"], "at": stage.at(1, "03:00"), "timeZone": "UTC" });
    let made = stage.made(&body).await;
    assert_eq!(stage.cancel(&made).await.1["state"], "Cancelled");
    assert_eq!((&of().await["state"], &of().await["scheduleId"]), (&json!("Planned"), &Value::Null));
    // and can have another one, which somebody ends by cancelling the batch
    let made = stage.made(&body).await;
    assert_eq!(stage.world.post(&format!("{path}/cancel"), &json!({ "reason": "by hand" })).send().await.unwrap().status(), 200);
    let cancelled = stage.of(&made, "").await;
    assert_eq!((&cancelled["state"], &cancelled["nextAt"]), (&json!("Cancelled"), &Value::Null));
    let (status, told) = error(stage.world.post(PATH, &body).send().await.unwrap()).await;
    assert_eq!((status, &told["errorName"]), (409, &json!("NotAllowedInState")));
    // a batch is found by its name
    let list = async |name: &str| -> Value {
        stage.world.get(&format!("{BATCHES}?externalReferenceId={name}")).send().await.unwrap().json().await.unwrap()
    };
    assert_eq!(lines(&list("mine").await, "batchId"), [batch["batchId"].clone()]);
    assert!(lines(&list("min").await, "batchId").is_empty());
}

#[tokio::test]
async fn somebodys_pause_outlasts_the_hours() {
    let stage = stage(3).await;
    stage.fake.inner().holds = true;
    let rows: Vec<Value> = (1..=2).map(|n| json!({ "customerId": guid(n) })).collect();
    let batch: Value = stage.world.post(BATCHES, &json!({ "rows": rows, "atOnce": 1 })).send().await.unwrap().json().await.unwrap();
    let made = stage
        .made(&json!({ "batchId": batch["batchId"], "at": stage.date(0), "timeZone": "UTC", "window": { "from": "22:00", "to": "23:00" } }))
        .await;
    let path = format!("{BATCHES}/{}", batch["batchId"].as_str().unwrap());
    stage.clock.by(10 * HOUR + HOUR / 2);
    stage.started_are(1).await;
    assert_eq!(stage.world.post(&format!("{path}/pause"), &json!({})).send().await.unwrap().status(), 200);
    stage.fake.let_go(&stage.world).await;
    stage.batch_in_state(&made, "Paused").await;
    stage.fake.inner().holds = false;
    stage.clock.by(24 * HOUR);
    stage.has_looked(3).await;
    assert_eq!((&stage.of(&made, "").await["batchState"], stage.started()), (&json!("Paused"), 2), "whoever has paused it resumes it");
    assert_eq!(stage.world.post(&format!("{path}/resume"), &json!({})).send().await.unwrap().status(), 200);
    assert_eq!(stage.in_state(&made, "Completed").await["counts"]["completed"], 2);
}

#[tokio::test]
async fn one_who_may_not_move_any_more_is_told_as_such() {
    let stage = stage(2).await;
    let made = stage.made(&json!({ "customerIds": customers(1..=2), "at": stage.at(1, "03:00"), "timeZone": "UTC" })).await;
    // at its time the coordinator has it checked again, and it is found ineligible
    stage.fake.inner().ineligible = [2].into_iter().collect();
    stage.clock.by(24 * HOUR);
    let done = stage.in_state(&made, "Completed").await;
    assert_eq!((&done["counts"]["completed"], &done["counts"]["ineligible"]), (&json!(1), &json!(1)), "{done}");
    let rows = stage.of(&made, "/rows?state=Ineligible").await;
    assert_eq!(lines(&rows, "customerId"), [json!(guid(2))]);
    assert!(rows["items"][0]["transitionId"].is_string(), "{rows}");
}

#[tokio::test]
async fn two_gateways_begin_each_row_once() {
    let stage = stage(16).await;
    stage.world.one_more(stage.clock.ports()).await;
    let body = json!({ "externalReferenceId": "once", "customerIds": customers(1..=16), "at": stage.at(0, "22:00"), "timeZone": "UTC", "spread": 2 });
    let sent = (0..4).map(|_| stage.world.post(PATH, &body).send());
    let mut ids = std::collections::BTreeSet::new();
    for response in futures::future::join_all(sent).await {
        let made: Value = response.unwrap().json().await.unwrap();
        ids.insert(made["scheduleId"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned());
    }
    assert_eq!(ids.len(), 1);
    let made = json!({ "scheduleId": ids.into_iter().next() });
    stage.clock.by(11 * HOUR);
    stage.started_are(8).await;
    stage.clock.by(24 * HOUR);
    let done = stage.in_state(&made, "Completed").await;
    assert_eq!(done["counts"]["completed"], 16, "{done}");
    let inner = stage.fake.inner();
    let rows: std::collections::BTreeSet<_> = inner.started.iter().map(|start| start.batch.as_ref().unwrap().row).collect();
    assert_eq!((rows.len(), inner.started.len()), (16, 16));
}

#[tokio::test]
async fn what_cannot_be_is_told_and_nothing_is_taken() {
    let stage = stage(3).await;
    let at = stage.at(1, "03:00");
    let taken = stage.made(&json!({ "customerId": guid(3), "at": at, "timeZone": "UTC", "externalReferenceId": "taken" })).await;
    let with = |more: Value| {
        let mut body = json!({ "customerId": guid(1), "at": at, "timeZone": "UTC" });
        more.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        body
    };
    for (body, name) in [
        (json!({ "customerId": guid(1) }), "InvalidSchedule"),
        (with(json!({ "at": "soon" })), "InvalidSchedule"),
        (with(json!({ "at": "2020-01-01" })), "InvalidSchedule"),
        (with(json!({ "at": "2099-01-01" })), "InvalidSchedule"),
        (with(json!({ "timeZone": "Mars/Olympus" })), "InvalidSchedule"),
        (with(json!({ "window": { "from": "22:00" } })), "InvalidSchedule"),
        (with(json!({ "window": { "from": "22:00", "to": "22:00" } })), "InvalidSchedule"),
        (with(json!({ "days": ["Someday"] })), "InvalidSchedule"),
        (with(json!({ "spread": 0 })), "InvalidBody"),
        (with(json!({ "customerIds": [guid(2)] })), "InvalidBody"),
        (with(json!({ "customerId": null })), "InvalidBody"),
        (with(json!({ "customerId": null, "customerIds": [guid(1), "17"] })), "InvalidBatch"),
        (with(json!({ "customerId": null, "customerIds": [guid(1), guid(1)] })), "InvalidBatch"),
        (with(json!({ "customerId": guid(77) })), "InvalidBatch"),
        (with(json!({ "customerId": guid(3) })), "InvalidBatch"),
    ] {
        for locale in ["en-US", "fr"] {
            let (status, told) = error(stage.world.post(PATH, &body).header("x-locale", locale).send().await.unwrap()).await;
            assert_eq!((status, &told["errorName"]), (400, &json!(name)), "{body}: {told}");
        }
    }
    let (_, told) = error(stage.world.post(PATH, &with(json!({ "customerId": guid(3) }))).send().await.unwrap()).await;
    assert!(told["description"].as_str().unwrap().contains("\"taken\", which is at work or has a schedule"), "{told}");
    let (status, told) =
        error(stage.world.post(PATH, &with(json!({ "customerId": null, "batchId": guid(5) }))).send().await.unwrap()).await;
    assert_eq!((status, &told["errorName"]), (404, &json!("BatchNotFound")));
    let rows = json!({ "rows": [{ "customerId": guid(1) }], "externalReferenceId": "a batch" });
    assert_eq!(stage.world.post(BATCHES, &rows).send().await.unwrap().status(), 201);
    let (status, told) = error(stage.world.post(PATH, &with(json!({ "externalReferenceId": "a batch" }))).send().await.unwrap()).await;
    assert_eq!((status, &told["errorName"]), (409, &json!("BatchDiffers")));
    // a batch of a customer that has a schedule is held back as one of a batch at work is
    let rows = json!({ "rows": [{ "customerId": guid(3) }] });
    assert_eq!(error(stage.world.post(BATCHES, &rows).send().await.unwrap()).await.1["errorName"], "InvalidBatch");
    let (status, told) = stage.moved(&taken, &json!({ "at": "2020-01-01", "timeZone": "UTC" })).await;
    assert_eq!((status, &told["errorName"]), (400, &json!("InvalidSchedule")));
    let unknown = json!({ "scheduleId": guid(9) });
    assert_eq!(stage.cancel(&unknown).await.1["errorName"], "ScheduleNotFound");
    let list: Value = stage.world.get(PATH).send().await.unwrap().json().await.unwrap();
    assert_eq!(lines(&list, "version"), [1], "{list}");
}

#[tokio::test]
async fn schedules_are_listed_by_state_customer_and_time() {
    let stage = stage(5).await;
    let mut ids = Vec::new();
    for n in 1..=4_u8 {
        let at = stage.at(n.into(), "03:00");
        ids.push(stage.made(&json!({ "customerId": guid(n.into()), "at": at, "timeZone": "UTC" })).await["scheduleId"].clone());
    }
    let list = async |query: String| -> Value { stage.world.get(&format!("{PATH}?{query}")).send().await.unwrap().json().await.unwrap() };
    let page = list("size=3".to_owned()).await;
    assert_eq!(lines(&page, "scheduleId"), [ids[3].clone(), ids[2].clone(), ids[1].clone()]);
    let next: Value =
        stage.world.get(&format!("/v1{}", page["links"]["next"]["uri"].as_str().unwrap())).send().await.unwrap().json().await.unwrap();
    assert_eq!(lines(&next, "scheduleId"), [ids[0].clone()]);
    assert_eq!(lines(&list(format!("customerId={}", guid(2))).await, "scheduleId"), [ids[1].clone()]);
    assert_eq!(lines(&list(format!("partnerId={}&customerId={}", guid(PARTNER), guid(2))).await, "scheduleId"), [ids[1].clone()]);
    let range = format!("from={}Z&to={}Z", stage.at(2, "00:00:00"), stage.at(3, "03:00:00"));
    assert_eq!(lines(&list(range).await, "scheduleId"), [ids[1].clone()]);
    stage.cancel(&json!({ "scheduleId": ids[0] })).await;
    assert_eq!(lines(&list("state=cancelled".to_owned()).await, "scheduleId"), [ids[0].clone()]);
    assert_eq!(lines(&list("state=Waiting".to_owned()).await, "scheduleId").len(), 3);
    let (status, told) = error(stage.world.get(&format!("{PATH}?state=Open")).send().await.unwrap()).await;
    assert_eq!((status, &told["errorName"]), (400, &json!("InvalidParameter")));
}
