//! The import of a large account document: how fast, in how much memory, and how fast next to a plain copy of the same rows.
//!
//! | file | holds |
//! |---|---|
//! | `copy` | the plain copy: the same rows by COPY, into tables without an index |

mod copy;

use super::{
    command, cpu, document,
    figures::{in_order, rounded},
    markdown::{pairs, table},
    peak,
    printed::{Printed, Void, progress},
    settings::{self, SystemName},
    system::System,
    tables::{Access, Tables},
    used::Used,
};
use serde::Serialize;
use std::{
    fs, panic,
    panic::AssertUnwindSafe,
    thread,
    time::{Duration, Instant},
};

/// Resellers of each customer.
const RESELLERS: usize = 3;
/// Subscriptions of each customer.
const SUBSCRIPTIONS: usize = 20;
/// No process may need more than this many MB …
const LIMIT_MB: f64 = 256.0;
/// … for a document of this many.
const LIMIT_AT: usize = 200;
/// How long the read model may take to have every customer, once the import was answered.
const THERE_WITHIN: Duration = Duration::from_secs(60);
/// Between two looks at it.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What to measure.
#[derive(Clone, Debug)]
pub struct Settings {
    systems: Vec<SystemName>,
    /// The size of the document.
    mb: usize,
}

impl Settings {
    /// From the environment.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn from_env() -> Result<Self, String> {
        Ok(Self { systems: settings::systems()?, mb: settings::one("PLANSHIFT_BENCH_DOCUMENT_MB", "200")? })
    }
}

/// The figures of an import.
#[derive(Clone, Debug, Serialize)]
struct Line {
    system: String,
    part: &'static str,
    document_mb: f64,
    customers: usize,
    subscriptions: usize,
    /// Rows that it leaves in all services' tables.
    rows: i64,
    /// From the command's start to its end.
    wall_s: f64,
    rows_per_s: f64,
    /// Until the read model has every customer too.
    #[serde(serialize_with = "in_order")]
    cpu_split_s: Vec<(String, f64)>,
    /// The most memory of the command and of each service.
    #[serde(serialize_with = "in_order")]
    peak_mb: Vec<(String, f64)>,
    /// Cores that everything else used meanwhile.
    other_cpu: f64,
}

/// The figures of the plain copy.
#[derive(Clone, Debug, Serialize)]
struct Copied {
    system: &'static str,
    part: &'static str,
    tables: usize,
    rows: u64,
    mb: f64,
    wall_s: f64,
    rows_per_s: f64,
}

/// Everything.
pub fn all(settings: &Settings) {
    let mut printed = Printed::default();
    let (mut lines, mut copied) = (Vec::new(), None);
    for name in &settings.systems {
        let measured = panic::catch_unwind(AssertUnwindSafe(|| measure(*name, settings.mb)));
        match measured.unwrap_or_else(|_| Err("it broke off; see above".to_owned())) {
            Ok((line, copy)) => {
                printed.json(&line);
                lines.push(line);
                copy.iter().for_each(|copy| printed.json(copy));
                copied = copied.or(copy);
            }
            Err(void) => {
                let of = format!("{} MB", settings.mb);
                printed.json(&Void { system: &name.to_string(), part: "import", of, void });
            }
        }
    }
    println!("{}", told(&lines, copied.as_ref()));
}

fn measure(name: SystemName, mb: usize) -> Result<(Line, Option<Copied>), String> {
    progress(format!("{name}: the import of a document of {mb} MB"));
    let mut system = System::start(name);
    let customers = document::customers_in(mb << 20, RESELLERS, SUBSCRIPTIONS);
    let document = document::file(system.store().folder(), 0..customers, RESELLERS, SUBSCRIPTIONS);
    let bytes = fs::metadata(&document).map_err(|error| error.to_string())?.len();
    let mut tables = system.store().tables(Access::Read);
    let before = rows(&mut tables);
    system.checkpoint();
    cpu::wait_for_quiet();

    let (roots, services) = (system.roots(), system.services());
    services.iter().for_each(|(_, process)| peak::forget(*process));
    let began = Used::until_now(&roots, None);
    let ended = command::run(system.importing(&document));
    if ended.outcome.code != 0 {
        return Err(format!("exit code {}: {}", ended.outcome.code, ended.outcome.stderr.lines().last().unwrap_or_default()));
    }
    until_there(&mut tables, customers)?;
    let spent = Used::until_now(&roots, None).since(&began);
    let peaks = peak::of(&services);
    check(&mut tables, customers)?;
    let rows = rows(&mut tables) - before;
    let (wall_s, command) = (ended.wall_s, ("import".to_owned(), ended.cpu_s));
    let line = Line {
        system: name.to_string(),
        part: "import",
        document_mb: rounded(bytes as f64 / f64::from(1 << 20)),
        customers,
        subscriptions: customers * SUBSCRIPTIONS,
        rows,
        wall_s: rounded(wall_s),
        rows_per_s: (rows as f64 / wall_s).round(),
        cpu_split_s: spent.split_s.iter().chain([&command]).map(|(name, seconds)| (name.clone(), rounded(*seconds))).collect(),
        peak_mb: [("import".to_owned(), ended.peak_mb)].into_iter().chain(peaks).collect(),
        other_cpu: rounded(((spent.machine_s - spent.cpu_s() - ended.cpu_s) / spent.wall_s).max(0.0)),
    };
    system.stop_services();
    let copied = system.store().servers().map(|servers| copy::again(servers, &mut tables, system.store().folder()));
    Ok((line, copied))
}

fn rows(tables: &mut Tables) -> i64 {
    tables.sizes().iter().map(|(_, rows)| rows).sum()
}

/// The read model hears of an import by an event.
fn until_there(tables: &mut Tables, customers: usize) -> Result<(), String> {
    let begun = Instant::now();
    while tables.number("SELECT count(*) FROM gateway.customers") < customers as i64 {
        if begun.elapsed() > THERE_WITHIN {
            return Err("the read model does not have every customer".to_owned());
        }
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// Everybody has what is in the document.
fn check(tables: &mut Tables, customers: usize) -> Result<(), String> {
    let subscriptions = customers * SUBSCRIPTIONS;
    let expected = [
        ("coordinator.customers", customers),
        ("eligibility.customers", customers),
        ("eligibility.subscriptions", subscriptions),
        ("eligibility.resellers", customers * RESELLERS),
        ("purchasing.customers", customers),
        ("mapping.azure_subscriptions", subscriptions),
        ("suspension.commerce_subscriptions", subscriptions),
        ("gateway.customers", customers),
    ];
    for (table, expected) in expected {
        let there = tables.number(&format!("SELECT count(*) FROM {table}"));
        if there != expected as i64 {
            return Err(format!("{table}: {there} rows, not {expected}"));
        }
    }
    Ok(())
}

fn told(lines: &[Line], copied: Option<&Copied>) -> String {
    let headings = ["system", "document MB", "customers", "rows", "wall s", "rows/s", "to COPY", "CPU s", "peak MB"];
    let against = |rows_per_s: f64| copied.map_or_else(String::new, |copied| format!("{:.3}", rows_per_s / copied.rows_per_s));
    let mut rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            vec![
                line.system.clone(),
                line.document_mb.to_string(),
                line.customers.to_string(),
                line.rows.to_string(),
                line.wall_s.to_string(),
                format!("**{}**", line.rows_per_s),
                against(line.rows_per_s),
                pairs(&line.cpu_split_s),
                pairs(&line.peak_mb),
            ]
        })
        .collect();
    rows.extend(copied.map(|copied| {
        let empty = String::new;
        vec![
            copied.system.to_owned(),
            empty(),
            empty(),
            copied.rows.to_string(),
            copied.wall_s.to_string(),
            format!("**{}**", copied.rows_per_s),
            "1".to_owned(),
            empty(),
            empty(),
        ]
    }));
    let mut out = format!("\nThe import of an account document\n\n{}\n", table(&headings, &rows));
    for line in lines {
        let met = if line.peak_mb.iter().all(|(_, mb)| *mb <= LIMIT_MB) { "met" } else { "not met" };
        let (system, mb) = (&line.system, line.document_mb.round() as usize);
        let aim = if mb == LIMIT_AT { String::new() } else { format!(" (the aim is {LIMIT_AT})") };
        out.push_str(&format!("{system}: at most {LIMIT_MB} MB for each process, for a document of {mb} MB{aim}: {met}\n"));
        if let Some(copied) = copied {
            let times = copied.rows_per_s / line.rows_per_s;
            out.push_str(&format!("{system}: a plain COPY of the same rows is {times:.1} times as fast\n"));
        }
    }
    out
}
