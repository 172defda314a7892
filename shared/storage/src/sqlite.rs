//! SQLite: one file for each service, one writer, a few readers.
//!
//! The write-ahead log lets readers read while the writer writes. Writers take turns for a single connection rather than for
//! SQLite's own lock, whose waiting is by polling and not fair. `synchronous=FULL`: what was committed survives a power cut.

mod classify;
mod decode;
mod reader;

pub(crate) use reader::SqliteReader;

use self::classify::{classify, commit_failed};
use crate::{Args, Dialect, Row, Statement, StorageError, Store, StoreTransaction, Value, sqlite_parameters};
use async_trait::async_trait;
use futures::TryStreamExt;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Arguments, AssertSqlSafe, ConnectOptions, Connection, Either, Executor, SqliteConnection};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Connections for statements that only read, outside of a transaction.
const READERS: u32 = 4;
/// How long a writer waits for its turn, and a reader for a connection.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long SQLite itself waits for a lock: of another process, or of a connection that is being closed.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Of each connection, at most: 8 MiB. Ids are random, so that each batch touches pages all over a table; with SQLite's 2 MB they
/// would be read again and again.
const CACHE: &str = "-8192";
/// Prepared statements kept by each connection.
const STATEMENT_CACHE: usize = 256;

/// A service's database file.
pub(crate) struct SqliteStore {
    options: SqliteConnectOptions,
    /// Empty where the last transaction was dropped unfinished; the next one opens a new connection.
    writer: Arc<Mutex<Option<SqliteConnection>>>,
    readers: SqlitePool,
    closed: AtomicBool,
}

impl SqliteStore {
    pub(crate) async fn open(path: &Path) -> Result<Self, StorageError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("cache_size", CACHE)
            .busy_timeout(BUSY_TIMEOUT)
            .statement_cache_capacity(STATEMENT_CACHE);
        // The writer comes first: it makes the file and its log, which the readers expect to find.
        let writer = options.connect().await.map_err(|error| StorageError::Unavailable(format!("{}: {error}", path.display())))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(TURN_TIMEOUT)
            .test_before_acquire(false)
            .connect_lazy_with(options.clone().create_if_missing(false).pragma("query_only", "1"));
        Ok(Self { options, writer: Arc::new(Mutex::new(Some(writer))), readers, closed: AtomicBool::new(false) })
    }

    async fn begin_writing(&self) -> Result<SqliteTransaction, StorageError> {
        let turn = tokio::time::timeout(TURN_TIMEOUT, Arc::clone(&self.writer).lock_owned()).await;
        let mut slot = turn.map_err(|_| StorageError::Conflict(format!("no turn to write came within {} s", TURN_TIMEOUT.as_secs())))?;
        if self.closed.load(Ordering::Acquire) {
            return Err(StorageError::Unavailable("the database was closed".to_owned()));
        }
        if slot.is_none() {
            *slot = Some(self.options.connect().await.map_err(classify)?);
        }
        let mut transaction = SqliteTransaction { slot: Some(slot) };
        // IMMEDIATE takes the write lock now: a transaction that reads first and writes later could not be waited for.
        sqlx::raw_sql("BEGIN IMMEDIATE").execute(transaction.connection()?).await.map_err(classify)?;
        Ok(transaction)
    }

    /// A reading statement, tried again where its connection turns out to be of no use: once for each that there may be.
    async fn read(&self, statement: &Statement, arguments: SqliteArguments) -> Result<Vec<Row>, StorageError> {
        let mut tries_left = READERS;
        loop {
            let mut reader = self.readers.acquire().await.map_err(classify)?;
            match run(&mut reader, statement, arguments.clone()).await {
                Err(StorageError::Unavailable(_)) if tries_left > 0 && !self.readers.is_closed() => {
                    tries_left -= 1;
                    drop(reader.detach());
                }
                result => return result.map(|(rows, _)| rows),
            }
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn begin(&self) -> Result<Box<dyn StoreTransaction>, StorageError> {
        Ok(Box::new(self.begin_writing().await?))
    }

    async fn query(&self, statement: &Statement, args: Args) -> Result<Vec<Row>, StorageError> {
        let arguments = bind(statement, args)?;
        if statement.only_reads() {
            return self.read(statement, arguments).await;
        }
        let mut transaction = Box::new(self.begin_writing().await?);
        let (rows, _) = run(transaction.connection()?, statement, arguments).await?;
        transaction.commit().await?;
        Ok(rows)
    }

    async fn execute(&self, statement: &Statement, args: Args) -> Result<u64, StorageError> {
        let arguments = bind(statement, args)?;
        let mut transaction = Box::new(self.begin_writing().await?);
        let (_, changed) = run(transaction.connection()?, statement, arguments).await?;
        transaction.commit().await?;
        Ok(changed)
    }

    async fn create_schema(&self) -> Result<(), StorageError> {
        Ok(())
    }

    async fn ping(&self) -> Result<(), StorageError> {
        static PING: Statement = Statement::new("SELECT 1");
        self.query(&PING, Args::new()).await.map(|_| ())
    }

    async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.readers.close().await;
        if let Some(writer) = self.writer.lock().await.take()
            && let Err(error) = writer.close().await
        {
            // Nothing that was committed depends on it: the log is read again at the next start.
            tracing::warn!(%error, "a database file was not closed in order");
        }
    }
}

fn bind(statement: &Statement, args: Args) -> Result<SqliteArguments, StorageError> {
    let mut arguments = SqliteArguments::default();
    for value in sqlite_parameters(statement, args)? {
        match value {
            Value::Null => arguments.add(None::<i64>),
            Value::Int(v) => arguments.add(v),
            Value::Bool(v) => arguments.add(i64::from(v)),
            Value::Text(v) => arguments.add(v),
            Value::Uuid(v) => arguments.add(v.to_string()),
        }
        .map_err(|error| StorageError::Statement(error.to_string()))?;
    }
    Ok(arguments)
}

/// Runs a statement to its end: its rows, and how many it changed.
///
/// The driver runs statements on a thread. Should that die, its answer just stops, and would pass for a shorter result: so the mark
/// that the driver puts at the end of each statement is waited for.
async fn run(
    connection: &mut SqliteConnection,
    statement: &Statement,
    arguments: SqliteArguments,
) -> Result<(Vec<Row>, u64), StorageError> {
    let query = sqlx::query_with(AssertSqlSafe(statement.sql().sqlite.as_str()), arguments);
    let mut answer = connection.fetch_many(query);
    let mut rows = Vec::new();
    let mut changed = None;
    while let Some(part) = answer.try_next().await.map_err(classify)? {
        match part {
            Either::Left(end) => changed = Some(changed.unwrap_or_default() + end.rows_affected()),
            Either::Right(row) => rows.push(decode::row(&row)?),
        }
    }
    let changed = changed.ok_or_else(|| classify(sqlx::Error::WorkerCrashed))?;
    Ok((rows, changed))
}

/// The writer's turn. Unless it ends in `commit` or `rollback`, its connection is closed, which rolls back.
struct SqliteTransaction {
    slot: Option<OwnedMutexGuard<Option<SqliteConnection>>>,
}

impl SqliteTransaction {
    fn connection(&mut self) -> Result<&mut SqliteConnection, StorageError> {
        let connection = self.slot.as_mut().and_then(|slot| slot.as_mut());
        connection.ok_or_else(|| StorageError::Unavailable("the transaction has ended".to_owned()))
    }
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        if let Some(mut slot) = self.slot.take() {
            // The next writer opens a new connection, and waits at its BEGIN until this one's statement has ended and it is closed.
            drop(slot.take());
        }
    }
}

#[async_trait]
impl StoreTransaction for SqliteTransaction {
    async fn query(&mut self, statement: &Statement, args: Args) -> Result<Vec<Row>, StorageError> {
        let arguments = bind(statement, args)?;
        run(self.connection()?, statement, arguments).await.map(|(rows, _)| rows)
    }

    async fn execute(&mut self, statement: &Statement, args: Args) -> Result<u64, StorageError> {
        let arguments = bind(statement, args)?;
        run(self.connection()?, statement, arguments).await.map(|(_, changed)| changed)
    }

    async fn run_script(&mut self, sql: &str) -> Result<(), StorageError> {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(self.connection()?).await.map(|_| ()).map_err(classify)
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StorageError> {
        sqlx::raw_sql("COMMIT").execute(self.connection()?).await.map_err(commit_failed)?;
        self.slot = None;
        Ok(())
    }

    async fn rollback(mut self: Box<Self>) -> Result<(), StorageError> {
        sqlx::raw_sql("ROLLBACK").execute(self.connection()?).await.map_err(classify)?;
        self.slot = None;
        Ok(())
    }
}
