//! How long `planshift verify` takes on what transitions have left behind, and in how much memory: many customers with few
//! subscriptions each, and one customer with all of them.

use super::{
    command, cpu, document,
    figures::rounded,
    markdown::table,
    printed::{Printed, Void, progress},
    settings::{self, SUBSCRIPTIONS, SystemName},
    store::Store,
};
use crate::program::Program;
use serde::Serialize;
use std::panic::{self, AssertUnwindSafe};

/// How often it is run on the same store; the first time it meets cold caches.
const READINGS: usize = 3;
/// Resellers of each customer, where it has so many subscriptions.
const PLANS: usize = 2;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Settings {
    systems: Vec<SystemName>,
    /// Subscriptions in all.
    subscriptions: Vec<usize>,
}

impl Settings {
    /// From the environment.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn from_env() -> Result<Self, String> {
        Ok(Self { systems: settings::systems()?, subscriptions: settings::many("PLANSHIFT_BENCH_VERIFY", "100000")? })
    }
}

/// The figures of one store.
#[derive(Clone, Debug, Serialize)]
struct Line {
    system: String,
    part: &'static str,
    customers: usize,
    subscriptions: usize,
    /// Items that were looked at.
    checks: u64,
    /// The median.
    wall_s: f64,
    readings_s: Vec<f64>,
    /// Of `verify` alone; what the servers do for it is not in it.
    cpu_s: f64,
    /// The most memory of `verify`.
    peak_mb: f64,
}

/// Everything.
pub fn all(settings: &Settings) {
    let mut printed = Printed::default();
    let mut lines = Vec::new();
    for subscriptions in &settings.subscriptions {
        for name in &settings.systems {
            for customers in [subscriptions.div_ceil(SUBSCRIPTIONS), 1] {
                let measured = panic::catch_unwind(AssertUnwindSafe(|| measure(*name, customers, *subscriptions)));
                match measured.unwrap_or_else(|_| Err("it broke off; see above".to_owned())) {
                    Ok(line) => {
                        printed.json(&line);
                        lines.push(line);
                    }
                    Err(void) => {
                        let of = format!("{subscriptions} subscriptions of {customers} customer(s)");
                        printed.json(&Void { system: &name.to_string(), part: "verify", of, void });
                    }
                }
            }
        }
    }
    println!("{}", told(&lines));
}

fn measure(name: SystemName, customers: usize, subscriptions: usize) -> Result<Line, String> {
    progress(format!("{name}: verify after {subscriptions} subscriptions of {customers} customer(s)"));
    let store = Store::migrated(name);
    let each = subscriptions / customers;
    let document = document::file(store.folder(), 0..customers, PLANS.min(each), each).display().to_string();
    store.planshift("run", &[&document, "--json"]);
    store.checkpoint();
    cpu::wait_for_quiet();
    let mut ended = Vec::new();
    for _ in 0..READINGS {
        ended.push(command::run(Program::planshift(["verify", "--json"]).args(store.options())));
    }
    if let Some(failed) = ended.iter().find(|ended| ended.outcome.code != 0) {
        return Err(format!("exit code {}: {}", failed.outcome.code, failed.outcome.stderr.lines().last().unwrap_or_default()));
    }
    let mut readings: Vec<f64> = ended.iter().map(|ended| rounded(ended.wall_s)).collect();
    let readings_s = readings.clone();
    readings.sort_by(f64::total_cmp);
    let checks = ended.last().map_or(0, |ended| ended.outcome.json().iter().filter_map(|row| row["checked"].as_u64()).sum());
    Ok(Line {
        system: name.to_string(),
        part: "verify",
        customers,
        subscriptions: customers * each,
        checks,
        wall_s: readings[READINGS / 2],
        readings_s,
        cpu_s: rounded(ended.iter().map(|ended| ended.cpu_s).sum::<f64>() / READINGS as f64),
        peak_mb: ended.iter().map(|ended| ended.peak_mb).fold(0.0, f64::max),
    })
}

fn told(lines: &[Line]) -> String {
    let headings = ["system", "customers", "subscriptions", "checks", "wall s", "readings", "CPU s", "peak MB"];
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            vec![
                line.system.clone(),
                line.customers.to_string(),
                line.subscriptions.to_string(),
                line.checks.to_string(),
                format!("**{}**", line.wall_s),
                line.readings_s.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
                line.cpu_s.to_string(),
                line.peak_mb.to_string(),
            ]
        })
        .collect();
    format!("\n`planshift verify`\n\n{}\n", table(&headings, &rows))
}
