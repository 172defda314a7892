//! `status`: a transition with its plans and lines.

use crate::{
    cli::OneArgs,
    client::Api,
    exit::{Exit, Outcome},
    output::{
        self, json,
        style::{To, plain_words},
        table, text,
    },
};
use planshift_domain::{transition::Finding, view::TransitionView};
use std::fmt::Write as _;

/// How many lines a table shows.
const LINES_SHOWN: usize = 50;

/// Prints the transition.
///
/// # Errors
/// The API's.
pub async fn status(args: OneArgs) -> Outcome {
    let api = Api::from_args(&args.api)?;
    let view = api.get(args.id).await?;
    let name = if args.api.json { None } else { api.company_name(view.customer_id).await };
    print(&view, name.as_deref(), args.api.json)?;
    Ok(Exit::Done)
}

/// Prints a transition, for programs or for people, who are told what the customer is called where that is known.
///
/// # Errors
/// Program: standard output cannot be written to.
pub fn print(view: &TransitionView, name: Option<&str>, as_json: bool) -> Result<(), crate::exit::Failure> {
    if as_json { json::print_line(view) } else { output::print(&for_people(view, name)) }
}

fn for_people(view: &TransitionView, name: Option<&str>) -> String {
    let mut out = String::new();
    // writing to a string does not fail
    let _ = writeln!(out, "transition {}", view.transition_id);
    let _ = match name {
        Some(name) => writeln!(out, "customer   {} ({})", To::Out.heading(name), view.customer_id),
        None => writeln!(out, "customer   {}", view.customer_id),
    };
    let _ = writeln!(out, "state      {} ({})", To::Out.state(view.state, view.state.name()), plain_words(view.state));
    let _ = writeln!(out, "started    {}", text::moment(view.started_at));
    if let Some(ended) = view.ended_at {
        let _ = writeln!(out, "ended      {} after {:.1} s", text::moment(ended), ended.seconds_since(view.started_at));
    }
    if let Some(effective) = view.lines.iter().find_map(|line| line.effective_at) {
        let _ = writeln!(out, "effective  {} (from then on the plans own the usage)", text::moment(effective));
    }
    if let Some(failure) = &view.failure {
        let _ = writeln!(out, "failure    {} in {} at {}: {}", failure.code, failure.step, failure.resource_id, failure.description);
    }
    findings(&mut out, "reasons", &view.reasons);
    findings(&mut out, "warnings", &view.warnings);
    if !view.plans.is_empty() {
        let _ = write!(out, "\n{}", table::plans(view));
    }
    if !view.lines.is_empty() {
        let _ = write!(out, "\n{}", table::lines(view, LINES_SHOWN));
    }
    out
}

fn findings(out: &mut String, heading: &str, findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", To::Out.heading(heading));
    for finding in findings {
        let _ = writeln!(out, "  {} ({})\n    {}", finding.code, finding.resource_id, finding.description);
    }
}
