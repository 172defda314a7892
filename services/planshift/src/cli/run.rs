//! Options of `run`.

use super::{Fault, LineArgs, StoreArgs};
use clap::{Args, builder::FalseyValueParser};
use planshift_domain::ids::CustomerId;
use std::path::PathBuf;

/// Options of `run`.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// The account document; - is standard input. A name that ends in .ndjson or .jsonl is read in lines
    #[arg(value_name = "ACCOUNTS.json")]
    pub accounts: PathBuf,
    /// What is kept where
    #[command(flatten)]
    pub store: StoreArgs,
    /// Host nothing: use the services behind this API
    #[arg(long, value_name = "URL", env = "PLANSHIFT_API")]
    pub api: Option<String>,
    /// Bearer token for --api; without it, the data folder's
    #[arg(long, value_name = "TOKEN", env = "PLANSHIFT_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Import and move only this customer of the document; repeatable
    #[arg(long, value_name = "ID", env = "PLANSHIFT_CUSTOMER", value_delimiter = ',')]
    pub customer: Vec<CustomerId>,
    /// Refuse this item for good: purchasing=MPN-ID or =none, mapping=AZURE-ID, suspension=COMMERCE-ID; repeatable
    #[arg(long, value_name = "STEP=ITEM", env = "PLANSHIFT_FAIL", value_delimiter = ',', conflicts_with = "api")]
    pub fail: Vec<Fault>,
    /// How many at a time, where the services are hosted here
    #[command(flatten)]
    pub line: LineArgs,
    /// Print one JSON object a line: each customer as it ends, then a summary
    #[arg(long, env = "PLANSHIFT_JSON", value_parser = FalseyValueParser::new())]
    pub json: bool,
}
