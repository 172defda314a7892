//! Mapping with a system outside that has each effect first: whatever is lost, late or refused on the way, what is there outside is
//! what the ledger says, and each effect is had once.

#[path = "../../../shared/worker/tests/support/mod.rs"]
mod support;

use async_trait::async_trait;
use planshift_domain::{
    ids::{AzureSubscriptionId, PartnerId, PlanId},
    message::{
        command::{AzureSubscriptionFacts, MapItem, MappingFacts, Packet},
        reply::PacketAnswer,
    },
    transition::{Evidence, ItemError},
};
use planshift_mapping::{MIGRATIONS, Mapping, Options, inspect};
use planshift_messaging::Delivery;
use planshift_provisioner::effects::{Effects, State};
use planshift_storage::ledger::{self, LedgerState};
use planshift_telemetry::TraceContext;
use planshift_worker::{
    End, Handled, Handler as _, Ports,
    metrics::Metrics,
    ports::Clock,
    provisioner::{Call, Effect, Limits, Provisioner, Reply, Target},
    step::{Faults, StepHandler},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use support::*;
use uuid::Uuid;

const PLAN: PlanId = PlanId(Uuid::from_u128(0x99));

fn azure(number: u32) -> AzureSubscriptionId {
    AzureSubscriptionId(Uuid::from_u128(0xF000_0000 + u128::from(number)))
}

fn item(number: u32) -> MapItem {
    MapItem { azure_subscription_id: azure(number), plan_id: PLAN }
}

fn key(number: u32, attempt: u32) -> String {
    format!("{T1}.mapping.{}.{attempt}", azure(number))
}

/// What becomes of the next call.
#[derive(Clone, Debug)]
enum Fate {
    /// It is done, and answered so.
    Well,
    /// It is done, and answered otherwise.
    DoneBut(Reply),
    /// It is not done, and answered so.
    Only(Reply),
    /// It is done, and never answered.
    DoneThenSilent,
    /// It is neither done nor answered.
    Silent,
}

#[derive(Clone, Default)]
struct Outside(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    effects: Effects,
    fates: VecDeque<Fate>,
    throttled: Option<PartnerId>,
    refused: Option<ItemError>,
    calls: Vec<Call>,
}

impl Outside {
    fn fates(&self, fates: impl IntoIterator<Item = Fate>) {
        self.0.lock().unwrap().fates.extend(fates);
    }
    fn state(&self, key: &str) -> Option<State> {
        self.0.lock().unwrap().effects.look_up(key).map(|entry| entry.state)
    }
    fn calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.0.lock().unwrap().calls)
    }
    fn had(&self, key: &str) -> u32 {
        self.0.lock().unwrap().effects.look_up(key).map_or(0, |entry| entry.had)
    }
}

#[async_trait]
impl Provisioner for Outside {
    async fn call(&self, call: Call, effect: &Effect, trace: &TraceContext) -> Reply {
        let _ = trace;
        let fate = {
            let mut inner = self.0.lock().unwrap();
            inner.calls.push(call);
            if inner.throttled == Some(effect.partner) {
                return Reply::Throttled { after: Some(Duration::from_secs(30)) };
            }
            inner.fates.pop_front().unwrap_or(Fate::Well)
        };
        let done = if matches!(fate, Fate::Only(_) | Fate::Silent) {
            Reply::Absent
        } else {
            let inner = &mut *self.0.lock().unwrap();
            let refused = |effects: &Effects| {
                let (code, description) = effects.look_up(&effect.key).and_then(|entry| entry.refusal.clone()).unwrap_or_default();
                Reply::Refused(ItemError { code, description })
            };
            let reply = |effects: &Effects, state: Option<State>| match state {
                None => Reply::Absent,
                Some(State::Done) => Reply::Done,
                Some(State::Refused) => refused(effects),
                Some(State::Undone | State::Fenced) => Reply::Gone { had: false },
            };
            match call {
                Call::Provision => {
                    let state = inner.effects.provision(&effect.key, inner.refused.clone());
                    reply(&inner.effects, Some(state))
                }
                Call::LookUp => reply(&inner.effects, inner.effects.look_up(&effect.key).map(|entry| entry.state)),
                Call::Undo => Reply::Gone { had: inner.effects.undo(&effect.key) },
            }
        };
        match fate {
            Fate::Well => done,
            Fate::DoneBut(reply) | Fate::Only(reply) => reply,
            Fate::DoneThenSilent | Fate::Silent => std::future::pending().await,
        }
    }
}

/// A clock in which no wait comes to its end.
struct Endless(Arc<TestClock>);
impl Clock for Endless {
    fn now(&self) -> planshift_domain::time::Timestamp {
        self.0.now()
    }
    fn sleep(&self, _: Duration) -> futures::future::BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

struct Trial {
    world: World,
    outside: Outside,
}

impl Trial {
    async fn new(items: u32) -> Self {
        let trial = Self { world: World::new(MIGRATIONS).await, outside: Outside::default() };
        let one = |n| AzureSubscriptionFacts { azure_subscription_id: azure(n), friendly_name: format!("s{n}"), roles: Vec::new() };
        let told = MappingFacts { subscriptions: (0..items).map(one).collect() };
        assert_eq!(handle(&trial.process(), &[facts::<Mapping>(CUSTOMER, 1, told)]).await.ends, [End::Done]);
        trial
    }

    fn with(&self, limits: Limits, ports: Ports, faults: Faults) -> StepHandler<Mapping> {
        let provisioner = Some(Target { provisioner: Arc::new(self.outside.clone()), limits });
        Options { provisioner, faults, metrics: Metrics::new(), ..Options::default() }.handler(self.world.database.clone(), ports)
    }

    /// Another process of the same worker: nothing in memory.
    fn process(&self) -> StepHandler<Mapping> {
        self.with(Limits::default(), self.world.ports.clone(), Faults::default())
    }

    /// A process that is gone as soon as nothing more happens by itself.
    async fn crash_at(&self, delivery: &Delivery) {
        let ports = Ports { clock: Arc::new(Endless(self.world.clock.clone())), ..self.world.ports.clone() };
        let process = self.with(Limits::default(), ports, Faults::default());
        let batch = [delivery.clone()];
        let ended = tokio::time::timeout(Duration::from_millis(500), process.handle(&batch)).await;
        assert!(ended.is_err(), "it was to hang: {ended:?}");
    }

    async fn ledger(&self, number: u32) -> Option<LedgerState> {
        let rows = ledger::load(&self.world.database, "mapping", &[(T1.0, azure(number).to_string())]).await.unwrap();
        rows.first().map(|row| row.state)
    }

    async fn attached(&self, number: u32) -> bool {
        let all = inspect::attachments(&self.world.database, None, 100).await.unwrap();
        all.iter().any(|one| one.azure_subscription_id == azure(number) && one.plan_id.is_some())
    }

    /// Everything says that it is done, once.
    async fn assert_done(&self, number: u32, attempt: u32) {
        assert_eq!(self.ledger(number).await, Some(LedgerState::Done));
        assert!(self.attached(number).await);
        let key = key(number, attempt);
        assert_eq!((self.outside.state(&key), self.outside.had(&key)), (Some(State::Done), 1));
    }

    /// Everything says that there is nothing.
    async fn assert_gone(&self, number: u32, state: LedgerState) {
        assert_eq!(self.ledger(number).await, Some(state));
        assert!(!self.attached(number).await);
        assert_ne!(self.outside.state(&key(number, 1)), Some(State::Done));
    }
}

fn all(numbers: std::ops::Range<u32>) -> Packet<MapItem> {
    packet(T1, 0, 1, numbers.map(item).collect())
}

fn only(handled: &Handled<()>) -> PacketAnswer {
    assert_eq!((handled.ends.as_slice(), handled.publish.len()), ([End::Done].as_slice(), 1));
    read(&handled.publish[0])
}

#[tokio::test]
async fn an_effect_is_had_outside_and_then_here() {
    let trial = Trial::new(3).await;
    let answer = only(&handle(&trial.process(), &[command::<Mapping>(&all(0..3))]).await);
    assert_eq!(evidence(&answer), [Evidence::Done; 3]);
    for number in 0..3 {
        trial.assert_done(number, 1).await;
    }
    trial.outside.calls();
    // the same again is answered from the ledger alone
    assert_eq!(evidence(&only(&handle(&trial.process(), &[command::<Mapping>(&all(0..3))]).await)), [Evidence::Done; 3]);
    assert_eq!(trial.outside.calls(), []);
}

#[tokio::test]
async fn a_crash_before_or_after_the_call_is_looked_up_and_had_once() {
    for fate in [Fate::Silent, Fate::DoneThenSilent] {
        let trial = Trial::new(1).await;
        let command = command::<Mapping>(&all(0..1));
        trial.outside.fates([fate.clone()]);
        trial.crash_at(&command).await;
        assert_eq!(trial.ledger(0).await, Some(LedgerState::Intent), "{fate:?}");
        trial.outside.calls();
        assert_eq!(evidence(&only(&handle(&trial.process(), &[command]).await)), [Evidence::Done]);
        assert_eq!(trial.outside.calls()[0], Call::LookUp, "{fate:?}");
        trial.assert_done(0, 1).await;
    }
}

#[tokio::test]
async fn an_unknown_outcome_counts_as_an_attempt_and_is_looked_up() {
    for fate in
        [Fate::DoneBut(Reply::Unknown("500".into())), Fate::Only(Reply::Unknown("not reached".into())), Fate::DoneThenSilent, Fate::Silent]
    {
        let trial = Trial::new(2).await;
        let command = command::<Mapping>(&all(0..2));
        trial.outside.fates([fate.clone()]);
        let process = trial.process();
        let handled = handle(&process, std::slice::from_ref(&command)).await;
        assert!(matches!(&handled.ends[0], End::NotYet(why) if why.contains("not known")), "{fate:?}: {:?}", handled.ends);
        assert!(handled.publish.is_empty(), "a packet is answered once, when every line in it is final");
        // what was done of it stays done
        let states = [trial.ledger(0).await, trial.ledger(1).await];
        assert_eq!(states.iter().filter(|state| **state == Some(LedgerState::Done)).count(), 1);
        trial.outside.calls();
        assert_eq!(evidence(&only(&handle(&process, &[command]).await)), [Evidence::Done; 2]);
        assert_eq!(trial.outside.calls()[0], Call::LookUp, "{fate:?}");
        trial.assert_done(0, 1).await;
        trial.assert_done(1, 1).await;
    }
}

#[tokio::test]
async fn what_is_put_off_counts_no_attempt() {
    let after = Some(Duration::from_secs(9));
    for (reply, expected) in [
        (Reply::Pending { after }, 9_000),
        (Reply::Throttled { after }, 9_000),
        (Reply::Throttled { after: None }, 1_000),
        (Reply::Busy { after: Duration::from_secs(86_400) }, 300_000),
    ] {
        let trial = Trial::new(1).await;
        trial.outside.fates([Fate::Only(reply.clone())]);
        let handled = handle(&trial.process(), &[command::<Mapping>(&all(0..1))]).await;
        let End::Later { after, .. } = &handled.ends[0] else { panic!("{reply:?}: {:?}", handled.ends) };
        assert_eq!(after.as_millis(), expected, "{reply:?}");
    }
}

#[tokio::test]
async fn a_refusal_outside_is_fenced_there_before_it_is_said() {
    let trial = Trial::new(1).await;
    let error = ItemError { code: "NoQuota".into(), description: "none left".into() };
    trial.outside.0.lock().unwrap().refused = Some(error.clone());
    let answer = only(&handle(&trial.process(), &[command::<Mapping>(&all(0..1))]).await);
    assert_eq!((evidence(&answer), answer.items[0].error.as_ref()), (vec![Evidence::Refused], Some(&error)));
    assert_eq!(trial.outside.calls(), [Call::Provision, Call::Undo]);
    trial.assert_gone(0, LedgerState::Refused).await;
    // the next attempt has a key of its own
    trial.outside.0.lock().unwrap().refused = None;
    let again = packet(T1, 0, 2, vec![item(0)]);
    assert_eq!(evidence(&only(&handle(&trial.process(), &[command::<Mapping>(&again)]).await)), [Evidence::Done]);
    trial.assert_done(0, 2).await;
}

#[tokio::test]
async fn what_is_refused_here_is_withdrawn_outside_also_through_a_crash() {
    // nobody has told of a second Azure subscription
    let trial = Trial::new(1).await;
    let command = command::<Mapping>(&all(0..2));
    trial.outside.fates([Fate::Well, Fate::Well, Fate::DoneThenSilent]);
    trial.crash_at(&command).await;
    trial.assert_done(0, 1).await;
    assert_eq!(trial.ledger(1).await, Some(LedgerState::Intent));
    let answer = only(&handle(&trial.process(), &[command]).await);
    assert_eq!(evidence(&answer), [Evidence::Done, Evidence::Refused]);
    // in the words of the first time
    assert_eq!(answer.items[1].error.as_ref().unwrap().code, "SubscriptionNotFound");
    trial.assert_gone(1, LedgerState::Refused).await;
    assert_eq!(trial.outside.had(&key(1, 1)), 1);
}

#[tokio::test]
async fn an_undo_withdraws_outside_and_then_here() {
    let trial = Trial::new(1).await;
    let process = trial.process();
    only(&handle(&process, &[command::<Mapping>(&all(0..1))]).await);
    let undo = undo::<Mapping>(&all(0..1));
    // a crash after it was withdrawn outside: the ledger still says done, and the undo comes again
    trial.outside.fates([Fate::DoneThenSilent]);
    trial.crash_at(&undo).await;
    assert_eq!(trial.ledger(0).await, Some(LedgerState::Done));
    for _ in 0..2 {
        assert_eq!(evidence(&only(&handle(&trial.process(), std::slice::from_ref(&undo)).await)), [Evidence::Undone]);
    }
    trial.assert_gone(0, LedgerState::Undone).await;
    assert_eq!(evidence(&only(&handle(&trial.process(), &[command::<Mapping>(&all(0..1))]).await)), [Evidence::Undone]);
}

#[tokio::test]
async fn an_undo_that_finds_an_intent_says_what_had_been_there() {
    for (fate, state, said) in
        [(Fate::DoneThenSilent, LedgerState::Undone, Evidence::Undone), (Fate::Silent, LedgerState::Fenced, Evidence::Fenced)]
    {
        let trial = Trial::new(1).await;
        trial.outside.fates([fate]);
        trial.crash_at(&command::<Mapping>(&all(0..1))).await;
        let undo = undo::<Mapping>(&all(0..1));
        // whether that is heard the first time or not
        trial.outside.fates([Fate::DoneBut(Reply::Unknown("500".into()))]);
        assert!(matches!(handle(&trial.process(), std::slice::from_ref(&undo)).await.ends[0], End::NotYet(_)));
        assert_eq!(evidence(&only(&handle(&trial.process(), &[undo]).await)), [said]);
        trial.assert_gone(0, state).await;
        assert_eq!(evidence(&only(&handle(&trial.process(), &[command::<Mapping>(&all(0..1))]).await)), [said]);
        trial.assert_gone(0, state).await;
    }
}

#[tokio::test]
async fn an_undo_without_an_intent_asks_nobody() {
    let trial = Trial::new(1).await;
    assert_eq!(evidence(&only(&handle(&trial.process(), &[undo::<Mapping>(&all(0..1))]).await)), [Evidence::Fenced]);
    assert_eq!(evidence(&only(&handle(&trial.process(), &[command::<Mapping>(&all(0..1))]).await)), [Evidence::Fenced]);
    assert_eq!(trial.outside.calls(), []);
}

/// The call of a process is under way while another process undoes the same: whichever comes first outside, nothing is left.
#[tokio::test]
async fn an_undo_overtakes_a_call_in_flight() {
    let trial = Trial::new(1).await;
    trial.outside.fates([Fate::Silent]);
    trial.crash_at(&command::<Mapping>(&all(0..1))).await;
    assert_eq!(evidence(&only(&handle(&trial.process(), &[undo::<Mapping>(&all(0..1))]).await)), [Evidence::Fenced]);
    // now the request arrives, nobody waits for it any more
    let effect = Effect { key: key(0, 1), partner: PARTNER, body: "{}".into() };
    let late = trial.outside.call(Call::Provision, &effect, &TraceContext::default()).await;
    assert_eq!(late, Reply::Gone { had: false });
    trial.assert_gone(0, LedgerState::Fenced).await;
}

/// A command and its undo in one batch, and the undo of what was never answered.
#[tokio::test]
async fn command_and_undo_in_one_batch_come_to_nothing() {
    let trial = Trial::new(1).await;
    let handled = handle(&trial.process(), &[command::<Mapping>(&all(0..1)), undo::<Mapping>(&all(0..1))]).await;
    assert_eq!(handled.ends, [End::Done, End::Done]);
    let said: Vec<_> = handled.publish.iter().map(|outgoing| evidence(&read::<PacketAnswer>(outgoing))).collect();
    assert_eq!(said, [[Evidence::Done], [Evidence::Undone]]);
    trial.assert_gone(0, LedgerState::Undone).await;
}

#[tokio::test]
async fn a_throttled_partner_waits_alone() {
    let trial = Trial::new(2).await;
    let other = PartnerId(Uuid::from_u128(0xB));
    trial.outside.0.lock().unwrap().throttled = Some(other);
    // the other partner's customer has facts of its own
    let told = MappingFacts {
        subscriptions: vec![AzureSubscriptionFacts { azure_subscription_id: azure(7), friendly_name: "s".into(), roles: Vec::new() }],
    };
    let mut message = facts::<Mapping>(CUSTOMER, 1, told);
    let body = String::from_utf8(message.message.body.to_vec()).unwrap().replace(&PARTNER.to_string(), &other.to_string());
    message.message.body = body.into();
    let process = trial.process();
    assert_eq!(process.handle(&[message]).await.unwrap().ends, [End::Done]);
    let theirs = Packet { partner_id: other, ..packet(T2, 0, 1, vec![item(7)]) };
    let handled = process.handle(&[command::<Mapping>(&theirs), command::<Mapping>(&all(0..2))]).await.unwrap();
    assert!(matches!(&handled.ends[0], End::Later { after, .. } if *after == Duration::from_secs(30)), "{:?}", handled.ends);
    assert_eq!((&handled.ends[1], handled.publish.len()), (&End::Done, 1));
    trial.outside.calls();
    // it is remembered: the next one of that partner is not even tried
    let more = Packet { partner_id: other, packet: 1, ..theirs };
    assert!(matches!(process.handle(&[command::<Mapping>(&more)]).await.unwrap().ends[0], End::Later { .. }));
    assert_eq!(trial.outside.calls(), []);
}

#[tokio::test]
async fn a_rate_does_what_it_allows_and_puts_off_the_rest() {
    let trial = Trial::new(5).await;
    let limits = Limits { rate: Some(1.0), burst: 2, ..Limits::default() };
    let process = trial.with(limits, trial.world.ports.clone(), Faults::default());
    let command = command::<Mapping>(&all(0..5));
    let handled = handle(&process, std::slice::from_ref(&command)).await;
    assert!(matches!(handled.ends[0], End::Later { after, .. } if after == Duration::from_secs(3)), "{:?}", handled.ends);
    assert_eq!(trial.outside.calls(), [Call::Provision; 2]);
    // a copy of it, sent again meanwhile, is let go of
    assert_eq!(handle(&process, std::slice::from_ref(&command)).await.ends, [End::Done]);
    assert_eq!(trial.outside.calls(), []);
}

/// Where a look used up its share, it would never come to the call itself.
#[tokio::test]
async fn a_partner_with_one_call_at_a_time_gets_on() {
    let trial = Trial::new(1).await;
    trial.outside.fates([Fate::Silent]);
    trial.crash_at(&command::<Mapping>(&all(0..1))).await;
    let limits = Limits { rate: Some(1.0), burst: 1, ..Limits::default() };
    let process = trial.with(limits, trial.world.ports.clone(), Faults::default());
    trial.outside.calls();
    assert_eq!(evidence(&only(&handle(&process, &[command::<Mapping>(&all(0..1))]).await)), [Evidence::Done]);
    assert_eq!(trial.outside.calls(), [Call::LookUp, Call::Provision]);
}

#[tokio::test]
async fn a_system_that_does_not_answer_is_left_alone() {
    let trial = Trial::new(8).await;
    let limits = Limits { in_flight: 1, ..Limits::default() };
    let process = trial.with(limits, trial.world.ports.clone(), Faults::default());
    trial.outside.fates(vec![Fate::Only(Reply::Unknown("500".into())); 8]);
    let handled = handle(&process, &[command::<Mapping>(&all(0..8))]).await;
    assert!(matches!(handled.ends[0], End::NotYet(_)));
    assert_eq!(trial.outside.calls().len(), 5, "the breaker opens after so many in a row");
    let handled = handle(&process, &[command::<Mapping>(&all(0..8))]).await;
    assert!(matches!(&handled.ends[0], End::Later { after, .. } if *after == Duration::from_secs(2)), "{:?}", handled.ends);
}

#[tokio::test]
async fn a_fault_option_calls_nobody() {
    let trial = Trial::new(1).await;
    let process = trial.with(Limits::default(), trial.world.ports.clone(), Faults::new([azure(0).to_string()]));
    assert_eq!(evidence(&only(&handle(&process, &[command::<Mapping>(&all(0..1))]).await)), [Evidence::Refused]);
    assert_eq!(trial.outside.calls(), []);
}

/// A line that the program cannot handle here, after it was had outside: refused, withdrawn, and the others done.
#[tokio::test]
async fn a_line_at_fault_is_withdrawn_and_takes_no_other_down() {
    let trial = Trial::new(4).await;
    let broken = [("UPDATE", "azure_subscriptions", format!("OLD.azure_subscription_id = '{}'", azure(2)))];
    trial.world.break_writes(&broken).await;
    let answer = only(&handle(&trial.process(), &[command::<Mapping>(&all(0..4))]).await);
    assert_eq!(evidence(&answer), [Evidence::Done, Evidence::Done, Evidence::Refused, Evidence::Done]);
    assert_eq!(answer.items[2].error.as_ref().unwrap().code, "InternalError");
    trial.assert_gone(2, LedgerState::Refused).await;
    for number in [0, 1, 3] {
        trial.assert_done(number, 1).await;
    }
}

#[tokio::test]
async fn an_intent_without_its_outside_system_waits_and_says_what_is_missing() {
    let trial = Trial::new(1).await;
    trial.outside.fates([Fate::Silent]);
    trial.crash_at(&command::<Mapping>(&all(0..1))).await;
    let without = Options::default().handler(trial.world.database.clone(), trial.world.ports.clone());
    let error = without.handle(&[command::<Mapping>(&all(0..1))]).await.unwrap_err().to_string();
    assert!(error.contains("PLANSHIFT_MAPPING_PROVISIONER_URL"), "{error}");
}

/// To stop is to begin no more calls: what is left is given back, and no attempt is counted.
#[tokio::test]
async fn what_is_not_begun_when_it_stops_is_given_back() {
    let trial = Trial::new(3).await;
    let process = trial.process();
    process.stopping();
    let handled = handle(&process, &[command::<Mapping>(&all(0..3))]).await;
    assert!(matches!(handled.ends[0], End::Later { after: Duration::ZERO, .. }), "{:?}", handled.ends);
    assert_eq!(trial.outside.calls(), []);
    assert_eq!(evidence(&only(&handle(&trial.process(), &[command::<Mapping>(&all(0..3))]).await)), [Evidence::Done; 3]);
}
