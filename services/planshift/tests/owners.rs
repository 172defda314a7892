//! Random histories of transitions, undoings and usage, through mapping's own ledger and the gateway's own imports: every record has exactly one
//! owner, the one that the ledger says of its start, and what is on D and on G is what was metered. Whoever asks is told so over HTTP.
//!
//! On SQLite, or on Postgres where `PLANSHIFT_TEST_POSTGRES_URL` names one.

use futures::future::BoxFuture;
use planshift_billing::Decimal;
use planshift_domain::{
    ids::{AzureSubscriptionId, CustomerId, ImportId, PartnerId, PlanId, TransitionId},
    message::{
        Body,
        command::{AzureSubscriptionFacts, FactsPart, MapItem, MapSubscriptions, MappingFacts, Packet, TakeFacts, UndoMapSubscriptions},
    },
    ownership::{ChangePoint, Owner, owner_at},
    time::Timestamp,
};
use planshift_gateway::{Auth, Gateway, LocalToken, Settings};
use planshift_mapping::inspect;
use planshift_messaging::{Consumer, Destination, EmbeddedBroker, Queue, Service, Settlement, SharedBroker};
use planshift_storage::{Database, Migration};
use planshift_telemetry::TraceContext;
use planshift_worker::{Ports, codec, ports::Clock};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const PARTNER: PartnerId = PartnerId(Uuid::from_u128(0xA));
const CUSTOMER: CustomerId = CustomerId(Uuid::from_u128(0xC));
const TOKEN: &str = "the-local-token-of-this-test-0123456789";
const HOUR: i64 = 3_600;
/// From so many hours before the first transition until so many after it usage is told of.
const HOURS: std::ops::Range<i64> = -6..60;
/// After how long the gateway asks mapping again though nobody has told it of a change; and a bit more.
const OLD: i64 = 6 * HOUR + 60;
const SUBSCRIPTIONS: u128 = 4;
const STEPS: usize = 50;

/// A clock that is moved. Pauses are as long as they are.
struct Moved(AtomicI64);

impl Moved {
    fn by(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Mapping and a gateway, over one broker.
struct World {
    /// Mapping's; the gateway's is its own, and leaps.
    clock: Arc<Moved>,
    gateways: Arc<Moved>,
    mapping: Database,
    coordinator: SharedBroker,
    replies: Box<dyn Consumer>,
    base: String,
    client: reqwest::Client,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

fn azure(n: u128) -> AzureSubscriptionId {
    AzureSubscriptionId(Uuid::from_u128(0xF0 + n))
}

fn begin() -> Timestamp {
    "2026-11-22T15:20:00Z".parse().unwrap()
}

/// The hour of that number after the first transition could be.
fn hour(number: i64) -> Timestamp {
    "2026-11-22T16:00:00Z".parse::<Timestamp>().unwrap().plus_seconds(number * HOUR)
}

async fn database(folder: &tempfile::TempDir, name: &str, migrations: &[Migration]) -> Database {
    let database = match std::env::var("PLANSHIFT_TEST_POSTGRES_URL") {
        Ok(url) => Database::connect_postgres(&url, &format!("{name}_{}", Uuid::new_v4().simple()), 4).await.unwrap(),
        Err(_) => Database::open_sqlite(folder.path().join(format!("{name}.db"))).await.unwrap(),
    };
    database.migrate(migrations).await.unwrap();
    database
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let broker = EmbeddedBroker::open(&folder.path().join("broker.db")).await.unwrap();
        let mapping = database(&folder, "mapping", planshift_mapping::MIGRATIONS).await;
        let gateway = database(&folder, "gateway", planshift_gateway::MIGRATIONS).await;
        let clock = || Arc::new(Moved(AtomicI64::new(begin().as_micros())));
        let (clock, gateways, stop) = (clock(), clock(), CancellationToken::new());
        let ports = Ports { clock: clock.clone(), ..Ports::system() };
        let worker = planshift_mapping::Options::default().build(mapping.clone(), broker.for_service(Service::Mapping), ports);
        tokio::spawn(worker.run(stop.clone()));
        let ports = Ports { clock: gateways.clone(), ..Ports::system() };
        let mut options = planshift_gateway::Options::new(gateway, broker.for_service(Service::Gateway), ports);
        options.address.set_port(0);
        options.auth = Auth::local(LocalToken::try_new(TOKEN).unwrap());
        options.settings = Settings { housekeeping: Duration::from_millis(30), ..Settings::default() };
        let gateway = Gateway::bind(options).await.unwrap();
        let base = format!("http://{}", gateway.address());
        let stopped = stop.clone();
        tokio::spawn(async move { gateway.run(stopped).await.unwrap() });
        let coordinator = broker.for_service(Service::Coordinator);
        let replies = coordinator.consume(Queue::Service(Service::Coordinator), 10).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut world = Self { clock, gateways, mapping, coordinator, replies, base, client, stop, _folder: folder };
        let known = |n| AzureSubscriptionFacts { azure_subscription_id: azure(n), friendly_name: String::new(), roles: Vec::new() };
        let facts = MappingFacts { subscriptions: (0..SUBSCRIPTIONS).map(known).collect() };
        let customers = vec![FactsPart { customer_id: CUSTOMER, version: 1, part: 0, parts: 1, facts }];
        world.tell(&TakeFacts { import_id: ImportId(Uuid::from_u128(1)), chunk: 0, partner_id: PARTNER, customers }).await;
        world
    }

    /// Tells mapping as the coordinator does, and waits for its answer.
    async fn tell<B: Body>(&mut self, body: &B) {
        let (to, id) = (Destination::Command(Service::Mapping), Uuid::new_v4().to_string());
        let message = codec::outgoing(to, id, String::new(), &TraceContext::default(), self.clock.now(), body);
        self.coordinator.publish(vec![message]).await.unwrap();
        let got = self.replies.next(1).await.unwrap();
        self.replies.settle(got.iter().map(|one| (one.tag, Settlement::Ack)).collect()).await.unwrap();
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.client.get(format!("{}{path}", self.base)).bearer_auth(TOKEN).send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {:?}", response.text().await);
        response.json().await.unwrap()
    }

    async fn bring(&self, kind: &str, text: String) -> Value {
        let request = self.client.post(format!("{}/v1/usage?partnerId={PARTNER}", self.base)).bearer_auth(TOKEN);
        let response = request.header("content-type", kind).body(text).send().await.unwrap();
        assert!(response.status().is_success(), "{:?}", response.text().await);
        response.json().await.unwrap()
    }

    /// All records of a subscription, page by page.
    async fn records(&self, of: AzureSubscriptionId) -> Vec<Value> {
        let (mut path, mut all) = (format!("/v1/usage?partnerId={PARTNER}&azureSubscriptionId={of}&size=17"), Vec::new());
        loop {
            let page = self.get(&path).await;
            all.extend(page["items"].as_array().unwrap().iter().cloned());
            let Some(next) = page["links"]["next"]["uri"].as_str() else { return all };
            path = format!("/v1{next}");
        }
    }

    /// D, G, and what was metered in all of a subscription; and whether they agree, as the gateway says.
    async fn sums(&self, of: AzureSubscriptionId) -> ([Decimal; 3], bool) {
        let totals = self.get(&format!("/v1/usage/totals?partnerId={PARTNER}&azureSubscriptionId={of}")).await;
        let sum = |name: &str| match &totals["invoices"][0][name] {
            Value::Null => Decimal::default(),
            sum => sum.as_str().unwrap().parse().unwrap(),
        };
        ([sum("d"), sum("g"), sum("metered")], totals["agrees"] == true)
    }

    async fn ledger(&self, of: AzureSubscriptionId) -> Vec<ChangePoint> {
        let all = inspect::ownership(&self.mapping, None, 100_000).await.unwrap();
        all.into_iter().filter(|point| point.azure_subscription_id == of).map(|point| point.point).collect()
    }
}

/// What was metered of each hour, as it was told last.
type Metered = BTreeMap<(AzureSubscriptionId, i64), Decimal>;

/// What the ledger says of everything that was metered, and what the gateway says. None where they say the same.
async fn difference(world: &World, metered: &Metered) -> Option<String> {
    for of in (0..SUBSCRIPTIONS).map(azure) {
        let points = world.ledger(of).await;
        let told: BTreeMap<Timestamp, &Decimal> =
            metered.iter().filter(|((azure, _), _)| *azure == of).map(|((_, number), quantity)| (hour(*number), quantity)).collect();
        let (records, mut seen) = (world.records(of).await, BTreeSet::new());
        let mut expected = [Decimal::default(), Decimal::default(), Decimal::default()];
        for (start, quantity) in &told {
            let place = usize::from(owner_at(&points, *start) != Owner::Legacy);
            for place in [place, 2] {
                expected[place] = std::mem::take(&mut expected[place]) + (*quantity).clone();
            }
        }
        for record in &records {
            let start: Timestamp = record["usageStart"].as_str().unwrap().parse().unwrap();
            let owner = match record["planId"].as_str() {
                Some(plan) => Owner::Plan(PlanId(Uuid::try_parse(plan).unwrap())),
                None => Owner::Legacy,
            };
            if !seen.insert(start)
                || owner != owner_at(&points, start)
                || told.get(&start).is_none_or(|told| record["quantity"] != told.to_string())
            {
                return Some(format!("{record}, by the points {points:?}"));
            }
        }
        if records.len() != told.len() {
            return Some(format!("{} records of {} hours", records.len(), told.len()));
        }
        let (sums, agrees) = world.sums(of).await;
        if sums != expected || !agrees {
            return Some(format!("the sums {sums:?} and not {expected:?} (agrees: {agrees})"));
        }
    }
    None
}

/// Once the gateway has asked mapping again, it says what the ledger says.
async fn settles(world: &World, metered: &Metered, seed: u64) {
    world.gateways.by(OLD);
    let mut found = None;
    for _ in 0..200 {
        found = difference(world, metered).await;
        if found.is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("seed {seed}: {}", found.unwrap_or_default());
}

fn quantity(chance: &mut StdRng) -> String {
    format!("{}.{:020}", chance.random_range(0..5), chance.random_range(0..1_000_000_000_u64))
}

/// Usage of some hours: late or early, of one owner or another, some of it told before, some of it corrected.
async fn usage(world: &World, chance: &mut StdRng, metered: &mut Metered) {
    let mut file: BTreeMap<(AzureSubscriptionId, i64), String> = BTreeMap::new();
    for _ in 0..chance.random_range(1..25) {
        file.insert((azure(chance.random_range(0..SUBSCRIPTIONS)), chance.random_range(HOURS)), quantity(chance));
    }
    if chance.random_bool(0.5) {
        // as it was told: nothing new
        let told: Vec<_> = metered.iter().map(|(key, quantity)| (*key, quantity.to_string())).collect();
        file.extend(told.into_iter().filter(|_| chance.random_bool(0.2)));
    }
    let known = file.keys().filter(|key| metered.contains_key(key)).count();
    let (kind, text) = if chance.random_bool(0.5) {
        let row = |((of, number), quantity): (&(AzureSubscriptionId, i64), &String)| {
            format!("{},{},m,{quantity},Hours,/subscriptions/{of}/x\n", hour(*number), hour(number + 1))
        };
        let header = "usageStartTime,usageEndTime,resource.id,quantity,unit,resourceUri\n";
        ("text/csv", header.to_owned() + &file.iter().map(row).collect::<String>())
    } else {
        let row = |((of, number), quantity): (&(AzureSubscriptionId, i64), &String)| {
            format!(
                r#"{{"usageStartTime":"{}","usageEndTime":"{}","resource":{{"id":"M"}},"quantity":{quantity},"unit":"1 Hour","instanceData":{{"resourceUri":"/SUBSCRIPTIONS/{of}/X"}}}}"#,
                hour(*number),
                hour(number + 1)
            ) + "\n"
        };
        ("application/x-ndjson", file.iter().map(row).collect())
    };
    let import = world.bring(kind, text).await;
    let count = |name: &str| usize::try_from(import[name].as_u64().unwrap()).unwrap();
    assert_eq!((count("records"), count("added"), count("repeated") + count("corrected")), (file.len(), file.len() - known, known));
    metered.extend(file.into_iter().map(|(key, quantity)| (key, quantity.parse::<Decimal>().unwrap())));
}

/// A transition of what is under no plan; by a clock that may be an hour behind.
async fn transition(world: &mut World, chance: &mut StdRng, moved: &mut Vec<Packet<MapItem>>) {
    let taken: BTreeSet<_> = moved.iter().flat_map(|packet| &packet.items).map(|item| item.azure_subscription_id).collect();
    let plan_id = PlanId(Uuid::from_u128(chance.random_range(0x70..0x73)));
    let free = (0..SUBSCRIPTIONS).map(azure).filter(|azure| !taken.contains(azure) && chance.random_bool(0.6)).collect::<Vec<_>>();
    if free.is_empty() {
        return;
    }
    let packet = Packet {
        transition_id: TransitionId(Uuid::from_u128(chance.random())),
        partner_id: PARTNER,
        customer_id: CUSTOMER,
        facts_version: 1,
        packet: 0,
        attempt: 1,
        effective_at: Some(world.clock.now().next_whole_hour().plus_seconds(if chance.random_bool(0.2) { -HOUR } else { 0 })),
        items: free.into_iter().map(|azure_subscription_id| MapItem { azure_subscription_id, plan_id }).collect(),
    };
    world.tell(&MapSubscriptions(packet.clone())).await;
    moved.push(packet);
}

async fn history(seed: u64) {
    let (mut world, mut chance) = (World::new().await, StdRng::seed_from_u64(seed));
    let (mut metered, mut moved) = (Metered::new(), Vec::new());
    for _ in 0..STEPS {
        match chance.random_range(0..8) {
            0 | 1 => transition(&mut world, &mut chance, &mut moved).await,
            2 | 3 if !moved.is_empty() => {
                let packet = moved.swap_remove(chance.random_range(0..moved.len()));
                world.tell(&UndoMapSubscriptions(packet)).await;
            }
            4 => world.clock.by(chance.random_range(0..3 * HOUR)),
            5 if chance.random_bool(0.4) => settles(&world, &metered, seed).await,
            _ => {
                usage(&world, &mut chance, &mut metered).await;
                for of in (0..SUBSCRIPTIONS).map(azure) {
                    // also before the gateway has heard of the newest change
                    let (all, expected) = (world.sums(of).await, metered.iter().filter(|((azure, _), _)| *azure == of));
                    let expected: Decimal = expected.map(|(_, quantity)| quantity.clone()).sum();
                    assert!(all.1 && all.0[2] == expected, "seed {seed}: {all:?}, and {expected} was metered");
                }
            }
        }
    }
    settles(&world, &metered, seed).await;
    world.stop.cancel();
}

#[tokio::test]
async fn every_record_has_one_owner_and_the_sums_agree_whatever_the_history() {
    for seed in 1..=6 {
        history(seed).await;
    }
}
