//! Chaos on real servers: `tests/run chaos`; what is done, and how to read what it prints: `docs/testing/chaos.md`.
//!
//! | file | holds |
//! |---|---|
//! | `settings`, `chance` | how much, and all choices from one seed |
//! | `servers`, `fleet`, `proxy` | private servers; every service as a process; what stands between them |
//! | `customers` | who moves, and what is to become of each |
//! | `client`, `load`, `history` | clients of the API, and what they asked for and were told |
//! | `nemesis` | the faults |
//! | `poison`, `drip`, `publisher`, `letters` | messages that nobody should send, how they come in, and the dead letters at the end |
//! | `evidence`, `judge`, `table` | what is stored, held against what was told |
//! | `scenario` | all of it put together |

pub mod chance;
pub mod client;
pub mod customers;
pub mod drip;
pub mod evidence;
pub mod fleet;
pub mod history;
pub mod judge;
pub mod letters;
pub mod load;
pub mod nemesis;
pub mod poison;
pub mod proxy;
pub mod publisher;
pub mod scenario;
pub mod servers;
pub mod settings;
pub mod table;

use scenario::SCENARIOS;
use settings::Settings;
use std::{env, panic, process::ExitCode};
use table::Checks;

const USAGE: &str = "planshift-chaos [one|cluster]...    see docs/testing/chaos.md";

/// The program: the scenarios that are named, or all.
pub fn main() -> ExitCode {
    let named: Vec<String> = env::args().skip(1).collect();
    let settings = match Settings::from_env() {
        Ok(settings) if named.iter().all(|name| SCENARIOS.iter().any(|scenario| scenario.name == name)) => settings,
        Ok(_) => return usage(USAGE),
        Err(reason) => return usage(&reason),
    };
    let mut all = Checks::default();
    for scenario in SCENARIOS.iter().filter(|scenario| named.is_empty() || named.iter().any(|name| name == scenario.name)) {
        println!("\n== {}: PLANSHIFT_CHAOS_SEED={} PLANSHIFT_TEST_SCALE={}", scenario.name, settings.seed, settings.scale);
        match panic::catch_unwind(|| scenario::run(scenario, settings)) {
            Ok(checks) => {
                all.passed += checks.passed;
                all.failed += checks.failed;
            }
            // what it was is on standard error
            Err(_) => all.check(scenario.name, &["it did not come to its end".to_owned()]),
        }
    }
    if all.failed > 0 {
        println!("\nthe same choices again: PLANSHIFT_CHAOS_SEED={} tests/run chaos", settings.seed);
    }
    println!("\n{} passed, {} failed", all.passed, all.failed);
    if all.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage(text: &str) -> ExitCode {
    eprintln!("{text}");
    ExitCode::from(2)
}
