//! `steps`: how each one is; one paused for everyone, or let go on.

use crate::{
    cli::{StepCommand, StepsArgs},
    client::{Api, Steps},
    exit::{Exit, Outcome},
    output::{self, json, table, text},
};
use planshift_domain::message::operator::StepActKind;
use std::fmt::Write as _;

/// Shows the steps, after acting on one where that is asked.
///
/// # Errors
/// The API's.
pub async fn steps(args: StepsArgs) -> Outcome {
    let (api, steps) = match args.act {
        None => {
            let steps = Api::from_args(&args.api)?.steps().await?;
            (args.api, steps)
        }
        Some(StepCommand::Pause(step)) => {
            let steps = Api::from_args(&step.api)?.act_on_step(step.step, StepActKind::Pause, &step.who).await?;
            (step.api, steps)
        }
        Some(StepCommand::Resume(step)) => {
            let steps = Api::from_args(&step.api)?.act_on_step(step.step, StepActKind::Resume, &step.who).await?;
            (step.api, steps)
        }
    };
    if api.json {
        json::print_line(&steps)?;
    } else {
        output::print(&for_people(&steps))?;
    }
    Ok(Exit::Done)
}

fn for_people(steps: &Steps) -> String {
    let mut out = table::steps(&steps.items);
    for step in &steps.items {
        if let Some(last) = step.last.as_ref().filter(|_| step.paused) {
            let because = if last.reason.is_empty() { String::new() } else { format!(": {}", last.reason) };
            // writing to a string does not fail
            let _ = writeln!(out, "{} was paused by {} at {}{because}", step.step, last.actor, text::moment(last.at));
        }
    }
    let _ = match steps.waiting {
        0 => writeln!(out, "at most {} transitions are under way at a time; nobody waits in line", steps.under_way_limit),
        waiting => writeln!(out, "at most {} transitions are under way at a time; {waiting} wait in line", steps.under_way_limit),
    };
    out
}
