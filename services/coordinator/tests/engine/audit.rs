//! What lasts: a customer's chain, the histories that it seals, and what they tell of messages.

use crate::world::*;
use planshift_coordinator::engine::{Input, Question};
use planshift_domain::{
    account::facts::ResellerFacts,
    audit::{Change, CustomerChain, CustomerEntry, EXCHANGED, Operation, event},
    history::{HistoryEntry, first_break},
    ids::{ImportId, TransitionId},
    message::{
        event::{AccountImported, TransitionChanged},
        reply::FactsTaken,
        request::{
            Act, ActOutcome, ChainAsked, CustomersImported, FindImport, ImportFound, OnlyIf, Priority, StartOutcome, StartTransition,
        },
    },
    transition::State,
};
use planshift_messaging::{Outgoing, Service};
use planshift_storage::{Args, Statement};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use uuid::Uuid;

/// Every entry of customer `n` that is in these messages.
fn told(out: &[Outgoing], n: u128) -> BTreeMap<u32, CustomerEntry> {
    let entries = out.iter().filter_map(body::<AccountImported>).flat_map(|event| event.audit);
    entries.filter(|entry| entry.customer_id == customer(n)).map(|entry| (entry.number, entry)).collect()
}

/// The events of customer `n`, whose chain is whole and unbroken.
fn chain(world: &World, n: u128) -> Vec<CustomerEntry> {
    let entries: Vec<CustomerEntry> = told(&world.published, n).into_values().collect();
    let mut chain = CustomerChain::default();
    entries.iter().for_each(|entry| chain.follow(entry));
    assert_eq!(chain.broken_at, None, "{entries:#?}");
    entries
}

fn names(entries: &[CustomerEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.event.as_str()).collect()
}

fn history(world: &World, id: TransitionId) -> Vec<HistoryEntry> {
    let told = world.events.iter().filter(|event| event.transition.id == id).flat_map(|event| event.history.clone());
    let history: Vec<_> = told.map(|entry| (entry.number, entry)).collect::<BTreeMap<_, _>>().into_values().collect();
    assert_eq!(first_break(id, &history), None);
    history
}

#[tokio::test]
async fn a_chain_tells_who_did_what_and_seals_the_history() {
    let mut world = World::new(3).await;
    world.import(1, &[1]).await;
    let (outcome, commands) = world.start(7, 1).await;
    let id = accepted(&outcome);
    world.work(commands, 1).await;
    let entries = chain(&world, 1);
    assert_eq!(names(&entries), [event::IMPORTED, event::STARTED, event::MAPPED, event::SUSPENDED, event::ENDED]);
    let [imported, started, .., ended] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((imported.actor.as_str(), imported.request_id), ("ann", Some(Uuid::from_u128(1))));
    let value: Value = serde_json::from_str(imported.new_value.as_ref().unwrap()).unwrap();
    assert_eq!((value["factsVersion"].as_u64(), value["document"].as_str()), (Some(1), Some("d")));
    assert_eq!(value["sha256"].as_str().unwrap().len(), 64);
    assert_eq!((started.actor.as_str(), started.request_id), ("ann", Some(Uuid::from_u128(7))));
    let value: Value = serde_json::from_str(ended.new_value.as_ref().unwrap()).unwrap();
    assert_eq!((value["state"].as_str(), value["lines"].as_u64()), (Some("Completed"), Some(3)));
    let history = history(&world, id);
    let seal = ended.transition.as_ref().unwrap();
    assert_eq!((seal.entries as usize, &seal.hash), (history.len(), &history.last().unwrap().hash), "the last hash of the history");
    for seal in entries.iter().filter_map(|entry| entry.transition.as_ref()) {
        assert_eq!(history[seal.entries as usize - 1].hash, seal.hash);
    }
}

#[tokio::test]
async fn a_change_is_told_with_what_was_before_and_after_it() {
    let mut world = World::new(1).await;
    world.import(1, &[1]).await;
    let made = Change {
        operation: Operation::UpdateCustomerSpendingBudget,
        old_value: Some(r#"{"amount":1}"#.into()),
        new_value: Some(r#"{"amount":2.50}"#.into()),
        data: BTreeMap::from([("Key".to_owned(), "value".to_owned())]),
    };
    let change = |import, facts_version| {
        let mut chunk = World::chunk(PARTNER, import, &[1]);
        chunk.only_if = Some(OnlyIf { facts_version, may_buy_legacy_azure: false });
        chunk.by.made = Some(made.clone());
        Input::Import(Box::new(chunk), World::asker())
    };
    world.turn(&[change(2, 1)]).await;
    world.turn(&[change(3, 1)]).await; // of a version that is gone
    // who has lost the answer is told, for ever
    for (looked_for, n, found) in [(&[9, 2, 3][..], 1, Some(2)), (&[3], 1, None), (&[2], 2, None), (&[], 1, None)] {
        let import_ids = looked_for.iter().map(|id| ImportId(Uuid::from_u128(*id))).collect();
        let question = FindImport { request_id: Uuid::new_v4(), partner_id: PARTNER, customer_id: customer(n), import_ids };
        let out = world.turn(&[Input::Question(Question::Import(question), World::asker())]).await;
        let taken = out.iter().find_map(body::<ImportFound>).unwrap().taken;
        assert_eq!(taken.as_ref().map(|taken| taken.import_id), found.map(|id: u128| ImportId(Uuid::from_u128(id))), "{looked_for:?}");
        if let Some(taken) = taken {
            assert_eq!((taken.facts_version, taken.resource.as_deref()), (2, Some(r#"{"amount":2.50}"#)));
        }
    }
    let entries = chain(&world, 1);
    assert_eq!(names(&entries), [event::IMPORTED, event::IMPORTED, event::IMPORT_REFUSED]);
    let value = |text: &Option<String>| serde_json::from_str::<Value>(text.as_ref().unwrap()).unwrap();
    for entry in &entries[1..] {
        let new = value(&entry.new_value);
        assert_eq!(
            (new["operation"].as_str(), new["resource"].as_str()),
            (Some("update_customer_spending_budget"), Some(r#"{"amount":2.50}"#))
        );
        assert_eq!(new["data"]["Key"], "value");
    }
    assert_eq!(value(&entries[1].old_value), serde_json::json!({ "factsVersion": 1, "resource": r#"{"amount":1}"# }));
    assert_eq!(value(&entries[2].new_value)["refused"], "FactsChanged");
}

#[tokio::test]
async fn refusals_and_acts_are_told_once_however_often_they_are_asked() {
    let mut world = World::new(3).await;
    world.refused.insert(azure(1));
    world.import(1, &[1]).await;
    let (outcome, commands) = world.start(1, 1).await;
    let id = accepted(&outcome);
    for _ in 0..3 {
        assert_eq!(world.start(2, 1).await.0, StartOutcome::InProgress { transition_id: id });
    }
    world.start(1, 1).await;
    assert_eq!(world.import(2, &[1]).await.refused.len(), 1);
    let refused = ActOutcome::NotAllowedInState(State::CheckingEligibility);
    for _ in 0..2 {
        assert_eq!(world.act_as(Uuid::from_u128(3), id, Act::Resume).await.0, refused);
    }
    world.work(commands, 10).await;
    assert_eq!(world.state(id), State::Compensated);
    world.act_as(Uuid::from_u128(4), id, Act::Close).await;
    let entries = chain(&world, 1);
    let expected =
        [event::IMPORTED, event::STARTED, event::START_REFUSED, event::IMPORT_REFUSED, event::ACT_REFUSED, event::ENDED, event::CLOSED];
    assert_eq!(names(&entries), expected);
    assert!(entries[4].text.contains("because") && entries[4].actor == "ann", "{:?}", entries[4]);
    let seal = entries.last().unwrap().transition.as_ref().unwrap();
    assert_eq!(seal.hash, history(&world, id).last().unwrap().hash);
}

#[tokio::test]
async fn each_message_and_answer_is_told_in_one_entry_a_turn() {
    for batch in [1, 100] {
        let mut world = World::new(120).await; // three packets
        world.import(1, &[1]).await;
        let (outcome, commands) = world.start(1, 1).await;
        let id = accepted(&outcome);
        world.work(commands, batch).await;
        let history = history(&world, id);
        let exchanged: Vec<Value> =
            history.iter().filter(|entry| entry.event == EXCHANGED).map(|entry| serde_json::from_str(&entry.text).unwrap()).collect();
        let sum = |of: &str| exchanged.iter().filter_map(|told| told[of]["count"].as_u64()).sum::<u64>();
        // three answers of the check, one of the plans, three of the mappings and three of the suspensions; the check is one message
        assert_eq!((sum("got"), sum("sent")), (10, 8), "{exchanged:#?}");
        let turns: std::collections::BTreeSet<u32> =
            world.events.iter().filter(|event| event.transition.id == id).map(|event| event.transition.version).collect();
        assert!(
            exchanged.len() <= turns.len() && exchanged.len() >= if batch == 1 { 10 } else { 4 },
            "{} of {}",
            exchanged.len(),
            turns.len()
        );
        let sent = exchanged.iter().filter_map(|told| told["sent"]["first"][0].as_str()).collect::<Vec<_>>();
        assert!(sent.contains(&format!("MapSubscriptions.v1 {id}/mapping/do/0/1").as_str()), "{sent:?}");
    }
}

#[tokio::test]
async fn a_deadline_that_sends_the_same_again_adds_one_entry() {
    let mut world = World::new(1).await;
    world.import(1, &[1]).await;
    let (outcome, _) = world.start(1, 1).await;
    let id = accepted(&outcome);
    let before = history(&world, id).len();
    static DUE: Statement = Statement::new("UPDATE transitions SET resend_at = 0 WHERE id = $1");
    for n in 1..=3 {
        world.engine.db.execute(&DUE, Args::new().value(id.0)).await.unwrap();
        let out = world.turn(&[Input::Clock(id)]).await;
        assert!(out.iter().any(|o| o.message.kind == "CheckEligibility.v1"));
        let history = history(&world, id);
        assert_eq!((history.len(), history.last().unwrap().event.as_str()), (before + n, "Resent"));
    }
}

/// A large customer's answers come one by one: each turn has an entry, and the history is long.
#[tokio::test]
async fn a_long_history_is_told_again_in_several_messages() {
    let mut world = World::new(1).await;
    world.import(1, &[1]).await;
    let (outcome, _) = world.start(1, 1).await;
    let id = accepted(&outcome);
    static DUE: Statement = Statement::new("UPDATE transitions SET resend_at = 0 WHERE id = $1");
    for _ in 0..600 {
        world.engine.db.execute(&DUE, Args::new().value(id.0)).await.unwrap();
        world.turn(&[Input::Clock(id)]).await;
    }
    let all = history(&world, id);
    let again = world.turn(&[Input::TellAgain(id)]).await;
    let events: Vec<TransitionChanged> = again.iter().filter_map(body).collect();
    assert!(events.len() == 2 && events.iter().all(|event| event.history.len() <= 500), "{} messages", events.len());
    assert_eq!(events.into_iter().flat_map(|event| event.history).collect::<Vec<_>>(), all);
}

/// At every turn the messages are lost once, and whatever comes again after the crash brings the entries again.
#[tokio::test]
async fn no_entry_is_lost_by_a_crash_between_commit_and_publish() {
    let mut world = World::new(4).await;
    world.import(1, &[1]).await;
    let start = StartTransition {
        request_id: Uuid::from_u128(1),
        partner_id: PARTNER,
        customer_id: customer(1),
        actor: "ann".into(),
        plan_hash: None,
        priority: Priority::Interactive,
        batch: None,
    };
    let mut waiting = VecDeque::from([Input::Start(start, World::asker())]);
    let mut lost = 0;
    while let Some(input) = waiting.pop_front() {
        let (unsent, _) = world.turn_unsent(std::slice::from_ref(&input)).await;
        let again = world.turn(std::slice::from_ref(&input)).await;
        for (number, entry) in told(&unsent, 1) {
            assert_eq!(told(&again, 1).get(&number), Some(&entry));
            lost += 1;
        }
        waiting.extend(again.iter().flat_map(|o| world.answer(o)));
    }
    assert_eq!((names(&chain(&world, 1)).len(), lost), (5, 4));
}

#[tokio::test]
async fn who_has_a_gap_is_told_the_rest() {
    let mut world = World::new(1).await;
    world.import(1, &[1, 2]).await;
    let (_, commands) = world.start(1, 1).await;
    world.work(commands, 1).await;
    let all = chain(&world, 1);
    let ask = |after| ChainAsked { partner_id: PARTNER, customer_id: customer(1), after };
    let out = world.turn(&[Input::TellChainAgain(ask(2))]).await;
    assert_eq!(told(&out, 1).into_values().collect::<Vec<_>>(), all[2..]);
    assert!(told(&out, 2).is_empty());
    assert!(world.turn(&[Input::TellChainAgain(ask(99))]).await.is_empty());
}

#[tokio::test]
async fn a_chain_that_begins_later_seals_what_was_there_before() {
    let mut world = World::new(1).await;
    world.import(1, &[1]).await;
    let (outcome, commands) = world.start(1, 1).await;
    let id = accepted(&outcome);
    world.work(commands, 1).await;
    // as a version that wrote no chains has left it
    static ENTRIES: Statement = Statement::new("DELETE FROM customer_audit");
    static CHAINS: Statement = Statement::new("DELETE FROM customer_chains");
    for statement in [&ENTRIES, &CHAINS] {
        world.engine.db.execute(statement, Args::new()).await.unwrap();
    }
    world.published.clear();
    world.import(2, &[1]).await;
    let entries = chain(&world, 1);
    assert_eq!(names(&entries), [event::FOUND, event::IMPORTED]);
    let seal = entries[0].transition.as_ref().unwrap();
    assert_eq!((seal.transition_id, &seal.hash), (id, &history(&world, id).last().unwrap().hash));
    assert_eq!(entries[1].old_value.as_deref(), Some(r#"{"factsVersion":1}"#));
}

#[tokio::test]
async fn a_transition_that_an_older_version_began_beside_a_chain_is_found_with_the_next_request() {
    static CUT: Statement = Statement::new("DELETE FROM customer_audit WHERE number > 1");
    static BACK: Statement =
        Statement::new("UPDATE customer_chains SET entries = 1, hash = (SELECT a.hash FROM customer_audit AS a WHERE a.number = 1)");
    let mut world = World::new(2).await;
    world.import(1, &[1]).await;
    let (outcome, commands) = world.start(1, 1).await;
    let id = accepted(&outcome);
    world.work(commands, 10).await;
    // as if the transition had been another version's, which knows no chains
    for statement in [&CUT, &BACK] {
        world.engine.db.execute(statement, Args::new()).await.unwrap();
    }
    let chunk = |import| Input::Import(Box::new(World::chunk(PARTNER, import, &[1])), World::asker());
    let out = world.turn(&[chunk(2)]).await;
    let entries: Vec<CustomerEntry> = told(&out, 1).into_values().collect();
    assert_eq!(names(&entries), [event::FOUND, event::IMPORTED]);
    let seal = entries[0].transition.as_ref().unwrap();
    assert_eq!((seal.transition_id, &seal.hash), (id, &history(&world, id).last().unwrap().hash));
    assert_eq!(entries[0].number, 2);
    // once
    let out = world.turn(&[chunk(3)]).await;
    assert_eq!(names(&told(&out, 1).into_values().collect::<Vec<_>>()), [event::IMPORTED]);
    // and what this version begins is not found, but told
    let (_, out) = world.start(2, 1).await;
    assert_eq!(names(&told(&out, 1).into_values().collect::<Vec<_>>()), [event::STARTED]);
}

#[tokio::test]
async fn resellers_of_a_document_are_told_also_where_they_are_on_record_nowhere() {
    let reseller = |mpn: &str, state: &str| ResellerFacts {
        id: None,
        mpn_id: planshift_domain::ids::MpnId::try_new(mpn).unwrap(),
        name: "R".into(),
        state: state.into(),
        location: None,
        is_agreement_signed: true,
    };
    let mut world = World::new(1).await;
    let mut chunk = World::chunk(PARTNER, 1, &[1]);
    chunk.customers[0].resellers = vec![reseller("10", "Active")];
    chunk.resellers = vec![reseller("10", "Active"), reseller("20", "Inactive")];
    let worker = |chunk, worker| Input::Taken(FactsTaken { import_id: ImportId(Uuid::from_u128(1)), chunk }, worker);
    world.turn(&[Input::Import(Box::new(chunk), World::asker())]).await;
    let mut out = Vec::new();
    for service in [Service::Eligibility, Service::Purchasing, Service::Mapping, Service::Suspension] {
        out = world.turn(&[worker(0, service)]).await;
    }
    let told = |out: &[Outgoing]| -> Vec<String> {
        let events = out.iter().filter_map(body::<AccountImported>).flat_map(|event| event.resellers);
        events.map(|reseller| format!("{} {}", reseller.mpn_id.as_str(), reseller.state)).collect()
    };
    assert_eq!(told(&out), ["10 Active", "20 Inactive"]);
    // further ones, without a customer: nobody else has to take them
    let mut further = World::chunk(PARTNER, 1, &[]);
    (further.chunk, further.resellers) = (1 << 30, vec![reseller("30", "Active")]);
    let out = world.turn(&[Input::Import(Box::new(further), World::asker())]).await;
    assert_eq!(told(&out), ["30 Active"]);
    assert!(out.iter().find_map(body::<CustomersImported>).unwrap().imported.is_empty());
}
