//! Options of `audit`.

use super::ApiArgs;
use clap::Args;
use planshift_domain::ids::{CustomerId, PartnerId};
use std::path::PathBuf;

/// Options of `audit`.
#[derive(Clone, Debug, Args)]
pub struct AuditArgs {
    /// The customer whose dossier is fetched
    #[arg(long, value_name = "ID", env = "PLANSHIFT_CUSTOMER", required_unless_present = "check", conflicts_with = "check")]
    pub customer: Option<CustomerId>,
    /// The partner's tenant id, where several partners have the customer
    #[arg(long, value_name = "ID", env = "PLANSHIFT_PARTNER")]
    pub partner: Option<PartnerId>,
    /// Write the dossier there, and check it; without it to standard output
    #[arg(long, value_name = "FILE", env = "PLANSHIFT_OUT")]
    pub out: Option<PathBuf>,
    /// Check this dossier, without any server or database; ends with 4 where it is not intact; - is standard input
    #[arg(long, value_name = "FILE")]
    pub check: Option<PathBuf>,
    /// The API
    #[command(flatten)]
    pub api: ApiArgs,
}
