//! What services hold: a database, and a transaction in it.

use crate::postgres::PostgresStore;
use crate::sqlite::{SqliteReader, SqliteStore};
use crate::{AcquireObserver, Args, Dialect, Migration, PoolState, Row, Statement, StorageError, Store, StoreTransaction, Write, migrate};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A database. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct Database {
    store: Arc<dyn Store>,
}

impl Database {
    /// A database on Postgres. Nothing is contacted yet and nothing created: a server that is away shows as
    /// `StorageError::Unavailable` at each use, until it is back.
    ///
    /// `schema` is the service's own (lower-case letters, digits and `_`); `pool_size` is how many connections it may hold, at
    /// least one ([`crate::DEFAULT_POOL_SIZE`]).
    ///
    /// # Errors
    /// `StorageError::Schema` where the URL or the schema's name is not one.
    pub async fn connect_postgres(url: &str, schema: &str, pool_size: u32) -> Result<Self, StorageError> {
        Ok(Self::from_store(Arc::new(PostgresStore::new(url, schema, pool_size)?)))
    }

    /// A database in an SQLite file, which is made if there is none. One process at a time should have it:
    /// [`crate::lock_data_folder`].
    ///
    /// # Errors
    /// `StorageError::Unavailable` where the file cannot be opened.
    pub async fn open_sqlite(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        Ok(Self::from_store(Arc::new(SqliteStore::open(path.as_ref()).await?)))
    }

    /// A database in an SQLite file that another process may have open and be writing: nothing is written here, neither rows nor
    /// schema nor a checkpoint, and a transaction cannot be begun. The folder must be one that this process may write to all the
    /// same: who reads takes part in the locks of the write-ahead log, which are kept in a file.
    ///
    /// # Errors
    /// `StorageError::Unavailable` where there is no such file, or it cannot be read.
    pub async fn open_sqlite_to_read(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        Ok(Self::from_store(Arc::new(SqliteReader::open(path.as_ref()).await?)))
    }

    /// A database on a store of another kind.
    pub fn from_store(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// The store that it is on: for one that stands before it and sees what is asked.
    pub fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    /// Which text of a statement it runs.
    pub fn dialect(&self) -> Dialect {
        self.store.dialect()
    }

    /// Begins a transaction. Nobody sees its writes before it is committed.
    ///
    /// # Errors
    /// `Unavailable`; `Conflict` where others kept it from starting for too long.
    pub async fn begin(&self) -> Result<Transaction, StorageError> {
        Ok(Transaction { inner: self.store.begin().await?, failed: false })
    }

    /// One statement in a transaction of its own.
    ///
    /// # Errors
    /// Any; `CommitUnknown` where a writing statement was cut off.
    pub async fn query(&self, statement: &Statement, args: Args) -> Result<Vec<Row>, StorageError> {
        self.store.query(statement, args).await
    }

    /// One statement in a transaction of its own; the number of rows it changed.
    ///
    /// # Errors
    /// As [`Database::query`].
    pub async fn execute(&self, statement: &Statement, args: Args) -> Result<u64, StorageError> {
        self.store.execute(statement, args).await
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn ping(&self) -> Result<(), StorageError> {
        self.store.ping().await
    }

    /// Its connections; `None` where it has no pool of them.
    pub fn pool(&self) -> Option<PoolState> {
        self.store.pool()
    }

    /// From now on `observer` is told how long each connection was waited for: see [`Store::observe_acquires`].
    pub fn observe_acquires(&self, observer: AcquireObserver) {
        self.store.observe_acquires(observer);
    }

    /// Closes the connections, of all clones. Whatever is asked afterwards is answered with `Unavailable`.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// Brings the schema to the program's version, each missing migration in a transaction of its own; several may call it at
    /// once. Returns the versions that were applied.
    ///
    /// # Errors
    /// `Schema` where the database is newer than the program or not one of ours; any other.
    pub async fn migrate(&self, migrations: &[Migration]) -> Result<Vec<u32>, StorageError> {
        self.store.create_schema().await?;
        migrate::apply(self, migrations).await
    }

    /// Whether the schema is exactly at the program's version: what a service asks before it starts.
    ///
    /// # Errors
    /// `Schema` where it is not, with what to do about it; any other.
    pub async fn check(&self, migrations: &[Migration]) -> Result<(), StorageError> {
        migrate::check(self, migrations).await
    }

    /// The schema's version; `None` where there is no schema yet.
    ///
    /// # Errors
    /// Any.
    pub async fn schema_version(&self) -> Result<Option<u32>, StorageError> {
        migrate::version(self).await
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("dialect", &self.dialect()).finish_non_exhaustive()
    }
}

/// A transaction. Dropped unfinished, it is rolled back and its connection closed.
///
/// Once a statement has failed, it can only be rolled back: Postgres would answer a commit with success and do nothing, and
/// SQLite would commit the other half.
pub struct Transaction {
    inner: Box<dyn StoreTransaction>,
    failed: bool,
}

impl Transaction {
    /// Runs a statement and returns its rows.
    ///
    /// # Errors
    /// Any but `CommitUnknown`.
    pub async fn query(&mut self, statement: &Statement, args: Args) -> Result<Vec<Row>, StorageError> {
        // Counts as failed until it has not: a call that is dropped half-way must not be committed either.
        let before = std::mem::replace(&mut self.failed, true);
        let rows = self.inner.query(statement, args).await?;
        self.failed = before;
        Ok(rows)
    }

    /// Runs writes that know nothing of each other: to different tables, or to different rows. On Postgres that is one round trip
    /// for all of them. None of them sees what another has written.
    ///
    /// # Errors
    /// Any but `CommitUnknown`.
    pub async fn execute_all(&mut self, writes: impl IntoIterator<Item = Write>) -> Result<(), StorageError> {
        let writes: Vec<Write> = writes.into_iter().collect();
        if writes.is_empty() {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.failed, true);
        self.inner.execute_all(writes).await?;
        self.failed = before;
        Ok(())
    }

    /// Runs a statement; the number of rows it changed.
    ///
    /// # Errors
    /// Any but `CommitUnknown`.
    pub async fn execute(&mut self, statement: &Statement, args: Args) -> Result<u64, StorageError> {
        let before = std::mem::replace(&mut self.failed, true);
        let rows = self.inner.execute(statement, args).await?;
        self.failed = before;
        Ok(rows)
    }

    /// Runs several statements without arguments, separated by semicolons, in the database's own words.
    ///
    /// # Errors
    /// Any but `CommitUnknown`.
    pub async fn run_script(&mut self, sql: &str) -> Result<(), StorageError> {
        let before = std::mem::replace(&mut self.failed, true);
        self.inner.run_script(sql).await?;
        self.failed = before;
        Ok(())
    }

    /// Makes it so.
    ///
    /// # Errors
    /// `CommitUnknown` where the answer was lost: look it up. `Statement` where a statement of it had failed. Any error but
    /// `CommitUnknown` means that nothing happened.
    pub async fn commit(self) -> Result<(), StorageError> {
        if self.failed {
            // Whether the rollback is heard changes nothing: it can no longer be committed.
            let _ = self.inner.rollback().await;
            return Err(StorageError::Statement("a statement of the transaction had failed; it was rolled back".to_owned()));
        }
        self.inner.commit().await
    }

    /// Undoes it all.
    ///
    /// # Errors
    /// `Unavailable`; nothing was committed then either.
    pub async fn rollback(self) -> Result<(), StorageError> {
        self.inner.rollback().await
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("failed", &self.failed).finish_non_exhaustive()
    }
}
