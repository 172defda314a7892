//! Every service as a process of its own, over a database and a virtual host.

use crate::{
    http, own,
    place::{Distributed, Place, READY_WITHIN, free_port, is_ready},
    program::{Outcome, Program, Running, last_lines},
    wait,
};
use std::{fs, path::Path, path::PathBuf, thread};
use tempfile::TempDir;

/// The services, in the order in which a transition meets them.
pub const SERVICES: [&str; 6] = ["gateway", "coordinator", "eligibility", "purchasing", "mapping", "suspension"];

/// Processes of every service.
#[derive(Debug)]
pub struct Cluster<'a> {
    place: &'a Distributed,
    members: Vec<Member>,
    variables: Vec<(String, String)>,
    /// Each as a user and a role of its own.
    is_own: bool,
    folder: TempDir,
    /// Its messages are left where they are at the end.
    is_forgotten: bool,
}

#[derive(Debug)]
struct Member {
    service: &'static str,
    /// Where its program is, where that is not this version's.
    programs: Option<PathBuf>,
    admin: u16,
    /// The API's port, where it is a gateway.
    listen: Option<u16>,
    log: PathBuf,
    process: Option<Running>,
}

impl<'a> Cluster<'a> {
    /// One process of each service, ready.
    pub fn start(place: &'a Place) -> Self {
        Self::with(place, |_| 1, &[])
    }

    /// As many of each service as `count` says, with more variables in their environment; ready.
    ///
    /// # Panics
    /// On a place that is not distributed; where they do not get ready.
    pub fn with(place: &'a Place, count: impl Fn(&str) -> usize, variables: &[(&str, &str)]) -> Self {
        place.planshift(&["migrate"]).expect(0);
        Self::of(place, None, count, variables)
    }

    /// One process of each service, each as a broker user and a database role of its own with the rights that are shipped, on what a
    /// user and a role for that have migrated; ready.
    ///
    /// # Panics
    /// On a place that is not distributed; where they do not get ready.
    pub fn of_own_users(place: &'a Place, variables: &[(&str, &str)]) -> Self {
        let Place::Distributed(servers) = place else { panic!("processes of their own need a distributed place") };
        own::make(servers);
        let urls = [own::database_url(servers, "migrate"), own::broker_url(servers, "migrate")];
        Program::planshift(["migrate", "--database", &urls[0], "--broker", &urls[1]]).run().expect(0);
        Self::launched(place, None, |_| 1, variables, true)
    }

    /// The same with the programs of a folder, on databases that are migrated.
    ///
    /// # Panics
    /// On a place that is not distributed; where they do not get ready.
    pub fn of(place: &'a Place, programs: Option<&Path>, count: impl Fn(&str) -> usize, variables: &[(&str, &str)]) -> Self {
        Self::launched(place, programs, count, variables, false)
    }

    fn launched(
        place: &'a Place,
        programs: Option<&Path>,
        count: impl Fn(&str) -> usize,
        variables: &[(&str, &str)],
        is_own: bool,
    ) -> Self {
        let Place::Distributed(servers) = place else { panic!("processes of their own need a distributed place") };
        let folder = tempfile::tempdir().expect("a folder for logs");
        let mut members = Vec::new();
        for service in SERVICES {
            for number in 1..=count(service) {
                let log = folder.path().join(format!("{service}-{number}.log"));
                let listen = (service == "gateway").then(free_port);
                let programs = programs.map(Path::to_owned);
                members.push(Member { service, programs, admin: free_port(), listen, log, process: None });
            }
        }
        let variables = variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut cluster = Self { place: servers, members, variables, is_own, folder, is_forgotten: false };
        for index in 0..cluster.members.len() {
            cluster.launch(index);
        }
        cluster.wait_until_ready();
        cluster
    }

    fn launch(&mut self, index: usize) {
        let member = &mut self.members[index];
        assert!(member.process.is_none(), "{} runs already", member.service);
        let name = format!("planshift-{}", member.service);
        let program = member.programs.as_deref().map_or_else(|| Program::new(&name), |folder| Program::of(folder, &name));
        let (database, broker) = if self.is_own {
            (own::database_url(self.place, member.service), own::broker_url(self.place, member.service))
        } else {
            (self.place.database_url(), self.place.broker_url())
        };
        let mut program = program
            .env("PLANSHIFT_DATABASE_URL", &database)
            .env("PLANSHIFT_BROKER_URL", &broker)
            .env("PLANSHIFT_ADMIN", &format!("127.0.0.1:{}", member.admin));
        if let Some(port) = member.listen {
            program = program.env("PLANSHIFT_LISTEN", &format!("127.0.0.1:{port}"));
        }
        for (key, value) in &self.variables {
            program = program.env(key, value);
        }
        member.process = Some(program.start_logging_to(&member.log));
    }

    /// Waits until every process that was started says that it is ready.
    ///
    /// # Panics
    /// Where one does not, or has ended.
    pub fn wait_until_ready(&mut self) {
        for member in &mut self.members {
            let Some(process) = &mut member.process else { continue };
            wait::until(&format!("{} is ready", member.service), READY_WITHIN, || {
                assert!(process.is_running(), "{} ended by itself", member.service);
                is_ready(member.admin)
            });
        }
    }

    /// The API's URL: the first gateway's.
    pub fn api(&self) -> String {
        let port = self.members.iter().find_map(|member| member.listen).expect("a gateway");
        format!("http://127.0.0.1:{port}")
    }

    /// `run --api`, started.
    pub fn start_run(&self, document: &Path) -> Running {
        Program::planshift(["run", &document.display().to_string(), "--json", "--api", &self.api()]).start()
    }

    /// `run --api` to its end.
    pub fn run(&self, document: &Path) -> Outcome {
        self.start_run(document).finish()
    }

    /// A client's command, to its end.
    pub fn planshift(&self, args: &[&str]) -> Outcome {
        Program::planshift(args).args(["--api", &self.api()]).run()
    }

    /// `kill -9` of a service's first process.
    pub fn kill(&mut self, service: &str) {
        self.take(service).kill();
    }

    /// SIGTERM to a service's first process; its exit code.
    pub fn terminate(&mut self, service: &str) -> i32 {
        self.take(service).terminate()
    }

    /// Starts a service's first process again, on the same ports.
    pub fn start_again(&mut self, service: &str) {
        let index = self.index(service);
        self.launch(index);
    }

    /// Replaces one process of a service by this version's, as a rolling restart does: asked to stop, then started on the same
    /// ports; ready when this returns.
    ///
    /// # Panics
    /// Where it does not stop or does not get ready.
    pub fn upgrade(&mut self, service: &str, number: usize) {
        let index = (0..self.members.len()).filter(|index| self.members[*index].service == service).nth(number);
        let index = index.unwrap_or_else(|| panic!("there is no process {number} of {service}"));
        let member = &mut self.members[index];
        member.programs = None;
        let code = member.process.take().unwrap_or_else(|| panic!("{service} does not run")).terminate();
        assert_eq!(code, 0, "{service} did not end well");
        self.launch(index);
        self.wait_until_ready();
    }

    /// Does a service's first process run?
    pub fn runs(&self, service: &str) -> bool {
        self.members[self.index(service)].process.is_some()
    }

    /// Its messages stay where they are: nobody takes them any more.
    pub const fn forget(&mut self) {
        self.is_forgotten = true;
    }

    /// What a service's first process tells on `/metrics`.
    pub fn metrics(&self, service: &str) -> String {
        http::get(&format!("http://127.0.0.1:{}/metrics", self.members[self.index(service)].admin)).expect(200).body
    }

    /// Every process's administration port.
    pub fn admins(&self) -> Vec<(&'static str, u16)> {
        self.members.iter().map(|member| (member.service, member.admin)).collect()
    }

    /// The logs of all processes of a service.
    pub fn log(&self, service: &str) -> String {
        let logs = self.members.iter().filter(|member| member.service == service);
        logs.map(|member| fs::read_to_string(&member.log).unwrap_or_default()).collect()
    }

    fn index(&self, service: &str) -> usize {
        self.members.iter().position(|member| member.service == service).expect("a service of that name")
    }

    fn take(&mut self, service: &str) -> Running {
        let index = self.index(service);
        self.members[index].process.take().unwrap_or_else(|| panic!("{service} does not run"))
    }

    fn show_logs(&self) {
        for member in &self.members {
            let text = fs::read_to_string(&member.log).unwrap_or_default();
            let name = member.log.strip_prefix(self.folder.path()).unwrap_or(&member.log);
            eprintln!("-- the end of {}:\n{}", name.display(), last_lines(&text));
        }
    }
}

impl Drop for Cluster<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.show_logs();
            return;
        }
        let place = self.place;
        if !self.is_forgotten
            && let Err(panic) = std::panic::catch_unwind(|| place.drain())
        {
            self.show_logs();
            std::panic::resume_unwind(panic);
        }
        // all at once: each of them may take its time
        let processes: Vec<_> = self.members.iter_mut().filter_map(|member| Some((member.service, member.process.take()?))).collect();
        for (_, process) in &processes {
            process.signal("TERM");
        }
        for (service, process) in processes {
            let code = process.finish_within(crate::program::GRACE).code;
            assert_eq!(code, 0, "{service} did not end well");
        }
        for service in SERVICES {
            let log = self.log(service);
            assert!(!log.contains("panicked at"), "{service} has panicked:\n{log}");
        }
    }
}
