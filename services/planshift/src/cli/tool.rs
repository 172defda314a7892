//! Options of the commands that need no services.

use clap::{Args, builder::FalseyValueParser};
use planshift_domain::account::sample::SampleOptions;
use std::num::NonZeroU32;

/// Options of `sample`.
#[derive(Clone, Debug, Args)]
pub struct SampleArgs {
    /// How many customers
    #[arg(long, value_name = "N", env = "PLANSHIFT_SAMPLE_CUSTOMERS")]
    pub customers: NonZeroU32,
    /// How many Azure subscriptions each of them has
    #[arg(long, value_name = "M", env = "PLANSHIFT_SAMPLE_SUBSCRIPTIONS")]
    pub subscriptions: u32,
    /// How many indirect resellers share a customer's subscriptions; 0: all are the partner's own
    #[arg(long, value_name = "R", env = "PLANSHIFT_SAMPLE_RESELLERS", default_value_t = SampleOptions::default().resellers)]
    pub resellers: u32,
    /// In lines (NDJSON): the partner, then a customer a line
    #[arg(long, env = "PLANSHIFT_SAMPLE_NDJSON", value_parser = FalseyValueParser::new())]
    pub ndjson: bool,
    /// The same seed gives the same document
    #[arg(long, value_name = "S", env = "PLANSHIFT_SAMPLE_SEED", default_value_t = 1)]
    pub seed: u64,
}
