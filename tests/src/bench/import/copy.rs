//! The same rows by a plain COPY: into tables with the same columns and no index, each in a transaction of its own, from a file.

use super::{
    super::{cpu, figures::rounded, servers::Servers, tables::Tables},
    Copied,
};
use crate::block_on;
use futures::TryStreamExt;
use sqlx::PgConnection;
use std::{
    io::Read,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::{fs::File, io::AsyncWriteExt};

/// Where the copies go.
const SCHEMA: &str = "plain_copy";
/// How much is sent at once.
const PART: usize = 256 * 1024;

/// Copies what is in all tables, and measures the copying alone.
///
/// # Panics
/// Where something cannot be copied.
pub fn again(servers: &Servers, tables: &mut Tables, folder: &Path) -> Copied {
    let filled: Vec<(String, i64)> = tables.sizes().into_iter().filter(|(_, rows)| *rows > 0).collect();
    tables.execute(&format!("CREATE SCHEMA {SCHEMA}"));
    let mut files = Vec::new();
    for (table, _) in &filled {
        let (copy, file) = (format!("{SCHEMA}.{}", table.replace('.', "_")), folder.join(format!("{table}.copy")));
        tables.execute(&format!("CREATE TABLE {copy} (LIKE {table})"));
        let written = block_on(export(connection(tables), table, &file));
        let bytes = written.unwrap_or_else(|error| panic!("{table}: {error}"));
        files.push((copy, file, bytes));
    }
    servers.checkpoint();
    cpu::wait_for_quiet();
    let (mut took, mut rows) = (Duration::ZERO, 0);
    for (copy, file, _) in &files {
        let begun = Instant::now();
        let copied = block_on(import(connection(tables), copy, file));
        rows += copied.unwrap_or_else(|error| panic!("{copy}: {error}"));
        took += begun.elapsed();
    }
    let bytes: u64 = files.iter().map(|(_, _, bytes)| bytes).sum();
    Copied {
        system: "copy",
        part: "import",
        tables: files.len(),
        rows,
        mb: rounded(bytes as f64 / f64::from(1 << 20)),
        wall_s: rounded(took.as_secs_f64()),
        rows_per_s: (rows as f64 / took.as_secs_f64()).round(),
    }
}

fn connection(tables: &mut Tables) -> &mut PgConnection {
    match tables {
        Tables::Postgres(connection) => connection,
        Tables::Sqlite(_) => panic!("COPY is PostgreSQL's"),
    }
}

async fn export(connection: &mut PgConnection, table: &str, file: &PathBuf) -> Result<u64, sqlx::Error> {
    let mut out = File::create(file).await?;
    let mut bytes = 0;
    let mut parts = connection.copy_out_raw(&format!("COPY {table} TO STDOUT (FORMAT binary)")).await?;
    while let Some(part) = parts.try_next().await? {
        bytes += part.len() as u64;
        out.write_all(&part).await?;
    }
    out.flush().await?;
    Ok(bytes)
}

/// One statement, and so one transaction.
async fn import(connection: &mut PgConnection, copy: &str, file: &PathBuf) -> Result<u64, sqlx::Error> {
    let mut copying = connection.copy_in_raw(&format!("COPY {copy} FROM STDIN (FORMAT binary)")).await?;
    let mut from = std::fs::File::open(file)?;
    let mut part = vec![0; PART];
    loop {
        match from.read(&mut part)? {
            0 => return copying.finish().await,
            read => drop(copying.send(&part[..read]).await?),
        };
    }
}
