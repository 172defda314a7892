//! `instances` and `queues`: what of the installation lives, and what waits in it.

use crate::{
    cli::ApiArgs,
    client::{Api, Instances},
    exit::{Exit, Outcome},
    output::{self, json, table, text},
};
use std::fmt::Write as _;

/// Shows the processes.
///
/// # Errors
/// The API's.
pub async fn instances(args: ApiArgs) -> Outcome {
    let instances = Api::from_args(&args)?.instances().await?;
    if args.json {
        json::print_line(&instances)?;
    } else {
        output::print(&for_people(&instances))?;
    }
    Ok(Exit::Done)
}

fn for_people(instances: &Instances) -> String {
    let mut out = table::instances(&instances.items);
    // writing to a string does not fail
    if instances.versions.len() > 1 {
        let _ = writeln!(out, "more than one version is at work: {}", text::printable(&instances.versions.join(", ")));
    }
    if !instances.too_many.is_empty() {
        let _ = writeln!(out, "there are more than are listed of {}", instances.too_many.join(", "));
    }
    if !instances.complete {
        let _ = writeln!(out, "this gateway has just begun to listen: it may not have heard everybody yet");
    }
    out
}

/// Shows the queues.
///
/// # Errors
/// The API's.
pub async fn queues(args: ApiArgs) -> Outcome {
    let queues = Api::from_args(&args)?.queues().await?;
    if args.json {
        json::print_line(&queues)?;
    } else {
        output::print(&table::queues(&queues.items))?;
    }
    Ok(Exit::Done)
}
