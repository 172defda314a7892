//! Processes: each a set of tasks that crashes as one.

use super::{Sim, tasks::TaskId};

/// A process: a service's, or the client's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(usize);

impl ProcessId {
    /// No process: what happens to the world.
    pub const NOBODY: Self = Self(usize::MAX);
}

struct Process {
    name: &'static str,
    /// How far its clock is ahead, in microseconds.
    ahead: i64,
    /// How many times as long everything takes.
    slowness: u32,
    /// Runs nothing, and says nothing of it either.
    is_stopped: bool,
    /// Its tasks that could run, were it not stopped.
    parked: Vec<TaskId>,
    /// Crashes after so many more steps.
    crashes_after: Option<u64>,
}

#[derive(Default)]
pub(super) struct Processes {
    all: Vec<Process>,
    /// Those whose steps are used up.
    to_crash: Vec<ProcessId>,
}

impl Processes {
    pub(super) fn name(&self, process: ProcessId) -> &'static str {
        self.all.get(process.0).map_or("world", |process| process.name)
    }

    pub(super) fn slowness(&self, process: ProcessId) -> u32 {
        self.all.get(process.0).map_or(1, |process| process.slowness)
    }

    pub(super) fn ahead(&self, process: ProcessId) -> i64 {
        self.all.get(process.0).map_or(0, |process| process.ahead)
    }

    /// Keeps a task of a stopped process for later. False: it may run.
    pub(super) fn park(&mut self, process: ProcessId, task: TaskId) -> bool {
        match self.all.get_mut(process.0) {
            Some(process) if process.is_stopped => {
                process.parked.push(task);
                true
            }
            _ => false,
        }
    }

    /// One of its tasks made a step.
    pub(super) fn ran(&mut self, id: ProcessId) {
        let Some(process) = self.all.get_mut(id.0) else { return };
        if let Some(left) = &mut process.crashes_after {
            *left = left.saturating_sub(1);
            if *left == 0 {
                process.crashes_after = None;
                self.to_crash.push(id);
            }
        }
    }
}

impl Sim {
    /// A new process, with no task yet, whose clock is ahead (or behind, where negative) by so many microseconds.
    pub fn add_process(&self, name: &'static str, ahead: i64) -> ProcessId {
        let processes = &mut self.state().processes.all;
        processes.push(Process { name, ahead, slowness: 1, is_stopped: false, parked: Vec::new(), crashes_after: None });
        ProcessId(processes.len() - 1)
    }

    /// Lets everything that the process does outside take so many times as long; 1 is as usual.
    pub fn slow_down(&self, process: ProcessId, times: u32) {
        if let Some(process) = self.state().processes.all.get_mut(process.0) {
            process.slowness = times.max(1);
        }
    }

    /// Stops a process where it stands, or lets it go on.
    pub fn stop(&self, process: ProcessId, stopped: bool) {
        let parked = match self.state().processes.all.get_mut(process.0) {
            Some(process) => {
                process.is_stopped = stopped;
                if stopped { Vec::new() } else { std::mem::take(&mut process.parked) }
            }
            None => return,
        };
        parked.into_iter().for_each(|task| self.shared.ready.push(task));
    }

    /// Lets it crash after so many more steps of its own.
    pub fn crash_after(&self, process: ProcessId, steps: u64) {
        if let Some(process) = self.state().processes.all.get_mut(process.0) {
            process.crashes_after = Some(steps.max(1));
        }
    }

    /// It does not crash after all.
    pub fn forget_crash(&self, process: ProcessId) {
        if let Some(process) = self.state().processes.all.get_mut(process.0) {
            process.crashes_after = None;
        }
    }

    /// Those whose time to crash has come.
    pub fn due_crashes(&self) -> Vec<ProcessId> {
        std::mem::take(&mut self.state().processes.to_crash)
    }

    /// Ends a process at once: every task of it, at whatever await point each is.
    pub fn crash(&self, process: ProcessId) {
        let futures = {
            let mut state = self.state();
            if let Some(process) = state.processes.all.get_mut(process.0) {
                process.parked.clear();
                process.is_stopped = false;
                process.crashes_after = None;
            }
            state.tasks.remove_all(process)
        };
        drop(futures);
    }

    /// Has it any task left?
    pub fn is_running(&self, process: ProcessId) -> bool {
        self.state().tasks.any_of(process)
    }
}
