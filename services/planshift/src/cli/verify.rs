//! Options of `verify`.

use clap::{Args, builder::FalseyValueParser};
use std::path::PathBuf;

/// Options of `verify`.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// Folder of the embedded store; nothing else may be running on it
    #[arg(long, value_name = "DIR", env = "PLANSHIFT_DATA", default_value = "planshift-data")]
    pub data: PathBuf,
    /// PostgreSQL instead of files (PLANSHIFT_MAPPING_DATABASE_URL and so on give one service its own); may be in use
    #[arg(long, value_name = "URL", env = "PLANSHIFT_DATABASE_URL", hide_env_values = true)]
    pub database: Option<String>,
    /// Not needed: messages are not looked at
    #[arg(long, value_name = "URL", env = "PLANSHIFT_BROKER_URL", hide_env_values = true)]
    pub broker: Option<String>,
    /// Print one JSON object a line, one for each invariant
    #[arg(long, env = "PLANSHIFT_JSON", value_parser = FalseyValueParser::new())]
    pub json: bool,
}
