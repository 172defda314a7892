//! What operators ask: steps, what is stuck, and why.

use crate::world::*;
use planshift_domain::{
    message::{
        Body,
        operator::{
            ActOnStep, ExplainTransition, ListStuck, ReadSteps, StepActKind, StepState, StepsRead, StuckListed, TransitionExplained,
        },
        request::{ActOnTransition, ActOutcome},
    },
    step::Step,
    transition::State,
};
use planshift_messaging::{Delivery, Outgoing};
use planshift_worker::codec;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// The coordinator, as far as operators ask it. What acts said is kept.
fn coordinator(said: Arc<Mutex<Vec<ActOnStep>>>) -> impl FnMut(&Delivery) -> Vec<Outgoing> + Send + 'static {
    move |delivery| {
        let steps = |request_id| StepsRead {
            request_id,
            steps: vec![StepState { step: Step::Mapping, paused: true, last: None, in_flight: 2, held: 1, drained: false }],
            waiting: 7,
            under_way_limit: 100,
        };
        let message = &delivery.message;
        vec![match message.kind.as_str() {
            ReadSteps::TYPE => answer(delivery, &steps(codec::body::<ReadSteps>(message).unwrap().request_id)),
            ActOnStep::TYPE => {
                let act: ActOnStep = codec::body(message).unwrap();
                let answered = answer(delivery, &steps(act.request_id));
                said.lock().unwrap().push(act);
                answered
            }
            ExplainTransition::TYPE => {
                let question: ExplainTransition = codec::body(message).unwrap();
                let explanation = explanation("a rule", "answers of mapping");
                answer(delivery, &TransitionExplained { request_id: question.request_id, explanation: Some(explanation) })
            }
            ListStuck::TYPE => {
                let question: ListStuck = codec::body(message).unwrap();
                assert!(question.limit == 3 || question.limit == 50, "{question:?}");
                answer(delivery, &StuckListed { request_id: question.request_id, transitions: Vec::new(), total: question.limit })
            }
            other => panic!("nobody asks {other}"),
        }]
    }
}

async fn get(world: &World, path: &str) -> (u16, Value) {
    let response = world.client.get(format!("{}{path}", world.base)).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn steps_are_shown_paused_and_resumed_with_who_and_why() {
    let said = Arc::new(Mutex::default());
    let world = World::new(coordinator(said.clone())).await;
    let (status, steps) = get(&world, "/v1/steps").await;
    assert_eq!((status, &steps["waiting"], &steps["underWayLimit"]), (200, &json!(7), &json!(100)));
    assert_eq!(steps["items"][0]["inFlight"], 2);

    let body = json!({ "Reason": " the registry is down ", "actor": "ann" });
    let paused = world.post("/v1/Steps/MAPPING/pause", &body).send().await.unwrap();
    assert_eq!(paused.status(), 200);
    let resumed = world.post("/v1/steps/mapping/resume", &json!({})).send().await.unwrap();
    assert_eq!(resumed.json::<Value>().await.unwrap()["items"][0]["step"], "mapping");
    let said: Vec<_> = said.lock().unwrap().iter().map(|act| (act.step, act.act, act.actor.clone(), act.reason.clone())).collect();
    let paused = (Step::Mapping, StepActKind::Pause, "ann (local)".to_owned(), "the registry is down".to_owned());
    assert_eq!(said, [paused, (Step::Mapping, StepActKind::Resume, "local".to_owned(), String::new())]);
}

#[tokio::test]
async fn a_pause_needs_a_reason_and_a_step() {
    let world = World::new(silence).await;
    for (path, body, status, name) in [
        ("/v1/steps/mapping/pause", json!({}), 400, "ReasonRequired"),
        ("/v1/steps/mapping/pause", json!({ "reason": "x\u{7}" }), 400, "InvalidBody"),
        ("/v1/steps/mapping/pause", json!({ "reason": "x", "actor": "a".repeat(101) }), 400, "InvalidBody"),
        ("/v1/steps/lunch/pause", json!({ "reason": "x" }), 404, "UnknownStep"),
    ] {
        let (got, body) = error(world.post(path, &body).send().await.unwrap()).await;
        assert_eq!((got, body["errorName"].as_str()), (status, Some(name)), "{path}");
    }
}

#[tokio::test]
async fn why_is_asked_of_the_coordinator() {
    let world = World::new(coordinator(Arc::default())).await;
    world.tell(changed(7, 3, State::MappingSubscriptions)).await;
    let (status, why) = get(&world, &format!("/v1/productUpgrades/{}/why", guid(7))).await;
    assert_eq!((status, &why["waitsFor"], &why["rule"]), (200, &json!("answers of mapping"), &json!("a rule")));
    assert_eq!(why["history"][0]["event"], "Moved");
    let (status, unknown) = get(&world, &format!("/v1/productUpgrades/{}/why", guid(8))).await;
    assert_eq!((status, &unknown["code"]), (404, &json!("900106")));
}

#[tokio::test]
async fn stuck_takes_a_length_of_time() {
    let world = World::new(coordinator(Arc::default())).await;
    let (status, stuck) = get(&world, "/v1/productUpgrades/stuck?longerThan=2h&size=3").await;
    assert_eq!((status, &stuck["totalCount"]), (200, &json!(3)));
    assert_eq!(get(&world, "/v1/productUpgrades/stuck").await.0, 200);
    // longer than there have been years
    assert_eq!(get(&world, "/v1/productUpgrades/stuck?longerThan=809723d").await.0, 200);
    for wrong in ["longerThan=soon", "longerThan=-5", "size=0", "partnerId=x"] {
        let (status, body) = get(&world, &format!("/v1/productUpgrades/stuck?{wrong}")).await;
        assert_eq!((status, &body["errorName"]), (400, &json!("InvalidParameter")), "{wrong}");
    }
}

#[tokio::test]
async fn an_act_says_who() {
    let said = Arc::new(Mutex::new(String::new()));
    let heard = said.clone();
    let world = World::new(move |delivery: &Delivery| {
        let question: ActOnTransition = codec::body(&delivery.message).unwrap();
        *heard.lock().unwrap() = format!("{}: {}", question.actor, question.reason);
        acts(ActOutcome::Accepted)(delivery)
    })
    .await;
    world.tell(changed(7, 3, State::MappingSubscriptions)).await;
    let body = json!({ "reason": "by mistake", "actor": "ann" });
    let path = format!("{}/v1/productUpgrades/{}/cancel", world.base, guid(7));
    let key = Uuid::new_v4().to_string();
    assert_eq!(world.client.post(path).header("MS-RequestId", key).json(&body).send().await.unwrap().status(), 202);
    assert_eq!(*said.lock().unwrap(), "ann (local): by mistake");
}
