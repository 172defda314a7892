//! Values in and out.

use super::fixture::{ODD_TEXTS, count, ensure, ensure_eq, ensure_err, migrated, only, same, thing};
use super::{Outcome, Place, fixture};
use crate::{Args, Statement, StorageError, Value};
use uuid::Uuid;

static PUT: Statement = Statement::new("INSERT INTO anything (place, id, name, size, done) VALUES ($1, $2, $3, $4, $5)");
static PUT_ROWS: Statement = Statement::new(
    "INSERT INTO anything (place, id, name, size, done) SELECT r.place, r.id, r.name, r.size, r.done
     FROM {1: place bigint, id uuid, name text, size bigint, done boolean} AS r",
);
static GET: Statement = Statement::new("SELECT id, name, size, done FROM anything ORDER BY place");

fn columns(place: i64, [id, name, size, done]: &[Value; 4]) -> Vec<Value> {
    vec![place.into(), id.clone(), name.clone(), size.clone(), done.clone()]
}

fn samples() -> Vec<[Value; 4]> {
    let numbers = [i64::MIN, i64::MAX, 0, -1, 1 << 53, (1 << 53) + 1];
    let mut samples: Vec<[Value; 4]> = numbers
        .iter()
        .map(|number| [Uuid::from_u128(number.unsigned_abs().into()).into(), "x".into(), (*number).into(), (number % 2 == 0).into()])
        .collect();
    samples.extend(ODD_TEXTS.iter().map(|text| [Uuid::max().into(), (*text).into(), 7_i64.into(), true.into()]));
    samples.push([Value::Null, Value::Null, Value::Null, Value::Null]);
    for empty in 0..4 {
        let mut sample = [Uuid::nil().into(), "y".into(), 1_i64.into(), false.into()];
        sample[empty] = Value::Null;
        samples.push(sample);
    }
    samples
}

pub(super) async fn every_type(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    let samples = samples();
    for (number, sample) in (0..).zip(&samples) {
        let args = columns(number, sample).into_iter().fold(Args::new(), Args::value);
        ensure_eq!(database.execute(&PUT, args).await?, 1);
    }
    let rows = database.query(&GET, Args::new()).await?;
    ensure_eq!(rows.len(), samples.len());
    rows.iter().zip(&samples).try_for_each(|(row, sample)| same(row, sample))
}

pub(super) async fn rows(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    let samples = samples();
    let rows = (0..).zip(&samples).map(|(number, sample)| columns(number, sample)).collect();
    ensure_eq!(database.execute(&PUT_ROWS, Args::new().rows(rows)).await?, samples.len() as u64);
    let rows = database.query(&GET, Args::new()).await?;
    ensure_eq!(rows.len(), samples.len());
    rows.iter().zip(&samples).try_for_each(|(row, sample)| same(row, sample))
}

/// The same statement with NULL first, then with values, then with NULL again, and the other way round: what a call means must
/// not depend on the calls before it. Also where the place of the argument gives it no type but a cast does.
pub(super) async fn nulls(place: &dyn Place) -> Outcome {
    static FIND: Statement = Statement::new(
        "SELECT count(*) FROM anything WHERE id = $1 OR name = $2 OR size = $3 OR done = $4
            OR ($1::uuid IS NULL AND $2::text IS NULL AND $3::bigint IS NULL AND $4::boolean IS NULL)",
    );
    static ECHO: Statement = Statement::new("SELECT $1::uuid, $2::text, $3::bigint, $4::boolean");
    static UPSERT: Statement = Statement::new(
        "INSERT INTO anything (place, id, name, size, done) VALUES (1, $1, $2, $3, $4)
         ON CONFLICT (place) DO UPDATE SET id = $1, name = coalesce($2, 'none'), size = $3, done = excluded.done",
    );
    let database = migrated(place).await?;
    let full: [Value; 4] = [Uuid::max().into(), "n".into(), 5_i64.into(), true.into()];
    let args = |values: &[Value; 4]| values.iter().cloned().fold(Args::new(), Args::value);
    for mask in [0_u8, 15, 0, 1, 2, 4, 8, 15, 14, 13, 11, 7, 0] {
        let mut values = full.clone();
        for (bit, value) in values.iter_mut().enumerate() {
            if mask & (1 << bit) == 0 {
                *value = Value::Null;
            }
        }
        same(only(&database.query(&ECHO, args(&values)).await?)?, &values)?;
        ensure_eq!(database.execute(&UPSERT, args(&values)).await?, 1);
        ensure_eq!(only(&database.query(&FIND, args(&values)).await?)?.get::<i64>(0)?, 1);
        let mut tx = database.begin().await?;
        same(only(&tx.query(&ECHO, args(&values)).await?)?, &values)?;
        tx.commit().await?;
    }
    Ok(())
}

pub(super) async fn empty_rows(place: &dyn Place) -> Outcome {
    static JOIN: Statement = Statement::new("SELECT r.name, $2::bigint FROM {1: name text, size bigint} AS r");
    let database = migrated(place).await?;
    ensure_eq!(database.execute(&PUT_ROWS, Args::new().rows(Vec::new())).await?, 0);
    ensure_eq!(database.query(&JOIN, Args::new().rows(Vec::new()).value(1_i64)).await?.len(), 0);
    Ok(())
}

pub(super) async fn rows_twice(place: &dyn Place) -> Outcome {
    static TWICE: Statement = Statement::new(
        "SELECT a.name, b.size, $2::text, $1::text FROM {3: name text, size bigint} AS a
         JOIN {3: name text, size bigint} AS b ON a.size = b.size AND $2 = 'two' ORDER BY a.size",
    );
    let database = migrated(place).await?;
    let rows = vec![vec!["one".into(), 1_i64.into()], vec!["two".into(), 2_i64.into()], vec!["none".into(), Value::Null]];
    let found = database.query(&TWICE, Args::new().value("one").value("two").rows(rows)).await?;
    ensure_eq!(found.len(), 2);
    ensure_eq!(found[1].get::<String>(0)?, "two");
    ensure_eq!(found[1].get::<i64>(1)?, 2);
    ensure_eq!(found[1].get::<String>(3)?, "one");
    Ok(())
}

pub(super) async fn many_rows(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    let rows =
        (0..10_000_i64).map(|n| vec![n.into(), Uuid::from_u128(n as u128).into(), format!("name {n}").into(), n.into(), true.into()]);
    ensure_eq!(database.execute(&PUT_ROWS, Args::new().rows(rows.collect())).await?, 10_000);
    ensure_eq!(database.query(&GET, Args::new()).await?.len(), 10_000);
    Ok(())
}

pub(super) async fn nul_character(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    ensure_err!(database.execute(&fixture::INSERT, thing("a\0b", 1)).await, StorageError::Statement(_));
    let rows = vec![vec![0_i64.into(), Value::Null, "a\0".into(), Value::Null, Value::Null]];
    ensure_err!(database.execute(&PUT_ROWS, Args::new().rows(rows)).await, StorageError::Statement(_));
    ensure_eq!(count(&database).await?, 0);
    Ok(())
}

pub(super) async fn wrong_arguments(place: &dyn Place) -> Outcome {
    let database = migrated(place).await?;
    let row = || vec![vec![Value::Int(0), Value::Null, Value::Null, Value::Null, Value::Null]];
    let wrong = [
        (&fixture::INSERT, Args::new().value("a")),
        (&fixture::INSERT, thing("a", 1).value(2_i64)),
        (&fixture::INSERT, Args::new().value("a").rows(Vec::new())),
        (&PUT_ROWS, Args::new().value("a")),
        (&PUT_ROWS, Args::new().rows(vec![vec![Value::Int(0)]])),
        (&PUT_ROWS, Args::new().rows(vec![[row().remove(0), vec![Value::Null]].concat()])),
        (&PUT_ROWS, Args::new().rows(vec![vec![Value::Int(0), "text for a uuid".into(), Value::Null, Value::Null, Value::Null]])),
        (&PUT_ROWS, Args::new().rows(vec![vec!["0".into(), Value::Null, Value::Null, Value::Null, Value::Null]])),
        (&PUT_ROWS, Args::new().rows(vec![vec![Value::Int(0), Value::Null, Value::Null, Value::Null, Value::Int(1)]])),
    ];
    for (statement, args) in wrong {
        ensure_err!(database.execute(statement, args.clone()).await, StorageError::Statement(_));
        ensure_err!(database.query(statement, args).await, StorageError::Statement(_));
    }
    ensure_eq!(database.execute(&PUT_ROWS, Args::new().rows(row())).await?, 1);
    let rows = database.query(&GET, Args::new()).await?;
    ensure_err!(only(&rows)?.get::<i64>(0), StorageError::Decode { column: 0, .. });
    ensure_err!(only(&rows)?.get::<i64>(4), StorageError::Decode { column: 4, .. });
    Ok(())
}
