//! Who lives, and what waits in queues: as operators ask it, and as the page of operations shows it.

use crate::world::*;
use planshift_domain::{
    message::{
        Body,
        instance::{InstanceAlive, Living},
        operator::{ReadSteps, StepState, StepsRead},
    },
    step::Step,
    time::Timestamp,
};
use planshift_messaging::{Delivery, Destination, Outgoing, Queue, Service};
use planshift_worker::codec;
use serde_json::{Value, json};
use uuid::Uuid;

fn alive(number: u128, version: &str) -> InstanceAlive {
    InstanceAlive {
        instance_id: Uuid::from_u128(number),
        host: "<b>box</b>".into(),
        process: 17,
        version: version.into(),
        since: Timestamp::from_micros(5_000_000),
        state: Living::Alive,
        in_hand: 3,
    }
}

/// Until a gateway listens for answers nobody hears it: it is told again.
async fn tell(world: &World, service: Service, told: &InstanceAlive) {
    let broker = world.broker.for_service(service);
    world
        .eventually(async || {
            broker.publish(vec![message(Destination::Askers, told)]).await.unwrap();
            let state = format!("{:?}", told.state).to_lowercase();
            let is_it = |one: &Value| one["instanceId"] == told.instance_id.to_string() && one["state"] == state;
            read(world, "/v1/instances").await["items"].as_array().unwrap().iter().any(is_it)
        })
        .await;
}

async fn read(world: &World, path: &str) -> Value {
    let response = world.get(path).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    response.json().await.unwrap()
}

/// A coordinator that says that mapping is paused.
fn paused(delivery: &Delivery) -> Vec<Outgoing> {
    if delivery.message.kind != ReadSteps::TYPE {
        return Vec::new();
    }
    let step = |step, paused| StepState { step, paused, last: None, in_flight: 0, held: 0, drained: false };
    let steps = vec![step(Step::Purchasing, false), step(Step::Mapping, true)];
    let request_id = codec::body::<ReadSteps>(&delivery.message).unwrap().request_id;
    vec![answer(delivery, &StepsRead { request_id, steps, waiting: 0, under_way_limit: 100 })]
}

#[tokio::test]
async fn who_lives_is_told_with_its_version_and_whether_its_step_is_paused() {
    let world = World::new(paused).await;
    assert_eq!(read(&world, "/v1/instances").await, json!({ "items": [], "versions": [], "complete": false, "tooMany": [] }));
    tell(&world, Service::Mapping, &alive(1, "1.0.0")).await;
    tell(&world, Service::Mapping, &alive(2, "2.0.0")).await;
    tell(&world, Service::Purchasing, &alive(3, "2.0.0")).await;
    tell(&world, Service::Coordinator, &alive(4, "2.0.0")).await;
    let told = read(&world, "/v1/instances").await;
    let told_of = |one: &Value| (one["service"].as_str().unwrap().to_owned(), one["version"].clone(), one["stepPaused"].clone());
    let items: Vec<_> = told["items"].as_array().unwrap().iter().map(told_of).collect();
    let of = |service: &str, version: &str, paused: Value| (service.to_owned(), json!(version), paused);
    assert_eq!(
        items,
        [
            of("purchasing", "2.0.0", json!(false)),
            of("mapping", "1.0.0", json!(true)),
            of("mapping", "2.0.0", json!(true)),
            of("coordinator", "2.0.0", Value::Null),
        ]
    );
    assert_eq!((&told["versions"], &told["items"][1]["inHand"]), (&json!(["1.0.0", "2.0.0"]), &json!(3)), "{told}");

    let page = world.get("/portal/operations/now").header("accept", "text/html").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("More than one version is at work") && page.contains("its step is paused"), "{page}");
    assert!(page.contains("&lt;b&gt;box&lt;/b&gt;") && !page.contains("<b>box"), "a name is text: {page}");

    tell(&world, Service::Mapping, &InstanceAlive { state: Living::Stopped, ..alive(1, "1.0.0") }).await;
    assert_eq!(read(&world, "/v1/instances").await["versions"], json!(["2.0.0"]));
}

#[tokio::test]
async fn every_replica_hears_for_itself_and_a_stranger_to_the_shape_is_a_dead_letter() {
    let world = World::new(silence).await;
    world.one_more(planshift_worker::Ports::system()).await;
    tell(&world, Service::Mapping, &alive(1, "1.0.0")).await;
    let mut wrong = message(Destination::Askers, &alive(2, "1.0.0"));
    wrong.message.body = bytes::Bytes::from_static(b"{}");
    world.broker.for_service(Service::Mapping).publish(vec![wrong]).await.unwrap();
    let letters = async || read(&world, "/v1/deadLetters?type=InstanceAlive.v1").await["totalCount"].clone();
    // one of each of the two replicas: each has its own queue
    world.eventually(async || letters().await == 2).await;
    let told = read(&world, "/v1/instances").await;
    assert_eq!((told["items"].as_array().unwrap().len(), &told["items"][0]["stepPaused"]), (1, &Value::Null), "the coordinator is silent");
}

#[tokio::test]
async fn queues_say_what_waits_and_how_many_take_from_them() {
    let world = World::without_mapping(settings(), silence).await;
    let of = async |name: &str| {
        let queues = read(&world, "/v1/queues").await;
        queues["items"].as_array().unwrap().iter().find(|queue| queue["name"] == name).cloned().unwrap()
    };
    let command = |_| message(Destination::Command(Service::Mapping), &alive(1, "1.0.0"));
    world.coordinator.publish((0..3).map(command).collect()).await.unwrap();
    let expected =
        json!({ "name": "planshift.mapping", "kind": "service", "service": "mapping", "state": "seen", "waiting": 3, "consumers": 0 });
    assert_eq!(of("planshift.mapping").await, expected);
    let page = world.get("/portal/operations/now").header("accept", "text/html").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("nobody takes from it"), "{page}");
    let mut consumer = world.broker.for_service(Service::Mapping).consume(Queue::Service(Service::Mapping), 10).await.unwrap();
    assert_eq!(consumer.next(10).await.unwrap().len(), 3);
    assert_eq!(
        (of("planshift.mapping").await["waiting"].clone(), of("planshift.mapping").await["consumers"].clone()),
        (json!(0), json!(1))
    );
    assert_eq!(of("planshift.dead").await["kind"], "dead");
    assert_eq!(of("planshift.delay").await["kind"], "delayed");
    world.broker.close().await;
    let (status, body) = error(world.get("/v1/queues").send().await.unwrap()).await;
    assert_eq!((status, body["description"].as_str().unwrap().contains("broker is away")), (503, true), "{body}");
}
