//! The purchasing worker: what every worker promises, and what is its own: which plan is bought, reused, suspended.

#[path = "../../../shared/worker/tests/support/mod.rs"]
mod support;

use planshift_domain::{
    account::facts::{PlanFacts, PlanStatus},
    ids::{CustomerId, PlanId, Reseller},
    message::{
        command::{Packet, PlanItem, PurchasingFacts},
        reply::{PacketAnswer, PlanAnswer},
    },
    transition::Evidence,
};
use planshift_purchasing::{MIGRATIONS, Options, Purchasing, inspect};
use planshift_storage::Migration;
use planshift_worker::{
    metrics::Metrics,
    step::{Faults, StepHandler},
};
use support::{contract::Case, *};
use uuid::Uuid;

struct Buy;

impl Case for Buy {
    type Worker = Purchasing;
    const MIGRATIONS: &'static [Migration] = MIGRATIONS;
    fn handler(world: &World, faults: Faults, metrics: Metrics) -> StepHandler<Purchasing> {
        Options { faults, metrics, ..Options::default() }.handler(world.database.clone(), world.ports.clone())
    }
    fn facts(_: u32) -> PurchasingFacts {
        PurchasingFacts { plans: vec![] }
    }
    fn item(number: u32) -> PlanItem {
        // the first one is the group without a reseller, whose key has letters
        if number == 1 { plan_item("none") } else { plan_item(&(1_000 + number).to_string()) }
    }
    fn writes(number: u32) -> Vec<Broken> {
        let reseller = Self::item(number).reseller;
        vec![("INSERT", "plans", format!("NEW.reseller = '{reseller}'")), ("UPDATE", "plans", format!("OLD.reseller = '{reseller}'"))]
    }
}

contract::contract!(Buy);
contract::undo_contract!(Buy);

fn plan_item(reseller: &str) -> PlanItem {
    PlanItem { reseller: Reseller::from_key(reseller).unwrap() }
}

fn document_plan(id: u128, reseller: &str, status: PlanStatus) -> PlanFacts {
    PlanFacts { id: PlanId(Uuid::from_u128(id)), reseller: Reseller::from_key(reseller).unwrap(), status }
}

async fn buyer(version: u32, plans: Vec<PlanFacts>) -> (World, StepHandler<Purchasing>) {
    let world = World::new(MIGRATIONS).await;
    let handler = Buy::handler(&world, Faults::default(), Metrics::new());
    handle(&handler, &[facts::<Purchasing>(CUSTOMER, version, PurchasingFacts { plans })]).await;
    (world, handler)
}

fn plan(answer: &PacketAnswer) -> PlanAnswer {
    answer.items[0].plan.clone().unwrap()
}

async fn status(world: &World, id: PlanId) -> PlanStatus {
    let all = inspect::plans(&world.database, None, 100).await.unwrap();
    all.iter().find(|plan| plan.plan_id == id).unwrap().status
}

#[tokio::test]
async fn a_plan_is_bought_for_each_reseller_and_suspended_by_its_undo() {
    let (world, handler) = buyer(1, vec![]).await;
    let p = packet(T1, 0, 1, vec![plan_item("4847383"), plan_item("none")]);
    let got = answer(&handler, command::<Purchasing>(&p)).await;
    let plans: Vec<PlanAnswer> = got.items.iter().map(|item| item.plan.clone().unwrap()).collect();
    assert!(plans.iter().all(|plan| !plan.reused && plan.status == PlanStatus::Active));
    assert_ne!(plans[0].plan_id, plans[1].plan_id);
    let undone = answer(&handler, undo::<Purchasing>(&p)).await;
    assert_eq!(plan(&undone), PlanAnswer { status: PlanStatus::Suspended, ..plans[0].clone() });
    let stored = inspect::plans(&world.database, None, 100).await.unwrap();
    assert!(stored.iter().all(|plan| plan.bought && plan.status == PlanStatus::Suspended && plan.suspended_by == Some(T1)));
}

#[tokio::test]
async fn the_active_plan_of_the_smallest_id_is_taken_and_stays_active() {
    let plans = vec![
        document_plan(3, "7", PlanStatus::Active),
        document_plan(2, "7", PlanStatus::Active),
        document_plan(1, "7", PlanStatus::Suspended),
        document_plan(4, "8", PlanStatus::Active),
    ];
    let (world, handler) = buyer(1, plans).await;
    let p = packet(T1, 0, 1, vec![plan_item("7")]);
    let taken = plan(&answer(&handler, command::<Purchasing>(&p)).await);
    assert_eq!(taken, PlanAnswer { plan_id: PlanId(Uuid::from_u128(2)), reused: true, status: PlanStatus::Active });
    let undone = answer(&handler, undo::<Purchasing>(&p)).await;
    assert_eq!((evidence(&undone), plan(&undone)), (vec![Evidence::Undone], taken.clone()));
    assert_eq!(status(&world, taken.plan_id).await, PlanStatus::Active);
}

#[tokio::test]
async fn what_a_document_says_is_suspended_deleted_or_missing_is_not_reused() {
    let plans = vec![
        document_plan(1, "7", PlanStatus::Suspended),
        document_plan(2, "7", PlanStatus::Deleted),
        document_plan(3, "7", PlanStatus::Active),
    ];
    let (world, handler) = buyer(1, plans).await;
    let newer = PurchasingFacts { plans: vec![document_plan(1, "7", PlanStatus::Suspended)] };
    handle(&handler, &[facts::<Purchasing>(CUSTOMER, 2, newer)]).await;
    assert_eq!(status(&world, PlanId(Uuid::from_u128(3))).await, PlanStatus::Deleted);
    let p = Packet { facts_version: 2, ..packet(T1, 0, 1, vec![plan_item("7")]) };
    assert!(!plan(&answer(&handler, command::<Purchasing>(&p)).await).reused);
}

#[tokio::test]
async fn what_a_compensation_suspended_is_made_active_again_and_suspended_again() {
    let (world, handler) = buyer(1, vec![]).await;
    let (first, second) = (packet(T1, 0, 1, vec![plan_item("7")]), packet(T2, 0, 1, vec![plan_item("7")]));
    let bought = plan(&answer(&handler, command::<Purchasing>(&first)).await);
    answer(&handler, undo::<Purchasing>(&first)).await;
    let again = plan(&answer(&handler, command::<Purchasing>(&second)).await);
    assert_eq!(again, PlanAnswer { reused: true, ..bought.clone() });
    // a late copy of the first undo is recognised and touches nothing
    answer(&handler, undo::<Purchasing>(&first)).await;
    assert_eq!(status(&world, bought.plan_id).await, PlanStatus::Active);
    assert_eq!(plan(&answer(&handler, undo::<Purchasing>(&second)).await).status, PlanStatus::Suspended);
    let stored = inspect::plans(&world.database, None, 100).await.unwrap();
    assert_eq!((stored.len(), stored[0].suspended_by), (1, Some(T2)));
}

#[tokio::test]
async fn a_later_transition_takes_the_bought_plan_and_its_undo_leaves_it_active() {
    let (world, handler) = buyer(1, vec![]).await;
    let bought = plan(&answer(&handler, command::<Purchasing>(&packet(T1, 0, 1, vec![plan_item("7")]))).await);
    let second = packet(T2, 0, 1, vec![plan_item("7")]);
    assert!(plan(&answer(&handler, command::<Purchasing>(&second)).await).reused);
    assert_eq!(plan(&answer(&handler, undo::<Purchasing>(&second)).await).status, PlanStatus::Active);
    assert_eq!(status(&world, bought.plan_id).await, PlanStatus::Active);
}

#[tokio::test]
async fn two_transitions_in_one_batch_share_one_plan() {
    let (world, handler) = buyer(1, vec![]).await;
    let batch = [T1, T2].map(|t| command::<Purchasing>(&packet(t, 0, 1, vec![plan_item("7")])));
    let both = answers(&handler, &batch).await;
    assert_eq!(plan(&both[0]).plan_id, plan(&both[1]).plan_id);
    assert_eq!((plan(&both[0]).reused, plan(&both[1]).reused), (false, true));
    assert_eq!(inspect::plans(&world.database, None, 100).await.unwrap().len(), 1);
}

#[tokio::test]
async fn customers_and_resellers_have_plans_of_their_own() {
    let (world, handler) = buyer(1, vec![]).await;
    let other = CustomerId(Uuid::from_u128(0xD));
    handle(&handler, &[facts::<Purchasing>(other, 1, PurchasingFacts { plans: vec![] })]).await;
    let batch = [
        command::<Purchasing>(&packet(T1, 0, 1, vec![plan_item("7"), plan_item("8")])),
        command::<Purchasing>(&Packet { customer_id: other, ..packet(T2, 0, 1, vec![plan_item("7")]) }),
    ];
    answers(&handler, &batch).await;
    assert_eq!(inspect::plans(&world.database, None, 100).await.unwrap().len(), 3);
}

#[tokio::test]
async fn an_import_does_not_change_what_was_bought() {
    let (world, handler) = buyer(1, vec![]).await;
    let p = packet(T1, 0, 1, vec![plan_item("7")]);
    let bought = plan(&answer(&handler, command::<Purchasing>(&p)).await);
    let told = |status| PurchasingFacts { plans: vec![PlanFacts { id: bought.plan_id, reseller: Reseller::NONE, status }] };
    handle(&handler, &[facts::<Purchasing>(CUSTOMER, 2, told(PlanStatus::Deleted))]).await;
    let stored = inspect::plans(&world.database, None, 100).await.unwrap();
    assert_eq!((stored.len(), stored[0].status, stored[0].reseller.key(), stored[0].bought), (1, PlanStatus::Active, "7", true));
    answer(&handler, undo::<Purchasing>(&p)).await;
    handle(&handler, &[facts::<Purchasing>(CUSTOMER, 3, told(PlanStatus::Active))]).await;
    assert_eq!(status(&world, bought.plan_id).await, PlanStatus::Suspended);
}
