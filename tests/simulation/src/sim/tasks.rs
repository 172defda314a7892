//! Futures, their wakers, and the choice of the next one to run.

use super::ProcessId;
use crate::chance::Chance;
use futures::future::BoxFuture;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Wake,
};

/// A task's number: never used again.
pub(super) type TaskId = u64;

/// Tasks that can go on.
#[derive(Default)]
pub(super) struct Ready(Mutex<Vec<TaskId>>);

impl Ready {
    pub(super) fn push(&self, task: TaskId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }

    /// Takes one of them, whichever chance will have. Those that may not run are left out.
    pub(super) fn take(&self, order: &mut Chance, mut may_run: impl FnMut(TaskId) -> bool) -> Option<TaskId> {
        let mut ready = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !ready.is_empty() {
            let place = if ready.len() == 1 { 0 } else { order.place(ready.len()) };
            let task = ready.swap_remove(place);
            if may_run(task) {
                return Some(task);
            }
        }
        None
    }
}

/// Wakes a task, once until it has run.
pub(super) struct TaskWaker {
    task: TaskId,
    is_ready: AtomicBool,
    ready: Arc<Ready>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_ready.swap(true, Ordering::Relaxed) {
            self.ready.push(self.task);
        }
    }
}

struct Task {
    process: ProcessId,
    /// Absent while it runs.
    future: Option<BoxFuture<'static, ()>>,
    waker: Arc<TaskWaker>,
}

/// All tasks.
#[derive(Default)]
pub(super) struct Tasks {
    all: BTreeMap<TaskId, Task>,
    last: TaskId,
}

impl Tasks {
    pub(super) fn add(&mut self, process: ProcessId, future: BoxFuture<'static, ()>, ready: &Arc<Ready>) {
        self.last += 1;
        let waker = Arc::new(TaskWaker { task: self.last, is_ready: AtomicBool::new(true), ready: ready.clone() });
        self.all.insert(self.last, Task { process, future: Some(future), waker });
        ready.push(self.last);
    }

    pub(super) fn is_alive(&self, task: TaskId) -> bool {
        self.all.contains_key(&task)
    }

    pub(super) fn process_of(&self, task: TaskId) -> ProcessId {
        self.all.get(&task).map_or(ProcessId::NOBODY, |task| task.process)
    }

    /// Takes a future out to run it. What wakes it from now on makes it run again.
    pub(super) fn take(&mut self, task: TaskId) -> Option<(BoxFuture<'static, ()>, Arc<TaskWaker>, ProcessId)> {
        let task = self.all.get_mut(&task)?;
        task.waker.is_ready.store(false, Ordering::Relaxed);
        Some((task.future.take()?, task.waker.clone(), task.process))
    }

    pub(super) fn put_back(&mut self, task: TaskId, future: BoxFuture<'static, ()>) {
        if let Some(task) = self.all.get_mut(&task) {
            task.future = Some(future);
        }
    }

    pub(super) fn remove(&mut self, task: TaskId) {
        self.all.remove(&task);
    }

    /// Takes all of a process's tasks away. To be dropped where no lock is held: what they hold lets go of other things.
    pub(super) fn remove_all(&mut self, process: ProcessId) -> Vec<BoxFuture<'static, ()>> {
        let theirs: Vec<TaskId> = self.all.iter().filter(|(_, task)| task.process == process).map(|(id, _)| *id).collect();
        theirs.into_iter().filter_map(|id| self.all.remove(&id)?.future).collect()
    }

    /// Has it any?
    pub(super) fn any_of(&self, process: ProcessId) -> bool {
        self.all.values().any(|task| task.process == process)
    }
}
