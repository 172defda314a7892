//! That the ledger's statements find their rows by the key, however large it grows.

use super::{claim, read};
use crate::{Args, Database, Migration, Statement, Value};
use uuid::Uuid;

/// The plan of a statement on SQLite, which shows it without having many rows; on Postgres it depends on statistics.
async fn plan(database: &Database, statement: &Statement, args: Args) -> String {
    let template: &'static str = format!("EXPLAIN QUERY PLAN {}", statement.template()).leak();
    let rows = database.query(&Statement::new(template), args).await.unwrap();
    rows.iter().map(|row| row.get::<String>(3).unwrap()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn rows_are_found_by_their_key() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open_sqlite(folder.path().join("x.db")).await.unwrap();
    database.migrate(&[Migration { version: 1, name: "ledger", sql: super::LEDGER_TABLE }]).await.unwrap();
    let key = vec![Value::from(Uuid::nil()), "a".into()];
    let row = vec![Value::from(Uuid::nil()), "a".into(), "done".into(), 1_i64.into(), Value::Null, 1_i64.into()];
    let plans = [
        plan(&database, &read::LOAD, Args::new().value("s").rows(vec![key])).await,
        plan(&database, &claim::UPDATE, Args::new().value("s").rows(vec![row])).await,
        plan(&database, &read::PAGE, Args::new().value(Uuid::nil()).value("").value("").value(1_i64)).await,
    ];
    for plan in plans {
        let ledger: Vec<&str> = plan.lines().filter(|line| line.contains("USING PRIMARY KEY") && line.starts_with("SEARCH")).collect();
        assert_eq!(ledger.len(), 1, "{plan}");
    }
}
