//! The programs under test, as processes.

use crate::{http::TOKEN, wait};
use serde_json::Value;
use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::LazyLock,
    time::Duration,
};
use tempfile::TempDir;

/// How long a command may take unless a test says otherwise: far more than any needs, so that only one that hangs meets it.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How long a process may take to leave after SIGTERM: a container's usual grace period.
pub const GRACE: Duration = Duration::from_secs(30);
/// How much of a log is shown when a test fails.
const SHOWN_LINES: usize = 60;

/// The folder with the programs: `PLANSHIFT_BIN_DIR`, else the one above this test's own program (`target/debug/deps`).
static BIN_DIR: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = env::var_os("PLANSHIFT_BIN_DIR").map(PathBuf::from).unwrap_or_else(|| {
        let test = env::current_exe().expect("the test knows where it is");
        test.parent().and_then(Path::parent).expect("the test is in target/PROFILE/deps").to_owned()
    });
    assert!(
        folder.join("planshift").is_file(),
        "there is no program `planshift` in {}: build the programs first (cargo build --workspace --bins) or set PLANSHIFT_BIN_DIR",
        folder.display()
    );
    folder
});

/// The folder with the programs.
pub fn bin_dir() -> &'static Path {
    &BIN_DIR
}

/// A program to start: its name, arguments and environment.
#[derive(Debug)]
pub struct Program {
    name: String,
    command: Command,
}

impl Program {
    /// The program of that name, in an environment without anything of Planshift's but the tests' token and the marks of the test run.
    pub fn new(name: &str) -> Self {
        Self::of(&BIN_DIR, name)
    }

    /// The program of that name in a folder: another version's.
    pub fn of(folder: &Path, name: &str) -> Self {
        let mut command = Command::new(folder.join(name));
        for (key, _) in env::vars_os() {
            let key = key.to_string_lossy().into_owned();
            if (key.starts_with("PLANSHIFT_") && !key.starts_with("PLANSHIFT_TEST_")) || key.starts_with("OTEL_") || key == "RUST_LOG" {
                command.env_remove(key);
            }
        }
        // whoever hosts an API takes this token, and whoever uses one sends it; nothing is written where the test runs
        command.env("PLANSHIFT_LOCAL_TOKEN", TOKEN).env("PLANSHIFT_TOKEN", TOKEN);
        command.stdin(Stdio::null());
        Self { name: name.to_owned(), command }
    }

    /// The command line.
    pub fn planshift<A: AsRef<str>>(args: impl IntoIterator<Item = A>) -> Self {
        Self::new("planshift").args(args)
    }

    /// With more arguments.
    #[must_use]
    pub fn args<A: AsRef<str>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        for arg in args {
            self.command.arg(arg.as_ref());
        }
        self
    }

    /// With a variable.
    #[must_use]
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.command.env(key, value);
        self
    }

    /// Without a variable.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.command.env_remove(key);
        self
    }

    /// In a folder.
    #[must_use]
    pub fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Starts it, with its output in files of its own.
    pub fn start(self) -> Running {
        let folder = tempfile::tempdir().expect("a folder for a program's output");
        let (out, err) = (folder.path().join("stdout"), folder.path().join("stderr"));
        self.start_into(out, err, Some(folder))
    }

    /// Starts it, with both outputs at the end of one file: that of a service that is started again.
    pub fn start_logging_to(self, log: &Path) -> Running {
        self.start_into(log.to_owned(), log.to_owned(), None)
    }

    fn start_into(mut self, out: PathBuf, err: PathBuf, folder: Option<TempDir>) -> Running {
        let file = |path: &Path| File::options().create(true).append(true).open(path).expect("a file for a program's output");
        let child = self.command.stdout(file(&out)).stderr(file(&err)).spawn();
        let child = child.unwrap_or_else(|error| panic!("{} does not start: {error}", self.name));
        Running { name: self.name, child, out, err, _folder: folder }
    }

    /// Starts it and waits for its end.
    pub fn run(self) -> Outcome {
        self.start().finish()
    }
}

/// A process under test. It is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    out: PathBuf,
    err: PathBuf,
    _folder: Option<TempDir>,
}

impl Running {
    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Has it not ended yet?
    pub fn is_running(&mut self) -> bool {
        self.exit_code().is_none()
    }

    /// How it ended, where it has: the exit code, or 128 and the signal's number as a shell says it.
    pub fn exit_code(&mut self) -> Option<i32> {
        use std::os::unix::process::ExitStatusExt;
        let status = self.child.try_wait().expect("the state of a child can be read")?;
        Some(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default()))
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// Where it takes longer than [`PATIENCE`].
    pub fn finish(self) -> Outcome {
        self.finish_within(PATIENCE)
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// Where it takes longer than `limit`.
    pub fn finish_within(mut self, limit: Duration) -> Outcome {
        let mut code = None;
        let begun = std::time::Instant::now();
        while code.is_none() && begun.elapsed() < limit {
            code = self.exit_code();
            if code.is_none() {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let Some(code) = code else {
            let outcome = self.outcome(-1);
            panic!("{} does not end within {limit:?}\n{outcome}", self.name);
        };
        self.outcome(code)
    }

    fn outcome(&self, code: i32) -> Outcome {
        Outcome { code, stdout: self.stdout(), stderr: self.stderr() }
    }

    /// `kill -9`: nothing that it does at an end is done.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and the exit code once it has left.
    ///
    /// # Panics
    /// Where it stays longer than [`GRACE`].
    pub fn terminate(mut self) -> i32 {
        self.signal("TERM");
        wait::until_some(&format!("{} ends after SIGTERM", self.name), GRACE, || self.exit_code())
    }

    /// Sends a signal.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(self.child.id().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "SIG{signal} cannot be sent to {}", self.name);
    }

    /// What it has written to standard output so far.
    pub fn stdout(&self) -> String {
        read(&self.out)
    }

    /// What it has written to standard error so far.
    pub fn stderr(&self) -> String {
        read(&self.err)
    }

    /// Lines on standard output so far.
    pub fn lines_so_far(&self) -> usize {
        self.stdout().lines().count()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.is_running() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// The last lines of a text.
pub fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}

/// How a program ended, and what it said.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Outcome {
    /// With this exit code.
    ///
    /// # Panics
    /// With another one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "another exit code than expected\n{self}");
        self
    }

    /// The objects of standard output, one a line.
    ///
    /// # Panics
    /// Where a line is none.
    #[track_caller]
    pub fn json(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"));
        self.stdout.lines().map(parse).collect()
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (out, err) = (last_lines(&self.stdout), last_lines(&self.stderr));
        write!(f, "exit code {}\n-- standard output:\n{out}\n-- standard error:\n{err}\n--", self.code)
    }
}
