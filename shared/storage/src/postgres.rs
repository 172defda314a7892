//! Postgres.
//!
//! `Pool::begin` is not cancel-safe (a begin that is dropped can hand back a connection with an open transaction), so every
//! connection is taken as a [`Lease`]: unless it is given back on purpose, it is closed.

mod bind;
mod classify;
mod decode;
mod lease;

use self::classify::{classify, commit_failed};
use self::lease::Lease;
use crate::{AcquireObserver, Args, Dialect, PoolState, Row, Statement, StorageError, Store, StoreTransaction, Write};
use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection};
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Connections that a service holds at most, unless set otherwise: one for each batch in work, and some for readers.
pub const DEFAULT_POOL_SIZE: u32 = 4;

/// How long to wait for a connection before the database counts as away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait for another's row lock. Longer than any batch takes; short enough that a lost client's locks do not stop the rest.
const LOCK_TIMEOUT: &str = "10s";
/// When the server ends a transaction whose client went silent.
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "60s";
/// Prepared statements kept by each connection. A service has some dozens, in a few variants each (which arguments are NULL).
const STATEMENT_CACHE: usize = 256;
/// Postgres cuts longer names off, silently.
const MAX_NAME_LENGTH: usize = 63;
/// Postgres: insufficient privilege.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// A service's schema on a Postgres server.
pub(crate) struct PostgresStore {
    pool: PgPool,
    schema: String,
    pool_size: u32,
    observer: OnceLock<AcquireObserver>,
}

impl PostgresStore {
    pub(crate) fn new(url: &str, schema: &str, pool_size: u32) -> Result<Self, StorageError> {
        let valid = schema.len() <= MAX_NAME_LENGTH
            && schema.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && schema.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !valid {
            return Err(StorageError::Schema(format!("{schema:?} cannot be a schema's name: use lower-case letters, digits and _")));
        }
        // The URL may hold a password: it is not repeated.
        let options = PgConnectOptions::from_str(url)
            .map_err(|error| StorageError::Schema(format!("the database's URL cannot be read: {error}")))?
            .application_name(&format!("planshift-{schema}"))
            .statement_cache_capacity(STATEMENT_CACHE)
            .options([
                ("search_path", schema),
                ("lock_timeout", LOCK_TIMEOUT),
                // Every statement here asks for keys that it names. A planner that meets a table while it is small would scan it,
                // and keep that plan while the table grows: so it is told to take the index, whatever the size.
                ("enable_seqscan", "off"),
                ("enable_hashjoin", "off"),
                ("enable_mergejoin", "off"),
                ("jit", "off"),
                // and to plan a statement once: for a batch of a few rows it would hold a plan of its own for cheaper, and make
                // one for each call
                ("plan_cache_mode", "force_generic_plan"),
                ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_TIMEOUT),
            ]);
        let pool_size = pool_size.max(1);
        let pool = PgPoolOptions::new()
            .max_connections(pool_size)
            .min_connections(0)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // BEGIN tells whether a connection is alive, so a ping before it would be a second round trip for the same answer.
            .test_before_acquire(false)
            .connect_lazy_with(options);
        Ok(Self { pool, schema: schema.to_owned(), pool_size, observer: OnceLock::new() })
    }

    async fn lease(&self) -> Result<Lease, StorageError> {
        let begun = Instant::now();
        let acquired = self.pool.acquire().await;
        if let Some(observer) = self.observer.get() {
            observer(begun.elapsed());
        }
        match acquired {
            Ok(connection) => Ok(Lease::new(connection)),
            Err(sqlx::Error::PoolTimedOut) => {
                let seconds = ACQUIRE_TIMEOUT.as_secs();
                let problem = if self.pool.size() >= self.pool_size && self.pool.num_idle() == 0 {
                    format!("no connection came free within {seconds} s: all {} are in use, or the server does not answer", self.pool_size)
                } else {
                    format!("the server did not answer within {seconds} s")
                };
                Err(StorageError::Unavailable(problem))
            }
            Err(error) => match classify(error) {
                StorageError::Unavailable(problem) => Err(StorageError::Unavailable(problem)),
                // Whatever the server says while connecting (no such database, wrong password) is about the server, not the statement.
                other => Err(StorageError::Unavailable(other.to_string())),
            },
        }
    }

    /// A connection that has just answered. Those in the pool may have died with the server's last restart: each is tried once.
    async fn live_lease(&self, greeting: Greeting) -> Result<Lease, StorageError> {
        let mut tries_left = self.pool_size;
        loop {
            let mut lease = self.lease().await?;
            let answer = match greeting {
                Greeting::Begin => sqlx::raw_sql("BEGIN ISOLATION LEVEL READ COMMITTED").execute(lease.connection()?).await.map(|_| ()),
                Greeting::Ping => lease.connection()?.ping().await,
            };
            match answer.map_err(classify) {
                Ok(()) => return Ok(lease),
                Err(StorageError::Unavailable(_)) if tries_left > 0 => tries_left -= 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// A reading statement is simply tried again on a connection that lives; a writing one is sent only on one that has just answered.
    async fn autocommit<T, R>(&self, statement: &Statement, args: Args, run: R) -> Result<T, StorageError>
    where
        T: Send,
        R: AsyncFn(&mut Lease, &Statement, &Args) -> Result<T, sqlx::Error>,
    {
        crate::bind::check(statement, &args)?;
        let reads = statement.only_reads();
        let mut tries_left = if reads { self.pool_size } else { 0 };
        loop {
            let mut lease = if reads { self.lease().await? } else { self.live_lease(Greeting::Ping).await? };
            match run(&mut lease, statement, &args).await {
                Ok(result) => {
                    lease.give_back();
                    return Ok(result);
                }
                Err(error) => match if reads { classify(error) } else { commit_failed(error) } {
                    StorageError::Unavailable(_) if tries_left > 0 => tries_left -= 1,
                    error @ (StorageError::Constraint { .. } | StorageError::Conflict(_)) => {
                        lease.give_back();
                        return Err(error);
                    }
                    // Closed, not given back: it may be cut off, or hold a statement prepared for tables that have changed.
                    error => return Err(error),
                },
            }
        }
    }

    async fn schema_exists(&self) -> Result<bool, StorageError> {
        static SCHEMA_EXISTS: Statement = Statement::new("SELECT 1::bigint FROM pg_catalog.pg_namespace WHERE nspname = $1::text");
        Ok(!self.query(&SCHEMA_EXISTS, Args::new().value(&self.schema)).await?.is_empty())
    }
}

#[derive(Clone, Copy)]
enum Greeting {
    Begin,
    Ping,
}

#[async_trait]
impl Store for PostgresStore {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn begin(&self) -> Result<Box<dyn StoreTransaction>, StorageError> {
        let lease = self.live_lease(Greeting::Begin).await?;
        Ok(Box::new(PostgresTransaction { lease }))
    }

    async fn query(&self, statement: &Statement, args: Args) -> Result<Vec<Row>, StorageError> {
        let rows = self.autocommit(statement, args, fetch).await?;
        rows.iter().map(decode::row).collect()
    }

    async fn execute(&self, statement: &Statement, args: Args) -> Result<u64, StorageError> {
        self.autocommit(statement, args, change).await
    }

    async fn create_schema(&self) -> Result<(), StorageError> {
        if self.schema_exists().await? {
            // A role that owns its schema need not be allowed to make others.
            return Ok(());
        }
        let mut lease = self.live_lease(Greeting::Ping).await?;
        // The name was checked when the store was made.
        let sql = format!("CREATE SCHEMA IF NOT EXISTS \"{}\"", self.schema);
        match sqlx::raw_sql(AssertSqlSafe(sql)).execute(lease.connection()?).await {
            Ok(_) => {
                lease.give_back();
                Ok(())
            }
            // Two that create it at the same moment: one of them fails on the catalogue's unique index.
            Err(error) => {
                let lacks_right =
                    error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() == Some(INSUFFICIENT_PRIVILEGE);
                if self.schema_exists().await? {
                    Ok(())
                } else if lacks_right {
                    let schema = &self.schema;
                    Err(StorageError::Schema(format!(
                        "schema {schema} does not exist and this role may not create it: CREATE SCHEMA {schema}"
                    )))
                } else {
                    Err(classify(error))
                }
            }
        }
    }

    async fn ping(&self) -> Result<(), StorageError> {
        self.live_lease(Greeting::Ping).await?.give_back();
        Ok(())
    }

    fn pool(&self) -> Option<PoolState> {
        let idle = u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
        Some(PoolState { idle, used: self.pool.size().saturating_sub(idle), most: self.pool_size })
    }

    fn observe_acquires(&self, observer: AcquireObserver) {
        // a second one has come too late, and is told nothing
        let _ = self.observer.set(observer);
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

async fn fetch(lease: &mut Lease, statement: &Statement, args: &Args) -> Result<Vec<sqlx::postgres::PgRow>, sqlx::Error> {
    let (sql, arguments) = bind::bind(statement, args).map_err(sqlx::Error::Encode)?;
    sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_all(lease.raw()?).await
}

async fn change(lease: &mut Lease, statement: &Statement, args: &Args) -> Result<u64, sqlx::Error> {
    let (sql, arguments) = bind::bind(statement, args).map_err(sqlx::Error::Encode)?;
    Ok(sqlx::query_with(AssertSqlSafe(sql), arguments).execute(lease.raw()?).await?.rows_affected())
}

/// An open transaction. Its lease closes the connection unless it ends in `commit` or `rollback`.
struct PostgresTransaction {
    lease: Lease,
}

impl PostgresTransaction {
    /// Sorts an error. One that speaks against the connection ends it here, whenever the transaction is dropped: its place in the
    /// pool and its locks are needed.
    fn note(&mut self, error: sqlx::Error) -> StorageError {
        let error = classify(error);
        if !matches!(error, StorageError::Constraint { .. } | StorageError::Conflict(_)) {
            self.lease.abandon();
        }
        error
    }
}

#[async_trait]
impl StoreTransaction for PostgresTransaction {
    async fn query(&mut self, statement: &Statement, args: Args) -> Result<Vec<Row>, StorageError> {
        crate::bind::check(statement, &args)?;
        let rows = fetch(&mut self.lease, statement, &args).await.map_err(|error| self.note(error))?;
        rows.iter().map(decode::row).collect()
    }

    async fn execute(&mut self, statement: &Statement, args: Args) -> Result<u64, StorageError> {
        crate::bind::check(statement, &args)?;
        change(&mut self.lease, statement, &args).await.map_err(|error| self.note(error))
    }

    async fn execute_all(&mut self, writes: Vec<Write>) -> Result<(), StorageError> {
        if let [(statement, args)] = &*writes {
            return self.execute(statement, args.clone()).await.map(drop);
        }
        for (statement, args) in &writes {
            crate::bind::check(statement, args)?;
        }
        let bound = bind::bind_all(&writes).map_err(sqlx::Error::Encode);
        let done = async {
            let (sql, arguments) = bound?;
            sqlx::query_with(AssertSqlSafe(sql), arguments).execute(self.lease.raw()?).await
        };
        match done.await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.note(error)),
        }
    }

    async fn run_script(&mut self, sql: &str) -> Result<(), StorageError> {
        let result = sqlx::raw_sql(AssertSqlSafe(sql)).execute(self.lease.connection()?).await;
        result.map(|_| ()).map_err(|error| self.note(error))
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StorageError> {
        sqlx::raw_sql("COMMIT").execute(self.lease.connection()?).await.map_err(commit_failed)?;
        self.lease.give_back();
        Ok(())
    }

    async fn rollback(mut self: Box<Self>) -> Result<(), StorageError> {
        if self.lease.is_held() {
            sqlx::raw_sql("ROLLBACK").execute(self.lease.connection()?).await.map_err(classify)?;
            self.lease.give_back();
        }
        Ok(())
    }
}
