//! Lists, views, progress, history, reports, Partner Center's status.

use crate::world::*;
use planshift_domain::{
    account::facts::PlanStatus,
    message::{Body as _, event::TransitionChanged, request::TellAgain},
    report::Report,
    step::{Action, Step},
    transition::{Failure, Findings, ItemError, PacketRow, PlanRow, State},
    view::TransitionView,
};
use planshift_worker::Ports;
use serde_json::Value;
use std::time::{Duration, Instant};

fn packet(step: Step) -> PacketRow {
    PacketRow { step, action: Action::Do, packet: 0, attempt: 1, good: 2, refused: 0, findings: Findings::default(), version: 4 }
}

/// Transition 7 with two lines, completed.
fn completed() -> TransitionChanged {
    let mut event = changed(7, 5, State::Completed);
    let row = &mut event.transition;
    (row.lines, row.plans, row.mapped, row.suspended, row.history) = (2, 1, 2, 2, 3);
    row.effective_at = Some("2026-11-22T16:00:00Z".parse().unwrap());
    event.lines = vec![line(12), line(11)];
    let reseller = event.lines[0].reseller.clone();
    let status = Some(PlanStatus::Active);
    event.plans = vec![PlanRow { reseller, plan_id: Some(id(77)), reused: false, status, error: None, undo: None, version: 3 }];
    event.packets = vec![packet(Step::Eligibility), packet(Step::Mapping), packet(Step::Suspension)];
    event.history = entries(7, 3);
    event
}

async fn json(world: &World, path: &str) -> Value {
    let response = world.get(path).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    response.json().await.unwrap()
}

#[tokio::test]
async fn a_transition_is_shown_as_run_prints_it() {
    let world = World::new(silence).await;
    let mut event = completed();
    event.transition.ended_at = Some(Ports::system().clock.now());
    world.tell(event).await;
    let path = format!("/v1/productUpgrades/{}", guid(7).to_uppercase());
    let body = json(&world, &path).await;
    assert_eq!(body["version"], 5);
    let view: TransitionView = serde_json::from_value(body.clone()).unwrap();
    assert_eq!((view.lines.len(), view.plans.len(), view.state), (2, 1, State::Completed));
    assert_eq!(body["lines"][0]["azureSubscriptionId"], guid(11).as_str(), "in the order of the Azure ids");
    assert_eq!(body["lines"][0]["commerceStatus"], "suspended");
    assert_eq!(body["lines"][0]["effectiveAt"], "2026-11-22T16:00:00Z");
    assert_eq!((body["adopted"].as_bool(), &body["failure"], &body["reasons"]), (Some(false), &Value::Null, &serde_json::json!([])));
    for unknown in [guid(8), "x".to_owned()] {
        let (status, error) = error(world.get(&format!("/v1/productUpgrades/{unknown}")).send().await.unwrap()).await;
        assert_eq!((status, error["code"].as_str()), (404, Some("900106")));
    }
}

#[tokio::test]
async fn partner_centers_status_is_served_on_both_paths() {
    let world = World::new(silence).await;
    world.tell(completed()).await;
    for path in [format!("/v1/productUpgrades/{}/status", guid(7)), format!("/v1/ProductUpgrades/{}", guid(7))] {
        let response = world.post(&path, &upgrade(2_007)).send().await.unwrap();
        let body: Value = response.json().await.unwrap();
        assert_eq!(
            (body["id"].as_str(), body["status"].as_str(), body["productFamily"].as_str()),
            (Some(&*guid(7)), Some("Completed"), Some("Azure"))
        );
        let item = &body["lineItems"][0];
        assert_eq!(item["sourceProduct"], serde_json::json!({ "id": guid(11), "name": "AzureSubscription" }));
        assert_eq!(item["targetProduct"], serde_json::json!({ "id": guid(77), "name": "Microsoft Azure plan" }));
        assert_eq!((item["status"].as_str(), item["upgradedDate"].as_str()), (Some("Completed"), Some("1970-01-01T00:00:09.0000000Z")));
        assert_eq!(item["sourceCommerceSubscriptionId"], guid(500_011).as_str());

        let (status, error_body) = error(world.post(&path, &upgrade(2_008)).send().await.unwrap()).await;
        assert_eq!((status, error_body["code"].as_str()), (400, Some("900111")));
    }
    let unknown = world.post(&format!("/v1/productUpgrades/{}/status", guid(9)), &upgrade(2_009)).send().await.unwrap();
    assert_eq!(error(unknown).await.1["code"], "900106");
}

#[tokio::test]
async fn a_failure_has_both_names_of_its_text_and_a_report() {
    let world = World::new(silence).await;
    let mut event = changed(7, 5, State::Compensated);
    event.transition.lines = 1;
    let description = "refused".to_owned();
    event.transition.failure =
        Some(Failure { step: Step::Mapping, resource_id: guid(11), code: "2012".into(), description: description.clone() });
    event.lines = vec![line(11)];
    event.lines[0].error = Some((Step::Mapping, ItemError { code: "2012".into(), description }));
    world.tell(event).await;
    let response = world.post(&format!("/v1/productUpgrades/{}/status", guid(7)), &upgrade(2_007)).send().await.unwrap();
    let body: Value = response.json().await.unwrap();
    let details = serde_json::json!({ "code": "2012", "message": "refused", "description": "refused" });
    assert_eq!(
        (body["status"].as_str(), &body["errorDetails"], &body["lineItems"][0]["errorDetails"]),
        (Some("Failed"), &details, &details)
    );

    let path = format!("/v1/productUpgrades/{}/report", guid(7));
    let response = world.get(&path).send().await.unwrap();
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/plain"));
    let text = response.text().await.unwrap();
    assert!(text.contains("in the words of mapping: refused") && text.contains("planshift start --customer"), "{text}");
    let report: Report = world.get(&path).header("accept", "application/json").send().await.unwrap().json().await.unwrap();
    assert_eq!(report.to_string(), text);
}

#[tokio::test]
async fn history_is_read_whole_or_in_pages() {
    let world = World::new(silence).await;
    world.tell(completed()).await;
    let path = format!("/v1/productUpgrades/{}/history", guid(7));
    let all = json(&world, &path).await;
    assert_eq!((all["totalCount"].as_u64(), all["items"].as_array().unwrap().len()), (Some(3), 3));
    assert!(all["links"]["next"].is_null());
    let first = json(&world, &format!("{path}?size=2")).await;
    let next = first["links"]["next"]["uri"].as_str().unwrap();
    let second = json(&world, &format!("/v1{next}")).await;
    let numbers: Vec<_> =
        [&first, &second].iter().flat_map(|page| page["items"].as_array().unwrap()).map(|e| e["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 2, 3]);
}

#[tokio::test]
async fn progress_is_answered_when_there_is_news_or_the_time_is_up() {
    let world = World::new(silence).await;
    world.tell(changed(7, 3, State::PurchasingPlans)).await;
    let path = |query: &str| format!("/v1/productUpgrades/{}/progress{query}", guid(7));
    let now = json(&world, &path("")).await;
    assert_eq!((now["version"].as_u64(), now["settled"].as_bool(), now["historyCount"].as_u64()), (Some(3), Some(false), Some(0)));
    assert_eq!(json(&world, &path("?afterVersion=2&waitSeconds=60")).await["version"], 3, "there is news already");
    assert_eq!(json(&world, &path("?afterVersion=3&waitSeconds=1")).await["version"], 3, "the time is up");

    let begun = Instant::now();
    let query = path("?AFTERVERSION=3&waitSeconds=60");
    let (waited, ()) = tokio::join!(json(&world, &query), world.tell(changed(7, 4, State::Ineligible)));
    assert_eq!((waited["version"].as_u64(), waited["settled"].as_bool()), (Some(4), Some(true)));
    assert!(begun.elapsed() < Duration::from_secs(30));
    let at_once = json(&world, &path("?until=settled&waitSeconds=60")).await;
    assert_eq!((at_once["version"].as_u64(), at_once["settled"].as_bool()), (Some(4), Some(true)));
    for wrong in ["?waitSeconds=61", "?afterVersion=-1", "?afterVersion=x&waitSeconds=1", "?until=then&waitSeconds=1"] {
        assert_eq!(error(world.get(&path(wrong)).send().await.unwrap()).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn who_waits_for_the_end_is_not_answered_before() {
    let world = World::new(silence).await;
    world.tell(changed(7, 3, State::PurchasingPlans)).await;
    let query = format!("/v1/productUpgrades/{}/progress?until=settled&waitSeconds=60", guid(7));
    let events = async {
        world.tell(changed(7, 4, State::MappingSubscriptions)).await;
        world.tell(changed(7, 5, State::Ineligible)).await;
    };
    let (waited, ()) = tokio::join!(json(&world, &query), events);
    assert_eq!((waited["version"].as_u64(), waited["settled"].as_bool()), (Some(5), Some(true)));
    let path = format!("/v1/productUpgrades/{}/progress?until=settled&waitSeconds=1", guid(8));
    world.tell(changed(8, 3, State::PurchasingPlans)).await;
    assert_eq!(json(&world, &path).await["settled"], false, "the time is up");
}

#[tokio::test]
async fn who_waits_is_answered_when_the_gateway_stops() {
    let world = World::new(silence).await;
    world.tell(changed(7, 3, State::PurchasingPlans)).await;
    let request = world.get(&format!("/v1/productUpgrades/{}/progress?afterVersion=3&waitSeconds=60", guid(7)));
    let stop = world.stop.clone();
    let (response, ()) = tokio::join!(request.send(), async move {
        tokio::task::yield_now().await;
        stop.cancel();
    });
    // either it was answered with what is known, or it came too late to be taken
    if let Ok(response) = response {
        assert_eq!(response.json::<Value>().await.unwrap()["version"], 3);
    }
    world.stop().await;
}

#[tokio::test]
async fn lists_are_paged_by_key_and_filtered() {
    let world = World::new(silence).await;
    for n in 1..=5 {
        let mut event = changed(n, 1, if n == 2 { State::NeedsOperator } else { State::Completed });
        event.lines = vec![line(100 + n)];
        event.transition.lines = 1;
        world.tell(event).await;
    }
    let mut seen = Vec::new();
    let mut path = "/productUpgrades?size=2".to_owned();
    loop {
        let page = json(&world, &format!("/v1{path}")).await;
        assert_eq!(page["totalCount"], 5);
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["transitionId"].as_str().unwrap().to_owned()));
        match page["links"]["next"]["uri"].as_str() {
            Some(next) => next.clone_into(&mut path),
            None => break,
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1].map(guid));

    let first = world.get("/v1/productUpgrades?size=3").send().await.unwrap();
    let token = first.headers()["ms-continuationtoken"].clone();
    let rest: Value =
        world.get("/v1/productUpgrades?size=3").header("MS-ContinuationToken", token).send().await.unwrap().json().await.unwrap();
    assert_eq!(rest["items"].as_array().unwrap().len(), 2);

    for (query, found) in [
        (format!("customerId={}", guid(2_003)), vec![3]),
        ("state=needsoperator".to_owned(), vec![2]),
        (format!("id={}", guid(104)), vec![4]),
        (format!("id={}", guid(500_105)), vec![5]),
        (format!("id={}", guid(1_234)), vec![]),
        (format!("partnerId={}&state=Completed", guid(1)), vec![5, 4, 3, 1]),
        (format!("partnerId={}", guid(2)), vec![]),
        ("status=failed".to_owned(), vec![2]),
        ("status=Completed&startedAfter=1970-01-01T00:00:02Z&startedBefore=1970-01-01T00:00:05Z".to_owned(), vec![4, 3]),
        ("status=Completed&state=NeedsOperator".to_owned(), vec![]),
        ("status=InProgress".to_owned(), vec![]),
        ("olderThan=2h".to_owned(), vec![5, 4, 3, 2, 1]),
        ("startedAfter=2020-01-01T00:00:00Z".to_owned(), vec![]),
        (format!("q={}", guid(104)), vec![4]),
        ("q=MARIA&size=500".to_owned(), vec![5, 4, 3, 2, 1]),
        ("q=maria&status=Failed".to_owned(), vec![2]),
        ("q=nobody".to_owned(), vec![]),
    ] {
        let page = json(&world, &format!("/v1/productUpgrades?{query}")).await;
        let ids: Vec<_> = page["items"].as_array().unwrap().iter().map(|item| item["transitionId"].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids, found.into_iter().map(guid).collect::<Vec<_>>(), "{query}");
    }
    for wrong in
        ["size=0", "size=501", "state=Nowhere", "customerId=x", "continuationToken=x", "id=1", "status=x", "startedAfter=x", "olderThan=x"]
    {
        assert_eq!(error(world.get(&format!("/v1/productUpgrades?{wrong}")).send().await.unwrap()).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_gap_that_lasts_is_asked_for() {
    let short = Duration::from_millis(20);
    let world = World::with(planshift_gateway::Settings { gap: short, housekeeping: short, ..settings() }, |delivery| {
        assert_eq!(delivery.message.kind, TellAgain::TYPE);
        vec![told(&completed())]
    })
    .await;
    let mut event = completed();
    event.history.remove(0);
    world.tell(event).await;
    world.eventually(async || json(&world, &format!("/v1/productUpgrades/{}/progress", guid(7))).await["settled"] == true).await;
    world
        .eventually(async || {
            json(&world, &format!("/v1/productUpgrades/{}/history", guid(7))).await["items"]
                .as_array()
                .is_some_and(|items| items.len() == 3)
        })
        .await;
}

#[tokio::test]
async fn free_text_finds_customers_and_failures_page_by_page() {
    let world = World::new(silence).await;
    world.tell_customer(1, 2_002).await; // Contoso
    for n in 1..=4 {
        let mut event = changed(n, 1, State::Compensated);
        if n == 3 {
            event.transition.failure = Some(Failure {
                step: Step::Mapping,
                resource_id: guid(9),
                code: "FaultInjected".into(),
                description: "Refusée & on purpose".into(),
            });
        }
        world.tell(event).await;
    }
    for (query, found) in [("q=cONtos", vec![2]), ("q=faultinj", vec![3]), ("q=REFUS%C3%89E%20%26", vec![3]), ("q=x%25", vec![])] {
        let page = json(&world, &format!("/v1/productUpgrades?{query}")).await;
        let ids: Vec<_> = page["items"].as_array().unwrap().iter().map(|item| item["transitionId"].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids, found.into_iter().map(guid).collect::<Vec<_>>(), "{query}");
        assert_eq!(page["lookedThrough"], 4);
    }
    // a link leads on to the same text
    let first = json(&world, "/v1/productUpgrades?q=%26%20on&size=1").await;
    assert_eq!((first["items"].as_array().unwrap().len(), first["totalCount"].is_null()), (1, true), "there may be more");
    let next = first["links"]["next"]["uri"].as_str().unwrap();
    let rest = json(&world, &format!("/v1{next}")).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["lookedThrough"]), (0, &Value::from(2)));
    assert!(rest["links"]["next"].is_null());
}
