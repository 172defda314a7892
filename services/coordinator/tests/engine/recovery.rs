//! What a crash, a lost message or a repetition must not do.

use crate::world::*;
use planshift_coordinator::{Limits, engine::Input, store::transitions, timers};
use planshift_domain::{
    ids::TransitionId,
    message::{
        command as c,
        event::TransitionChanged,
        reply::PacketAnswer,
        request::{Act, ActAnswered, ActOnTransition, ActOutcome, Priority, StartAnswered, StartTransition},
    },
    step::{Action, Step},
    transition::{Evidence, Finding, State},
};
use planshift_messaging::{EmbeddedBroker, Outgoing, Queue, Service};
use planshift_storage::{Args, Statement};
use planshift_worker::Ports;
use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

#[tokio::test]
async fn a_crash_between_commit_and_publish_loses_nothing() {
    let mut world = World::new(4).await;
    world.import(1, &[1]).await;
    let (outcome, commands) = world.start(1, 1).await;
    let id = accepted(&outcome);
    let mut waiting: VecDeque<Input> = commands.iter().flat_map(|o| world.answer(o)).collect();
    // at every turn: the messages are lost once, and the redelivered answer brings them again
    while let Some(input) = waiting.pop_front() {
        let (lost, _) = world.turn_unsent(std::slice::from_ref(&input)).await;
        let again = world.turn(std::slice::from_ref(&input)).await;
        let ids =
            |out: &[Outgoing]| -> HashSet<String> { out.iter().filter(|o| !is_event(o)).map(|o| o.message.message_id.clone()).collect() };
        assert_eq!(ids(&lost), ids(&again), "the same messages, under the same ids");
        waiting.extend(again.iter().flat_map(|o| world.answer(o)));
    }
    assert_eq!(world.state(id), State::Completed);
    // once more: everything was sent, so a repeated answer brings nothing
    let answer = PacketAnswer {
        transition_id: id,
        action: Action::Do,
        packet: 0,
        attempt: 1,
        items: vec![good(azure(0).to_string(), Evidence::Done)],
    };
    assert!(world.turn(&[Input::Answered(Step::Mapping, answer)]).await.is_empty());
}

#[tokio::test]
async fn a_later_turn_does_not_hide_messages_that_were_never_sent() {
    let mut world = World::new(120).await; // three packets
    world.import(1, &[1]).await;
    world.refused.insert(azure(0));
    let (_, commands) = world.start(1, 1).await;
    let mut waiting: VecDeque<Input> = commands.iter().flat_map(|o| world.answer(o)).collect();
    let mapped = loop {
        let out = world.turn(&[waiting.pop_front().unwrap()]).await;
        let maps: Vec<Input> = out.iter().filter(|o| o.message.kind == "MapSubscriptions.v1").flat_map(|o| world.answer(o)).collect();
        if !maps.is_empty() {
            break maps;
        }
        waiting.extend(out.iter().flat_map(|o| world.answer(o)));
    };
    // the refusal turns the saga back, and its process dies before the undos are out; then the other packets' answers come
    let (lost, _) = world.turn_unsent(&mapped[..1]).await;
    assert!(lost.iter().any(|o| o.message.kind == "UndoMapSubscriptions.v1"));
    for late in &mapped[1..] {
        assert!(!world.turn(std::slice::from_ref(late)).await.iter().any(|o| o.message.kind == "UndoMapSubscriptions.v1"));
    }
    let again = world.turn(&mapped[..1]).await;
    assert_eq!(again.iter().filter(|o| o.message.kind == "UndoMapSubscriptions.v1").count(), 3);
    world.work(again, 1).await;
    assert_eq!(world.events.iter().max_by_key(|e| e.transition.version).unwrap().transition.state, State::Compensated);
}

#[tokio::test]
async fn an_end_whose_event_was_lost_is_told_again() {
    let mut world = World::new(1).await;
    world.import(1, &[1]).await;
    let (outcome, commands) = world.start(1, 1).await;
    let id = accepted(&outcome);
    world.turn_unsent(&[act_input(id)]).await;
    drop(commands);
    let before = world.engine.ports.clock.now();
    let unsent = transitions::unsent(&world.engine.db, before, TransitionId(Uuid::nil()), 10).await.unwrap();
    assert_eq!(unsent, [id]);
    let out = world.turn(&[Input::Recover(id)]).await;
    assert!(out.iter().any(|o| o.message.kind == "ReleaseEligibility.v1") && out.iter().any(|o| o.message.kind == "TransitionChanged.v1"));
    world.engine.flush_sent().await.unwrap();
    assert!(world.turn(&[Input::Recover(id)]).await.is_empty());
}

fn act_input(id: TransitionId) -> Input {
    let act = ActOnTransition {
        request_id: Uuid::from_u128(5),
        partner_id: PARTNER,
        transition_id: id,
        act: Act::Cancel,
        actor: "ann".into(),
        reason: String::new(),
    };
    Input::Act(act, World::asker())
}

/// What is told to listeners.
fn is_event(out: &Outgoing) -> bool {
    matches!(out.message.kind.as_str(), "TransitionChanged.v1" | "AccountImported.v1")
}

/// What is sent to the workers.
fn commands(out: &[Outgoing]) -> Vec<&str> {
    let kinds = out.iter().filter(|o| !is_event(o)).map(|o| o.message.kind.as_str());
    kinds.filter(|kind| !kind.ends_with("Answered.v1")).collect()
}

#[tokio::test]
async fn a_request_that_comes_again_after_a_crash_sends_what_was_lost() {
    let mut world = World::new(1).await;
    world.import(1, &[1]).await;
    let start = || {
        let start = StartTransition {
            request_id: Uuid::from_u128(1),
            partner_id: PARTNER,
            customer_id: customer(1),
            actor: "ann".into(),
            plan_hash: None,
            priority: Priority::Interactive,
            batch: None,
        };
        Input::Start(start, World::asker())
    };
    let (lost, _) = world.turn_unsent(&[start()]).await;
    let id = accepted(&lost.iter().find_map(body::<StartAnswered>).unwrap().outcome);
    assert_eq!(commands(&world.turn(&[start()]).await), ["CheckEligibility.v1"]);
    assert!(commands(&world.turn(&[start()]).await).is_empty(), "once is enough");

    world.turn_unsent(&[act_input(id)]).await;
    assert_eq!(commands(&world.turn(&[act_input(id)]).await), ["ReleaseEligibility.v1"]);
}

#[tokio::test]
async fn an_act_that_comes_again_gets_the_same_answer() {
    let mut world = World::new(1).await;
    world.import(1, &[1]).await;
    let (outcome, _) = world.start(1, 1).await;
    let id = accepted(&outcome);
    let (lost, _) = world.turn_unsent(&[act_input(id)]).await;
    assert_eq!(commands(&lost), ["ReleaseEligibility.v1"]);
    let again = world.turn(&[act_input(id)]).await;
    assert_eq!(again.iter().find_map(body::<ActAnswered>).unwrap().outcome, ActOutcome::Accepted);
    assert_eq!(commands(&again), ["ReleaseEligibility.v1"], "what was lost is sent");
    let (another, _) = world.act(id, Act::Cancel).await;
    assert_eq!(another, ActOutcome::NotAllowedInState(State::Compensating));
}

#[tokio::test]
async fn telling_again_does_not_hide_commands_that_were_never_sent() {
    let mut world = World::new(1).await;
    world.import(1, &[1]).await;
    let (outcome, asked) = world.start(1, 1).await;
    let id = accepted(&outcome);
    let checked: Vec<Input> = asked.iter().flat_map(|o| world.answer(o)).collect();
    let (lost, _) = world.turn_unsent(&checked).await;
    assert_eq!(commands(&lost), ["PurchasePlans.v1"]);
    assert_eq!(commands(&world.turn(&[Input::TellAgain(id)]).await), ["PurchasePlans.v1"]);
    let out = world.turn(&[Input::TellAgain(id)]).await;
    assert!(commands(&out).is_empty() && !out.is_empty(), "a listener's gap alone sends no command");
}

#[tokio::test]
async fn telling_everything_again_takes_no_huge_message() {
    let mut world = World::new(2000).await;
    world.import(1, &[1]).await;
    let (outcome, asked) = world.start(1, 1).await;
    let id = accepted(&outcome);
    let mut checked: Vec<Input> = asked.iter().flat_map(|o| world.answer(o)).collect();
    for input in &mut checked {
        let Input::Checked(checked) = input else { continue };
        let warning = Finding { code: "AdminAccessMissing".into(), resource_id: azure(0).to_string(), description: "x".repeat(300) };
        checked.findings.warnings = vec![warning; checked.lines.len()];
    }
    let told = world.turn(&checked).await;
    let again = world.turn(&[Input::TellAgain(id)]).await;
    for out in [told, again] {
        let largest = out.iter().map(|o| o.message.body.len()).max().unwrap();
        assert!(largest < 500_000, "a message of {largest} bytes");
        let ids: HashSet<&str> = out.iter().map(|o| o.message.message_id.as_str()).collect();
        assert_eq!(ids.len(), out.len());
        let events: Vec<TransitionChanged> = out.iter().filter_map(body).collect();
        let packets: HashSet<u32> =
            events.iter().flat_map(|e| &e.packets).filter(|p| p.step == Step::Eligibility).map(|p| p.packet).collect();
        let lines: HashSet<_> = events.iter().flat_map(|e| &e.lines).map(|l| l.azure_subscription_id).collect();
        let warnings: usize = events.iter().flat_map(|e| &e.packets).map(|p| p.findings.warnings.len()).sum();
        assert_eq!((packets.len(), lines.len(), warnings), (40, 2000, 2000));
    }
}

#[tokio::test]
async fn a_transition_that_cannot_be_handled_holds_up_no_other() {
    let mut world = World::new(1).await;
    world.import(1, &[1, 2, 3]).await;
    for n in 1..=3 {
        let start = StartTransition {
            request_id: Uuid::from_u128(n),
            partner_id: PARTNER,
            customer_id: customer(n),
            actor: "ann".into(),
            plan_hash: None,
            priority: Priority::Interactive,
            batch: None,
        };
        world.turn_unsent(&[Input::Start(start, World::asker())]).await;
    }
    static BREAK: Statement = Statement::new("UPDATE transitions SET tallies = 'of a later version' WHERE customer_id = $1");
    world.engine.db.execute(&BREAK, Args::new().value(customer(2).0)).await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let broker = EmbeddedBroker::open(&folder.path().join("broker.db")).await.unwrap();
    let stop = CancellationToken::new();
    let engine = Arc::new(world.engine);
    let timers = tokio::spawn(timers::run(engine, broker.for_service(Service::Coordinator), stop.clone()));
    let queue = Queue::Service(Service::Eligibility);
    let mut asked = broker.for_service(Service::Eligibility).consume(queue, 10).await.unwrap();
    let mut of = HashSet::new();
    while of.len() < 2 {
        let batch = tokio::time::timeout(Duration::from_secs(10), asked.next(10)).await.expect("the others are asked about").unwrap();
        for delivery in batch {
            let c::CheckEligibility(packet) = serde_json::from_slice(&delivery.message.body).unwrap();
            of.insert(packet.customer_id);
        }
    }
    assert_eq!(of, HashSet::from([customer(1), customer(3)]));
    stop.cancel();
    timers.await.unwrap();
}

/// Whoever noted what was sent while waiting for a row could be waited for by the one who holds it, and both would stand still.
#[tokio::test]
async fn noting_what_was_sent_passes_over_what_somebody_is_about() {
    if std::env::var("PLANSHIFT_TEST_POSTGRES_URL").is_err() {
        return; // SQLite has one writer at a time, and no such rows
    }
    let mut world = World::new(1).await;
    world.import(1, &[1, 2]).await;
    let (first, second) = (accepted(&world.start(1, 1).await.0), accepted(&world.start(2, 2).await.0));
    let db = world.engine.db.clone();
    let mut other = db.begin().await.unwrap();
    transitions::load(&mut other, &[second], &Limits::default()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), world.engine.flush_sent()).await.expect("it waits for nobody").unwrap();
    other.rollback().await.unwrap();
    let unsent = async || transitions::unsent(&db, Ports::system().clock.now(), TransitionId(Uuid::nil()), 10).await.unwrap();
    assert_eq!(unsent().await, [second], "{first} was free");
    world.engine.flush_sent().await.unwrap();
    assert!(unsent().await.is_empty());
}

#[tokio::test]
async fn an_answer_about_a_transition_that_is_not_here_is_told_apart() {
    let mut world = World::new(1).await;
    world.import(1, &[1]).await;
    let (outcome, _) = world.start(1, 1).await;
    let answer = |transition_id| {
        Input::Answered(Step::Mapping, PacketAnswer { transition_id, action: Action::Do, packet: 0, attempt: 1, items: Vec::new() })
    };
    let nobodys = TransitionId(Uuid::from_u128(404));
    let turn = world.engine.turn(&[answer(accepted(&outcome)), answer(nobodys), Input::TellAgain(nobodys)]).await.unwrap();
    assert_eq!(turn.unknown, [1], "nobody commanded that; a listener that asks for one loses nothing");
}

#[tokio::test]
async fn a_check_keeps_to_the_plan_of_its_start_also_when_it_is_sent_again() {
    let mut world = World::new(1).await;
    world.import(1, &[1]).await;
    let plan_hash = Some("ab12".to_owned());
    let start = StartTransition {
        request_id: Uuid::from_u128(1),
        partner_id: PARTNER,
        customer_id: customer(1),
        actor: "ann".into(),
        plan_hash: plan_hash.clone(),
        priority: Priority::Interactive,
        batch: None,
    };
    let hash = |out: &[Outgoing]| out.iter().find_map(body::<c::CheckEligibility>).map(|check| check.0.items[0].plan_hash.clone());
    let (lost, _) = world.turn_unsent(&[Input::Start(start, World::asker())]).await;
    assert_eq!(hash(&lost), Some(plan_hash.clone()));
    let id = accepted(&lost.iter().find_map(body::<StartAnswered>).unwrap().outcome);
    assert_eq!(hash(&world.turn(&[Input::Recover(id)]).await), Some(plan_hash), "read from the database");
}
