//! The systems that have effects first: one for each step of a world that has any. Each is as good as its contract and no better: it
//! has effects late, after their caller has crashed or has stopped waiting, tells of them or not, and has no time now and then.

use crate::{
    chance::Chance,
    sim::{ProcessId, Sim},
    weather::Weather,
    world::World,
};
use async_trait::async_trait;
use planshift_domain::transition::ItemError;
use planshift_messaging::Service;
use planshift_provisioner::effects::{Effects, State};
use planshift_telemetry::TraceContext;
use planshift_worker::provisioner::{Call, Effect, Limits, Provisioner, Reply, Target};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How a twin has its hands on calls.
pub type Hands = fn(&mut Effects, Call, &Effect) -> Option<Reply>;

/// What a world says about outside systems.
#[derive(Clone, Debug, Default)]
pub struct Outsides {
    /// Who has one.
    pub services: Vec<Service>,
    /// How they are called.
    pub limits: Limits,
    /// How likely an item is refused, from 0 to 1.
    pub refuses: f64,
}

impl Outsides {
    /// Those of a seed: a stream of its own, so that the rest of the world stays what it was.
    pub fn draw(seed: u64) -> Self {
        let mut chance = Chance::new(seed, "outside");
        if !chance.happens(0.4) {
            return Self::default();
        }
        let all = [Service::Purchasing, Service::Mapping, Service::Suspension];
        let services = all.into_iter().filter(|_| chance.happens(0.7)).collect();
        let limits = Limits {
            in_flight: *chance.pick(&[1, 2, 16]),
            timeout: *chance.pick(&[Duration::from_millis(500), Duration::from_secs(10)]),
            rate: *chance.pick(&[None, None, Some(1.0), Some(20.0)]),
            burst: *chance.pick(&[1, 5, 50]),
        };
        Self { services, limits, refuses: *chance.pick(&[0.0, 0.0, 0.01, 0.1]) }
    }
}

/// All of them. Cheap to clone; clones are the same.
#[derive(Clone)]
pub struct Outside {
    sim: Sim,
    weather: Weather,
    world: Outsides,
    seed: u64,
    hands: Option<Hands>,
    systems: BTreeMap<Service, Arc<Mutex<Effects>>>,
}

impl Outside {
    /// Those of a world; with the hands of a twin in them, where given.
    pub fn new(world: &World, sim: &Sim, weather: &Weather, hands: Option<Hands>) -> Self {
        let systems = world.outsides.services.iter().map(|service| (*service, Arc::default())).collect();
        let (sim, weather) = (sim.clone(), weather.clone());
        Self { sim, weather, world: world.outsides.clone(), seed: world.seed, hands, systems }
    }

    /// The system of a service, as one of its processes calls it.
    pub fn target(&self, service: Service, process: ProcessId) -> Option<Target> {
        let system = self.systems.get(&service)?.clone();
        let line = Line { outside: self.clone(), system, process };
        Some(Target { provisioner: Arc::new(line), limits: self.world.limits })
    }

    /// What each of them has.
    pub fn effects(&self) -> impl Iterator<Item = (Service, Effects)> {
        self.systems.iter().map(|(service, effects)| (*service, locked(effects).clone()))
    }

    /// Some items are refused, and always the same ones.
    fn refusal(&self, key: &str) -> Option<ItemError> {
        let is_refused = Chance::new(self.seed, key).happens(self.world.refuses);
        is_refused.then(|| ItemError { code: "OutsideRefuses".to_owned(), description: "it is refused outside".to_owned() })
    }

    /// The call arrives.
    fn arrive(&self, system: &Mutex<Effects>, call: Call, effect: &Effect) -> Reply {
        let effects = &mut *locked(system);
        if let Some(reply) = self.hands.and_then(|hands| hands(effects, call, effect)) {
            return reply;
        }
        match call {
            Call::Provision => {
                let refusal = self.refusal(&effect.key).filter(|_| !self.weather.is_fine());
                match effects.provision(&effect.key, refusal) {
                    State::Done => Reply::Done,
                    State::Refused => refused(effects, &effect.key),
                    State::Undone | State::Fenced => Reply::Gone { had: false },
                }
            }
            Call::LookUp => match effects.look_up(&effect.key).map(|entry| entry.state) {
                None => Reply::Absent,
                Some(State::Done) => Reply::Done,
                Some(State::Refused) => refused(effects, &effect.key),
                Some(State::Undone | State::Fenced) => Reply::Gone { had: false },
            },
            Call::Undo => Reply::Gone { had: effects.undo(&effect.key) },
        }
    }
}

fn refused(effects: &Effects, key: &str) -> Reply {
    let (code, description) = effects.look_up(key).and_then(|entry| entry.refusal.clone()).unwrap_or_default();
    Reply::Refused(ItemError { code, description })
}

fn locked(effects: &Mutex<Effects>) -> MutexGuard<'_, Effects> {
    effects.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Line {
    outside: Outside,
    system: Arc<Mutex<Effects>>,
    process: ProcessId,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives, and its answer does.
    Answered,
    /// It arrives after this long, however long its caller waits; the answer is lost.
    Unheard(Duration),
    /// It does not arrive.
    Lost,
    /// It has no time for this partner.
    Throttled,
    /// It has no time.
    Busy,
    /// It will do it, later.
    Pending(Duration),
}

#[async_trait]
impl Provisioner for Line {
    async fn call(&self, call: Call, effect: &Effect, _trace: &TraceContext) -> Reply {
        let (outside, sim) = (&self.outside, &self.outside.sim);
        sim.pass(self.process).await;
        let fate = outside.weather.call();
        sim.note(self.process, None, || format!("{call:?} {} outside: {fate:?}", effect.key));
        match fate {
            Fate::Answered => {
                let reply = outside.arrive(&self.system, call, effect);
                sim.pass(self.process).await;
                reply
            }
            Fate::Unheard(after) | Fate::Pending(after) => {
                let (there, system, late) = (outside.clone(), self.system.clone(), effect.clone());
                // nobody's: it goes on whatever becomes of its caller
                drop(sim.spawn(ProcessId::NOBODY, async move {
                    there.sim.sleep(after).await;
                    let _ = there.arrive(&system, call, &late);
                }));
                if let Fate::Pending(_) = fate {
                    return Reply::Pending { after: Some(after) };
                }
                sim.sleep(after).await;
                Reply::Unknown("500".to_owned())
            }
            Fate::Lost => std::future::pending().await,
            Fate::Throttled => Reply::Throttled { after: Some(Duration::from_secs(3)) },
            Fate::Busy => Reply::Busy { after: Duration::from_secs(2) },
        }
    }
}
