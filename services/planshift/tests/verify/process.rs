//! The program as a process that stays, and its administration address.

use crate::store::command;
use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::Child,
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How long something may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process. It is killed when this is dropped.
pub struct Staying {
    child: Child,
    folder: TempDir,
}

impl Staying {
    /// Starts it, with the administration address on any free port.
    pub fn start(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let child = command(args).args(["--admin", "127.0.0.1:0"]).env("NO_COLOR", "1").stderr(log).spawn().unwrap();
        Self { child, folder }
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(PathBuf::from(self.folder.path()).join("log")).unwrap()
    }

    /// The first word of its log that follows `mark`, once it is there.
    pub fn said_after(&self, mark: &str) -> String {
        let find = || {
            let log = self.log();
            let (_, rest) = log.split_once(mark)?;
            let (word, _) = rest.trim_start().split_once([' ', '\n'])?;
            Some(word.to_owned())
        };
        until(&format!("{mark} in {}", self.log()), find)
    }

    /// Asks it to stop; its exit code.
    pub fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        until("it ends", || self.child.try_wait().unwrap()).code()
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        // it may have ended
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks until there is something.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Status and body of a path.
pub fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    (status, text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

/// The value of a series.
pub fn value(metrics: &str, name: &str, invariant: &str) -> Option<f64> {
    let series = format!("{name}{{invariant=\"{invariant}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&series)?.parse().ok())
}
