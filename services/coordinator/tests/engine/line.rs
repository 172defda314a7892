//! The limit of transitions under way: further ones wait in line, and begin as others end.

use crate::world::*;
use planshift_coordinator::{
    Line,
    engine::{Input, Question},
};
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

/// Starts customers of a partner in the background; their transitions.
async fn in_background(world: &mut World, partner: PartnerId, numbers: &[u128]) -> Vec<TransitionId> {
    let start = |n: &u128| {
        let mut start = World::starting(0xb000 + 1000 * partner.0.as_u128() + n, *n);
        (start.partner_id, start.priority) = (partner, Priority::Background);
        Input::Start(start, World::asker())
    };
    let out = world.turn(&numbers.iter().map(start).collect::<Vec<_>>()).await;
    let ids = out.iter().filter_map(body::<StartAnswered>).map(|answered| accepted(&answered.outcome));
    ids.collect()
}

fn accepted(outcome: &StartOutcome) -> TransitionId {
    match outcome {
        StartOutcome::Accepted { transition_id } => *transition_id,
        other => panic!("{other:?}"),
    }
}

/// How many of them have begun.
fn begun_of(world: &World, ids: &[TransitionId]) -> usize {
    ids.iter().filter(|id| world.state(**id) != State::Requested).count()
}

/// Everything that was commanded is done.
async fn work_all(world: &mut World) {
    let checks: Vec<Outgoing> = world.published.iter().filter(|o| o.message.kind == "CheckEligibility.v1").cloned().collect();
    world.work(checks, 10).await;
}

fn few(under_way: u32, background: u32) -> Line {
    Line { under_way, background, ..Line::default() }
}

#[tokio::test]
async fn an_interactive_start_passes_all_in_the_background() {
    let mut world = World::with_line(1, few(3, 2)).await;
    let numbers: Vec<u128> = (1..=20).collect();
    world.import(1, &numbers).await;
    let many = in_background(&mut world, PARTNER, &numbers[..15]).await;
    assert_eq!(begun_of(&world, &many), 2, "as many as may be in the background");
    let (outcome, out) = world.start(1, 16).await;
    assert_eq!(begun(&out), 1, "there is room for it at once");
    let (second, third) = (world.start(2, 17).await.0, world.start(3, 18).await.0);
    let after = [accepted(&second), accepted(&third)];
    assert_eq!(begun_of(&world, &after), 0, "three are under way");
    let (of_first, of_last) = (why(&mut world, after[1]).await, why(&mut world, many[14]).await);
    assert_eq!((of_first.before_it, of_last.before_it), (Some(1), Some(14)), "two interactive ones, and twelve in the background");
    assert!(of_last.waits_for.contains("limit of 2 under way in the background"), "{}", of_last.waits_for);

    work_all(&mut world).await;
    assert_eq!(world.state(accepted(&outcome)), State::Completed);
    assert_eq!(begun(&world.turn(&[Input::Admit]).await), 3);
    assert_eq!((begun_of(&world, &after), begun_of(&world, &many)), (2, 3), "both interactive ones, and then the third place");
    // to the end, without an idle place while anyone waits
    while begun_of(&world, &many) < many.len() {
        work_all(&mut world).await;
        let left = many.len() - begun_of(&world, &many);
        assert_eq!(begun(&world.turn(&[Input::Admit]).await), left.min(2));
    }
}

#[tokio::test]
async fn no_place_is_left_to_the_background_that_an_interactive_one_waits_for() {
    let mut world = World::with_line(1, few(4, 4)).await;
    let numbers: Vec<u128> = (1..=12).collect();
    let other = PartnerId(Uuid::from_u128(2));
    world.import(1, &numbers).await;
    world.import_of(other, 2, &numbers).await;
    let background = in_background(&mut world, PARTNER, &numbers[..6]).await;
    let customers: Vec<CustomerId> = numbers.iter().map(|n| customer(*n)).collect();
    let (one, _) = start_all(&mut world, PARTNER, &customers[6..7]).await;
    let (three, _) = start_all(&mut world, other, &customers[..3]).await;
    assert_eq!((begun_of(&world, &background), begun_of(&world, &one), begun_of(&world, &three)), (4, 0, 0));
    work_all(&mut world).await;
    world.turn(&[Input::Admit]).await;
    // half of the places each: the one leaves the other what it does not need
    assert_eq!((begun_of(&world, &background), begun_of(&world, &one), begun_of(&world, &three)), (4, 1, 3));
}

#[tokio::test]
async fn partners_share_the_background_by_weight_whatever_the_size_of_their_batches() {
    let other = PartnerId(Uuid::from_u128(2));
    let weights = [(other, 3)].into_iter().collect();
    let mut world = World::with_line(1, Line { under_way: 100, background: 8, weights }).await;
    let numbers: Vec<u128> = (1..=60).collect();
    world.import(1, &numbers).await;
    world.import_of(other, 2, &numbers).await;
    let large = in_background(&mut world, PARTNER, &numbers).await;
    let small = in_background(&mut world, other, &numbers[..30]).await;
    assert_eq!((begun_of(&world, &large), begun_of(&world, &small)), (8, 0), "nobody else was there");
    for round in 1..=4 {
        work_all(&mut world).await;
        assert_eq!(begun(&world.turn(&[Input::Admit]).await), 8);
        assert_eq!((begun_of(&world, &large), begun_of(&world, &small)), (8 + 2 * round, 6 * round));
    }
}

#[tokio::test]
async fn an_interactive_start_of_a_customer_that_is_in_line_moves_it_up() {
    let mut world = World::with_line(1, few(2, 1)).await;
    let numbers: Vec<u128> = (1..=6).collect();
    world.import(1, &numbers).await;
    let many = in_background(&mut world, PARTNER, &numbers).await;
    let mut again = World::starting(1, 6);
    again.plan_hash = Some("ab12".into());
    let start = || Input::Start(again.clone(), World::asker());
    let out = world.turn(&[start()]).await;
    let answer = |out: &[Outgoing]| out.iter().find_map(body::<StartAnswered>).unwrap().outcome;
    assert_eq!(accepted(&answer(&out)), many[5], "the one that was in line, and no other");
    assert_eq!(begun(&out), 1, "it begins at once");
    let check = out.iter().find_map(body::<planshift_domain::message::command::CheckEligibility>).unwrap();
    assert_eq!(check.0.items[0].plan_hash.as_deref(), Some("ab12"), "and keeps to the plan that was seen");
    // the same request again is the same, while it is under way and afterwards; another one is refused
    assert_eq!(accepted(&answer(&world.turn(&[start()]).await)), many[5]);
    assert_eq!(world.start(2, 6).await.0, StartOutcome::InProgress { transition_id: many[5] });
    // in line for room, it is before the background
    let (outcome, _) = world.start(3, 5).await;
    assert_eq!((accepted(&outcome), world.state(many[4])), (many[4], State::Requested));
    assert_eq!(why(&mut world, many[4]).await.before_it, Some(0));
    world.work(out, 1).await;
    assert_eq!(accepted(&answer(&world.turn(&[start()]).await)), many[5]);
    world.turn(&[Input::Admit]).await;
    assert_eq!((world.state(many[4]), begun_of(&world, &many[..4])), (State::CheckingEligibility, 1));
    // one that has begun is not moved
    assert_eq!(world.start(4, 1).await.0, StartOutcome::InProgress { transition_id: many[0] });
    let told: Vec<String> = world.events.iter().flat_map(|event| &event.history).map(|entry| entry.event.clone()).collect();
    assert_eq!(told.iter().filter(|event| *event == "MovedUp").count(), 2);
}

#[tokio::test]
async fn one_that_is_moved_up_in_the_turn_of_its_start_is_stored_so() {
    let mut world = World::with_line(1, few(1, 1)).await;
    world.import(1, &[1, 2]).await;
    world.start(1, 1).await;
    let mut background = World::starting(2, 2);
    background.priority = Priority::Background;
    let interactive = World::starting(3, 2);
    let inputs = [background, interactive.clone()].map(|start| Input::Start(start, World::asker()));
    let out = world.turn(&inputs).await;
    let outcomes: Vec<_> = out.iter().filter_map(body::<StartAnswered>).map(|a| accepted(&a.outcome)).collect();
    assert_eq!(outcomes[0], outcomes[1]);
    let again = world.turn(&[Input::Start(interactive, World::asker())]).await;
    assert_eq!(accepted(&again.iter().find_map(body::<StartAnswered>).unwrap().outcome), outcomes[0]);
    world.import(2, &[3]).await;
    let later = in_background(&mut world, PARTNER, &[3]).await;
    assert_eq!((why(&mut world, outcomes[0]).await.before_it, why(&mut world, later[0]).await.before_it), (Some(0), Some(1)));
}
