//! Options of `dead-letters` and `redrive`.

use super::{ApiArgs, WhoArgs};
use clap::{ArgGroup, Args, Subcommand, builder::FalseyValueParser};
use planshift_domain::ids::TransitionId;
use uuid::Uuid;

/// Which letters are meant: those that meet all that is given.
#[derive(Clone, Debug, Default, Args)]
pub struct WhichArgs {
    /// Only those that died of this: the code, AttemptsUsedUp for example
    #[arg(long, value_name = "CODE", env = "PLANSHIFT_CODE")]
    pub code: Option<String>,
    /// Only those that died in this service's queue
    #[arg(long, value_name = "SERVICE", env = "PLANSHIFT_QUEUE")]
    pub queue: Option<String>,
    /// Only those of this type, MapSubscriptions.v1 for example
    #[arg(long = "type", value_name = "TYPE", env = "PLANSHIFT_TYPE")]
    pub kind: Option<String>,
    /// Only those of this transition
    #[arg(long, value_name = "ID", env = "PLANSHIFT_TRANSITION")]
    pub transition: Option<TransitionId>,
}

/// Options of `dead-letters`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DeadLettersArgs {
    /// What to do; without it, a list
    #[command(subcommand)]
    pub what: Option<LettersCommand>,
    /// Which
    #[command(flatten)]
    pub which: WhichArgs,
    /// How many are listed at most
    #[arg(long, value_name = "N", env = "PLANSHIFT_SIZE", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub size: u32,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// What may be done about dead letters, but for redriving them.
#[derive(Clone, Debug, Subcommand)]
pub enum LettersCommand {
    /// Show one whole, with what became of its earlier chances
    Show(LetterArgs),
    /// Drop letters for good; they are kept in the gateway's database with the reason
    Drop(DropArgs),
    /// List what was dropped, by whom and why
    Dropped(ManyArgs),
    /// List redrives
    Redrives(ManyArgs),
    /// Show a redrive, and which of its letters died again
    Redrive(RedriveOneArgs),
    /// Cancel a redrive: nothing more is sent
    Cancel(CancelRedriveArgs),
}

/// One letter.
#[derive(Clone, Debug, Args)]
pub struct LetterArgs {
    /// The key that the list shows
    #[arg(value_name = "KEY")]
    pub key: String,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// A list.
#[derive(Clone, Debug, Args)]
pub struct ManyArgs {
    /// How many at most
    #[arg(long, value_name = "N", env = "PLANSHIFT_SIZE", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub size: u32,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Letters that something is done to. All of them only where it is said.
#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("meant").args(["keys", "code", "queue", "kind", "transition", "all"]).multiple(true).required(true))]
pub struct MeantArgs {
    /// The keys that the list shows
    #[arg(value_name = "KEY")]
    pub keys: Vec<String>,
    /// Which
    #[command(flatten)]
    pub which: WhichArgs,
    /// Every one
    #[arg(long, conflicts_with_all = ["keys", "code", "queue", "kind", "transition"])]
    pub all: bool,
}

/// Options of `dead-letters drop`.
#[derive(Clone, Debug, Args)]
pub struct DropArgs {
    /// Which
    #[command(flatten)]
    pub meant: MeantArgs,
    /// Who, and why (required)
    #[command(flatten)]
    pub who: WhoArgs,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Options of `redrive`.
#[derive(Clone, Debug, Args)]
pub struct RedriveArgs {
    /// Which
    #[command(flatten)]
    pub meant: MeantArgs,
    /// Letters a second at most
    #[arg(long, value_name = "N", env = "PLANSHIFT_RATE", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub rate: Option<u32>,
    /// The first so many must be seen to succeed, or nothing more is sent
    #[arg(long, value_name = "K", env = "PLANSHIFT_CANARY", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub canary: u32,
    /// Do not wait until it has ended
    #[arg(long, env = "PLANSHIFT_NO_WAIT", value_parser = FalseyValueParser::new())]
    pub no_wait: bool,
    /// Who, and why (required)
    #[command(flatten)]
    pub who: WhoArgs,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// A redrive.
#[derive(Clone, Debug, Args)]
pub struct RedriveOneArgs {
    /// The redrive
    #[arg(value_name = "REDRIVE")]
    pub id: Uuid,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Options of `dead-letters cancel`.
#[derive(Clone, Debug, Args)]
pub struct CancelRedriveArgs {
    /// The redrive
    #[arg(value_name = "REDRIVE")]
    pub id: Uuid,
    /// Who, and why
    #[command(flatten)]
    pub who: WhoArgs,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}
