//! Ever more customers in one `planshift run`, which hosts everything itself: from its start to its end, import included.

use super::{
    super::{
        command,
        counts::{self, Found},
        cpu, document,
        figures::{in_order, rounded},
        history,
        printed::{Printed, Void, progress},
        settings::{PLANS, SUBSCRIPTIONS, SystemName},
        store::Store,
        used::Used,
    },
    caught,
};
use crate::program::Program;
use serde::Serialize;
use std::{ops::Range, time::Duration};

/// The figures of one run.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Which system.
    pub system: String,
    /// `run`.
    pub part: &'static str,
    /// How many finished transitions were there before.
    pub history: usize,
    /// How many customers it moves.
    pub customers: usize,
    /// Plans of each.
    #[serde(rename = "P")]
    pub plans: usize,
    /// Subscriptions of each.
    #[serde(rename = "S")]
    pub subscriptions: usize,
    /// From the program's start to its end.
    pub wall_s: f64,
    /// The same, for each customer.
    pub ms_per_customer: f64,
    /// Processor time of the program and of the servers.
    pub cpu_ms_per_customer: f64,
    /// The same in seconds, by process.
    #[serde(serialize_with = "in_order")]
    pub cpu_split_s: Vec<(String, f64)>,
    /// The most memory of the program.
    pub peak_mb: f64,
    /// Cores that everything else used meanwhile.
    pub other_cpu: f64,
}

/// What was written beforehand.
#[derive(Clone, Debug, Serialize)]
struct Loaded {
    system: String,
    part: &'static str,
    history: usize,
    rows: u64,
    seconds: f64,
}

/// Measures runs with these numbers of customers, and prints each. Without a history each has empty databases of its own; behind
/// one, which takes long to write, they follow each other in the same.
pub fn measure(name: SystemName, history: usize, numbers: &[usize], printed: &mut Printed) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut kept: Option<Store> = None;
    // the first customer's transition is what the history is made of
    let mut next = 1;
    for number in numbers {
        progress(format!("{name}: a run of {number} customers behind {history} finished transitions"));
        let measured = caught(|| {
            let store = match kept.take() {
                Some(store) => store,
                None => prepared(name, history, printed),
            };
            let customers = next..next + number;
            next = customers.end;
            let line = one_run(name, &store, history, customers);
            kept = (history > 0).then_some(store);
            line
        });
        match measured {
            Ok(line) => {
                printed.json(&line);
                lines.push(line);
            }
            Err(void) => {
                let of = format!("{number} customers behind {history}");
                printed.json(&Void { system: &name.to_string(), part: "run", of, void });
            }
        }
    }
    lines
}

fn prepared(name: SystemName, history: usize, printed: &mut Printed) -> Store {
    let store = Store::migrated(name);
    if history > 0 {
        let (rows, took) = history::load(&store, history);
        let part = "history";
        let seconds = rounded(Duration::as_secs_f64(&took));
        printed.json(&Loaded { system: name.to_string(), part, history, rows, seconds });
    }
    store
}

fn one_run(name: SystemName, store: &Store, history: usize, customers: Range<usize>) -> Result<Line, String> {
    let number = customers.len();
    let document = document::file(store.folder(), customers, PLANS, SUBSCRIPTIONS).display().to_string();
    let before = counted(store);
    store.checkpoint();
    cpu::wait_for_quiet();
    let (roots, program) = (store.roots(), Program::planshift(["run", &document, "--json"]).args(store.options()));
    let began = Used::until_now(&roots, None);
    let ended = command::run(program);
    let spent = Used::until_now(&roots, None).since(&began);
    if ended.outcome.code != 0 {
        return Err(format!("exit code {}: {}", ended.outcome.code, ended.outcome.stderr.lines().last().unwrap_or_default()));
    }
    counts::effects(&before, &counted(store), number, PLANS, SUBSCRIPTIONS)?;
    let cpu_s = spent.cpu_s() + ended.cpu_s;
    let split = [("planshift".to_owned(), ended.cpu_s)].into_iter().chain(spent.split_s.clone());
    let each = |seconds: f64| rounded(seconds * 1e3 / number as f64);
    Ok(Line {
        system: name.to_string(),
        part: "run",
        history,
        customers: number,
        plans: PLANS,
        subscriptions: SUBSCRIPTIONS,
        wall_s: rounded(ended.wall_s),
        ms_per_customer: each(ended.wall_s),
        cpu_ms_per_customer: each(cpu_s),
        cpu_split_s: split.map(|(name, seconds)| (name, rounded(seconds))).collect(),
        peak_mb: ended.peak_mb,
        other_cpu: rounded(((spent.machine_s - cpu_s) / spent.wall_s).max(0.0)),
    })
}

/// By a connection of its own, so that nobody else has a folder's files open while the program runs.
fn counted(store: &Store) -> Found {
    store.counts().all()
}
