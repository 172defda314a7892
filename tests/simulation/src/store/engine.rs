//! The database itself. Nothing here waits.
//!
//! There is one connection, so a reader outside of the open transaction would see what that has written. Where there is such a
//! reader, which is seldom, the transaction is rolled back, the reader served, and the transaction's writes done again: they are
//! functions of what is stored and of their arguments alone.

use super::{Parameters, classify::classify};
use planshift_storage::{Row, StorageError, Value};
use rusqlite::{Connection, config::DbConfig, types::ValueRef};

/// Prepared statements kept.
const STATEMENTS: usize = 512;

pub(super) struct Engine {
    connection: Connection,
    /// What the open transaction has written, where there is one.
    written: Option<Vec<Written>>,
}

enum Written {
    Statement(String, Parameters),
    Script(String),
}

impl Engine {
    pub(super) fn open() -> Result<Self, StorageError> {
        let connection = Connection::open_in_memory().map_err(classify)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // a plan does not depend on the arguments: else a statement is often prepared anew for them, a sixteenth of all time
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(classify)?;
        connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY").map_err(classify)?;
        Ok(Self { connection, written: None })
    }

    pub(super) fn begin(&mut self) -> Result<(), StorageError> {
        self.command("BEGIN")?;
        self.written = Some(Vec::new());
        Ok(())
    }

    pub(super) fn commit(&mut self) -> Result<(), StorageError> {
        self.written = None;
        self.command("COMMIT")
    }

    /// Also where there is nothing to be undone any more.
    pub(super) fn rollback(&mut self) -> Result<(), StorageError> {
        match self.written.take() {
            Some(_) => self.command("ROLLBACK"),
            None => Ok(()),
        }
    }

    /// A statement of the open transaction: its rows, and how many it changed.
    pub(super) fn run(&mut self, sql: &str, parameters: Parameters) -> Result<(Vec<Row>, u64), StorageError> {
        let (rows, changed, writes) = execute(&self.connection, sql, &parameters)?;
        if let Some(written) = self.written.as_mut().filter(|_| writes) {
            written.push(Written::Statement(sql.to_owned(), parameters));
        }
        Ok((rows, changed))
    }

    /// Statements of the open transaction.
    pub(super) fn run_script(&mut self, sql: &str) -> Result<(), StorageError> {
        self.connection.execute_batch(sql).map_err(classify)?;
        if let Some(written) = &mut self.written {
            written.push(Written::Script(sql.to_owned()));
        }
        Ok(())
    }

    /// A reading statement outside of any transaction.
    pub(super) fn read_committed(&mut self, sql: &str, parameters: &Parameters) -> Result<Vec<Row>, StorageError> {
        let written = match self.written.take() {
            Some(written) if !written.is_empty() => written,
            nothing => {
                self.written = nothing;
                return execute(&self.connection, sql, parameters).map(|(rows, ..)| rows);
            }
        };
        self.command("ROLLBACK")?;
        let found = execute(&self.connection, sql, parameters).map(|(rows, ..)| rows);
        self.command("BEGIN")?;
        for write in &written {
            match write {
                Written::Statement(sql, parameters) => drop(execute(&self.connection, sql, parameters)?),
                Written::Script(sql) => self.connection.execute_batch(sql).map_err(classify)?,
            }
        }
        self.written = Some(written);
        found
    }

    fn command(&self, sql: &str) -> Result<(), StorageError> {
        execute(&self.connection, sql, &[]).map(|_| ())
    }
}

/// Runs a statement to its end: its rows, how many it changed, and whether it can change any.
fn execute(connection: &Connection, sql: &str, parameters: &[Value]) -> Result<(Vec<Row>, u64, bool), StorageError> {
    let mut statement = connection.prepare_cached(sql).map_err(classify)?;
    for (index, value) in (1..=statement.parameter_count()).zip(parameters) {
        match value {
            Value::Null => statement.raw_bind_parameter(index, None::<i64>),
            Value::Int(v) => statement.raw_bind_parameter(index, v),
            Value::Bool(v) => statement.raw_bind_parameter(index, i64::from(*v)),
            Value::Text(v) => statement.raw_bind_parameter(index, v),
            Value::Uuid(v) => statement.raw_bind_parameter(index, v.to_string()),
        }
        .map_err(classify)?;
    }
    let mut rows = Vec::new();
    let mut cursor = statement.raw_query();
    while let Some(row) = cursor.next().map_err(classify)? {
        let columns = row.as_ref().column_count();
        rows.push((0..columns).map(|column| value(row, column)).collect::<Result<_, _>>().map(Row)?);
    }
    drop(cursor);
    let writes = !statement.readonly();
    let changed = if writes { connection.changes() } else { 0 };
    Ok((rows, changed, writes))
}

fn value(row: &rusqlite::Row<'_>, column: usize) -> Result<Value, StorageError> {
    let problem = |problem: String| StorageError::Decode { column, problem };
    Ok(match row.get_ref(column).map_err(|error| problem(error.to_string()))? {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(v) => Value::Int(v),
        ValueRef::Text(v) => Value::Text(std::str::from_utf8(v).map_err(|error| problem(error.to_string()))?.to_owned()),
        other => return Err(problem(format!("is of storage class {}; only INTEGER and TEXT are used", other.data_type()))),
    })
}
