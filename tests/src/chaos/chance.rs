//! Chance, from a seed: what is chosen is the same each time. When it happens is not, since processes and servers have their own time.

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use std::{ops::RangeInclusive, time::Duration};

/// A stream of choices. Each part of the test has its own, so that how fast one goes does not change what another chooses.
#[derive(Debug)]
pub struct Chance(StdRng);

impl Chance {
    /// The stream of one part.
    pub fn of(seed: u64, part: &str) -> Self {
        // FNV-1a: parts of one seed differ, and the same part is the same everywhere
        let mixed = part.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self(StdRng::seed_from_u64(mixed))
    }

    /// A number of a range.
    pub fn number(&mut self, range: RangeInclusive<usize>) -> usize {
        self.0.random_range(range)
    }

    /// One time in so many.
    pub fn one_in(&mut self, count: usize) -> bool {
        self.number(1..=count) == 1
    }

    /// A time between two, in milliseconds.
    pub fn millis(&mut self, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.0.random_range(range))
    }

    /// One of several.
    ///
    /// # Panics
    /// Where there is none.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.number(0..=of.len() - 1)]
    }

    /// In another order.
    pub fn shuffle<T>(&mut self, of: &mut [T]) {
        of.shuffle(&mut self.0);
    }
}
