//! A store whose statements have spans, where somebody works under a context that is recorded.

use async_trait::async_trait;
use planshift_storage::{
    AcquireObserver, Args, Database, Dialect, PoolState, Row, Statement, StorageError, Store, StoreTransaction, Write,
};
use planshift_telemetry::{Kind, Span, SpanStart, Tracer, current};
use std::sync::Arc;

/// The longest name of a statement.
const NAME_CHARS: usize = 60;

/// The same database, seen; itself where nothing is recorded. `namespace` is the schema.
pub fn traced(database: &Database, tracer: &Tracer, namespace: &'static str) -> Database {
    if !tracer.is_on() {
        return database.clone();
    }
    let seen = Seen { tracer: tracer.clone(), dialect: database.dialect(), namespace };
    Database::from_store(Arc::new(TracedStore { inner: database.store(), seen }))
}

#[derive(Clone)]
struct Seen {
    tracer: Tracer,
    dialect: Dialect,
    namespace: &'static str,
}

impl Seen {
    /// Begins the span of what is called so. Where nothing is recorded this costs a look at the task's context.
    fn begin(&self, name: impl FnOnce() -> String) -> Option<Span> {
        let context = current();
        if !context.is_sampled() {
            return None;
        }
        let name = name();
        let operation = name.split(' ').next().unwrap_or_default().to_owned();
        let system = match self.dialect {
            Dialect::Postgres => "postgresql",
            Dialect::Sqlite => "sqlite",
        };
        let start = SpanStart::new(Kind::Client, name.clone())
            .with("db.system.name", system)
            .with("db.namespace", self.namespace)
            .with("db.operation.name", operation)
            .with("db.query.summary", name);
        Some(self.tracer.begin(start, &context))
    }

    fn statement(&self, statement: &Statement) -> Option<Span> {
        self.begin(|| summary(statement.template()))
    }
}

fn end<T>(span: Option<Span>, outcome: Result<T, StorageError>) -> Result<T, StorageError> {
    if let (Some(mut span), Err(error)) = (span, &outcome) {
        let kind = match error {
            StorageError::Unavailable(_) => "Unavailable",
            StorageError::CommitUnknown(_) => "CommitUnknown",
            StorageError::Conflict(_) => "Conflict",
            _ => "Statement",
        };
        span.fail(kind, error.to_string());
    }
    outcome
}

/// What a statement does and to which table: `INSERT transitions`. Source: OpenTelemetry's conventions, db.query.summary.
fn summary(template: &str) -> String {
    let mut words = template.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',')).filter(|word| !word.is_empty());
    let verb = words.next().unwrap_or("query").to_ascii_uppercase();
    let after = match verb.as_str() {
        "INSERT" => "INTO",
        "UPDATE" => return cut(&format!("{verb} {}", words.next().unwrap_or_default())),
        _ => "FROM",
    };
    // a set of rows that came as an argument is no table
    let table = words.skip_while(|word| !word.eq_ignore_ascii_case(after)).nth(1).filter(|word| !word.starts_with('{'));
    cut(&table.map_or(verb.clone(), |table| format!("{verb} {table}")))
}

fn cut(name: &str) -> String {
    name.chars().take(NAME_CHARS).collect()
}

struct TracedStore {
    inner: Arc<dyn Store>,
    seen: Seen,
}

#[async_trait]
impl Store for TracedStore {
    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }
    async fn begin(&self) -> Result<Box<dyn StoreTransaction>, StorageError> {
        let span = self.seen.begin(|| "BEGIN".to_owned());
        let inner = end(span, self.inner.begin().await)?;
        Ok(Box::new(TracedTransaction { inner, seen: self.seen.clone() }))
    }
    async fn query(&self, statement: &Statement, args: Args) -> Result<Vec<Row>, StorageError> {
        end(self.seen.statement(statement), self.inner.query(statement, args).await)
    }
    async fn execute(&self, statement: &Statement, args: Args) -> Result<u64, StorageError> {
        end(self.seen.statement(statement), self.inner.execute(statement, args).await)
    }
    async fn create_schema(&self) -> Result<(), StorageError> {
        self.inner.create_schema().await
    }
    async fn ping(&self) -> Result<(), StorageError> {
        self.inner.ping().await
    }
    fn pool(&self) -> Option<PoolState> {
        self.inner.pool()
    }
    fn observe_acquires(&self, observer: AcquireObserver) {
        self.inner.observe_acquires(observer);
    }
    async fn close(&self) {
        self.inner.close().await;
    }
}

struct TracedTransaction {
    inner: Box<dyn StoreTransaction>,
    seen: Seen,
}

#[async_trait]
impl StoreTransaction for TracedTransaction {
    async fn query(&mut self, statement: &Statement, args: Args) -> Result<Vec<Row>, StorageError> {
        let span = self.seen.statement(statement);
        end(span, self.inner.query(statement, args).await)
    }
    async fn execute(&mut self, statement: &Statement, args: Args) -> Result<u64, StorageError> {
        let span = self.seen.statement(statement);
        end(span, self.inner.execute(statement, args).await)
    }
    async fn execute_all(&mut self, writes: Vec<Write>) -> Result<(), StorageError> {
        let span = self.seen.begin(|| match &writes[..] {
            [(statement, _)] => summary(statement.template()),
            several => cut(&format!("BATCH {}", several.iter().map(|(one, _)| summary(one.template())).collect::<Vec<_>>().join(", "))),
        });
        end(span, self.inner.execute_all(writes).await)
    }
    async fn run_script(&mut self, sql: &str) -> Result<(), StorageError> {
        self.inner.run_script(sql).await
    }
    async fn commit(self: Box<Self>) -> Result<(), StorageError> {
        end(self.seen.begin(|| "COMMIT".to_owned()), self.inner.commit().await)
    }
    async fn rollback(self: Box<Self>) -> Result<(), StorageError> {
        end(self.seen.begin(|| "ROLLBACK".to_owned()), self.inner.rollback().await)
    }
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn a_statement_is_named_by_what_it_does_to_which_table() {
        for (template, expected) in [
            ("SELECT body FROM transitions WHERE id = $1", "SELECT transitions"),
            ("INSERT INTO lines (a, b)\n SELECT r.a FROM {1: a uuid} AS r", "INSERT lines"),
            ("UPDATE customer_chains SET whole = true", "UPDATE customer_chains"),
            ("DELETE FROM requests WHERE (partner_id, request_id) IN (SELECT 1)", "DELETE requests"),
            ("SELECT t.id FROM {3: azure uuid} AS r CROSS JOIN lines AS l", "SELECT"),
            ("SELECT 1", "SELECT"),
        ] {
            assert_eq!(summary(template), expected);
        }
    }
}
