//! `cancel`, `resume`, `close`: what a person may do to a transition.

use crate::{
    cli::{ActArgs, OneArgs, WhoArgs},
    client::Api,
    exit::{Exit, Outcome},
    output::{self, json},
};
use serde_json::json;

/// Before the pivot: everything is undone.
///
/// # Errors
/// The API's.
pub async fn cancel(args: ActArgs) -> Outcome {
    act(args.one, "cancel", &args.who, "is being cancelled: what was done is undone").await
}

/// Goes on where it stopped, with a new attempt for what was refused.
///
/// # Errors
/// The API's.
pub async fn resume(args: ActArgs) -> Outcome {
    act(args.one, "resume", &args.who, "goes on").await
}

/// Accepts a compensated failure as it is.
///
/// # Errors
/// The API's.
pub async fn close(args: ActArgs) -> Outcome {
    act(args.one, "close", &args.who, "is closed").await
}

async fn act(one: OneArgs, act: &str, who: &WhoArgs, done: &str) -> Outcome {
    Api::from_args(&one.api)?.act(one.id, act, who).await?;
    if one.api.json {
        json::print_line(&json!({ "transitionId": one.id, "accepted": act }))?;
    } else {
        output::print(&format!("transition {} {done}; follow it with `planshift watch {}`\n", one.id, one.id))?;
    }
    Ok(Exit::Done)
}
