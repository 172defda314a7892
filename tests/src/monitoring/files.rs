//! The files of rules and of runbooks. They are read line by line: their form is simple, and `promtool` says whether they are YAML.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// An alert of the rules.
#[derive(Debug)]
pub struct Alert {
    /// Its name.
    pub name: String,
    /// `critical`, `warning`.
    pub severity: String,
    /// The page that it names.
    pub runbook: String,
    /// The file it is in, without its ending.
    pub file: String,
}

/// The project's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the project's folder")
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == ending));
    files.sort();
    files
}

/// Every file of rules.
pub fn rule_files() -> Vec<PathBuf> {
    files("deploy/prometheus/rules", "yml")
}

/// Every page of a runbook, by its name without the ending; the list of all is none.
pub fn runbooks() -> Vec<String> {
    let name = |path: &PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
    files("docs/runbooks", "md").iter().map(name).filter(|name| name != "README").collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every alert.
pub fn alerts() -> Vec<Alert> {
    let mut alerts: Vec<Alert> = Vec::new();
    for path in rule_files() {
        let file = path.file_stem().expect("a name").to_string_lossy().into_owned();
        for line in read(&path).lines().map(str::trim) {
            if let Some(name) = line.strip_prefix("- alert: ") {
                alerts.push(Alert { name: name.to_owned(), severity: String::new(), runbook: String::new(), file: file.clone() });
            } else if let (Some(severity), Some(alert)) = (line.strip_prefix("severity: "), alerts.last_mut()) {
                severity.clone_into(&mut alert.severity);
            } else if let (Some(runbook), Some(alert)) = (line.strip_prefix("runbook_url: "), alerts.last_mut()) {
                runbook.clone_into(&mut alert.runbook);
            }
        }
    }
    alerts
}

/// The name of each rule, with its expression; a recorded one's name has colons.
pub fn expressions() -> Vec<(String, String)> {
    let mut rules: Vec<(String, String)> = Vec::new();
    for path in rule_files() {
        let mut is_open = false;
        for line in read(&path).lines() {
            let text = line.trim();
            if let Some(name) = text.strip_prefix("- alert: ").or_else(|| text.strip_prefix("- record: ")) {
                rules.push((name.to_owned(), String::new()));
                is_open = false;
            } else if let (Some(expression), Some(rule)) = (text.strip_prefix("expr: "), rules.last_mut()) {
                rule.1.push_str(if expression == ">-" { "" } else { expression });
                is_open = expression == ">-";
            } else if is_open && line.starts_with("          ") {
                if let Some(rule) = rules.last_mut() {
                    rule.1 = format!("{} {text}", rule.1);
                }
            } else {
                is_open = false;
            }
        }
    }
    rules
}

pub(super) fn recorded() -> Vec<(String, String)> {
    expressions().into_iter().filter(|(name, _)| name.contains(':')).collect()
}
