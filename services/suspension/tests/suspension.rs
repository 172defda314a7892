//! The suspension worker: what every worker promises, and what is its own: no undo, optimistic writes, reasons.

#[path = "../../../shared/worker/tests/support/mod.rs"]
mod support;

use planshift_domain::{
    account::facts::SubscriptionStatus,
    ids::CommerceSubscriptionId,
    message::command::{CommerceSubscriptionFacts, Packet, SuspendItem, SuspensionFacts},
    transition::Evidence,
};
use planshift_storage::Migration;
use planshift_suspension::{MIGRATIONS, Options, REASON, Suspension, inspect};
use planshift_worker::{
    End,
    metrics::Metrics,
    step::{Faults, StepHandler},
};
use support::{contract::Case, *};
use uuid::Uuid;

struct Suspend;

fn commerce(number: u32) -> CommerceSubscriptionId {
    CommerceSubscriptionId(Uuid::from_u128(0xC000_0000 + u128::from(number)))
}

fn told(statuses: &[SubscriptionStatus]) -> SuspensionFacts {
    let one = |(number, status): (u32, &SubscriptionStatus)| CommerceSubscriptionFacts {
        commerce_subscription_id: commerce(number),
        status: *status,
    };
    SuspensionFacts { subscriptions: (0..).zip(statuses).map(one).collect() }
}

impl Case for Suspend {
    type Worker = Suspension;
    const MIGRATIONS: &'static [Migration] = MIGRATIONS;
    fn handler(world: &World, faults: Faults, metrics: Metrics) -> StepHandler<Suspension> {
        Options { faults, metrics, ..Options::default() }.handler(world.database.clone(), world.ports.clone())
    }
    fn facts(items: u32) -> SuspensionFacts {
        told(&vec![SubscriptionStatus::Active; items as usize])
    }
    fn item(number: u32) -> SuspendItem {
        SuspendItem { commerce_subscription_id: commerce(number) }
    }
    fn writes(number: u32) -> Vec<Broken> {
        vec![("UPDATE", "commerce_subscriptions", format!("OLD.commerce_subscription_id = '{}'", commerce(number)))]
    }
}

contract::contract!(Suspend);

async fn stored(world: &World) -> Vec<inspect::CommerceSubscription> {
    inspect::commerce_subscriptions(&world.database, None, 100).await.unwrap()
}

#[tokio::test]
async fn a_suspension_has_its_reason_and_raises_the_version() {
    let (world, handler) = contract::world::<Suspend>(1).await;
    let p = packet(T1, 0, 1, vec![Suspend::item(0)]);
    answers(&handler, &[command::<Suspension>(&p), command::<Suspension>(&p)]).await;
    let now = &stored(&world).await[0];
    assert_eq!((now.status, now.version, now.suspended_by), (SubscriptionStatus::Suspended, 2, Some(T1)));
    assert_eq!(now.suspension_reasons, [REASON]);
}

#[tokio::test]
async fn what_is_suspended_already_is_done_and_keeps_its_reasons() {
    let (world, handler) = contract::world::<Suspend>(1).await;
    world.script("UPDATE commerce_subscriptions SET status = 'suspended', suspension_reasons = '[\"CustomerCancellation\"]'").await;
    let got = answer(&handler, command::<Suspension>(&packet(T1, 0, 1, vec![Suspend::item(0)]))).await;
    assert_eq!(evidence(&got), [Evidence::Done]);
    assert_eq!(stored(&world).await[0].suspension_reasons, ["CustomerCancellation", REASON]);
}

#[tokio::test]
async fn what_is_deleted_or_missing_is_refused() {
    let world = World::new(MIGRATIONS).await;
    let handler = Suspend::handler(&world, Faults::default(), Metrics::new());
    handle(
        &handler,
        &[facts::<Suspension>(CUSTOMER, 1, told(&[SubscriptionStatus::Deleted, SubscriptionStatus::Active, SubscriptionStatus::Active]))],
    )
    .await;
    handle(&handler, &[facts::<Suspension>(CUSTOMER, 2, told(&[SubscriptionStatus::Deleted, SubscriptionStatus::Active]))]).await;
    let p = Packet { facts_version: 2, ..packet(T1, 0, 1, (0..4).map(Suspend::item).collect()) };
    let got = answer(&handler, command::<Suspension>(&p)).await;
    assert_eq!(evidence(&got), [Evidence::Refused, Evidence::Done, Evidence::Refused, Evidence::Refused]);
    assert!([0, 2, 3].iter().all(|n| code(&got.items[*n]) == "SubscriptionNotFound"));
    assert!(got.items[0].error.as_ref().unwrap().description.contains("20003"));
    let now = stored(&world).await;
    assert_eq!(
        now.iter().map(|s| s.status).collect::<Vec<_>>(),
        [SubscriptionStatus::Deleted, SubscriptionStatus::Suspended, SubscriptionStatus::Deleted]
    );
}

#[tokio::test]
async fn an_import_makes_nothing_active_that_a_transition_suspended() {
    let (world, handler) = contract::world::<Suspend>(2).await;
    answer(&handler, command::<Suspension>(&packet(T1, 0, 1, vec![Suspend::item(0)]))).await;
    handle(&handler, &[facts::<Suspension>(CUSTOMER, 2, told(&[SubscriptionStatus::Active, SubscriptionStatus::Suspended]))]).await;
    let now = stored(&world).await;
    assert_eq!((now[0].status, now[1].status), (SubscriptionStatus::Suspended, SubscriptionStatus::Suspended));
    // one that the document suspended, the document may make active again; one that a transition suspended may go missing
    handle(
        &handler,
        &[facts::<Suspension>(
            CUSTOMER,
            3,
            SuspensionFacts { subscriptions: told(&[SubscriptionStatus::Active; 2]).subscriptions.split_off(1) },
        )],
    )
    .await;
    let now = stored(&world).await;
    assert_eq!((now[0].status, now[1].status), (SubscriptionStatus::Suspended, SubscriptionStatus::Active));
    assert_eq!(now[0].suspension_reasons, [REASON]);
}

#[tokio::test]
async fn there_is_no_undo() {
    let (_world, handler) = contract::world::<Suspend>(1).await;
    let wrong = delivery("UndoSuspendSubscriptions.v1", &packet(T1, 0, 1, vec![Suspend::item(0)]));
    assert!(matches!(&handle(&handler, &[wrong]).await.ends[0], End::Dead(why) if why.code == "UnknownType"));
}

#[tokio::test]
async fn a_stale_write_is_seen_and_read_again() {
    let (world, _) = contract::world::<Suspend>(2).await;
    if world.is_postgres() {
        return; // the trigger that plays the other one is in SQLite's words
    }
    let metrics = Metrics::new();
    let handler = Suspend::handler(&world, Faults::default(), metrics.clone());
    // somebody else changes the row between the read and the first write: the first write finds another version
    world
        .script(
            "CREATE TABLE once (n integer);
             CREATE TRIGGER busy BEFORE UPDATE ON commerce_subscriptions WHEN NOT EXISTS (SELECT 1 FROM once) AND NEW.status = 'suspended'
             BEGIN
               INSERT INTO once VALUES (1);
               UPDATE commerce_subscriptions SET version = version + 10 WHERE commerce_subscription_id = OLD.commerce_subscription_id;
               SELECT RAISE(IGNORE);
             END",
        )
        .await;
    let got = answer(&handler, command::<Suspension>(&packet(T1, 0, 1, (0..2).map(Suspend::item).collect()))).await;
    assert_eq!(evidence(&got), [Evidence::Done; 2]);
    assert_eq!(metrics.get(planshift_worker::metrics::STALE_WRITES, &[("step", "suspension")]), 1);
    let mut versions: Vec<i64> = stored(&world).await.iter().map(|s| s.version).collect();
    versions.sort_unstable();
    assert_eq!(versions, [2, 12]);
}
