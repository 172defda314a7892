//! RabbitMQ and PostgreSQL for one repetition, by `tests/servers` with its profile for benchmarks.

use crate::block_on;
use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The database that everything is in.
const DATABASE: &str = "planshift";

/// The servers. They are stopped, and what they hold is thrown away, when this is dropped.
#[derive(Debug)]
pub struct Servers {
    folder: PathBuf,
    postgres_url: String,
    rabbitmq_url: String,
}

impl Servers {
    /// Fresh ones, with an empty database.
    ///
    /// # Panics
    /// Where they do not start.
    pub fn start() -> Self {
        // tests/run knows this name: it stops what was left of a run that was killed
        let folder = env::temp_dir().join("servers-bench");
        let script =
            Command::new(script()).arg("start").arg(&folder).env("PLANSHIFT_TEST_SERVERS_PROFILE", "bench").stdin(Stdio::null()).status();
        assert!(script.is_ok_and(|status| status.success()), "the servers do not start");
        let text = fs::read_to_string(folder.join("env")).expect("the servers' addresses");
        let address = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).expect("an address").to_owned();
        let (postgres_url, rabbitmq_url) = (address("PLANSHIFT_TEST_POSTGRES_URL"), address("PLANSHIFT_TEST_RABBITMQ_URL"));
        let servers = Self { folder, postgres_url, rabbitmq_url };
        servers.run(&format!("CREATE DATABASE {DATABASE}"));
        servers
    }

    /// The URL of the database.
    pub fn database_url(&self) -> String {
        self.postgres_url.strip_suffix("/postgres").map_or_else(|| self.postgres_url.clone(), |server| format!("{server}/{DATABASE}"))
    }

    /// The URL of the broker.
    pub fn broker_url(&self) -> &str {
        &self.rabbitmq_url
    }

    /// The processes that all of theirs descend from, by name.
    pub fn roots(&self) -> Vec<(String, u32)> {
        let id = |file: &str| {
            let text = fs::read_to_string(self.folder.join(file)).expect("a server's process id");
            text.lines().next().and_then(|line| line.trim().parse().ok()).expect("a process id")
        };
        vec![("postgres".to_owned(), id("postgres/postmaster.pid")), ("rabbitmq".to_owned(), id("rabbitmq/pid"))]
    }

    /// So that what was written before is not written to its place within what is measured.
    pub fn checkpoint(&self) {
        self.run("CHECKPOINT");
    }

    fn run(&self, statement: &str) {
        let outcome = block_on(async {
            let options: PgConnectOptions = self.postgres_url.parse()?;
            let mut connection = options.disable_statement_logging().connect().await?;
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await?;
            connection.close().await
        });
        outcome.unwrap_or_else(|error: sqlx::Error| panic!("{statement}: {error}"));
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let stopped = Command::new(script()).arg("stop").arg(&self.folder).stdin(Stdio::null()).status();
        if !stopped.is_ok_and(|status| status.success()) {
            eprintln!("bench: the servers in {} were not stopped", self.folder.display());
        }
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("servers")
}
