//! Options of `budget`.

use super::{ApiArgs, CustomerArg, PartnerArg, WhoArgs};
use clap::{Args, Subcommand};

/// Options of `budget`.
#[derive(Clone, Debug, Args)]
pub struct BudgetArgs {
    /// What to do
    #[command(subcommand)]
    pub what: BudgetCommand,
}

/// What may be done about budgets.
#[derive(Clone, Debug, Subcommand)]
pub enum BudgetCommand {
    /// List budgets, in the order of the customers' names
    List(BudgetListArgs),
    /// Show a customer's budget, whether it is set in the Azure portal too, what of it is spent, and warnings
    Show(BudgetShowArgs),
    /// Set a customer's budget, or take it away
    Set(BudgetSetArgs),
    /// Say that a customer's budget is set in the Azure portal
    Done(BudgetDoneArgs),
    /// Say that somebody has seen to the warnings of a month
    Acknowledge(BudgetAcknowledgeArgs),
}

/// Options of `budget list`.
#[derive(Clone, Debug, Args)]
pub struct BudgetListArgs {
    /// Those that have moved, and whose budget is not set in the Azure portal yet
    #[arg(long, conflicts_with = "done")]
    pub open: bool,
    /// Those whose budget is
    #[arg(long)]
    pub done: bool,
    /// Those that have spent so many percent in the month, or more
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub over: Option<u32>,
    /// Which month, as 2026-11; the present one, unless said
    #[arg(long, value_name = "MONTH")]
    pub month: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", env = "PLANSHIFT_SIZE", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub size: u32,
    /// Whose
    #[command(flatten)]
    pub partner: PartnerArg,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Which customer's.
#[derive(Clone, Debug, Args)]
pub struct BudgetOneArgs {
    /// Who
    #[command(flatten)]
    pub customer: CustomerArg,
    /// Whose
    #[command(flatten)]
    pub partner: PartnerArg,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Options of `budget show`.
#[derive(Clone, Debug, Args)]
pub struct BudgetShowArgs {
    /// Which month, as 2026-11; the present one, unless said
    #[arg(long, value_name = "MONTH")]
    pub month: Option<String>,
    /// Which customer's
    #[command(flatten)]
    pub one: BudgetOneArgs,
}

/// Options of `budget acknowledge`.
#[derive(Clone, Debug, Args)]
pub struct BudgetAcknowledgeArgs {
    /// Which month's, as 2026-11; the present one's, unless said
    #[arg(long, value_name = "MONTH")]
    pub month: Option<String>,
    /// Only those that had come until this time (RFC 3339); now, unless said
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Which customer's
    #[command(flatten)]
    pub one: BudgetOneArgs,
    /// Who says so, and why
    #[command(flatten)]
    pub who: WhoArgs,
}

/// Options of `budget set`.
#[derive(Clone, Debug, Args)]
pub struct BudgetSetArgs {
    /// The amount in the customer's currency, as 1250.50; none takes it away
    #[arg(value_name = "AMOUNT")]
    pub amount: String,
    /// Which customer's
    #[command(flatten)]
    pub one: BudgetOneArgs,
}

/// Options of `budget done`.
#[derive(Clone, Debug, Args)]
pub struct BudgetDoneArgs {
    /// Which customer's
    #[command(flatten)]
    pub one: BudgetOneArgs,
    /// Who says so, and why
    #[command(flatten)]
    pub who: WhoArgs,
}
