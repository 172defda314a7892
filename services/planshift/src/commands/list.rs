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
    let which = Which {
        partner: args.partner,
        customer: args.customer,
        state: args.state,
        status: args.status,
        started_after: args.started_after,
        started_before: args.started_before,
        older_than: args.older_than,
        id: args.id,
        text: args.q,
        size: args.size,
    };
    let list = Api::from_args(&args.api)?.list(which).await?;
    if args.api.json {
        json::print_line(&list)?;
    } else if list.items.is_empty() {
        output::print("no transitions\n")?;
    } else {
        let mut text = table::list(&list.items);
        match list.total_count {
            Some(total) if total > list.items.len() as u64 => {
                text.push_str(&format!("{} of {total}; --size shows more\n", list.items.len()));
            }
            None if list.items.len() >= args.size as usize => text.push_str("there may be more; --size shows them\n"),
            _ => {}
        }
        output::print(&text)?;
    }
    Ok(Exit::Done)
}
