//! The services, as many mapping workers as wanted, and the system outside that they wait for.

use super::super::{document, settings::SystemName, store::Store, tables::Access};
use crate::{
    http,
    outside::Outside,
    place::{READY_WITHIN, free_port, is_ready},
    program::{GRACE, Program, Running},
    wait,
};
use serde_json::Value;
use std::time::Duration;

/// How long an import, or the way of a whole batch up to mapping, may take.
const LONGEST: Duration = Duration::from_secs(900);
/// All but mapping.
const OTHERS: [&str; 5] = ["gateway", "coordinator", "eligibility", "purchasing", "suspension"];

struct Worker {
    process: Running,
    admin: u16,
}

/// All of them.
pub(super) struct Crew {
    // in this order: the processes end before their servers
    workers: Vec<Worker>,
    others: Vec<(&'static str, Running)>,
    outside: Option<Outside>,
    api: String,
    in_flight: usize,
    started: usize,
    store: Store,
}

impl Crew {
    /// With so many customers imported, and no mapping worker.
    pub(super) fn start(customers: usize, subscriptions: usize, in_flight: usize) -> Self {
        let store = Store::migrated(SystemName::Distributed);
        let mut crew = Self { workers: Vec::new(), others: Vec::new(), outside: None, api: String::new(), in_flight, started: 0, store };
        let mut admins = Vec::new();
        for service in OTHERS {
            let admin = free_port();
            let mut program = crew.program(service, admin).env("PLANSHIFT_UNPACKED", "mapping");
            if service == "gateway" {
                let port = free_port();
                program = program.args([format!("--listen=127.0.0.1:{port}")]);
                crew.api = format!("http://127.0.0.1:{port}");
            }
            if service == "coordinator" {
                program = program.env("PLANSHIFT_UNDER_WAY", &customers.to_string());
            }
            crew.others.push((service, program.start_logging_to(&crew.store.folder().join(format!("{service}.log")))));
            admins.push(admin);
        }
        admins.iter().for_each(|admin| wait::until("the services are ready", READY_WITHIN, || is_ready(*admin)));
        crew.new_outside("1ms");
        crew.add_workers(1);
        let file = document::file(crew.store.folder(), 0..customers, 1, subscriptions);
        Program::planshift(["import", &file.display().to_string(), "--api", &crew.api]).start().finish_within(LONGEST).expect(0);
        crew.stop_workers();
        crew
    }

    fn program(&self, command: &str, admin: u16) -> Program {
        Program::planshift([command]).args(self.store.options()).args([format!("--admin=127.0.0.1:{admin}")])
    }

    /// What the driver is told.
    pub(super) fn broker_url(&self) -> String {
        self.store.servers().expect("servers").broker_url().to_owned()
    }

    /// A new system outside, with nothing in it.
    pub(super) fn new_outside(&mut self, latency: &str) {
        self.outside = Some(Outside::start(&[&format!("--latency={latency}")]));
    }

    /// What the system outside says of itself.
    pub(super) fn account(&self) -> Value {
        self.outside.as_ref().expect("a system outside").account()
    }

    /// So many more mapping workers, ready.
    pub(super) fn add_workers(&mut self, count: usize) {
        let outside = self.outside.as_ref().expect("a system outside");
        let in_flight = self.in_flight.to_string();
        for _ in 0..count {
            let admin = free_port();
            let more = [("PLANSHIFT_MAPPING_PROVISIONER_IN_FLIGHT", in_flight.as_str())];
            let program =
                outside.variables(&more).into_iter().fold(self.program("mapping", admin), |all, (key, value)| all.env(key, value));
            self.started += 1;
            let log = self.store.folder().join(format!("mapping-{}.log", self.started));
            self.workers.push(Worker { process: program.start_logging_to(&log), admin });
        }
        for worker in &self.workers {
            wait::until("the mapping workers are ready", READY_WITHIN, || is_ready(worker.admin));
        }
    }

    /// How many effects each worker has had.
    pub(super) fn effects_of_workers(&self) -> Vec<u64> {
        let labels = [("step", "mapping"), ("action", "do"), ("evidence", "done")];
        let effects = |worker: &Worker| {
            let metrics = http::get(&format!("http://127.0.0.1:{}/metrics", worker.admin)).expect(200).body;
            http::counter(&metrics, "planshift_effects_total", &labels)
        };
        self.workers.iter().map(effects).collect()
    }

    /// SIGTERM to the first worker.
    pub(super) fn stop_worker(&mut self) {
        let code = self.workers.remove(0).process.terminate();
        assert_eq!(code, 0, "a mapping worker did not end well");
    }

    /// `kill -9` of the first worker.
    pub(super) fn kill_worker(&mut self) {
        self.workers.remove(0).process.kill();
    }

    /// SIGTERM to all of them.
    pub(super) fn stop_workers(&mut self) {
        for worker in &self.workers {
            worker.process.signal("TERM");
        }
        for worker in self.workers.drain(..) {
            assert_eq!(worker.process.finish_within(GRACE).code, 0, "a mapping worker did not end well");
        }
    }

    /// Until so many transitions wait for mapping.
    pub(super) fn wait_until_mapping(&self, sagas: usize) {
        let mut tables = self.store.tables(Access::Read);
        let query = "SELECT count(*) FROM coordinator.transitions WHERE state = 'MappingSubscriptions'";
        wait::until("all of the batch waits for mapping", LONGEST, || tables.number(query) == sagas as i64);
    }

    /// How many effects the ledger says are done.
    pub(super) fn done(&self) -> u64 {
        let query = "SELECT count(*) FROM mapping.ledger WHERE state = 'done'";
        u64::try_from(self.store.tables(Access::Read).number(query)).unwrap_or_default()
    }

    /// Every invariant holds on what is stored.
    pub(super) fn verify(&mut self) {
        for (_, process) in &self.others {
            process.signal("TERM");
        }
        for (service, process) in self.others.drain(..) {
            assert_eq!(process.finish_within(GRACE).code, 0, "{service} did not end well");
        }
        self.store.planshift("verify", &[]);
    }
}
