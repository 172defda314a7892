//! The simulated machine: one thread, a clock that jumps, tasks whose order the seed decides.
//!
//! | file | holds |
//! |---|---|
//! | `tasks` | futures, wakers, the choice of who runs next |
//! | `clock` | timers, and the time that they make |
//! | `process` | processes: what is slow, stopped, about to crash |
//! | `ports` | the services' ports on all of this |

mod clock;
mod ports;
mod process;
mod tasks;

pub use clock::Sleep;
pub use process::ProcessId;

use crate::{
    chance::Chance,
    trace::{Line, Trace},
};
use process::Processes;
use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tasks::{Ready, Tasks};

/// The machine. Cheap to clone; clones are the same one.
#[derive(Clone)]
pub struct Sim {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    ready: Arc<Ready>,
    is_traced: bool,
    trace: Mutex<Trace>,
}

struct State {
    now: i64,
    steps: u64,
    tasks: Tasks,
    timers: clock::Timers,
    processes: Processes,
    order: Chance,
    delays: Chance,
    ids: Chance,
    given_ids: u64,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A task ran.
    Ran,
    /// Nothing was to be done before that time, and now it is that time.
    Waited,
}

impl Sim {
    /// A machine whose every choice comes from `seed`. Its clock begins at `now`, in microseconds since 1970.
    pub fn new(seed: u64, now: i64, traced: bool) -> Self {
        let state = State {
            now,
            steps: 0,
            tasks: Tasks::default(),
            timers: clock::Timers::default(),
            processes: Processes::default(),
            order: Chance::new(seed, "order"),
            delays: Chance::new(seed, "delays"),
            ids: Chance::new(seed, "ids"),
            given_ids: 0,
        };
        let trace = Mutex::new(Trace::new(now, traced));
        Self { shared: Arc::new(Shared { state: Mutex::new(state), ready: Arc::default(), is_traced: traced, trace }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trace(&self) -> MutexGuard<'_, Trace> {
        self.shared.trace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time, in microseconds since 1970.
    pub fn now(&self) -> i64 {
        self.state().now
    }

    /// The time by the clock of a process.
    pub fn now_of(&self, process: ProcessId) -> i64 {
        let state = self.state();
        state.now + state.processes.ahead(process)
    }

    /// How many steps were made.
    pub fn steps(&self) -> u64 {
        self.state().steps
    }

    /// Lets one task run; or, where none can, lets the time pass until one can, but not beyond `until`.
    pub fn step(&self, until: i64) -> Step {
        loop {
            let chosen = {
                let mut state = self.state();
                let State { order, processes, tasks, .. } = &mut *state;
                self.shared.ready.take(order, |task| tasks.is_alive(task) && !processes.park(tasks.process_of(task), task))
            };
            if let Some(task) = chosen {
                self.run(task);
                return Step::Ran;
            }
            let wakers = {
                let mut state = self.state();
                let Some(next) = state.timers.next().filter(|next| *next <= until) else {
                    state.now = state.now.max(until);
                    return Step::Waited;
                };
                state.now = state.now.max(next);
                let now = state.now;
                state.timers.due(now)
            };
            wakers.into_iter().for_each(std::task::Waker::wake);
        }
    }

    fn run(&self, task: tasks::TaskId) {
        let Some((mut future, waker, process)) = self.state().tasks.take(task) else { return };
        let waker = std::task::Waker::from(waker);
        let ended = future.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_ready();
        let mut state = self.state();
        state.steps += 1;
        let step = state.steps;
        if ended {
            state.tasks.remove(task);
        } else {
            state.tasks.put_back(task, future);
        }
        state.processes.ran(process);
        drop(state);
        self.add_line(process, None, || format!("step {step}: task {task}{}", if ended { " ends" } else { "" }), true);
    }

    /// Starts a task of a process. What is returned completes with it, also where it is cut off by a crash.
    pub fn spawn(&self, process: ProcessId, task: impl Future<Output = ()> + Send + 'static) -> futures::future::BoxFuture<'static, ()> {
        let (done, ended) = futures::channel::oneshot::channel();
        let whole = Box::pin(async move {
            task.await;
            // nobody need wait for the end
            let _ = done.send(());
        });
        self.state().tasks.add(process, whole, &self.shared.ready);
        Box::pin(async move {
            let _ = ended.await;
        })
    }

    /// Completes after `duration` of the machine's time.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(self.clone(), duration)
    }

    /// What every call to the outside takes: a moment, and longer in a process that is slow. An await point, so a place to crash.
    pub async fn pass(&self, process: ProcessId) {
        let wait = {
            let mut state = self.state();
            let slowness = state.processes.slowness(process);
            let micros = match state.delays.below(64) {
                0 => state.delays.between(20_000, 200_000),
                1..=7 => state.delays.between(2_000, 20_000),
                _ => state.delays.between(50, 2_000),
            };
            Duration::from_micros(micros * u64::from(slowness))
        };
        self.sleep(wait).await;
    }

    /// An id that nobody has had before; later ones sort later.
    pub fn id(&self) -> uuid::Uuid {
        let mut state = self.state();
        let millis = u64::try_from(state.now / 1_000).unwrap_or_default();
        state.given_ids += 1;
        let mut bytes = [0; 10];
        let (count, random) = (state.given_ids.to_be_bytes(), state.ids.draw().to_be_bytes());
        bytes[..2].copy_from_slice(&count[6..]);
        bytes[2..].copy_from_slice(&random);
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }

    /// For jitter.
    pub fn fraction(&self) -> f64 {
        self.state().delays.fraction()
    }

    /// Notes a line in the trace, where one is kept; `text` is not asked for otherwise.
    pub fn note(&self, process: ProcessId, about: Option<uuid::Uuid>, text: impl FnOnce() -> String) {
        self.add_line(process, about, text, false);
    }

    fn add_line(&self, process: ProcessId, about: Option<uuid::Uuid>, text: impl FnOnce() -> String, is_detail: bool) {
        if !self.shared.is_traced {
            return;
        }
        let text = text();
        let (now, name) = {
            let state = self.state();
            (state.now, state.processes.name(process))
        };
        self.trace().add(Line { at: now, process: name, about, text, is_detail });
    }

    /// What was noted so far.
    pub fn take_trace(&self) -> Trace {
        let mut trace = self.trace();
        let next = Trace::new(trace.began, self.shared.is_traced);
        std::mem::replace(&mut *trace, next)
    }
}
