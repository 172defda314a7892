//! Options of `invoice` and `reconcile`.

use super::{ApiArgs, PartnerArg, UsageFormat, WhoArgs};
use clap::{ArgGroup, Args, Subcommand};
use planshift_domain::ids::{AzureSubscriptionId, CustomerId, TransitionId};
use std::path::PathBuf;
use uuid::Uuid;

/// Options of `invoice`.
#[derive(Clone, Debug, Args)]
pub struct InvoiceArgs {
    /// What to do
    #[command(subcommand)]
    pub what: InvoiceCommand,
}

/// What may be done with invoices.
#[derive(Clone, Debug, Subcommand)]
pub enum InvoiceCommand {
    /// Bring the file of an invoice: all of it is taken, or nothing
    Import(ImportInvoiceArgs),
    /// List files of invoices
    List(ListInvoicesArgs),
    /// Show the file of an invoice
    Show(OneInvoiceArgs),
    /// What is wrong with an invoice, line by line, and what is missing: 3 where anything is
    Findings(InvoiceFindingsArgs),
    /// Have an invoice compared with nothing from now on; it is kept
    Withdraw(WithdrawInvoiceArgs),
}

/// Options of `invoice import`.
#[derive(Clone, Debug, Args)]
pub struct ImportInvoiceArgs {
    /// The file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Which invoice: D, the legacy offer's, or G, the plan's
    #[arg(long, value_name = "SERIES", env = "PLANSHIFT_SERIES", value_parser = ["D", "G"], ignore_case = true)]
    pub series: String,
    /// How it is written; without it, its name says so: .csv, .json, .ndjson or .jsonl
    #[arg(long, value_name = "FORMAT", env = "PLANSHIFT_USAGE_FORMAT")]
    pub format: Option<UsageFormat>,
    /// The invoice that it takes the place of, which is withdrawn
    #[arg(long, value_name = "ID", env = "PLANSHIFT_REPLACES")]
    pub replaces: Option<Uuid>,
    /// Whose
    #[command(flatten)]
    pub partner: PartnerArg,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Options of `invoice list`.
#[derive(Clone, Debug, Args)]
pub struct ListInvoicesArgs {
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

/// Options of `invoice show`.
#[derive(Clone, Debug, Args)]
pub struct OneInvoiceArgs {
    /// The invoice, by the id that `invoice import` has told
    #[arg(value_name = "INVOICE")]
    pub id: Uuid,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Options of `invoice findings`.
#[derive(Clone, Debug, Args)]
pub struct InvoiceFindingsArgs {
    /// Of this customer alone
    #[arg(long, value_name = "ID", env = "PLANSHIFT_CUSTOMER")]
    pub customer: Option<CustomerId>,
    /// As a table for a spreadsheet
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Which
    #[command(flatten)]
    pub one: OneInvoiceArgs,
}

/// Options of `invoice withdraw`.
#[derive(Clone, Debug, Args)]
pub struct WithdrawInvoiceArgs {
    /// Who, and why
    #[command(flatten)]
    pub who: WhoArgs,
    /// Which
    #[command(flatten)]
    pub one: OneInvoiceArgs,
}

/// Options of `reconcile`.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("when").args(["month", "transition"]).required(true).multiple(true))]
pub struct ReconcileArgs {
    /// The calendar month in UTC, as 2026-09; of a transition, that of the change of owners, unless it is given
    #[arg(long, value_name = "MONTH", env = "PLANSHIFT_MONTH")]
    pub month: Option<String>,
    /// Of what this transition moved
    #[arg(long, value_name = "ID", env = "PLANSHIFT_TRANSITION")]
    pub transition: Option<TransitionId>,
    /// Of this customer
    #[arg(long, value_name = "ID", env = "PLANSHIFT_CUSTOMER")]
    pub customer: Option<CustomerId>,
    /// Of this Azure subscription
    #[arg(long, value_name = "ID", env = "PLANSHIFT_AZURE_SUBSCRIPTION")]
    pub azure_subscription: Option<AzureSubscriptionId>,
    /// With the sums of each meter, or of each day of each meter
    #[arg(long, value_name = "GRAIN", env = "PLANSHIFT_BY", default_value = "subscription", value_parser = ["subscription", "meter", "day"])]
    pub by: String,
    /// Partner earned credit by day instead, with who loses it and why
    #[arg(long)]
    pub credit: bool,
    /// As a table for a spreadsheet
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Whose
    #[command(flatten)]
    pub partner: PartnerArg,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}
