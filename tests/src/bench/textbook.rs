//! The same saga as a textbook has it (one message = one transaction, inbox and outbox), measured by its own benchmark with its own
//! servers, in turn with ours. Its folder is only read. It is built beforehand, into the folder that `CARGO_TARGET_DIR`
//! names here.

use super::{printed::Printed, settings::Settings};
use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// Of its variants the one with queues as durable as ours.
pub const SYSTEM: &str = "textbook-direct-quorum";

/// How often its servers are started before that counts as failed.
const STARTS: usize = 3;
/// How long a port is waited for.
const TAKEN_PORT: Duration = Duration::from_secs(5);

/// Its benchmark.
#[derive(Debug)]
pub struct Textbook<'a> {
    folder: &'a Path,
    scratch: PathBuf,
}

impl<'a> Textbook<'a> {
    /// In this folder.
    pub fn at(folder: &'a Path) -> Self {
        Self { folder, scratch: env::temp_dir().join("textbook") }
    }

    /// Starts its servers, runs its loads once, and stops its servers.
    pub fn run(&self, settings: &Settings, printed: &mut Printed) {
        let failed = |why: &str| serde_json::json!({ "system": SYSTEM, "void": why }).to_string();
        if !self.start() {
            printed.line(failed("its servers do not start"));
        } else if let Err(error) = self.loads(settings, printed) {
            printed.line(failed(&error));
        }
        self.servers("stop");
        // the next time begins with nothing, as ours does
        let _ = fs::remove_dir_all(&self.scratch);
    }

    /// Its ports are fixed, and among those that the system gives to clients: one of them may be taken for a while.
    fn start(&self) -> bool {
        (0..STARTS).any(|attempt| {
            if attempt > 0 {
                self.servers("stop");
                let _ = fs::remove_dir_all(&self.scratch);
                std::thread::sleep(TAKEN_PORT);
            }
            self.servers("start")
        })
    }

    fn servers(&self, what: &str) -> bool {
        // its servers live on: they must not hold our output open
        let log = fs::File::create(env::temp_dir().join("textbook-servers.log")).map_or_else(|_| Stdio::null(), Stdio::from);
        let status = self.command("servers.sh").arg(what).stdout(Stdio::null()).stderr(log).status();
        status.is_ok_and(|status| status.success())
    }

    fn loads(&self, settings: &Settings, printed: &mut Printed) -> Result<(), String> {
        let loads: Vec<String> = settings.loads.iter().map(ToString::to_string).collect();
        let mut command = self.command("bench.py");
        command.args(["--systems", SYSTEM, "--reps", "1", "--loads", &loads.join(","), "--scale", &settings.scale.to_string()]);
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let output = child.stdout.take().ok_or("it has no output")?;
        for line in BufReader::new(output).lines().map_while(Result::ok).filter(|line| line.starts_with('{')) {
            printed.line(line);
        }
        let status = child.wait().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("its benchmark ended with {status}")) }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.folder.join(program));
        command.current_dir(self.folder).env("BENCH", &self.scratch).env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
        command
    }
}
