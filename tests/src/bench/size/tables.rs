//! Both measurements as tables, with how flat they are: what one unit costs at the largest number to what it costs at the middle one.

use super::{
    super::markdown::{pairs, table},
    many, one,
};
use std::fmt::Write;

/// No service may need more than this many MB …
const LIMIT_MB: f64 = 512.0;
/// … for one customer with this many subscriptions.
const LIMIT_AT: usize = 100_000;

/// One customer of each size.
pub fn of_sizes(lines: &[one::Line]) -> String {
    let headings =
        ["system", "subscriptions", "customers", "import s", "wall s", "µs each", "CPU µs each", "CPU s", "peak MB", "peak MB, import"];
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            vec![
                line.system.clone(),
                line.subscriptions.to_string(),
                line.customers.to_string(),
                line.import_s.to_string(),
                line.wall_s.to_string(),
                format!("**{:.0}**", line.us_per_subscription),
                format!("**{:.0}**", line.cpu_us_per_subscription),
                pairs(&line.cpu_split_s),
                pairs(&line.peak_mb),
                pairs(&line.peak_mb_import),
            ]
        })
        .collect();
    let mut out = format!("\nOne customer with so many subscriptions\n\n{}\n", table(&headings, &rows));
    for system in names(lines.iter().map(|line| &line.system)) {
        let of: Vec<&one::Line> = lines.iter().filter(|line| line.system == *system).collect();
        let costs: Vec<Cost> = of
            .iter()
            .map(|line| Cost { number: line.subscriptions, wall: line.us_per_subscription, cpu: line.cpu_us_per_subscription })
            .collect();
        // to a text nothing fails to be written
        let _ = writeln!(out, "{system}: {}", flatness(costs, "subscriptions"));
        if let Some(largest) = of.iter().max_by_key(|line| line.subscriptions) {
            let met = if largest.peak_mb.iter().chain(&largest.peak_mb_import).all(|(_, mb)| *mb < LIMIT_MB) { "met" } else { "not met" };
            let aim = if largest.subscriptions == LIMIT_AT { String::new() } else { format!(" (the aim is {LIMIT_AT})") };
            let _ = writeln!(out, "{system}: under {LIMIT_MB} MB for each service at {} subscriptions{aim}: {met}", largest.subscriptions);
        }
    }
    out
}

/// Runs of so many customers.
pub fn of_runs(lines: &[many::Line]) -> String {
    let headings = ["system", "finished before", "customers", "wall s", "ms each", "CPU ms each", "CPU s", "peak MB"];
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            vec![
                line.system.clone(),
                line.history.to_string(),
                line.customers.to_string(),
                line.wall_s.to_string(),
                format!("**{:.2}**", line.ms_per_customer),
                format!("**{:.2}**", line.cpu_ms_per_customer),
                pairs(&line.cpu_split_s),
                line.peak_mb.to_string(),
            ]
        })
        .collect();
    let mut out = format!("\nSo many customers in one `planshift run`\n\n{}\n", table(&headings, &rows));
    for system in names(lines.iter().map(|line| &line.system)) {
        let of = |history: usize| -> Vec<Cost> {
            let of = lines.iter().filter(|line| line.system == *system && line.history == history);
            of.map(|line| Cost { number: line.customers, wall: line.ms_per_customer, cpu: line.cpu_ms_per_customer }).collect()
        };
        let histories = lines.iter().filter(|line| line.system == *system).map(|line| line.history);
        for history in names(histories) {
            let _ = writeln!(out, "{system}, behind {history}: {}", flatness(of(history), "customers"));
            for (cost, empty) in
                of(history).iter().filter_map(|cost| Some((*cost, *of(0).iter().find(|empty| empty.number == cost.number)?)))
            {
                if history > 0 {
                    let (wall, cpu) = (cost.wall / empty.wall, cost.cpu / empty.cpu);
                    let _ = writeln!(out, "{system}, behind {history} to empty, {} customers: time {wall:.2}, CPU {cpu:.2}", cost.number);
                }
            }
        }
    }
    out
}

/// What one unit costs where there are so many.
#[derive(Clone, Copy, Debug)]
struct Cost {
    number: usize,
    wall: f64,
    cpu: f64,
}

fn flatness(mut costs: Vec<Cost>, what: &str) -> String {
    costs.sort_by_key(|cost| cost.number);
    let (Some(largest), Some(middle)) = (costs.last(), costs.get(costs.len().saturating_sub(1) / 2)) else { return String::new() };
    let (wall, cpu) = (largest.wall / middle.wall, largest.cpu / middle.cpu);
    format!("flat: time {wall:.2}, CPU {cpu:.2} (each at {} {what} to each at {})", largest.number, middle.number)
}

/// Each once, in the order of their first occurrence.
fn names<T: Clone + PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut names = Vec::new();
    for name in all {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_is_held_against_the_middle() {
        let cost = |number, wall| Cost { number, wall, cpu: 2.0 * wall };
        let told = flatness(vec![cost(10_000, 3.0), cost(10, 9.0), cost(1_000, 2.0)], "customers");
        assert_eq!(told, "flat: time 1.50, CPU 1.50 (each at 10000 customers to each at 1000)");
    }
}
