//! Numbers by chance, all of them from one seed.
//!
//! A generator of our own (xoshiro256** of Blackman and Vigna, seeded by SplitMix64): the same numbers whatever version of whatever
//! library is linked, so that a seed means the same next year.

use std::time::Duration;

/// A stream of numbers.
#[derive(Clone, Debug)]
pub struct Chance([u64; 4]);

impl Chance {
    /// The stream of that name under a seed. Streams of other names are others, so that one more draw from one of them leaves the
    /// rest of a run as it was.
    pub fn new(seed: u64, name: &str) -> Self {
        let name = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ name;
        Self(std::array::from_fn(|_| split_mix(&mut state)))
    }

    /// Any number.
    pub fn draw(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// From 0 (inclusive) to `end` (exclusive); 0 where `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        // the high half of the product: a bias of less than one in a billion for the small numbers asked for here
        ((u128::from(self.draw()) * u128::from(end)) >> 64) as u64
    }

    /// A place in a list of that length.
    pub fn place(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// From `first` to `last`, both inclusive.
    pub fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// From 0 (inclusive) to 1 (exclusive).
    pub fn fraction(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True that often of one.
    pub fn happens(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.fraction() < probability
    }

    /// A time between the two, each order of magnitude as likely as the others.
    pub fn time(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let (low, high) = (shortest.as_secs_f64().max(1e-6).ln(), longest.as_secs_f64().max(1e-6).ln());
        Duration::from_micros(((low + (high - low) * self.fraction()).exp() * 1e6) as u64)
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.place(items.len())]
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_name_mean_the_same_for_ever() {
        let mut chance = Chance::new(7, "order");
        assert_eq!(
            [chance.draw(), chance.draw()],
            [Chance::new(7, "order").draw(), {
                let mut again = Chance::new(7, "order");
                again.draw();
                again.draw()
            }]
        );
        assert_ne!(Chance::new(7, "order").draw(), Chance::new(7, "faults").draw());
        assert_ne!(Chance::new(7, "order").draw(), Chance::new(8, "order").draw());
    }

    #[test]
    fn draws_stay_within_their_bounds() {
        let mut chance = Chance::new(1, "bounds");
        for _ in 0..1_000 {
            assert!(chance.below(3) < 3 && (4..=6).contains(&chance.between(4, 6)) && (0.0..1.0).contains(&chance.fraction()));
            let time = chance.time(Duration::from_millis(1), Duration::from_secs(10));
            assert!(time >= Duration::from_micros(999) && time <= Duration::from_secs(10), "{time:?}");
        }
        assert_eq!(chance.below(0), 0);
        assert!(!chance.happens(0.0) && chance.happens(1.0));
    }
}
