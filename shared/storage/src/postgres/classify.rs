//! What an error of Postgres means for the caller. The codes are those of the server's manual, appendix A.

use crate::StorageError;
use sqlx::error::DatabaseError;
use std::borrow::Cow;

/// Sorts an error of anything but a commit: nothing was committed.
pub(super) fn classify(error: sqlx::Error) -> StorageError {
    match error {
        sqlx::Error::Database(error) => by_code(&*error),
        sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::TypeNotFound { .. } => {
            StorageError::Statement(error.to_string())
        }
        // The rest is about the way to the server, or about a connection that has lost its place in the protocol.
        _ => StorageError::Unavailable(error.to_string()),
    }
}

/// Sorts an error of a commit, or of a writing statement that commits itself.
pub(super) fn commit_failed(error: sqlx::Error) -> StorageError {
    let code = error.as_database_error().and_then(DatabaseError::code).map(Cow::into_owned);
    // The server ended the session while it was idle in the transaction, before it saw the commit; or it did not run the statement.
    if code.as_deref() == Some("25P03") || error.as_database_error().is_some_and(is_stale_plan) {
        return classify(error);
    }
    // An answer that blames the server itself says nothing about how far the commit had come.
    let blames_the_server = code.as_deref().is_some_and(|code| code.starts_with("XX") || code.starts_with("58"));
    match classify(error) {
        StorageError::Unavailable(problem) => StorageError::CommitUnknown(problem),
        StorageError::Statement(problem) if blames_the_server => StorageError::CommitUnknown(problem),
        other => other,
    }
}

/// A statement was prepared on this connection before a migration changed its table. The driver does not prepare it again; a new
/// connection does.
fn is_stale_plan(error: &dyn DatabaseError) -> bool {
    error.code().as_deref() == Some("0A000") && error.message().contains("cached plan")
}

fn by_code(error: &dyn DatabaseError) -> StorageError {
    let code = error.code().unwrap_or_default();
    let message = format!("{} ({code})", error.message());
    match &*code {
        // serialization failure, deadlock, lock timeout, cancelled
        "40001" | "40P01" | "55P03" | "57014" => StorageError::Conflict(message),
        // The connection is of no use any more, as if it had been lost.
        _ if is_stale_plan(error) => StorageError::Unavailable(message),
        // idle in a transaction for too long; the server became a standby; it cannot take connections, or cannot authorise them
        "25P03" | "25006" | "3D000" => StorageError::Unavailable(message),
        // integrity
        _ if code.starts_with("23") => {
            StorageError::Constraint { constraint: error.constraint().unwrap_or_default().to_owned(), message: error.message().to_owned() }
        }
        // connection, authorisation, resources, operator intervention, the system underneath
        _ if ["08", "28", "53", "57P", "58"].iter().any(|class| code.starts_with(class)) => StorageError::Unavailable(message),
        _ => StorageError::Statement(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::error::ErrorKind;

    #[derive(Debug)]
    struct Said(&'static str, &'static str);

    impl std::fmt::Display for Said {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.1)
        }
    }

    impl std::error::Error for Said {}

    impl DatabaseError for Said {
        fn message(&self) -> &str {
            self.1
        }
        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.into())
        }
        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }
        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }
        fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
            self
        }
        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    fn kind(error: StorageError) -> &'static str {
        match error {
            StorageError::Unavailable(_) => "unavailable",
            StorageError::CommitUnknown(_) => "unknown",
            StorageError::Conflict(_) => "conflict",
            StorageError::Constraint { .. } => "constraint",
            StorageError::Statement(_) => "statement",
            other => panic!("{other}"),
        }
    }

    fn io() -> sqlx::Error {
        sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into())
    }

    fn said(code: &'static str, message: &'static str) -> sqlx::Error {
        sqlx::Error::Database(Box::new(Said(code, message)))
    }

    /// Each code, what it means for a statement, and what for a commit.
    #[test]
    fn codes() {
        for (code, message, statement, commit) in [
            ("40001", "", "conflict", "conflict"),
            ("40P01", "", "conflict", "conflict"),
            ("55P03", "", "conflict", "conflict"),
            ("57014", "", "conflict", "conflict"),
            ("0A000", "cached plan must not change result type", "unavailable", "unavailable"),
            ("0A000", "not supported", "statement", "statement"),
            ("23505", "", "constraint", "constraint"),
            ("23514", "", "constraint", "constraint"),
            ("08006", "", "unavailable", "unknown"),
            ("57P01", "", "unavailable", "unknown"),
            ("57P03", "", "unavailable", "unknown"),
            ("53300", "", "unavailable", "unknown"),
            ("58030", "", "unavailable", "unknown"),
            ("28P01", "", "unavailable", "unknown"),
            ("25P03", "", "unavailable", "unavailable"),
            ("XX000", "", "statement", "unknown"),
            ("42P01", "", "statement", "statement"),
            ("22P02", "", "statement", "statement"),
        ] {
            assert_eq!(kind(classify(said(code, message))), statement, "{code}");
            assert_eq!(kind(commit_failed(said(code, message))), commit, "{code} at a commit");
        }
        assert_eq!(kind(classify(io())), "unavailable");
        assert_eq!(kind(commit_failed(io())), "unknown");
        assert_eq!(kind(classify(sqlx::Error::PoolClosed)), "unavailable");
        assert_eq!(kind(classify(sqlx::Error::Encode("x".into()))), "statement");
    }
}
