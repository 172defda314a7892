//! Tables and checks that the cases share.

use super::{Failure, Place};
use crate::{Args, Database, Migration, Row, Statement, StorageError, Value};

/// The cases' schema.
pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "things and the ledger",
    sql: concat!(
        crate::ledger_table!(),
        "CREATE TABLE thing (name text NOT NULL PRIMARY KEY, size bigint NOT NULL);
         CREATE TABLE anything (place bigint NOT NULL PRIMARY KEY, id uuid, name text, size bigint, done boolean);"
    ),
}];

/// Checks a condition, or fails the case with a message.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::conformance::Failure(format!($($message)+)));
        }
    };
}

/// Checks that two are equal, or fails the case with both.
macro_rules! ensure_eq {
    ($left:expr, $right:expr) => {
        match (&$left, &$right) {
            (left, right) => ensure!(left == right, "{} is {left:?}, expected {right:?}", stringify!($left)),
        }
    };
}

/// Checks that a result is an error of one kind.
macro_rules! ensure_err {
    ($result:expr, $error:pat) => {
        match $result {
            Err($error) => {}
            other => {
                return Err($crate::conformance::Failure(format!("{} gave {other:?}, expected {}", stringify!($result), stringify!($error))))
            }
        }
    };
}
pub(super) use {ensure, ensure_eq, ensure_err};

/// A database with the cases' schema.
pub(super) async fn migrated(place: &dyn Place) -> Result<Database, Failure> {
    let database = place.open().await?;
    database.migrate(MIGRATIONS).await?;
    Ok(database)
}

pub(super) static INSERT: Statement = Statement::new("INSERT INTO thing (name, size) VALUES ($1, $2)");
pub(super) static COUNT: Statement = Statement::new("SELECT count(*) FROM thing");
pub(super) static SIZE: Statement = Statement::new("SELECT size FROM thing WHERE name = $1");

/// The arguments of [`INSERT`].
pub(super) fn thing(name: &str, size: i64) -> Args {
    Args::new().value(name).value(size)
}

/// How many things are committed.
pub(super) async fn count(database: &Database) -> Result<i64, StorageError> {
    only(&database.query(&COUNT, Args::new()).await?)?.get(0)
}

/// The row of a result that has one.
pub(super) fn only(rows: &[Row]) -> Result<&Row, StorageError> {
    match rows {
        [row] => Ok(row),
        _ => Err(StorageError::Statement(format!("{} rows, expected one", rows.len()))),
    }
}

/// Text that breaks whoever quotes, escapes or cuts it wrongly.
pub(super) const ODD_TEXTS: &[&str] = &[
    "",
    " ",
    "plain",
    "it's \"quoted\" `twice` ''",
    "{braces} {1: id uuid} }{ [brackets], (parens)",
    "back\\slash \\n \\u0000 \\",
    "line\nbreak\r\n\ttab\u{1}\u{1f}\u{7f}",
    "null",
    "NULL",
    "true",
    "0",
    "123",
    "1e5",
    "-0.0",
    "$1 ?1 :name @x %s",
    "-- comment /* and */ ; DROP TABLE thing",
    "é ü ß \u{301}combining ﷽ עברית 日本語",
    "🦀👩‍👩‍👧‍👦🏳️‍🌈",
    "\u{feff}\u{200b}\u{2028}\u{10ffff}",
];

/// Every value of a column, as it went in: columns id, name, size, done.
pub(super) fn same(row: &Row, columns: &[Value; 4]) -> Result<(), Failure> {
    ensure_eq!(row.get::<Option<uuid::Uuid>>(0)?.map(Value::Uuid).unwrap_or(Value::Null), columns[0]);
    ensure_eq!(row.get::<Option<String>>(1)?.map(Value::Text).unwrap_or(Value::Null), columns[1]);
    ensure_eq!(row.get::<Option<i64>>(2)?.map(Value::Int).unwrap_or(Value::Null), columns[2]);
    ensure_eq!(row.get::<Option<bool>>(3)?.map(Value::Bool).unwrap_or(Value::Null), columns[3]);
    Ok(())
}
