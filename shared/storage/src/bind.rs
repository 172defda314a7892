//! Arguments against the template: the same checks for every database, so that a mistake fails on all of them alike.

use crate::statement::{ColumnType, Shape};
use crate::{Arg, Args, Statement, StorageError, Value};

/// Checks that the arguments are what the statement's template asks for.
///
/// # Errors
/// `StorageError::Statement`: their number, a row's width, a column's type, or a text with a NUL character (which Postgres cannot
/// store).
pub(crate) fn check(statement: &Statement, args: &Args) -> Result<(), StorageError> {
    let shapes = &statement.expanded().shapes;
    if args.0.len() != shapes.len() {
        return Err(wrong(format!("{} arguments for a statement with {}: {}", args.0.len(), shapes.len(), statement.template())));
    }
    for (number, (shape, arg)) in (1..).zip(shapes.iter().zip(&args.0)) {
        match (shape, arg) {
            (Shape::Value | Shape::Unused, Arg::Value(value)) => check_text(value, number)?,
            (Shape::Rows(columns), Arg::Rows(rows)) => {
                for row in rows {
                    if row.len() != columns.len() {
                        return Err(wrong(format!("argument {number}: a row of {} values for {} columns", row.len(), columns.len())));
                    }
                    for (column, value) in columns.iter().zip(row) {
                        if !fits(column.kind, value) {
                            let kind = column.kind.name();
                            return Err(wrong(format!("argument {number}, column {}: {value:?} is not a {kind}", column.name)));
                        }
                        check_text(value, number)?;
                    }
                }
            }
            (Shape::Rows(_), Arg::Value(_)) => return Err(wrong(format!("argument {number} must be a set of rows"))),
            (Shape::Value | Shape::Unused, Arg::Rows(_)) => return Err(wrong(format!("argument {number} must be a value"))),
        }
    }
    Ok(())
}

/// The arguments as SQLite's parameters, in order: a set of rows is one JSON text, an array of arrays; a `Uuid` is lower-case
/// text; a `Bool` is 0 or 1. For stores that speak SQLite's dialect.
///
/// # Errors
/// `StorageError::Statement` where the arguments are not what the template asks for.
pub fn sqlite_parameters(statement: &Statement, args: Args) -> Result<Vec<Value>, StorageError> {
    check(statement, &args)?;
    Ok(args
        .0
        .into_iter()
        .map(|arg| match arg {
            Arg::Value(Value::Uuid(id)) => Value::Text(id.to_string()),
            Arg::Value(Value::Bool(flag)) => Value::Int(i64::from(flag)),
            Arg::Value(value) => value,
            Arg::Rows(rows) => Value::Text(json(&rows)),
        })
        .collect())
}

/// Rows as a JSON array of arrays, written straight away: a tree of values for each would be most of the work.
fn json(rows: &[Vec<Value>]) -> String {
    let mut text = String::with_capacity(rows.len() * 128);
    text.push('[');
    for (number, row) in rows.iter().enumerate() {
        text.push_str(if number == 0 { "[" } else { ",[" });
        for (column, value) in row.iter().enumerate() {
            if column > 0 {
                text.push(',');
            }
            match value {
                Value::Null => text.push_str("null"),
                Value::Int(v) => text.push_str(&v.to_string()),
                // As 0 and 1, so that it reads the same however the JSON functions treat `true`.
                Value::Bool(v) => text.push(if *v { '1' } else { '0' }),
                Value::Text(v) => text.push_str(&serde_json::Value::from(v.as_str()).to_string()),
                Value::Uuid(v) => {
                    text.push('"');
                    text.push_str(v.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()));
                    text.push('"');
                }
            }
        }
        text.push(']');
    }
    text.push(']');
    text
}

fn fits(kind: ColumnType, value: &Value) -> bool {
    matches!(
        (kind, value),
        (_, Value::Null)
            | (ColumnType::Uuid, Value::Uuid(_))
            | (ColumnType::Text, Value::Text(_))
            | (ColumnType::Bigint, Value::Int(_))
            | (ColumnType::Boolean, Value::Bool(_))
    )
}

fn check_text(value: &Value, number: usize) -> Result<(), StorageError> {
    match value {
        Value::Text(text) if text.contains('\0') => Err(wrong(format!("argument {number}: a text with a NUL character"))),
        _ => Ok(()),
    }
}

fn wrong(problem: String) -> StorageError {
    StorageError::Statement(problem)
}
