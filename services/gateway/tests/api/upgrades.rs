//! Create, eligibility, acts.

use crate::world::*;
use planshift_domain::{
    message::{
        Body as _,
        event::TransitionChanged,
        request::{ActOnTransition, ActOutcome, AssessOutcome, StartOutcome, StartTransition},
    },
    step::{Action, Step},
    time::Timestamp,
    transition::{Finding, Findings, PacketRow, State},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

pub fn finding(code: &str, resource: &str) -> Finding {
    Finding { code: code.into(), resource_id: resource.into(), description: format!("{code} holds.") }
}

fn ineligible(n: u128, reasons: Vec<Finding>) -> TransitionChanged {
    let findings = Findings { reasons, warnings: vec![finding("ReportingWillChange", "c")] };
    let packet =
        PacketRow { step: Step::Eligibility, action: Action::Do, packet: 0, attempt: 1, good: 0, refused: 0, findings, version: 2 };
    TransitionChanged { packets: vec![packet], ..changed(n, 3, State::Ineligible) }
}

#[tokio::test]
async fn a_start_is_accepted_with_a_relative_location_as_soon_as_eligibility_has_spoken() {
    let world = World::with(
        planshift_gateway::Settings { eligibility_wait: Duration::from_secs(60), ..settings() },
        starts(vec![accepted(7)], vec![changed(7, 3, State::PurchasingPlans)]),
    )
    .await;
    world.tell_customer(1, 2_007).await;
    let begun = Instant::now();
    let response = world.start(2_007).send().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!(response.status(), 202);
    assert_eq!(response.headers()["location"], format!("productUpgrades/{}", guid(7)).as_str());
    assert_eq!(response.text().await.unwrap(), "");
    world.stop().await;
}

#[tokio::test]
async fn a_start_is_accepted_when_eligibility_takes_long_and_is_found_at_once() {
    let world = World::new(starts(vec![accepted(7)], Vec::new())).await;
    world.tell_customer(1, 2_007).await;
    // PascalCase and any case of the path, as Partner Center's samples have it
    let body = json!({ "CustomerId": guid(2_007).to_uppercase(), "ProductFamily": "Azure" });
    let response = world.post("/V1/productupgrades/", &body).send().await.unwrap();
    assert_eq!(response.status(), 202);
    let view: Value = world.get(&format!("/v1/productUpgrades/{}", guid(7))).send().await.unwrap().json().await.unwrap();
    assert_eq!((view["state"].as_str(), view["version"].as_u64()), (Some("Requested"), Some(0)));
    assert_eq!(view["customerId"], guid(2_007).as_str());
}

#[tokio::test]
async fn an_ineligible_customer_gets_microsofts_code_of_the_first_reason_and_all_reasons() {
    let reasons = vec![finding("SubscriptionStatusNotActive", "s"), finding("TenantMismatch", "t")];
    let world = World::new(starts(vec![accepted(7)], vec![ineligible(7, reasons)])).await;
    world.tell_customer(1, 2_007).await;
    let key = Uuid::new_v4().to_string();
    let send = async || error(world.start(2_007).header("MS-RequestId", &key).send().await.unwrap()).await;
    let (status, body) = send().await;
    assert_eq!((status, body["code"].as_str(), body["errorName"].as_str()), (403, Some("900105"), Some("SuspendedAzureSubscriptions")));
    assert_eq!(body["transitionId"], guid(7).as_str());
    let codes: Vec<_> =
        body["reasons"].as_array().unwrap().iter().map(|r| (r["code"].as_str().unwrap(), r["microsoftCode"].as_str().unwrap())).collect();
    assert_eq!(codes, [("SubscriptionStatusNotActive", "900105"), ("TenantMismatch", "900140")]);
    assert_eq!(body["reasons"][0]["resourceId"], "s");

    let response = world.start(2_007).header("MS-RequestId", &key).send().await.unwrap();
    assert_eq!(response.json::<Value>().await.unwrap()["transitionId"], body["transitionId"], "the stored answer");
    assert_eq!(world.count(StartTransition::TYPE).0, 1, "asked once");
}

#[tokio::test]
async fn one_key_has_one_answer_and_no_second_request() {
    let world = World::new(starts(vec![accepted(7), accepted(8)], vec![changed(7, 3, State::PurchasingPlans)])).await;
    world.tell_customer(1, 2_007).await;
    world.tell_customer(1, 2_008).await;
    let key = Uuid::new_v4().to_string();
    for _ in 0..2 {
        let response = world.start(2_007).header("ms-requestid", &key).send().await.unwrap();
        assert_eq!(response.headers()["ms-requestid"], key.as_str());
        assert_eq!((response.status().as_u16(), response.headers()["location"].to_str().unwrap().ends_with(&guid(7))), (202, true));
    }
    assert_eq!(world.count(StartTransition::TYPE).0, 1);
    let (status, body) = error(world.start(2_008).header("ms-requestid", &key).send().await.unwrap()).await;
    assert_eq!((status, body["errorName"].as_str()), (400, Some("RequestIdReused")));
}

#[tokio::test]
async fn a_question_without_an_answer_is_sent_again_as_the_same_message_and_then_given_up() {
    let world = World::new(silence).await;
    world.tell_customer(1, 2_007).await;
    let key = Uuid::new_v4().to_string();
    let response = world.start(2_007).header("ms-requestid", &key).send().await.unwrap();
    assert!(response.headers().contains_key("retry-after"));
    let (status, body) = error(response).await;
    assert_eq!((status, body["isRetryable"].as_bool()), (503, Some(true)));
    let (messages, different) = world.count(StartTransition::TYPE);
    assert!(messages > 1 && different == 1, "{messages} messages, {different} different ones");
}

#[tokio::test]
async fn an_answer_that_was_lost_is_had_with_the_second_message() {
    let mut asked = 0;
    let mut script = starts(vec![accepted(7)], vec![changed(7, 3, State::PurchasingPlans)]);
    let world = World::new(move |delivery| {
        asked += 1;
        if asked == 1 { Vec::new() } else { script(delivery) }
    })
    .await;
    world.tell_customer(1, 2_007).await;
    assert_eq!(world.start(2_007).send().await.unwrap().status(), 202);
}

#[tokio::test]
async fn a_retry_while_the_first_is_under_way_gets_the_same_answer() {
    let world = World::new(starts(vec![accepted(7)], Vec::new())).await;
    world.tell_customer(1, 2_007).await;
    let key = Uuid::new_v4().to_string();
    let send = || async { world.start(2_007).header("ms-requestid", &key).send().await.unwrap() };
    let (first, second) = tokio::join!(send(), send());
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (202, 202));
    assert_eq!(first.headers()["location"], second.headers()["location"]);
    assert_eq!(world.count(StartTransition::TYPE).1, 1, "one logical message");
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_take_its_answer_with_it() {
    let world = World::new(starts(vec![accepted(7)], Vec::new())).await;
    world.tell_customer(1, 2_007).await;
    let key = Uuid::new_v4().to_string();
    tokio::select! {
        answer = world.start(2_007).header("ms-requestid", &key).send() => panic!("it should still wait for eligibility: {answer:?}"),
        // it leaves while eligibility is waited for
        () = world.eventually(async || world.count(StartTransition::TYPE).0 > 0) => {}
    }
    static STORED: planshift_storage::Statement = planshift_storage::Statement::new("SELECT count(*) FROM requests WHERE status = 202");
    world
        .eventually(async || world.database.query(&STORED, planshift_storage::Args::new()).await.unwrap()[0].get::<i64>(0).unwrap() == 1)
        .await;
    assert_eq!(world.start(2_007).header("ms-requestid", &key).send().await.unwrap().status(), 202);
    assert_eq!(world.count(StartTransition::TYPE).1, 1);
}

#[tokio::test]
async fn what_the_coordinator_refuses_is_told() {
    for (outcome, status, code, name, retryable) in [
        (StartOutcome::InProgress { transition_id: id(9) }, 409, "900109", "UpgradeInProgress", false),
        (StartOutcome::UnknownCustomer, 400, "900118", "InvalidCustomerId", false),
        (StartOutcome::ImportUnderWay, 409, "900278", "ImportInProgress", true),
    ] {
        let world = World::new(starts(vec![outcome.clone()], Vec::new())).await;
        world.tell_customer(1, 2_007).await;
        let (got, body) = error(world.start(2_007).send().await.unwrap()).await;
        assert_eq!((got, body["code"].as_str(), body["errorName"].as_str()), (status, Some(code), Some(name)), "{outcome:?}");
        assert_eq!(body["isRetryable"], retryable);
        if status == 409 && !retryable {
            assert_eq!(body["transitionId"], guid(9).as_str());
            assert!(body["description"].as_str().unwrap().contains(&guid(9)));
        }
    }
}

#[tokio::test]
async fn an_import_under_way_is_no_answer_for_good() {
    let world = World::new(starts(vec![StartOutcome::ImportUnderWay, accepted(7)], vec![changed(7, 3, State::PurchasingPlans)])).await;
    world.tell_customer(1, 2_007).await;
    let key = Uuid::new_v4().to_string();
    let send = async || world.start(2_007).header("ms-requestid", &key).send().await.unwrap().status().as_u16();
    assert_eq!((send().await, send().await), (409, 202));
}

#[tokio::test]
async fn a_start_names_a_known_customer_and_azure() {
    let world = World::new(silence).await;
    world.tell_customer(1, 2_007).await;
    for (body, code) in [
        (json!({ "productFamily": "Azure" }), "900118"),
        (json!({ "customerId": "x", "productFamily": "Azure" }), "900118"),
        (json!({ "customerId": guid(5), "productFamily": "Azure" }), "900118"),
        (json!({ "customerId": guid(2_007), "productFamily": "Office" }), "800002"),
        (json!({ "customerId": guid(2_007) }), "800002"),
        (json!({ "customerId": 7, "productFamily": "Azure" }), "800002"),
        (json!([]), "800002"),
    ] {
        let (status, answer) = error(world.post("/v1/productUpgrades", &body).send().await.unwrap()).await;
        assert_eq!((status, answer["code"].as_str()), (400, Some(code)), "{body}");
    }
    assert_eq!(world.count(StartTransition::TYPE).0, 0);
}

#[tokio::test]
async fn a_customer_of_two_partners_needs_to_be_told_apart() {
    let world = World::new(starts(vec![accepted(7)], vec![changed(7, 3, State::PurchasingPlans)])).await;
    world.tell_customer(1, 2_007).await;
    world.tell_customer(2, 2_007).await;
    let (status, body) = error(world.start(2_007).send().await.unwrap()).await;
    assert_eq!((status, body["errorName"].as_str()), (400, Some("PartnerRequired")));
    let mut named = upgrade(2_007);
    named["partnerId"] = json!(guid(2));
    assert_eq!(world.post("/v1/productUpgrades", &named).send().await.unwrap().status(), 202);
    let in_query = format!("/v1/productUpgrades?PartnerID={}", guid(1));
    assert_eq!(world.post(&in_query, &upgrade(2_007)).send().await.unwrap().status(), 202);
    named["partnerId"] = json!(guid(3));
    assert_eq!(error(world.post("/v1/productUpgrades", &named).send().await.unwrap()).await.1["code"], "900118");
}

#[tokio::test]
async fn acts_are_the_coordinators_to_decide() {
    for (outcome, status, name) in [
        (ActOutcome::Accepted, 202, ""),
        (ActOutcome::PastThePivot(State::SuspendingCommerce), 409, "PastThePivot"),
        (ActOutcome::NotAllowedInState(State::Completed), 409, "NotAllowedInState"),
        (ActOutcome::NotFound, 404, "UpgradeNotFound"),
    ] {
        let world = World::new(acts(outcome)).await;
        world.tell(changed(7, 3, State::MappingSubscriptions)).await;
        for act in ["cancel", "resume", "close"] {
            let response =
                world.post(&format!("/v1/productUpgrades/{}/{act}", guid(7)), &json!({ "Reason": "why not" })).send().await.unwrap();
            if status == 202 {
                assert_eq!(response.status(), 202);
                continue;
            }
            let (got, body) = error(response).await;
            assert_eq!((got, body["errorName"].as_str()), (status, Some(name)), "{act}");
        }
    }
}

#[tokio::test]
async fn an_act_needs_no_body_and_is_done_once_under_a_key() {
    let world = World::new(acts(ActOutcome::Accepted)).await;
    world.tell(changed(7, 3, State::MappingSubscriptions)).await;
    let key = Uuid::new_v4().to_string();
    let path = format!("{}/v1/productUpgrades/{}/cancel", world.base, guid(7));
    for _ in 0..2 {
        assert_eq!(world.client.post(&path).header("MS-RequestId", &key).send().await.unwrap().status(), 202);
    }
    assert_eq!(world.count(ActOnTransition::TYPE).0, 1);
    let unknown = world.post(&format!("/v1/productUpgrades/{}/cancel", guid(8)), &json!({})).send().await.unwrap();
    assert_eq!(error(unknown).await.1["code"], "900106");
    let long = json!({ "reason": "x".repeat(1_001) });
    let refused = world.post(&format!("/v1/productUpgrades/{}/cancel", guid(7)), &long).send().await.unwrap();
    assert_eq!(error(refused).await.0, 400);
}

/// What eligibility has found.
pub fn assessed(nothing_in_scope: bool, reasons: Vec<Finding>) -> AssessOutcome {
    let total = u32::try_from(reasons.len()).unwrap();
    AssessOutcome::Assessed {
        facts_version: 3,
        checked_at: Timestamp::from_micros(0),
        nothing_in_scope,
        findings: Findings { reasons, warnings: vec![finding("ReportingWillChange", "c")] },
        reasons_total: total,
        warnings_total: 1,
    }
}

async fn eligibility(world: &World, customer: u128) -> Value {
    let response = world.post("/v1/productUpgrades/eligibility", &upgrade(customer)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

#[tokio::test]
async fn eligibility_is_asked_without_any_effect() {
    let world = World::new(assesses(assessed(false, Vec::new()))).await;
    world.tell_customer(1, 2_007).await;
    let answer = eligibility(&world, 2_007).await;
    assert_eq!((answer["isEligible"].as_bool(), answer["productFamily"].as_str()), (Some(true), Some("azure")));
    assert!(answer["upgradeId"].is_null() && answer["reason"].is_null());
    assert_eq!(answer["warnings"][0]["code"], "ReportingWillChange");
    assert_eq!(answer["facts"]["version"], 3);

    let world = World::new(assesses(assessed(false, vec![finding("TenantMismatch", "t"), finding("PendingOrder", "c")]))).await;
    world.tell_customer(1, 2_007).await;
    let answer = eligibility(&world, 2_007).await;
    assert_eq!(answer["isEligible"], false);
    assert_eq!(answer["reasons"][0]["code"], "PendingOrder", "in the order of the rules");
    assert_eq!(answer["reasons"][1]["microsoftCode"], "900140");
    assert!(answer["reason"].as_str().unwrap().starts_with("PendingOrder holds. TenantMismatch"));
}

#[tokio::test]
async fn an_upgrade_under_way_or_completed_is_named_by_eligibility() {
    let nothing = assessed(true, vec![finding("NoAzureSubscriptions", "c")]);
    let world = World::new(assesses(nothing)).await;
    world.tell_customer(1, 2_007).await;
    let answer = eligibility(&world, 2_007).await;
    assert_eq!((answer["reasons"][0]["code"].as_str(), answer["reasonsTotal"].as_u64()), (Some("NoAzureSubscriptions"), Some(1)));
    world.tell(changed(7, 3, State::Completed)).await;
    let answer = eligibility(&world, 2_007).await;
    assert_eq!((answer["reasons"][0]["code"].as_str(), answer["upgradeId"].as_str()), (Some("UpgradeAlreadyCompleted"), Some(&*guid(7))));
    let mut open = changed(8, 3, State::NeedsOperator);
    open.transition.customer_id = id(2_007);
    world.tell(open).await;
    let answer = eligibility(&world, 2_007).await;
    assert_eq!((answer["reasons"][0]["code"].as_str(), answer["upgradeId"].as_str()), (Some("UpgradeInProgress"), Some(&*guid(8))));
    // what it moves is out of scope for another, which does not mean that nothing is left
    assert_eq!((answer["isEligible"].as_bool(), answer["reasonsTotal"].as_u64()), (Some(false), Some(1)));
}

#[tokio::test]
async fn without_eligibility_only_what_is_certain_is_said() {
    let world = World::new(silence).await;
    world.tell_customer(1, 2_007).await;
    let (status, _) = error(world.post("/v1/productUpgrades/eligibility", &upgrade(2_007)).send().await.unwrap()).await;
    assert_eq!(status, 503);
    world.tell(changed(7, 3, State::MappingSubscriptions)).await;
    let answer = eligibility(&world, 2_007).await;
    assert_eq!((answer["isEligible"].as_bool(), answer["upgradeId"].as_str()), (Some(false), Some(&*guid(7))));
    for (outcome, status) in [(AssessOutcome::UnknownCustomer, 400), (AssessOutcome::ImportUnderWay, 409)] {
        let world = World::new(assesses(outcome)).await;
        world.tell_customer(1, 2_007).await;
        let response = world.post("/v1/productUpgrades/eligibility", &upgrade(2_007)).send().await.unwrap();
        assert_eq!(error(response).await.0, status);
    }
}
