//! What a seed is about: whose customers move, what is asked for when, what is refused, and what goes wrong.
//!
//! | file | holds |
//! |---|---|
//! | `accounts` | account documents, and what is done to them |
//! | `scripts` | what is asked for about a customer |
//! | `troubles` | crashes, stops, partitions |

mod accounts;
mod scripts;
mod troubles;

pub use accounts::Import;
pub use scripts::{Ask, Script};
pub use troubles::{Instance, Trouble, Troubles};

use crate::{chance::Chance, outside::Outsides, weather::Likelihoods};
use planshift_coordinator::{Limits, Line};
use planshift_worker::run::RunOptions;
use std::time::Duration;

/// Everything about a seed that is decided beforehand.
#[derive(Clone, Debug)]
pub struct World {
    /// The seed.
    pub seed: u64,
    /// When it begins, in microseconds since 1970.
    pub begins_at: i64,
    /// The documents to import first.
    pub imports: Vec<Import>,
    /// What is asked for, customer by customer.
    pub scripts: Vec<Script>,
    /// Items that are refused for good.
    pub refused: Refused,
    /// In the end nothing is refused any more, so that an operator can bring everything to its end.
    pub is_repaired: bool,
    /// The coordinator's settings.
    pub limits: Limits,
    /// How many transitions may be under way at a time, and how partners share them.
    pub line: Line,
    /// How services take their messages.
    pub run: RunOptions,
    /// Outside systems that have effects first.
    pub outsides: Outsides,
    /// How far the clock of each process is ahead, in microseconds.
    pub clocks: [i64; 8],
    /// What goes wrong now and then.
    pub likelihoods: Likelihoods,
    /// What goes wrong for a while.
    pub troubles: Troubles,
}

/// Items that are refused for good, by the step that refuses them.
#[derive(Clone, Debug, Default)]
pub struct Refused {
    /// Resellers.
    pub purchasing: Vec<String>,
    /// Azure subscriptions.
    pub mapping: Vec<String>,
    /// Commerce subscriptions.
    pub suspension: Vec<String>,
}

/// 2026-03-01T00:00:00Z.
const EPOCH: i64 = 1_772_323_200_000_000;

impl World {
    /// The world of a seed.
    ///
    /// # Errors
    /// Where the documents that it draws are not valid: a defect of the simulation.
    pub fn draw(seed: u64) -> Result<Self, String> {
        let mut chance = Chance::new(seed, "world");
        let begins_at = EPOCH + i64::try_from(chance.below(24 * 3_600_000_000)).unwrap_or_default();
        let imports = accounts::draw(&mut chance, begins_at)?;
        let mut priorities = Chance::new(seed, "priorities");
        let background = *priorities.pick(&[0.0, 0.3, 0.7, 1.0]);
        let scripts = imports.iter().flat_map(|import| scripts::draw(&mut chance, (background, &mut priorities), import)).collect();
        let refused = draw_refused(&mut chance, &imports);
        Ok(Self {
            seed,
            begins_at,
            refused,
            is_repaired: chance.happens(0.6),
            limits: draw_limits(&mut chance),
            // a stream of its own, as every later addition
            line: draw_line(seed, &imports),
            run: draw_run(&mut chance),
            outsides: Outsides::draw(seed),
            clocks: draw_clocks(&mut chance),
            likelihoods: Likelihoods::draw(seed, &mut chance),
            troubles: Troubles::draw(seed, &mut chance),
            imports,
            scripts,
        })
    }
}

fn draw_refused(chance: &mut Chance, imports: &[Import]) -> Refused {
    let mut refused = Refused::default();
    let (mapping, suspension) = (*chance.pick(&[0.0, 0.02, 0.1]), *chance.pick(&[0.0, 0.02, 0.1]));
    for subscription in imports.iter().flat_map(|import| &import.parts).flat_map(|part| &part.subscriptions) {
        if let Some(azure) = subscription.azure_subscription_id.filter(|_| chance.happens(mapping)) {
            refused.mapping.push(azure.to_string());
        }
        if chance.happens(suspension) {
            refused.suspension.push(subscription.commerce_subscription_id.to_string());
        }
        if refused.purchasing.is_empty() && chance.happens(0.003) {
            refused.purchasing.push(subscription.reseller.key().to_owned());
        }
    }
    refused
}

fn draw_line(seed: u64, imports: &[Import]) -> Line {
    let under_way = *Chance::new(seed, "line").pick(&[1, 2, 4, 10, 1_000, 1_000]);
    let mut chance = Chance::new(seed, "shares");
    let background = *chance.pick(&[1, 2, 3, 6, 1_000]);
    let weights = imports.iter().map(|import| (import.partner.id, *chance.pick(&[1, 1, 3, 9]))).collect();
    Line { under_way, background, weights }
}

fn draw_limits(chance: &mut Chance) -> Limits {
    Limits {
        packet_items: *chance.pick(&[1, 2, 3, 5, 50]),
        resend_seconds: *chance.pick(&[10, 30, 120, 120]),
        total_seconds: *chance.pick(&[40, 150, 72 * 3600, 72 * 3600, 72 * 3600]),
    }
}

fn draw_run(chance: &mut Chance) -> RunOptions {
    RunOptions {
        batch_messages: *chance.pick(&[1, 3, 10, 200, 200]),
        prefetch: *chance.pick(&[1, 8, 400, 400]),
        max_attempts: *chance.pick(&[3, 25, 25, 25]),
        parallel: *chance.pick(&[1, 1, 2]),
    }
}

/// Clocks that agree, or differ by as much as clocks do that nobody looks after.
fn draw_clocks(chance: &mut Chance) -> [i64; 8] {
    let most = *chance.pick(&[0, 0, 20_000, 5_000_000]);
    std::array::from_fn(|_| i64::try_from(chance.below(2 * most + 1)).unwrap_or_default() - i64::try_from(most).unwrap_or_default())
}

/// A time of this many seconds at most.
fn seconds(chance: &mut Chance, most: u64) -> Duration {
    Duration::from_micros(chance.below(most * 1_000_000 + 1))
}
