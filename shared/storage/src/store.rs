//! The port: what a database must be able to do for the services.

use crate::{AcquireObserver, Args, PoolState, Row, Statement, StorageError};

/// A statement that writes, with its arguments.
pub type Write = (&'static Statement, Args);

/// Which of a statement's two texts a store runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Postgres.
    Postgres,
    /// SQLite.
    Sqlite,
}

/// A store of rows. Every one must pass the `conformance` suite.
#[async_trait::async_trait]
pub trait Store: Send + Sync {
    /// Which text of a statement it runs.
    fn dialect(&self) -> Dialect;

    /// A transaction that nobody else's writes are seen in before they are committed (READ COMMITTED or stricter).
    ///
    /// # Errors
    /// `Unavailable`; `Conflict` where others kept it from starting for too long.
    async fn begin(&self) -> Result<Box<dyn StoreTransaction>, StorageError>;

    /// One statement in a transaction of its own.
    ///
    /// # Errors
    /// Any; `CommitUnknown` where a writing statement was cut off.
    async fn query(&self, statement: &Statement, args: Args) -> Result<Vec<Row>, StorageError>;

    /// One statement in a transaction of its own; the number of rows it changed.
    ///
    /// # Errors
    /// As [`Store::query`].
    async fn execute(&self, statement: &Statement, args: Args) -> Result<u64, StorageError>;

    /// Makes the place where the service's tables live, if there is none.
    ///
    /// # Errors
    /// `Unavailable`; `Statement` where the role may not create it.
    async fn create_schema(&self) -> Result<(), StorageError>;

    /// Whether it answers.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn ping(&self) -> Result<(), StorageError>;

    /// Its connections; `None` where it has no pool of them (SQLite: one connection writes). Asks nobody.
    fn pool(&self) -> Option<PoolState> {
        None
    }

    /// From now on `observer` is told how long each connection was waited for. The first one that is set counts; a store without a
    /// pool tells nothing.
    fn observe_acquires(&self, observer: AcquireObserver) {
        drop(observer);
    }

    /// Closes what is open. Whatever is asked afterwards is answered with `Unavailable`.
    async fn close(&self);
}

/// A transaction of a [`Store`]. Dropped unfinished, it is rolled back, and its connection is never used again.
#[async_trait::async_trait]
pub trait StoreTransaction: Send + Sync {
    /// Runs a statement and returns its rows.
    ///
    /// # Errors
    /// Any but `CommitUnknown`.
    async fn query(&mut self, statement: &Statement, args: Args) -> Result<Vec<Row>, StorageError>;

    /// Runs a statement; the number of rows it changed.
    ///
    /// # Errors
    /// Any but `CommitUnknown`.
    async fn execute(&mut self, statement: &Statement, args: Args) -> Result<u64, StorageError>;

    /// Runs writes that know nothing of each other, with one question to the database where it can take them so. None of them sees
    /// what another has written, and no row may be written by two of them. The order is the database's own.
    ///
    /// # Errors
    /// Any but `CommitUnknown`.
    async fn execute_all(&mut self, writes: Vec<Write>) -> Result<(), StorageError> {
        for (statement, args) in writes {
            self.execute(statement, args).await?;
        }
        Ok(())
    }

    /// Runs several statements without arguments, separated by semicolons: a migration.
    ///
    /// # Errors
    /// Any but `CommitUnknown`.
    async fn run_script(&mut self, sql: &str) -> Result<(), StorageError>;

    /// Makes it so.
    ///
    /// # Errors
    /// `CommitUnknown` where the answer was lost; any other error means that nothing happened.
    async fn commit(self: Box<Self>) -> Result<(), StorageError>;

    /// Undoes it all.
    ///
    /// # Errors
    /// `Unavailable`; nothing was committed then either.
    async fn rollback(self: Box<Self>) -> Result<(), StorageError>;
}
