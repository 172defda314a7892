//! The limit of transitions under way: further ones wait in line, and begin as others end.

use crate::world::*;
use planshift_coordinator::engine::Input;
use planshift_coordinator::engine::Question;
use planshift_domain::{
    ids::{BatchId, CustomerId, PartnerId, TransitionId},
    message::{
        operator::{ExplainTransition, TransitionExplained},
        request::{Act, ActOutcome, Priority, StartAnswered, StartOutcome, StartTransition},
    },
    transition::{BatchRow, State},
};
use planshift_messaging::Outgoing;
use std::collections::HashMap;
use uuid::Uuid;

fn begun(out: &[Outgoing]) -> usize {
    out.iter().filter(|outgoing| outgoing.message.kind == "CheckEligibility.v1").count()
}

async fn start_all(world: &mut World, partner: PartnerId, customers: &[CustomerId]) -> (Vec<TransitionId>, Vec<Outgoing>) {
    let start = |(number, customer_id): (usize, &CustomerId)| {
        let request_id = Uuid::from_u128(1000 * partner.0.as_u128() + number as u128);
        Input::Start(
            StartTransition {
                request_id,
                partner_id: partner,
                customer_id: *customer_id,
                actor: "ann".into(),
                plan_hash: None,
                priority: Priority::Interactive,
                batch: None,
            },
            World::asker(),
        )
    };
    let inputs: Vec<Input> = customers.iter().enumerate().map(start).collect();
    let out = world.turn(&inputs).await;
    let ids = out.iter().filter_map(body::<StartAnswered>).map(|answered| match answered.outcome {
        StartOutcome::Accepted { transition_id } => transition_id,
        other => panic!("{other:?}"),
    });
    (ids.collect(), out)
}

async fn why(world: &mut World, id: TransitionId) -> planshift_domain::message::operator::Explanation {
    let question = ExplainTransition { request_id: Uuid::from_u128(5), transition_id: id };
    let out = world.turn(&[Input::Question(Question::Explain(question), World::asker())]).await;
    out.iter().find_map(body::<TransitionExplained>).unwrap().explanation.unwrap()
}

#[tokio::test]
async fn further_ones_wait_and_begin_in_their_order() {
    let mut world = World::with_limit(2, 2).await;
    let numbers = [1, 2, 3, 4, 5];
    world.import(1, &numbers).await;
    let (ids, out) = start_all(&mut world, PARTNER, &numbers.map(customer)).await;
    assert_eq!((ids.len(), begun(&out)), (5, 2), "all are accepted, two begin");
    assert_eq!([3, 4].map(|n: usize| world.state(ids[n])), [State::Requested; 2]);
    let before = why(&mut world, ids[4]).await;
    assert_eq!((before.before_it, before.resend_at, before.give_up_at), (Some(2), None, None));

    // nobody begins while there is no room, however often it is looked
    assert_eq!(begun(&world.turn(&[Input::Admit]).await), 0);
    // a later start does not pass them
    world.import(2, &[6]).await;
    let (later, out) = start_all(&mut world, PARTNER, &[customer(6)]).await;
    assert_eq!(begun(&out), 0);

    let first: Vec<Outgoing> = world.published.iter().filter(|o| o.message.kind == "CheckEligibility.v1").take(1).cloned().collect();
    world.work(first, 1).await;
    let out = world.turn(&[Input::Admit]).await;
    assert_eq!(begun(&out), 1, "one has ended, one begins");
    assert_eq!(world.state(ids[2]), State::CheckingEligibility, "the oldest");
    // everything to its end
    loop {
        let open: Vec<Outgoing> = world.published.iter().filter(|o| o.message.kind == "CheckEligibility.v1").cloned().collect();
        world.work(open, 10).await;
        if begun(&world.turn(&[Input::Admit]).await) == 0 {
            break;
        }
    }
    for id in ids.into_iter().chain(later) {
        assert_eq!(world.state(id), State::Completed);
    }
}

#[tokio::test]
async fn lines_are_worked_off_fairly_between_partners() {
    let mut world = World::with_limit(1, 4).await;
    let numbers: Vec<u128> = (1..=12).collect();
    world.import(1, &numbers).await;
    let other = PartnerId(Uuid::from_u128(2));
    // the same customers under another partner
    world.import_of(other, 2, &numbers).await;
    let customers: Vec<CustomerId> = numbers.iter().map(|n| customer(*n)).collect();
    let (many, out) = start_all(&mut world, PARTNER, &customers).await;
    assert_eq!(begun(&out), 4);
    let (few, _) = start_all(&mut world, other, &customers[..3]).await;
    let checks: Vec<Outgoing> = world.published.iter().filter(|o| o.message.kind == "CheckEligibility.v1").cloned().collect();
    world.work(checks, 10).await;
    world.turn(&[Input::Admit]).await;
    let of = |world: &World, ids: &[TransitionId]| {
        let mut states: HashMap<State, usize> = HashMap::new();
        ids.iter().for_each(|id| *states.entry(world.state(*id)).or_default() += 1);
        states
    };
    assert_eq!(of(&world, &many)[&State::CheckingEligibility], 2, "two of the partner with the long line");
    assert_eq!(of(&world, &few)[&State::CheckingEligibility], 2, "and two of the other one, who came later");
}

#[tokio::test]
async fn who_waits_can_be_cancelled_and_a_request_again_is_the_same() {
    let mut world = World::with_limit(1, 1).await;
    world.import(1, &[1, 2]).await;
    let (ids, _) = start_all(&mut world, PARTNER, &[customer(1), customer(2)]).await;
    let (again, out) = start_all(&mut world, PARTNER, &[customer(1), customer(2)]).await;
    assert_eq!((ids.clone(), begun(&out)), (again, 0));
    let (outcome, _) = world.act(ids[1], Act::Cancel).await;
    assert_eq!((outcome, world.state(ids[1])), (ActOutcome::Accepted, State::Compensated));
    assert_eq!(begun(&world.turn(&[Input::Admit]).await), 0, "and begins no more");
}

#[tokio::test]
async fn a_crash_before_its_messages_were_sent_loses_no_one() {
    let mut world = World::with_limit(1, 1).await;
    world.import(1, &[1, 2]).await;
    let (ids, _) = start_all(&mut world, PARTNER, &[customer(1), customer(2)]).await;
    world.act(ids[0], Act::Cancel).await;
    let release: Vec<Outgoing> = world.published.iter().filter(|o| o.message.kind == "ReleaseEligibility.v1").cloned().collect();
    world.work(release, 1).await;
    let (lost, _) = world.turn_unsent(&[Input::Admit]).await;
    assert_eq!(begun(&lost), 1);
    let again = world.turn(&[Input::Recover(ids[1])]).await;
    assert_eq!(begun(&again), 1, "its command is sent again");
    world.work(again, 1).await;
    assert_eq!(world.state(ids[1]), State::Completed);
}

#[tokio::test]
async fn the_row_of_a_batch_is_kept_with_its_transition_and_told_at_every_change() {
    let mut world = World::new(1).await;
    world.import(1, &[1, 2]).await;
    let of = BatchRow { batch_id: BatchId(Uuid::from_u128(77)), row: 5, attempt: 2 };
    let mut start = World::starting(1, 1);
    (start.priority, start.batch) = (Priority::Background, Some(of));
    let out = world.turn(&[Input::Start(start, World::asker())]).await;
    world.work(out, 1).await;
    let (_, out) = world.start(2, 2).await;
    world.work(out, 1).await;
    let told = |n| world.events.iter().filter(move |event| event.transition.customer_id == customer(n)).map(|event| event.transition.batch);
    assert!(told(1).count() > 4 && told(1).all(|batch| batch == Some(of)), "it comes from the database at each turn");
    assert!(told(2).count() > 4 && told(2).all(|batch| batch.is_none()));
}
