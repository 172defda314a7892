//! Arguments as Postgres parameters.

use crate::statement::{ColumnType, Physical};
use crate::{Arg, Args, Statement, Value, Write};
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
    let mut arguments = PgArguments::default();
    let types = add(&mut arguments, statement, args)?;
    Ok((with_types(&statement.sql().postgres, &types), arguments))
}

/// Several writes as one statement: each a part of a `WITH` that nothing asks.
pub(super) fn bind_all(writes: &[Write]) -> Result<(String, PgArguments), BoxDynError> {
    let mut arguments = PgArguments::default();
    let mut parts = Vec::with_capacity(writes.len());
    for (number, (statement, args)) in writes.iter().enumerate() {
        let sql = renumbered(&statement.sql().postgres, arguments.len());
        let types = add(&mut arguments, statement, args)?;
        parts.push(format!("w{number} AS ({})", with_types(&sql, &types)));
    }
    Ok((format!("WITH {} SELECT 1", parts.join(", ")), arguments))
}

fn with_types(sql: &str, types: &str) -> String {
    if types.is_empty() { sql.to_owned() } else { format!("{sql} /*{types}*/") }
}

/// The text with each `$N` as `$N+offset`; quoted text stays.
fn renumbered(sql: &str, offset: usize) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    let mut quoted = false;
    let mut rest = sql;
    while let Some(at) = rest.find(['$', '\'']) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        let digits = found.get(1..).map_or(0, |after| after.bytes().take_while(u8::is_ascii_digit).count());
        match found.get(1..1 + digits).and_then(|digits| digits.parse::<usize>().ok()) {
            Some(number) if !quoted && found.starts_with('$') => {
                out.push_str(&format!("${}", number + offset));
                rest = &found[1 + digits..];
            }
            _ => {
                quoted ^= found.starts_with('\'');
                out.push_str(&found[..1]);
                rest = &found[1..];
            }
        }
    }
    out + rest
}

/// Adds a statement's parameters; gives the types of its values.
fn add(arguments: &mut PgArguments, statement: &Statement, args: &Args) -> Result<String, BoxDynError> {
    let mut types = String::new();
    for physical in &statement.expanded().physical {
        match *physical {
            Physical::Value { argument } => {
                if let Some(Arg::Value(value)) = args.0.get(argument) {
                    types.push(bind_value(arguments, value)?);
                }
            }
            Physical::Column { argument, column, kind } => {
                if let Some(Arg::Rows(rows)) = args.0.get(argument) {
                    bind_column(arguments, rows, column, kind)?;
                }
            }
        }
    }
    Ok(types)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_renumbered_and_quoted_text_stays() {
        assert_eq!(renumbered("SELECT $1, '$1 it''s $2', $12::text", 30), "SELECT $31, '$1 it''s $2', $42::text");
        assert_eq!(renumbered("SELECT 'x'", 3), "SELECT 'x'");
        assert_eq!(renumbered("$1", 0), "$1");
    }
}
