//! A schedule whose gateways are killed before its time, so that it is late, and again and again while it is at work: it begins all the same, and every
//! row has exactly one transition. Two gateways look after it at once.

use planshift_tests::{
    accounts::Document,
    cluster::Cluster,
    place::Place,
    program::{Outcome, PATIENCE, Program},
    stored::Stored,
    wait,
};
use serde_json::{Value, json};
use std::{fs, time::Duration};

const CUSTOMERS: usize = 60;
const ENDED: &str = "SELECT count(*) FROM batch_rows WHERE state = 'Completed'";
const BEGUN: &str = "SELECT count(*) FROM batch_rows WHERE state <> 'Waiting'";

fn planshift(api: &str, args: &[&str]) -> Value {
    let outcome: Outcome = Program::planshift(args.iter().copied()).args(["--api", api, "--json"]).run();
    outcome.expect(0).json().remove(0)
}

/// A batch of all customers of a document, of which nothing has begun, and few of which may be under way at once.
fn draft(api: &str, document: &Document, more: &[&str]) -> String {
    let of = |args: &[&str]| planshift(api, &[args, more].concat());
    Program::planshift(["import", &document.path().display().to_string(), "--api", api]).args(more.iter().copied()).run().expect(0);
    let read = planshift_tests::accounts::read(&document.path());
    let rows: Vec<Value> =
        read["customers"].as_array().expect("customers").iter().map(|customer| json!({ "customerId": customer["id"] })).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("batch.json");
    fs::write(&file, json!({ "rows": rows, "atOnce": 4 }).to_string()).expect("a batch written");
    of(&["batch", "create", &file.display().to_string()])["batchId"].as_str().expect("an id").to_owned()
}

/// So many seconds from now, as a clock in Kathmandu shows it, which is never at a whole hour from UTC.
fn soon(seconds: u64) -> (planshift_domain::time::Timestamp, String) {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let at = i64::try_from((since + Duration::from_secs(seconds)).as_secs()).expect("before the year 9999");
    let local = planshift_domain::time::Timestamp::from_micros(at * 1_000_000).plus_seconds(5 * 3_600 + 45 * 60);
    (planshift_domain::time::Timestamp::from_micros(at * 1_000_000), local.to_string()[..19].to_owned())
}

fn wait_until_past(at: planshift_domain::time::Timestamp) {
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_micros();
    wait::until("its time has passed", PATIENCE, || now() > u128::try_from(at.as_micros()).expect("after 1970"));
}

fn assert_exactly_once(stored: &Stored) {
    let customers = CUSTOMERS as i64;
    for (service, query, expected) in [
        ("gateway", ENDED, customers),
        ("gateway", "SELECT count(DISTINCT transition_id) FROM batch_rows", customers),
        ("gateway", "SELECT count(*) FROM batch_rows WHERE attempt = 1", customers),
        ("gateway", "SELECT count(*) FROM schedules WHERE state = 'Completed' AND next_at IS NULL", 1),
        ("gateway", "SELECT count(*) FROM schedule_acts WHERE act = 'Begin'", 1),
        ("gateway", "SELECT count(*) FROM batch_acts WHERE act = 'Start'", 1),
        ("coordinator", "SELECT count(*) FROM transitions", customers),
        ("coordinator", "SELECT count(*) FROM transitions WHERE state = 'Completed'", customers),
    ] {
        assert_eq!(stored.number(service, query), expected, "{service}: {query}");
    }
}

fn wait_for(stored: &Stored, ended: usize) {
    wait::until(&format!("{ended} rows have ended"), PATIENCE, || stored.try_number("gateway", ENDED).unwrap_or(0) >= ended as i64);
}

#[test]
fn both_gateways_are_killed_before_its_time_and_while_it_is_at_work() {
    let place = Place::distributed();
    let mut cluster = Cluster::with(&place, |service| if service == "gateway" { 2 } else { 1 }, &[]);
    let (api, stored, document) = (cluster.api(), place.stored(), Document::generated(CUSTOMERS, 2, 281));
    let batch = draft(&api, &document, &[]);
    let (at, local) = soon(5);
    let create = ["schedule", "create", "--batch", &batch, "--at", &local, "--time-zone", "Asia/Kathmandu", "--reference", "tonight"];
    let made = planshift(&api, &create);
    assert_eq!(made["nextAt"], json!(at), "{made}");
    cluster.kill("gateway");
    wait_until_past(at);
    assert_eq!(stored.number("gateway", BEGUN), 0, "nobody was there");
    cluster.start_again("gateway");
    for number in 1..=3 {
        wait_for(&stored, number * CUSTOMERS / 5);
        assert!(stored.number("gateway", ENDED) < CUSTOMERS as i64, "it is in the middle of it");
        let service = if number == 2 { "coordinator" } else { "gateway" };
        cluster.kill(service);
        cluster.start_again(service);
    }
    cluster.wait_until_ready();
    wait_for(&stored, CUSTOMERS);
    let state = || stored.try_number("gateway", "SELECT count(*) FROM schedules WHERE state = 'Completed'").unwrap_or(0);
    wait::until("the schedule is over", PATIENCE, || state() == 1);
    let again = planshift(&api, &create);
    assert_eq!((&again["scheduleId"], &again["state"]), (&made["scheduleId"], &json!("Completed")), "the same again is the same");
    let shown = planshift(&api, &["schedule", "show", made["scheduleId"].as_str().expect("an id")]);
    assert_eq!(shown["schedule"]["counts"]["completed"], json!(CUSTOMERS), "{shown}");
    assert_exactly_once(&stored);
    drop(cluster);
    place.assert_verified();
}

#[test]
fn the_one_process_is_away_at_its_time_and_killed_while_it_is_at_work() {
    let place = Place::embedded();
    let (stored, document) = (place.stored(), Document::generated(CUSTOMERS, 2, 282));
    let mut served = place.serve();
    let data = place.options()[1].clone();
    let batch = draft(&served.api, &document, &["--data", &data]);
    let (at, local) = soon(4);
    let create = ["schedule", "create", "--batch", &batch, "--at", &local, "--time-zone", "Asia/Kathmandu", "--data", &data];
    planshift(&served.api, &create);
    served.kill();
    wait_until_past(at);
    assert_eq!(stored.number("gateway", BEGUN), 0, "nobody was there");
    served = place.serve();
    for moment in 1..=2 {
        wait_for(&stored, moment * CUSTOMERS / 4);
        assert!(stored.number("gateway", ENDED) < CUSTOMERS as i64, "it is in the middle of it");
        served.kill();
        served = place.serve();
    }
    wait_for(&stored, CUSTOMERS);
    wait::until("the schedule is over", PATIENCE, || {
        stored.try_number("gateway", "SELECT count(*) FROM schedules WHERE state = 'Completed'").unwrap_or(0) == 1
    });
    assert_exactly_once(&stored);
    served.stop();
    place.assert_verified();
}
