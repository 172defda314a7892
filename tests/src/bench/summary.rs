//! Medians of all repetitions as tables, ratios to the textbook, and whether the bar is met.

use super::{figures::Line, settings::Through, textbook::SYSTEM as TEXTBOOK};
use std::fmt::Write;

/// The bar: so many times the textbook's throughput, distributed, with so many outstanding.
const BAR: (&str, Key, f64) = ("planshift", Key { burst: false, concurrency: 32 }, 4.0);

/// Which load, whatever the number of transitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    burst: bool,
    concurrency: u64,
}

impl Key {
    fn of(line: &Line) -> Self {
        // a burst's is the number of its transitions, which differs
        let burst = line.load == "burst";
        Self { burst, concurrency: if burst { 0 } else { line.concurrency } }
    }

    fn name(self) -> String {
        if self.burst { "burst".to_owned() } else { format!("{} outstanding", self.concurrency) }
    }
}

/// What all these lines come to.
pub fn of(printed: &[String]) -> String {
    let lines: Vec<Line> = printed.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mut systems: Vec<&str> = Vec::new();
    for line in &lines {
        if !systems.contains(&line.system.as_str()) {
            systems.push(&line.system);
        }
    }
    let mut out = String::new();
    // to a text nothing fails to be written
    let _ = tables(&mut out, &lines, &systems);
    for void in printed.iter().filter(|line| serde_json::from_str::<Line>(line).is_err()) {
        let _ = writeln!(out, "\nVoid: {void}");
    }
    out
}

fn tables(out: &mut String, lines: &[Line], systems: &[&str]) -> std::fmt::Result {
    writeln!(out, "Medians (of each repetition)\n")?;
    writeln!(out, "| system | load | transitions/s | p50 ms | p99 ms | CPU ms each | peak MB | transitions | through | others' cores |")?;
    writeln!(out, "|---|---|---|---|---|---|---|---|---|---|")?;
    for system in systems {
        for key in keys(lines, system) {
            let of = of_load(lines, system, key);
            let (sagas, through) = of.first().map_or((0, ""), |line| (line.sagas, line.through.map_or("own", |through| through.name())));
            writeln!(
                out,
                "| {system} | {} | {} | {} | {} | {} | {} | {sagas} | {through} | {} |",
                key.name(),
                cell(&of, 0, |line| line.sagas_per_s),
                cell(&of, 1, |line| line.p50_ms),
                cell(&of, 1, |line| line.p99_ms),
                cell(&of, 2, |line| line.cpu_ms_per_saga),
                cell(&of, 0, |line| line.peak_rss_mb),
                each(&of, 2, |line| line.other_cpu),
            )?;
        }
    }
    if systems.contains(&TEXTBOOK) {
        ratios(out, lines, systems)?;
    }
    Ok(())
}

fn ratios(out: &mut String, lines: &[Line], systems: &[&str]) -> std::fmt::Result {
    writeln!(out, "\nRatios to {TEXTBOOK}, of medians\n")?;
    writeln!(out, "| system | load | throughput | CPU of each | median latency |\n|---|---|---|---|---|")?;
    for system in systems.iter().filter(|system| **system != TEXTBOOK) {
        for key in keys(lines, system) {
            let (Some(throughput), Some(cpu), Some(latency)) = (
                ratio(lines, system, key, |line| line.sagas_per_s),
                ratio(lines, system, key, |line| line.cpu_ms_per_saga),
                ratio(lines, system, key, |line| line.p50_ms),
            ) else {
                continue;
            };
            writeln!(out, "| {system} | {} | {throughput:.2} times | {cpu:.2} times | {latency:.2} times |", key.name())?;
        }
    }
    let (system, key, bar) = BAR;
    if let Some(times) = ratio(lines, system, key, |line| line.sagas_per_s) {
        let met = if times >= bar { "met" } else { "not met" };
        let driven = through(&of_load(lines, system, key));
        writeln!(out, "\nbar: {system} {bar} times {TEXTBOOK} at {}, driven {driven}: {times:.2} times, {met}", key.name())?;
    }
    Ok(())
}

fn ratio(lines: &[Line], system: &str, key: Key, of: fn(&Line) -> f64) -> Option<f64> {
    let ours = median(&of_load(lines, system, key), of)?;
    let theirs = median(&of_load(lines, TEXTBOOK, key), of)?;
    (theirs > 0.0).then_some(ours / theirs)
}

/// How loads were driven, in words.
fn through(of: &[&Line]) -> &'static str {
    match of.first().and_then(|line| line.through) {
        Some(Through::Queue) => "through the queue",
        Some(Through::Api) => "through the API",
        None => "in its own way",
    }
}

fn keys(lines: &[Line], system: &str) -> Vec<Key> {
    let mut keys: Vec<Key> = lines.iter().filter(|line| line.system == system).map(Key::of).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn of_load<'a>(lines: &'a [Line], system: &str, key: Key) -> Vec<&'a Line> {
    lines.iter().filter(|line| line.system == system && Key::of(line) == key).collect()
}

fn median(lines: &[&Line], of: fn(&Line) -> f64) -> Option<f64> {
    let mut values: Vec<f64> = lines.iter().map(|line| of(line)).collect();
    values.sort_unstable_by(f64::total_cmp);
    let (lower, upper) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
    Some(f64::midpoint(*lower, *upper))
}

/// The median, and each run's.
fn cell(lines: &[&Line], decimals: usize, of: fn(&Line) -> f64) -> String {
    median(lines, of).map_or_else(String::new, |median| format!("**{median:.decimals$}** ({})", each(lines, decimals, of)))
}

fn each(lines: &[&Line], decimals: usize, of: fn(&Line) -> f64) -> String {
    lines.iter().map(|line| format!("{:.decimals$}", of(line))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(system: &str, load: &str, concurrency: u64, sagas_per_s: f64) -> String {
        serde_json::json!({
            "system": system, "load": load, "sagas": 10, "concurrency": concurrency, "sagas_per_s": sagas_per_s, "p50_ms": 1.0, "p99_ms": 2.0,
            "cpu_ms_per_saga": 3.0, "peak_rss_mb": 4.0, "other_cpu": 0.0,
            "through": (system != TEXTBOOK).then_some("queue"),
        })
        .to_string()
    }

    #[test]
    fn medians_ratios_and_the_bar() {
        let printed = [
            line(TEXTBOOK, "closed", 32, 60.0),
            line(TEXTBOOK, "closed", 32, 70.0),
            line(TEXTBOOK, "closed", 32, 100.0),
            line("planshift", "closed", 32, 280.0),
            line("planshift", "closed", 32, 270.0),
            line("planshift", "burst", 10, 300.0),
            r#"{"system":"planshift","load":"128","void":"a row too many"}"#.to_owned(),
        ];
        let text = of(&printed);
        assert!(text.contains("| planshift | 32 outstanding | **275** (280, 270) |"), "{text}");
        assert!(text.contains("| planshift | 32 outstanding | 3.93 times | 1.00 times |"), "{text}");
        assert!(text.contains("at 32 outstanding, driven through the queue: 3.93 times, not met"), "{text}");
        assert!(text.contains("Void: {") && text.contains("a row too many"), "{text}");
    }
}
