//! The schema's versions.

use super::fixture::{ensure, ensure_eq, ensure_err};
use super::{Failure, Outcome, Place};
use crate::{Args, Database, Migration, Statement, StorageError};
use futures::future::try_join_all;

const FIRST: Migration = Migration {
    version: 1,
    name: "things",
    sql: "CREATE TABLE thing (name text NOT NULL PRIMARY KEY, size bigint, done boolean);
          -- It's only here to be left out: {
          INSERT INTO thing (name, size, done) VALUES ('{\"first\": \"it''s\"}', 1, {postgres: true}{sqlite: 1});",
};
const SECOND: Migration = Migration {
    version: 2,
    name: "owners",
    sql: "ALTER TABLE thing ADD COLUMN owner uuid;
          CREATE INDEX thing_by_owner ON thing (owner) WHERE owner IS NOT NULL;",
};
const THIRD: Migration = Migration { version: 3, name: "others", sql: "CREATE TABLE other (id uuid NOT NULL PRIMARY KEY)" };

/// Every column of every table, in a form that two databases of one kind can be compared by.
async fn shape(database: &Database) -> Result<Vec<String>, StorageError> {
    static SHAPE: Statement = Statement::new(
        "{postgres: SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable FROM information_schema.columns
                    WHERE table_schema = current_schema() UNION ALL
                    SELECT replace(indexdef, current_schema() || '.', '') FROM pg_indexes WHERE schemaname = current_schema() ORDER BY 1}
         {sqlite: SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY 1}",
    );
    database.query(&SHAPE, Args::new()).await?.iter().map(|row| row.get(0)).collect()
}

fn said(result: Result<impl std::fmt::Debug, StorageError>, word: &str) -> Outcome {
    match result {
        Err(StorageError::Schema(message)) if message.contains(word) => Ok(()),
        other => Err(Failure(format!("expected a refusal that says {word:?}, got {other:?}"))),
    }
}

/// Applied one release after the other, or all at once to an empty place: the same tables, as far as one place can show. Both
/// orders run on the one place: what a table looks like after each step is what a fresh one is compared with by name.
pub(super) async fn fresh_equals_migrated(place: &dyn Place) -> Outcome {
    let database = place.open().await?;
    ensure_eq!(database.schema_version().await?, None);
    said(database.check(&[FIRST]).await, "planshift migrate")?;
    ensure_eq!(database.migrate(&[FIRST]).await?, [1]);
    ensure_eq!(database.migrate(&[FIRST]).await?, Vec::<u32>::new());
    database.check(&[FIRST]).await?;
    said(database.check(&[FIRST, SECOND]).await, "planshift migrate")?;
    ensure_eq!(database.migrate(&[FIRST, SECOND, THIRD]).await?, [2, 3]);
    database.check(&[FIRST, SECOND, THIRD]).await?;
    ensure_eq!(database.schema_version().await?, Some(3));
    let migrated = shape(&database).await?;

    let mut tx = database.begin().await?;
    tx.run_script("DROP TABLE other; DROP TABLE thing; DROP TABLE schema_version").await?;
    tx.commit().await?;
    ensure_eq!(shape(&database).await?, Vec::<String>::new());
    ensure_eq!(database.migrate(&[FIRST, SECOND, THIRD]).await?, [1, 2, 3]);
    ensure_eq!(shape(&database).await?, migrated);
    Ok(())
}

pub(super) async fn failing(place: &dyn Place) -> Outcome {
    const BROKEN: Migration = Migration { version: 2, name: "broken", sql: "CREATE TABLE half (a text); INSERT INTO nowhere VALUES (1);" };
    let database = place.open().await?;
    ensure_err!(database.migrate(&[FIRST, BROKEN, THIRD]).await, StorageError::Statement(_));
    ensure_eq!(database.schema_version().await?, Some(1));
    ensure!(!shape(&database).await?.iter().any(|line| line.contains("half")), "half of a migration stayed");
    ensure_eq!(database.migrate(&[FIRST, SECOND]).await?, [2]);
    Ok(())
}

pub(super) async fn newer(place: &dyn Place) -> Outcome {
    let database = place.open().await?;
    database.migrate(&[FIRST, SECOND]).await?;
    said(database.migrate(&[FIRST]).await, "newer")?;
    said(database.check(&[FIRST]).await, "newer")?;
    said(database.check(&[]).await, "newer")?;
    ensure_eq!(database.schema_version().await?, Some(2));
    Ok(())
}

pub(super) async fn edited(place: &dyn Place) -> Outcome {
    const EDITED: Migration = Migration { sql: "CREATE TABLE thing (name text)", ..FIRST };
    let database = place.open().await?;
    database.migrate(&[FIRST]).await?;
    said(database.migrate(&[EDITED, SECOND]).await, "edited")?;
    said(database.check(&[EDITED]).await, "edited")?;
    ensure_eq!(database.schema_version().await?, Some(1));
    Ok(())
}

pub(super) async fn gap(place: &dyn Place) -> Outcome {
    let database = place.open().await?;
    said(database.migrate(&[FIRST, THIRD]).await, "stands at place 2")?;
    said(database.migrate(&[SECOND, FIRST]).await, "stands at place 1")?;
    ensure_eq!(database.schema_version().await?, None);
    Ok(())
}

pub(super) async fn at_once(place: &dyn Place) -> Outcome {
    let databases = [place.open().await?, place.open().await?];
    let applied = try_join_all((0..6).map(|n| databases[n % 2].migrate(&[FIRST, SECOND, THIRD]))).await?;
    let mut all: Vec<u32> = applied.concat();
    all.sort_unstable();
    ensure_eq!(all, [1, 2, 3]);
    databases[1].check(&[FIRST, SECOND, THIRD]).await?;
    Ok(())
}
