//! The schema's versions.
//!
//! A program knows a list of migrations; the table `schema_version` knows which of them the database has had, and what they said.
//! What is missing is applied in order, each in a transaction of its own together with its line in that table. A database that
//! has had a migration which the program does not know, or knows with another text, is refused: it is newer, or not ours.
//!
//! A migration that was released is never edited. Changes expand first and contract in a later release, so that the program of
//! one version before can run beside it.

use crate::statement::{Expanded, expand};
use crate::{Args, Database, Dialect, Statement, StorageError, Transaction};
use sha2::{Digest, Sha256};

/// One step of a schema.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its place: from 1, each one more than the last.
    pub version: u32,
    /// What it does, for people.
    pub name: &'static str,
    /// Its statements, separated by semicolons, for both databases: types are uuid, text, bigint and boolean;
    /// `{postgres: …}` and `{sqlite: …}` where the two differ.
    pub sql: &'static str,
}

impl Migration {
    /// A fingerprint of what it says.
    fn checksum(&self) -> String {
        Sha256::digest(self.sql.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn script(&self, dialect: Dialect) -> String {
        let Expanded { sql, shapes, .. } = expand(self.sql);
        assert!(shapes.is_empty(), "migration {} ({}) has arguments", self.version, self.name);
        match dialect {
            Dialect::Postgres => sql.postgres,
            Dialect::Sqlite => sql.sqlite,
        }
    }
}

/// A line of `schema_version`.
#[derive(Debug)]
struct Applied {
    version: u32,
    name: String,
    checksum: String,
}

static TABLE_EXISTS: Statement = Statement::new(
    "{postgres: SELECT (to_regclass('schema_version') IS NOT NULL)::boolean}
     {sqlite: SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'}",
);
static APPLIED: Statement = Statement::new("SELECT version, name, checksum FROM schema_version ORDER BY version");
static NOTE: Statement = Statement::new(
    "INSERT INTO schema_version (version, name, checksum, applied_at)
     SELECT $1, $2, $3, {postgres: (extract(epoch FROM clock_timestamp()) * 1000000)::bigint}
                        {sqlite: CAST(unixepoch('subsec') * 1000000 AS INTEGER)}",
);
/// Held until the transaction ends. Others wait for it for as long as a migration may take.
static LOCK: Statement =
    Statement::new("SELECT {postgres: pg_advisory_xact_lock(hashtextextended('planshift.migrate.' || current_schema(), 0))}{sqlite: NULL}");
const WAIT_LONGER: &str = "SET LOCAL lock_timeout = '5min'";
const TABLE: &str = "CREATE TABLE schema_version (
    version bigint NOT NULL PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at bigint NOT NULL
)";

/// Applies what is missing.
pub(crate) async fn apply(database: &Database, migrations: &[Migration]) -> Result<Vec<u32>, StorageError> {
    let mut done = Vec::new();
    loop {
        let mut transaction = database.begin().await?;
        let Some(version) = apply_next(&mut transaction, migrations, database.dialect()).await? else {
            transaction.commit().await?;
            return Ok(done);
        };
        transaction.commit().await?;
        done.push(version);
    }
}

async fn apply_next(transaction: &mut Transaction, migrations: &[Migration], dialect: Dialect) -> Result<Option<u32>, StorageError> {
    if dialect == Dialect::Postgres {
        transaction.run_script(WAIT_LONGER).await?;
    }
    transaction.query(&LOCK, Args::new()).await?;
    // Asked rather than `IF NOT EXISTS`, which needs the right to create even where nothing is to be created.
    if !exists(&transaction.query(&TABLE_EXISTS, Args::new()).await?)? {
        transaction.run_script(TABLE).await?;
    }
    let applied = parse(&transaction.query(&APPLIED, Args::new()).await?)?;
    let Some(next) = missing(&applied, migrations)?.first() else { return Ok(None) };
    transaction.run_script(&next.script(dialect)).await?;
    transaction.execute(&NOTE, Args::new().value(next.version).value(next.name).value(next.checksum())).await?;
    Ok(Some(next.version))
}

/// Whether nothing is missing.
pub(crate) async fn check(database: &Database, migrations: &[Migration]) -> Result<(), StorageError> {
    let applied = applied(database).await?.unwrap_or_default();
    let Some(last) = missing(&applied, migrations)?.last() else { return Ok(()) };
    Err(StorageError::Schema(match applied.last() {
        None => "the database has no schema yet: run `planshift migrate`".to_owned(),
        Some(at) => format!("the database is at version {} and this program needs {}: run `planshift migrate`", at.version, last.version),
    }))
}

/// The last version applied.
pub(crate) async fn version(database: &Database) -> Result<Option<u32>, StorageError> {
    Ok(applied(database).await?.and_then(|applied| applied.last().map(|last| last.version)))
}

async fn applied(database: &Database) -> Result<Option<Vec<Applied>>, StorageError> {
    if !exists(&database.query(&TABLE_EXISTS, Args::new()).await?)? {
        return Ok(None);
    }
    parse(&database.query(&APPLIED, Args::new()).await?).map(Some)
}

fn exists(rows: &[crate::Row]) -> Result<bool, StorageError> {
    rows.first().map_or(Ok(false), |row| row.get(0))
}

fn parse(rows: &[crate::Row]) -> Result<Vec<Applied>, StorageError> {
    rows.iter().map(|row| Ok(Applied { version: row.get(0)?, name: row.get(1)?, checksum: row.get(2)? })).collect()
}

/// What the database has not had yet, in order; or why it is not to be touched.
fn missing<'m>(applied: &[Applied], migrations: &'m [Migration]) -> Result<&'m [Migration], StorageError> {
    if let Some((place, migration)) = (1..).zip(migrations).find(|(place, migration)| *place != migration.version) {
        return Err(StorageError::Schema(format!("migration {:?} stands at place {place} but says {}", migration.name, migration.version)));
    }
    for (index, line) in applied.iter().enumerate() {
        let Some(known) = migrations.get(index) else {
            return Err(StorageError::Schema(format!(
                "the database is at version {} ({}), newer than this program, which knows {}: run a newer program",
                line.version,
                line.name,
                migrations.len()
            )));
        };
        if known.version != line.version || known.checksum() != line.checksum {
            return Err(StorageError::Schema(format!(
                "version {} of the database ({}) is not what this program knows as version {} ({}): it belongs to another program, or a \
                 migration was edited after its release",
                line.version, line.name, known.version, known.name
            )));
        }
    }
    Ok(&migrations[applied.len()..])
}
