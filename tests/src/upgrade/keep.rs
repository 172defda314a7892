//! Keeps a version: its programs move customers, are stopped with transitions in every state and messages in every queue, and what
//! they leave behind is written to a folder. Run once, when a version is released, with its own programs (`tests/run keep`).

use super::message::{self, KeptMessage};
use crate::{
    accounts::{self, Document},
    block_on,
    cluster::{Cluster, SERVICES},
    http,
    outcome::{Ran, items},
    place::{Distributed, Place},
    program::{PATIENCE, Program},
    stored::Stored,
    wait,
};
use lapin::{
    Channel, Connection, ConnectionProperties,
    options::{QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};
use planshift_messaging::{Queue, Service};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

/// Customers that are left in each state.
const EACH: usize = 3;
/// Subscriptions of each.
const SUBSCRIPTIONS: usize = 4;
/// Subscriptions of those that are stopped at mapping: in two packets.
const MANY_SUBSCRIPTIONS: usize = 60;
/// The queue that sees what is published.
const TAP: &str = "kept";

/// Keeps the version whose programs are built, in `folder`.
///
/// # Panics
/// Where it cannot be done; the folder is then not to be used.
pub fn keep(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder to keep a version in");
    embedded(&folder.join("data.tar.xz"));
    let place = Place::distributed();
    let Place::Distributed(servers) = &place else { unreachable!("a distributed place") };
    place.run(&Document::generated(EACH, SUBSCRIPTIONS, 901).path(), &[]).expect(0);
    let tap = Tap::on(servers);
    ended(&place);
    let mut cluster = Cluster::start(&place);
    tap.hear_answers(servers);
    under_way(&mut cluster, &place);
    for service in SERVICES {
        if cluster.runs(service) {
            cluster.terminate(service);
        }
    }
    let states = states(&place.stored());
    fs::write(folder.join("states.json"), format!("{:#}\n", json!(states))).expect("the states written");
    message::write(&folder.join("messages.ndjson"), &tap.one_of_each());
    message::write(&folder.join("queued.ndjson"), &tap.queued());
    dump(servers, &folder.join("postgres.sql.xz"));
    println!("kept: {states:?}");
    // nobody takes what is left in the queues any more
    servers.forget_queues();
    cluster.forget();
}

/// Transitions that are at an end, or wait for an operator.
fn ended(place: &Place) {
    let refused = |step: &str, key: &str, seed: u64| {
        let document = Document::generated(1, SUBSCRIPTIONS, seed);
        let ran = Ran::of(&Place::embedded().run(&document.path(), &[]).expect(0));
        let line = &items(&ran.only()["lines"])[1];
        place.run(&document.path(), &["--fail", &format!("{step}={}", line[key].as_str().expect("an id"))]).expect(3);
    };
    place.run(&accounts::sample("blocked"), &[]).expect(3);
    refused("mapping", "azureSubscriptionId", 902);
    refused("suspension", "commerceSubscriptionId", 903);
}

/// Transitions in every state on the way: a worker after the other is stopped, and stops those that come to it.
fn under_way(cluster: &mut Cluster<'_>, place: &Place) {
    let stored = place.stored();
    let documents: Vec<Document> = [911, 912, 913, 914, 915, 916]
        .map(|seed| Document::generated(EACH, if seed == 912 { MANY_SUBSCRIPTIONS } else { SUBSCRIPTIONS }, seed))
        .into();
    for document in &documents {
        cluster.planshift(&["import", &document.path().display().to_string()]).expect(0);
    }
    // the tap sees a whole transition, and a question
    cluster.run(&Document::generated(1, SUBSCRIPTIONS, 910).path()).expect(0);
    let asked = json!({ "customerId": customers(&documents[0])[0], "productFamily": "Azure" });
    http::post(&format!("{}/v1/productupgrades/eligibility", cluster.api()), &asked).expect(200);
    let stops = [
        ("suspension", "SuspendingCommerce"),
        ("mapping", "MappingSubscriptions"),
        ("purchasing", "PurchasingPlans"),
        ("eligibility", "CheckingEligibility"),
    ];
    for ((service, state), document) in stops.iter().zip(&documents) {
        cluster.terminate(service);
        start(cluster, document);
        let count = format!("SELECT count(*) FROM transitions WHERE state = '{state}'");
        wait::until(&format!("{state} is reached"), PATIENCE, || stored.number("coordinator", &count) == EACH as i64);
        if *service == "mapping" {
            // and more of them, which are on their way back
            start(cluster, &documents[4]);
            wait::until("more are mapped", PATIENCE, || stored.number("coordinator", &count) == 2 * EACH as i64);
            cancel(cluster, &documents[4]);
            wait::until("they go back", PATIENCE, || stored.number("coordinator", &count) == EACH as i64);
        }
    }
    cluster.terminate("coordinator");
    // the gateway answers when the coordinator has; what it asked stays in the queue
    let Place::Distributed(servers) = place else { unreachable!("a distributed place") };
    let waiting = || servers.waiting().get("planshift.coordinator").copied().unwrap_or(0);
    for customer in customers(&documents[5]) {
        let before = waiting();
        let asking = starting(cluster, &customer).start();
        wait::until("a start waits for a coordinator", PATIENCE, || waiting() > before);
        asking.kill();
    }
}

fn customers(document: &Document) -> Vec<String> {
    let read = accounts::read(&document.path());
    items(&read["customers"]).iter().map(|customer| text(&customer["id"])).collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn starting(cluster: &Cluster<'_>, customer: &str) -> Program {
    Program::planshift(["start", "--customer", customer, "--api", &cluster.api()])
}

fn start(cluster: &Cluster<'_>, document: &Document) {
    for customer in customers(document) {
        starting(cluster, &customer).run().expect(0);
    }
}

fn cancel(cluster: &Cluster<'_>, document: &Document) {
    for customer in customers(document) {
        let listed = cluster.planshift(&["list", "--customer", &customer, "--json"]).expect(0).json();
        cluster.planshift(&["cancel", &text(&listed[0]["items"][0]["transitionId"]), "--reason", "kept on its way back"]).expect(0);
    }
}

fn states(stored: &Stored) -> BTreeMap<&'static str, i64> {
    let states = planshift_domain::transition::State::ALL.map(planshift_domain::transition::State::name);
    let count = |state| stored.number("coordinator", &format!("SELECT count(*) FROM transitions WHERE state = '{state}'"));
    states.into_iter().map(|state| (state, count(state))).collect()
}

/// A queue that is given a copy of whatever is published.
struct Tap {
    channel: Channel,
    // held open
    _connection: Connection,
}

impl Tap {
    fn on(servers: &Distributed) -> Self {
        let tap = block_on(async {
            let connection = Connection::connect(&servers.broker_url(), ConnectionProperties::default()).await.expect("a connection");
            let channel = connection.create_channel().await.expect("a channel");
            channel.queue_declare(TAP.into(), QueueDeclareOptions::default(), FieldTable::default()).await.expect("a queue");
            Self { channel, _connection: connection }
        });
        Service::ALL.iter().for_each(|service| tap.hear("planshift.commands", service.name()));
        tap.hear("planshift.replies", "coordinator");
        tap.hear("planshift.events", "#");
        tap
    }

    /// Answers go to queues of those who asked.
    fn hear_answers(&self, servers: &Distributed) {
        servers.routing_keys("planshift.answers").iter().for_each(|key| self.hear("planshift.answers", key));
    }

    fn hear(&self, exchange: &str, key: &str) {
        let bound = self.channel.queue_bind(TAP.into(), exchange.into(), key.into(), QueueBindOptions::default(), FieldTable::default());
        block_on(bound).expect("the tap bound");
    }

    /// The first message of each type that was seen, in the order of the types.
    fn one_of_each(&self) -> Vec<KeptMessage> {
        let mut seen = BTreeSet::new();
        let mut messages = block_on(message::take(&self.channel, &[TAP.to_owned()]));
        messages.retain(|message| seen.insert(message.kind().to_owned()));
        messages.sort_by(|one, other| one.kind().cmp(other.kind()));
        messages
    }

    /// What waits in the services' queues.
    fn queued(&self) -> Vec<KeptMessage> {
        let queues = Queue::ALL.into_iter().filter(|queue| *queue != Queue::Dead).map(|queue| queue.name().to_owned());
        block_on(message::take(&self.channel, &queues.collect::<Vec<_>>()))
    }
}

/// A data folder whose process was killed in the middle of its work.
fn embedded(to: &Path) {
    let place = Place::embedded();
    let Place::Embedded(folder) = &place else { unreachable!("an embedded place") };
    let document = Document::generated(40, SUBSCRIPTIONS, 921);
    let run = place.program(&["run", &document.path().display().to_string(), "--json"]).start();
    let stored = place.stored();
    wait::until("some are suspended", PATIENCE, || stored.progress("suspension") > 0);
    run.kill();
    println!("embedded: {:?}", states(&stored));
    let made = Command::new("tar").arg("-cJf").arg(to).arg("-C").arg(folder.data()).arg(".").status();
    assert!(made.is_ok_and(|status| status.success()), "tar has failed");
}

fn dump(servers: &Distributed, to: &Path) {
    let command = "\"$(ls -d /usr/lib/postgresql/*/bin | tail -1)/pg_dump\" --no-owner --no-privileges \"$1\" | xz -9 >\"$2\"";
    let dumped = Command::new("bash").args(["-o", "pipefail", "-c", command, "dump", &servers.database_url()]).arg(to).status();
    assert!(dumped.is_ok_and(|status| status.success()), "pg_dump has failed");
}
