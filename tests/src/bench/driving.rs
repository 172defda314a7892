//! The driver, seen from the process that measures: a child of its own, told when to begin, heard when it is through.

use super::{document, driver::Report, settings::Through};
use std::{
    env,
    io::{BufRead, BufReader, Write},
    ops::Range,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

/// How long the driver may take to connect.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long a load may take: far more than any needs.
const THROUGH_WITHIN: Duration = Duration::from_secs(900);

/// A driver that is connected and waits for the word.
#[derive(Debug)]
pub struct Driving {
    child: Child,
    /// Open as long as it is to live.
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Driving {
    /// Starts it with these customers, and waits until it is connected.
    pub fn start(through: Through, address: &str, customers: Range<usize>, concurrency: usize) -> Result<Self, String> {
        let program = env::current_exe().map_err(|error| error.to_string())?;
        let (partner, concurrency) = (document::partner().to_string(), concurrency.to_string());
        let mut command = Command::new(program);
        command.args(["drive", through.name(), address, &partner, &concurrency]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("the driver does not start: {error}"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else { unreachable!("both are piped") };
        let (give, lines) = mpsc::channel();
        thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| give.send(line)));
        let mut driving = Self { child, input, lines };
        let customers: String = customers.map(|number| format!("{}\n", document::customer(number))).collect();
        driving.tell(&format!("{customers}\n"))?;
        driving.hear(READY_WITHIN)?;
        Ok(driving)
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lets it begin, and waits until it is through.
    pub fn go(&mut self) -> Result<Report, String> {
        self.tell("go\n")?;
        let line = self.hear(THROUGH_WITHIN)?;
        let report: Report = serde_json::from_str(&line).map_err(|error| format!("the driver says {line:?}: {error}"))?;
        match &report.fault {
            Some(fault) => Err(fault.clone()),
            None => Ok(report),
        }
    }

    fn tell(&mut self, text: &str) -> Result<(), String> {
        self.input.write_all(text.as_bytes()).map_err(|error| format!("the driver does not listen: {error}"))
    }

    fn hear(&self, limit: Duration) -> Result<String, String> {
        self.lines.recv_timeout(limit).map_err(|error| match error {
            RecvTimeoutError::Timeout => format!("the driver said nothing within {} s", limit.as_secs()),
            RecvTimeoutError::Disconnected => "the driver ended by itself".to_owned(),
        })
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
