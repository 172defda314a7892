//! A connection on loan from the pool.

use crate::StorageError;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres};

/// A connection that goes back to the pool only by [`Lease::give_back`]. Dropped in any other way (an error, a future that was
/// cancelled at an await point), it leaves the pool and is closed, and the server rolls back what was open on it.
pub(super) struct Lease(Option<PoolConnection<Postgres>>);

impl Lease {
    pub(super) fn new(connection: PoolConnection<Postgres>) -> Self {
        Self(Some(connection))
    }

    /// The connection.
    pub(super) fn connection(&mut self) -> Result<&mut PgConnection, StorageError> {
        self.raw().map_err(super::classify)
    }

    /// The connection, for callers that speak the driver's errors.
    pub(super) fn raw(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.0.as_deref_mut().ok_or(sqlx::Error::PoolClosed)
    }

    /// Whether there still is a connection.
    pub(super) fn is_held(&self) -> bool {
        self.0.is_some()
    }

    /// Nothing is open on it: others may use it.
    pub(super) fn give_back(&mut self) {
        drop(self.0.take());
    }

    /// Closes it, and makes its place in the pool free.
    pub(super) fn abandon(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(connection.detach());
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.abandon();
    }
}
