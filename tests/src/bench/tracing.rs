//! What traces cost: the same loads on the same system, with spans sent to a receiver and without, in turn.
//!
//! Sampling is what it is by default. Transitions are started through the API: that is where traces begin. The receiver is in the process
//! that measures, and what it uses is not counted.

use super::{
    cpu, document,
    figures::{Figures, rounded},
    markdown::table,
    measure::{Order, measure},
    printed::{Printed, Void, progress},
    settings::{InTurn, Load, PLANS, SUBSCRIPTIONS, SystemName, Through},
    system::System,
};
use crate::otlp::Receiver;
use serde::Serialize;
use std::{
    collections::BTreeSet,
    panic::{self, AssertUnwindSafe},
};

/// The transitions of the burst that begins a turn and is not measured.
const WARM_UP: usize = 1_500;
/// The loads, with their transitions.
const LOADS: [(Load, usize); 2] = [(Load::Closed(32), 2_000), (Load::Burst, 3_000)];

/// One load, with its figures.
#[derive(Clone, Debug, Serialize)]
struct Line {
    traced: bool,
    /// What has reached the receiver, of all loads of this turn so far.
    spans: usize,
    traces: usize,
    #[serde(flatten)]
    figures: Figures,
}

/// Everything.
pub fn all(settings: &InTurn) {
    let mut printed = Printed::default();
    let mut lines: Vec<Line> = Vec::new();
    for repetition in 1..=settings.repetitions {
        for name in &settings.systems {
            // whatever drifts with time is shared by both
            let turns = if repetition % 2 == 1 { [false, true] } else { [true, false] };
            for traced in turns {
                let how = if traced { "with traces" } else { "without traces" };
                progress(format!("{name}: {how}, {repetition} of {}", settings.repetitions));
                let measured = panic::catch_unwind(AssertUnwindSafe(|| turn(*name, traced, repetition)));
                match measured.unwrap_or_else(|_| Err("it broke off; see above".to_owned())) {
                    Ok(measured) => {
                        measured.iter().for_each(|line| printed.json(line));
                        lines.extend(measured);
                    }
                    Err(void) => {
                        printed.json(&Void { system: &name.to_string(), part: "tracing", of: format!("{how}, {repetition}"), void });
                    }
                }
            }
        }
    }
    println!("{}", told(&lines));
}

fn turn(name: SystemName, traced: bool, repetition: usize) -> Result<Vec<Line>, String> {
    let receiver = Receiver::start();
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint())];
    let mut system = System::start_with(name, if traced { &variables } else { &[] });
    let all = WARM_UP + LOADS.iter().map(|(_, sagas)| sagas).sum::<usize>();
    system.import(&document::file(system.store().folder(), 0..all, PLANS, SUBSCRIPTIONS));
    system.checkpoint();
    let mut counts = system.counts();
    let mut next = 0;
    let mut load = |load, sagas| {
        let customers = next..next + sagas;
        next = customers.end;
        measure(&system, &mut counts, &Order { name, through: Through::Api, load, customers, repetition })
    };
    load(Load::Burst, WARM_UP)?;
    let mut lines = Vec::new();
    for (what, sagas) in LOADS {
        cpu::wait_for_quiet();
        let figures = load(what, sagas)?;
        let spans = receiver.spans();
        let traces = spans.iter().map(|span| span.trace.as_str()).collect::<BTreeSet<_>>().len();
        lines.push(Line { traced, spans: spans.len(), traces, figures });
    }
    system.stop_services();
    if traced && receiver.spans().is_empty() { Err("no span has reached the receiver".to_owned()) } else { Ok(lines) }
}

fn told(lines: &[Line]) -> String {
    let mut keys: Vec<(&str, &str)> = lines.iter().map(|line| (line.figures.system.as_str(), line.figures.load)).collect();
    keys.sort_unstable();
    keys.dedup();
    let rows: Vec<Vec<String>> = keys
        .iter()
        .map(|(system, load)| {
            let of = |traced: bool, value: fn(&Figures) -> f64| {
                let of_load = |line: &&Line| line.traced == traced && line.figures.system == *system && line.figures.load == *load;
                median(lines.iter().filter(of_load).map(|line| value(&line.figures)).collect())
            };
            let pair = |value: fn(&Figures) -> f64| {
                let (off, on) = (of(false, value), of(true, value));
                format!("{off:.2} → {on:.2} ({:.3} times)", on / off)
            };
            vec![(*system).to_owned(), (*load).to_owned(), pair(|f| f.sagas_per_s), pair(|f| f.cpu_ms_per_saga), pair(|f| f.p50_ms)]
        })
        .collect();
    format!(
        "\nTraces, without → with, medians; {PLANS} plans and {SUBSCRIPTIONS} subscriptions of each, through the API\n\n{}\n",
        table(&["system", "load", "transitions/s", "CPU ms each", "p50 ms"], &rows)
    )
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = |index: usize| values.get(index).copied().unwrap_or_default();
    rounded(f64::midpoint(middle(values.len().saturating_sub(1) / 2), middle(values.len() / 2)))
}
