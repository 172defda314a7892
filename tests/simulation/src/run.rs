//! A seed, from its beginning until everything is at rest, and what was found.

use crate::{
    broker::{self, Line, MemoryBroker},
    checks::{self, Finding, Order, Watch},
    client::Client,
    fleet::{self, Fleet, Stores},
    outside::Outside,
    sim::{ProcessId, Sim, Step},
    store::MemoryStore,
    tally::{self, Tally},
    trace::Trace,
    twins::Twin,
    weather::Weather,
    world::{Instance, Trouble, World},
};
use futures::FutureExt as _;
use planshift_domain::ids::TransitionId;
use planshift_messaging::Service;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};
use uuid::Uuid;

/// How long everything may take to come to rest once the trouble is over.
const PATIENCE: Duration = Duration::from_secs(40 * 60);
/// How often it is looked whether everything is at rest.
const LOOK: Duration = Duration::from_secs(5);
/// No seed takes so many steps, unless something goes round in circles.
const MOST_STEPS: u64 = 5_000_000;
/// How long a process that stands still keeps its messages: then the broker gives them to others.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How long one that is asked to stop may take; then it is ended.
const GRACE: Duration = Duration::from_secs(25);
/// How often an operator has everything go on that waits for one.
const RESUMES: u32 = 2;
/// How long after the trouble an operator has tried again what was given up in it.
const SWEEP: Duration = Duration::from_secs(30);
/// How often an operator has dead letters tried again once everything is at rest.
const REDRIVES: u32 = 2;

/// What came of a seed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What must not be.
    pub findings: Vec<Finding>,
    /// How many transitions there were.
    pub transitions: usize,
    /// How many imports were not answered in time, and made again.
    pub imports_again: usize,
    /// What went wrong how often, and where the transitions came to their ends.
    pub tally: Tally,
    /// How many steps the machine made.
    pub steps: u64,
    /// How much of the machine's time passed.
    pub took: Duration,
    /// What happened, where it was to be kept.
    pub trace: Trace,
    /// Names of the transitions for people.
    pub labels: HashMap<Uuid, String>,
    /// The transitions that the findings are about.
    pub concerned: BTreeSet<Uuid>,
}

/// Runs a seed; with the hands of a broken twin in it, where one is given.
///
/// # Errors
/// Where the simulation itself is at fault.
pub fn run(seed: u64, twin: Option<&Twin>, traced: bool) -> Result<Outcome, String> {
    let world = World::draw(seed)?;
    Course::new(world, twin, traced)?.run()
}

/// Something that is to happen at a time.
#[derive(Clone, Copy)]
enum Planned {
    Trouble(Trouble),
    Start(Instance),
    GoOn(Instance),
    Disconnect(ProcessId),
    AsUsual(Instance),
    Join(ProcessId),
    StoreBack(Service),
    EndUnlessStopped(Instance, Duration),
    Over,
}

struct Course {
    world: World,
    sim: Sim,
    weather: Weather,
    broker: MemoryBroker,
    stores: Stores,
    watch: Arc<Watch>,
    client: Client,
    client_process: ProcessId,
    fleet: Fleet,
    outside: Outside,
    /// For how long each is gone that is about to crash.
    downs: BTreeMap<Instance, Duration>,
    planned: BTreeMap<(i64, u64), Planned>,
    plans_made: u64,
    is_over: bool,
    resumes: u32,
    redrives: u32,
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}

impl Course {
    fn new(world: World, twin: Option<&Twin>, traced: bool) -> Result<Self, String> {
        let sim = Sim::new(world.seed, world.begins_at, traced);
        let weather = Weather::new(world.seed, world.likelihoods);
        let stores = open(world.seed, twin)?;
        let watch = Arc::new(Watch::new(&sim, &stores, &world.line));
        if let Some(store) = stores.get(&Service::Coordinator) {
            let (order, watch) = (Order::new(store.clone(), &world.line), watch.clone());
            store.after_each_commit(move || order.look(&watch));
        }
        let broker = MemoryBroker::new(sim.ports(ProcessId::NOBODY), Some(watch.clone()));
        let outside = Outside::new(&world, &sim, &weather, twin.and_then(|twin| twin.outside));
        let fleet = Fleet::new(&world, (&sim, &weather), &broker, &stores, &outside, twin);
        let client_process = sim.add_process("client", 0);
        let line = Line { sim: sim.clone(), process: client_process, weather: weather.clone() };
        let client = Client::new(&sim, client_process, broker.handle(Service::Gateway, Some(line)));
        Ok(Self {
            world,
            sim,
            weather,
            broker,
            stores,
            watch,
            client,
            client_process,
            fleet,
            outside,
            downs: BTreeMap::new(),
            planned: BTreeMap::new(),
            plans_made: 0,
            is_over: false,
            resumes: 0,
            redrives: 0,
        })
    }

    fn plan(&mut self, after: Duration, what: Planned) {
        self.plans_made += 1;
        self.planned.insert((self.sim.now() + micros(after), self.plans_made), what);
    }

    fn run(mut self) -> Result<Outcome, String> {
        Instance::ALL.into_iter().for_each(|instance| self.fleet.start(instance));
        for (at, trouble) in std::mem::take(&mut self.world.troubles.all) {
            self.plan(at, Planned::Trouble(trouble));
        }
        self.plan(self.world.troubles.over_after, Planned::Over);
        for import in std::mem::take(&mut self.world.imports) {
            self.client.import(import);
        }
        for script in std::mem::take(&mut self.world.scripts) {
            self.client.follow(script);
        }
        let limit = self.sim.now() + micros(self.world.troubles.over_after) + micros(PATIENCE);
        let mut next_look = i64::MAX;
        let mut unrest = Vec::new();
        while self.sim.steps() < MOST_STEPS && self.sim.now() < limit {
            let next = self.planned.first_key_value().map_or(limit, |((at, _), _)| *at).min(next_look);
            let step = self.sim.step(next);
            self.crash_those_due();
            if step == Step::Ran {
                continue;
            }
            while let Some(entry) = self.planned.first_entry() {
                if entry.key().0 > self.sim.now() {
                    break;
                }
                let what = entry.remove();
                self.happen(what);
            }
            if self.is_over && (next_look == i64::MAX || self.sim.now() >= next_look) {
                next_look = self.sim.now() + micros(LOOK);
                unrest = checks::unrest(&self.client, &self.broker, &self.stores).map_err(|error| error.to_string())?;
                if unrest.is_empty() && self.planned.is_empty() && !self.redrive_some() && !self.resume_some()? {
                    return self.judge(unrest);
                }
            }
        }
        if self.sim.steps() >= MOST_STEPS {
            unrest.push(Finding::new("ended", format!("it goes round in circles: {MOST_STEPS} steps"), []));
        }
        self.judge(unrest)
    }

    fn crash_those_due(&mut self) {
        for process in self.sim.due_crashes() {
            if let Some(instance) = self.fleet.instance_of(process) {
                self.weather.count(tally::CRASH);
                self.crash(instance);
                let down = self.downs.remove(&instance).unwrap_or_default();
                self.plan(down, Planned::Start(instance));
            }
        }
    }

    fn crash(&mut self, instance: Instance) {
        self.sim.note(self.fleet.process(instance), None, || "CRASHES".to_owned());
        self.fleet.crash(instance);
    }

    fn note(&self, process: ProcessId, text: &str) {
        self.sim.note(process, None, || text.to_owned());
    }

    fn happen(&mut self, what: Planned) {
        match what {
            Planned::Trouble(trouble) => self.trouble(trouble),
            Planned::Start(instance) => {
                if !self.fleet.is_running(instance) {
                    self.note(self.fleet.process(instance), "STARTS");
                    self.fleet.start(instance);
                }
            }
            Planned::GoOn(instance) => {
                self.note(self.fleet.process(instance), "GOES ON");
                self.sim.stop(self.fleet.process(instance), false);
            }
            Planned::Disconnect(process) => self.broker.disconnect(process),
            Planned::AsUsual(instance) => self.sim.slow_down(self.fleet.process(instance), 1),
            Planned::Join(process) => {
                self.note(process, "REACHES the broker again");
                self.weather.cut_off(process, false);
            }
            Planned::StoreBack(service) => {
                self.note(ProcessId::NOBODY, &format!("the database of {} is BACK", service.name()));
                self.weather.take_away(service, false);
            }
            Planned::EndUnlessStopped(instance, down) => {
                if self.fleet.is_running(instance) {
                    self.crash(instance);
                }
                self.plan(down, Planned::Start(instance));
            }
            Planned::Over => self.trouble_is_over(),
        }
    }

    fn trouble(&mut self, trouble: Trouble) {
        if let Some(fault) = trouble.fault() {
            self.weather.count(fault);
        }
        match trouble {
            Trouble::Crash(instance, steps, down) => {
                self.sim.crash_after(self.fleet.process(instance), steps);
                self.downs.insert(instance, down);
            }
            Trouble::Terminate(instance, down) => {
                self.note(self.fleet.process(instance), "is asked to STOP");
                self.fleet.terminate(instance);
                self.plan(GRACE, Planned::EndUnlessStopped(instance, down));
            }
            Trouble::Stop(instance, time) => {
                let process = self.fleet.process(instance);
                self.note(process, "STANDS STILL");
                self.sim.stop(process, true);
                if time > HEARTBEAT {
                    self.plan(HEARTBEAT, Planned::Disconnect(process));
                }
                self.plan(time, Planned::GoOn(instance));
            }
            Trouble::Slow(instance, times, time) => {
                self.note(self.fleet.process(instance), &format!("is {times} times SLOWER"));
                self.sim.slow_down(self.fleet.process(instance), times);
                self.plan(time, Planned::AsUsual(instance));
            }
            Trouble::CutOff(instance, time) => self.cut_off(self.fleet.process(instance), time),
            Trouble::ClientCutOff(time) => self.cut_off(self.client_process, time),
            Trouble::Pause(step, time) => {
                self.note(ProcessId::NOBODY, &format!("{step} is PAUSED by an operator"));
                self.client.pause(step, time);
            }
            Trouble::Redrive => self.client.redrive(),
            Trouble::StoreAway(service, time) => {
                self.note(ProcessId::NOBODY, &format!("the database of {} is AWAY", service.name()));
                self.weather.take_away(service, true);
                self.plan(time, Planned::StoreBack(service));
            }
        }
    }

    fn cut_off(&mut self, process: ProcessId, time: Duration) {
        self.note(process, "is CUT OFF from the broker");
        self.weather.cut_off(process, true);
        self.broker.disconnect(process);
        self.plan(time, Planned::Join(process));
    }

    /// From now on nothing goes wrong any more, and everyone is there.
    fn trouble_is_over(&mut self) {
        self.note(ProcessId::NOBODY, "the trouble is OVER");
        self.is_over = true;
        self.weather.clear_up();
        self.planned.clear();
        for instance in Instance::ALL {
            let process = self.fleet.process(instance);
            self.sim.slow_down(process, 1);
            self.sim.forget_crash(process);
            self.sim.stop(process, false);
            self.fleet.start(instance);
            if self.fleet.is_stopping(instance) {
                self.plan(GRACE, Planned::EndUnlessStopped(instance, Duration::ZERO));
            }
        }
        // what the broker has given up nobody else sends again, an event for example
        self.plan(SWEEP, Planned::Trouble(Trouble::Redrive));
    }

    /// An operator has what was given up tried again, long after: it may not have a second effect. False where nothing was.
    fn redrive_some(&mut self) -> bool {
        let is_tried = self.redrives < REDRIVES && self.broker.dead_letters().iter().any(|buried| broker::is_worn_out(&buried.dead));
        if is_tried {
            self.redrives += 1;
            self.client.redrive();
        }
        is_tried
    }

    /// An operator has go on what waits for one. False where nothing does that could go on.
    fn resume_some(&mut self) -> Result<bool, String> {
        let waiting = checks::needs_operator(&self.stores, &self.world).map_err(|error| error.to_string())?;
        if waiting.is_empty() || self.resumes >= RESUMES {
            return Ok(false);
        }
        self.resumes += 1;
        if self.world.is_repaired && self.resumes == 1 {
            self.note(ProcessId::NOBODY, "nothing is refused any more");
            self.fleet.repair();
            for instance in Instance::ALL {
                self.fleet.crash(instance);
                self.fleet.start(instance);
            }
        }
        for (transition, (partner, _)) in waiting {
            self.client.resume(partner, transition);
        }
        Ok(true)
    }

    fn judge(self, unrest: Vec<Finding>) -> Result<Outcome, String> {
        // whoever holds a transaction open lets go of it
        self.end_all();
        let failed = |error: planshift_storage::StorageError| error.to_string();
        let is_at_rest = unrest.is_empty();
        let mut findings = unrest;
        findings.extend(self.watch.findings());
        findings.extend(checks::dead_letters(&self.broker));
        let counted =
            |(invariant, count)| Finding::new(invariant, format!("the services have counted {count} violation(s) of {invariant}"), []);
        findings.extend(self.fleet.violated().into_iter().map(counted));
        findings.extend(checks::stored(&self.stores)?);
        if is_at_rest {
            findings.extend(self.watch.unfinished(&self.client.redriven()));
            findings.extend(checks::effects(&self.client, &self.stores).map_err(failed)?);
            findings.extend(checks::outside(&self.outside, &self.stores).map_err(failed)?);
            for (TransitionId(id), (_, is_refused)) in checks::needs_operator(&self.stores, &self.world).map_err(failed)? {
                if self.world.is_repaired || !is_refused {
                    findings.push(Finding::new("ended", format!("{id} needs an operator, and nothing of it is refused for good"), [id]));
                }
            }
        }
        let about: BTreeSet<Uuid> = findings.iter().flat_map(|finding| finding.about.iter().copied()).collect();
        Ok(Outcome {
            seed: self.world.seed,
            transitions: self.watch.transitions(),
            tally: self.tally(),
            imports_again: self.client.imports_again(),
            steps: self.sim.steps(),
            took: Duration::from_micros(u64::try_from(self.sim.now() - self.world.begins_at).unwrap_or_default()),
            labels: self.watch.labels(),
            concerned: self.watch.transitions_of(&about),
            trace: self.sim.take_trace(),
            findings,
        })
    }
}

impl Course {
    fn tally(&self) -> Tally {
        let mut tally = self.weather.tally();
        self.watch.states().into_iter().for_each(|state| tally.ended(state));
        self.client.redriven().iter().for_each(|_| tally.add(tally::REDRIVEN));
        tally
    }

    fn end_all(&self) {
        Instance::ALL.into_iter().for_each(|instance| self.fleet.crash(instance));
        self.sim.crash(self.client_process);
    }
}

impl Drop for Course {
    fn drop(&mut self) {
        // tasks hold the machine, and the machine holds them
        self.end_all();
    }
}

fn open(seed: u64, twin: Option<&Twin>) -> Result<Stores, String> {
    let mut stores = Stores::new();
    for (service, migrations) in fleet::SCHEMAS {
        let sabotage = twin.and_then(|twin| (twin.sabotage)(service, seed));
        let store = MemoryStore::new().map_err(|error| error.to_string())?;
        let database = store.handle(None);
        let migrated = fleet::migrate(&database, migrations).now_or_never().ok_or("a store lets its user wait")?;
        migrated.map_err(|error| error.to_string())?;
        stores.insert(service, store.with(sabotage).map_err(|error| error.to_string())?);
    }
    Ok(stores)
}
