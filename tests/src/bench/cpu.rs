//! The processor time of trees of processes, and of the whole machine, in the kernel's ticks.

use std::{
    collections::{HashMap, HashSet},
    fs,
    ops::Range,
    process::Command,
    sync::LazyLock,
    thread,
    time::Duration,
};

/// The machine counts as quiet when it uses less than this many cores for a second.
const QUIET_CORES: f64 = 0.25;
/// How many seconds to wait for that.
const QUIET_WITHIN: usize = 10;

static TICKS_A_SECOND: LazyLock<f64> = LazyLock::new(|| {
    let output = Command::new("getconf").arg("CLK_TCK").output().expect("getconf");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("ticks a second")
});

/// Ticks as seconds.
pub fn seconds(ticks: u64) -> f64 {
    ticks as f64 / *TICKS_A_SECOND
}

/// Every process at one moment.
#[derive(Debug)]
pub struct Processes(HashMap<u32, Process>);

#[derive(Debug)]
struct Process {
    parent: u32,
    /// Its own, and those of its children that have ended.
    ticks: u64,
}

impl Processes {
    /// As they are now.
    pub fn now() -> Self {
        let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = folders.filter_map(|folder| folder.file_name().to_str()?.parse::<u32>().ok());
        Self(ids.filter_map(|id| Some((id, process(id)?))).collect())
    }

    /// A process and all that descends from it.
    pub fn tree(&self, root: u32) -> Vec<u32> {
        self.0.keys().copied().filter(|id| self.descends(*id, root)).collect()
    }

    fn descends(&self, id: u32, root: u32) -> bool {
        let mut seen = HashSet::new();
        let mut at = id;
        while at != root {
            match self.0.get(&at) {
                Some(process) if seen.insert(at) => at = process.parent,
                _ => return false,
            }
        }
        self.0.contains_key(&root)
    }

    /// What a tree has used so far, but for one process of it: the connection that the measuring itself keeps.
    pub fn ticks(&self, root: u32, except: Option<u32>) -> u64 {
        let counted = self.tree(root).into_iter().filter(|id| Some(*id) != except);
        counted.filter_map(|id| self.0.get(&id)).map(|process| process.ticks).sum()
    }
}

/// What all processes have used that were started here and have ended.
pub fn ended_children() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    stat.rsplit_once(") ").and_then(|(_, rest)| ticks(rest, 13..15)).unwrap_or_default()
}

/// The parent, and the user's and the system's time with those of ended children: fields 4 and 14 to 17, the second of all being
/// a name in parentheses that may hold anything.
fn process(id: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let rest = stat.rsplit_once(") ")?.1;
    Some(Process { parent: rest.split(' ').nth(1)?.parse().ok()?, ticks: ticks(rest, 11..15)? })
}

/// The sum of some fields, counted from the state, the third of all.
fn ticks(rest: &str, fields: Range<usize>) -> Option<u64> {
    let all: Vec<&str> = rest.split(' ').collect();
    Some(all.get(fields)?.iter().map(|field| field.parse::<u64>().unwrap_or_default()).sum())
}

/// What all processes and the kernel have used since the machine's start.
pub fn machine() -> u64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1).take(8);
    // idle, and waiting for a disk: not used
    fields.enumerate().filter(|(index, _)| !matches!(index, 3 | 4)).filter_map(|(_, field)| field.parse::<u64>().ok()).sum()
}

/// Waits until the machine is quiet, but not for long.
pub fn wait_for_quiet() {
    for _ in 0..QUIET_WITHIN {
        let before = machine();
        thread::sleep(Duration::from_secs(1));
        if seconds(machine() - before) < QUIET_CORES {
            return;
        }
    }
}
