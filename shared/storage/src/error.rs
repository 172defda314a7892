//! What can go wrong between a service and its database, sorted by what the caller must do.

/// An error of the database.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StorageError {
    /// Not reached, or the connection was lost before anything could have been committed: try again when it is back.
    #[error("the database is not reachable: {0}")]
    Unavailable(String),
    /// The connection was lost while a commit was under way: whether it happened must be looked up.
    #[error("the outcome of the commit is unknown: {0}")]
    CommitUnknown(String),
    /// Deadlock, serialization failure, lock timeout, busy: nothing happened, try again at once.
    #[error("the transaction lost against another one: {0}")]
    Conflict(String),
    /// A unique index or a check said no.
    #[error("constraint {constraint} was violated: {message}")]
    Constraint {
        /// The constraint's (or index's) name where the database tells it.
        constraint: String,
        /// In the database's words.
        message: String,
    },
    /// The statement or its data can never succeed.
    #[error("the database refused the statement: {0}")]
    Statement(String),
    /// A column was not of the type that was asked for.
    #[error("column {column}: {problem}")]
    Decode {
        /// From 0.
        column: usize,
        /// What was found.
        problem: String,
    },
    /// The stored schema is newer than this program, or not one of ours.
    #[error("{0}")]
    Schema(String),
}

impl StorageError {
    /// Whether the same transaction may succeed later, run again from its start. After `CommitUnknown` it may, but what happened
    /// must be looked up first.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::CommitUnknown(_) | Self::Conflict(_))
    }

    pub(crate) fn decode(column: usize, problem: &str) -> Self {
        Self::Decode { column, problem: problem.to_owned() }
    }
}
