//! Flat cost: does what one unit costs stay the same, however many there are?
//!
//! | file | holds |
//! |---|---|
//! | `one` | one customer with ever more subscriptions |
//! | `many` | ever more customers in one `planshift run`, in empty databases and behind a million finished transitions |
//! | `tables` | both as tables, and how flat they are |

mod many;
mod one;
mod tables;

use super::{
    printed::Printed,
    settings::{self, SystemName, Through},
};
use std::panic::{self, AssertUnwindSafe};

/// What to measure.
#[derive(Clone, Debug)]
pub struct Settings {
    systems: Vec<SystemName>,
    through: Through,
    /// Subscriptions of one customer.
    sizes: Vec<usize>,
    /// Customers in one run.
    customers: Vec<usize>,
    /// Finished transitions that are there already; 0: not measured.
    history: usize,
}

impl Settings {
    /// From the environment.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn from_env() -> Result<Self, String> {
        Ok(Self {
            systems: settings::systems()?,
            through: settings::through()?,
            sizes: settings::many("PLANSHIFT_BENCH_SIZES", "10,100,1000,10000,100000")?,
            customers: settings::many("PLANSHIFT_BENCH_CUSTOMERS", "10,1000,10000")?,
            history: settings::one("PLANSHIFT_BENCH_HISTORY", "1000000")?,
        })
    }
}

/// Everything.
pub fn all(settings: &Settings) {
    let mut printed = Printed::default();
    let mut sizes = Vec::new();
    for subscriptions in &settings.sizes {
        for name in &settings.systems {
            let measured = caught(|| one::measure(*name, settings.through.of(*name), *subscriptions));
            sizes.extend(one::print(measured, *name, *subscriptions, &mut printed));
        }
    }
    let mut runs = Vec::new();
    for history in if settings.history == 0 { vec![0] } else { vec![0, settings.history] } {
        for name in &settings.systems {
            runs.extend(many::measure(*name, history, &settings.customers, &mut printed));
        }
    }
    if !settings.sizes.is_empty() {
        println!("{}", tables::of_sizes(&sizes));
    }
    if !settings.customers.is_empty() {
        println!("{}", tables::of_runs(&runs));
    }
}

/// What goes wrong in one is no reason to do without the others.
fn caught<T>(measure: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(measure)).unwrap_or_else(|_| Err("it broke off; see above".to_owned()))
}
