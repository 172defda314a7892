//! A [`Database`]: Postgres and SQLite behind one code path.
//!
//! Services write one [`Statement`] (a template), bind [`Args`], and read [`Row`]s. Sets of rows are bound as one
//! argument ([`Args::rows`]), so that a batch is one round trip. A [`Transaction`] that is dropped unfinished closes its
//! connection rather than handing it back, so that no await point can leak an open transaction.
//!
//! - [`migrate`]: the schema, its versions, and the refusal of one that is not ours.
//! - [`ledger`]: the effect ledger, which makes every effect happen exactly once.
//! - [`Store`]: the port behind a [`Database`], for stores of other kinds (a simulator's).
//! - [`lock_data_folder`]: one process at a time in a folder of SQLite files.
//! - `conformance` (a feature): what every store must pass.

mod args;
mod bind;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod database;
mod error;
mod folder;
pub mod ledger;
pub mod migrate;
mod pool;
mod postgres;
mod sqlite;
mod statement;
mod store;
mod value;

pub use args::{Arg, Args};
pub use bind::sqlite_parameters;
pub use database::{Database, Transaction};
pub use error::StorageError;
pub use folder::{FolderLock, FolderLockError, lock_data_folder};
pub use migrate::Migration;
pub use pool::{AcquireObserver, PoolState};
pub use postgres::DEFAULT_POOL_SIZE;
pub use statement::{Sql, Statement};
pub use store::{Dialect, Store, StoreTransaction, Write};
pub use value::{FromValue, Row, Value};
