//! Options of `health`.

use clap::{Args, builder::FalseyValueParser};
use std::net::SocketAddr;

/// Options of `health`.
#[derive(Clone, Debug, Args)]
pub struct HealthArgs {
    /// Administration address of the service that is asked; one that means every address of the machine is asked on its loopback
    #[arg(long, value_name = "ADDRESS", env = "PLANSHIFT_ADMIN", default_value = "127.0.0.1:8081")]
    pub admin: SocketAddr,
    /// Ask whether it is alive (/healthz), not whether it reaches broker and database (/readyz)
    #[arg(long, env = "PLANSHIFT_HEALTH_ALIVE", value_parser = FalseyValueParser::new())]
    pub alive: bool,
    /// Print one JSON object, also where nobody answers
    #[arg(long, env = "PLANSHIFT_JSON", value_parser = FalseyValueParser::new())]
    pub json: bool,
}
