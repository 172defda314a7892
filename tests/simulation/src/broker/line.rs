//! The way between a process and the broker.

use crate::{
    sim::{ProcessId, Sim},
    weather::Weather,
};
use std::time::Duration;
use uuid::Uuid;

/// How long a process that is cut off waits before it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The way between a process and the broker.
#[derive(Clone)]
pub struct Line {
    /// The machine.
    pub sim: Sim,
    /// The process at the near end.
    pub process: ProcessId,
    /// What goes wrong.
    pub weather: Weather,
}

impl Line {
    /// A moment passes.
    pub(super) async fn pass(&self) {
        self.sim.pass(self.process).await;
    }

    pub(super) fn is_cut(&self) -> bool {
        self.weather.is_cut_off(self.process)
    }

    /// Waits until the broker is reached.
    pub(super) async fn reached(&self) {
        while self.is_cut() {
            self.sim.sleep(LOOK_AGAIN).await;
        }
    }

    pub(super) fn note(&self, about: Option<Uuid>, text: impl FnOnce() -> String) {
        self.sim.note(self.process, about, text);
    }
}

/// The transition that a message is about.
pub(super) fn about(correlation_id: &str) -> Option<Uuid> {
    Uuid::try_parse(correlation_id).ok()
}
