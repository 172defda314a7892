//! Processor time between two moments, by the trees of processes that have a part in it.

use super::cpu::{self, Processes};
use std::time::Instant;

/// Processor time until some moment.
#[derive(Debug)]
pub struct Used {
    at: Instant,
    machine: u64,
    /// Of each root's tree.
    trees: Vec<(String, u64)>,
}

impl Used {
    /// Of the trees of these roots, but for one process: the connection that the measuring itself keeps.
    pub fn until_now(roots: &[(String, u32)], except: Option<u32>) -> Self {
        let processes = Processes::now();
        let trees = roots.iter().map(|(name, root)| (name.clone(), processes.ticks(*root, except))).collect();
        Self { at: Instant::now(), machine: cpu::machine(), trees }
    }

    /// What was used since an earlier moment of the same roots.
    pub fn since(&self, earlier: &Self) -> Spent {
        let of = |(name, ticks): &(String, u64), before: u64| (name.clone(), cpu::seconds(ticks.saturating_sub(before)));
        Spent {
            wall_s: (self.at - earlier.at).as_secs_f64(),
            machine_s: cpu::seconds(self.machine.saturating_sub(earlier.machine)),
            split_s: self.trees.iter().zip(&earlier.trees).map(|(tree, (_, before))| of(tree, *before)).collect(),
        }
    }
}

/// What was used between two moments, in seconds.
#[derive(Clone, Debug)]
pub struct Spent {
    /// The time that passed.
    pub wall_s: f64,
    /// Of the processors of the whole machine.
    pub machine_s: f64,
    /// Of each root's tree.
    pub split_s: Vec<(String, f64)>,
}

impl Spent {
    /// Of all of them.
    pub fn cpu_s(&self) -> f64 {
        self.split_s.iter().map(|(_, seconds)| seconds).sum()
    }

    /// Cores that everything else used meanwhile.
    pub fn other_cores(&self) -> f64 {
        (self.machine_s - self.cpu_s()).max(0.0) / self.wall_s
    }
}
