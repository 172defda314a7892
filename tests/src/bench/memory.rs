//! The memory of trees of processes, sampled while a load runs.

use super::cpu::Processes;
use std::{
    fs,
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::Duration,
};

const SAMPLE_EVERY: Duration = Duration::from_millis(500);

/// Samples until it is asked for the peak.
#[derive(Debug)]
pub struct Sampler {
    stop: Sender<()>,
    thread: JoinHandle<u64>,
}

impl Sampler {
    /// Of these trees together.
    pub fn start(roots: Vec<u32>) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            let mut peak = 0;
            while stopped.recv_timeout(SAMPLE_EVERY) == Err(RecvTimeoutError::Timeout) {
                peak = peak.max(proportional(&roots));
            }
            peak.max(proportional(&roots))
        });
        Self { stop, thread }
    }

    /// The most that they had at once, in MB.
    pub fn peak_mb(self) -> f64 {
        // gone is as good as told
        let _ = self.stop.send(());
        self.thread.join().map_or(0.0, |peak| peak as f64 / 1024.0)
    }
}

/// The proportional set size in kB: a page that several share counts once.
fn proportional(roots: &[u32]) -> u64 {
    let processes = Processes::now();
    roots.iter().flat_map(|root| processes.tree(*root)).filter_map(|id| field(id, "smaps_rollup", "Pss:")).sum()
}

/// A number of kB that the kernel tells of a process.
pub(super) fn field(id: u32, file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/{file}")).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}
