//! Very many usage records: how fast they are assigned to their owners, in how much memory, and how fast next to a plain COPY of the same
//! file. Half of the customers have moved, and the file begins before that and ends after it, so that it is of both owners.
//!
//! A file of a tenth comes first, of later hours: what it needs of memory, the whole must not exceed by much. What was stored is counted and
//! added up in the tables, against the copy and by what the sample is made of.

use super::{
    command, copying, cpu, document,
    driving::Driving,
    figures::{in_order, rounded},
    markdown::{pairs, table},
    peak,
    printed::{Printed, Void, progress},
    settings::{self, SystemName, Through},
    system::System,
    tables::{Access, Tables},
    used::Used,
};
use crate::program::Program;
use planshift_billing::{Format, Kind, sample::SampleOptions};
use planshift_domain::{
    ids::{AzureSubscriptionId, CustomerId, PartnerId},
    time::Timestamp,
};
use serde::Serialize;
use std::{
    fs::{self, File},
    io::BufWriter,
    panic::{self, AssertUnwindSafe},
    path::Path,
};

/// Customers, with so many Azure subscriptions each: the half of them move.
const CUSTOMERS: usize = 1_000;
const SUBSCRIPTIONS: usize = 4;
/// Meters that the sample has for each subscription and hour.
const METERS: u64 = 4;
/// An import must be this much of the speed of a plain COPY, at least.
const LEAST: f64 = 0.1;
/// With ten times the records, no process may need more than this many times the memory.
const MEMORY_TIMES: f64 = 1.5;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Settings {
    systems: Vec<SystemName>,
    records: u64,
}

impl Settings {
    /// From the environment.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn from_env() -> Result<Self, String> {
        Ok(Self { systems: settings::systems()?, records: settings::one("PLANSHIFT_BENCH_USAGE", "10000000")? })
    }
}

/// The figures of a file, brought or copied.
#[derive(Clone, Debug, Serialize)]
struct Line {
    system: String,
    part: &'static str,
    records: u64,
    file_mb: f64,
    /// From the command's start to its end.
    wall_s: f64,
    records_per_s: f64,
    #[serde(serialize_with = "in_order")]
    cpu_split_s: Vec<(String, f64)>,
    /// The most memory of the command and of each service.
    #[serde(serialize_with = "in_order")]
    peak_mb: Vec<(String, f64)>,
    /// Cores that everything else used meanwhile.
    other_cpu: f64,
}

/// Everything.
pub fn all(settings: &Settings) {
    let (mut printed, mut lines) = (Printed::default(), Vec::new());
    for name in &settings.systems {
        let measured = panic::catch_unwind(AssertUnwindSafe(|| measure(*name, settings.records)));
        match measured.unwrap_or_else(|_| Err("it broke off; see above".to_owned())) {
            Ok(measured) => {
                measured.iter().for_each(|line| printed.json(line));
                lines.push(measured);
            }
            Err(void) => printed.json(&Void { system: &name.to_string(), part: "usage", of: settings.records.to_string(), void }),
        }
    }
    println!("{}", told(&lines));
}

/// A tenth, all, and the plain copy where there is one.
fn measure(name: SystemName, records: u64) -> Result<Vec<Line>, String> {
    let mut system = System::start(name);
    let folder = system.store().folder().to_owned();
    let accounts = document::file(&folder, 0..CUSTOMERS, 1, SUBSCRIPTIONS);
    system.import(&accounts);
    let through = Through::Queue.of(name);
    Driving::start(through, &system.address(through), 0..CUSTOMERS / 2, CUSTOMERS / 2)?.go()?;

    let mut tables = system.store().tables(Access::Read);
    let cut = tables.number("SELECT max(from_at) FROM mapping.ownership WHERE plan_id IS NOT NULL");
    let (cut, an_hour) = (Timestamp::from_micros(cut), 3600);
    let hours = |records: u64| records.div_ceil((CUSTOMERS * SUBSCRIPTIONS) as u64 * METERS) as i64;
    let first = cut.plus_seconds(-an_hour * (hours(records) / 2));
    let (tenth, whole) = (folder.join("tenth.csv"), folder.join("usage.csv"));
    progress(format!("{name}: files of usage are written"));
    sample(records / 10, first.plus_seconds(an_hour * hours(records)), &tenth)?;
    sample(records, first, &whole)?;

    let mut lines = Vec::new();
    for (file, count) in [(&tenth, records / 10), (&whole, records)] {
        lines.push(import(name, &system, file, count)?);
    }
    let there = tables.number("SELECT count(*) FROM gateway.usage_records");
    if there != (records + records / 10) as i64 {
        return Err(format!("{there} records are stored, not {}", records + records / 10));
    }
    // what the sample is made of is what the owners must have: the plans, every hour from the cut, of every second customer
    let before_cut = format!("start_at < {} AND start_at >= {}", cut.as_micros(), first.as_micros());
    let wrong = tables.number(&format!("SELECT count(*) FROM gateway.usage_records WHERE plan_id IS NOT NULL AND {before_cut}"));
    let moved = tables.number("SELECT count(*) FROM gateway.usage_records WHERE plan_id IS NOT NULL");
    let should = tables.number(
        "SELECT count(*) FROM gateway.usage_records u JOIN mapping.ownership o ON o.azure_subscription_id = u.azure_id
         WHERE o.plan_id IS NOT NULL AND u.start_at >= o.from_at",
    );
    if wrong != 0 || moved != should || moved == 0 {
        return Err(format!("of plans: {moved} records, {should} should be; {wrong} before the cut"));
    }
    system.stop_services();
    if system.store().servers().is_some() {
        lines.push(copy(&system, &mut tables, &whole, &first)?);
    }
    Ok(lines)
}

/// As `planshift usage sample` writes it.
fn sample(records: u64, from: Timestamp, file: &Path) -> Result<(), String> {
    let customers = (0..CUSTOMERS).flat_map(|customer| (0..SUBSCRIPTIONS).map(move |index| (customer, index)));
    let of = |(customer, index)| (CustomerId(document::customer(customer)), AzureSubscriptionId(document::subscription(customer, index)));
    let subscriptions: Vec<_> = customers.map(of).collect();
    let (partner, kind, format) = (PartnerId(document::partner()), Kind::Utilization, Format::Csv);
    let out = BufWriter::new(File::create(file).map_err(|error| error.to_string())?);
    let options = SampleOptions { partner, subscriptions: &subscriptions, records, from, kind, format };
    planshift_billing::sample::write(&options, out).map_err(|error| error.to_string())
}

fn import(name: SystemName, system: &System, file: &Path, records: u64) -> Result<Line, String> {
    progress(format!("{name}: {records} usage records"));
    system.checkpoint();
    cpu::wait_for_quiet();
    let (roots, services) = (system.roots(), system.services());
    services.iter().for_each(|(_, process)| peak::forget(*process));
    let began = Used::until_now(&roots, None);
    let ended = command::run(Program::planshift(["usage", "import", &file.display().to_string(), "--api", system.api()]));
    let spent = Used::until_now(&roots, None).since(&began);
    if ended.outcome.code != 0 {
        return Err(format!("exit code {}: {}", ended.outcome.code, ended.outcome.stderr.lines().last().unwrap_or_default()));
    }
    let command = ("import".to_owned(), ended.cpu_s);
    Ok(Line {
        system: name.to_string(),
        part: "usage",
        records,
        file_mb: megabytes(file)?,
        wall_s: rounded(ended.wall_s),
        records_per_s: (records as f64 / ended.wall_s).round(),
        cpu_split_s: spent.split_s.iter().chain([&command]).map(|(name, seconds)| (name.clone(), rounded(*seconds))).collect(),
        peak_mb: [("import".to_owned(), ended.peak_mb)].into_iter().chain(peak::of(&services)).collect(),
        other_cpu: rounded(((spent.machine_s - spent.cpu_s() - ended.cpu_s) / spent.wall_s).max(0.0)),
    })
}

/// The same file into a table of its columns, without an index; and what was imported adds up to what was copied.
fn copy(system: &System, tables: &mut Tables, file: &Path, first: &Timestamp) -> Result<Line, String> {
    progress("copy: the same file");
    tables.execute(
        "CREATE SCHEMA plain_copy;
         CREATE TABLE plain_copy.usage (usage_start timestamptz, usage_end timestamptz, meter uuid, name text, category text, region text,
                                        quantity numeric, unit text, uri text, location text)",
    );
    system.checkpoint();
    cpu::wait_for_quiet();
    let (records, time) = copying::into(tables, "COPY plain_copy.usage FROM STDIN (FORMAT csv, HEADER true)", file);
    let last = tables.number("SELECT (extract(epoch FROM max(usage_start)) * 1000000)::bigint FROM plain_copy.usage");
    let differing = tables.number(&format!(
        "SELECT count(*) FROM
           (SELECT sum(whole + high::numeric / 1000000000000000000) AS imported FROM gateway.usage_records
            WHERE start_at BETWEEN {} AND {last}) AS i,
           (SELECT sum(quantity) AS copied FROM plain_copy.usage) AS c
         WHERE imported <> copied",
        first.as_micros()
    ));
    if differing != 0 {
        return Err("what was imported does not add up to what is in the file".to_owned());
    }
    Ok(Line {
        system: "copy".to_owned(),
        part: "usage",
        records,
        file_mb: megabytes(file)?,
        wall_s: rounded(time.as_secs_f64()),
        records_per_s: (records as f64 / time.as_secs_f64()).round(),
        cpu_split_s: Vec::new(),
        peak_mb: Vec::new(),
        other_cpu: 0.0,
    })
}

fn megabytes(file: &Path) -> Result<f64, String> {
    let bytes = fs::metadata(file).map_err(|error| error.to_string())?.len();
    Ok(rounded(bytes as f64 / f64::from(1 << 20)))
}

fn told(systems: &[Vec<Line>]) -> String {
    let copied = systems.iter().flatten().find(|line| line.system == "copy").map(|line| line.records_per_s);
    let against = |line: &Line| copied.map_or_else(String::new, |copied| format!("{:.3}", line.records_per_s / copied));
    let rows: Vec<Vec<String>> = systems
        .iter()
        .flatten()
        .map(|line| {
            vec![
                line.system.clone(),
                line.records.to_string(),
                line.file_mb.to_string(),
                line.wall_s.to_string(),
                format!("**{}**", line.records_per_s),
                against(line),
                pairs(&line.cpu_split_s),
                pairs(&line.peak_mb),
            ]
        })
        .collect();
    let headings = ["system", "records", "file MB", "wall s", "records/s", "to COPY", "CPU s", "peak MB"];
    let mut out = format!("\nUsage records\n\n{}\n", table(&headings, &rows));
    for lines in systems {
        let [tenth, whole, ..] = &lines[..] else { continue };
        let system = &whole.system;
        let grown = tenth.peak_mb.iter().zip(&whole.peak_mb).map(|((_, few), (_, many))| many / few).fold(0.0, f64::max);
        let met = if grown <= MEMORY_TIMES { "met" } else { "not met" };
        out.push_str(&format!("{system}: at most {MEMORY_TIMES} times the memory for ten times the records: {grown:.2} times, {met}\n"));
        if let Some(copied) = copied {
            let share = whole.records_per_s / copied;
            let met = if share >= LEAST { "met" } else { "not met" };
            out.push_str(&format!("{system}: at least {LEAST} of the speed of a plain COPY of the same file: {share:.3}, {met}\n"));
        }
    }
    out
}
