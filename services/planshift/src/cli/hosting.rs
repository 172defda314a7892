//! Options of the commands that run services, and of what they keep.

use super::{AuthArgs, Every, PortalArgs, SendingArgs};
use clap::{Args, builder::FalseyValueParser};
use planshift_coordinator::{
    Line, Weights,
    line::{self, InvalidWeights},
};
use std::{net::SocketAddr, path::PathBuf};

/// Where data and messages are kept.
#[derive(Clone, Debug, Args)]
pub struct StoreArgs {
    /// Folder of the embedded store: databases and queues in files, one process at a time; and of the local token
    #[arg(long, value_name = "DIR", env = "PLANSHIFT_DATA", default_value = "planshift-data")]
    pub data: PathBuf,
    /// PostgreSQL instead of files; needs --broker (PLANSHIFT_MAPPING_DATABASE_URL and so on give one service its own)
    #[arg(long, value_name = "URL", env = "PLANSHIFT_DATABASE_URL", hide_env_values = true)]
    pub database: Option<String>,
    /// RabbitMQ instead of queues in this process; needs --database
    #[arg(long, value_name = "URL", env = "PLANSHIFT_BROKER_URL", hide_env_values = true)]
    pub broker: Option<String>,
}

/// How many transitions may be under way, and how partners share them.
#[derive(Clone, Debug, Args)]
pub struct LineArgs {
    /// How many transitions may be under way at a time, in all replicas together; further ones wait in line
    #[arg(long, value_name = "N", env = line::UNDER_WAY_VARIABLE, default_value_t = line::UNDER_WAY,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub under_way: u32,
    /// How many of them in the background: of batches and schedules. The fewer, the quicker is a single start behind a batch
    #[arg(long, value_name = "N", env = line::BACKGROUND_VARIABLE, default_value_t = line::BACKGROUND,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub background: u32,
    /// Weights of partners, PARTNER=WEIGHT with commas between them: how much of what may be under way is whose, while several have
    /// something in line; 1 where nothing is said
    #[arg(long, value_name = "LIST", env = line::WEIGHTS_VARIABLE, default_value = "", hide_default_value = true, value_parser = weights)]
    pub weights: Weights,
}

impl LineArgs {
    /// As the coordinator takes them.
    pub fn line(&self) -> Line {
        Line { under_way: self.under_way, background: self.background, weights: self.weights.clone() }
    }
}

fn weights(text: &str) -> Result<Weights, InvalidWeights> {
    if text.is_empty() { Ok(Weights::default()) } else { text.parse() }
}

/// Options of `serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// What is kept where
    #[command(flatten)]
    pub store: StoreArgs,
    /// Address of the API; one that others reach needs an OpenID provider, or --allow-remote
    #[arg(long, value_name = "ADDRESS", env = "PLANSHIFT_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Address of /healthz, /readyz and /metrics; never public
    #[arg(long, value_name = "ADDRESS", env = "PLANSHIFT_ADMIN", default_value = "127.0.0.1:8081")]
    pub admin: SocketAddr,
    /// Verify every invariant beside it after this time (90s, 15m, 6h), and tell the page of operations; or never
    #[arg(long, value_name = "TIME", env = "PLANSHIFT_VERIFY_EVERY", default_value = "15m")]
    pub verify_every: Every,
    /// How many at a time
    #[command(flatten)]
    pub line: LineArgs,
    /// Whose tokens count
    #[command(flatten)]
    pub auth: AuthArgs,
    /// How webhooks are sent
    #[command(flatten)]
    pub sending: SendingArgs,
    /// What pages lead to
    #[command(flatten)]
    pub portal: PortalArgs,
}

/// Options of a worker or the coordinator alone.
#[derive(Clone, Debug, Args)]
pub struct ServiceArgs {
    /// What is kept where
    #[command(flatten)]
    pub store: StoreArgs,
    /// Address of /healthz, /readyz and /metrics; never public
    #[arg(long, value_name = "ADDRESS", env = "PLANSHIFT_ADMIN")]
    pub admin: Option<SocketAddr>,
}

/// Options of the coordinator alone.
#[derive(Clone, Debug, Args)]
pub struct CoordinatorArgs {
    /// As every service
    #[command(flatten)]
    pub service: ServiceArgs,
    /// How many at a time
    #[command(flatten)]
    pub line: LineArgs,
}

/// Options of the gateway alone.
#[derive(Clone, Debug, Args)]
pub struct GatewayArgs {
    /// As every service
    #[command(flatten)]
    pub service: ServiceArgs,
    /// Address of the API; one that others reach needs an OpenID provider, or --allow-remote
    #[arg(long, value_name = "ADDRESS", env = "PLANSHIFT_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Whose tokens count
    #[command(flatten)]
    pub auth: AuthArgs,
    /// How webhooks are sent
    #[command(flatten)]
    pub sending: SendingArgs,
    /// What pages lead to
    #[command(flatten)]
    pub portal: PortalArgs,
}

/// Options of `migrate`.
#[derive(Clone, Debug, Args)]
pub struct MigrateArgs {
    /// What is kept where
    #[command(flatten)]
    pub store: StoreArgs,
    /// Print one JSON object a line: one for each service, and one for the broker where there is one
    #[arg(long, env = "PLANSHIFT_JSON", value_parser = FalseyValueParser::new())]
    pub json: bool,
}
