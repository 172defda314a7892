//! A row of Postgres, by the types of its columns.

use crate::{Row, StorageError, Value};
use sqlx::postgres::PgRow;
use sqlx::{Row as _, TypeInfo, ValueRef};
use uuid::Uuid;

/// The values of a row.
pub(super) fn row(row: &PgRow) -> Result<Row, StorageError> {
    (0..row.len()).map(|index| value(row, index)).collect::<Result<_, _>>().map(Row)
}

fn value(row: &PgRow, index: usize) -> Result<Value, StorageError> {
    let failed = |error: sqlx::Error| StorageError::decode(index, &error.to_string());
    let raw = row.try_get_raw(index).map_err(failed)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info();
    Ok(match kind.name() {
        "INT8" => Value::Int(row.try_get(index).map_err(failed)?),
        "INT4" => Value::Int(row.try_get::<i32, _>(index).map_err(failed)?.into()),
        "INT2" => Value::Int(row.try_get::<i16, _>(index).map_err(failed)?.into()),
        "BOOL" => Value::Bool(row.try_get(index).map_err(failed)?),
        "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "UNKNOWN" => Value::Text(row.try_get(index).map_err(failed)?),
        "UUID" => Value::Uuid(row.try_get::<Uuid, _>(index).map_err(failed)?),
        "VOID" => Value::Null,
        other => return Err(StorageError::decode(index, &format!("is of type {other}; cast it to bigint, text, boolean or uuid"))),
    })
}
