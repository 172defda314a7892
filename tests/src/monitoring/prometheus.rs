//! A real Prometheus, which scrapes addresses of this machine; and its `promtool`.

use super::rule_files;
use crate::{http, place::free_port, wait};
use serde_json::Value;
use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// How long it may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// Runs `promtool` with this as its input; gives what it says.
///
/// # Errors
/// What it says, where it is not content.
///
/// # Panics
/// Where there is no `promtool`: the suite `monitoring` installs it.
pub fn promtool(args: &[&str], input: &str) -> Result<String, String> {
    let mut promtool = Command::new("promtool")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool (Debian's package prometheus; `tests/run monitoring` installs it)");
    promtool.stdin.take().expect("its input").write_all(input.as_bytes()).expect("it reads");
    let output = promtool.wait_with_output().expect("promtool ends");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(said) } else { Err(said) }
}

/// A Prometheus that runs. It ends when it is dropped.
#[derive(Debug)]
pub struct Prometheus {
    process: Child,
    address: String,
    _folder: TempDir,
}

impl Prometheus {
    /// With the project's rules; it scrapes, every second, these ports of this machine under these jobs.
    ///
    /// # Panics
    /// Where it does not get ready.
    pub fn start(targets: &[(&str, u16)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for Prometheus");
        let mut configuration = "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files:\n".to_owned();
        for path in rule_files() {
            writeln!(configuration, "  - {}", path.display()).expect("a text");
        }
        configuration.push_str("scrape_configs:\n");
        let mut jobs: Vec<&str> = targets.iter().map(|(job, _)| *job).collect();
        jobs.dedup();
        for job in jobs {
            let of_it: Vec<String> = targets.iter().filter(|(of, _)| *of == job).map(|(_, port)| format!("'127.0.0.1:{port}'")).collect();
            writeln!(configuration, "  - job_name: {job}\n    static_configs: [{{targets: [{}]}}]", of_it.join(", ")).expect("a text");
        }
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, configuration).expect("its configuration");
        let port = free_port();
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("log")).expect("its log"))
            .spawn()
            .expect("prometheus (Debian's package; `tests/run monitoring` installs it)");
        let started = Self { process, address: format!("http://127.0.0.1:{port}"), _folder: folder };
        let ready = format!("{}/-/ready", started.address);
        wait::until("Prometheus is ready", READY_WITHIN, || {
            http::ask(reqwest::Method::GET, &ready, None).is_some_and(|answer| answer.status == 200)
        });
        started
    }

    /// What an expression gives now.
    ///
    /// # Errors
    /// Prometheus's, in its words.
    ///
    /// # Panics
    /// Where it does not answer.
    pub fn query(&self, expression: &str) -> Result<Vec<Value>, String> {
        let url = reqwest::Url::parse_with_params(&format!("{}/api/v1/query", self.address), [("query", expression)]).expect("a URL");
        let answer = http::get(url.as_str()).json();
        match answer["status"].as_str() {
            Some("success") => Ok(answer["data"]["result"].as_array().cloned().unwrap_or_default()),
            _ => Err(answer["error"].to_string()),
        }
    }

    /// Whether the expression gives at least one number that is one.
    pub fn has(&self, expression: &str) -> bool {
        let is_number = |one: &Value| one["value"][1].as_str().is_some_and(|value| value != "NaN");
        self.query(expression).is_ok_and(|found| found.iter().any(is_number))
    }

    /// Groups of rules, with how each rule went when it was last evaluated.
    ///
    /// # Panics
    /// Where it does not answer.
    pub fn rules(&self) -> Vec<Value> {
        let answer = http::get(&format!("{}/api/v1/rules", self.address)).json();
        let groups = answer["data"]["groups"].as_array().cloned().unwrap_or_default();
        groups.iter().flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default()).collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // nothing of it is kept
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
