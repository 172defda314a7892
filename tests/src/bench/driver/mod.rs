//! The process that starts transitions and sees them end: apart from the process that measures, so that what it uses is counted.
//!
//! It reads its customers from standard input, a line each and an empty one; says `ready`; begins at the next line; says what it
//! saw as a line of JSON; and stays, for what it has used to be read, until standard input ends.

mod api;
mod queue;

pub use queue::{Heard, Wire};

use super::settings::Through;
use crate::block_on;
use serde::{Deserialize, Serialize};
use std::{
    io::{self, BufRead, Write},
    time::{Duration, Instant},
};
use uuid::Uuid;

/// What a driver saw.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// From the first start to the last end.
    pub wall_s: f64,
    /// From just before a start to the end that was seen: the median.
    pub p50_ms: f64,
    /// Of a hundred, one took longer.
    pub p99_ms: f64,
    /// Why it did not come to its end.
    pub fault: Option<String>,
}

/// What a driver is to do.
struct Task {
    partner: Uuid,
    customers: Vec<Uuid>,
    /// How many are to be outstanding; all at once where it is as many as there are customers.
    concurrency: usize,
}

/// When a load began, and how long its transitions took.
struct Stopwatch {
    begun: Instant,
    is_burst: bool,
    took: Vec<Duration>,
}

impl Stopwatch {
    fn start(task: &Task) -> Self {
        Self { begun: Instant::now(), is_burst: task.concurrency >= task.customers.len(), took: Vec::with_capacity(task.customers.len()) }
    }

    /// When a transition is started now: of a burst all are asked for at the beginning.
    fn now(&self) -> Instant {
        if self.is_burst { self.begun } else { Instant::now() }
    }

    /// One that was started then has ended.
    fn ended(&mut self, started: Instant) {
        self.took.push(started.elapsed());
    }

    fn report(mut self) -> Report {
        let wall_s = self.begun.elapsed().as_secs_f64();
        self.took.sort_unstable();
        let at = |share: f64| {
            let index = (self.took.len().saturating_sub(1) as f64 * share) as usize;
            self.took.get(index).map_or(0.0, |took| took.as_secs_f64() * 1e3)
        };
        Report { wall_s, p50_ms: at(0.5), p99_ms: at(0.99), fault: None }
    }
}

/// The driver.
pub fn main(through: &str, address: &str, partner: &str, concurrency: &str) -> Result<(), String> {
    let wrong = |what: &str| format!("{what} cannot be read");
    let through: Through = through.parse()?;
    let partner = partner.parse().map_err(|_| wrong(partner))?;
    let concurrency = concurrency.parse().map_err(|_| wrong(concurrency))?;
    let mut lines = io::stdin().lock().lines().map_while(Result::ok);
    let customers: Result<Vec<Uuid>, _> = lines.by_ref().take_while(|line| !line.is_empty()).map(|line| line.parse()).collect();
    let task = Task { partner, customers: customers.map_err(|error| error.to_string())?, concurrency };
    let go = || {
        say("ready");
        lines.next();
    };
    let outcome = match through {
        Through::Api => block_on(api::drive(address, &task, go)),
        Through::Queue => block_on(queue::drive(address, &task, go)),
    };
    let report = outcome.unwrap_or_else(|fault| Report { fault: Some(fault), ..Report::default() });
    say(&serde_json::to_string(&report).map_err(|error| error.to_string())?);
    lines.for_each(drop);
    Ok(())
}

/// Whoever measures may be gone: then so is the reason to say anything.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
