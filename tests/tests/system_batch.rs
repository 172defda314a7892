//! A batch in which the gateway, the coordinator, or the one process that is all of them is killed again and again: every row has exactly
//! one transition for its attempt, and nothing is lost. Two gateways, and the same batch sent to both at once.

use planshift_tests::{
    accounts::Document,
    cluster::Cluster,
    place::Place,
    program::{Outcome, PATIENCE, Program},
    stored::Stored,
    wait,
};
use serde_json::Value;
use std::fs;

const CUSTOMERS: usize = 120;
const SUBSCRIPTIONS: usize = 2;
const ENDED: &str = "SELECT count(*) FROM batch_rows WHERE state = 'Completed'";

/// A document, and the table of its customers.
struct Customers {
    document: Document,
    table: tempfile::TempDir,
}

impl Customers {
    fn new(seed: u64) -> Self {
        let document = Document::generated(CUSTOMERS, SUBSCRIPTIONS, seed);
        let table = tempfile::tempdir().expect("a folder");
        let read = planshift_tests::accounts::read(&document.path());
        let rows = read["customers"].as_array().expect("customers").iter().enumerate();
        let rows = rows.map(|(number, customer)| format!("\"row; {number}\",{}\r\n", customer["id"].as_str().expect("an id")));
        let text = "externalReferenceId,customerId\r\n".to_owned() + &rows.collect::<String>();
        fs::write(table.path().join("batch.csv"), text).expect("a table written");
        Self { document, table }
    }

    fn table(&self) -> String {
        self.table.path().join("batch.csv").display().to_string()
    }
}

fn batch(api: &str, args: &[&str]) -> Outcome {
    Program::planshift(["batch"]).args(args.iter().copied()).args(["--api", api, "--json"]).run()
}

fn object(outcome: &Outcome) -> Value {
    outcome.json().remove(0)
}

fn import(api: &str, customers: &Customers) {
    let path = customers.document.path().display().to_string();
    Program::planshift(["import", &path, "--api", api]).run().expect(0);
}

/// Every row has one transition, of its own customer, and every customer has moved once.
fn assert_exactly_once(stored: &Stored) {
    let customers = CUSTOMERS as i64;
    for (service, query, expected) in [
        ("gateway", ENDED, customers),
        ("gateway", "SELECT count(DISTINCT transition_id) FROM batch_rows", customers),
        (
            "gateway",
            "SELECT count(*) FROM batch_rows AS r JOIN transitions AS t ON t.id = r.transition_id AND t.customer_id = r.customer_id",
            customers,
        ),
        ("gateway", "SELECT count(*) FROM batches", 1),
        ("gateway", "SELECT count(*) FROM batch_uploads", 0),
        ("coordinator", "SELECT count(*) FROM transitions", customers),
        ("coordinator", "SELECT count(*) FROM transitions WHERE state = 'Completed'", customers),
        ("mapping", "SELECT count(*) FROM ownership", customers * SUBSCRIPTIONS as i64),
    ] {
        assert_eq!(stored.number(service, query), expected, "{service}: {query}");
    }
}

/// Waits until so many rows have ended.
fn wait_for(stored: &Stored, ended: usize) {
    wait::until(&format!("{ended} rows have ended"), PATIENCE, || stored.try_number("gateway", ENDED).unwrap_or(0) >= ended as i64);
}

#[test]
fn gateway_and_coordinator_are_killed_in_the_middle_of_it() {
    let place = Place::distributed();
    let mut cluster = Cluster::with(&place, |service| if service == "gateway" { 2 } else { 1 }, &[]);
    let (api, stored, customers) = (cluster.api(), place.stored(), Customers::new(91));
    import(&api, &customers);
    let table = customers.table();
    let create = ["create", &table, "--reference", "all of them", "--start", "--at-once", "8"];
    let made: Vec<Outcome> = std::thread::scope(|scope| {
        let sent: Vec<_> = (0..3).map(|_| scope.spawn(|| batch(&api, &create))).collect();
        sent.into_iter().map(|sent| sent.join().expect("a client")).collect()
    });
    let ids: std::collections::BTreeSet<String> =
        made.into_iter().map(|made| object(&made.expect(0))["batchId"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(ids.len(), 1, "sent three times at once, it is one batch");
    let id = ids.into_iter().next().expect("one");
    for (number, service) in ["gateway", "coordinator", "gateway", "coordinator"].into_iter().enumerate() {
        wait_for(&stored, (number + 1) * CUSTOMERS / 6);
        assert!(stored.number("gateway", ENDED) < CUSTOMERS as i64, "it is in the middle of it");
        cluster.kill(service);
        cluster.start_again(service);
    }
    cluster.wait_until_ready();
    let watched = object(&batch(&api, &["watch", &id]).expect(0));
    assert_eq!((&watched["state"], &watched["counts"]["completed"]), (&"Completed".into(), &CUSTOMERS.into()));
    let again = object(&batch(&api, &create).expect(0));
    assert_eq!((&again["batchId"], &again["state"]), (&id.as_str().into(), &"Completed".into()));
    let exported = batch(&api, &["export", &id]).expect(0).stdout;
    assert_eq!(exported.lines().count(), CUSTOMERS + 1, "{exported}");
    assert_exactly_once(&stored);
    drop(cluster);
    place.assert_verified();
}

#[test]
fn the_one_process_is_killed_in_the_middle_of_it() {
    let place = Place::embedded();
    let (stored, customers) = (place.stored(), Customers::new(92));
    let mut served = place.serve();
    import(&served.api, &customers);
    let table = customers.table();
    let data = place.options()[1].clone();
    let made = batch(&served.api, &["create", &table, "--start", "--at-once", "5", "--data", &data]).expect(0);
    let id = object(&made)["batchId"].as_str().expect("an id").to_owned();
    for moment in 1..=3 {
        wait_for(&stored, moment * CUSTOMERS / 5);
        assert!(stored.number("gateway", ENDED) < CUSTOMERS as i64, "it is in the middle of it");
        served.kill();
        served = place.serve();
    }
    batch(&served.api, &["watch", &id, "--data", &data]).expect(0);
    assert_exactly_once(&stored);
    served.stop();
    place.assert_verified();
}

#[test]
fn paused_in_the_middle_of_it_and_resumed() {
    let place = Place::embedded();
    let (stored, customers) = (place.stored(), Customers::new(93));
    let served = place.serve();
    let api = served.api.clone();
    import(&api, &customers);
    let data = place.options()[1].clone();
    let of = |args: &[&str]| batch(&api, &[args, &["--data", &data]].concat());
    let table = customers.table();
    let id = object(&of(&["create", &table, "--start", "--at-once", "4"]).expect(0))["batchId"].as_str().expect("an id").to_owned();
    wait_for(&stored, CUSTOMERS / 10);
    of(&["pause", &id, "--reason", "lunch", "--actor", "ann"]).expect(0);
    // what was under way has ended, and not all have completed
    let paused = object(&of(&["watch", &id]).expect(3));
    assert_eq!((&paused["state"], &paused["drained"]), (&"Paused".into(), &true.into()), "{paused}");
    let begun = stored.number("coordinator", "SELECT count(*) FROM transitions");
    assert!(begun < CUSTOMERS as i64);
    assert_eq!(stored.number("coordinator", "SELECT count(*) FROM transitions WHERE ended_at IS NULL"), 0);
    of(&["resume", &id]).expect(0);
    of(&["watch", &id]).expect(0);
    assert_exactly_once(&stored);
    served.stop();
    place.assert_verified();
}
