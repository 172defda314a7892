//! The same rows by a plain COPY: into tables with the same columns and no index, each in a transaction of its own, from a file.

use super::{
    super::{copying, cpu, figures::rounded, servers::Servers, tables::Tables},
    Copied,
};
use crate::block_on;
use futures::TryStreamExt;
use sqlx::PgConnection;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{fs::File, io::AsyncWriteExt};

/// Where the copies go.
const SCHEMA: &str = "plain_copy";

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
        let written = block_on(export(copying::connection(tables), table, &file));
        let bytes = written.unwrap_or_else(|error| panic!("{table}: {error}"));
        files.push((copy, file, bytes));
    }
    servers.checkpoint();
    cpu::wait_for_quiet();
    let (mut took, mut rows) = (Duration::ZERO, 0);
    for (copy, file, _) in &files {
        let (copied, time) = copying::into(tables, &format!("COPY {copy} FROM STDIN (FORMAT binary)"), file);
        rows += copied;
        took += time;
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
