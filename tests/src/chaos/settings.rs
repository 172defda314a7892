//! How much of it, and with which choices.

use std::env;

/// Transitions in CI.
const TRANSITIONS: usize = 500;

/// What the environment says.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Where all choices come from.
    pub seed: u64,
    /// How many times as many transitions.
    pub scale: f64,
}

impl Settings {
    /// `PLANSHIFT_CHAOS_SEED` (by default another one each time) and `PLANSHIFT_TEST_SCALE` (1).
    ///
    /// # Errors
    /// One of them is no number.
    pub fn from_env() -> Result<Self, String> {
        let number = |name: &str| env::var(name).ok().filter(|text| !text.is_empty());
        let seed = match number("PLANSHIFT_CHAOS_SEED") {
            Some(text) => text.parse().map_err(|_| format!("PLANSHIFT_CHAOS_SEED: {text:?} is not a whole number"))?,
            // short enough to be copied by hand
            None => u64::from(rand::random::<u32>()),
        };
        let scale = match number("PLANSHIFT_TEST_SCALE") {
            Some(text) => {
                text.parse().ok().filter(|scale| *scale > 0.0).ok_or(format!("PLANSHIFT_TEST_SCALE: {text:?} is no number above 0"))?
            }
            None => 1.0,
        };
        Ok(Self { seed, scale })
    }

    /// How many customers move where `share` of the whole does.
    pub fn customers(self, share: f64) -> usize {
        ((TRANSITIONS as f64 * share * self.scale).ceil() as usize).max(1)
    }
}
