//! A data folder as real runs leave it: a completed transition, one that was compensated and then completed, one that was
//! compensated, one that needs an operator, and one that was refused.

use crate::process::Staying;
use planshift_storage::Database;
use serde::Deserialize;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};
use tempfile::TempDir;

/// The program itself.
pub fn planshift(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

/// The same, not started yet.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_planshift"));
    // what this process was started with must not decide what is tested
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PLANSHIFT_")) {
        command.env_remove(name);
    }
    command.args(args);
    command
}

/// A folder of files.
pub struct Left(TempDir);

impl Left {
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    pub fn path(&self) -> String {
        self.folder().to_string_lossy().into_owned()
    }

    /// The same files, for one who breaks them.
    pub fn copy(&self) -> Self {
        let copy = tempfile::tempdir().unwrap();
        for file in fs::read_dir(self.folder()).unwrap().map(|file| file.unwrap().path()) {
            // a log may go just now: the connections that were closed last take it away
            match fs::copy(&file, copy.path().join(file.file_name().unwrap())) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                copied => drop(copied.unwrap()),
            }
        }
        Self(copy)
    }

    pub async fn run_script(&self, service: &str, sql: &str) {
        let database = Database::open_sqlite(self.folder().join(format!("{service}.db"))).await.unwrap();
        let mut tx = database.begin().await.unwrap();
        tx.run_script(sql).await.unwrap();
        tx.commit().await.unwrap();
        database.close().await;
    }
}

/// Made once for all tests; nobody may change it.
pub fn after_runs() -> &'static Left {
    static LEFT: OnceLock<Left> = OnceLock::new();
    LEFT.get_or_init(|| {
        let left = Left(tempfile::tempdir().unwrap());
        let run = |sample: &str, options: &[&str], exit: i32| {
            let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/accounts").join(sample);
            let data = left.path();
            let mut args = vec!["run", path.to_str().unwrap(), "--data", &data, "--json"];
            args.extend(options);
            let out = planshift(&args);
            assert_eq!(out.status.code(), Some(exit), "{sample}: {}", String::from_utf8_lossy(&out.stderr));
        };
        run("two-resellers.json", &["--fail", "mapping=b1beb621-3cad-4d7a-b360-62db33ce0002"], 3);
        run("two-resellers.json", &[], 0);
        // newer facts of a customer that has moved, and a transition with nothing left to do
        run("two-resellers.json", &[], 0);
        run("moved-billing-owner.json", &["--fail", "purchasing=none"], 3);
        run("direct-one-plan.json", &["--fail", "suspension=5f0f3f2e-90ab-4c0d-8b7e-000000000002"], 3);
        run("blocked.json", &[], 3);
        bring_usage(&left);
        left
    })
}

/// Usage of subscriptions that have moved and of one that came back, before and long after: both owners have some.
fn bring_usage(left: &Left) {
    let (data, file) = (left.path(), left.folder().join("usage.ndjson"));
    let document = fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/accounts/two-resellers.json")).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
    let record = |azure: &str, day: &str| {
        format!(
            r#"{{"EntitlementId":"{azure}","usageStartTime":"{day}T00:00:00Z","usageEndTime":"{day}T01:00:00Z","quantity":1.5,"unit":"Hours","resource":{{"id":"m"}}}}"#
        )
    };
    let azure = ["b1beb621-3cad-4d7a-b360-62db33ce0001", "b1beb621-3cad-4d7a-b360-62db33ce0002"];
    let records = azure.iter().flat_map(|azure| ["2020-01-01", "2099-01-01"].map(|day| record(azure, day)));
    fs::write(&file, records.collect::<Vec<_>>().join("\n")).unwrap();
    let serve = Staying::start(&["serve", "--data", &data, "--listen", "127.0.0.1:0"]);
    let api = serve.said_after("API  ");
    let partner = document["partner"]["id"].as_str().unwrap();
    let out = planshift(&["usage", "import", file.to_str().unwrap(), "--partner", partner, "--api", &api, "--data", &data]);
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(serve.stop(), Some(0));
    fs::remove_file(file).unwrap();
}

/// What `verify --json` has printed.
#[derive(Debug)]
pub struct Found {
    pub exit: i32,
    pub rows: Vec<Row>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read for messages, and to see that nothing else is printed")]
pub struct Row {
    pub id: String,
    pub statement: String,
    pub checked: u64,
    pub violations: u64,
    pub found: Vec<Violation>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "read for messages")]
pub struct Violation {
    pub subject: String,
    pub text: String,
}

impl Found {
    /// The invariants that are violated.
    pub fn violated(&self) -> BTreeSet<&str> {
        self.rows.iter().filter(|row| row.violations > 0).map(|row| row.id.as_str()).collect()
    }

    /// All of them in words.
    pub fn violations(&self) -> Vec<String> {
        self.rows.iter().flat_map(|row| row.found.iter().map(|found| format!("{}: {}", row.id, found.text))).collect()
    }
}

pub fn verify(folder: &Path) -> Found {
    let out = planshift(&["verify", "--json", "--data", &folder.to_string_lossy()]);
    let text = String::from_utf8(out.stdout).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    Found { exit: out.status.code().unwrap_or(-1), rows }
}
