//! Options of the commands that host the API: whose tokens count, and how fast partners may ask.

use clap::{Args, builder::FalseyValueParser};

/// Whose tokens count. The local token is that of the data folder, or `PLANSHIFT_LOCAL_TOKEN` or its `_FILE`.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Who may")]
pub struct AuthArgs {
    /// OpenID provider whose tokens count, as they name it; {tenantid} stands for a token's tenant
    #[arg(long, value_name = "URL", env = "PLANSHIFT_OIDC_ISSUER")]
    pub oidc_issuer: Option<String>,
    /// Whom tokens must be for; several with commas between them
    #[arg(long, value_name = "AUDIENCE", env = "PLANSHIFT_OIDC_AUDIENCE", value_delimiter = ',')]
    pub oidc_audience: Vec<String>,
    /// Where the provider's keys are; without it, the provider's description of itself says so
    #[arg(long, value_name = "URL", env = "PLANSHIFT_OIDC_JWKS_URL")]
    pub oidc_jwks_url: Option<String>,
    /// Tenants whose tokens count; without it, all of the issuer's
    #[arg(long, value_name = "TENANT", env = "PLANSHIFT_OIDC_TENANTS", value_delimiter = ',')]
    pub oidc_tenants: Vec<String>,
    /// Tenant in which the role Operator makes an operator of the whole installation
    #[arg(long, value_name = "TENANT", env = "PLANSHIFT_OIDC_OPERATOR_TENANT")]
    pub oidc_operator_tenant: Option<String>,
    /// As what the portal is registered with the provider: people sign in there; its secret is in PLANSHIFT_OIDC_CLIENT_SECRET or its _FILE
    #[arg(long, value_name = "ID", env = "PLANSHIFT_OIDC_CLIENT_ID")]
    pub oidc_client_id: Option<String>,
    /// What is asked for when people sign in; several with spaces between them; without it, `openid profile`
    #[arg(long, value_name = "SCOPES", env = "PLANSHIFT_OIDC_SCOPES", value_delimiter = ' ')]
    pub oidc_scopes: Vec<String>,
    /// What people's browsers reach the portal by, an https URL of a host alone: the provider sends them back there
    #[arg(long, value_name = "URL", env = "PLANSHIFT_PORTAL_URL")]
    pub portal_url: Option<String>,
    /// Listen where others reach it though only the local token keeps them out (behind something that speaks TLS)
    #[arg(long, env = "PLANSHIFT_ALLOW_REMOTE", value_parser = FalseyValueParser::new())]
    pub allow_remote: bool,
    /// How many requests a minute a partner may make
    #[arg(long, value_name = "N", env = "PLANSHIFT_REQUESTS_PER_MINUTE", value_parser = clap::value_parser!(u32).range(1..))]
    pub requests_per_minute: Option<u32>,
    /// How many of them may come at once
    #[arg(long, value_name = "N", env = "PLANSHIFT_REQUEST_BURST", value_parser = clap::value_parser!(u32).range(1..))]
    pub request_burst: Option<u32>,
}
