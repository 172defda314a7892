//! The system under test: its processes, started, fed and stopped.

use super::{
    counts::Counts,
    settings::{SystemName, Through},
    store::Store,
    tables::SERVICES,
};
use crate::{
    place::{READY_WITHIN, free_port, is_ready},
    program::{Program, Running},
    wait,
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// How long an import may take.
const LONGEST: Duration = Duration::from_secs(900);

/// The system, running.
#[derive(Debug)]
pub struct System {
    // in this order: the processes end before their servers
    processes: Vec<(&'static str, Running)>,
    store: Store,
    api: String,
    variables: Vec<(String, String)>,
}

impl System {
    /// Starts it with nothing in it, as an operator does, and waits until it is ready.
    ///
    /// # Panics
    /// Where it does not get ready.
    pub fn start(name: SystemName) -> Self {
        Self::start_with(name, &[])
    }

    /// The same with these variables in the environment of its processes.
    ///
    /// # Panics
    /// Where it does not get ready.
    pub fn start_with(name: SystemName, variables: &[(&str, &str)]) -> Self {
        let store = Store::empty(name);
        if name == SystemName::Distributed {
            store.planshift("migrate", &[]);
        }
        let variables = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Self { processes: Vec::new(), store, api: String::new(), variables }.started(name)
    }

    /// Starts it on what is stored there, whose tables are as they must be, and waits until it is ready.
    ///
    /// # Panics
    /// Where it does not get ready.
    pub fn start_on(name: SystemName, store: Store) -> Self {
        Self { processes: Vec::new(), store, api: String::new(), variables: Vec::new() }.started(name)
    }

    fn started(mut self, name: SystemName) -> Self {
        match name {
            SystemName::Distributed => {
                let admins = SERVICES.map(|service| self.launch(service));
                self.wait_until_ready(&admins);
            }
            SystemName::Embedded => {
                let admin = self.launch("serve");
                self.wait_until_ready(&[admin]);
            }
        }
        self
    }

    fn launch(&mut self, command: &'static str) -> u16 {
        let admin = free_port();
        let mut program = Program::planshift([command]).args(self.store.options()).args([format!("--admin=127.0.0.1:{admin}")]);
        program = self.variables.iter().fold(program, |program, (key, value)| program.env(key, value));
        if matches!(command, "gateway" | "serve") {
            let port = free_port();
            program = program.args([format!("--listen=127.0.0.1:{port}")]);
            self.api = format!("http://127.0.0.1:{port}");
        }
        let name = if command == "serve" { "planshift" } else { command };
        self.processes.push((name, program.start_logging_to(&self.store.folder().join(format!("{name}.log")))));
        admin
    }

    fn wait_until_ready(&mut self, admins: &[u16]) {
        for ((name, process), admin) in self.processes.iter_mut().zip(admins) {
            wait::until(&format!("{name} is ready"), READY_WITHIN, || {
                assert!(process.is_running(), "{name} ended by itself\n{}", process.stderr());
                is_ready(*admin)
            });
        }
    }

    /// The command that imports a document.
    pub fn importing(&self, document: &Path) -> Program {
        Program::planshift(["import", &document.display().to_string(), "--api", &self.api])
    }

    /// Imports a document, and says how long that took.
    ///
    /// # Panics
    /// Where it is not imported.
    pub fn import(&self, document: &Path) -> Duration {
        let begun = Instant::now();
        self.importing(document).start().finish_within(LONGEST).expect(0);
        begun.elapsed()
    }

    /// So that what was written before is not written to its place within what is measured.
    pub fn checkpoint(&self) {
        self.store.checkpoint();
    }

    /// The API's address.
    pub fn api(&self) -> &str {
        &self.api
    }

    /// What the driver is told: the API's address, or the broker's.
    pub fn address(&self, through: Through) -> String {
        match (through, self.store.servers()) {
            (Through::Queue, Some(servers)) => servers.broker_url().to_owned(),
            _ => self.api.clone(),
        }
    }

    /// Where it keeps everything.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// What has been stored, to be counted.
    pub fn counts(&self) -> Counts {
        self.store.counts()
    }

    /// The services' processes, by name.
    pub fn services(&self) -> Vec<(String, u32)> {
        self.processes.iter().map(|(name, process)| ((*name).to_owned(), process.id())).collect()
    }

    /// The processes that all others descend from, by name.
    pub fn roots(&self) -> Vec<(String, u32)> {
        self.store.roots().into_iter().chain(self.services()).collect()
    }

    /// The services end, as after SIGTERM; what they have stored stays.
    ///
    /// # Panics
    /// Where one does not end well.
    pub fn stop_services(&mut self) {
        // all at once: each of them may take its time
        let processes = std::mem::take(&mut self.processes);
        for (_, process) in &processes {
            process.signal("TERM");
        }
        for (name, process) in processes {
            let outcome = process.finish_within(crate::program::GRACE);
            assert_eq!(outcome.code, 0, "{name} did not end well\n{outcome}");
        }
    }

    /// Every invariant holds on what is stored, says `planshift verify`; how long that took.
    ///
    /// # Panics
    /// Where one is violated.
    pub fn verify(&self) -> Duration {
        let begun = Instant::now();
        self.store.planshift("verify", &[]);
        begun.elapsed()
    }
}
