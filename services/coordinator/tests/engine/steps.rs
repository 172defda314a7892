//! A step paused for everyone, by an operator's act.

use crate::world::*;
use planshift_coordinator::engine::{Input, Question};
use planshift_domain::{
    ids::TransitionId,
    message::operator::{
        ActOnStep, ExplainTransition, ListStuck, ReadSteps, StepActKind, StepState, StepsRead, StuckListed, TransitionExplained,
    },
    step::Step,
    time::Timestamp,
    transition::State,
};
use uuid::Uuid;

async fn act(world: &mut World, request: u128, step: Step, act: StepActKind) -> StepState {
    let request_id = Uuid::from_u128(request);
    let act = ActOnStep { request_id, step, act, actor: "ann".into(), reason: "the registry is down".into() };
    let out = world.turn(&[Input::ActOnStep(act, World::asker())]).await;
    let read = out.iter().find_map(body::<StepsRead>).unwrap();
    assert_eq!(read.request_id, request_id);
    read.steps.into_iter().find(|state| state.step == step).unwrap()
}

async fn state(world: &mut World, step: Step) -> StepState {
    let question = Question::Steps(ReadSteps { request_id: Uuid::from_u128(6) });
    let out = world.turn(&[Input::Question(question, World::asker())]).await;
    out.iter().find_map(body::<StepsRead>).unwrap().steps.into_iter().find(|state| state.step == step).unwrap()
}

fn kinds(world: &World, kind: &str) -> usize {
    world.published.iter().filter(|outgoing| outgoing.message.kind == kind).count()
}

#[tokio::test]
async fn held_where_the_pause_finds_them_and_all_go_on() {
    let mut world = World::new(120).await; // three packets
    world.import(1, &[1, 2]).await;
    let (one, commands) = world.start(1, 1).await;
    // the first one's mapping is on its way
    let mut out = commands;
    while !out.iter().any(|o| o.message.kind == "MapSubscriptions.v1") {
        let inputs: Vec<Input> = out.iter().flat_map(|o| world.answer(o)).collect();
        out = world.turn(&inputs).await;
    }
    let paused = act(&mut world, 10, Step::Mapping, StepActKind::Pause).await;
    assert_eq!((paused.paused, paused.in_flight, paused.drained), (true, 1, false));
    let last = paused.last.unwrap();
    assert_eq!((last.actor.as_str(), last.reason.as_str()), ("ann", "the registry is down"));

    // the second one comes to mapping, and is held there
    let (two, commands) = world.start(2, 2).await;
    world.work(commands, 1).await;
    let two = accepted(&two);
    assert_eq!((world.state(two), kinds(&world, "MapSubscriptions.v1")), (State::MappingSubscriptions, 3), "only the first one's");
    let now = state(&mut world, Step::Mapping).await;
    assert_eq!((now.in_flight, now.held, now.drained), (1, 1, false));
    let why = why(&mut world, two).await;
    assert!(why.waits_for.contains("mapping is paused"), "{}", why.waits_for);
    assert_eq!(why.held.unwrap().paused.unwrap().reason, "the registry is down");
    // neither a recovery nor a deadline sends them
    world.turn(&[Input::Clock(two), Input::Recover(two)]).await;
    assert_eq!(kinds(&world, "MapSubscriptions.v1"), 3);

    // what is on its way comes to its end, and drains
    let inputs: Vec<Input> = out.iter().flat_map(|o| world.answer(o)).collect();
    let out = world.turn(&inputs).await;
    let now = state(&mut world, Step::Mapping).await;
    assert_eq!((now.in_flight, now.drained), (0, true));
    world.work(out, 10).await;
    assert_eq!(world.state(accepted(&one)), State::Completed, "past the paused step it went on");

    // another engine on the same database has learnt it
    assert!(world.engine.look_at_steps().await.unwrap().since(Step::Mapping).is_some());
    let resumed = act(&mut world, 11, Step::Mapping, StepActKind::Resume).await;
    assert!(!resumed.paused && !resumed.drained);
    let released = world.turn(&[Input::Clock(two)]).await;
    assert_eq!(released.iter().filter(|o| o.message.kind == "MapSubscriptions.v1").count(), 3);
    world.work(released, 10).await;
    assert_eq!(world.state(two), State::Completed);
}

async fn why(world: &mut World, id: TransitionId) -> planshift_domain::message::operator::Explanation {
    let question = ExplainTransition { request_id: Uuid::from_u128(5), transition_id: id };
    let out = world.turn(&[Input::Question(Question::Explain(question), World::asker())]).await;
    out.iter().find_map(body::<TransitionExplained>).unwrap().explanation.unwrap()
}

#[tokio::test]
async fn acts_are_kept_once() {
    let mut world = World::new(1).await;
    act(&mut world, 10, Step::Purchasing, StepActKind::Pause).await;
    let first = state(&mut world, Step::Purchasing).await.last.unwrap();
    // the same again, and another one that changes nothing
    act(&mut world, 10, Step::Purchasing, StepActKind::Pause).await;
    act(&mut world, 11, Step::Purchasing, StepActKind::Pause).await;
    assert_eq!(state(&mut world, Step::Purchasing).await.last.unwrap(), first);
    act(&mut world, 12, Step::Purchasing, StepActKind::Resume).await;
    // a pause that comes again, late, is no new act: neither the one that paused the step, nor the one that found it paused
    for late in [10, 11] {
        let late = act(&mut world, late, Step::Purchasing, StepActKind::Pause).await;
        assert!(!late.paused);
    }
    // and so it is the other way about
    act(&mut world, 13, Step::Purchasing, StepActKind::Resume).await;
    act(&mut world, 14, Step::Purchasing, StepActKind::Pause).await;
    let late = act(&mut world, 13, Step::Purchasing, StepActKind::Resume).await;
    assert!(late.paused);
    let last = late.last.unwrap();
    assert!(last.act == StepActKind::Pause && last.at > first.at, "it holds since the last pause that changed something");
}

#[tokio::test]
async fn what_has_not_moved_is_listed_with_what_it_waits_for() {
    let mut world = World::new(1).await;
    world.import(1, &[1, 2]).await;
    let id = accepted(&world.start(1, 1).await.0);
    world.start(2, 2).await;
    let mut ask = async |partner_id, unchanged_since, limit| {
        let question = ListStuck { request_id: Uuid::from_u128(7), partner_id, unchanged_since, limit };
        let out = world.turn(&[Input::Question(Question::Stuck(question), World::asker())]).await;
        out.iter().find_map(body::<StuckListed>).unwrap()
    };
    let now = Timestamp::from_micros(i64::MAX / 2);
    let stuck = ask(None, now, 1).await;
    assert_eq!((stuck.total, stuck.transitions.len(), stuck.transitions[0].transition_id), (2, 1, id), "the longest first");
    assert_eq!(stuck.transitions[0].waits_for, "answers of eligibility: 1 unanswered of one packet");
    assert_eq!(ask(Some(PARTNER), now, 10).await.transitions.len(), 2);
    assert_eq!(ask(Some(planshift_domain::ids::PartnerId(Uuid::from_u128(9))), now, 10).await.total, 0);
    assert_eq!(ask(None, Timestamp::from_micros(0), 10).await.total, 0);
}
