//! Options of `doctor`, `completions` and `man`.

use super::{ApiArgs, StoreArgs};
use clap::Args;
use clap_complete::Shell;
use std::path::PathBuf;

/// Options of `doctor`.
#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// PostgreSQL, where that is used; needs --broker
    #[arg(long, value_name = "URL", env = "PLANSHIFT_DATABASE_URL", hide_env_values = true)]
    pub database: Option<String>,
    /// RabbitMQ, where that is used; needs --database
    #[arg(long, value_name = "URL", env = "PLANSHIFT_BROKER_URL", hide_env_values = true)]
    pub broker: Option<String>,
    /// The API, and the data folder
    #[command(flatten)]
    pub api: ApiArgs,
}

impl DoctorArgs {
    /// Where data and messages are kept.
    pub fn store(&self) -> StoreArgs {
        StoreArgs { data: self.api.data.clone(), database: self.database.clone(), broker: self.broker.clone() }
    }
}

/// Options of `completions`.
#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// Whose completions are written to standard output
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Options of `man`.
#[derive(Clone, Debug, Args)]
pub struct ManArgs {
    /// A folder for the pages of all commands, instead of the one page on standard output
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}
