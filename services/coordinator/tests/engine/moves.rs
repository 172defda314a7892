//! Customers that move, are refused, fail and are resumed.

use crate::world::*;
use planshift_coordinator::engine::Input;
use planshift_domain::{
    account::facts::{PartnerFacts, PartnerType, PlanStatus},
    history,
    ids::{ImportId, MpnId, TransitionId},
    message::{
        command as c,
        reply::PacketGivenUp,
        request::{
            Act, ActOutcome, CustomersImported, ImportCustomers, ImportedBy, OnlyIf, Priority, StartAnswered, StartOutcome, StartTransition,
        },
    },
    step::{Action, Step},
    transition::{Evidence, ItemError, State},
};
use planshift_messaging::Outgoing;
use planshift_worker::Ports;
use std::collections::HashSet;
use uuid::Uuid;

#[tokio::test]
async fn a_customer_moves_from_import_to_completed() {
    let mut world = World::new(8).await;
    let imported = world.import(1, &[1]).await;
    assert_eq!(imported.imported, [customer(1)]);
    let (outcome, commands) = world.start(1, 1).await;
    let id = accepted(&outcome);
    world.work(commands, 1).await;
    assert_eq!(world.state(id), State::Completed);

    let commands: Vec<&str> = world
        .published
        .iter()
        .filter(|o| o.message.kind.contains("Plans.") || o.message.kind.contains("Subs"))
        .map(|o| o.message.kind.as_str())
        .collect();
    assert_eq!(
        commands,
        ["PurchasePlans.v1", "MapSubscriptions.v1", "SuspendSubscriptions.v1"],
        "a few messages, whatever the number of lines"
    );
    let mut told: Vec<_> = world.events.iter().flat_map(|e| e.history.clone()).collect();
    told.sort_by_key(|e| e.number);
    assert_eq!(history::first_break(id, &told), None);
    assert_eq!(told.last().unwrap().state, State::Completed);
    let traces: HashSet<&str> = world.events.iter().map(|e| e.transition.traceparent.as_str()).collect();
    assert_eq!(traces.len(), 1, "one trace from start to end");
}

/// A purchase that was given up, and its undo that was too: each of its plans is told all the same, for whoever must look after it.
#[tokio::test]
async fn plans_that_nobody_answered_for_are_told_one_by_one() {
    let mut world = World::new(8).await;
    world.import(1, &[1]).await;
    let (outcome, commands) = world.start(1, 1).await;
    let id = accepted(&outcome);
    let checked: Vec<Input> = commands.iter().flat_map(|command| world.answer(command)).collect();
    world.turn(&checked).await;
    let error = ItemError { code: "Unavailable".into(), description: "for hours".into() };
    let given_up = |action| PacketGivenUp { transition_id: id, action, packet: 0, attempt: 1, error: error.clone() };
    world.turn(&[Input::GivenUp(Step::Purchasing, given_up(Action::Do))]).await;
    assert_eq!(world.state(id), State::Compensating);
    world.turn(&[Input::GivenUp(Step::Purchasing, given_up(Action::Undo))]).await;
    assert_eq!(world.state(id), State::NeedsOperator);
    let mut plans: Vec<_> = world.events.iter().flat_map(|event| event.plans.clone()).collect();
    plans.sort_by_key(|plan| (plan.reseller.clone(), plan.version));
    let told: Vec<_> = plans.iter().map(|plan| (plan.reseller.key(), plan.undo, plan.error.as_ref())).collect();
    let twice = ["4847383", "4847433"].map(|key| [(key, None, Some(&error)), (key, Some(Evidence::Refused), Some(&error))]);
    assert_eq!(told, twice.concat());
    assert_eq!(world.events.last().unwrap().transition.plans, 2, "as many as the transition says");
}

#[tokio::test]
async fn the_same_request_is_the_same_transition_and_another_one_waits() {
    let mut world = World::new(1).await;
    assert_eq!(world.start(1, 1).await.0, StartOutcome::UnknownCustomer);
    world.import(1, &[1]).await;
    let (first, commands) = world.start(1, 1).await;
    let id = accepted(&first);
    assert_eq!(world.start(1, 1).await.0, first);
    assert_eq!(world.start(2, 1).await.0, StartOutcome::InProgress { transition_id: id });
    let refused = world.import(2, &[1, 2]).await;
    assert_eq!((refused.imported, refused.refused[0].code.as_str()), (vec![customer(2)], "UpgradeInProgress"));
    world.work(commands, 10).await;
    assert_eq!(world.start(1, 1).await.0, first, "also after its end");
    let (second, _) = world.start(2, 1).await;
    assert_ne!(accepted(&second), id);
}

#[tokio::test]
async fn two_starts_in_one_batch_are_one_transition() {
    let mut world = World::new(1).await;
    world.import(1, &[1]).await;
    let start = |n: u128| {
        let start = StartTransition {
            request_id: Uuid::from_u128(n),
            partner_id: PARTNER,
            customer_id: customer(1),
            actor: "ann".into(),
            plan_hash: None,
            priority: Priority::Interactive,
            batch: None,
        };
        Input::Start(start, World::asker())
    };
    let out = world.turn(&[start(1), start(2), start(1)]).await;
    let outcomes: Vec<StartOutcome> = out.iter().filter_map(body::<StartAnswered>).map(|a| a.outcome).collect();
    let id = accepted(&outcomes[0]);
    assert_eq!(outcomes[1], StartOutcome::InProgress { transition_id: id });
    assert_eq!(outcomes[2], outcomes[0]);
}

#[tokio::test]
async fn a_refused_line_turns_everything_back_and_says_what_became_of_each() {
    let mut world = World::new(5).await;
    world.import(1, &[1]).await;
    world.refused.insert(azure(3));
    let (outcome, commands) = world.start(1, 1).await;
    let id = accepted(&outcome);
    world.work(commands, 1).await;
    assert_eq!(world.state(id), State::Compensated);
    let last = world.events.iter().max_by_key(|e| e.transition.version).unwrap();
    let failure = last.transition.failure.clone().unwrap();
    assert_eq!((failure.step, failure.resource_id, failure.code.as_str()), (Step::Mapping, azure(3).to_string(), "FaultInjected"));
    let mut lines: Vec<_> = world.events.iter().flat_map(|e| e.lines.clone()).collect();
    lines.sort_by_key(|l| (l.azure_subscription_id, l.version));
    let latest = |n: u32| lines.iter().rfind(|l| l.azure_subscription_id.0 == azure(n)).unwrap();
    assert_eq!((latest(0).undo, latest(0).error.is_none()), (Some(Evidence::Undone), true));
    assert_eq!((latest(3).undo, latest(3).error.as_ref().unwrap().1.code.as_str()), (Some(Evidence::Fenced), "FaultInjected"));
    let plan = world.events.iter().flat_map(|e| e.plans.clone()).max_by_key(|p| p.version).unwrap();
    assert_eq!((plan.status, plan.undo), (Some(PlanStatus::Suspended), Some(Evidence::Undone)));
}

#[tokio::test]
async fn past_the_pivot_an_operator_resumes() {
    let mut world = World::new(3).await;
    world.import(1, &[1]).await;
    world.refused.insert(commerce(1));
    let (outcome, commands) = world.start(1, 1).await;
    let id = accepted(&outcome);
    world.work(commands, 1).await;
    assert_eq!(world.state(id), State::NeedsOperator);
    assert_eq!(world.act(id, Act::Cancel).await.0, ActOutcome::PastThePivot(State::NeedsOperator));
    assert!(matches!(world.start(9, 1).await.0, StartOutcome::InProgress { .. }), "the lock is kept");
    world.refused.clear();
    let (outcome, commands) = world.act(id, Act::Resume).await;
    assert_eq!(outcome, ActOutcome::Accepted);
    world.work(commands, 1).await;
    assert_eq!(world.state(id), State::Completed);
    let line = world
        .events
        .iter()
        .flat_map(|e| e.lines.clone())
        .filter(|l| l.commerce_subscription_id.0 == commerce(1))
        .max_by_key(|l| l.version)
        .unwrap();
    assert_eq!(line.error, None, "what was refused is done now");
}

#[tokio::test]
async fn a_late_copy_of_an_earlier_act_does_nothing() {
    let mut world = World::new(3).await;
    world.import(1, &[1]).await;
    world.refused.insert(commerce(1));
    let (outcome, commands) = world.start(1, 1).await;
    let id = accepted(&outcome);
    world.work(commands, 1).await;
    let request = Uuid::from_u128;
    let refused = ActOutcome::NotAllowedInState(State::NeedsOperator);
    assert_eq!(world.act_as(request(50), id, Act::Close).await.0, refused);
    // two people resume it, one after the other, and neither helps
    for resumed in [51, 52] {
        let (outcome, commands) = world.act_as(request(resumed), id, Act::Resume).await;
        assert_eq!(outcome, ActOutcome::Accepted);
        world.work(commands, 1).await;
        assert_eq!(world.state(id), State::NeedsOperator);
    }
    // the first one's request comes once more
    let version = |world: &World| world.events.iter().map(|e| e.transition.version).max();
    let before = version(&world);
    let (outcome, out) = world.act_as(request(51), id, Act::Resume).await;
    let told = out.iter().filter(|o| o.message.kind != "AccountImported.v1").count();
    assert_eq!((outcome, told, world.state(id)), (ActOutcome::Accepted, 1, State::NeedsOperator), "the answer, and nothing else");
    assert_eq!(version(&world), before);
    // what was refused stays refused: also where it would be allowed by now
    world.refused.clear();
    let (_, commands) = world.act(id, Act::Resume).await;
    world.work(commands, 1).await;
    assert_eq!(world.state(id), State::Completed);
    assert_eq!(world.act_as(request(50), id, Act::Close).await.0, refused);
}

#[tokio::test]
async fn two_thousand_lines_are_a_few_messages_a_step() {
    let mut world = World::new(2000).await;
    world.import(1, &[1]).await;
    let (outcome, commands) = world.start(1, 1).await;
    let id = accepted(&outcome);
    world.work(commands, 50).await;
    assert_eq!(world.state(id), State::Completed);
    let sent = |kind: &str| world.published.iter().filter(|o| o.message.kind == kind).count();
    assert_eq!((sent("PurchasePlans.v1"), sent("MapSubscriptions.v1"), sent("SuspendSubscriptions.v1")), (1, 40, 40));
    let largest = world.published.iter().map(|o| o.message.body.len()).max().unwrap();
    assert!(largest < 200_000, "a message of {largest} bytes");
}

#[tokio::test]
async fn nothing_in_scope_after_a_completed_transition_says_so() {
    let mut world = World::new(1).await;
    world.import(1, &[1]).await;
    let (_, commands) = world.start(1, 1).await;
    world.work(commands, 1).await;
    world.lines = 0;
    let (outcome, commands) = world.start(2, 1).await;
    world.work(commands, 1).await;
    let id = accepted(&outcome);
    assert_eq!(world.state(id), State::Ineligible);
    let reasons: Vec<String> = world
        .events
        .iter()
        .filter(|e| e.transition.id == id)
        .flat_map(|e| e.packets.iter().flat_map(|p| p.findings.reasons.iter().map(|r| r.code.clone())))
        .collect();
    assert_eq!(reasons, ["UpgradeAlreadyCompleted"]);
}

#[tokio::test]
async fn an_import_whose_first_part_was_refused_is_refused_whole() {
    let mut world = World::new(1).await;
    world.import(1, &[1]).await;
    let (_, commands) = world.start(1, 1).await;
    let begun_at = world.engine.ports.clock.now();
    let part_of = |number: u32| {
        let partner = PartnerFacts {
            id: PARTNER,
            name: "P".into(),
            mpn_id: MpnId::try_new("1").unwrap(),
            kind: PartnerType::DirectBill,
            is_agreement_signed: true,
            program_status: "Active".into(),
            azure_plan_markets: None,
        };
        let import_id = ImportId(Uuid::from_u128(2));
        let chunk = ImportCustomers {
            import_id,
            chunk: number,
            begun_at,
            by: ImportedBy::default(),
            partner,
            customers: vec![part(customer(1), number, 2)],
            resellers: Vec::new(),
            only_if: None,
        };
        Input::Import(Box::new(chunk), World::asker())
    };
    let code = |out: &[Outgoing]| out.iter().find_map(body::<CustomersImported>).unwrap().refused[0].code.clone();
    assert_eq!(code(&world.turn(&[part_of(0)]).await), "UpgradeInProgress");
    world.work(commands, 1).await;
    assert_eq!(code(&world.turn(&[part_of(1)]).await), "ImportSuperseded");
    accepted(&world.start(2, 1).await.0);
}

/// A change of what was there is taken only of what is there, and a purchase of the old offer only from whom may still buy it.
#[tokio::test]
async fn a_change_is_taken_only_if_what_it_was_made_of_is_still_so() {
    let mut world = World::new(1).await;
    world.import(1, &[1]).await;
    let change = |import: u128, facts_version: u32, may_buy_legacy_azure: bool| {
        let mut chunk = World::chunk(PARTNER, import, &[1]);
        chunk.only_if = Some(OnlyIf { facts_version, may_buy_legacy_azure });
        Input::Import(Box::new(chunk), World::asker())
    };
    let answer = |out: &[Outgoing]| -> Result<u32, (String, Option<TransitionId>)> {
        let refused = out.iter().find_map(body::<CustomersImported>).and_then(|answer| answer.refused.into_iter().next());
        match refused {
            Some(refused) => Err((refused.code, refused.transition_id)),
            None => Ok(out.iter().find_map(body::<c::TakeMappingFacts>).unwrap().customers[0].version),
        }
    };
    assert_eq!(answer(&world.turn(&[change(2, 1, true)]).await), Ok(2));
    assert_eq!(answer(&world.turn(&[change(3, 1, true)]).await), Err(("FactsChanged".into(), None)));
    // of two that were made of the same, in one batch, the first is taken
    let both = world.turn(&[change(4, 2, false), change(5, 2, false)]).await;
    let taken: Vec<u32> = both.iter().filter_map(body::<c::TakeMappingFacts>).map(|facts| facts.customers[0].version).collect();
    let refused: Vec<String> = both.iter().filter_map(body::<CustomersImported>).map(|answer| answer.refused[0].code.clone()).collect();
    assert_eq!((taken, refused), (vec![3], vec!["FactsChanged".to_owned()]));

    // the facts are handed to all before a start
    world.import(6, &[1]).await;
    let (outcome, commands) = world.start(1, 1).await;
    let id = accepted(&outcome);
    assert_eq!(answer(&world.turn(&[change(7, 4, false)]).await), Err(("UpgradeInProgress".into(), Some(id))));
    world.work(commands, 1).await;
    assert_eq!(world.state(id), State::Completed);
    assert_eq!(answer(&world.turn(&[change(8, 4, true)]).await), Err(("UpgradeAlreadyCompleted".into(), Some(id))));
    assert_eq!(answer(&world.turn(&[change(9, 4, false)]).await), Ok(5), "another change may be made");
}

#[tokio::test]
async fn a_customer_in_parts_has_one_version_and_cannot_start_before_all_have_come() {
    let mut world = World::new(1).await;
    let chunk = |n: u32, p: u32| {
        let mut chunk = ImportCustomers {
            import_id: ImportId(Uuid::from_u128(9)),
            chunk: n,
            begun_at: Ports::system().clock.now(),
            by: ImportedBy::default(),
            partner: PartnerFacts {
                id: PARTNER,
                name: "P".into(),
                mpn_id: MpnId::try_new("1").unwrap(),
                kind: PartnerType::DirectBill,
                is_agreement_signed: true,
                program_status: "Active".into(),
                azure_plan_markets: None,
            },
            customers: vec![],
            resellers: Vec::new(),
            only_if: None,
        };
        chunk.customers.push(part(customer(1), p, 2));
        Input::Import(Box::new(chunk), World::asker())
    };
    let versions =
        |out: &[Outgoing]| -> Vec<u32> { out.iter().filter_map(body::<c::TakeMappingFacts>).map(|t| t.customers[0].version).collect() };
    assert_eq!(versions(&world.turn(&[chunk(1, 1)]).await), [1]);
    assert_eq!(world.start(1, 1).await.0, StartOutcome::ImportUnderWay);
    assert_eq!(versions(&world.turn(&[chunk(0, 0)]).await), [1]);
    assert_eq!(versions(&world.turn(&[chunk(0, 0)]).await), [1], "a chunk that comes again is handed out again, under its version");
    accepted(&world.start(2, 1).await.0);
}
