//! An engine, its database, and workers that answer what they are told to.

use planshift_coordinator::{
    Limits, Line, MIGRATIONS,
    engine::{Engine, Input, Told},
};
use planshift_domain::{
    account::facts::{Cloud, CustomerFacts, CustomerPart, PartnerFacts, PartnerType, PlanStatus, Relationship},
    ids::{AzureSubscriptionId, CommerceSubscriptionId, CustomerId, ImportId, MpnId, PartnerId, PlanId, Reseller, TransitionId},
    message::{
        Body, command as c,
        event::TransitionChanged,
        reply::{EligibilityChecked, EligibleLine, FactsTaken, ItemAnswer, PacketAnswer, PlanAnswer},
        request::{
            Act, ActAnswered, ActOnTransition, ActOutcome, CustomersImported, ImportCustomers, ImportedBy, Priority, StartAnswered,
            StartOutcome, StartTransition,
        },
    },
    step::{Action, Step},
    transition::{Evidence, Finding, Findings, ItemError, State},
};
use planshift_messaging::{Outgoing, Service};
use planshift_storage::Database;
use planshift_worker::{Ports, metrics::Metrics};
use std::collections::{HashSet, VecDeque};
use uuid::Uuid;

pub(crate) const PARTNER: PartnerId = PartnerId(Uuid::from_u128(1));

pub(crate) fn customer(n: u128) -> CustomerId {
    CustomerId(Uuid::from_u128(0x1000 + n))
}

pub(crate) struct World {
    pub(crate) engine: Engine,
    _folder: tempfile::TempDir,
    /// How many lines each customer has; their resellers alternate between two.
    pub(crate) lines: u32,
    /// Azure ids that mapping refuses, commerce ids that suspension refuses.
    pub(crate) refused: HashSet<Uuid>,
    /// Every message that was published.
    pub(crate) published: Vec<Outgoing>,
    /// The highest version of each row that events told.
    pub(crate) events: Vec<TransitionChanged>,
}

pub(crate) fn azure(n: u32) -> Uuid {
    Uuid::from_u128(0x2000 + u128::from(n))
}
pub(crate) fn commerce(n: u32) -> Uuid {
    Uuid::from_u128(0x9000_0000 + u128::from(n))
}
pub(crate) fn reseller(n: u32) -> Reseller {
    Reseller(Some(MpnId::try_new(if n.is_multiple_of(2) { "4847383" } else { "4847433" }).unwrap()))
}

pub(crate) fn body<B: Body>(outgoing: &Outgoing) -> Option<B> {
    (outgoing.message.kind == B::TYPE).then(|| serde_json::from_slice(&outgoing.message.body).unwrap())
}

impl World {
    pub(crate) async fn new(lines: u32) -> Self {
        Self::with_line(lines, Line::default()).await
    }

    /// Where only so many transitions may be under way.
    pub(crate) async fn with_limit(lines: u32, under_way: u32) -> Self {
        Self::with_line(lines, Line::of(under_way)).await
    }

    /// With these limits.
    pub(crate) async fn with_line(lines: u32, line: Line) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = match std::env::var("PLANSHIFT_TEST_POSTGRES_URL") {
            Ok(url) => Database::connect_postgres(&url, &format!("coordinator_{}", Uuid::new_v4().as_simple()), 4).await.unwrap(),
            Err(_) => Database::open_sqlite(folder.path().join("coordinator.db")).await.unwrap(),
        };
        db.migrate(MIGRATIONS).await.unwrap();
        let engine = Engine::new(db, Ports::system(), Limits::default(), line);
        Self { engine, _folder: folder, lines, refused: HashSet::new(), published: Vec::new(), events: Vec::new() }
    }

    /// Whose invariants are counted there, and nothing panics.
    pub(crate) fn watched_by(self, metrics: &Metrics) -> Self {
        Self { engine: self.engine.watched_by(metrics.clone()), ..self }
    }

    /// One turn whose messages arrive.
    pub(crate) async fn turn(&mut self, inputs: &[Input]) -> Vec<Outgoing> {
        let out = self.turn_unsent(inputs).await;
        out.1.iter().for_each(|v| self.engine.confirmed(&[*v]));
        self.hear(&out.0);
        out.0
    }

    /// One turn whose messages are lost: a crash between commit and publish.
    pub(crate) async fn turn_unsent(&mut self, inputs: &[Input]) -> (Vec<Outgoing>, Vec<Told>) {
        let turn = self.engine.turn(inputs).await.unwrap();
        (turn.publish, turn.told)
    }

    pub(crate) fn hear(&mut self, published: &[Outgoing]) {
        self.published.extend(published.iter().cloned());
        self.events.extend(published.iter().filter_map(body::<TransitionChanged>));
    }

    pub(crate) fn state(&self, id: TransitionId) -> State {
        self.events.iter().filter(|e| e.transition.id == id).max_by_key(|e| e.transition.version).unwrap().transition.state
    }

    pub(crate) fn asker() -> planshift_coordinator::engine::Asker {
        planshift_coordinator::engine::Asker { reply_to: Some("asker".into()), trace: None }
    }

    pub(crate) async fn import(&mut self, import: u128, customers: &[u128]) -> CustomersImported {
        self.import_of(PARTNER, import, customers).await
    }

    pub(crate) async fn import_of(&mut self, partner: PartnerId, import: u128, customers: &[u128]) -> CustomersImported {
        let chunk = Self::chunk(partner, import, customers);
        let mut out = self.turn(&[Input::Import(Box::new(chunk), Self::asker())]).await;
        let workers = [Service::Eligibility, Service::Purchasing, Service::Mapping, Service::Suspension];
        if out.iter().any(|o| o.message.kind == "TakeMappingFacts.v1") {
            for worker in workers {
                out = self.turn(&[Input::Taken(FactsTaken { import_id: ImportId(Uuid::from_u128(import)), chunk: 0 }, worker)]).await;
            }
        }
        out.iter().find_map(body).unwrap()
    }

    pub(crate) fn chunk(partner: PartnerId, import: u128, customers: &[u128]) -> ImportCustomers {
        ImportCustomers {
            import_id: ImportId(Uuid::from_u128(import)),
            chunk: 0,
            begun_at: Ports::system().clock.now(),
            by: ImportedBy { actor: "ann".into(), document: "d".into(), ..ImportedBy::default() },
            partner: PartnerFacts {
                id: partner,
                name: "P".into(),
                mpn_id: MpnId::try_new("1").unwrap(),
                kind: PartnerType::IndirectProvider,
                is_agreement_signed: true,
                program_status: "Active".into(),
                azure_plan_markets: None,
            },
            customers: customers.iter().map(|n| part(customer(*n), 0, 1)).collect(),
            resellers: Vec::new(),
            only_if: None,
        }
    }

    /// An interactive start.
    pub(crate) fn starting(request: u128, n: u128) -> StartTransition {
        StartTransition {
            request_id: Uuid::from_u128(request),
            partner_id: PARTNER,
            customer_id: customer(n),
            actor: "ann".into(),
            plan_hash: None,
            priority: Priority::Interactive,
            batch: None,
        }
    }

    pub(crate) async fn start(&mut self, request: u128, n: u128) -> (StartOutcome, Vec<Outgoing>) {
        let start = Self::starting(request, n);
        let out = self.turn(&[Input::Start(start, Self::asker())]).await;
        let answered: StartAnswered = out.iter().find_map(body).unwrap();
        (answered.outcome, out)
    }

    /// A request of its own.
    pub(crate) async fn act(&mut self, id: TransitionId, act: Act) -> (ActOutcome, Vec<Outgoing>) {
        self.act_as(Uuid::new_v4(), id, act).await
    }

    pub(crate) async fn act_as(&mut self, request_id: Uuid, id: TransitionId, act: Act) -> (ActOutcome, Vec<Outgoing>) {
        let act =
            ActOnTransition { request_id, partner_id: PARTNER, transition_id: id, act, actor: "ann".into(), reason: "because".into() };
        let out = self.turn(&[Input::Act(act, Self::asker())]).await;
        (out.iter().find_map(body::<ActAnswered>).unwrap().outcome, out)
    }

    /// Lets the workers of this file answer until there is nothing left to answer. `batch` answers a turn.
    pub(crate) async fn work(&mut self, commands: Vec<Outgoing>, batch: usize) {
        let mut waiting: VecDeque<Input> = commands.iter().flat_map(|o| self.answer(o)).collect();
        while !waiting.is_empty() {
            let inputs: Vec<Input> = waiting.drain(..waiting.len().min(batch)).collect();
            let out = self.turn(&inputs).await;
            waiting.extend(out.iter().flat_map(|o| self.answer(o)));
        }
    }

    pub(crate) fn answer(&self, command: &Outgoing) -> Vec<Input> {
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

    pub(crate) fn effect(&self, id: Uuid) -> ItemAnswer {
        let mut answer = good(id.to_string(), Evidence::Done);
        if self.refused.contains(&id) {
            answer.evidence = Evidence::Refused;
            answer.error = Some(ItemError { code: "FaultInjected".into(), description: "on purpose".into() });
        }
        answer
    }

    pub(crate) fn check(&self, p: &c::Packet<c::CustomerItem>) -> Vec<Input> {
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

pub(crate) fn part(customer_id: CustomerId, part: u32, parts: u32) -> CustomerPart {
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

pub(crate) fn answered<I>(p: &c::Packet<I>, action: Action, f: impl Fn(&I) -> ItemAnswer) -> PacketAnswer {
    PacketAnswer { transition_id: p.transition_id, action, packet: p.packet, attempt: p.attempt, items: p.items.iter().map(f).collect() }
}
pub(crate) fn good(item: String, evidence: Evidence) -> ItemAnswer {
    ItemAnswer { item, evidence, error: None, plan: None }
}
pub(crate) fn plan(reseller: &Reseller, evidence: Evidence, status: PlanStatus) -> ItemAnswer {
    let plan_id = PlanId(Uuid::new_v5(&Uuid::nil(), reseller.key().as_bytes()));
    ItemAnswer { item: reseller.key().into(), evidence, error: None, plan: Some(PlanAnswer { plan_id, reused: false, status }) }
}
pub(crate) fn accepted(outcome: &StartOutcome) -> TransitionId {
    let StartOutcome::Accepted { transition_id } = outcome else { panic!("{outcome:?}") };
    *transition_id
}
