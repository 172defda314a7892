//! `migrate`: brings the databases to this version.

use crate::{
    cli::MigrateArgs,
    exit::{Exit, Outcome},
    host, output, settings,
};

/// Migrates every service's schema, in the data folder or in PostgreSQL.
///
/// # Errors
/// Program: a schema that is newer than this program, the data folder in use, a server not reached.
pub async fn migrate(args: MigrateArgs) -> Outcome {
    let keeping = settings::keeping(&args.store, &settings::process_environment)?;
    for (service, applied) in host::migrate(&keeping).await? {
        let versions = applied.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let what = if applied.is_empty() { "is at this version already".to_owned() } else { format!("applied {versions}") };
        output::print(&format!("{:<12} {what}\n", service.name()))?;
    }
    Ok(Exit::Done)
}
