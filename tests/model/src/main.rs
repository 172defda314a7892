//! Explores every configuration and every twin, and prints a line for each: `ok` or `FAILED` first. The exit code is 0 only if
//! nothing failed.

use planshift_model::{
    bounds::Bounds,
    configurations::configurations,
    report::{self, Caught, Explored},
    starts::{self, StartsModel},
    twin::Twin,
};
use std::{
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

const USAGE: &str = "usage: planshift-model [NAME | --twins]

Explores the saga's model and prints what was looked at. Without an argument: every configuration, the starts, and every twin.
  NAME     only configurations whose name has NAME in it
  --twins  only the broken twins, each with the story of how it was caught

PLANSHIFT_TEST_SCALE=10 has one more crash and one more duplicate in each configuration: hours, and tens of gigabytes.
A configuration that fails prints the rule that was broken and the steps to it, message by message.";

fn main() -> ExitCode {
    let began = Instant::now();
    let scale = std::env::var("PLANSHIFT_TEST_SCALE").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let only = std::env::args().nth(1);
    if only.as_deref().is_some_and(|only| matches!(only, "-h" | "--help")) {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let only_twins = only.as_deref() == Some("--twins");
    let chosen: Vec<Bounds> =
        configurations(scale).into_iter().filter(|bounds| only.as_ref().is_none_or(|only| bounds.name.contains(only))).collect();
    if chosen.is_empty() && !only_twins {
        eprintln!(
            "no configuration has that in its name; there are: {}",
            configurations(1).iter().map(|b| b.name).collect::<Vec<_>>().join("; ")
        );
        return ExitCode::from(2);
    }
    let (mut passed, mut failed) = (0, 0);
    let mut count = |ok: bool| if ok { passed += 1 } else { failed += 1 };
    if !only_twins {
        println!("{} rules are looked at in every state", report::rules());
    }
    for bounds in chosen {
        println!("\n{}: {}\n        {}", bounds.name, bounds.about, size(&bounds));
        count(say_explored(&report::explore(bounds, threads)));
    }
    if only.is_none() {
        count(starts(false));
        count(starts(true));
    }
    if only.is_none() || only_twins {
        twins(threads, only_twins).into_iter().for_each(count);
    }
    println!("\n{} s, {}\n{passed} passed, {failed} failed", began.elapsed().as_secs(), memory());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn mark(ok: bool) -> &'static str {
    if ok { "ok     " } else { "FAILED " }
}

fn size(bounds: &Bounds) -> String {
    let faults = &bounds.faults;
    let counts = [
        (faults.crashes, "crash"),
        (faults.duplicates, "duplicate"),
        (faults.losses, "loss"),
        (faults.refusals, "refusal"),
        (faults.undo_refusals, "refused undo"),
        (faults.given_up, "packet given up"),
        (faults.cancels, "cancel"),
        (faults.timeouts, "timeout"),
        (faults.hurries, "early deadline"),
    ];
    let faults: Vec<String> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    format!(
        "{} lines, {} plans, packets of {}, from {}, attempts: {}, coordinator: {:?}, at most: {}",
        bounds.lines,
        bounds.plans,
        bounds.packet_items,
        bounds.from,
        bounds.attempts,
        bounds.replicas,
        faults.join(", ")
    )
}

fn say_explored(explored: &Explored) -> bool {
    let Explored { name, states, unique, depth, took, faults } = explored;
    let ok = faults.is_empty();
    println!("{} {name:22} {states:>10} states, {unique:>9} unique, depth {depth:>3}, {:>6.1} s", mark(ok), took.as_secs_f64());
    faults.iter().for_each(|fault| println!("{fault}"));
    ok
}

fn starts(twin: bool) -> bool {
    let found = starts::explore(StartsModel { looks_without_lock: twin, faults: (2, 2) });
    let broken: Vec<String> = found.broken.iter().map(|(name, steps)| format!("{name}, in {steps} steps")).collect();
    let ok = if twin { !broken.is_empty() } else { broken.is_empty() && found.met };
    let name = if twin { "twin: a start looks without a lock" } else { "starts" };
    println!(
        "\n{} {name}: {} unique states{}{}",
        mark(ok),
        found.unique,
        if broken.is_empty() { "" } else { "; caught by " },
        broken.join("; ")
    );
    ok
}

/// Whether each was caught.
fn twins(threads: usize, stories: bool) -> Vec<bool> {
    println!("\nbroken twins: what caught each, after how many states, in how many steps");
    let next = AtomicUsize::new(0);
    let mut caught: Vec<(usize, Caught)> = std::thread::scope(|scope| {
        let work = || {
            let mut done = Vec::new();
            while let Some(twin) = Twin::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                done.push((*twin as usize, report::catch(*twin)));
            }
            done
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    caught.sort_by_key(|(place, _)| *place);
    for (_, Caught { twin, by, states, story }) in &caught {
        match by {
            Some((rule, after, steps)) => println!("{} {:50} {rule}; {after} states, {steps} steps", mark(true), twin.words()),
            None => println!("{} {:50} not caught in {states} states", mark(false), twin.words()),
        }
        if stories {
            println!("{story}\n");
        }
    }
    // a thread that panicked has caught nothing
    let lost = Twin::ALL.len() - caught.len();
    caught.iter().map(|(_, caught)| caught.by.is_some()).chain(std::iter::repeat_n(false, lost)).collect()
}

/// The most memory that was in use, where the system tells.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).and_then(|kb| kb.trim().trim_end_matches(" kB").parse::<u64>().ok());
    peak.map_or_else(String::new, |kb| format!("{} MB at most", kb / 1024))
}
