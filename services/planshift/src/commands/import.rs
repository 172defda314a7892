//! `import`: an account document, without moving anyone.

use crate::{
    cli::ImportArgs,
    client::Api,
    document,
    exit::{Exit, Outcome},
    output::{self, json, text},
};
use uuid::Uuid;

/// Checks the document here, so that a faulty one is not sent, and imports it.
///
/// # Errors
/// Usage: the document's faults. Program: the API's refusals.
pub async fn import(args: ImportArgs) -> Outcome {
    let api = Api::from_args(&args.api)?;
    let source = document::load_whole(&args.accounts)?;
    let answer = api.import(&source, Uuid::new_v4()).await?;
    if args.api.json {
        json::print_line(&answer)?;
        return Ok(Exit::Done);
    }
    let taken = usize::try_from(answer.imported).unwrap_or(usize::MAX);
    output::print(&format!("imported {}\n", text::count(taken, "customer")))?;
    for refused in &answer.refused {
        output::print(&format!("not imported: {} {}: {}\n", refused.customer_id, refused.code, refused.description))?;
    }
    Ok(Exit::Done)
}
