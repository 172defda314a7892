//! `list`: transitions, newest first.

use crate::{
    cli::ListArgs,
    client::{Api, Which},
    exit::{Exit, Outcome},
    output::{self, json, table},
};

/// Prints a table, or the API's list for programs.
///
/// # Errors
/// The API's.
pub async fn list(args: ListArgs) -> Outcome {
    let which = Which { partner: args.partner, customer: args.customer, state: args.state, size: args.size };
    let list = Api::from_args(&args.api)?.list(which).await?;
    if args.api.json {
        json::print_line(&list)?;
    } else if list.items.is_empty() {
        output::print("no transitions\n")?;
    } else {
        let mut text = table::list(&list.items);
        if list.total_count > list.items.len() as u64 {
            text.push_str(&format!("{} of {}; --size shows more\n", list.items.len(), list.total_count));
        }
        output::print(&text)?;
    }
    Ok(Exit::Done)
}
