//! Every service as a process, three of mapping, each as a broker user of its own, behind the proxies.

use super::{proxy::Proxy, servers::Servers};
use crate::{
    cluster::SERVICES,
    http,
    place::{free_port, is_ready},
    program::{GRACE, Program, Running, last_lines},
};
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How many workers map.
const MAPPING_WORKERS: usize = 3;
/// How long every process may take to be ready, once nothing is wrong any more.
pub const READY_WITHIN: Duration = Duration::from_secs(90);
/// The password of every user of the test.
pub const PASSWORD: &str = "chaos";

/// The processes.
#[derive(Debug)]
pub struct Fleet {
    members: Vec<Member>,
    faults: Vec<String>,
    _folder: TempDir,
}

#[derive(Debug)]
struct Member {
    name: String,
    service: &'static str,
    admin: u16,
    listen: Option<u16>,
    variables: Vec<(&'static str, String)>,
    log: PathBuf,
    process: Option<Running>,
}

/// The broker user that a service connects as.
pub fn user_of(service: &str) -> String {
    format!("planshift-{service}")
}

impl Fleet {
    /// All of them, started on migrated databases, with users of the broker made for them; not ready yet.
    ///
    /// # Panics
    /// Where one does not start.
    pub fn start(servers: &Servers, broker: &Proxy, database: &Proxy) -> Self {
        let folder = tempfile::tempdir().expect("a folder for logs");
        let mut members = Vec::new();
        for service in SERVICES {
            servers.create_user(&user_of(service), PASSWORD);
            for number in 1..=if service == "mapping" { MAPPING_WORKERS } else { 1 } {
                let name = if number == 1 { service.to_owned() } else { format!("{service} {number}") };
                let log = folder.path().join(format!("{service}-{number}.log"));
                let (admin, listen) = (free_port(), (service == "gateway").then(free_port));
                let mut variables = vec![
                    ("PLANSHIFT_DATABASE_URL", servers.database_url(Some(database.address()))),
                    ("PLANSHIFT_BROKER_URL", format!("amqp://{}:{PASSWORD}@{}/%2f", user_of(service), broker.address())),
                    ("PLANSHIFT_ADMIN", format!("127.0.0.1:{admin}")),
                ];
                variables.extend(listen.map(|port| ("PLANSHIFT_LISTEN", format!("127.0.0.1:{port}"))));
                members.push(Member { name, service, admin, listen, variables, log, process: None });
            }
        }
        let mut fleet = Self { members, faults: Vec::new(), _folder: folder };
        (0..fleet.members.len()).for_each(|index| fleet.launch(index));
        fleet
    }

    fn launch(&mut self, index: usize) {
        let member = &mut self.members[index];
        let program = Program::new(&format!("planshift-{}", member.service));
        let program = member.variables.iter().fold(program, |program, (key, value)| program.env(key, value));
        member.process = Some(program.start_logging_to(&member.log));
    }

    /// How many there are.
    pub const fn size(&self) -> usize {
        self.members.len()
    }

    /// Its name.
    pub fn name(&self, index: usize) -> &str {
        &self.members[index].name
    }

    /// The API's URL.
    ///
    /// # Panics
    /// Without a gateway.
    pub fn api(&self) -> String {
        let port = self.members.iter().find_map(|member| member.listen).expect("a gateway");
        format!("http://127.0.0.1:{port}")
    }

    /// `kill -9`, and started again at once.
    pub fn kill(&mut self, index: usize) {
        self.see_that_it_runs(index);
        if let Some(process) = self.members[index].process.take() {
            process.kill();
        }
        self.launch(index);
    }

    /// Nobody but this test may end one.
    fn see_that_it_runs(&mut self, index: usize) {
        let member = &mut self.members[index];
        if let Some(code) = member.process.as_mut().and_then(Running::exit_code) {
            let log = fs::read_to_string(&member.log).unwrap_or_default();
            self.faults.push(format!("{} ended by itself with {code}:\n{}", member.name, last_lines(&log)));
        }
    }

    /// Waits until every process says that it is ready; what has ended by itself is noted.
    ///
    /// # Errors
    /// Those that are not ready in time.
    pub fn wait_until_ready(&mut self) -> Result<(), String> {
        let begun = Instant::now();
        (0..self.members.len()).for_each(|index| self.see_that_it_runs(index));
        loop {
            let waiting: Vec<&str> =
                self.members.iter().filter(|member| !is_ready(member.admin)).map(|member| member.name.as_str()).collect();
            if waiting.is_empty() {
                return Ok(());
            }
            if begun.elapsed() > READY_WITHIN {
                return Err(format!("not ready within {READY_WITHIN:?}: {}", waiting.join(", ")));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The sum of a counter over all processes of a service.
    pub fn counter(&self, service: &str, name: &str, labels: &[(&str, &str)]) -> u64 {
        let told = self.members.iter().filter(|member| member.service == service).filter_map(|member| {
            let answer = http::ask(reqwest::Method::GET, &format!("http://127.0.0.1:{}/metrics", member.admin), None)?;
            Some(http::counter(&answer.body, name, labels))
        });
        told.sum()
    }

    /// SIGTERM to all; what did not end well, had ended by itself or has panicked.
    pub fn stop(mut self) -> Vec<String> {
        (0..self.members.len()).for_each(|index| self.see_that_it_runs(index));
        let processes: Vec<_> = self.members.iter_mut().filter_map(|member| Some((member.name.clone(), member.process.take()?))).collect();
        let mut faults = std::mem::take(&mut self.faults);
        for (_, process) in &processes {
            // one that has ended was told of already
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| process.signal("TERM")));
        }
        for (name, mut process) in processes {
            let begun = Instant::now();
            let code = loop {
                match process.exit_code() {
                    None if begun.elapsed() < GRACE => std::thread::sleep(Duration::from_millis(20)),
                    code => break code,
                }
            };
            match code {
                Some(0) => {}
                Some(code) => faults.push(format!("{name} ended with {code} after SIGTERM")),
                None => faults.push(format!("{name} did not end within {GRACE:?} after SIGTERM")),
            }
        }
        for member in &self.members {
            let log = fs::read_to_string(&member.log).unwrap_or_default();
            faults.extend(log.lines().filter(|line| line.contains("panicked at")).map(|line| format!("{}: {line}", member.name)));
        }
        faults
    }

    /// For who looks for a cause: the last lines of every log.
    pub fn show_logs(&self) {
        for member in &self.members {
            eprintln!("-- the end of the log of {}:\n{}", member.name, last_lines(&fs::read_to_string(&member.log).unwrap_or_default()));
        }
    }
}
