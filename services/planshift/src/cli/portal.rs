//! Options of the portal.

use clap::Args;

/// What the portal's pages lead to.
#[derive(Clone, Debug, Default, Args)]
pub struct PortalArgs {
    /// Where people reach Jaeger: pages link to traces there
    #[arg(long, value_name = "URL", env = planshift_gateway::JAEGER_URL, value_parser = planshift_gateway::web_address)]
    pub jaeger_url: Option<String>,
}
