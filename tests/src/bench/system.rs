//! The system under test: its processes, started, fed and stopped.

use super::{
    counts::Counts,
    servers::Servers,
    settings::{SystemName, Through},
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
use tempfile::TempDir;

/// The services, each a process of its own.
const SERVICES: [&str; 6] = ["coordinator", "eligibility", "purchasing", "mapping", "suspension", "gateway"];
/// How long an import, or a look at every invariant, may take.
const LONGEST: Duration = Duration::from_secs(900);

/// The system, running.
#[derive(Debug)]
pub struct System {
    // in this order: the processes end before their servers
    processes: Vec<(&'static str, Running)>,
    servers: Option<Servers>,
    folder: TempDir,
    api: String,
}

impl System {
    /// Starts it with nothing in it, as an operator does, and waits until it is ready.
    ///
    /// # Panics
    /// Where it does not get ready.
    pub fn start(name: SystemName) -> Self {
        let folder = tempfile::tempdir().expect("a folder for data and logs");
        let servers = (name == SystemName::Distributed).then(Servers::start);
        let mut system = Self { processes: Vec::new(), servers, folder, api: String::new() };
        match name {
            SystemName::Distributed => {
                system.planshift("migrate", &[]);
                let admins = SERVICES.map(|service| system.launch(service));
                system.wait_until_ready(&admins);
            }
            SystemName::Embedded => {
                let admin = system.launch("serve");
                system.wait_until_ready(&[admin]);
            }
        }
        system
    }

    /// The options that say where everything is kept.
    fn kept(&self) -> Vec<String> {
        match &self.servers {
            Some(servers) => vec!["--database".into(), servers.database_url(), "--broker".into(), servers.broker_url().to_owned()],
            None => vec!["--data".into(), self.data()],
        }
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn launch(&mut self, command: &'static str) -> u16 {
        let admin = free_port();
        let mut program = Program::planshift([command]).args(self.kept()).args([format!("--admin=127.0.0.1:{admin}")]);
        if matches!(command, "gateway" | "serve") {
            let port = free_port();
            program = program.args([format!("--listen=127.0.0.1:{port}")]);
            self.api = format!("http://127.0.0.1:{port}");
        }
        let name = if command == "serve" { "planshift" } else { command };
        self.processes.push((name, program.start_logging_to(&self.folder.path().join(format!("{name}.log")))));
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

    /// A command on what is stored, to its end.
    fn planshift(&self, command: &str, args: &[&str]) {
        Program::planshift([command]).args(self.kept()).args(args).start().finish_within(LONGEST).expect(0);
    }

    /// Imports a document.
    pub fn import(&self, document: &Path) {
        let args = ["import", &document.display().to_string(), "--api", &self.api];
        Program::planshift(args).start().finish_within(LONGEST).expect(0);
    }

    /// So that what was written before is not written to its place within what is measured.
    pub fn checkpoint(&self) {
        if let Some(servers) = &self.servers {
            servers.checkpoint();
        }
    }

    /// What the driver is told: the API's address, or the broker's.
    pub fn address(&self, through: Through) -> String {
        match (through, &self.servers) {
            (Through::Queue, Some(servers)) => servers.broker_url().to_owned(),
            _ => self.api.clone(),
        }
    }

    /// What has been stored.
    pub fn counts(&self) -> Counts {
        match &self.servers {
            Some(servers) => Counts::of_database(&servers.database_url()),
            None => Counts::of_folder(Path::new(&self.data())),
        }
    }

    /// The processes that all others descend from, by name.
    pub fn roots(&self) -> Vec<(String, u32)> {
        let services = self.processes.iter().map(|(name, process)| ((*name).to_owned(), process.id()));
        self.servers.iter().flat_map(Servers::roots).chain(services).collect()
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
        self.planshift("verify", &[]);
        begun.elapsed()
    }
}
