//! Mapping that waits for a system outside, by ever more workers: is it so many times as fast?
//!
//! Each call takes 100 ms outside, and each worker has so many in flight: what is measured is waiting, not this machine. All
//! transitions of a batch are brought to mapping while no mapping worker runs; then they are started, and the clock is that of the
//! system outside, from its first effect to its last. Last comes a run in which workers come and go.
//!
//! | file | holds |
//! |---|---|
//! | `crew` | the services, the mapping workers, the system outside |

mod crew;

use super::{
    driving::Driving,
    figures::rounded,
    markdown::table,
    printed::{Printed, Void, progress},
    settings::{self, Through},
};
use crew::Crew;
use serde::Serialize;
use std::{
    ops::Range,
    panic::{self, AssertUnwindSafe},
    thread,
    time::Duration,
};

/// How many Azure subscriptions each customer has: as many items has a packet, and so many at once has a worker to do at the very end.
const SUBSCRIPTIONS: usize = 5;
/// How long a call takes outside.
const LATENCY: &str = "100ms";
/// After how long workers come and go.
const SHIFT: Duration = Duration::from_secs(6);

/// What to measure.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many workers, in turn.
    workers: Vec<usize>,
    /// Transitions of a batch.
    sagas: usize,
    /// Calls in flight of each worker.
    in_flight: usize,
}

impl Settings {
    /// From the environment.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn from_env() -> Result<Self, String> {
        Ok(Self {
            workers: settings::many("PLANSHIFT_BENCH_WORKERS", "1,2,4,8")?,
            sagas: settings::one("PLANSHIFT_BENCH_SCALING_SAGAS", "1600")?,
            in_flight: settings::one("PLANSHIFT_BENCH_IN_FLIGHT", "8")?,
        })
    }
}

/// The figures of a batch.
#[derive(Clone, Debug, Serialize)]
struct Line {
    part: &'static str,
    workers: usize,
    items: usize,
    in_flight: usize,
    seconds: f64,
    items_per_s: f64,
    /// Of what so many workers could do at most: calls in flight by their length.
    of_limit: f64,
    /// The least and the most that a worker did, as shares of an even share.
    least_share: f64,
    most_share: f64,
    most_calls_in_flight: u64,
}

/// What came of a batch in which workers come and go.
#[derive(Clone, Debug, Serialize)]
struct Shifts {
    part: &'static str,
    items: usize,
    done: u64,
    started: usize,
    stopped: usize,
    seconds: f64,
}

/// Everything.
pub fn all(settings: &Settings) {
    let mut printed = Printed::default();
    let measured = panic::catch_unwind(AssertUnwindSafe(|| measure(settings, &mut printed)));
    match measured.unwrap_or_else(|_| Err("it broke off; see above".to_owned())) {
        Ok((lines, shifts)) => println!("{}", told(&lines, &shifts)),
        Err(void) => printed.json(&Void { system: "planshift", part: "scaling", of: String::new(), void }),
    }
}

fn measure(settings: &Settings, printed: &mut Printed) -> Result<(Vec<Line>, Shifts), String> {
    let batches = settings.workers.len() + 1;
    let mut crew = Crew::start(settings.sagas * batches, SUBSCRIPTIONS, settings.in_flight);
    let mut lines = Vec::new();
    let mut customers = (0..batches).map(|batch| batch * settings.sagas..(batch + 1) * settings.sagas);
    for workers in &settings.workers {
        progress(format!("scaling: {workers} worker(s)"));
        let batch = customers.next().unwrap_or_default();
        let line = one(&mut crew, settings, *workers, batch)?;
        printed.json(&line);
        lines.push(line);
    }
    progress("scaling: workers come and go".to_owned());
    let shifts = shifts(&mut crew, settings, customers.next().unwrap_or_default())?;
    printed.json(&shifts);
    crew.verify();
    Ok((lines, shifts))
}

/// Lets a batch go through by these workers, each started when all of it waits for mapping.
fn one(crew: &mut Crew, settings: &Settings, workers: usize, batch: Range<usize>) -> Result<Line, String> {
    let items = batch.len() * SUBSCRIPTIONS;
    crew.new_outside(LATENCY);
    through(crew, batch, |crew| crew.add_workers(workers))?;
    let effects = crew.effects_of_workers();
    let account = crew.account();
    crew.stop_workers();
    let at = |name: &str| account[name].as_f64().ok_or(format!("the system outside does not say {name}"));
    let seconds = (at("latestEffectAt")? - at("firstEffectAt")?) / 1e3;
    let even = items as f64 / workers as f64;
    let share = |done: Option<&u64>| rounded(done.copied().unwrap_or_default() as f64 / even);
    let done = effects.iter().sum::<u64>();
    if done != items as u64 {
        return Err(format!("the workers have done {done} of {items}"));
    }
    let rate = items as f64 / seconds;
    Ok(Line {
        part: "scaling",
        workers,
        items,
        in_flight: settings.in_flight,
        seconds: rounded(seconds),
        items_per_s: rounded(rate),
        of_limit: rounded(rate / (workers * settings.in_flight * 10) as f64),
        least_share: share(effects.iter().min()),
        most_share: share(effects.iter().max()),
        most_calls_in_flight: account["mostInFlight"].as_u64().unwrap_or_default(),
    })
}

/// Begins with two workers; then two more come, one of the first leaves, one is killed, another one comes.
fn shifts(crew: &mut Crew, settings: &Settings, batch: Range<usize>) -> Result<Shifts, String> {
    let items = batch.len() * SUBSCRIPTIONS;
    crew.new_outside(LATENCY);
    let before = crew.done();
    through(crew, batch, |crew| {
        crew.add_workers(2);
        thread::sleep(SHIFT);
        crew.add_workers(2);
        thread::sleep(SHIFT);
        crew.stop_worker();
        thread::sleep(SHIFT / 2);
        crew.kill_worker();
        crew.add_workers(1);
    })?;
    let account = crew.account();
    crew.stop_workers();
    let done = crew.done() - before;
    let there = account["effects"]["done"].as_u64().unwrap_or_default();
    if done != items as u64 || there != done {
        return Err(format!("of {items} the ledger says that {done} are done, and {there} are there outside"));
    }
    let at = |name: &str| account[name].as_f64().unwrap_or_default();
    let _ = settings;
    Ok(Shifts { part: "shifts", items, done, started: 5, stopped: 2, seconds: rounded((at("latestEffectAt") - at("firstEffectAt")) / 1e3) })
}

/// Starts all transitions of a batch without a mapping worker, then `work`, until all have ended.
fn through(crew: &mut Crew, batch: Range<usize>, work: impl FnOnce(&mut Crew)) -> Result<(), String> {
    let sagas = batch.len();
    let mut driving = Driving::start(Through::Queue, &crew.broker_url(), batch, sagas)?;
    let driver = thread::spawn(move || driving.go());
    crew.wait_until_mapping(sagas);
    work(crew);
    let report = driver.join().map_err(|_| "the driver broke off".to_owned())??;
    progress(format!("scaling: all ended after {:.1} s", report.wall_s));
    Ok(())
}

fn told(lines: &[Line], shifts: &Shifts) -> String {
    let first = lines.first().map(|line| (line.items_per_s, line.workers));
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let times = first.map_or(0.0, |(rate, workers)| line.items_per_s / (rate / workers as f64));
            vec![
                line.workers.to_string(),
                line.items.to_string(),
                format!("{:.1}", line.seconds),
                format!("{:.0}", line.items_per_s),
                format!("{times:.2}"),
                format!("{:.2}", times / line.workers as f64),
                format!("{:.2}", line.of_limit),
                format!("{:.2} to {:.2}", line.least_share, line.most_share),
            ]
        })
        .collect();
    let headings = ["workers", "subscriptions", "seconds", "a second", "times one", "for each worker", "of the limit", "shares"];
    let Shifts { items, done, started, stopped, seconds, .. } = shifts;
    format!("{}\nworkers come ({started}) and go ({stopped}): {done} of {items} done, in {seconds:.1} s\n", table(&headings, &rows))
}
