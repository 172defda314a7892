//! The mapping worker: what every worker promises, and what is its own: attachment and ownership.

#[path = "../../../shared/worker/tests/support/mod.rs"]
mod support;

use planshift_domain::{
    account::facts::RoleFacts,
    ids::{AzureSubscriptionId, CustomerId, MpnId, PlanId},
    message::command::{AzureSubscriptionFacts, MapItem, MappingFacts, Packet},
    ownership::{ChangePoint, Owner, owner_at},
    transition::Evidence,
};
use planshift_mapping::{MIGRATIONS, Mapping, Options, inspect};
use planshift_messaging::{Destination, EmbeddedBroker, Outgoing, Queue, Service, Settlement};
use planshift_storage::{Dialect, Migration};
use planshift_worker::{
    CancellationToken, End, Ports,
    metrics::{MESSAGES, Metrics},
    step::{Faults, StepHandler},
};
use support::{contract::Case, *};
use uuid::Uuid;

struct Map;

const PLAN: PlanId = PlanId(Uuid::from_u128(0x99));

fn azure(number: u32) -> AzureSubscriptionId {
    AzureSubscriptionId(Uuid::from_u128(0xF000_0000 + u128::from(number)))
}

impl Case for Map {
    type Worker = Mapping;
    const MIGRATIONS: &'static [Migration] = MIGRATIONS;
    fn handler(world: &World, faults: Faults, metrics: Metrics) -> StepHandler<Mapping> {
        Options { faults, metrics, ..Options::default() }.handler(world.database.clone(), world.ports.clone())
    }
    fn facts(items: u32) -> MappingFacts {
        let roles = vec![RoleFacts { mpn_id: MpnId::try_new("123").unwrap(), role: "Owner".into() }];
        let one = |n| AzureSubscriptionFacts {
            azure_subscription_id: azure(n),
            friendly_name: format!("subscription {n}"),
            roles: roles.clone(),
        };
        MappingFacts { subscriptions: (0..items).map(one).collect() }
    }
    fn item(number: u32) -> MapItem {
        MapItem { azure_subscription_id: azure(number), plan_id: PLAN }
    }
    fn writes(number: u32) -> Vec<Broken> {
        vec![("UPDATE", "azure_subscriptions", format!("OLD.azure_subscription_id = '{}'", azure(number)))]
    }
}

contract::contract!(Map);
contract::undo_contract!(Map);

async fn points(world: &World, number: u32) -> Vec<ChangePoint> {
    let all = inspect::ownership(&world.database, None, 10_000).await.unwrap();
    all.into_iter().filter(|point| point.azure_subscription_id == azure(number)).map(|point| point.point).collect()
}

async fn attached(world: &World, number: u32) -> Option<PlanId> {
    let all = inspect::attachments(&world.database, None, 10_000).await.unwrap();
    all.iter().find(|one| one.azure_subscription_id == azure(number)).unwrap().plan_id
}

#[tokio::test]
async fn a_subscription_is_attached_at_once_and_owned_from_the_whole_hour() {
    let (world, handler) = contract::world::<Map>(1).await;
    answer(&handler, command::<Mapping>(&packet(T1, 0, 1, vec![Map::item(0)]))).await;
    assert_eq!(attached(&world, 0).await, Some(PLAN));
    let points = points(&world, 0).await;
    assert_eq!(points, [ChangePoint { from: at("2026-11-22T16:00:00Z"), revision: 0, owner: Owner::Plan(PLAN) }]);
    assert_eq!(owner_at(&points, at("2026-11-22T15:59:59Z")), Owner::Legacy);
}

#[tokio::test]
async fn an_undo_before_the_hour_leaves_the_plan_nothing() {
    let (world, handler) = contract::world::<Map>(1).await;
    let p = packet(T1, 0, 1, vec![Map::item(0)]);
    answer(&handler, command::<Mapping>(&p)).await;
    world.clock.set("2026-11-22T15:40:00Z");
    answer(&handler, undo::<Mapping>(&p)).await;
    // fixed with the first undo: a copy of it an hour later changes nothing
    world.clock.set("2026-11-22T17:40:00Z");
    answer(&handler, undo::<Mapping>(&p)).await;
    assert_eq!(attached(&world, 0).await, None);
    let points = points(&world, 0).await;
    assert_eq!(points.len(), 2);
    assert_eq!((points[1].from, points[1].revision, points[1].owner), (at("2026-11-22T16:00:00Z"), 1, Owner::Legacy));
    assert_eq!(owner_at(&points, at("2027-01-01T00:00:00Z")), Owner::Legacy);
}

#[tokio::test]
async fn an_undo_after_the_hour_leaves_the_plan_what_had_begun() {
    let (world, handler) = contract::world::<Map>(1).await;
    let p = packet(T1, 0, 1, vec![Map::item(0)]);
    answer(&handler, command::<Mapping>(&p)).await;
    world.clock.set("2026-11-22T16:05:00Z");
    // whatever the undo says of it: the change point itself counts
    answer(&handler, undo::<Mapping>(&Packet { effective_at: Some(at("2030-01-01T00:00:00Z")), ..p })).await;
    let points = points(&world, 0).await;
    assert_eq!((points[1].from, points[1].revision), (at("2026-11-22T17:00:00Z"), 0));
    assert_eq!(owner_at(&points, at("2026-11-22T16:59:59Z")), Owner::Plan(PLAN));
    assert_eq!(owner_at(&points, at("2026-11-22T17:00:00Z")), Owner::Legacy);
}

#[tokio::test]
async fn a_second_attempt_in_the_same_hour_is_the_next_revision() {
    let (world, handler) = contract::world::<Map>(1).await;
    let p = packet(T1, 0, 1, vec![Map::item(0)]);
    answers(&handler, &[command::<Mapping>(&p), undo::<Mapping>(&p)]).await;
    answer(&handler, command::<Mapping>(&packet(T2, 0, 1, vec![Map::item(0)]))).await;
    let points = points(&world, 0).await;
    let owners: Vec<_> = points.iter().map(|point| (point.revision, point.owner)).collect();
    assert_eq!(owners, [(0, Owner::Plan(PLAN)), (1, Owner::Legacy), (2, Owner::Plan(PLAN))]);
}

/// The hour of the first transition is given back at 17:00; the coordinator's clock, behind this one's, begins the second at 16:00.
#[tokio::test]
async fn a_later_change_point_of_an_earlier_transition_does_not_outlive_the_next_one() {
    let (world, handler) = contract::world::<Map>(1).await;
    let first = packet(T1, 0, 1, vec![Map::item(0)]);
    answer(&handler, command::<Mapping>(&first)).await;
    world.clock.set("2026-11-22T16:00:01Z");
    answer(&handler, undo::<Mapping>(&first)).await;
    let second = packet(T2, 0, 1, vec![Map::item(0)]);
    answer(&handler, command::<Mapping>(&second)).await;
    assert_eq!(owner_at(&points(&world, 0).await, at("2027-01-01T00:00:00Z")), Owner::Plan(PLAN));
    // and its own undo takes everything back, from the hour that has not begun on
    world.clock.set("2026-11-22T16:10:00Z");
    answer(&handler, undo::<Mapping>(&second)).await;
    let points = points(&world, 0).await;
    assert_eq!(owner_at(&points, at("2026-11-22T16:30:00Z")), Owner::Plan(PLAN));
    assert_eq!(owner_at(&points, at("2026-11-22T17:00:00Z")), Owner::Legacy);
    assert_eq!(owner_at(&points, at("2027-01-01T00:00:00Z")), Owner::Legacy);
}

#[tokio::test]
async fn what_is_elsewhere_or_gone_is_refused_and_the_others_are_not() {
    let (world, handler) = contract::world::<Map>(3).await;
    answer(&handler, command::<Mapping>(&packet(T1, 0, 1, vec![Map::item(1)]))).await;
    let other = PlanId(Uuid::from_u128(0x98));
    let items = (0..4).map(|n| MapItem { plan_id: other, ..Map::item(n) }).collect();
    let got = answer(&handler, command::<Mapping>(&packet(T2, 0, 1, items))).await;
    assert_eq!(evidence(&got), [Evidence::Done, Evidence::Refused, Evidence::Done, Evidence::Refused]);
    assert_eq!((code(&got.items[1]), code(&got.items[3])), ("AlreadyAttached", "SubscriptionNotFound"));
    assert_eq!((attached(&world, 1).await, attached(&world, 2).await), (Some(PLAN), Some(other)));
    assert_eq!(points(&world, 1).await.len(), 1);
    // the refused one is not undone into someone else's attachment
    assert_eq!(evidence(&answer(&handler, undo::<Mapping>(&packet(T2, 0, 1, vec![Map::item(1)]))).await), [Evidence::Fenced]);
    assert_eq!(attached(&world, 1).await, Some(PLAN));
}

#[tokio::test]
async fn an_import_changes_facts_and_never_an_attachment() {
    let (world, handler) = contract::world::<Map>(2).await;
    answer(&handler, command::<Mapping>(&packet(T1, 0, 1, vec![Map::item(0)]))).await;
    let renamed = |name: &str| MappingFacts {
        subscriptions: vec![AzureSubscriptionFacts { azure_subscription_id: azure(0), friendly_name: name.into(), roles: vec![] }],
    };
    handle(&handler, &[facts::<Mapping>(CUSTOMER, 3, renamed("newest"))]).await;
    handle(&handler, &[facts::<Mapping>(CUSTOMER, 2, renamed("older")), facts::<Mapping>(CUSTOMER, 3, renamed("copy"))]).await;
    let all = inspect::attachments(&world.database, None, 10).await.unwrap();
    assert_eq!(
        (all[0].friendly_name.as_str(), all[0].facts_version, all[0].plan_id, all[0].attached_by),
        ("newest", 3, Some(PLAN), Some(T1))
    );
    assert!(all[0].roles.is_empty() && all[1].roles.len() == 1);
    // missing from version 3: it counts as deleted
    let got = answer(&handler, command::<Mapping>(&Packet { facts_version: 3, ..packet(T2, 0, 1, vec![Map::item(1)]) })).await;
    assert_eq!(code(&got.items[0]), "SubscriptionNotFound");
}

#[tokio::test]
async fn roles_stay_as_they_are_whatever_is_done() {
    let (world, handler) = contract::world::<Map>(1).await;
    let before = inspect::attachments(&world.database, None, 10).await.unwrap();
    let p = packet(T1, 0, 1, vec![Map::item(0)]);
    answers(&handler, &[command::<Mapping>(&p), undo::<Mapping>(&p)]).await;
    assert_eq!(inspect::attachments(&world.database, None, 10).await.unwrap(), before);
}

#[tokio::test]
async fn a_subscription_may_become_another_customers_and_stays_under_its_plan() {
    let (world, handler) = contract::world::<Map>(1).await;
    answer(&handler, command::<Mapping>(&packet(T1, 0, 1, vec![Map::item(0)]))).await;
    let other = CustomerId(Uuid::from_u128(0xD));
    handle(&handler, &[facts::<Mapping>(other, 1, Map::facts(1))]).await;
    let got = answer(&handler, command::<Mapping>(&Packet { customer_id: other, ..packet(T2, 0, 1, vec![Map::item(0)]) })).await;
    assert_eq!(code(&got.items[0]), "AlreadyAttached");
    assert_eq!(attached(&world, 0).await, Some(PLAN));
}

#[tokio::test]
async fn a_mapping_without_a_whole_hour_is_dead() {
    let (_world, handler) = contract::world::<Map>(1).await;
    for effective_at in [None, Some(at("2026-11-22T16:00:01Z"))] {
        let p = Packet { effective_at, ..packet(T1, 0, 1, vec![Map::item(0)]) };
        assert!(matches!(&handle(&handler, &[command::<Mapping>(&p)]).await.ends[0], End::Dead(why) if why.code == "UnreadableBody"));
    }
}

#[tokio::test]
async fn everything_is_read_page_by_page() {
    let (world, handler) = contract::world::<Map>(8).await;
    let p = packet(T1, 0, 1, contract::items::<Map>(0..8));
    answers(&handler, &[command::<Mapping>(&p), undo::<Mapping>(&p)]).await;
    let mut seen = Vec::new();
    while let page = inspect::ownership(&world.database, seen.last(), 3).await.unwrap()
        && !page.is_empty()
    {
        seen.extend(page);
    }
    assert_eq!(seen.len(), 16);
    let mut subscriptions = 0;
    let mut after = None;
    while let page = inspect::attachments(&world.database, after, 3).await.unwrap()
        && let Some(last) = page.last()
    {
        subscriptions += page.len();
        after = Some((last.partner_id, last.azure_subscription_id));
    }
    assert_eq!((subscriptions, inspect::ledger(&world.database, None, 100).await.unwrap().len()), (8, 8));
}

#[tokio::test]
async fn two_workers_with_the_same_packets_have_each_effect_once() {
    let (world, one) = contract::world::<Map>(100).await;
    let two = Map::handler(&world, Faults::default(), Metrics::new());
    let forth: Vec<_> = (0..10).map(|n| command::<Mapping>(&packet(T1, n, 1, contract::items::<Map>(n * 10..n * 10 + 10)))).collect();
    let back: Vec<_> = forth.iter().rev().cloned().collect();
    let (a, mut b) = tokio::join!(answers(&one, &forth), answers(&two, &back));
    b.reverse();
    assert_eq!(a, b);
    let undos: Vec<_> = (0..10).map(|n| undo::<Mapping>(&packet(T1, n, 1, contract::items::<Map>(n * 10..n * 10 + 10)))).collect();
    tokio::join!(answers(&one, &undos), answers(&two, &undos));
    assert_eq!(inspect::ownership(&world.database, None, 1_000).await.unwrap().len(), 200);
}

#[tokio::test]
async fn it_runs_on_a_broker_until_it_is_stopped() {
    let world = World::new(MIGRATIONS).await;
    let folder = tempfile::tempdir().unwrap();
    let embedded = EmbeddedBroker::open(&folder.path().join("broker")).await.unwrap();
    let coordinator = embedded.for_service(Service::Coordinator);
    let metrics = Metrics::new();
    let options = Options { metrics: metrics.clone(), ..Options::default() };
    let stop = CancellationToken::new();
    let worker = options.build(world.database.clone(), embedded.for_service(Service::Mapping), Ports::system());
    let running = tokio::spawn(worker.run(stop.clone()));
    let p = packet(T1, 0, 1, contract::items::<Map>(0..3));
    let sent = [
        delivery("Nonsense.v1", &p),
        command::<Mapping>(&p),
        facts::<Mapping>(CUSTOMER, 1, Map::facts(3)),
        undo::<Mapping>(&packet(T2, 0, 1, contract::items::<Map>(0..1))),
    ];
    let outgoing = sent.into_iter().map(|delivery| Outgoing { to: Destination::Command(Service::Mapping), message: delivery.message });
    coordinator.publish(outgoing.collect()).await.unwrap();

    let mut replies = coordinator.consume(Queue::Service(Service::Coordinator), 10).await.unwrap();
    let mut kinds = Vec::new();
    while kinds.len() < 3 {
        let batch = replies.next(10).await.unwrap();
        kinds.extend(batch.iter().map(|delivery| delivery.message.kind.clone()));
        replies.settle(batch.iter().map(|delivery| (delivery.tag, Settlement::Ack)).collect()).await.unwrap();
    }
    kinds.sort();
    assert_eq!(kinds, ["FactsTaken.v1", "MappingAnswered.v1", "MappingAnswered.v1"]);
    stop.cancel();
    running.await.unwrap();
    assert_eq!(embedded.depth(Queue::Dead).ready, 1);
    assert_eq!(attached(&world, 2).await, Some(PLAN));
    let dead = [("service", "mapping"), ("type", "unknown"), ("outcome", "dead")];
    assert_eq!(metrics.get(MESSAGES, &dead), 1, "{}", metrics.text());
}

/// Hands in the database: a change of owner that is asked for and does not come to be. (SQLite's words.)
#[tokio::test]
async fn a_change_of_owner_that_is_lost_is_counted() {
    let world = contract::world::<Map>(1).await.0;
    if world.database.dialect() != Dialect::Sqlite {
        return;
    }
    let metrics = Metrics::counting();
    let handler = Map::handler(&world, Faults::default(), metrics.clone());
    let mut tx = world.database.begin().await.unwrap();
    tx.run_script("CREATE TRIGGER lost BEFORE INSERT ON ownership BEGIN SELECT RAISE(IGNORE); END").await.unwrap();
    tx.commit().await.unwrap();
    answer(&handler, command::<Mapping>(&packet(T1, 0, 1, vec![Map::item(0)]))).await;
    assert_eq!((metrics.violated(), metrics.watched("I2").0, metrics.watched("I11").0), (vec![("I2", 1)], 2, 1));
}
