//! Seeds by the thousand, and the twins: in several threads, each seed in one of them.

use crate::{
    run::{Outcome, run},
    twins::{TWINS, Twin},
};
use std::{
    collections::BTreeSet,
    num::NonZeroUsize,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

/// How many seeds a twin has to be caught in. The hardest takes about 70: with so many, it does not escape by bad luck when a change
/// of the services makes other runs of the seeds. One that is caught takes no more time for it.
pub const TWIN_SEEDS: u64 = 1_000;

/// What came of a seed, without what is only good for looking at it closely.
pub type Ran = Result<Outcome, (u64, String)>;

/// Runs these seeds in so many threads, and hands each one's outcome to `sink` as it comes; ends early where that says no.
pub fn seeds(first: u64, count: u64, threads: NonZeroUsize, mut sink: impl FnMut(Ran) -> bool) {
    let (next, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let (give, outcomes) = mpsc::sync_channel(64);
    thread::scope(|scope| {
        for _ in 0..threads.get() {
            let (give, next, is_over) = (give.clone(), &next, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    let seed = first + number;
                    if give.send(run(seed, None, false).map_err(|error| (seed, error))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(give);
        for outcome in outcomes {
            if !is_over.load(Ordering::Relaxed) && !sink(outcome) {
                is_over.store(true, Ordering::Relaxed);
            }
        }
    });
}

/// As many threads as there are processors.
pub fn processors() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// How a twin was caught.
#[derive(Clone, Debug)]
pub struct Caught {
    /// After how many seeds.
    pub seeds: u64,
    /// In which one.
    pub seed: u64,
    /// By which checks.
    pub checks: BTreeSet<String>,
    /// What the first of them said.
    pub text: String,
}

/// What came of a twin: how it was caught, or nothing.
pub type Hunt = (&'static Twin, Result<Option<Caught>, String>);

/// Lets each twin run until a check finds something, in at most so many seeds; hands each one's outcome to `sink` as it comes.
pub fn twins(first: u64, most: u64, threads: NonZeroUsize, sink: impl FnMut(Hunt) + Send) {
    let next = AtomicU64::new(0);
    let sink = Mutex::new(sink);
    thread::scope(|scope| {
        for _ in 0..threads.get() {
            scope.spawn(|| {
                while let Some(twin) = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).ok().and_then(|number| TWINS.get(number)) {
                    let found = hunt(twin, first, most);
                    let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
                    (*sink)((twin, found));
                }
            });
        }
    });
}

fn hunt(twin: &Twin, first: u64, most: u64) -> Result<Option<Caught>, String> {
    for number in 0..most {
        let seed = first + number;
        let outcome = run(seed, Some(twin), false)?;
        if let Some(finding) = outcome.findings.first() {
            let checks = outcome.findings.iter().map(|finding| finding.check.clone()).collect();
            return Ok(Some(Caught { seeds: number + 1, seed, checks, text: finding.text.clone() }));
        }
    }
    Ok(None)
}
