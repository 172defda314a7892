//! Options of `usage`.

use super::{ApiArgs, PartnerArg};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use planshift_billing::{Format, Kind};
use planshift_domain::{
    ids::{AzureSubscriptionId, CustomerId},
    time::Timestamp,
};
use std::path::PathBuf;

/// Options of `usage`.
#[derive(Clone, Debug, Args)]
pub struct UsageArgs {
    /// What to do
    #[command(subcommand)]
    pub what: UsageCommand,
}

/// What may be done with usage records.
#[derive(Clone, Debug, Subcommand)]
pub enum UsageCommand {
    /// Bring a file of usage records: all of it is taken, or nothing
    Import(UsageImportArgs),
    /// List imports of usage
    Imports(UsageImportsArgs),
    /// List usage records, each with its owner
    List(UsageListArgs),
    /// What each owner has of usage, by kind and unit
    Totals(UsageListArgs),
    /// Who owns the usage of an Azure subscription, from when
    Owner(UsageOwnerArgs),
    /// Write a file of usage of a given size to standard output
    Sample(UsageSampleArgs),
}

/// How a file is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum UsageFormat {
    /// A header and rows
    Csv,
    /// A list of records, or pages of them
    Json,
    /// A record a line
    Ndjson,
}

impl From<UsageFormat> for Format {
    fn from(format: UsageFormat) -> Self {
        match format {
            UsageFormat::Csv => Self::Csv,
            UsageFormat::Json => Self::Json,
            UsageFormat::Ndjson => Self::Ndjson,
        }
    }
}

/// Of which kind.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum UsageKind {
    /// Partner Center's utilisation records, an hour each
    Utilization,
    /// A daily rated usage file
    RatedDaily,
}

impl From<UsageKind> for Kind {
    fn from(kind: UsageKind) -> Self {
        match kind {
            UsageKind::Utilization => Self::Utilization,
            UsageKind::RatedDaily => Self::RatedDaily,
        }
    }
}

/// Options of `usage import`.
#[derive(Clone, Debug, Args)]
pub struct UsageImportArgs {
    /// The file; - is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How it is written; without it, its name says so: .csv, .json, .ndjson or .jsonl
    #[arg(long, value_name = "FORMAT", env = "PLANSHIFT_USAGE_FORMAT")]
    pub format: Option<UsageFormat>,
    /// The Azure subscription of records that do not say it, as some utilisation records
    #[arg(long, value_name = "ID", env = "PLANSHIFT_AZURE_SUBSCRIPTION")]
    pub azure_subscription: Option<AzureSubscriptionId>,
    /// Whose
    #[command(flatten)]
    pub partner: PartnerArg,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Options of `usage imports`.
#[derive(Clone, Debug, Args)]
pub struct UsageImportsArgs {
    /// How many are listed at most
    #[arg(long, value_name = "N", env = "PLANSHIFT_SIZE", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub size: u32,
    /// Whose
    #[command(flatten)]
    pub partner: PartnerArg,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Options of `usage list` and `usage totals`.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("of").args(["azure_subscription", "customer"]).required(true).multiple(true))]
pub struct UsageListArgs {
    /// Of this Azure subscription
    #[arg(long, value_name = "ID", env = "PLANSHIFT_AZURE_SUBSCRIPTION")]
    pub azure_subscription: Option<AzureSubscriptionId>,
    /// Of all Azure subscriptions of this customer
    #[arg(long, value_name = "ID", env = "PLANSHIFT_CUSTOMER")]
    pub customer: Option<CustomerId>,
    /// What starts at or after this time or date
    #[arg(long, value_name = "TIME", env = "PLANSHIFT_FROM")]
    pub from: Option<String>,
    /// What starts before it
    #[arg(long, value_name = "TIME", env = "PLANSHIFT_TO")]
    pub to: Option<String>,
    /// Only what the legacy subscription, or a plan, owns
    #[arg(long, value_name = "OWNER", env = "PLANSHIFT_OWNER", value_parser = ["legacy", "plan"])]
    pub owner: Option<String>,
    /// How many are listed at most
    #[arg(long, value_name = "N", env = "PLANSHIFT_SIZE", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub size: u32,
    /// Whose
    #[command(flatten)]
    pub partner: PartnerArg,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Options of `usage owner`.
#[derive(Clone, Debug, Args)]
pub struct UsageOwnerArgs {
    /// The customer's tenant id
    #[arg(long, value_name = "ID", env = "PLANSHIFT_CUSTOMER")]
    pub customer: CustomerId,
    /// The Azure subscription
    #[arg(value_name = "AZURE-SUBSCRIPTION")]
    pub azure_subscription: AzureSubscriptionId,
    /// Whose customer
    #[command(flatten)]
    pub partner: PartnerArg,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Options of `usage sample`.
#[derive(Clone, Debug, Args)]
pub struct UsageSampleArgs {
    /// The account document whose Azure subscriptions use something
    #[arg(long, value_name = "ACCOUNTS.json", env = "PLANSHIFT_ACCOUNTS")]
    pub accounts: PathBuf,
    /// How many records
    #[arg(long, value_name = "N", env = "PLANSHIFT_RECORDS")]
    pub records: u64,
    /// The first hour, or day
    #[arg(long, value_name = "TIME", env = "PLANSHIFT_FROM", default_value = "2026-09-01T00:00:00Z")]
    pub from: Timestamp,
    /// Of which kind
    #[arg(long, value_name = "KIND", env = "PLANSHIFT_USAGE_KIND", default_value = "utilization")]
    pub kind: UsageKind,
    /// How it is written
    #[arg(long, value_name = "FORMAT", env = "PLANSHIFT_USAGE_FORMAT", default_value = "csv")]
    pub format: UsageFormat,
}
