//! The engine on SQLite (on Postgres where `PLANSHIFT_TEST_POSTGRES_URL` names one), with workers that are a few lines of this
//! file: what is written, what is sent, what a repetition does.

use planshift_coordinator::{
    Limits, MIGRATIONS,
    engine::{Engine, Input, Told},
    store::transitions,
    timers,
};
use planshift_domain::{
    account::facts::{Cloud, CustomerFacts, CustomerPart, PartnerFacts, PartnerType, PlanStatus, Relationship},
    history,
    ids::{AzureSubscriptionId, CommerceSubscriptionId, CustomerId, ImportId, MpnId, PartnerId, PlanId, Reseller, TransitionId},
    message::{
        Body, command as c,
        event::TransitionChanged,
        reply::{EligibilityChecked, EligibleLine, FactsTaken, ItemAnswer, PacketAnswer, PlanAnswer},
        request::{
            Act, ActAnswered, ActOnTransition, ActOutcome, CustomersImported, ImportCustomers, StartAnswered, StartOutcome, StartTransition,
        },
    },
    step::{Action, Step},
    transition::{Evidence, Finding, Findings, ItemError, State},
};
use planshift_messaging::{EmbeddedBroker, Outgoing, Queue, Service};
use planshift_storage::{Args, Database, Statement};
use planshift_worker::Ports;
use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const PARTNER: PartnerId = PartnerId(Uuid::from_u128(1));

fn customer(n: u128) -> CustomerId {
    CustomerId(Uuid::from_u128(0x1000 + n))
}

struct World {
    engine: Engine,
    _folder: tempfile::TempDir,
    /// How many lines each customer has; their resellers alternate between two.
    lines: u32,
    /// Azure ids that mapping refuses, commerce ids that suspension refuses.
    refused: HashSet<Uuid>,
    /// Every message that was published.
    published: Vec<Outgoing>,
    /// The highest version of each row that events told.
    events: Vec<TransitionChanged>,
}

fn azure(n: u32) -> Uuid {
    Uuid::from_u128(0x2000 + u128::from(n))
}
fn commerce(n: u32) -> Uuid {
    Uuid::from_u128(0x9000_0000 + u128::from(n))
}
fn reseller(n: u32) -> Reseller {
    Reseller(Some(MpnId::try_new(if n.is_multiple_of(2) { "4847383" } else { "4847433" }).unwrap()))
}

fn body<B: Body>(outgoing: &Outgoing) -> Option<B> {
    (outgoing.message.kind == B::TYPE).then(|| serde_json::from_slice(&outgoing.message.body).unwrap())
}

impl World {
    async fn new(lines: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = match std::env::var("PLANSHIFT_TEST_POSTGRES_URL") {
            Ok(url) => Database::connect_postgres(&url, &format!("coordinator_{}", Uuid::new_v4().as_simple()), 4).await.unwrap(),
            Err(_) => Database::open_sqlite(folder.path().join("coordinator.db")).await.unwrap(),
        };
        db.migrate(MIGRATIONS).await.unwrap();
        let engine = Engine::new(db, Ports::system(), Limits::default());
        Self { engine, _folder: folder, lines, refused: HashSet::new(), published: Vec::new(), events: Vec::new() }
    }

    /// One turn whose messages arrive.
    async fn turn(&mut self, inputs: &[Input]) -> Vec<Outgoing> {
        let out = self.turn_unsent(inputs).await;
        out.1.iter().for_each(|v| self.engine.confirmed(&[*v]));
        self.hear(&out.0);
        out.0
    }

    /// One turn whose messages are lost: a crash between commit and publish.
    async fn turn_unsent(&mut self, inputs: &[Input]) -> (Vec<Outgoing>, Vec<Told>) {
        let turn = self.engine.turn(inputs).await.unwrap();
        (turn.publish, turn.told)
    }

    fn hear(&mut self, published: &[Outgoing]) {
        self.published.extend(published.iter().cloned());
        self.events.extend(published.iter().filter_map(body::<TransitionChanged>));
    }

    fn state(&self, id: TransitionId) -> State {
        self.events.iter().filter(|e| e.transition.id == id).max_by_key(|e| e.transition.version).unwrap().transition.state
    }

    fn asker() -> planshift_coordinator::engine::Asker {
        planshift_coordinator::engine::Asker { reply_to: Some("asker".into()), trace: None }
    }

    async fn import(&mut self, import: u128, customers: &[u128]) -> CustomersImported {
        let chunk = ImportCustomers {
            import_id: ImportId(Uuid::from_u128(import)),
            chunk: 0,
            begun_at: Ports::system().clock.now(),
            partner: PartnerFacts {
                id: PARTNER,
                name: "P".into(),
                mpn_id: MpnId::try_new("1").unwrap(),
                kind: PartnerType::IndirectProvider,
                is_agreement_signed: true,
                program_status: "Active".into(),
                azure_plan_markets: None,
            },
            customers: customers.iter().map(|n| part(customer(*n), 0, 1)).collect(),
        };
        let mut out = self.turn(&[Input::Import(Box::new(chunk), Self::asker())]).await;
        let workers = [Service::Eligibility, Service::Purchasing, Service::Mapping, Service::Suspension];
        if out.iter().any(|o| o.message.kind == "TakeMappingFacts.v1") {
            for worker in workers {
                out = self.turn(&[Input::Taken(FactsTaken { import_id: ImportId(Uuid::from_u128(import)), chunk: 0 }, worker)]).await;
            }
        }
        out.iter().find_map(body).unwrap()
    }

    async fn start(&mut self, request: u128, n: u128) -> (StartOutcome, Vec<Outgoing>) {
        let start =
            StartTransition { request_id: Uuid::from_u128(request), partner_id: PARTNER, customer_id: customer(n), actor: "ann".into() };
        let out = self.turn(&[Input::Start(start, Self::asker())]).await;
        let answered: StartAnswered = out.iter().find_map(body).unwrap();
        (answered.outcome, out)
    }

    async fn act(&mut self, id: TransitionId, act: Act) -> (ActOutcome, Vec<Outgoing>) {
        let act = ActOnTransition {
            request_id: Uuid::from_u128(77),
            partner_id: PARTNER,
            transition_id: id,
            act,
            actor: "ann".into(),
            reason: "because".into(),
        };
        let out = self.turn(&[Input::Act(act, Self::asker())]).await;
        (out.iter().find_map(body::<ActAnswered>).unwrap().outcome, out)
    }

    /// Lets the workers of this file answer until there is nothing left to answer. `batch` answers a turn.
    async fn work(&mut self, commands: Vec<Outgoing>, batch: usize) {
        let mut waiting: VecDeque<Input> = commands.iter().flat_map(|o| self.answer(o)).collect();
        while !waiting.is_empty() {
            let inputs: Vec<Input> = waiting.drain(..waiting.len().min(batch)).collect();
            let out = self.turn(&inputs).await;
            waiting.extend(out.iter().flat_map(|o| self.answer(o)));
        }
    }

    fn answer(&self, command: &Outgoing) -> Vec<Input> {
        if let Some(c::CheckEligibility(p)) = body(command) {
            return self.check(&p);
        }
        let one = |step, p: PacketAnswer| vec![Input::Answered(step, p)];
        if let Some(c::ReleaseEligibility(p)) = body(command) {
            return one(Step::Eligibility, answered(&p, Action::Undo, |i| good(c::Item::key(i), Evidence::Undone)));
        }
        if let Some(c::PurchasePlans(p)) = body(command) {
            return one(Step::Purchasing, answered(&p, Action::Do, |i| plan(&i.reseller, Evidence::Done, PlanStatus::Active)));
        }
        if let Some(c::UndoPurchasePlans(p)) = body(command) {
            return one(Step::Purchasing, answered(&p, Action::Undo, |i| plan(&i.reseller, Evidence::Undone, PlanStatus::Suspended)));
        }
        if let Some(c::MapSubscriptions(p)) = body(command) {
            return one(Step::Mapping, answered(&p, Action::Do, |i| self.effect(i.azure_subscription_id.0)));
        }
        if let Some(c::UndoMapSubscriptions(p)) = body(command) {
            let undone = |i: &c::MapItem| {
                let refused = self.refused.contains(&i.azure_subscription_id.0);
                good(c::Item::key(i), if refused { Evidence::Fenced } else { Evidence::Undone })
            };
            return one(Step::Mapping, answered(&p, Action::Undo, undone));
        }
        if let Some(c::SuspendSubscriptions(p)) = body(command) {
            return one(Step::Suspension, answered(&p, Action::Do, |i| self.effect(i.commerce_subscription_id.0)));
        }
        Vec::new()
    }

    fn effect(&self, id: Uuid) -> ItemAnswer {
        let mut answer = good(id.to_string(), Evidence::Done);
        if self.refused.contains(&id) {
            answer.evidence = Evidence::Refused;
            answer.error = Some(ItemError { code: "FaultInjected".into(), description: "on purpose".into() });
        }
        answer
    }

    fn check(&self, p: &c::Packet<c::CustomerItem>) -> Vec<Input> {
        let size = p.items[0].packet_items;
        let packets = self.lines.div_ceil(size).max(1);
        let reason = Finding { code: "NoAzureSubscriptions".into(), resource_id: p.customer_id.to_string(), description: String::new() };
        (0..packets)
            .map(|packet| {
                let lines = (packet * size..self.lines.min((packet + 1) * size)).map(|n| EligibleLine {
                    azure_subscription_id: AzureSubscriptionId(azure(n)),
                    commerce_subscription_id: CommerceSubscriptionId(commerce(n)),
                    reseller: reseller(n),
                });
                Input::Checked(Box::new(EligibilityChecked {
                    transition_id: p.transition_id,
                    attempt: p.attempt,
                    packet,
                    packets,
                    checked_at: Ports::system().clock.now(),
                    eligible: self.lines > 0,
                    nothing_in_scope: self.lines == 0,
                    lines_total: self.lines,
                    resellers_total: self.lines.min(2),
                    lines: lines.collect(),
                    findings: Findings { reasons: if self.lines == 0 { vec![reason.clone()] } else { vec![] }, warnings: vec![] },
                }))
            })
            .collect()
    }
}

fn part(customer_id: CustomerId, part: u32, parts: u32) -> CustomerPart {
    CustomerPart {
        customer_id,
        part,
        parts,
        customer: CustomerFacts {
            company_name: "C".into(),
            domain: "c.example".into(),
            country: "US".into(),
            relationship_to_partner: Relationship::Reseller,
            is_shared_services: false,
            cloud: Cloud::Public,
            segment: "Commercial".into(),
            agreements: vec![],
            has_signed_directly: true,
            budget: None,
            currency_code: "USD".into(),
            has_support_plan: false,
            orders: vec![],
        },
        resellers: vec![],
        subscriptions: vec![],
        plans: vec![],
    }
}

fn answered<I>(p: &c::Packet<I>, action: Action, f: impl Fn(&I) -> ItemAnswer) -> PacketAnswer {
    PacketAnswer { transition_id: p.transition_id, action, packet: p.packet, attempt: p.attempt, items: p.items.iter().map(f).collect() }
}
fn good(item: String, evidence: Evidence) -> ItemAnswer {
    ItemAnswer { item, evidence, error: None, plan: None }
}
fn plan(reseller: &Reseller, evidence: Evidence, status: PlanStatus) -> ItemAnswer {
    let plan_id = PlanId(Uuid::new_v5(&Uuid::nil(), reseller.key().as_bytes()));
    ItemAnswer { item: reseller.key().into(), evidence, error: None, plan: Some(PlanAnswer { plan_id, reused: false, status }) }
}
fn accepted(outcome: &StartOutcome) -> TransitionId {
    let StartOutcome::Accepted { transition_id } = outcome else { panic!("{outcome:?}") };
    *transition_id
}

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
        let start = StartTransition { request_id: Uuid::from_u128(n), partner_id: PARTNER, customer_id: customer(1), actor: "ann".into() };
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
        let ids = |out: &[Outgoing]| -> HashSet<String> {
            out.iter().filter(|o| !o.message.kind.starts_with("Transition")).map(|o| o.message.message_id.clone()).collect()
        };
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
async fn a_customer_in_parts_has_one_version_and_cannot_start_before_all_have_come() {
    let mut world = World::new(1).await;
    let chunk = |n: u32, p: u32| {
        let mut chunk = ImportCustomers {
            import_id: ImportId(Uuid::from_u128(9)),
            chunk: n,
            begun_at: Ports::system().clock.now(),
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

/// What is sent to the workers.
fn commands(out: &[Outgoing]) -> Vec<&str> {
    let kinds = out.iter().map(|o| o.message.kind.as_str());
    kinds.filter(|kind| !kind.starts_with("TransitionChanged") && !kind.ends_with("Answered.v1")).collect()
}

#[tokio::test]
async fn a_request_that_comes_again_after_a_crash_sends_what_was_lost() {
    let mut world = World::new(1).await;
    world.import(1, &[1]).await;
    let start = || {
        let start = StartTransition { request_id: Uuid::from_u128(1), partner_id: PARTNER, customer_id: customer(1), actor: "ann".into() };
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
        let start = StartTransition { request_id: Uuid::from_u128(n), partner_id: PARTNER, customer_id: customer(n), actor: "ann".into() };
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
