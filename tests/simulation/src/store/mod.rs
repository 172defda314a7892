//! A store in memory: SQLite, called where the caller is, so that nothing happens at a time that the seed does not choose.
//!
//! It passes the conformance suite of stores; what goes wrong comes from the [`Way`] that a handle was made with, and a handle
//! without one has perfect weather.
//!
//! | file | holds |
//! |---|---|
//! | `engine` | the database itself: nothing there waits |
//! | `transaction` | one transaction at a time, in the order of asking |
//! | `sabotage` | what a broken twin does to statements and commits |
//! | `classify` | SQLite's errors, as services see them |

mod classify;
mod engine;
mod sabotage;
mod transaction;

pub use sabotage::Sabotage;

use crate::{
    sim::{ProcessId, Sim},
    weather::Weather,
};
use async_trait::async_trait;
use engine::Engine;
use planshift_messaging::Service;
use planshift_storage::{Args, Database, Dialect, Row, Statement, StorageError, Store, StoreTransaction, Value, sqlite_parameters};
use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use transaction::MemoryTransaction;

/// A service's database. Cheap to clone; clones are the same one.
#[derive(Clone)]
pub struct MemoryStore {
    core: Arc<Core>,
}

struct Core {
    engine: Arc<Mutex<Engine>>,
    /// The writers' turn.
    turn: Arc<tokio::sync::Mutex<()>>,
    sabotage: Option<Arc<dyn Sabotage>>,
    /// Told of each commit, before anybody else does anything.
    after_commit: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Core {
    fn committed(&self) {
        if let Some(tell) = self.after_commit.get() {
            tell();
        }
    }

    fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way between a process and a service's database.
#[derive(Clone)]
pub struct Way {
    /// The machine.
    pub sim: Sim,
    /// The process at the near end.
    pub process: ProcessId,
    /// Whose database.
    pub service: Service,
    /// What goes wrong.
    pub weather: Weather,
}

impl MemoryStore {
    /// An empty database.
    ///
    /// # Errors
    /// `Unavailable` where there is no memory for it.
    pub fn new() -> Result<Self, StorageError> {
        let engine = Arc::new(Mutex::new(Engine::open()?));
        Ok(Self { core: Arc::new(Core { engine, turn: Arc::default(), sabotage: None, after_commit: OnceLock::new() }) })
    }

    /// The same database, with a broken twin's hands in it.
    ///
    /// # Errors
    /// Where its preparations cannot be done.
    pub fn with(self, sabotage: Option<Arc<dyn Sabotage>>) -> Result<Self, StorageError> {
        let (engine, turn) = (self.core.engine.clone(), self.core.turn.clone());
        let store = Self { core: Arc::new(Core { engine, turn, sabotage, after_commit: OnceLock::new() }) };
        if let Some(setup) = store.core.sabotage.as_ref().and_then(|sabotage| sabotage.setup()) {
            store.core.engine().run_script(setup)?;
        }
        Ok(store)
    }

    /// A handle, as a process would have it.
    pub fn handle(&self, way: Option<Way>) -> Database {
        Database::from_store(Arc::new(Handle { core: self.core.clone(), way, closed: AtomicBool::new(false) }))
    }

    /// Has somebody told of each commit, at once. Once for a store.
    pub fn after_each_commit(&self, tell: impl Fn() + Send + Sync + 'static) {
        let _ = self.core.after_commit.set(Box::new(tell));
    }

    /// The rows of a reading statement, as last committed.
    ///
    /// # Errors
    /// Any of a reading statement.
    pub fn look(&self, statement: &Statement, args: Args) -> Result<Vec<Row>, StorageError> {
        let parameters = sqlite_parameters(statement, args)?;
        self.core.engine().read_committed(&statement.sql().sqlite, &parameters)
    }
}

struct Handle {
    core: Arc<Core>,
    way: Option<Way>,
    closed: AtomicBool,
}

impl Handle {
    /// On the way to the database: takes a moment, and may lead nowhere.
    async fn reach(&self) -> Result<(), StorageError> {
        pass(self.way.as_ref()).await?;
        if self.closed.load(Ordering::Acquire) { Err(StorageError::Unavailable("the database was closed".to_owned())) } else { Ok(()) }
    }

    async fn begin_writing(&self) -> Result<MemoryTransaction, StorageError> {
        self.reach().await?;
        let turn = self.core.turn.clone().lock_owned().await;
        if self.closed.load(Ordering::Acquire) {
            return Err(StorageError::Unavailable("the database was closed".to_owned()));
        }
        MemoryTransaction::begin(self.core.clone(), self.way.clone(), turn)
    }

    async fn alone(&self, statement: &Statement, args: Args) -> Result<(Vec<Row>, u64), StorageError> {
        let parameters = sqlite_parameters(statement, args)?;
        if statement.only_reads() {
            self.reach().await?;
            if self.core.sabotage.as_ref().is_some_and(|sabotage| sabotage.is_blind_to(statement)) {
                return Ok((Vec::new(), 0));
            }
            return Ok((self.core.engine().read_committed(&statement.sql().sqlite, &parameters)?, 0));
        }
        let mut transaction = Box::new(self.begin_writing().await?);
        let outcome = transaction.run(statement, parameters).await?;
        transaction.commit().await?;
        Ok(outcome)
    }
}

/// The way to the database: a moment, and at the end of it perhaps nobody.
async fn pass(way: Option<&Way>) -> Result<(), StorageError> {
    let Some(Way { sim, process, service, weather }) = way else { return Ok(()) };
    sim.pass(*process).await;
    if weather.is_unreached(*service) {
        sim.note(*process, None, || "does not reach its database".to_owned());
        return Err(StorageError::Unavailable("the connection was lost".to_owned()));
    }
    Ok(())
}

#[async_trait]
impl Store for Handle {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn begin(&self) -> Result<Box<dyn StoreTransaction>, StorageError> {
        Ok(Box::new(self.begin_writing().await?))
    }

    async fn query(&self, statement: &Statement, args: Args) -> Result<Vec<Row>, StorageError> {
        self.alone(statement, args).await.map(|(rows, _)| rows)
    }

    async fn execute(&self, statement: &Statement, args: Args) -> Result<u64, StorageError> {
        self.alone(statement, args).await.map(|(_, changed)| changed)
    }

    async fn create_schema(&self) -> Result<(), StorageError> {
        Ok(())
    }

    async fn ping(&self) -> Result<(), StorageError> {
        self.reach().await
    }

    async fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }
}

/// A row's values as parameters of SQLite's.
type Parameters = Vec<Value>;
