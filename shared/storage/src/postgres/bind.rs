//! Arguments as Postgres parameters.

use crate::statement::{ColumnType, Physical};
use crate::{Arg, Args, Statement, Value};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo};
use sqlx::{Arguments, Encode, Postgres, Type};

/// Postgres: the type `unknown`. A parameter declared so gets its type from the place it stands in.
const UNKNOWN: Oid = Oid(705);

/// NULL, of whatever type its place asks for.
struct Null;

impl Type<Postgres> for Null {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(UNKNOWN)
    }
}

impl Encode<'_, Postgres> for Null {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

/// The statement's text and its parameters. The arguments were checked.
///
/// The driver keeps prepared statements by their text alone, but their parameters have the types of the first call's values. The
/// text therefore ends with those types in a comment: what a call means must not depend on which came first on that connection.
pub(super) fn bind(statement: &Statement, args: &Args) -> Result<(String, PgArguments), BoxDynError> {
    let expanded = statement.expanded();
    let mut arguments = PgArguments::default();
    let mut types = String::new();
    for physical in &expanded.physical {
        match *physical {
            Physical::Value { argument } => {
                if let Some(Arg::Value(value)) = args.0.get(argument) {
                    types.push(bind_value(&mut arguments, value)?);
                }
            }
            Physical::Column { argument, column, kind } => {
                if let Some(Arg::Rows(rows)) = args.0.get(argument) {
                    bind_column(&mut arguments, rows, column, kind)?;
                }
            }
        }
    }
    let sql = &expanded.sql.postgres;
    Ok((if types.is_empty() { sql.clone() } else { format!("{sql} /*{types}*/") }, arguments))
}

fn bind_value(arguments: &mut PgArguments, value: &Value) -> Result<char, BoxDynError> {
    Ok(match value {
        Value::Null => {
            arguments.add(Null)?;
            'n'
        }
        Value::Int(v) => {
            arguments.add(*v)?;
            'i'
        }
        Value::Bool(v) => {
            arguments.add(*v)?;
            'b'
        }
        Value::Text(v) => {
            arguments.add(v.as_str())?;
            't'
        }
        Value::Uuid(v) => {
            arguments.add(*v)?;
            'u'
        }
    })
}

/// One column of the rows as an array. A value of another type was refused before.
fn bind_column(arguments: &mut PgArguments, rows: &[Vec<Value>], column: usize, kind: ColumnType) -> Result<(), BoxDynError> {
    let values = rows.iter().map(|row| row.get(column));
    match kind {
        ColumnType::Uuid => arguments.add(values.map(|v| if let Some(Value::Uuid(v)) = v { Some(*v) } else { None }).collect::<Vec<_>>()),
        ColumnType::Text => {
            arguments.add(values.map(|v| if let Some(Value::Text(v)) = v { Some(v.as_str()) } else { None }).collect::<Vec<_>>())
        }
        ColumnType::Bigint => arguments.add(values.map(|v| if let Some(Value::Int(v)) = v { Some(*v) } else { None }).collect::<Vec<_>>()),
        ColumnType::Boolean => {
            arguments.add(values.map(|v| if let Some(Value::Bool(v)) = v { Some(*v) } else { None }).collect::<Vec<_>>())
        }
    }
}
