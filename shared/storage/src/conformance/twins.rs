//! Broken twins: stores with one fault each, which the suite must catch. A suite that cannot fail proves nothing.

use super::tests::SqliteFile;
use super::{CASES, Place};
use crate::{Arg, Args, Database, Dialect, Row, Statement, StorageError, Store, StoreTransaction, Value};
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
enum Fault {
    /// A transaction that is dropped is committed.
    CommitsOnDrop,
    /// A commit says that it happened, and did not.
    CommitLies,
    /// Each statement of a transaction commits itself.
    StatementsAlone,
    /// An undo that comes first leaves a refusal, which ends with its attempt, in place of a fence.
    NoFence,
    /// The last row of a set gets lost.
    LosesARow,
    /// An empty text becomes NULL.
    EmptyIsNull,
    /// Any refusal by a constraint is passed over.
    NoConstraints,
    /// A closed database goes on.
    NeverCloses,
    /// Numbers pass through a float.
    FloatNumbers,
}

/// Each fault, and a case that must fail for it.
const FAULTS: [(Fault, &str); 9] = [
    (Fault::CommitsOnDrop, "transactions: dropped is rolled back"),
    (Fault::CommitLies, "transactions: all or nothing"),
    (Fault::StatementsAlone, "transactions: unseen before the commit"),
    (Fault::NoFence, "ledger: an undo that comes first fences"),
    (Fault::LosesARow, "values: rows of every type, with NULLs and odd text"),
    (Fault::EmptyIsNull, "values: rows of every type, with NULLs and odd text"),
    (Fault::NoConstraints, "transactions: a unique key is unique"),
    (Fault::NeverCloses, "transactions: a closed database says so"),
    (Fault::FloatNumbers, "values: every type comes back as it went in"),
];

struct Broken {
    fault: Fault,
    inner: Database,
}

impl Fault {
    fn spoil(self, statement: &Statement, mut args: Args) -> Args {
        let writes = !statement.only_reads();
        for arg in &mut args.0 {
            match (self, arg) {
                (Self::LosesARow, Arg::Rows(rows)) if writes => drop(rows.pop()),
                (Self::NoFence, Arg::Value(Value::Text(text))) if text == "fenced" => *text = "refused".to_owned(),
                (Self::EmptyIsNull, Arg::Rows(rows)) => {
                    for value in rows.iter_mut().flatten().filter(|value| matches!(value, Value::Text(text) if text.is_empty())) {
                        *value = Value::Null;
                    }
                }
                (Self::FloatNumbers, Arg::Value(Value::Int(number))) => *number = *number as f64 as i64,
                _ => {}
            }
        }
        args
    }

    fn hide<T: Default>(self, result: Result<T, StorageError>) -> Result<T, StorageError> {
        match result {
            Err(StorageError::Constraint { .. }) if matches!(self, Self::NoConstraints) => Ok(T::default()),
            other => other,
        }
    }
}

#[async_trait::async_trait]
impl Store for Broken {
    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    async fn begin(&self) -> Result<Box<dyn StoreTransaction>, StorageError> {
        let inner = if matches!(self.fault, Fault::StatementsAlone) { None } else { Some(self.inner.begin().await?) };
        Ok(Box::new(BrokenTransaction { fault: self.fault, inner, database: self.inner.clone() }))
    }

    async fn query(&self, statement: &Statement, args: Args) -> Result<Vec<Row>, StorageError> {
        self.fault.hide(self.inner.query(statement, self.fault.spoil(statement, args)).await)
    }

    async fn execute(&self, statement: &Statement, args: Args) -> Result<u64, StorageError> {
        self.fault.hide(self.inner.execute(statement, self.fault.spoil(statement, args)).await)
    }

    async fn create_schema(&self) -> Result<(), StorageError> {
        Ok(())
    }

    async fn ping(&self) -> Result<(), StorageError> {
        self.inner.ping().await
    }

    async fn close(&self) {
        if !matches!(self.fault, Fault::NeverCloses) {
            self.inner.close().await;
        }
    }
}

struct BrokenTransaction {
    fault: Fault,
    inner: Option<crate::Transaction>,
    database: Database,
}

impl Drop for BrokenTransaction {
    fn drop(&mut self) {
        if matches!(self.fault, Fault::CommitsOnDrop)
            && let Some(inner) = self.inner.take()
        {
            tokio::spawn(inner.commit());
        }
    }
}

#[async_trait::async_trait]
impl StoreTransaction for BrokenTransaction {
    async fn query(&mut self, statement: &Statement, args: Args) -> Result<Vec<Row>, StorageError> {
        let args = self.fault.spoil(statement, args);
        match &mut self.inner {
            Some(inner) => self.fault.hide(inner.query(statement, args).await),
            None => self.database.query(statement, args).await,
        }
    }

    async fn execute(&mut self, statement: &Statement, args: Args) -> Result<u64, StorageError> {
        let args = self.fault.spoil(statement, args);
        match &mut self.inner {
            Some(inner) => self.fault.hide(inner.execute(statement, args).await),
            None => self.database.execute(statement, args).await,
        }
    }

    async fn run_script(&mut self, sql: &str) -> Result<(), StorageError> {
        match &mut self.inner {
            Some(inner) => inner.run_script(sql).await,
            None => {
                let mut tx = self.database.begin().await?;
                tx.run_script(sql).await?;
                tx.commit().await
            }
        }
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StorageError> {
        // A lie from the first migration on would be found by anything: only a later one is of interest.
        let lies = matches!(self.fault, Fault::CommitLies) && self.database.schema_version().await?.is_some();
        match self.inner.take() {
            Some(inner) if lies => inner.rollback().await,
            Some(inner) => inner.commit().await,
            None => Ok(()),
        }
    }

    async fn rollback(mut self: Box<Self>) -> Result<(), StorageError> {
        match self.inner.take() {
            Some(inner) => inner.rollback().await,
            None => Ok(()),
        }
    }
}

struct BrokenPlace {
    fault: Fault,
    inner: SqliteFile,
}

#[async_trait::async_trait]
impl Place for BrokenPlace {
    async fn open(&self) -> Result<Database, StorageError> {
        Ok(Database::from_store(Arc::new(Broken { fault: self.fault, inner: self.inner.open().await? })))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_broken_twin_is_caught() {
    let folder = tempfile::tempdir().unwrap();
    for (number, (fault, name)) in FAULTS.iter().enumerate() {
        let place = BrokenPlace { fault: *fault, inner: SqliteFile(folder.path().join(format!("{number}.db"))) };
        let (_, case) = CASES.iter().find(|(case, _)| case == name).unwrap();
        let outcome = tokio::time::timeout(Duration::from_secs(60), case(&place)).await;
        match outcome {
            Ok(Err(failure)) => println!("caught  {fault:?}: {failure}"),
            other => panic!("{fault:?} was not caught by {name:?}: {other:?}"),
        }
    }
}
