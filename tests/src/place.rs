//! Where things are kept: a data folder, or a database and a virtual host. Each test has its own, so that tests run side by side.

use crate::{
    program::{Outcome, Program, Running},
    servers::{Held, Servers},
    stored::Stored,
    wait,
};
use std::{
    collections::{BTreeMap, HashSet},
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use tempfile::TempDir;
use uuid::Uuid;

/// How long queues may take to run empty once everything has ended.
const DRAINED_WITHIN: Duration = Duration::from_secs(30);
/// How long a process may take to serve.
pub const READY_WITHIN: Duration = Duration::from_secs(30);

/// A place to keep things in, embedded or distributed.
#[derive(Debug)]
pub enum Place {
    /// A data folder.
    Embedded(Embedded),
    /// PostgreSQL and RabbitMQ.
    Distributed(Box<Distributed>),
}

impl Place {
    /// A new data folder, not made yet.
    pub fn embedded() -> Self {
        Self::Embedded(Embedded { folder: tempfile::tempdir().expect("a folder for a test") })
    }

    /// A new database and a new virtual host.
    pub fn distributed() -> Self {
        Self::Distributed(Box::new(Distributed::new()))
    }

    /// The options that name it.
    pub fn options(&self) -> Vec<String> {
        match self {
            Self::Embedded(place) => vec!["--data".into(), place.data().display().to_string()],
            Self::Distributed(place) => vec!["--database".into(), place.database_url(), "--broker".into(), place.broker_url()],
        }
    }

    /// A command of `planshift` on it, with everything hosted in that one process.
    pub fn program(&self, args: &[&str]) -> Program {
        Program::planshift(args).args(self.options())
    }

    /// Runs such a command to its end.
    pub fn planshift(&self, args: &[&str]) -> Outcome {
        self.program(args).run()
    }

    /// `run --json` of a document.
    pub fn run(&self, document: &Path, more: &[&str]) -> Outcome {
        self.program(&["run", &document.display().to_string(), "--json"]).args(more).run()
    }

    /// Serves the API on it, everything in one process, and waits until it is ready.
    pub fn serve(&self) -> Served {
        self.serve_with(&[])
    }

    /// The same with these variables.
    pub fn serve_with(&self, variables: &[(&str, &str)]) -> Served {
        let (api, admin) = (free_port(), free_port());
        let listen = [format!("--listen=127.0.0.1:{api}"), format!("--admin=127.0.0.1:{admin}")];
        let program = variables.iter().fold(self.program(&["serve"]), |program, (key, value)| program.env(key, value));
        let mut process = program.args(listen).start();
        wait::until("`planshift serve` is ready", READY_WITHIN, || {
            assert!(process.is_running(), "`planshift serve` ended by itself\n{}", process.stderr());
            is_ready(admin)
        });
        Served { process, api: format!("http://127.0.0.1:{api}") }
    }

    /// Every invariant holds on what is stored, says `planshift verify`.
    ///
    /// # Panics
    /// Where one is violated.
    pub fn assert_verified(&self) {
        self.planshift(&["verify"]).expect(0);
    }

    /// What is stored in it.
    pub fn stored(&self) -> Stored {
        match self {
            Self::Embedded(place) => Stored::in_folder(&place.data()),
            Self::Distributed(place) => Stored::in_postgres(&place.database_url()),
        }
    }
}

/// A data folder.
#[derive(Debug)]
pub struct Embedded {
    folder: TempDir,
}

impl Embedded {
    /// The folder's name. It is made by the program.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

/// The services behind an address, in one process.
#[derive(Debug)]
pub struct Served {
    process: Running,
    /// The API's URL.
    pub api: String,
}

impl Served {
    /// `kill -9`: nothing that it does at an end is done.
    pub fn kill(self) {
        self.process.kill();
    }

    /// Stops it in good order.
    pub fn stop(self) {
        let said = self.process.stderr();
        assert_eq!(self.process.terminate(), 0, "`planshift serve` did not end well\n{said}");
    }
}

/// A database and a virtual host. When it is dropped, every queue must be empty, and the database is removed.
#[derive(Debug)]
pub struct Distributed {
    servers: Servers,
    name: String,
    /// What is left in its queues is meant to be left there.
    is_forgotten: AtomicBool,
}

impl Distributed {
    fn new() -> Self {
        let name = format!("planshift_{}", Uuid::new_v4().simple());
        let place = Self { servers: Servers::from_env(), name, is_forgotten: AtomicBool::new(false) };
        place.servers.create_database(&place.name);
        place.servers.create_vhost(&place.name);
        place
    }

    /// The database's URL.
    pub fn database_url(&self) -> String {
        self.servers.database_url(&self.name)
    }

    /// The virtual host's URL.
    pub fn broker_url(&self) -> String {
        self.servers.broker_url(&self.name)
    }

    /// The servers that it is on.
    pub const fn servers(&self) -> &Servers {
        &self.servers
    }

    /// The name of its database and of its virtual host.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The queues in which messages wait, with how many.
    pub fn waiting(&self) -> BTreeMap<String, u32> {
        let mut waiting = self.servers.waiting(&self.name);
        waiting.retain(|_, count| *count > 0);
        waiting
    }

    /// Takes the first message of a queue and keeps it, as a worker that hangs would.
    ///
    /// # Panics
    /// Where there is none within a while.
    pub fn hold(&self, queue: &str) -> Held {
        self.servers.hold(&self.name, queue)
    }

    /// Empties a queue: what it held is lost.
    pub fn empty(&self, queue: &str) {
        self.servers.empty(&self.name, queue);
    }

    /// How many messages a queue has, as an autoscaler sees it; `None` as long as the server does not say.
    pub fn seen_by_a_scaler(&self, queue: &str) -> Option<i64> {
        self.servers.seen_by_a_scaler(&self.name, queue).ok().filter(|seen| *seen >= 0)
    }

    /// Waits until no message waits in any queue.
    ///
    /// # Panics
    /// Where there are dead letters, or messages that nobody takes.
    pub fn drain(&self) {
        wait::until(&format!("the queues run empty: {:?}", self.waiting()), DRAINED_WITHIN, || {
            let waiting = self.waiting();
            assert!(!waiting.contains_key("planshift.dead"), "there are dead letters: {waiting:?}");
            waiting.is_empty()
        });
    }

    /// The routing keys under which queues are bound to an exchange now.
    pub fn routing_keys(&self, exchange: &str) -> Vec<String> {
        self.servers.routing_keys(&self.name, exchange)
    }

    /// What is left in its queues stays there: no complaint at the end.
    pub fn forget_queues(&self) {
        self.is_forgotten.store(true, Ordering::Relaxed);
    }

    /// Everything that was sent has been taken: at once, or once the services are there again to take it.
    fn check_queues(&self) {
        if self.is_forgotten.load(Ordering::Relaxed) || self.waiting().is_empty() {
            return;
        }
        let options = ["--database".to_owned(), self.database_url(), "--broker".to_owned(), self.broker_url()];
        let addresses = [format!("--listen=127.0.0.1:{}", free_port()), format!("--admin=127.0.0.1:{}", free_port())];
        let serving = Program::planshift(["serve"]).args(options).args(addresses).start();
        self.drain();
        serving.terminate();
        let waiting = self.waiting();
        assert!(waiting.is_empty(), "messages that were taken came back: {waiting:?}");
    }
}

impl Drop for Distributed {
    fn drop(&mut self) {
        let outcome = (!thread::panicking()).then(|| std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.check_queues())));
        let removed = self.servers.drop_database(&self.name).map_err(|error| error.to_string());
        // the virtual host stays until its server goes: RabbitMQ 3.10 that deletes one with at-least-once dead-lettering refuses
        // messages in others afterwards
        if let Some(Err(panic)) = outcome {
            std::panic::resume_unwind(panic);
        }
        if let Err(error) = removed {
            eprintln!("{} was not removed: {error}", self.name);
        }
    }
}

/// Does a process say on this administration port that it is ready?
pub fn is_ready(admin: u16) -> bool {
    let answer = crate::http::ask(reqwest::Method::GET, &format!("http://127.0.0.1:{admin}/readyz"), None);
    answer.is_some_and(|answer| answer.status == 200)
}

/// A port that nobody listens on, below those that the system gives to clients; no test gets it twice.
pub fn free_port() -> u16 {
    static GIVEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let port = rand::random_range(15_000..32_000);
        if !given.contains(&port) && TcpListener::bind(("127.0.0.1", port)).is_ok() {
            given.insert(port);
            return port;
        }
    }
}
