//! Options of `batch`.

use super::{ApiArgs, WhoArgs};
use clap::{Args, Subcommand, ValueEnum};
use planshift_domain::ids::{MpnId, PartnerId};
use std::path::PathBuf;
use uuid::Uuid;

/// Options of `batch`.
#[derive(Clone, Debug, Args)]
pub struct BatchArgs {
    /// What to do
    #[command(subcommand)]
    pub what: BatchCommand,
}

/// What may be done with batches.
#[derive(Clone, Debug, Subcommand)]
pub enum BatchCommand {
    /// Make a batch of a list of customers (CSV or JSON), or of those that a filter means; the same external reference again is the same batch
    Create(Box<CreateBatchArgs>),
    /// Have the plan of each row made, or made again: nothing is started
    Plan(ActOnBatchArgs),
    /// Start a batch
    Start(StartBatchArgs),
    /// List batches, the newest first
    List(ListBatchesArgs),
    /// Show a batch, and what its rows add up to
    Show(OneBatchArgs),
    /// List rows of a batch
    Rows(BatchRowsArgs),
    /// Start nothing new; what is under way goes to its end
    Pause(ActOnBatchArgs),
    /// Let a batch go on that was paused, or has stopped
    Resume(ActOnBatchArgs),
    /// Cancel the rows that have not started
    Cancel(CancelBatchArgs),
    /// Start the failed and refused rows again
    Retry(ActOnBatchArgs),
    /// Have the ineligible rows looked at again
    Recheck(ActOnBatchArgs),
    /// Write all rows to standard output, as CSV or JSON
    Export(ExportBatchArgs),
    /// Follow a batch until nothing more happens to it by itself; ends with 3 where not every row has completed
    Watch(OneBatchArgs),
}

/// A batch.
#[derive(Clone, Debug, Args)]
pub struct OneBatchArgs {
    /// The batch
    #[arg(value_name = "BATCH")]
    pub id: Uuid,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Options of `batch create`.
#[derive(Clone, Debug, Args)]
pub struct CreateBatchArgs {
    /// Customers: a table (a name that ends in .csv, or - for standard input) with the column customerId and, if wanted,
    /// externalReferenceId and planHash; or an object in JSON with rows
    #[arg(value_name = "FILE", required_unless_present = "filter", conflicts_with = "filter")]
    pub file: Option<PathBuf>,
    /// Instead of a file: all customers, or those that are eligible
    #[arg(long, value_name = "WHICH", env = "PLANSHIFT_FILTER")]
    pub filter: Option<WhichCustomers>,
    /// With --filter: those alone that have this reseller on record of a subscription
    #[arg(long, value_name = "MPN_ID", env = "PLANSHIFT_RESELLER", requires = "filter", conflicts_with = "file", value_parser = mpn_id)]
    pub reseller: Option<MpnId>,
    /// Your own name of the batch: the same again is the same batch
    #[arg(long, value_name = "TEXT", env = "PLANSHIFT_REFERENCE")]
    pub reference: Option<String>,
    /// Whose batch it is, where there are several partners
    #[arg(long, value_name = "ID", env = "PLANSHIFT_PARTNER")]
    pub partner: Option<PartnerId>,
    /// How many rows may be under way at once
    #[arg(long, value_name = "N", env = "PLANSHIFT_AT_ONCE", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub at_once: Option<u32>,
    /// Stop by itself where more than so many of a hundred ends have failed
    #[arg(long, value_name = "PERCENT", env = "PLANSHIFT_STOP_PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub stop_percent: Option<u32>,
    /// But not before there are so many ends
    #[arg(long, value_name = "N", env = "PLANSHIFT_STOP_MINIMUM", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub stop_minimum: Option<u32>,
    /// Have the plan of each row made
    #[arg(long)]
    pub dry_run: bool,
    /// Start it at once, or once it is planned
    #[arg(long)]
    pub start: bool,
    /// Each start does what the dry run has shown, or nothing
    #[arg(long)]
    pub keep_to_plan: bool,
    /// Who, and why
    #[command(flatten)]
    pub who: WhoArgs,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Which customers a filter means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WhichCustomers {
    /// All that have no transition under way
    All,
    /// Of those, the ones that may move
    Eligible,
}

/// Something that is done to a batch.
#[derive(Clone, Debug, Args)]
pub struct ActOnBatchArgs {
    /// Who, and why
    #[command(flatten)]
    pub who: WhoArgs,
    /// The batch and the API
    #[command(flatten)]
    pub one: OneBatchArgs,
}

/// Options of `batch start`.
#[derive(Clone, Debug, Args)]
pub struct StartBatchArgs {
    /// Each start does what the dry run has shown, or nothing
    #[arg(long)]
    pub keep_to_plan: bool,
    /// Who, why, and which
    #[command(flatten)]
    pub act: ActOnBatchArgs,
}

/// Options of `batch cancel`.
#[derive(Clone, Debug, Args)]
pub struct CancelBatchArgs {
    /// Undo what is under way too, where it still can be
    #[arg(long)]
    pub undo: bool,
    /// Who, why, and which
    #[command(flatten)]
    pub act: ActOnBatchArgs,
}

/// Options of `batch list`.
#[derive(Clone, Debug, Args)]
pub struct ListBatchesArgs {
    /// Only those in this state, Running for example
    #[arg(long, value_name = "STATE", env = "PLANSHIFT_STATE")]
    pub state: Option<String>,
    /// Only those of this partner
    #[arg(long, value_name = "ID", env = "PLANSHIFT_PARTNER")]
    pub partner: Option<PartnerId>,
    /// Only those of this name, whole
    #[arg(long, value_name = "TEXT", env = "PLANSHIFT_REFERENCE")]
    pub reference: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", env = "PLANSHIFT_SIZE", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub size: u32,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Options of `batch rows`.
#[derive(Clone, Debug, Args)]
pub struct BatchRowsArgs {
    /// Only those in this state, Failed for example
    #[arg(long, value_name = "STATE", env = "PLANSHIFT_STATE")]
    pub state: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", env = "PLANSHIFT_SIZE", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub size: u32,
    /// The batch and the API
    #[command(flatten)]
    pub one: OneBatchArgs,
}

/// Options of `batch export`.
#[derive(Clone, Debug, Args)]
pub struct ExportBatchArgs {
    /// As a table, or as JSON
    #[arg(long, value_name = "FORMAT", env = "PLANSHIFT_FORMAT", default_value = "csv")]
    pub format: ExportFormat,
    /// The batch and the API
    #[command(flatten)]
    pub one: OneBatchArgs,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A table
    Csv,
    /// An object
    Json,
}

fn mpn_id(text: &str) -> Result<MpnId, String> {
    MpnId::try_new(text).map_err(|_| "digits were expected".to_owned())
}
