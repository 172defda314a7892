//! The suite on SQLite, and on Postgres where `PLANSHIFT_TEST_POSTGRES_URL` names a server (a role that may create schemas).

use super::{CASES, Outcome, Place};
use crate::{DEFAULT_POOL_SIZE, Database, StorageError};
use std::env;
use std::path::PathBuf;
use std::time::Duration;
use uuid::Uuid;

/// A case that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(120);

pub(super) struct SqliteFile(pub(super) PathBuf);

#[async_trait::async_trait]
impl Place for SqliteFile {
    async fn open(&self) -> Result<Database, StorageError> {
        Database::open_sqlite(&self.0).await
    }
}

struct PostgresSchema {
    url: String,
    schema: String,
}

#[async_trait::async_trait]
impl Place for PostgresSchema {
    async fn open(&self) -> Result<Database, StorageError> {
        Database::connect_postgres(&self.url, &self.schema, DEFAULT_POOL_SIZE).await
    }
}

async fn run(name: &str, outcome: impl Future<Output = Outcome>, failures: &mut Vec<String>) {
    let started = std::time::Instant::now();
    match tokio::time::timeout(LIMIT, outcome).await {
        Ok(Ok(())) => println!("ok     {:>5} ms  {name}", started.elapsed().as_millis()),
        Ok(Err(failure)) => failures.push(format!("{name}: {failure}")),
        Err(_) => failures.push(format!("{name}: hangs")),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let mut failures = Vec::new();
    for (number, (name, case)) in CASES.iter().enumerate() {
        let place = SqliteFile(folder.path().join(format!("{number}.db")));
        run(name, case(&place), &mut failures).await;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres() {
    let Ok(url) = env::var("PLANSHIFT_TEST_POSTGRES_URL") else {
        println!("not run: PLANSHIFT_TEST_POSTGRES_URL is not set");
        return;
    };
    let mut failures = Vec::new();
    for (name, case) in CASES {
        let place = PostgresSchema { url: url.clone(), schema: format!("test_{}", Uuid::new_v4().simple()) };
        run(name, case(&place), &mut failures).await;
        let database = place.open().await.unwrap();
        let mut tx = database.begin().await.unwrap();
        tx.run_script(&format!("DROP SCHEMA IF EXISTS {} CASCADE", place.schema)).await.unwrap();
        tx.commit().await.unwrap();
        database.close().await;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://nobody:secret@127.0.0.1:{port}/nothing?sslmode=disable");
    let database = Database::connect_postgres(&url, "mapping", 1).await.unwrap();
    let result = database.begin().await;
    assert!(matches!(&result, Err(StorageError::Unavailable(message)) if !message.contains("secret")), "{result:?}");
}

#[tokio::test]
async fn names_and_urls_are_checked_at_once() {
    for schema in ["", "Mapping", "1st", "a-b", "a;b", &"x".repeat(64)] {
        assert!(
            matches!(Database::connect_postgres("postgres://localhost/x", schema, 1).await, Err(StorageError::Schema(_))),
            "{schema:?}"
        );
    }
    let wrong = Database::connect_postgres("not a url: secret", "mapping", 1).await;
    assert!(matches!(&wrong, Err(StorageError::Schema(message)) if !message.contains("secret")), "{wrong:?}");
    assert!(matches!(Database::open_sqlite("/nonexistent/folder/x.db").await, Err(StorageError::Unavailable(_))));
}
