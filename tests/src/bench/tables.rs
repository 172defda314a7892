//! The tables of all services, read and written past the services: a schema for each, or a file for each.

use crate::block_on;
use sqlx::{
    AssertSqlSafe, ConnectOptions, PgConnection, Row, SqliteConnection, postgres::PgConnectOptions, postgres::PgRow,
    sqlite::SqliteConnectOptions, sqlite::SqliteRow,
};
use std::{path::Path, time::Duration};

/// Each service's schema, or file.
pub const SERVICES: [&str; 6] = ["coordinator", "eligibility", "purchasing", "mapping", "suspension", "gateway"];
/// What a schema notes of itself.
const SCHEMA_VERSION: &str = "schema_version";

/// One connection to all of them.
pub enum Tables {
    /// A schema for each service.
    Postgres(PgConnection),
    /// A file for each service, attached under its name.
    Sqlite(SqliteConnection),
}

/// A column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, as the table was declared: `uuid`, `text`, `bigint` or `boolean`.
    pub kind: String,
}

/// What may be done with files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// They are only read; a service may have them open.
    Read,
    /// They are written; nobody has them open.
    Write,
}

impl Tables {
    /// Of a database.
    ///
    /// # Panics
    /// Where it is not reached.
    pub fn of_database(url: &str) -> Self {
        let connected = block_on(async {
            let options: PgConnectOptions = url.parse()?;
            options.disable_statement_logging().connect().await
        });
        Self::Postgres(connected.unwrap_or_else(|error: sqlx::Error| panic!("the database: {error}")))
    }

    /// Of a data folder.
    ///
    /// # Panics
    /// Where a file is missing.
    pub fn of_folder(folder: &Path, access: Access) -> Self {
        let options = SqliteConnectOptions::new().in_memory(true).busy_timeout(Duration::from_secs(10));
        let connected = block_on(options.disable_statement_logging().connect());
        let mut tables = Self::Sqlite(connected.unwrap_or_else(|error| panic!("SQLite: {error}")));
        for service in SERVICES {
            let file = folder.join(format!("{service}.db")).display().to_string();
            tables.execute(&format!("ATTACH DATABASE 'file:{file}?mode=rw' AS {service}"));
        }
        if access == Access::Read {
            tables.execute("PRAGMA query_only = 1");
        }
        tables
    }

    /// Is it a database of PostgreSQL?
    pub const fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Runs statements, and says how many rows they have changed.
    ///
    /// # Panics
    /// Where one fails.
    pub fn execute(&mut self, statement: &str) -> u64 {
        let query = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        let outcome = block_on(async {
            match self {
                Self::Postgres(connection) => query.execute(connection).await.map(|done| done.rows_affected()),
                Self::Sqlite(connection) => query.execute(connection).await.map(|done| done.rows_affected()),
            }
        });
        outcome.unwrap_or_else(|error| panic!("{error}: {statement}"))
    }

    /// The rows of a query.
    ///
    /// # Panics
    /// Where it fails.
    pub fn rows<T>(&mut self, query: &str) -> Vec<T>
    where
        T: Send + Unpin + for<'r> sqlx::FromRow<'r, PgRow> + for<'r> sqlx::FromRow<'r, SqliteRow>,
    {
        let rows = block_on(async {
            let statement = AssertSqlSafe(query.to_owned());
            match self {
                Self::Postgres(connection) => sqlx::query_as(statement).fetch_all(connection).await,
                Self::Sqlite(connection) => sqlx::query_as(statement).fetch_all(connection).await,
            }
        });
        rows.unwrap_or_else(|error| panic!("{error}: {query}"))
    }

    /// A number that a query gives.
    ///
    /// # Panics
    /// Where it gives none.
    pub fn number(&mut self, query: &str) -> i64 {
        let rows: Vec<(i64,)> = self.rows(query);
        rows.first().unwrap_or_else(|| panic!("no number: {query}")).0
    }

    /// A service's tables, but for what its schema notes of itself.
    pub fn names(&mut self, service: &str) -> Vec<String> {
        let query = if self.is_postgres() {
            format!("SELECT tablename::text FROM pg_tables WHERE schemaname = '{service}' AND tablename <> '{SCHEMA_VERSION}' ORDER BY 1")
        } else {
            format!("SELECT name FROM {service}.sqlite_master WHERE type = 'table' AND name <> '{SCHEMA_VERSION}' ORDER BY 1")
        };
        self.rows::<(String,)>(&query).into_iter().map(|(name,)| name).collect()
    }

    /// A table's columns, in their order.
    pub fn columns(&mut self, service: &str, table: &str) -> Vec<Column> {
        let query = if self.is_postgres() {
            format!(
                "SELECT column_name::text, data_type::text FROM information_schema.columns
                 WHERE table_schema = '{service}' AND table_name = '{table}' ORDER BY ordinal_position"
            )
        } else {
            format!("SELECT name, lower(type) FROM pragma_table_info('{table}', '{service}') ORDER BY cid")
        };
        self.rows::<(String, String)>(&query).into_iter().map(|(name, kind)| Column { name, kind }).collect()
    }

    /// A table's rows, every value as text.
    pub fn texts(&mut self, service: &str, table: &str, columns: &[Column]) -> Vec<Vec<Option<String>>> {
        let list: Vec<String> = columns.iter().map(|column| format!("CAST({} AS text)", column.name)).collect();
        let query = AssertSqlSafe(format!("SELECT {} FROM {service}.{table}", list.join(", ")));
        let rows: Result<_, sqlx::Error> = block_on(async {
            let width = 0..columns.len();
            match self {
                Self::Postgres(connection) => {
                    let rows = sqlx::query(query).fetch_all(connection).await?;
                    rows.iter().map(|row| width.clone().map(|index| row.try_get(index)).collect()).collect()
                }
                Self::Sqlite(connection) => {
                    let rows = sqlx::query(query).fetch_all(connection).await?;
                    rows.iter().map(|row| width.clone().map(|index| row.try_get(index)).collect()).collect()
                }
            }
        });
        rows.unwrap_or_else(|error| panic!("{service}.{table}: {error}"))
    }

    /// How many rows each table of each service has, by `service.table`.
    pub fn sizes(&mut self) -> Vec<(String, i64)> {
        let mut sizes = Vec::new();
        for service in SERVICES {
            for table in self.names(service) {
                let count = self.number(&format!("SELECT count(*) FROM {service}.{table}"));
                sizes.push((format!("{service}.{table}"), count));
            }
        }
        sizes
    }
}
