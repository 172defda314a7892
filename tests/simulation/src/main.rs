//! The command: seeds, one seed's story, or the twins.

use clap::Parser;
use planshift_simulation::{
    many::{self, TWIN_SEEDS},
    run::{Outcome, run},
    tally::Tally,
    twins::TWINS,
};
use std::{io::Write as _, num::NonZeroUsize, process::ExitCode, time::Instant};

/// The real services on a simulated broker, store and clock, from one seed.
#[derive(Parser)]
#[command(name = "planshift-simulation", version)]
struct Cli {
    /// How many seeds to run.
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Run this one alone.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Tell what happened in it: about the transitions that something was found about, or about all where nothing was.
    #[arg(long, requires = "seed")]
    story: bool,
    /// Print every line of its trace.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Print each seed's trace as a SHA-256 (it takes longer: each trace is made).
    #[arg(long)]
    digest: bool,
    /// Run the broken twins: each must be caught.
    #[arg(long, conflicts_with_all = ["seed", "digest"])]
    twins: bool,
    /// With --seed: as this twin.
    #[arg(long, requires = "seed")]
    twin: Option<String>,
    /// In so many threads; without it, as many as there are processors. Processes of one thread each are a third faster: SQLite's
    /// memory is under one lock in a process.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Go on after a seed in which something was found.
    #[arg(long)]
    keep_going: bool,
}

/// In so many seeds every fault strikes, and every end is come to.
const MANY: u64 = 500;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let is_fine = match cli.seed {
        Some(seed) => one(&cli, seed),
        None if cli.twins => twins(&cli),
        None if cli.digest => (cli.from..cli.from + cli.seeds).all(digest),
        None => seeds(&cli),
    };
    if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(cli: &Cli, seed: u64) -> bool {
    let twin = match &cli.twin {
        None => None,
        Some(name) => match TWINS.iter().find(|twin| twin.name == name) {
            Some(twin) => Some(twin),
            None => {
                let names: Vec<&str> = TWINS.iter().map(|twin| twin.name).collect();
                eprintln!("there is no twin {name:?}; there are {}", names.join(", "));
                return false;
            }
        },
    };
    let began = Instant::now();
    match run(seed, twin, cli.story || cli.trace || cli.digest) {
        Ok(outcome) => {
            if cli.trace {
                print(&outcome.trace.text());
            } else if cli.story {
                print(&outcome.trace.story(&outcome.concerned, &outcome.labels));
            }
            if cli.digest {
                println!("seed {seed}: {}", outcome.trace.digest());
            }
            println!(
                "seed {seed}: {} transitions, {} steps, {:.1} s of its time in {:.3} s",
                outcome.transitions,
                outcome.steps,
                outcome.took.as_secs_f64(),
                began.elapsed().as_secs_f64()
            );
            tell_findings(&outcome);
            outcome.findings.is_empty()
        }
        Err(error) => {
            println!("seed {seed}: the simulation failed: {error}");
            false
        }
    }
}

fn digest(seed: u64) -> bool {
    match run(seed, None, true) {
        Ok(outcome) => {
            println!("seed {seed}: {}", outcome.trace.digest());
            outcome.findings.is_empty()
        }
        Err(error) => {
            println!("seed {seed}: the simulation failed: {error}");
            false
        }
    }
}

fn seeds(cli: &Cli) -> bool {
    let began = Instant::now();
    let (mut passed, mut failed, mut transitions, mut imports_again) = (0_u64, Vec::new(), 0, 0);
    let mut tally = Tally::default();
    many::seeds(cli.from, cli.seeds, cli.threads.unwrap_or_else(many::processors), |ran| {
        match ran {
            Ok(outcome) if outcome.findings.is_empty() => {
                passed += 1;
                transitions += outcome.transitions;
                imports_again += outcome.imports_again;
                tally.add_all(&outcome.tally);
                if passed.is_multiple_of(100) {
                    println!("{passed} seeds passed, {:.1} s", began.elapsed().as_secs_f64());
                }
                return true;
            }
            Ok(outcome) => {
                println!("seed {}: {} finding(s)", outcome.seed, outcome.findings.len());
                tell_findings(&outcome);
                failed.push(outcome.seed);
            }
            Err((seed, error)) => {
                println!("seed {seed}: the simulation failed: {error}");
                failed.push(seed);
            }
        }
        cli.keep_going
    });
    print(&tally.table());
    // a few seeds need not have everything
    let missing = if passed >= MANY { tally.missing() } else { Vec::new() };
    for name in &missing {
        println!("never in {passed} seeds: {name}");
    }
    println!(
        "{passed} seeds passed, {} failed; {transitions} transitions, {imports_again} imports made again, {:.1} s",
        failed.len(),
        began.elapsed().as_secs_f64()
    );
    failed.sort_unstable();
    if let Some(seed) = failed.first() {
        tell_story(*seed);
    }
    failed.is_empty() && missing.is_empty()
}

/// The first failing seed, once more, in words.
fn tell_story(seed: u64) {
    if let Ok(outcome) = run(seed, None, true) {
        println!("\nwhat happened in seed {seed}:");
        print(&outcome.trace.story(&outcome.concerned, &outcome.labels));
        tell_findings(&outcome);
    }
    println!("again: cargo run --release -p planshift-simulation -- --seed {seed} --story");
}

fn tell_findings(outcome: &Outcome) {
    for finding in &outcome.findings {
        let labels: Vec<&str> = finding.about.iter().filter_map(|id| outcome.labels.get(id)).map(String::as_str).collect();
        println!("  {finding}{}", if labels.is_empty() { String::new() } else { format!(" [{}]", labels.join(", ")) });
    }
}

/// Standard output may be a pipe that nobody reads to its end.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn twins(cli: &Cli) -> bool {
    let mut escaped = 0;
    many::twins(cli.from, TWIN_SEEDS, cli.threads.unwrap_or_else(many::processors), |(twin, found)| match found {
        Ok(Some(caught)) => {
            let checks: Vec<&str> = caught.checks.iter().map(String::as_str).collect();
            println!(
                "caught   {:<26} after {:>3} seed(s) by {}: {} (--seed {} --twin {})",
                twin.name,
                caught.seeds,
                checks.join(", "),
                caught.text,
                caught.seed,
                twin.name
            );
        }
        Ok(None) => {
            escaped += 1;
            println!("ESCAPED  {:<26} in {TWIN_SEEDS} seeds: {}", twin.name, twin.defect);
        }
        Err(error) => {
            escaped += 1;
            println!("ESCAPED  {:<26} the simulation failed: {error}", twin.name);
        }
    });
    println!("{} twins caught, {escaped} escaped", TWINS.len() - escaped);
    escaped == 0
}
