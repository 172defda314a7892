//! A row of SQLite, by the storage class of each value: its columns have no types worth the name.

use crate::{Row, StorageError, Value};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, TypeInfo, ValueRef};

/// The values of a row.
pub(super) fn row(row: &SqliteRow) -> Result<Row, StorageError> {
    (0..row.len()).map(|index| value(row, index)).collect::<Result<_, _>>().map(Row)
}

fn value(row: &SqliteRow, index: usize) -> Result<Value, StorageError> {
    let failed = |error: sqlx::Error| StorageError::decode(index, &error.to_string());
    let raw = row.try_get_raw(index).map_err(failed)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let class = raw.type_info();
    // Unchecked: the check would hold the value against the column's declared type, and `uuid` is none that the driver knows.
    Ok(match class.name() {
        "INTEGER" => Value::Int(row.try_get_unchecked(index).map_err(failed)?),
        "TEXT" => Value::Text(row.try_get_unchecked(index).map_err(failed)?),
        other => return Err(StorageError::decode(index, &format!("is of storage class {other}; only INTEGER and TEXT are used"))),
    })
}
