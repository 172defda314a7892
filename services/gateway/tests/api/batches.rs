//! Batches: what comes in, what is started, and what is shown of it.

use crate::{live::Reading, world::*};
use planshift_domain::{
    ids::TransitionId,
    message::{
        Body as _,
        plan::{PlanOutcome, PlanSource, PlanTransition, PlannedGroup, PlannedTransition, TransitionPlanned},
        request::{Priority, StartAnswered, StartTransition},
    },
    step::Step,
    time::Timestamp,
    transition::{Failure, Finding, Findings, State},
};
use planshift_messaging::{Delivery, Outgoing};
use planshift_worker::codec;
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
};
use uuid::Uuid;

const PATH: &str = "/v1/productUpgrades/batches";
const PARTNER: u128 = 1;

/// A coordinator that ends each transition as it is told to: at once, or when it is let go.
#[derive(Clone, Default)]
pub struct Fake(Arc<Mutex<Inner>>);

#[derive(Default)]
pub struct Inner {
    pub started: Vec<StartTransition>,
    pub by_request: HashMap<Uuid, TransitionId>,
    /// Customers whose transitions fail, and those that the dry run refuses.
    pub fails: HashSet<u128>,
    pub refused: HashSet<u128>,
    /// Customers whose transitions find that they may not move.
    pub ineligible: HashSet<u128>,
    /// Transitions stay under way.
    pub holds: bool,
    pub held: Vec<(StartTransition, TransitionId)>,
}

impl Fake {
    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub fn script(&self) -> impl FnMut(&Delivery) -> Vec<Outgoing> + Send + 'static {
        let fake = self.clone();
        move |delivery| match delivery.message.kind.as_str() {
            StartTransition::TYPE => fake.inner().start(delivery),
            PlanTransition::TYPE => fake.inner().plan(delivery),
            _ => Vec::new(),
        }
    }

    /// The transitions that are held go to their ends.
    pub async fn let_go(&self, world: &World) {
        let ends: Vec<Outgoing> = {
            let mut inner = self.inner();
            let held = std::mem::take(&mut inner.held);
            held.iter().map(|(start, id)| inner.end(start, *id)).collect()
        };
        world.coordinator.publish(ends).await.unwrap();
    }
}

impl Inner {
    fn start(&mut self, delivery: &Delivery) -> Vec<Outgoing> {
        let start: StartTransition = codec::body(&delivery.message).unwrap();
        let (is_new, id) = match self.by_request.get(&start.request_id) {
            Some(id) => (false, *id),
            None => (true, TransitionId(Uuid::new_v4())),
        };
        self.by_request.insert(start.request_id, id);
        let outcome = planshift_domain::message::request::StartOutcome::Accepted { transition_id: id };
        let mut out = vec![answer(delivery, &StartAnswered { request_id: start.request_id, outcome })];
        if is_new {
            out.push(event(&start, id, 1, State::Requested, None));
            if self.holds {
                self.held.push((start.clone(), id));
            } else {
                out.push(self.end(&start, id));
            }
            self.started.push(start);
        }
        out
    }

    fn end(&self, start: &StartTransition, id: TransitionId) -> Outgoing {
        if self.fails.contains(&start.customer_id.0.as_u128()) {
            let failure =
                Failure { step: Step::Mapping, resource_id: "x".into(), code: "FaultInjected".into(), description: "on purpose".into() };
            return event(start, id, 9, State::Compensated, Some(failure));
        }
        let is_ineligible = self.ineligible.contains(&start.customer_id.0.as_u128());
        event(start, id, 9, if is_ineligible { State::Ineligible } else { State::Completed }, None)
    }

    fn plan(&self, delivery: &Delivery) -> Vec<Outgoing> {
        let question: PlanTransition = codec::body(&delivery.message).unwrap();
        let is_refused = self.refused.contains(&question.customer_id.0.as_u128());
        let reason = |code: &str| Finding { code: code.into(), resource_id: question.customer_id.to_string(), description: "No.".into() };
        let reasons = if is_refused { vec![reason("CustomerAgreementMissing"), reason("PendingOrder")] } else { Vec::new() };
        let group = PlannedGroup {
            reseller: line(1).reseller,
            reseller_name: None,
            subscriptions_total: 3,
            subscriptions: Vec::new(),
            plan: PlanSource::Bought,
        };
        let planned = PlannedTransition {
            facts_version: 1,
            checked_at: Timestamp::from_micros(0),
            plan_hash: "ab".repeat(32),
            nothing_in_scope: false,
            subscriptions_total: 3,
            groups_total: 1,
            groups: vec![group],
            reasons_total: u32::try_from(reasons.len()).unwrap(),
            findings: Findings { reasons, warnings: Vec::new() },
            warnings_total: 0,
            budget: None,
            currency_code: "EUR".into(),
        };
        vec![answer(delivery, &TransitionPlanned { request_id: question.request_id, outcome: PlanOutcome::Planned(Box::new(planned)) })]
    }
}

fn event(start: &StartTransition, id: TransitionId, version: u32, state: State, failure: Option<Failure>) -> Outgoing {
    let mut event = changed(1, version, state);
    let row = &mut event.transition;
    (row.id, row.partner_id, row.customer_id, row.batch) = (id, start.partner_id, start.customer_id, start.batch);
    (row.failure, row.lines) = (failure, 3);
    told(&event)
}

async fn world(fake: &Fake, customers: u128) -> World {
    let world = World::new(fake.script()).await;
    for n in 1..=customers {
        world.tell_customer(PARTNER, n).await;
    }
    world
}

fn rows(customers: impl Iterator<Item = u128>) -> Vec<Value> {
    customers.map(|n| json!({ "customerId": guid(n), "externalReferenceId": format!("row {n}") })).collect()
}

async fn created(world: &World, body: &Value) -> Value {
    let response = world.post(PATH, body).send().await.unwrap();
    assert_eq!(response.status(), 201, "{}", response.text().await.unwrap());
    response.json().await.unwrap()
}

async fn batch(world: &World, id: &Value) -> Value {
    world.get(&format!("{PATH}/{}", id.as_str().unwrap())).send().await.unwrap().json().await.unwrap()
}

async fn in_state(world: &World, id: &Value, state: &str) -> Value {
    world.eventually(async || batch(world, id).await["state"] == state).await;
    batch(world, id).await
}

async fn act(world: &World, id: &Value, act: &str, body: &Value) -> (u16, Value) {
    let response = world.post(&format!("{PATH}/{}/{act}", id.as_str().unwrap()), body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn a_table_is_started_row_by_row_and_its_results_are_a_table() {
    let fake = Fake::default();
    let world = world(&fake, 30).await;
    let mut table = "\u{feff}externalReferenceId;customerId\r\n".to_owned();
    (1..=30).for_each(|n| table += &format!("\"=row;{n}\";{}\r\n", guid(n)));
    let post = |body: String| {
        let url = format!("{}{PATH}?externalReferenceId=may&start=true&atOnce=7", world.base);
        world.client.post(url).header("content-type", "text/csv").body(body).send()
    };
    let made: Value = post(table.clone()).await.unwrap().json().await.unwrap();
    let id = &made["batchId"];
    let done = in_state(&world, id, "Completed").await;
    assert_eq!((&done["counts"]["completed"], &done["percent"], &done["rows"]), (&json!(30), &json!(100), &json!(30)), "{done}");
    assert_eq!((&done["subscriptions"], &done["settled"]), (&json!({ "total": 90, "completed": 90 }), &json!(true)));
    {
        let inner = fake.inner();
        let of: Vec<_> = inner.started.iter().map(|start| start.batch.as_ref().unwrap().row).collect();
        assert_eq!(of.len(), 30);
        assert!(inner.started.iter().all(|start| start.priority == Priority::Background && start.actor == "local"));
    }
    // the same again is the same batch, and something else is not
    let again: Value = post(table.clone()).await.unwrap().json().await.unwrap();
    assert_eq!((&again["batchId"], &again["state"]), (id, &json!("Completed")));
    let other = post(table.replace("=row;7\"", "=row;8\"")).await.unwrap();
    let (status, body) = error(other).await;
    assert_eq!((status, &body["errorName"], &body["differences"]), (409, &json!("BatchDiffers"), &json!(["rows"])));
    assert_eq!(fake.inner().started.len(), 30);

    let results = world.get(&format!("{PATH}/{}/results?format=csv", id.as_str().unwrap())).send().await.unwrap();
    let text = results.text().await.unwrap();
    let mut lines = text.lines();
    assert!(lines.next().unwrap().starts_with("row,customerId,"), "{text}");
    assert!(text.contains("'=row;7") && lines.count() == 30, "{text}");
    let results: Value = world.get(&format!("{PATH}/{}/results", id.as_str().unwrap())).send().await.unwrap().json().await.unwrap();
    assert_eq!((results["items"].as_array().unwrap().len(), &results["items"][6]["row"]), (30, &json!(7)));
    let page: Value =
        world.get(&format!("{PATH}/{}/rows?size=20&state=completed", id.as_str().unwrap())).send().await.unwrap().json().await.unwrap();
    assert_eq!(page["items"].as_array().unwrap().len(), 20);
    let next = page["links"]["next"]["uri"].as_str().unwrap();
    let page: Value = world.get(&format!("/v1{next}")).send().await.unwrap().json().await.unwrap();
    assert_eq!((page["items"].as_array().unwrap().len(), &page["items"][0]["row"]), (10, &json!(21)));
    let history: Value = world.get(&format!("{PATH}/{}/history", id.as_str().unwrap())).send().await.unwrap().json().await.unwrap();
    assert_eq!((&history["items"][0]["act"], &history["items"][1]["act"]), (&json!("Complete"), &json!("Create")));
}

#[tokio::test]
async fn every_fault_is_told_and_nothing_is_taken() {
    let fake = Fake::default();
    let world = world(&fake, 5).await;
    let running = json!({ "externalReferenceId": "first", "start": true, "rows": rows(5..=5) });
    fake.inner().holds = true;
    created(&world, &running).await;
    let mut all = rows([1, 2, 1, 77, 5].into_iter());
    all.push(json!({ "customerId": "17", "colour": "red" }));
    let (status, body) = error(world.post(PATH, &json!({ "rows": all })).send().await.unwrap()).await;
    assert_eq!((status, &body["errorName"], &body["faults"]), (400, &json!("InvalidBatch"), &json!(5)), "{body}");
    let said: Vec<_> =
        body["data"].as_array().unwrap().iter().map(|fault| (fault["row"].as_u64().unwrap(), fault["column"].as_str().unwrap())).collect();
    assert_eq!(said, [(3, "customerId"), (4, "customerId"), (5, "customerId"), (6, "colour"), (6, "customerId")], "{body}");
    let text = body["description"].as_str().unwrap();
    for why in ["row 1 already", "was imported", "\"first\", which is at work"] {
        assert!(text.contains(why), "{why}: {text}");
    }
    static ROWS: planshift_storage::Statement = planshift_storage::Statement::new("SELECT count(*) FROM batch_rows");
    let kept: i64 = world.database.query(&ROWS, planshift_storage::Args::new()).await.unwrap()[0].get(0).unwrap();
    assert_eq!(kept, 1, "the first batch's alone");
    for wrong in [
        json!({ "rows": [] }),
        json!({}),
        json!({ "rows": rows(1..=1), "filter": { "customers": "all" } }),
        json!({ "filter": { "customers": "some" } }),
        json!({ "rows": rows(1..=1), "atOnce": 0 }),
        json!({ "rows": rows(1..=1), "startt": true }),
    ] {
        let (status, _) = error(world.post(PATH, &wrong).header("x-locale", "fr").send().await.unwrap()).await;
        assert_eq!(status, 400, "{wrong}");
    }
    let list: Value = world.get(PATH).send().await.unwrap().json().await.unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_batch_is_paused_drained_resumed_and_cancelled() {
    let fake = Fake::default();
    let world = world(&fake, 20).await;
    fake.inner().holds = true;
    let made = created(&world, &json!({ "rows": rows(1..=20), "atOnce": 4 })).await;
    let id = &made["batchId"];
    assert_eq!(made["state"], "Draft");
    assert_eq!(act(&world, id, "pause", &json!({})).await.1["errorName"], "NotAllowedInState");
    assert_eq!(act(&world, id, "start", &json!({ "reason": "now", "actor": "ann" })).await.1["state"], "Running");
    world.eventually(async || batch(&world, id).await["counts"]["running"] == 4).await;
    assert_eq!(fake.inner().started.len(), 4, "as many at once as may be");
    let paused = act(&world, id, "pause", &json!({ "reason": "lunch" })).await.1;
    assert_eq!((&paused["state"], &paused["drained"]), (&json!("Pausing"), &json!(false)));
    fake.let_go(&world).await;
    let paused = in_state(&world, id, "Paused").await;
    assert_eq!((&paused["drained"], &paused["counts"]["completed"], &paused["counts"]["waiting"]), (&json!(true), &json!(4), &json!(16)));
    assert_eq!(fake.inner().started.len(), 4, "nothing new starts");
    assert_eq!(act(&world, id, "resume", &json!({})).await.1["state"], "Running");
    world.eventually(async || fake.inner().started.len() == 8).await;
    assert_eq!(act(&world, id, "cancel", &json!({ "reason": "no more" })).await.1["state"], "Cancelling");
    fake.let_go(&world).await;
    let ended = in_state(&world, id, "Cancelled").await;
    assert_eq!((&ended["counts"]["completed"], &ended["counts"]["cancelled"]), (&json!(8), &json!(12)), "{ended}");
    let history: Value = world.get(&format!("{PATH}/{}/history", id.as_str().unwrap())).send().await.unwrap().json().await.unwrap();
    let acts: Vec<_> = history["items"].as_array().unwrap().iter().map(|act| act["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["Drain", "Cancel", "Resume", "Drain", "Pause", "Start", "Create"]);
    assert_eq!((&history["items"][5]["actor"], &history["items"][5]["reason"]), (&json!("ann (local)"), &json!("now")));
}

#[tokio::test]
async fn a_batch_is_followed_to_its_end_and_its_acts_are_in_the_audit() {
    let fake = Fake::default();
    let world = world(&fake, 6).await;
    fake.inner().holds = true;
    let made = created(&world, &json!({ "rows": rows(1..=6), "atOnce": 6, "externalReferenceId": "may" })).await;
    let id = &made["batchId"];
    let path = format!("{PATH}/{}/events", id.as_str().unwrap());
    let mut reading = Reading::open(&world.base, &path, None).await;
    let first = reading.next().await.unwrap();
    assert_eq!((first.name.as_str(), &first.data["state"], &first.data["batchId"]), ("state", &json!("Draft"), id));
    assert_eq!(act(&world, id, "start", &json!({ "reason": "now", "actor": "ann" })).await.1["state"], "Running");
    let running = reading.until(|event| event.data["counts"]["running"] == 6).await;
    // who comes again with the last id hears of what has changed since
    let last = running.last().unwrap().id.clone();
    drop(reading);
    let mut again = Reading::open(&world.base, &path, Some(&last)).await;
    fake.let_go(&world).await;
    let events = again.until(|event| event.name == "end").await;
    assert!(events.iter().all(|event| event.id != last), "what is known is not told again");
    let end = events.last().unwrap();
    assert_eq!((&end.data["state"], &end.data["counts"]["completed"]), (&json!("Completed"), &json!(6)));
    assert!(again.next().await.is_none(), "it ends by itself");
    let over = world.get(&path).header("Last-Event-ID", &end.id).send().await.unwrap();
    assert_eq!(over.status(), 204);

    let records = async |query: &str| -> Value {
        // {"Field":"ResourceType","Value":"product_upgrade_batch","Operator":"equals"}
        let filter = "%7B%22Field%22%3A%22ResourceType%22%2C%22Value%22%3A%22product_upgrade_batch%22%2C%22Operator%22%3A%22equals%22%7D";
        let request = world.get(&format!("/v1/auditrecords?size=2&filter={filter}&continuationToken={query}"));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    };
    let (first, mut all) = (records("").await, Vec::new());
    all.extend(first["items"].as_array().unwrap().clone());
    let next = first["links"]["next"]["uri"].as_str().unwrap().split("continuationToken=").nth(1).unwrap().to_owned();
    all.extend(records(&next).await["items"].as_array().unwrap().clone());
    let told: Vec<_> = all.iter().map(|record| record["operationType"].as_str().unwrap()).collect();
    assert_eq!(told, ["complete_product_upgrade_batch", "start_product_upgrade_batch", "create_product_upgrade_batch"]);
    assert_eq!(all[1]["userPrincipalName"], "ann (local)");
    let data = all[1]["customizedData"].as_array().unwrap();
    for expected in [json!({ "key": "Text", "value": "now" }), json!({ "key": "ExternalReferenceId", "value": "may" })] {
        assert!(data.contains(&expected), "{expected} in {data:?}");
    }
}

#[tokio::test]
async fn it_stops_when_too_many_fail_and_those_are_tried_again() {
    let fake = Fake::default();
    let world = world(&fake, 12).await;
    fake.inner().fails = (1..=4).collect();
    let body = json!({ "rows": rows(1..=12), "atOnce": 1, "stopPercent": 50, "stopMinimum": 3, "start": true });
    let id = &created(&world, &body).await["batchId"];
    let stopped = in_state(&world, id, "Stopped").await;
    let failed = stopped["counts"]["failed"].as_i64().unwrap();
    assert!((3..=4).contains(&failed) && stopped["counts"]["waiting"].as_i64().unwrap() > 0, "{stopped}");
    assert!(stopped["note"].as_str().unwrap().contains("more than 50 %"), "{stopped}");
    fake.inner().fails.clear();
    assert_eq!(act(&world, id, "retry", &json!({ "reason": "repaired" })).await.1["state"], "Running");
    let done = in_state(&world, id, "Completed").await;
    assert_eq!(done["counts"]["completed"], 12, "{done}");
    let inner = fake.inner();
    let mut attempts: HashMap<u32, Vec<u32>> = HashMap::new();
    inner.started.iter().filter_map(|start| start.batch.as_ref()).for_each(|of| attempts.entry(of.row).or_default().push(of.attempt));
    assert_eq!(attempts[&1], [1, 2]);
    assert_eq!(attempts.values().map(Vec::len).sum::<usize>(), 12 + usize::try_from(failed).unwrap());
}

#[tokio::test]
async fn a_dry_run_adds_up_and_starts_can_be_held_to_it() {
    let fake = Fake::default();
    let world = world(&fake, 6).await;
    fake.inner().refused = [2, 5].into_iter().collect();
    let id = &created(&world, &json!({ "filter": { "customers": "eligible" } })).await["batchId"];
    let planned = in_state(&world, id, "Planned").await;
    let plan = &planned["plan"];
    assert_eq!(
        (&plan["eligible"], &plan["refused"], &plan["subscriptions"], &plan["plansToBuy"]),
        (&json!(4), &json!(2), &json!(12), &json!(4))
    );
    assert_eq!(
        plan["reasons"],
        json!([{ "code": "CustomerAgreementMissing", "customers": 2 }, { "code": "PendingOrder", "customers": 2 }])
    );
    assert_eq!(fake.inner().started.len(), 0);
    let rows: Value =
        world.get(&format!("{PATH}/{}/rows?state=Ineligible", id.as_str().unwrap())).send().await.unwrap().json().await.unwrap();
    assert_eq!((&rows["items"][1]["row"], &rows["items"][1]["code"]), (&json!(5), &json!("CustomerAgreementMissing")), "{rows}");
    fake.inner().refused = [2].into_iter().collect();
    assert_eq!(act(&world, id, "recheck", &json!({})).await.1["state"], "Planning");
    assert_eq!(in_state(&world, id, "Planned").await["plan"]["eligible"], 5);
    assert_eq!(act(&world, id, "start", &json!({ "keepToPlan": true })).await.0, 200);
    let done = in_state(&world, id, "Completed").await;
    assert_eq!((&done["counts"]["completed"], &done["counts"]["ineligible"]), (&json!(5), &json!(1)));
    assert!(fake.inner().started.iter().all(|start| start.plan_hash.as_deref() == Some(&"ab".repeat(32))));
    let unplanned = created(&world, &json!({ "rows": [{ "customerId": guid(1) }], "keepToPlan": true })).await;
    assert_eq!(act(&world, &unplanned["batchId"], "start", &json!({})).await.1["errorName"], "NotPlanned");
}

#[tokio::test]
async fn the_same_batch_sent_many_times_at_once_is_one() {
    let fake = Fake::default();
    let world = world(&fake, 40).await;
    let body = json!({ "externalReferenceId": "once", "start": true, "rows": rows(1..=40) });
    let sent = (0..6).map(|_| world.post(PATH, &body).send());
    let mut ids = HashSet::new();
    for response in futures::future::join_all(sent).await {
        ids.insert(response.unwrap().json::<Value>().await.unwrap()["batchId"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 1);
    let id = json!(ids.into_iter().next().unwrap());
    assert_eq!(in_state(&world, &id, "Completed").await["counts"]["completed"], 40);
    assert_eq!(fake.inner().started.len(), 40);
    let unknown = world.get(&format!("{PATH}/{}", guid(9))).send().await.unwrap();
    assert_eq!(error(unknown).await.1["errorName"], "BatchNotFound");
}
