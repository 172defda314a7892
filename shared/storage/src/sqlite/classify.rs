//! What an error of SQLite means for the caller. The codes are those of its manual, "Result and Error Codes".

use crate::StorageError;
use sqlx::error::DatabaseError;

const NOMEM: i32 = 7;
const IOERR: i32 = 10;
const FULL: i32 = 13;

/// Sorts an error of anything but a commit: nothing was committed.
pub(super) fn classify(error: sqlx::Error) -> StorageError {
    match error {
        sqlx::Error::Database(error) => by_code(&*error),
        sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => StorageError::Statement(error.to_string()),
        sqlx::Error::PoolTimedOut => StorageError::Conflict("no connection to read with came free".to_owned()),
        _ => StorageError::Unavailable(error.to_string()),
    }
}

/// Sorts an error of a commit. After a failed write or sync SQLite cannot say what a restart would find.
pub(super) fn commit_failed(error: sqlx::Error) -> StorageError {
    let storage_failed = match error.as_database_error() {
        Some(error) => [NOMEM, IOERR, FULL].contains(&primary(error)),
        None => true,
    };
    if storage_failed { StorageError::CommitUnknown(error.to_string()) } else { classify(error) }
}

fn extended(error: &dyn DatabaseError) -> i32 {
    error.code().and_then(|code| code.parse().ok()).unwrap_or_default()
}

/// The lowest byte of an extended code is the code it refines.
fn primary(error: &dyn DatabaseError) -> i32 {
    extended(error) & 0xff
}

fn by_code(error: &dyn DatabaseError) -> StorageError {
    let message = error.to_string();
    match primary(error) {
        // BUSY, LOCKED, INTERRUPT
        5 | 6 | 9 => StorageError::Conflict(message),
        // CONSTRAINT: «UNIQUE constraint failed: t.a, t.b», «CHECK constraint failed: name», «… failed: index 'name'»
        19 => {
            let place = error.message().rsplit_once(": ").map_or("", |(_, place)| place);
            let constraint = place.strip_prefix("index '").and_then(|name| name.strip_suffix('\'')).unwrap_or(place);
            StorageError::Constraint { constraint: constraint.to_owned(), message: error.message().to_owned() }
        }
        // READONLY as such is a writing statement sent to a reader; its refinements are about the file.
        8 if extended(error) == 8 => StorageError::Statement(message),
        // READONLY, CORRUPT, CANTOPEN, PROTOCOL, NOTADB, and the three above
        8 | 11 | 14 | 15 | 26 | NOMEM | IOERR | FULL => StorageError::Unavailable(message),
        _ => StorageError::Statement(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::error::ErrorKind;
    use std::borrow::Cow;

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
        for (code, statement, commit) in [
            ("5", "conflict", "conflict"),
            ("517", "conflict", "conflict"),
            ("6", "conflict", "conflict"),
            ("1555", "constraint", "constraint"),
            ("2067", "constraint", "constraint"),
            ("8", "statement", "statement"),
            ("1032", "unavailable", "unavailable"),
            ("14", "unavailable", "unavailable"),
            ("10", "unavailable", "unknown"),
            ("1034", "unavailable", "unknown"),
            ("13", "unavailable", "unknown"),
            ("1", "statement", "statement"),
        ] {
            assert_eq!(kind(classify(said(code, ""))), statement, "{code}");
            assert_eq!(kind(commit_failed(said(code, ""))), commit, "{code} at a commit");
        }
        assert_eq!(kind(classify(io())), "unavailable");
        assert_eq!(kind(commit_failed(sqlx::Error::WorkerCrashed)), "unknown");
        assert_eq!(kind(classify(sqlx::Error::PoolTimedOut)), "conflict");
    }

    #[test]
    fn constraints_have_names() {
        for (message, name) in [
            ("UNIQUE constraint failed: thing.name", "thing.name"),
            ("UNIQUE constraint failed: a.b, a.c", "a.b, a.c"),
            ("UNIQUE constraint failed: index 'one_open'", "one_open"),
            ("CHECK constraint failed: state_is_known", "state_is_known"),
            ("FOREIGN KEY constraint failed", ""),
        ] {
            match classify(said("2067", message)) {
                StorageError::Constraint { constraint, .. } => assert_eq!(constraint, name),
                other => panic!("{other}"),
            }
        }
    }
}
