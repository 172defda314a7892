//! What verifications have found: told, kept, shown, and out of date.

use crate::world::*;
use planshift_domain::time::Timestamp;
use planshift_worker::Ports;
use serde_json::{Value, json};

fn ago(seconds: i64) -> String {
    Ports::system().clock.now().plus_seconds(-seconds).to_string()
}

fn pass(reporter: &str, ended: &str, every: u32, violations: u64) -> Value {
    let found = if violations == 0 { json!([]) } else { json!([{ "subject": "<i>one</i>", "text": "<script>is</script> mapped twice" }]) };
    json!({
        "reporter": reporter, "endedAt": ended, "everySeconds": every, "tookMillis": 1_234,
        "invariants": [
            { "id": "I2", "statement": "one owner", "checked": 7, "violations": 0, "found": [] },
            { "id": "I4", "statement": "under its plan", "checked": 9_000_000_000_u64, "violations": violations, "found": found },
        ],
    })
}

async fn tell(world: &World, pass: &Value) -> Value {
    let response = world.put("/v1/invariants", pass).send().await.unwrap();
    assert_eq!(response.status(), 200, "{pass}");
    response.json().await.unwrap()
}

async fn told(world: &World) -> Vec<Value> {
    let all: Value = world.get("/v1/invariants").send().await.unwrap().json().await.unwrap();
    all["items"].as_array().unwrap().clone()
}

async fn page(world: &World) -> String {
    world.get("/portal/operations/now").header("accept", "text/html").send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn the_last_pass_of_each_is_kept_and_what_was_found_is_text() {
    let world = World::new(silence).await;
    assert!(told(&world).await.is_empty() && page(&world).await.contains("--tell URL"));
    let first = tell(&world, &pass("verify", &ago(60), 900, 0)).await;
    assert_eq!((&first["isStale"], &first["violations"], &first["toldBy"]), (&json!(false), &json!(0), &json!("local")));
    assert!(page(&world).await.contains("all hold"));
    tell(&world, &pass("verify", &ago(30), 900, 2)).await;
    tell(&world, &pass("another", &ago(40), 900, 0)).await;
    // one that comes late takes nobody's place
    tell(&world, &pass("verify", &ago(50), 900, 0)).await;
    let told = told(&world).await;
    let short: Vec<_> = told.iter().map(|one| (one["reporter"].as_str().unwrap(), one["violations"].as_u64().unwrap())).collect();
    assert_eq!(short, [("verify", 2), ("another", 0)]);
    assert_eq!(told[0]["invariants"][1]["checked"], 9_000_000_000_u64);
    let page = page(&world).await;
    assert!(page.contains("&lt;script&gt;is&lt;/script&gt; mapped twice") && !page.contains("<i>one"), "{page}");
}

#[tokio::test]
async fn a_pass_is_out_of_date_after_three_times_its_time_and_none_is_of_the_future() {
    let world = World::new(silence).await;
    for (every, seconds, stale) in [(10, 29, false), (10, 31, true), (0, 86_000, false), (0, 87_000, true)] {
        let told = tell(&world, &pass(&format!("{every} {seconds}"), &ago(seconds), every, 0)).await;
        assert_eq!(told["isStale"], stale, "{every} {seconds}");
    }
    let told = tell(&world, &pass("fast", &ago(-1_000), 10, 0)).await;
    assert!(told["endedAt"].as_str().unwrap().parse::<Timestamp>().unwrap() <= Ports::system().clock.now(), "{told}");
    assert!(page(&world).await.contains("That is too long ago"));
}

#[tokio::test]
async fn how_many_may_tell_has_a_bound() {
    let world = World::new(silence).await;
    for number in 0..20 {
        tell(&world, &pass(&format!("verify {number}"), &ago(100 - number), 900, 0)).await;
    }
    let told = told(&world).await;
    assert_eq!((told.len(), told[0]["reporter"].as_str(), told[15]["reporter"].as_str()), (16, Some("verify 19"), Some("verify 4")));
}

#[tokio::test]
async fn what_is_wrong_is_said_and_changes_nothing() {
    let world = World::new(silence).await;
    let with = |name: &str, value: Value| {
        let mut pass = pass("verify", &ago(1), 900, 1);
        pass[name] = value;
        pass
    };
    let row = |row: Value| with("invariants", json!([row]));
    for (wrong, named) in [
        (with("reporter", json!("")), "reporter"),
        (with("reporter", json!("r".repeat(101))), "reporter"),
        (with("endedAt", json!("yesterday")), "endedAt"),
        (with("endedAt", json!(null)), "endedAt"),
        (with("everySeconds", json!(-1)), "everySeconds"),
        (with("tookMillis", json!(1.5)), "tookMillis"),
        (with("invariants", json!("I2")), "invariants"),
        (with("invariants", json!(vec![json!({ "id": "I2" }); 101])), "invariants"),
        (row(json!({})), "id"),
        (row(json!({ "id": "I2", "checked": -1 })), "checked"),
        (row(json!({ "id": "I2", "violations": "many" })), "violations"),
        (row(json!({ "id": "I2", "found": vec![json!({}); 21] })), "found"),
        (row(json!({ "id": "I2", "found": [{ "text": "x".repeat(1_001) }] })), "text"),
    ] {
        let (status, body) = error(world.put("/v1/invariants", &wrong).send().await.unwrap()).await;
        assert_eq!((status, body["errorName"].as_str()), (400, Some("InvalidBody")), "{wrong}");
        assert!(body["description"].as_str().unwrap().contains(named), "{body}");
    }
    let large = with("more", json!("x".repeat(70_000)));
    assert_eq!(error(world.put("/v1/invariants", &large).send().await.unwrap()).await.0, 413);
    assert!(told(&world).await.is_empty());
    // what may be left out may be left out
    tell(&world, &json!({ "reporter": "verify", "endedAt": ago(1), "invariants": [{ "ID": "I2", "checked": 5.0 }] })).await;
    assert_eq!(told(&world).await[0]["invariants"][0]["checked"], 5);
}
