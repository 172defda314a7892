//! `doctor`: what is wrong with a set-up, and how to mend it.

use crate::{
    cli::DoctorArgs,
    doctor::{self, Level},
    exit::{Exit, Outcome},
    output::{self, json},
    settings,
};

/// Prints what it finds; ends with 1 where something is wrong.
///
/// # Errors
/// Program: standard output cannot be written to.
pub async fn doctor(args: DoctorArgs) -> Outcome {
    let names: Vec<String> = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
    let findings = doctor::examine(&args, &names, &settings::process_environment).await;
    if args.api.json {
        json::print_line(&findings)?;
    } else {
        output::print(&doctor::for_people(&findings))?;
    }
    let wrong = findings.iter().any(|finding| finding.level == Level::Wrong);
    Ok(if wrong { Exit::Failed } else { Exit::Done })
}
