//! A file by a plain COPY, as fast as a database takes rows: what imports are held against.

use super::tables::Tables;
use crate::block_on;
use sqlx::PgConnection;
use std::{
    fs::File,
    io::Read,
    path::Path,
    time::{Duration, Instant},
};

/// How much is sent at once.
const PART: usize = 256 * 1024;

/// The connection to PostgreSQL.
///
/// # Panics
/// Where it is another database.
pub fn connection(tables: &mut Tables) -> &mut PgConnection {
    match tables {
        Tables::Postgres(connection) => connection,
        Tables::Sqlite(_) => panic!("COPY is PostgreSQL's"),
    }
}

/// Sends a file to a `COPY … FROM STDIN`: one statement, and so one transaction. How many rows, and how long it took.
///
/// # Panics
/// Where it is not taken.
pub fn into(tables: &mut Tables, statement: &str, file: &Path) -> (u64, Duration) {
    let begun = Instant::now();
    let copied = block_on(send(connection(tables), statement, file));
    (copied.unwrap_or_else(|error| panic!("{error}: {statement}")), begun.elapsed())
}

async fn send(connection: &mut PgConnection, statement: &str, file: &Path) -> Result<u64, sqlx::Error> {
    let mut copying = connection.copy_in_raw(statement).await?;
    let mut from = File::open(file)?;
    let mut part = vec![0; PART];
    loop {
        match from.read(&mut part)? {
            0 => return copying.finish().await,
            read => drop(copying.send(&part[..read]).await?),
        };
    }
}
