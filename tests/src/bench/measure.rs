//! One load: its window, and its figures.

use super::{
    counts::Counts,
    driver::Report,
    figures::{Figures, rounded},
    memory::Sampler,
    settings::{Load, PLANS, SUBSCRIPTIONS, SystemName, Through},
    system::System,
    window::{Done, Window, Work},
};
use std::ops::Range;

/// What a load is.
#[derive(Clone, Debug)]
pub struct Order {
    /// Which system.
    pub name: SystemName,
    /// How it is driven.
    pub through: Through,
    /// How many are outstanding.
    pub load: Load,
    /// Who moves.
    pub customers: Range<usize>,
    /// Which repetition, from 1.
    pub repetition: usize,
}

/// Runs a load.
///
/// # Errors
/// Why it does not count.
pub fn measure(system: &System, counts: &mut Counts, order: &Order) -> Result<Figures, String> {
    let sagas = order.customers.len();
    let concurrency = match order.load {
        Load::Closed(open) => open,
        Load::Burst => sagas,
    };
    let (through, customers) = (order.through, order.customers.clone());
    let work = Work { through, customers, concurrency, plans: PLANS, subscriptions: SUBSCRIPTIONS };
    let window = Window::open(system, counts, work)?;
    let sampler = Sampler::start(window.roots().to_vec());
    let outcome = window.run();
    let peaks = sampler.peaks();

    let Done { report: Report { wall_s, p50_ms, p99_ms, .. }, lag, spent, effects } = outcome?;
    let per_saga = |seconds: f64| rounded(seconds * 1e3 / sagas as f64);
    Ok(Figures {
        system: order.name.to_string(),
        load: if order.load == Load::Burst { "burst" } else { "closed" },
        through,
        sagas,
        plans: PLANS,
        subscriptions: SUBSCRIPTIONS,
        concurrency,
        sagas_per_s: rounded(sagas as f64 / wall_s),
        p50_ms: rounded(p50_ms),
        p99_ms: rounded(p99_ms),
        cpu_ms_per_saga: per_saga(spent.cpu_s()),
        cpu_ms_split: spent.split_s.iter().map(|(name, seconds)| (name.clone(), per_saga(*seconds))).collect(),
        peak_rss_mb: peaks.together.round(),
        peak_mb_split: peaks.each.into_iter().map(|(name, mb)| (name, mb.round())).collect(),
        rows: effects,
        read_model_lag_ms: (lag.as_secs_f64() * 1e3).round(),
        other_cpu: rounded(spent.other_cores()),
        repetition: order.repetition,
    })
}
