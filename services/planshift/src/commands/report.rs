//! `report`: what failed, what was undone, what is as it was, who must do what next.

use crate::{
    cli::ReportArgs,
    client::Api,
    exit::{Exit, Outcome},
    output::{self, json},
};
use serde_json::json;

/// Prints the report, the same text as the API gives.
///
/// # Errors
/// The API's.
pub async fn report(args: ReportArgs) -> Outcome {
    let text = Api::from_args(&args.one.api)?.report(args.one.id).await?;
    if args.one.api.json {
        json::print_line(&json!({ "transitionId": args.one.id, "report": text }))?;
    } else {
        output::print(&with_newline(text))?;
    }
    Ok(Exit::Done)
}

/// The text, with a newline at its end.
pub fn with_newline(mut text: String) -> String {
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}
