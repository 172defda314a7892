//! The broker's file: one table, and one commit for everything that waits.

use super::record::{decode_body, encode_body};
use crate::{DeadLetter, Message, Queue, Service};
use planshift_storage::{Args, Database, Migration, Row, Statement, StorageError, Value};
use std::collections::HashMap;
use std::path::Path;

/// `due` is 0 for what was never retried, otherwise microseconds since 1970. `reason` and what follows belong to dead letters.
const CREATE: &str = "
CREATE TABLE message (
    id             INTEGER PRIMARY KEY,
    queue          TEXT    NOT NULL,
    due            INTEGER NOT NULL,
    attempts       INTEGER NOT NULL,
    sender         TEXT,
    size           INTEGER NOT NULL,
    message_id     TEXT    NOT NULL,
    kind           TEXT    NOT NULL,
    correlation_id TEXT    NOT NULL,
    reply_to       TEXT,
    sent_at        INTEGER NOT NULL,
    traceparent    TEXT    NOT NULL,
    tracestate     TEXT    NOT NULL,
    body           TEXT    NOT NULL,
    body_encoding  INTEGER NOT NULL,
    reason         TEXT,
    dead_queue     TEXT,
    description    TEXT
)";

/// The redrive that published a message.
const REDRIVE: &str = "ALTER TABLE message ADD COLUMN redrive TEXT";

/// `sent_at` is in microseconds: it was in seconds.
const MICROSECONDS: &str = "UPDATE message SET sent_at = sent_at * 1000000";

static INSERT: Statement = Statement::new(
    "INSERT INTO message (id, queue, due, attempts, sender, size, message_id, kind, correlation_id, reply_to, sent_at, traceparent,
                          tracestate, redrive, body, body_encoding, reason, dead_queue, description)
     SELECT r.id, r.queue, 0, r.attempts, r.sender, r.size, r.message_id, r.kind, r.correlation_id, r.reply_to, r.sent_at,
            r.traceparent, r.tracestate, r.redrive, r.body, r.body_encoding, r.reason, r.dead_queue, r.description
     FROM {1: id bigint, queue text, attempts bigint, sender text, size bigint, message_id text, kind text, correlation_id text,
              reply_to text, sent_at bigint, traceparent text, tracestate text, redrive text, body text, body_encoding bigint, reason text,
              dead_queue text, description text} AS r",
);

static DELAY: Statement = Statement::new(
    "UPDATE message SET due = r.due, attempts = r.attempts FROM {1: id bigint, due bigint, attempts bigint} AS r WHERE message.id = r.id",
);

static BURY: Statement = Statement::new(
    "UPDATE message SET queue = 'planshift.dead', due = 0, attempts = r.attempts, reason = r.reason, dead_queue = r.dead_queue,
                        description = r.description
     FROM {1: id bigint, attempts bigint, reason text, dead_queue text, description text} AS r WHERE message.id = r.id",
);

static DELETE: Statement = Statement::new("DELETE FROM message WHERE id IN (SELECT r.id FROM {1: id bigint} AS r)");

static LIST: Statement = Statement::new(
    "SELECT id, queue, due, attempts, sender, size, reason, dead_queue, description FROM message WHERE id > $1 ORDER BY id LIMIT $2",
);

static BODIES: Statement = Statement::new(
    "SELECT id, message_id, kind, correlation_id, reply_to, sent_at, traceparent, tracestate, redrive, body, body_encoding
     FROM message WHERE id IN (SELECT r.id FROM {1: id bigint} AS r)",
);

/// Rows read at once when the file is taken up.
const PAGE: i64 = 10_000;

/// A message to be stored.
pub(crate) struct NewRow {
    pub(crate) row: i64,
    pub(crate) queue: Queue,
    pub(crate) sender: Option<Service>,
    pub(crate) attempts: u32,
    pub(crate) size: usize,
    pub(crate) message: Message,
    pub(crate) dead: Option<DeadLetter>,
}

/// A row as it is listed: everything but the message.
pub(crate) struct Listed {
    pub(crate) row: i64,
    pub(crate) queue: String,
    pub(crate) due: i64,
    pub(crate) attempts: u32,
    pub(crate) sender: Option<Service>,
    pub(crate) size: usize,
    pub(crate) dead: Option<DeadLetter>,
}

/// Everything that one commit does.
#[derive(Default)]
pub(crate) struct Changes<'a> {
    pub(crate) insert: Vec<&'a NewRow>,
    /// Row, due time, attempts.
    pub(crate) delay: Vec<(i64, i64, u32)>,
    pub(crate) bury: Vec<(i64, &'a DeadLetter)>,
    pub(crate) delete: &'a [i64],
}

/// The open file.
#[derive(Clone)]
pub(crate) struct Store {
    database: Database,
}

impl Store {
    pub(crate) async fn open(path: &Path) -> Result<Self, StorageError> {
        let database = Database::open_sqlite(path).await?;
        let redrive = Migration { version: 2, name: "redrive", sql: REDRIVE };
        let microseconds = Migration { version: 3, name: "microseconds", sql: MICROSECONDS };
        database.migrate(&[Migration { version: 1, name: "queues", sql: CREATE }, redrive, microseconds]).await?;
        Ok(Self { database })
    }

    pub(crate) async fn close(&self) {
        self.database.close().await;
    }

    /// Makes the changes durable, all or none.
    pub(crate) async fn commit(&self, changes: &Changes<'_>) -> Result<(), StorageError> {
        let mut transaction = self.database.begin().await?;
        if !changes.insert.is_empty() {
            let rows = changes.insert.iter().map(|new| new_row(new)).collect();
            transaction.execute(&INSERT, Args::new().rows(rows)).await?;
        }
        if !changes.delay.is_empty() {
            let rows = changes.delay.iter().map(|(row, due, attempts)| vec![(*row).into(), (*due).into(), (*attempts).into()]);
            transaction.execute(&DELAY, Args::new().rows(rows.collect())).await?;
        }
        if !changes.bury.is_empty() {
            let rows = changes.bury.iter().map(|(row, dead)| {
                vec![(*row).into(), dead.attempts.into(), (&dead.reason).into(), (&dead.queue).into(), (&dead.description).into()]
            });
            transaction.execute(&BURY, Args::new().rows(rows.collect())).await?;
        }
        if !changes.delete.is_empty() {
            let rows = changes.delete.iter().map(|row| vec![(*row).into()]).collect();
            transaction.execute(&DELETE, Args::new().rows(rows)).await?;
        }
        transaction.commit().await
    }

    /// The rows after `after`, in order; an empty page is the end.
    pub(crate) async fn list(&self, after: i64) -> Result<Vec<Listed>, StorageError> {
        let rows = self.database.query(&LIST, Args::new().value(after).value(PAGE)).await?;
        rows.iter().map(listed).collect()
    }

    /// The messages of these rows. A row that is not there any more is not in the answer.
    pub(crate) async fn messages(&self, rows: &[i64]) -> Result<HashMap<i64, Message>, StorageError> {
        let wanted = rows.iter().map(|row| vec![(*row).into()]).collect();
        let found = self.database.query(&BODIES, Args::new().rows(wanted)).await?;
        found.iter().map(message).collect()
    }
}

fn new_row(new: &NewRow) -> Vec<Value> {
    let message = &new.message;
    let (body, encoding) = encode_body(&message.body);
    let dead = new.dead.as_ref();
    vec![
        new.row.into(),
        new.queue.name().into(),
        new.attempts.into(),
        new.sender.map(Service::name).into(),
        bigint(new.size),
        (&message.message_id).into(),
        (&message.kind).into(),
        (&message.correlation_id).into(),
        message.reply_to.as_ref().into(),
        Value::Int(i64::try_from(message.sent_micros).unwrap_or(i64::MAX)),
        (&message.traceparent).into(),
        (&message.tracestate).into(),
        message.redrive.as_ref().into(),
        body.into(),
        encoding.into(),
        dead.map(|dead| &dead.reason).into(),
        dead.map(|dead| &dead.queue).into(),
        dead.map(|dead| &dead.description).into(),
    ]
}

fn bigint(size: usize) -> Value {
    Value::Int(i64::try_from(size).unwrap_or(i64::MAX))
}

fn listed(row: &Row) -> Result<Listed, StorageError> {
    let attempts = row.get(3)?;
    let dead = match row.get::<Option<String>>(6)? {
        Some(reason) => Some(DeadLetter {
            reason,
            queue: row.get::<Option<String>>(7)?.unwrap_or_default(),
            attempts,
            description: row.get::<Option<String>>(8)?.unwrap_or_default(),
        }),
        None => None,
    };
    Ok(Listed {
        row: row.get(0)?,
        queue: row.get(1)?,
        due: row.get(2)?,
        attempts,
        sender: row.get::<Option<String>>(4)?.and_then(|name| Service::from_name(&name)),
        size: usize::try_from(row.get::<i64>(5)?).unwrap_or(0),
        dead,
    })
}

fn message(row: &Row) -> Result<(i64, Message), StorageError> {
    let message = Message {
        message_id: row.get(1)?,
        kind: row.get(2)?,
        correlation_id: row.get(3)?,
        reply_to: row.get(4)?,
        sent_micros: u64::try_from(row.get::<i64>(5)?).unwrap_or(0),
        traceparent: row.get(6)?,
        tracestate: row.get(7)?,
        redrive: row.get(8)?,
        body: decode_body(row.get(9)?, row.get(10)?),
    };
    Ok((row.get(0)?, message))
}
