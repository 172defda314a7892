//! The real services, their libraries unchanged, each in processes of the simulated machine.

use crate::{
    broker::{Line, MemoryBroker},
    outside::Outside,
    sim::{ProcessId, Sim},
    store::{MemoryStore, Way},
    twins::Twin,
    weather::Weather,
    world::{Instance, Refused, World},
};
use planshift_messaging::{Service, SharedBroker};
use planshift_storage::{Database, Migration, StorageError};
use planshift_worker::{CancellationToken, metrics::Metrics, run::RunOptions, step::Faults};
use std::{collections::BTreeMap, future::Future};

/// The services' databases.
pub type Stores = BTreeMap<Service, MemoryStore>;

/// The services that have a database, with their schemas.
pub const SCHEMAS: [(Service, &[Migration]); 6] = [
    (Service::Eligibility, planshift_eligibility::MIGRATIONS),
    (Service::Purchasing, planshift_purchasing::MIGRATIONS),
    (Service::Mapping, planshift_mapping::MIGRATIONS),
    (Service::Suspension, planshift_suspension::MIGRATIONS),
    (Service::Coordinator, planshift_coordinator::MIGRATIONS),
    (Service::Gateway, planshift_gateway::MIGRATIONS),
];

/// How a twin has its hands on a service's own end of the broker.
pub type Wrap = fn(&Sim, Instance, SharedBroker) -> SharedBroker;

/// All services' processes.
pub struct Fleet {
    sim: Sim,
    weather: Weather,
    broker: MemoryBroker,
    stores: Stores,
    wrap: Option<Wrap>,
    limits: planshift_coordinator::Limits,
    line: planshift_coordinator::Line,
    run: RunOptions,
    outside: Outside,
    refused: Refused,
    /// All services count together. A twin's violation is counted too, rather than ending the simulation.
    metrics: Metrics,
    processes: BTreeMap<Instance, ProcessId>,
    stops: BTreeMap<Instance, CancellationToken>,
}

impl Fleet {
    /// All of them, none running.
    pub fn new(
        world: &World,
        (sim, weather): (&Sim, &Weather),
        broker: &MemoryBroker,
        stores: &Stores,
        outside: &Outside,
        twin: Option<&Twin>,
    ) -> Self {
        let mut line = world.line.clone();
        if let Some(change) = twin.and_then(|twin| twin.line) {
            change(&mut line);
        }
        Self {
            sim: sim.clone(),
            weather: weather.clone(),
            broker: broker.clone(),
            stores: stores.clone(),
            wrap: twin.and_then(|twin| twin.wrap),
            limits: world.limits,
            line,
            run: world.run.clone(),
            outside: outside.clone(),
            refused: world.refused.clone(),
            metrics: Metrics::counting(),
            processes: Instance::ALL
                .into_iter()
                .zip(world.clocks)
                .map(|(instance, ahead)| (instance, sim.add_process(instance.name(), ahead)))
                .collect(),
            stops: BTreeMap::new(),
        }
    }

    /// Its process.
    pub fn process(&self, instance: Instance) -> ProcessId {
        self.processes.get(&instance).copied().unwrap_or(ProcessId::NOBODY)
    }

    /// Which one runs in that process.
    pub fn instance_of(&self, process: ProcessId) -> Option<Instance> {
        self.processes.iter().find(|(_, theirs)| **theirs == process).map(|(instance, _)| *instance)
    }

    /// The invariants that services have themselves seen violated, and how often.
    pub fn violated(&self) -> Vec<(&'static str, u64)> {
        self.metrics.violated()
    }

    /// Is any of its tasks left?
    pub fn is_running(&self, instance: Instance) -> bool {
        self.sim.is_running(self.process(instance))
    }

    /// From now on nothing is refused, by those that are started from now on.
    pub fn repair(&mut self) {
        self.refused = Refused::default();
    }

    /// Asks it to stop.
    pub fn terminate(&self, instance: Instance) {
        if let Some(stop) = self.stops.get(&instance) {
            stop.cancel();
        }
    }

    /// Was it asked to stop since it was started?
    pub fn is_stopping(&self, instance: Instance) -> bool {
        self.stops.get(&instance).is_some_and(CancellationToken::is_cancelled)
    }

    /// Ends it at once.
    pub fn crash(&self, instance: Instance) {
        self.sim.crash(self.process(instance));
    }

    /// Starts it, unless it runs.
    pub fn start(&mut self, instance: Instance) {
        if self.is_running(instance) {
            return;
        }
        let Some(store) = self.stores.get(&instance.service()) else { return };
        let (sim, weather, process) = (self.sim.clone(), self.weather.clone(), self.process(instance));
        let ports = sim.ports(process);
        let database = store.handle(Some(Way { sim: sim.clone(), process, service: instance.service(), weather: weather.clone() }));
        let broker = self.broker.handle(instance.service(), Some(Line { sim, process, weather }));
        let broker = match self.wrap {
            Some(wrap) => wrap(&self.sim, instance, broker),
            None => broker,
        };
        let stop = CancellationToken::new();
        self.stops.insert(instance, stop.clone());
        let (run, metrics) = (self.run.clone(), self.metrics.clone());
        match instance.service() {
            Service::Gateway => {
                let options = planshift_gateway::Options::new(database, broker, ports);
                self.spawn(process, options.run_read_model(stop));
            }
            Service::Coordinator => {
                let options = planshift_coordinator::Options { limits: self.limits, line: self.line.clone(), run, metrics };
                self.spawn(process, options.build(database, broker, ports).run(stop));
            }
            Service::Eligibility => {
                let options = planshift_eligibility::Options { run, metrics, ..Default::default() };
                self.spawn(process, options.build(database, broker, ports).run(stop));
            }
            Service::Purchasing => {
                let faults = Faults::new(&self.refused.purchasing);
                let options =
                    planshift_purchasing::Options { faults, run, metrics, provisioner: self.outside.target(instance.service(), process) };
                self.spawn(process, options.build(database, broker, ports).run(stop));
            }
            Service::Mapping => {
                let faults = Faults::new(&self.refused.mapping);
                let options =
                    planshift_mapping::Options { faults, run, metrics, provisioner: self.outside.target(instance.service(), process) };
                self.spawn(process, options.build(database, broker, ports).run(stop));
            }
            Service::Suspension => {
                let faults = Faults::new(&self.refused.suspension);
                let options =
                    planshift_suspension::Options { faults, run, metrics, provisioner: self.outside.target(instance.service(), process) };
                self.spawn(process, options.build(database, broker, ports).run(stop));
            }
        }
    }

    fn spawn(&self, process: ProcessId, service: impl Future<Output = ()> + Send + 'static) {
        // nobody waits for it
        drop(self.sim.spawn(process, service));
    }
}

/// Brings a database to its service's schema.
///
/// # Errors
/// Any.
pub async fn migrate(database: &Database, migrations: &[Migration]) -> Result<(), StorageError> {
    database.migrate(migrations).await.map(|_| ())
}
