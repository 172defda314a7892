//! A file that is only read, in long stretches, by a process that need not be the one that writes it.
//!
//! SQLite itself is told that nothing is written: no row, no page, no checkpoint, no journal mode. Each statement is a transaction of
//! its own, so that no long one keeps who writes from beginning the log anew.
//!
//! It is called straight, on threads that may wait, rather than through the driver of [`super::SqliteStore`]: that hands each row
//! from one thread to another, each value in memory of its own, which is most of the work of a long answer.

use super::{BUSY_TIMEOUT, READERS, STATEMENT_CACHE};
use crate::{Args, Dialect, Row, Statement, StorageError, Store, StoreTransaction, Value, sqlite_parameters};
use async_trait::async_trait;
use rusqlite::{Connection, OpenFlags, types::ValueRef};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Semaphore;

/// Of each connection, at most: 2 MiB. A stretch is read once, and what is looked up by key lies all over a table.
const CACHE: i64 = -2_048;

/// A service's database file, to be read.
pub(crate) struct SqliteReader {
    path: PathBuf,
    /// As many may read at a time. Closed: nobody may any more.
    turns: Semaphore,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl SqliteReader {
    pub(crate) async fn open(path: &Path) -> Result<Self, StorageError> {
        let reader = Self { path: path.to_owned(), turns: Semaphore::new(READERS as usize), idle: Arc::default() };
        // a file that is missing, or none of SQLite's, shows now
        reader.ping().await?;
        Ok(reader)
    }
}

fn lock(idle: &Mutex<Vec<Connection>>) -> MutexGuard<'_, Vec<Connection>> {
    // connections are put in and taken out whole
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    connection.pragma_update(None, "cache_size", CACHE)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

#[async_trait]
impl Store for SqliteReader {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn begin(&self) -> Result<Box<dyn StoreTransaction>, StorageError> {
        Err(only_read())
    }

    async fn query(&self, statement: &Statement, args: Args) -> Result<Vec<Row>, StorageError> {
        let parameters = sqlite_parameters(statement, args)?;
        if !statement.only_reads() {
            return Err(only_read());
        }
        let _turn = self.turns.acquire().await.map_err(|_| StorageError::Unavailable("the database was closed".to_owned()))?;
        let (path, idle, sql) = (self.path.clone(), self.idle.clone(), statement.sql().sqlite.clone());
        let read = tokio::task::spawn_blocking(move || {
            let kept = lock(&idle).pop();
            let named = |error: StorageError| match error {
                StorageError::Unavailable(problem) => StorageError::Unavailable(format!("{}: {problem}", path.display())),
                other => other,
            };
            let connection = kept.map_or_else(|| connect(&path).map_err(classify), Ok).map_err(named)?;
            let rows = run(&connection, &sql, &parameters).map_err(named);
            // one that failed is closed
            if rows.is_ok() {
                lock(&idle).push(connection);
            }
            rows
        });
        read.await.map_err(|error| StorageError::Unavailable(format!("reading broke off: {error}")))?
    }

    async fn execute(&self, _statement: &Statement, _args: Args) -> Result<u64, StorageError> {
        Err(only_read())
    }

    async fn create_schema(&self) -> Result<(), StorageError> {
        Ok(())
    }

    async fn ping(&self) -> Result<(), StorageError> {
        // asks the file, not only the library
        static PING: Statement = Statement::new("SELECT count(*) FROM sqlite_master");
        self.query(&PING, Args::new()).await.map(|_| ())
    }

    async fn close(&self) {
        self.turns.close();
        let idle = std::mem::take(&mut *lock(&self.idle));
        // who is cut off while it closes has only read
        let _ = tokio::task::spawn_blocking(move || drop(idle)).await;
    }
}

fn only_read() -> StorageError {
    StorageError::Statement("the database was opened to be read".to_owned())
}

fn run(connection: &Connection, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, StorageError> {
    let mut statement = connection.prepare_cached(sql).map_err(classify)?;
    for (index, value) in (1..=statement.parameter_count()).zip(parameters) {
        match value {
            Value::Null => statement.raw_bind_parameter(index, None::<i64>),
            Value::Int(v) => statement.raw_bind_parameter(index, v),
            Value::Bool(v) => statement.raw_bind_parameter(index, i64::from(*v)),
            Value::Text(v) => statement.raw_bind_parameter(index, v),
            Value::Uuid(v) => statement.raw_bind_parameter(index, v.to_string()),
        }
        .map_err(classify)?;
    }
    let columns = statement.column_count();
    let mut rows = Vec::new();
    let mut cursor = statement.raw_query();
    while let Some(row) = cursor.next().map_err(classify)? {
        let mut values = Vec::with_capacity(columns);
        for column in 0..columns {
            values.push(value(row, column)?);
        }
        rows.push(Row(values));
    }
    Ok(rows)
}

fn value(row: &rusqlite::Row<'_>, column: usize) -> Result<Value, StorageError> {
    Ok(match row.get_ref(column).map_err(classify)? {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(v) => Value::Int(v),
        ValueRef::Text(v) => {
            Value::Text(std::str::from_utf8(v).map_err(|error| StorageError::decode(column, &error.to_string()))?.to_owned())
        }
        other => {
            let problem = format!("is of storage class {}; only INTEGER and TEXT are used", other.data_type());
            return Err(StorageError::decode(column, &problem));
        }
    })
}

/// Sorts an error: nothing was written, whatever it is.
fn classify(error: rusqlite::Error) -> StorageError {
    let rusqlite::Error::SqliteFailure(code, message) = error else { return StorageError::Statement(error.to_string()) };
    let message = message.unwrap_or_else(|| code.to_string());
    match code.extended_code & 0xff {
        // BUSY, LOCKED, INTERRUPT
        5 | 6 | 9 => StorageError::Conflict(message),
        // NOMEM, READONLY (of the locks' file), IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB
        7 | 8 | 10 | 11 | 13 | 14 | 15 | 26 => StorageError::Unavailable(message),
        _ => StorageError::Statement(message),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Args, Database, Migration, Statement, StorageError};

    static ADD: Statement = Statement::new("INSERT INTO things (id) VALUES ($1)");
    static ALL: Statement = Statement::new("SELECT id FROM things ORDER BY id");
    const MIGRATIONS: &[Migration] =
        &[Migration { version: 1, name: "things", sql: "CREATE TABLE things (id bigint NOT NULL PRIMARY KEY);" }];

    #[tokio::test]
    async fn what_is_committed_is_read_while_it_is_written_and_nothing_is_written_by_who_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        assert!(matches!(Database::open_sqlite_to_read(&path).await, Err(StorageError::Unavailable(_))));
        assert!(!path.exists());
        let writer = Database::open_sqlite(&path).await.unwrap();
        writer.migrate(MIGRATIONS).await.unwrap();

        let reader = Database::open_sqlite_to_read(&path).await.unwrap();
        let mut tx = writer.begin().await.unwrap();
        for id in 1..=3 {
            tx.execute(&ADD, Args::new().value(id)).await.unwrap();
        }
        assert_eq!(reader.query(&ALL, Args::new()).await.unwrap().len(), 0);
        tx.commit().await.unwrap();
        let ids: Vec<i64> = reader.query(&ALL, Args::new()).await.unwrap().iter().map(|row| row.get(0).unwrap()).collect();
        assert_eq!(ids, [1, 2, 3]);
        reader.check(MIGRATIONS).await.unwrap();

        assert!(matches!(reader.execute(&ADD, Args::new().value(9)).await, Err(StorageError::Statement(_))));
        assert!(matches!(reader.query(&ADD, Args::new().value(9)).await, Err(StorageError::Statement(_))));
        assert!(matches!(reader.begin().await, Err(StorageError::Statement(_))));
        assert!(reader.migrate(&[MIGRATIONS[0], Migration { version: 2, name: "y", sql: "DROP TABLE things;" }]).await.is_err());
        reader.close().await;
        assert!(matches!(reader.query(&ALL, Args::new()).await, Err(StorageError::Unavailable(_))));
        writer.execute(&ADD, Args::new().value(4)).await.unwrap();
        writer.close().await;
        // who wrote was the last to close, and left no log
        assert!(!folder.path().join("x.db-wal").exists());
    }

    #[tokio::test]
    async fn what_a_crash_left_in_the_log_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let writer = Database::open_sqlite(&path).await.unwrap();
        writer.migrate(MIGRATIONS).await.unwrap();
        writer.execute(&ADD, Args::new().value(1)).await.unwrap();
        // the files as they are, as after `kill -9`
        let copy = folder.path().join("copy.db");
        for end in ["", "-wal"] {
            std::fs::copy(folder.path().join(format!("x.db{end}")), folder.path().join(format!("copy.db{end}"))).unwrap();
        }
        let log = std::fs::read(folder.path().join("copy.db-wal")).unwrap();
        assert!(!log.is_empty());
        let reader = Database::open_sqlite_to_read(&copy).await.unwrap();
        assert_eq!(reader.query(&ALL, Args::new()).await.unwrap().len(), 1);
        reader.close().await;
        assert!(std::fs::read(folder.path().join("copy.db-wal")).unwrap() == log, "the log is whoever's writes next");
    }

    #[tokio::test]
    async fn what_is_no_database_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        std::fs::write(&path, vec![7; 10_000]).unwrap();
        let error = Database::open_sqlite_to_read(&path).await.unwrap_err();
        assert!(matches!(&error, StorageError::Unavailable(problem) if problem.contains("x.db")), "{error:?}");
    }
}
