//! Atomicity, isolation, and what is said when things go wrong.

use super::fixture::{COUNT, INSERT, SIZE, count, ensure, ensure_eq, ensure_err, migrated, only, thing};
use super::{Failure, Outcome, Place};
use crate::{Args, Database, Dialect, Statement, StorageError};
use futures::future::{join_all, poll_immediate};
use std::pin::pin;

static CHANGE: Statement = Statement::new("UPDATE thing SET size = $2 WHERE name = $1");

pub(super) async fn autocommit(place: &dyn Place) -> Outcome {
    static RETURNING: Statement = Statement::new("INSERT INTO thing (name, size) VALUES ($1, $2) RETURNING name, size");
    static DELETE: Statement =
        Statement::new("WITH old AS (SELECT name FROM thing) DELETE FROM thing WHERE name IN (SELECT name FROM old)");
    let database = migrated(place).await?;
    database.ping().await?;
    let rows = database.query(&RETURNING, thing("a", 1)).await?;
    ensure_eq!((only(&rows)?.get::<String>(0)?, only(&rows)?.get::<i64>(1)?), ("a".to_owned(), 1));
    ensure_eq!(database.execute(&INSERT, thing("b", 2)).await?, 1);
    ensure_eq!(count(&place.open().await?).await?, 2);
    ensure_eq!(database.execute(&CHANGE, thing("absent", 1)).await?, 0);
    ensure_eq!(database.execute(&DELETE, Args::new()).await?, 2);
    ensure_eq!(count(&database).await?, 0);
    Ok(())
}

pub(super) async fn uniqueness(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    database.execute(&INSERT, thing("a", 1)).await?;
    ensure_err!(database.execute(&INSERT, thing("a", 2)).await, StorageError::Constraint { .. });
    let mut tx = database.begin().await?;
    match tx.execute(&INSERT, thing("a", 2)).await {
        Err(StorageError::Constraint { constraint, .. }) => {
            ensure!(constraint.starts_with("thing"), "the constraint is called {constraint:?}");
        }
        other => return Err(Failure(format!("a second row of the same key gave {other:?}"))),
    }
    tx.rollback().await?;
    ensure_eq!(count(&database).await?, 1);

    // At once, from several sides.
    let databases = [database.clone(), place.open().await?];
    let tries = join_all((0..8).map(|n| databases[n % 2].execute(&INSERT, thing("b", 1)))).await;
    ensure_eq!(tries.iter().filter(|result| result.is_ok()).count(), 1);
    ensure!(tries.iter().all(|r| matches!(r, Ok(1) | Err(StorageError::Constraint { .. }))), "{tries:?}");
    Ok(())
}

pub(super) async fn atomicity(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    let mut tx = database.begin().await?;
    tx.execute(&INSERT, thing("a", 1)).await?;
    tx.execute(&INSERT, thing("b", 1)).await?;
    tx.commit().await?;
    ensure_eq!(count(&database).await?, 2);

    let mut tx = database.begin().await?;
    tx.execute(&INSERT, thing("c", 1)).await?;
    tx.execute(&CHANGE, thing("a", 9)).await?;
    ensure_eq!(only(&tx.query(&COUNT, Args::new()).await?)?.get::<i64>(0)?, 3);
    tx.rollback().await?;
    ensure_eq!(count(&database).await?, 2);
    ensure_eq!(only(&database.query(&SIZE, Args::new().value("a")).await?)?.get::<i64>(0)?, 1);
    Ok(())
}

pub(super) async fn writes_at_once(place: &dyn Place) -> Outcome {
    static ROWS: Statement = Statement::new("INSERT INTO thing (name, size) SELECT r.name, r.size FROM {1: name text, size bigint} AS r");
    static GROW: Statement = Statement::new("UPDATE thing SET size = size + $2 WHERE name = $1 AND name <> 'it''s $1'");
    let rows = |names: &[&str]| Args::new().rows(names.iter().map(|name| vec![(*name).into(), 1_i64.into()]).collect());
    let database = migrated(place).await?;
    database.execute(&ROWS, rows(&["a", "b"])).await?;
    let mut tx = database.begin().await?;
    tx.execute_all([]).await?;
    tx.execute_all([(&ROWS, rows(&["c", "d"])), (&GROW, Args::new().value("a").value(10_i64)), (&INSERT, thing("e", 5))]).await?;
    tx.execute_all([(&GROW, Args::new().value("b").value(20_i64))]).await?;
    tx.commit().await?;
    ensure_eq!(count(&database).await?, 5);
    for (name, size) in [("a", 11), ("b", 21), ("d", 1), ("e", 5)] {
        ensure_eq!(only(&database.query(&SIZE, Args::new().value(name)).await?)?.get::<i64>(0)?, size);
    }

    let mut tx = database.begin().await?;
    let fails = tx.execute_all([(&ROWS, rows(&["f"])), (&INSERT, thing("a", 1))]).await;
    ensure_err!(fails, StorageError::Constraint { .. });
    ensure_err!(tx.commit().await, StorageError::Statement(_));
    ensure_eq!(count(&database).await?, 5);
    Ok(())
}

pub(super) async fn failed_cannot_commit(place: &dyn Place) -> Outcome {
    static NONSENSE: Statement = Statement::new("SELECT nothing FROM nowhere");
    let database = migrated(place).await?;
    let mut tx = database.begin().await?;
    tx.execute(&INSERT, thing("a", 1)).await?;
    ensure_err!(tx.query(&NONSENSE, Args::new()).await, StorageError::Statement(_));
    ensure_err!(tx.commit().await, StorageError::Statement(_));

    let mut tx = database.begin().await?;
    tx.execute(&INSERT, thing("b", 1)).await?;
    ensure_err!(tx.execute(&INSERT, thing("b", 1)).await, StorageError::Constraint { .. });
    ensure_err!(tx.commit().await, StorageError::Statement(_));
    ensure_eq!(count(&database).await?, 0);
    ensure_err!(database.query(&NONSENSE, Args::new()).await, StorageError::Statement(_));
    Ok(())
}

pub(super) async fn rollback_on_drop(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    database.execute(&INSERT, thing("a", 1)).await?;
    // More often than any pool has connections.
    for _ in 0..12 {
        let mut tx = database.begin().await?;
        tx.execute(&INSERT, thing("b", 1)).await?;
        tx.execute(&CHANGE, thing("a", 2)).await?;
        drop(tx);
    }
    ensure_eq!(database.execute(&CHANGE, thing("a", 3)).await?, 1);
    ensure_eq!(count(&database).await?, 1);
    Ok(())
}

/// A transaction whose future is dropped after any number of polls: at its begin, in a statement, in its commit. Whatever was
/// open is rolled back, or the whole was committed; the row is free again, and nothing is half done.
pub(super) async fn cancelled(place: &dyn Place) -> Outcome {
    static BOTH: Statement = Statement::new("SELECT name, size FROM thing ORDER BY name");
    let database = migrated(place).await?;
    database.execute(&INSERT, thing("a", 0)).await?;
    database.execute(&INSERT, thing("b", 0)).await?;
    let other = place.open().await?;
    let (mut cut, mut ended) = (0, 0);
    // Until it has ended by itself a few times, so that every point before that was one to stop at.
    for polls in 0..400_i64 {
        if ended == 5 {
            break;
        }
        {
            let mut work = pin!(async {
                let mut tx = database.begin().await?;
                tx.execute(&CHANGE, thing("a", polls)).await?;
                tx.execute(&CHANGE, thing("b", polls)).await?;
                tx.commit().await
            });
            let mut result = None;
            for _ in 0..=polls {
                result = poll_immediate(work.as_mut()).await;
                if result.is_some() {
                    break;
                }
                // Takes about as long as an answer that the work waits for.
                other.ping().await?;
            }
            match result {
                Some(result) => {
                    result?;
                    ended += 1;
                }
                None => cut += 1,
            }
        }
        let mut tx = database.begin().await?;
        let rows = tx.query(&BOTH, Args::new()).await?;
        ensure_eq!(rows[0].get::<i64>(1)?, rows[1].get::<i64>(1)?);
        // Waits until the locks of the one that was dropped are gone.
        ensure_eq!(tx.execute(&CHANGE, thing("a", -1)).await?, 1);
        ensure_eq!(tx.execute(&CHANGE, thing("b", -1)).await?, 1);
        tx.commit().await?;
    }
    ensure!(ended > 0, "it never came to its end");
    ensure!(cut > 0 || database.dialect() == Dialect::Sqlite, "it was never cut");
    Ok(())
}

pub(super) async fn unseen_before_commit(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    let other = place.open().await?;
    let mut tx = database.begin().await?;
    tx.execute(&INSERT, thing("a", 1)).await?;
    ensure_eq!(count(&database).await?, 0);
    ensure_eq!(count(&other).await?, 0);
    tx.commit().await?;
    ensure_eq!(count(&database).await?, 1);
    ensure_eq!(count(&other).await?, 1);
    Ok(())
}

/// Two that read a row under a lock and write it back: no write is lost, and nobody has to try again.
pub(super) async fn no_lost_update(place: &dyn Place) -> Outcome {
    static LOCK: Statement = Statement::new("SELECT size FROM thing WHERE name = $1 {for update}");
    async fn add_one(database: Database) -> Result<(), StorageError> {
        let mut tx = database.begin().await?;
        let size: i64 = only(&tx.query(&LOCK, Args::new().value("a")).await?)?.get(0)?;
        tokio::task::yield_now().await;
        tx.execute(&CHANGE, thing("a", size + 1)).await?;
        tx.commit().await
    }
    let databases = [migrated(place).await?, place.open().await?];
    databases[0].execute(&INSERT, thing("a", 0)).await?;
    let tasks: Vec<_> = (0..40).map(|n| tokio::spawn(add_one(databases[n % 2].clone()))).collect();
    for task in tasks {
        task.await??;
    }
    ensure_eq!(only(&databases[1].query(&SIZE, Args::new().value("a")).await?)?.get::<i64>(0)?, 40);
    Ok(())
}

/// A migration under running programs: their statements were prepared for the table as it was. A statement alone notices nothing,
/// and a transaction has to begin again, at most once for each connection.
pub(super) async fn changed_table(place: &dyn Place) -> Outcome {
    static ALL: Statement = Statement::new("SELECT * FROM thing");
    let database = migrated(place).await?;
    let other = place.open().await?;
    database.execute(&INSERT, thing("a", 1)).await?;
    for columns in 3..6 {
        // Every connection of the pool has prepared it.
        let all = join_all((0..16).map(|_| database.query(&ALL, Args::new()))).await;
        all.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut tx = other.begin().await?;
        tx.run_script(&format!("ALTER TABLE thing ADD COLUMN extra_{columns} bigint")).await?;
        tx.commit().await?;
        if columns == 4 {
            let mut tries_left = crate::DEFAULT_POOL_SIZE;
            loop {
                let mut tx = database.begin().await?;
                match tx.query(&ALL, Args::new()).await {
                    Err(StorageError::Unavailable(_)) if tries_left > 0 => tries_left -= 1,
                    result => {
                        ensure_eq!(only(&result?)?.0.len(), columns);
                        break;
                    }
                }
            }
        }
        ensure_eq!(only(&database.query(&ALL, Args::new()).await?)?.0.len(), columns);
    }
    Ok(())
}

/// Where rows are locked: one that waits too long for a lock, and one that waits in a circle, lose with `Conflict`.
pub(super) async fn lost_against_another(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    if database.dialect() != Dialect::Postgres {
        return Ok(());
    }
    for name in ["a", "b"] {
        database.execute(&INSERT, thing(name, 0)).await?;
    }
    let mut first = database.begin().await?;
    first.execute(&CHANGE, thing("a", 1)).await?;
    let mut second = database.begin().await?;
    second.run_script("SET LOCAL lock_timeout = '20ms'").await?;
    ensure_err!(second.execute(&CHANGE, thing("a", 2)).await, StorageError::Conflict(_));
    second.rollback().await?;

    let mut second = database.begin().await?;
    second.execute(&CHANGE, thing("b", 2)).await?;
    let (one, two) = futures::join!(first.execute(&CHANGE, thing("b", 1)), second.execute(&CHANGE, thing("a", 2)));
    ensure!(matches!((&one, &two), (Ok(1), Err(StorageError::Conflict(_))) | (Err(StorageError::Conflict(_)), Ok(1))), "{one:?} {two:?}");
    Ok(())
}

/// Where the database is a server, its connections are cut at each point of a transaction. A store in the same process has none
/// to cut.
pub(super) async fn lost_connection(place: &dyn Place) -> Outcome {
    static WHO: Statement = Statement::new("SELECT {postgres: pg_backend_pid()::bigint}{sqlite: 0}");
    static CUT: Statement = Statement::new("SELECT {postgres: pg_terminate_backend($1::integer)}{sqlite: $1}");
    static ALIVE: Statement = Statement::new("SELECT {postgres: count(*) FROM pg_stat_activity WHERE pid = $1}{sqlite: $1}");
    async fn cut(other: &Database, connection: i64) -> Outcome {
        other.query(&CUT, Args::new().value(connection)).await?;
        while only(&other.query(&ALIVE, Args::new().value(connection)).await?)?.get::<i64>(0)? > 0 {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
    let database = migrated(place).await?;
    if database.dialect() != Dialect::Postgres {
        return Ok(());
    }
    let other = place.open().await?;

    // Before the commit: nothing happened, and that is known.
    let mut tx = database.begin().await?;
    tx.execute(&INSERT, thing("a", 1)).await?;
    cut(&other, only(&tx.query(&WHO, Args::new()).await?)?.get(0)?).await?;
    ensure_err!(tx.execute(&INSERT, thing("b", 1)).await, StorageError::Unavailable(_));
    drop(tx);

    // With the commit: nobody can know.
    let mut tx = database.begin().await?;
    tx.execute(&INSERT, thing("a", 1)).await?;
    cut(&other, only(&tx.query(&WHO, Args::new()).await?)?.get(0)?).await?;
    ensure_err!(tx.commit().await, StorageError::CommitUnknown(_));
    ensure_eq!(count(&database).await?, 0);

    // While idle, all of them: neither a transaction nor a statement alone notices.
    for round in 0..3 {
        let mut open = Vec::new();
        for _ in 0..crate::DEFAULT_POOL_SIZE {
            let mut tx = database.begin().await?;
            let connection: i64 = only(&tx.query(&WHO, Args::new()).await?)?.get(0)?;
            open.push((tx, connection));
        }
        let mut connections = Vec::new();
        for (tx, connection) in open {
            tx.rollback().await?;
            connections.push(connection);
        }
        for connection in connections {
            cut(&other, connection).await?;
        }
        match round {
            0 => drop(count(&database).await?),
            1 => drop(database.execute(&INSERT, thing("c", 1)).await?),
            _ => database.begin().await?.rollback().await?,
        }
    }
    ensure_eq!(count(&database).await?, 1);
    Ok(())
}

pub(super) async fn closed(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    database.execute(&INSERT, thing("a", 1)).await?;
    count(&database).await?;
    database.clone().close().await;
    ensure_err!(database.ping().await, StorageError::Unavailable(_));
    ensure_err!(database.begin().await, StorageError::Unavailable(_));
    ensure_err!(count(&database).await, StorageError::Unavailable(_));
    ensure_err!(database.execute(&INSERT, thing("b", 1)).await, StorageError::Unavailable(_));
    ensure_eq!(count(&place.open().await?).await?, 1);
    Ok(())
}
