//! The memory of trees of processes, sampled while a load runs.

use super::cpu::Processes;
use std::{
    collections::BTreeMap,
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
    thread: JoinHandle<Peaks>,
}

/// The most that trees of processes had, in MB.
#[derive(Clone, Debug, Default)]
pub struct Peaks {
    /// At once, all together.
    pub together: f64,
    /// Each by itself, by name; not all had theirs at once.
    pub each: BTreeMap<String, f64>,
}

impl Sampler {
    /// Of the trees with these roots, each with its name.
    pub fn start(roots: Vec<(String, u32)>) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            let mut peaks = Peaks::default();
            while stopped.recv_timeout(SAMPLE_EVERY) == Err(RecvTimeoutError::Timeout) {
                peaks.sample(&roots);
            }
            peaks.sample(&roots);
            peaks
        });
        Self { stop, thread }
    }

    /// The most that they had.
    pub fn peaks(self) -> Peaks {
        // gone is as good as told
        let _ = self.stop.send(());
        self.thread.join().unwrap_or_default()
    }
}

impl Peaks {
    /// By the proportional set size: a page that several share counts once.
    fn sample(&mut self, roots: &[(String, u32)]) {
        let processes = Processes::now();
        let mut each: BTreeMap<&str, f64> = BTreeMap::new();
        for (name, root) in roots {
            let kb: u64 = processes.tree(*root).into_iter().filter_map(|id| field(id, "smaps_rollup", "Pss:")).sum();
            *each.entry(name).or_default() += kb as f64 / 1024.0;
        }
        self.together = self.together.max(each.values().sum());
        for (name, mb) in each {
            let peak = self.each.entry(name.to_owned()).or_default();
            *peak = peak.max(mb);
        }
    }
}

/// A number of kB that the kernel tells of a process.
pub(super) fn field(id: u32, file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/{file}")).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}
