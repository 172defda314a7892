//! A program that is measured from its start to its end.

use super::{cpu, peak};
use crate::program::{Outcome, Program};
use std::{
    thread,
    time::{Duration, Instant},
};

/// Between two looks at its memory. The kernel keeps the peak: what is missed is what comes after the last look.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long it may take: far more than any needs.
pub const LONGEST: Duration = Duration::from_secs(1_800);

/// What it came to.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What it said.
    pub outcome: Outcome,
    /// From its start to its end.
    pub wall_s: f64,
    /// Of it and its children.
    pub cpu_s: f64,
    /// The most memory that it had at once.
    pub peak_mb: f64,
}

/// Runs it. Nothing else that was started here may end meanwhile.
///
/// # Panics
/// Where it does not end.
pub fn run(program: Program) -> Ended {
    let (before, begun) = (cpu::ended_children(), Instant::now());
    let mut running = program.start();
    let mut peak_mb = 0.0_f64;
    while running.is_running() && begun.elapsed() < LONGEST {
        peak_mb = peak_mb.max(peak::mb(running.id()).unwrap_or_default());
        thread::sleep(LOOK_EVERY);
    }
    let wall_s = begun.elapsed().as_secs_f64();
    let outcome = running.finish_within(LONGEST.saturating_sub(begun.elapsed()));
    Ended { outcome, wall_s, cpu_s: cpu::seconds(cpu::ended_children() - before), peak_mb: peak_mb.ceil() }
}
