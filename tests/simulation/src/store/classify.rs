//! What an error of SQLite means for the caller: as the store on files has it.

use planshift_storage::StorageError;
use rusqlite::Error;

/// Sorts an error. Nothing was committed.
pub(super) fn classify(error: Error) -> StorageError {
    let Error::SqliteFailure(code, message) = error else { return StorageError::Statement(error.to_string()) };
    let message = message.unwrap_or_else(|| code.to_string());
    match code.extended_code & 0xff {
        // BUSY, LOCKED, INTERRUPT
        5 | 6 | 9 => StorageError::Conflict(message),
        // CONSTRAINT: «UNIQUE constraint failed: t.a, t.b», «CHECK constraint failed: name», «… failed: index 'name'»
        19 => {
            let place = message.rsplit_once(": ").map_or("", |(_, place)| place);
            let constraint = place.strip_prefix("index '").and_then(|name| name.strip_suffix('\'')).unwrap_or(place);
            StorageError::Constraint { constraint: constraint.to_owned(), message }
        }
        // NOMEM, IOERR, CORRUPT, FULL, CANTOPEN
        7 | 10 | 11 | 13 | 14 => StorageError::Unavailable(message),
        _ => StorageError::Statement(message),
    }
}
