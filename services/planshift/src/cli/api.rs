//! Options of the commands that are clients of the API.

use clap::{Args, Subcommand, builder::FalseyValueParser};
use planshift_domain::{
    ids::{CustomerId, PartnerId, TransitionId, parse_guid},
    step::Step,
    time::{Timestamp, seconds_of},
    transition::State,
};
use std::path::PathBuf;
use uuid::Uuid;

/// Where the API is.
#[derive(Clone, Debug, Args)]
pub struct ApiArgs {
    /// The API to use
    #[arg(long, value_name = "URL", env = "PLANSHIFT_API", default_value = "http://127.0.0.1:8080")]
    pub api: String,
    /// Bearer token; without it, the data folder's
    #[arg(long, value_name = "TOKEN", env = "PLANSHIFT_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Data folder of the services, where the local token lies
    #[arg(long, value_name = "DIR", env = "PLANSHIFT_DATA", default_value = "planshift-data")]
    pub data: PathBuf,
    /// Print JSON for programs
    #[arg(long, env = "PLANSHIFT_JSON", value_parser = FalseyValueParser::new())]
    pub json: bool,
}

/// A customer.
#[derive(Clone, Debug, Args)]
pub struct CustomerArg {
    /// The customer's tenant id
    #[arg(long, value_name = "ID", env = "PLANSHIFT_CUSTOMER")]
    pub customer: CustomerId,
}

/// A partner.
#[derive(Clone, Debug, Args)]
pub struct PartnerArg {
    /// The partner's tenant id, where several partners have the customer
    #[arg(long, value_name = "ID", env = "PLANSHIFT_PARTNER")]
    pub partner: Option<PartnerId>,
}

/// Options of `import`.
#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// The account document; - is standard input. A name that ends in .ndjson or .jsonl is read in lines
    #[arg(value_name = "ACCOUNTS.json")]
    pub accounts: PathBuf,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Options of `plan`.
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// Who would move
    #[command(flatten)]
    pub customer: CustomerArg,
    /// Whose customer
    #[command(flatten)]
    pub partner: PartnerArg,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Options of `start`.
#[derive(Clone, Debug, Args)]
pub struct StartArgs {
    /// Who moves
    #[command(flatten)]
    pub customer: CustomerArg,
    /// Whose customer
    #[command(flatten)]
    pub partner: PartnerArg,
    /// Do exactly what `planshift plan` has shown, or nothing: the hash that it printed
    #[arg(long, value_name = "HASH", env = "PLANSHIFT_PLAN_HASH")]
    pub plan_hash: Option<String>,
    /// Wait until it ends or needs an operator; ends with 3 where that is not Completed
    #[arg(long, env = "PLANSHIFT_WAIT", value_parser = FalseyValueParser::new())]
    pub wait: bool,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Options of `list`.
#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    /// Only those of this customer
    #[arg(long, value_name = "ID", env = "PLANSHIFT_CUSTOMER")]
    pub customer: Option<CustomerId>,
    /// Only those of this partner
    #[arg(long, value_name = "ID", env = "PLANSHIFT_PARTNER")]
    pub partner: Option<PartnerId>,
    /// Only those in this state
    #[arg(long, value_name = "STATE", env = "PLANSHIFT_STATE", value_parser = state)]
    pub state: Option<State>,
    /// Only those with this of Partner Center's statuses
    #[arg(long, value_name = "STATUS", env = "PLANSHIFT_STATUS", value_parser = status)]
    pub status: Option<String>,
    /// Only those that were accepted after this: 2026-11-22T16:00:00Z
    #[arg(long, value_name = "TIME", env = "PLANSHIFT_STARTED_AFTER")]
    pub started_after: Option<Timestamp>,
    /// Only those that were accepted before this
    #[arg(long, value_name = "TIME", env = "PLANSHIFT_STARTED_BEFORE")]
    pub started_before: Option<Timestamp>,
    /// Only those that were accepted longer ago than this: 90s, 15m, 2h
    #[arg(long, value_name = "LENGTH", env = "PLANSHIFT_OLDER_THAN", value_parser = length)]
    pub older_than: Option<i64>,
    /// The one with this id, of its own or of its customer, one of its plans, one of its subscriptions
    #[arg(long, value_name = "ID", env = "PLANSHIFT_ID", value_parser = id)]
    pub id: Option<Uuid>,
    /// Only those with this text in the customer's name or domain, the failure, or who started it
    #[arg(long, value_name = "TEXT", env = "PLANSHIFT_Q")]
    pub q: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", env = "PLANSHIFT_SIZE", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub size: u32,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Source: Partner Center's statuses of an upgrade.
const STATUSES: [&str; 4] = ["Pending", "InProgress", "Completed", "Failed"];

/// Options of `status`.
#[derive(Clone, Debug, Args)]
pub struct OneArgs {
    /// The transition
    #[arg(value_name = "TRANSITION")]
    pub id: TransitionId,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Options of `report`.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// The transition and the API
    #[command(flatten)]
    pub one: OneArgs,
}

/// Options of `watch`.
#[derive(Clone, Debug, Args)]
pub struct WatchArgs {
    /// The transition and the API
    #[command(flatten)]
    pub one: OneArgs,
}

/// Who acts, and why.
#[derive(Clone, Debug, Args)]
pub struct WhoArgs {
    /// Why; kept for ever
    #[arg(long, value_name = "TEXT", env = "PLANSHIFT_REASON", default_value = "")]
    pub reason: String,
    /// Who; kept with it. Without it the user of this machine
    #[arg(long, value_name = "NAME", env = "PLANSHIFT_ACTOR")]
    pub actor: Option<String>,
}

impl WhoArgs {
    /// The name that is given, or the user's.
    pub fn actor(&self) -> Option<String> {
        let user = || ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        self.actor.clone().or_else(user).filter(|name| !name.is_empty())
    }
}

/// Options of `cancel`, `resume` and `close`.
#[derive(Clone, Debug, Args)]
pub struct ActArgs {
    /// Who, and why
    #[command(flatten)]
    pub who: WhoArgs,
    /// The transition and the API
    #[command(flatten)]
    pub one: OneArgs,
}

/// Options of `steps`.
#[derive(Clone, Debug, Args)]
pub struct StepsArgs {
    /// What to do; without it, how the steps are
    #[command(subcommand)]
    pub act: Option<StepCommand>,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// What may be done to a step.
#[derive(Clone, Debug, Subcommand)]
pub enum StepCommand {
    /// Send nothing of a step any more; what is on its way goes to its end, and deadlines stand still
    Pause(StepArgs),
    /// Let a step go on
    Resume(StepArgs),
}

/// A step, and who acts on it.
#[derive(Clone, Debug, Args)]
pub struct StepArgs {
    /// eligibility, purchasing, mapping or suspension
    #[arg(value_name = "STEP")]
    pub step: Step,
    /// Who, and why
    #[command(flatten)]
    pub who: WhoArgs,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Options of `stuck`.
#[derive(Clone, Debug, Args)]
pub struct StuckArgs {
    /// Those that have not moved for longer than this: 90s, 15m, 2h
    #[arg(long, value_name = "TIME", env = "PLANSHIFT_LONGER_THAN", default_value = "15m", value_parser = length)]
    pub longer_than: i64,
    /// Only those of this partner
    #[arg(long, value_name = "ID", env = "PLANSHIFT_PARTNER")]
    pub partner: Option<PartnerId>,
    /// How many at most
    #[arg(long, value_name = "N", env = "PLANSHIFT_SIZE", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub size: u32,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

fn length(text: &str) -> Result<i64, String> {
    seconds_of(text).filter(|seconds| *seconds >= 0).ok_or_else(|| "a length of time like 90s, 15m or 2h was expected".to_owned())
}

fn status(text: &str) -> Result<String, String> {
    let known = STATUSES.iter().find(|status| status.eq_ignore_ascii_case(text));
    known.map(|status| (*status).to_owned()).ok_or_else(|| format!("one of {} was expected", STATUSES.join(", ")))
}

fn id(text: &str) -> Result<Uuid, String> {
    parse_guid(text).ok_or_else(|| "a GUID was expected".to_owned())
}

fn state(text: &str) -> Result<State, String> {
    State::from_name(text).ok_or_else(|| format!("one of {} was expected", State::ALL.map(State::name).join(", ")))
}
