//! A batch of very many customers, and as many starts without one: through the queue where there is one, else through the API. In the same
//! run, of customers of one kind, each behind an import that is not measured. From the first start, or the sending of the batch, to the last
//! end; and the most memory that each process had meanwhile.

use super::{
    cpu, document,
    driving::Driving,
    markdown::{pairs, table},
    peak,
    printed::{Printed, Void, progress},
    settings::{self, SystemName, Through},
    system::System,
};
use crate::program::{Outcome, Program};
use serde::Serialize;
use std::{
    fmt::Write as _,
    fs,
    ops::Range,
    panic::{self, AssertUnwindSafe},
    time::{Duration, Instant},
};

/// Plans, and subscriptions, of each customer.
const PLANS: usize = 1;
const SUBSCRIPTIONS: usize = 2;
/// Customers that move before anything is measured.
const WARM_UP: usize = 1_000;
/// How long a batch may take.
const LONGEST: Duration = Duration::from_secs(1_800);

/// What to measure.
#[derive(Clone, Debug)]
pub struct Settings {
    systems: Vec<SystemName>,
    customers: usize,
}

impl Settings {
    /// From the environment.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn from_env() -> Result<Self, String> {
        Ok(Self { systems: settings::systems()?, customers: settings::one("PLANSHIFT_BENCH_BATCH", "100000")? })
    }
}

/// The figures of one way to start them.
#[derive(Clone, Debug, Serialize)]
struct Line {
    system: String,
    part: &'static str,
    way: String,
    customers: usize,
    wall_s: f64,
    customers_per_s: f64,
    /// Until the batch was stored: all rows looked at.
    stored_s: Option<f64>,
    peak_mb: Vec<(String, f64)>,
}

/// Everything.
pub fn all(settings: &Settings) {
    let (mut printed, mut lines) = (Printed::default(), Vec::new());
    for name in &settings.systems {
        let measured = panic::catch_unwind(AssertUnwindSafe(|| measure(*name, settings.customers)));
        match measured.unwrap_or_else(|_| Err("it broke off; see above".to_owned())) {
            Ok(measured) => {
                measured.iter().for_each(|line| printed.json(line));
                lines.extend(measured);
            }
            Err(void) => printed.json(&Void { system: &name.to_string(), part: "batch", of: settings.customers.to_string(), void }),
        }
    }
    println!("{}", told(&lines));
}

fn measure(name: SystemName, customers: usize) -> Result<Vec<Line>, String> {
    let through = if name == SystemName::Distributed { Through::Queue } else { Through::Api };
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let system = System::start(name);
    let import = |range: Range<usize>| {
        let file = document::file(folder.path(), range, PLANS, SUBSCRIPTIONS);
        system.import(&file);
        let _ = fs::remove_file(file);
    };
    let all = 2 * customers + WARM_UP;
    progress(format!("{name}: {all} customers are imported"));
    import(0..all);
    drive(&system, through, 2 * customers..all)?;
    let line = |way: String, wall: Duration, stored: Option<Duration>| {
        let wall_s = wall.as_secs_f64();
        let customers_per_s = (customers as f64 / wall_s).round();
        let peak_mb = peak::of(&system.services());
        Line {
            system: name.to_string(),
            part: "batch",
            way,
            customers,
            wall_s,
            customers_per_s,
            stored_s: stored.map(|s| s.as_secs_f64()),
            peak_mb,
        }
    };
    let rest = || {
        system.checkpoint();
        cpu::wait_for_quiet();
        system.services().iter().for_each(|(_, process)| peak::forget(*process));
    };
    rest();
    progress(format!("{name}: {customers} starts through the {}", through.name()));
    let wall = drive(&system, through, 0..customers)?;
    let single = line(format!("starts through the {}", through.name()), wall, None);
    rest();
    progress(format!("{name}: a batch of {customers}"));
    let (wall, stored) = batch(&system, folder.path(), customers..2 * customers)?;
    Ok(vec![single, line("a batch".to_owned(), wall, Some(stored))])
}

/// From the first start to the last end.
fn drive(system: &System, through: Through, customers: Range<usize>) -> Result<Duration, String> {
    // through the API each start is a connection that waits: as many as the batch has under way
    let open = if through == Through::Api { 1_000 } else { customers.len() };
    let mut driving = Driving::start(through, &system.address(through), customers, open)?;
    Ok(Duration::from_secs_f64(driving.go()?.wall_s))
}

/// From the sending of the table to the last row's end, and until it was stored.
fn batch(system: &System, folder: &std::path::Path, customers: Range<usize>) -> Result<(Duration, Duration), String> {
    let count = customers.len();
    let mut text = "customerId,externalReferenceId\n".to_owned();
    for number in customers {
        // writing to a string does not fail
        let _ = writeln!(text, "{},row {number}", document::customer(number));
    }
    let file = folder.join("batch.csv");
    fs::write(&file, text).map_err(|error| error.to_string())?;
    let run = |args: &[&str]| -> Outcome {
        Program::planshift(["batch"]).args(args.iter().copied()).args(["--api", system.api(), "--json"]).start().finish_within(LONGEST)
    };
    let begun = Instant::now();
    let made = run(&["create", &file.display().to_string(), "--start"]).expect(0).json().remove(0);
    let stored = begun.elapsed();
    let id = made["batchId"].as_str().unwrap_or_default().to_owned();
    let ended = run(&["watch", &id]).expect(0).json().remove(0);
    let wall = begun.elapsed();
    if ended["counts"]["completed"] != count {
        return Err(format!("not all have completed: {}", ended["counts"]));
    }
    Ok((wall, stored))
}

fn told(lines: &[Line]) -> String {
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let stored = line.stored_s.map_or_else(String::new, |s| format!("{s:.1}"));
            vec![
                line.system.clone(),
                line.way.clone(),
                line.customers.to_string(),
                format!("{:.1}", line.wall_s),
                line.customers_per_s.to_string(),
                stored,
                pairs(&line.peak_mb),
            ]
        })
        .collect();
    table(&["system", "way", "customers", "s", "customers/s", "stored after s", "peak MB"], &rows)
}
