//! One load: its window, what was used in it, and whether every effect is there.

use super::{
    counts::{self, Counts},
    cpu::{self, Processes},
    driver::Report,
    driving::Driving,
    figures::{Figures, rounded},
    memory::Sampler,
    settings::{Load, PLANS, SUBSCRIPTIONS, SystemName, Through},
    system::System,
};
use std::{
    ops::Range,
    thread,
    time::{Duration, Instant},
};

/// Between two looks at the read model.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long it may take to be whole after the last end.
const WHOLE_WITHIN: Duration = Duration::from_secs(60);

/// What a load is.
#[derive(Clone, Debug)]
pub struct Window {
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
pub fn measure(system: &System, counts: &mut Counts, window: &Window) -> Result<Figures, String> {
    let sagas = window.customers.len();
    let concurrency = match window.load {
        Load::Closed(open) => open,
        Load::Burst => sagas,
    };
    let before = counts.all();
    let mut driving = Driving::start(window.through, &system.address(window.through), window.customers.clone(), concurrency)?;
    let mut roots = system.roots();
    roots.push(("driver".to_owned(), driving.id()));
    let sampler = Sampler::start(roots.iter().map(|(_, root)| *root).collect());

    let began = Used::until_now(&roots, counts);
    let outcome = driving.go().and_then(|report| Ok((report, until_whole(counts, &before, sagas)?)));
    let ended = Used::until_now(&roots, counts);
    let peak = sampler.peak_mb();

    let (report, lag) = outcome?;
    let rows = counts::effects(&before, &counts.all(), sagas, PLANS, SUBSCRIPTIONS)?;
    let per_saga = |ticks: u64| cpu::seconds(ticks) * 1e3 / sagas as f64;
    let used: Vec<u64> = ended.trees.iter().zip(&began.trees).map(|(end, begin)| end.saturating_sub(*begin)).collect();
    let (total, machine) = (used.iter().sum::<u64>(), ended.machine - began.machine);
    let Report { wall_s, p50_ms, p99_ms, .. } = report;
    Ok(Figures {
        system: window.name.to_string(),
        load: if window.load == Load::Burst { "burst" } else { "closed" },
        through: window.through,
        sagas,
        plans: PLANS,
        subscriptions: SUBSCRIPTIONS,
        concurrency,
        sagas_per_s: rounded(sagas as f64 / wall_s),
        p50_ms: rounded(p50_ms),
        p99_ms: rounded(p99_ms),
        cpu_ms_per_saga: rounded(per_saga(total)),
        cpu_ms_split: roots.iter().zip(&used).map(|((name, _), ticks)| (name.clone(), rounded(per_saga(*ticks)))).collect(),
        peak_rss_mb: peak.round(),
        rows,
        read_model_lag_ms: (lag.as_secs_f64() * 1e3).round(),
        other_cpu: rounded(cpu::seconds(machine.saturating_sub(total)) / (ended.at - began.at).as_secs_f64()),
        repetition: window.repetition,
    })
}

/// Processor time until some moment.
struct Used {
    at: Instant,
    machine: u64,
    /// Of each root's tree.
    trees: Vec<u64>,
}

impl Used {
    fn until_now(roots: &[(String, u32)], counts: &Counts) -> Self {
        let processes = Processes::now();
        let trees = roots.iter().map(|(_, root)| processes.ticks(*root, counts.process())).collect();
        Self { at: Instant::now(), machine: cpu::machine(), trees }
    }
}

/// Waits until the read model shows all of them, and says for how long.
fn until_whole(counts: &mut Counts, before: &counts::Found, sagas: usize) -> Result<Duration, String> {
    let expected = counts::whole_of(before) + sagas as i64;
    let begun = Instant::now();
    loop {
        let whole = counts.whole();
        if whole >= expected {
            return Ok(begun.elapsed());
        }
        if begun.elapsed() > WHOLE_WITHIN {
            return Err(format!("the read model shows {whole} transitions completed and whole, not {expected}"));
        }
        thread::sleep(LOOK_EVERY);
    }
}
