//! A transition that is planned before it is started.

use crate::world::*;
use planshift_domain::{
    account::facts::PlanStatus,
    ids::{MpnId, Reseller},
    message::{
        Body as _,
        event::TransitionChanged,
        plan::{PlanOutcome, PlanSource, PlanTransition, PlannedGroup, PlannedSubscription, PlannedTransition, TransitionPlanned},
        request::StartTransition,
    },
    step::{Action, Step},
    time::Timestamp,
    transition::{Evidence, Finding, Findings, PacketRow, PlanRow, State},
};
use planshift_messaging::{Delivery, Outgoing};
use planshift_worker::codec;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const HASH: &str = "ab12cd34ab12cd34ab12cd34ab12cd34ab12cd34ab12cd34ab12cd34ab12cd34";

fn finding(code: &str) -> Finding {
    Finding { code: code.into(), resource_id: "r".into(), description: format!("{code} holds.") }
}

fn group(key: &str, plan: PlanSource) -> PlannedGroup {
    let subscription =
        PlannedSubscription { commerce_subscription_id: id(5), azure_subscription_id: Some(id(6)), friendly_name: "production".into() };
    PlannedGroup {
        reseller: Reseller(MpnId::try_new(key).ok()),
        reseller_name: Some("R".into()),
        subscriptions_total: 40_000,
        subscriptions: vec![subscription],
        plan,
    }
}

fn planned() -> PlannedTransition {
    PlannedTransition {
        facts_version: 3,
        checked_at: Timestamp::from_micros(0),
        plan_hash: HASH.into(),
        nothing_in_scope: false,
        subscriptions_total: 80_000,
        groups_total: 2,
        groups: vec![group("7", PlanSource::Bought), group("8", PlanSource::InDocument { plan_id: id(9) })],
        findings: Findings { reasons: Vec::new(), warnings: vec![finding("ReportingWillChange")] },
        reasons_total: 0,
        warnings_total: 1_200,
        budget: Some("12.50".into()),
        currency_code: "EUR".into(),
    }
}

fn plans(outcome: PlanOutcome) -> impl FnMut(&Delivery) -> Vec<Outgoing> + Send + 'static {
    move |delivery| {
        assert_eq!(delivery.message.kind, PlanTransition::TYPE);
        let question: PlanTransition = codec::body(&delivery.message).unwrap();
        vec![answer(delivery, &TransitionPlanned { request_id: question.request_id, outcome: outcome.clone() })]
    }
}

#[tokio::test]
async fn a_plan_has_groups_with_their_plans_and_what_changes_on_the_invoices() {
    let world = World::new(plans(PlanOutcome::Planned(Box::new(planned())))).await;
    world.tell_customer(1, 2_007).await;
    // an earlier transition was undone, and has left a plan of the first reseller
    let left = PlanRow {
        reseller: Reseller(MpnId::try_new("7").ok()),
        plan_id: Some(id(77)),
        reused: false,
        status: Some(PlanStatus::Suspended),
        error: None,
        undo: Some(Evidence::Undone),
        version: 5,
    };
    let mut undone = changed(7, 5, State::Compensated);
    undone.transition.plans = 1;
    world.tell(TransitionChanged { plans: vec![left], ..undone }).await;
    let response = world.post("/v1/productUpgrades/plan", &upgrade(2_007)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let plan: Value = response.json().await.unwrap();
    assert_eq!((plan["planHash"].as_str(), plan["isEligible"].as_bool()), (Some(HASH), Some(true)));
    assert_eq!((&plan["subscriptionsTotal"], &plan["warningsTotal"]), (&json!(80_000), &json!(1_200)));
    let groups = plan["groups"].as_array().unwrap();
    assert_eq!((&groups[0]["partnerId"], &groups[0]["subscriptionsTotal"]), (&json!("7"), &json!(40_000)));
    assert_eq!((&groups[0]["plan"]["action"], &groups[0]["plan"]["planId"]), (&json!("reactivate"), &json!(guid(77))));
    assert_eq!((&groups[1]["plan"]["action"], &groups[1]["plan"]["planId"]), (&json!("reuse"), &json!(guid(9))));
    assert_eq!(groups[0]["subscriptions"][0]["azureSubscriptionId"], guid(6).as_str());
    assert_eq!(plan["budget"], json!({ "amount": "12.50", "currencyCode": "EUR", "carriesOver": false }));
    let earliest: Timestamp = plan["invoices"]["effectiveAt"]["earliest"].as_str().unwrap().parse().unwrap();
    assert!(earliest.is_whole_hour());
    assert_eq!(world.count(StartTransition::TYPE).0, 0, "nothing is started");
}

#[tokio::test]
async fn a_customer_that_is_moving_or_unknown_has_no_plan_that_could_be_started() {
    let world = World::new(plans(PlanOutcome::Planned(Box::new(planned())))).await;
    let (status, body) = error(world.post("/v1/productUpgrades/plan", &upgrade(2_007)).send().await.unwrap()).await;
    assert_eq!((status, body["code"].as_str()), (400, Some("900118")));
    world.tell_customer(1, 2_007).await;
    world.tell(changed(7, 3, State::MappingSubscriptions)).await;
    let response = world.post("/v1/productUpgrades/plan", &upgrade(2_007)).send().await.unwrap();
    let plan: Value = response.json().await.unwrap();
    assert_eq!((plan["isEligible"].as_bool(), plan["upgradeId"].as_str()), (Some(false), Some(guid(7).as_str())));
    assert_eq!(plan["reasons"][0]["code"], "UpgradeInProgress");
}

#[tokio::test]
async fn a_start_hands_the_hash_on_and_is_refused_where_the_plan_has_changed() {
    let packet = PacketRow {
        step: Step::Eligibility,
        action: Action::Do,
        packet: 0,
        attempt: 1,
        good: 0,
        refused: 0,
        findings: Findings { reasons: vec![finding("PlanChanged"), finding("TenantMismatch")], warnings: Vec::new() },
        version: 2,
    };
    let refused = TransitionChanged { packets: vec![packet], ..changed(7, 3, State::Ineligible) };
    let handed_on = Arc::new(Mutex::new(Vec::new()));
    let mut script = starts(vec![accepted(7)], vec![refused]);
    let seen = handed_on.clone();
    let world = World::new(move |delivery| {
        let start: StartTransition = codec::body(&delivery.message).unwrap();
        seen.lock().unwrap().push(start.plan_hash);
        script(delivery)
    })
    .await;
    world.tell_customer(1, 2_007).await;
    let mut body = upgrade(2_007);
    for wrong in [json!("ab"), json!(HASH.replace('a', "x")), json!(7)] {
        body["planHash"] = wrong;
        assert_eq!(error(world.post("/v1/productUpgrades", &body).send().await.unwrap()).await.0, 400);
    }
    body["planHash"] = json!(HASH.to_uppercase());
    let (status, error) = error(world.post("/v1/productUpgrades", &body).send().await.unwrap()).await;
    assert_eq!((status, error["errorName"].as_str(), error["isRetryable"].as_bool()), (409, Some("PlanChanged"), Some(false)));
    assert_eq!(error["transitionId"], guid(7).as_str());
    assert_eq!(error["reasons"][0]["code"], "PlanChanged");
    assert_eq!(*handed_on.lock().unwrap(), [Some(HASH.to_owned())]);
}
