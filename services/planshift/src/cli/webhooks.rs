//! Options of `webhooks`, and of the commands that send them.

use super::{ApiArgs, PartnerArg};
use clap::{Args, Subcommand, builder::FalseyValueParser};
use planshift_domain::time::Timestamp;
use std::path::PathBuf;
use uuid::Uuid;

/// How a gateway sends webhooks.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Webhooks")]
pub struct SendingArgs {
    /// What receivers reach the API by, `https://moves.example`; URIs in events begin with it. Without it the address of --listen
    #[arg(long, value_name = "URL", env = "PLANSHIFT_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// PEM file of the RSA key that events are signed with; without it, a key is made once and kept in the gateway's database
    #[arg(long, value_name = "FILE", env = "PLANSHIFT_WEBHOOK_KEY_FILE", requires = "webhook_certificate")]
    pub webhook_key: Option<PathBuf>,
    /// PEM file of that key's certificate
    #[arg(long, value_name = "FILE", env = "PLANSHIFT_WEBHOOK_CERTIFICATE_FILE", requires = "webhook_key")]
    pub webhook_certificate: Option<PathBuf>,
    /// Call http URLs and internal addresses too: for trials, for partners could then reach whatever this machine reaches
    #[arg(long, env = "PLANSHIFT_WEBHOOKS_ALLOW_INTERNAL", value_parser = FalseyValueParser::new())]
    pub webhooks_allow_internal: bool,
    /// For how many days what was delivered is kept; 30 unless said
    #[arg(long, value_name = "DAYS", env = "PLANSHIFT_WEBHOOKS_KEEP_DAYS")]
    pub webhooks_keep_days: Option<u32>,
    /// At which percentages of its budget somebody is warned of a customer's spending, rising; 80,100,120,150,200 unless said, and each
    /// further hundred beyond the last
    #[arg(long, value_name = "LIST", env = "PLANSHIFT_BUDGET_THRESHOLDS")]
    pub budget_thresholds: Option<String>,
}

/// Options of `webhooks`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct WebhooksArgs {
    /// What to do; without it, the registration is shown
    #[command(subcommand)]
    pub what: Option<WebhooksCommand>,
    /// Whose
    #[command(flatten)]
    pub whose: WhoseArgs,
}

/// Whose webhooks.
#[derive(Clone, Debug, Args)]
pub struct WhoseArgs {
    /// The partner; its own token says it too
    #[command(flatten)]
    pub partner: PartnerArg,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// What may be done about webhooks.
#[derive(Clone, Debug, Subcommand)]
pub enum WebhooksCommand {
    /// Register a URL for events, or change the registration
    Register(RegisterArgs),
    /// Take the registration away
    Unregister(WhoseArgs),
    /// Have a test event sent, and wait until it was
    Test(WhoseArgs),
    /// List deliveries, newest first
    Deliveries(DeliveriesArgs),
    /// Show a delivery with its body and its attempts
    Show(DeliveryArgs),
    /// Have a delivery sent anew, whatever became of it
    Redeliver(DeliveryArgs),
    /// Have everything that happened within a time told again
    Replay(ReplayArgs),
}

/// Options of `webhooks register`.
#[derive(Clone, Debug, Args)]
pub struct RegisterArgs {
    /// Where events are sent
    #[arg(value_name = "URL")]
    pub url: String,
    /// An event that is wanted (repeatable); without it, all of product upgrades
    #[arg(long = "event", value_name = "NAME", env = "PLANSHIFT_EVENTS", value_delimiter = ',')]
    pub events: Vec<String>,
    /// Whose
    #[command(flatten)]
    pub whose: WhoseArgs,
}

/// Options of `webhooks deliveries`.
#[derive(Clone, Debug, Args)]
pub struct DeliveriesArgs {
    /// Only those in this state: pending, delivered or dead
    #[arg(long, value_name = "STATE", env = "PLANSHIFT_STATE", value_parser = ["pending", "delivered", "dead"])]
    pub state: Option<String>,
    /// Only those of this event
    #[arg(long, value_name = "NAME", env = "PLANSHIFT_EVENT")]
    pub event: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", env = "PLANSHIFT_SIZE", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub size: u32,
    /// Whose
    #[command(flatten)]
    pub whose: WhoseArgs,
}

/// A delivery.
#[derive(Clone, Debug, Args)]
pub struct DeliveryArgs {
    /// The id that the list shows
    #[arg(value_name = "DELIVERY")]
    pub id: Uuid,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}

/// Options of `webhooks replay`.
#[derive(Clone, Debug, Args)]
pub struct ReplayArgs {
    /// From this time on: 2026-11-22T16:00:00Z
    #[arg(long, value_name = "TIME", env = "PLANSHIFT_FROM")]
    pub from: Timestamp,
    /// Before this time; without it, until now
    #[arg(long, value_name = "TIME", env = "PLANSHIFT_TO")]
    pub to: Option<Timestamp>,
    /// Only this event
    #[arg(long, value_name = "NAME", env = "PLANSHIFT_EVENT")]
    pub event: Option<String>,
    /// Whose
    #[command(flatten)]
    pub whose: WhoseArgs,
}
