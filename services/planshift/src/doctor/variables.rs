//! The environment: a name with a slip in it is read by nobody, and nobody tells.

use super::Finding;
use crate::{cli::Cli, settings::Environment};
use clap::{Command, CommandFactory};
use planshift_worker::{Service, unpacked};
use std::collections::BTreeSet;

const ABOUT: &str = "settings";
/// What is ours.
const PREFIX: &str = "PLANSHIFT_";
/// What belongs to programs around it: the tests, the compose file, scripts.
const OTHERS: [&str; 3] = ["PLANSHIFT_TEST_", "PLANSHIFT_BENCH_", "PLANSHIFT_COMPOSE_"];
/// What may be meant by a name that is unknown: at least so much of it is alike.
const ALIKE: f64 = 0.8;
/// Variables that no option shows, and those that name files: by what they end with.
const OF_SERVICES: [&str; 2] = ["DATABASE_URL", "BROKER_URL"];
const OF_PROVISIONERS: [&str; 7] = ["URL", "TOKEN", "IN_FLIGHT", "TIMEOUT", "RATE", "BURST", "ALLOW_HTTP"];
const WITH_FILES: [&str; 4] = ["_URL", "_TOKEN", "_KEY", "_SECRET"];
/// What a compose file or a script sets for itself, under our name.
const OF_COMPOSE: [&str; 1] = ["PLANSHIFT_IMAGE"];

/// Names that nothing reads, and values that do not fit together.
pub(super) fn look(names: &[String], environment: Environment<'_>) -> Vec<Finding> {
    let known = known();
    let mut findings: Vec<Finding> = names
        .iter()
        .filter(|name| name.starts_with(PREFIX) && !OTHERS.iter().any(|others| name.starts_with(others)) && !known.contains(*name))
        .map(|name| {
            let finding = Finding::warning(ABOUT, format!("{name} is set, and nothing reads it"));
            let nearest = known.iter().map(|known| (strsim::jaro_winkler(name, known), known)).max_by(|a, b| a.0.total_cmp(&b.0));
            match nearest.filter(|(alike, _)| *alike >= ALIKE) {
                Some((_, known)) => finding.mend(format!("is {known} meant?")),
                None => finding.mend("`planshift COMMAND --help` shows the variables of a command"),
            }
        })
        .collect();
    if let Err(problem) = unpacked::unpacked(environment) {
        findings.push(Finding::wrong(ABOUT, problem));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(ABOUT, "every variable that is set is read by something"));
    }
    findings
}

/// Every variable that something reads.
fn known() -> BTreeSet<String> {
    let mut known = BTreeSet::from([unpacked::VARIABLE, "PLANSHIFT_LOCAL_TOKEN", "PLANSHIFT_OIDC_CLIENT_SECRET"].map(str::to_owned));
    known.extend(OF_COMPOSE.map(str::to_owned));
    of_command(&Cli::command(), &mut known);
    for service in Service::ALL {
        let service = service.name().to_uppercase();
        known.extend(OF_SERVICES.map(|what| format!("{PREFIX}{service}_{what}")));
        known.extend(OF_PROVISIONERS.map(|what| format!("{PREFIX}{service}_PROVISIONER_{what}")));
    }
    let files: Vec<String> =
        known.iter().filter(|name| WITH_FILES.iter().any(|end| name.ends_with(end))).map(|name| format!("{name}_FILE")).collect();
    known.extend(files);
    known
}

fn of_command(command: &Command, known: &mut BTreeSet<String>) {
    known.extend(command.get_arguments().filter_map(|argument| argument.get_env()).map(|name| name.to_string_lossy().into_owned()));
    command.get_subcommands().for_each(|command| of_command(command, known));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Level;

    fn found(names: &[&str]) -> Vec<Finding> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        look(&names, &|_| None)
    }

    #[test]
    fn a_slip_in_a_name_is_told_with_what_may_be_meant() {
        let findings = found(&["PLANSHIFT_DATABSE_URL", "HOME"]);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].level, Level::Warning);
        assert!(findings[0].mend.as_deref().is_some_and(|mend| mend.contains("PLANSHIFT_DATABASE_URL")), "{findings:?}");
    }

    #[test]
    fn what_is_read_is_not_told() {
        let findings = found(&[
            "PLANSHIFT_API",
            "PLANSHIFT_TOKEN_FILE",
            "PLANSHIFT_LOCAL_TOKEN_FILE",
            "PLANSHIFT_OIDC_CLIENT_SECRET_FILE",
            "PLANSHIFT_PORTAL_URL",
            "PLANSHIFT_MAPPING_DATABASE_URL_FILE",
            "PLANSHIFT_MAPPING_PROVISIONER_RATE",
            "PLANSHIFT_UNPACKED",
            "PLANSHIFT_WEIGHTS",
            "PLANSHIFT_TEST_SCALE",
            "PATH",
        ]);
        assert!(findings.len() == 1 && findings[0].level == Level::Ok, "{findings:?}");
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let findings = look(&[], &|name| (name == unpacked::VARIABLE).then(|| "maping".to_owned()));
        assert!(findings.iter().any(|finding| finding.level == Level::Wrong && finding.found.contains("maping")), "{findings:?}");
    }
}
