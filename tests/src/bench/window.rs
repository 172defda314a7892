//! What is measured of the running system: the driver begins, transitions come to their ends, the read model is whole.

use super::{
    counts::{self, Counts, Found},
    driver::Report,
    driving::Driving,
    settings::Through,
    system::System,
    used::{Spent, Used},
};
use std::{
    ops::Range,
    thread,
    time::{Duration, Instant},
};

/// Between two looks at the read model.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long it may take to be whole after the last end.
const WHOLE_WITHIN: Duration = Duration::from_secs(120);

/// What the driver is to do.
#[derive(Clone, Debug)]
pub struct Work {
    /// How the system is driven.
    pub through: Through,
    /// Who moves.
    pub customers: Range<usize>,
    /// How many are outstanding at most.
    pub concurrency: usize,
    /// Plans of each.
    pub plans: usize,
    /// Subscriptions of each.
    pub subscriptions: usize,
}

/// A driver that waits for the word, and how everything stood before it.
pub struct Window<'a> {
    counts: &'a mut Counts,
    work: Work,
    driving: Driving,
    roots: Vec<(String, u32)>,
    before: Found,
}

/// What it came to.
#[derive(Clone, Debug)]
pub struct Done {
    /// What the driver saw.
    pub report: Report,
    /// How long after the last end the read model was whole.
    pub lag: Duration,
    /// From the first start until the read model was whole.
    pub spent: Spent,
    /// Effects counted in the ledgers.
    pub effects: i64,
}

impl<'a> Window<'a> {
    /// Starts the driver, and waits until it is connected.
    ///
    /// # Errors
    /// Why it is not.
    pub fn open(system: &System, counts: &'a mut Counts, work: Work) -> Result<Self, String> {
        let before = counts.all();
        let driving = Driving::start(work.through, &system.address(work.through), work.customers.clone(), work.concurrency)?;
        let mut roots = system.roots();
        roots.push(("driver".to_owned(), driving.id()));
        Ok(Self { counts, work, driving, roots, before })
    }

    /// The processes that all those descend from that have a part in it, by name.
    pub fn roots(&self) -> &[(String, u32)] {
        &self.roots
    }

    /// Lets the driver begin, waits until everything is there, and counts the effects.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn run(mut self) -> Result<Done, String> {
        let began = Used::until_now(&self.roots, self.counts.process());
        let report = self.driving.go()?;
        let lag = self.until_whole()?;
        let spent = Used::until_now(&self.roots, self.counts.process()).since(&began);
        let Work { customers, plans, subscriptions, .. } = &self.work;
        let effects = counts::effects(&self.before, &self.counts.all(), customers.len(), *plans, *subscriptions)?;
        Ok(Done { report, lag, spent, effects })
    }

    /// Waits until the read model shows all of them, and says for how long.
    fn until_whole(&mut self) -> Result<Duration, String> {
        let expected = counts::whole_of(&self.before) + self.work.customers.len() as i64;
        let begun = Instant::now();
        loop {
            let whole = self.counts.whole();
            if whole >= expected {
                return Ok(begun.elapsed());
            }
            if begun.elapsed() > WHOLE_WITHIN {
                return Err(format!("the read model shows {whole} transitions completed and whole, not {expected}"));
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}
