//! Chunks of imports under way: which workers have not taken them yet.

use super::unknown_word;
use planshift_domain::{
    account::facts::ResellerFacts,
    ids::{ImportId, PartnerId},
    message::{event::ImportedCustomer, request::RefusedCustomer},
    time::Timestamp,
};
use planshift_storage::{Args, Database, Row, Statement, StorageError, Transaction};
use serde::{Deserialize, Serialize};

/// Names a chunk.
pub type ChunkKey = (ImportId, u32);

/// A chunk that was taken in.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Which.
    pub key: ChunkKey,
    /// A bit for each worker that has not taken it.
    pub waiting: u32,
    /// Where the answer goes.
    pub reply_to: Option<String>,
    /// What the answer says.
    pub answer: ChunkAnswer,
}

/// What will be answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChunkAnswer {
    /// Whose customers.
    pub partner_id: PartnerId,
    /// The partner's name.
    pub partner_name: String,
    /// When the import began.
    #[serde(default)]
    pub begun_at: Option<Timestamp>,
    /// Customers taken, with the versions they were given.
    pub imported: Vec<ImportedCustomer>,
    /// Customers not taken.
    pub refused: Vec<RefusedCustomer>,
    /// The resellers of those that were taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resellers: Vec<ResellerFacts>,
}

static LOAD: Statement = Statement::new(
    "SELECT import_id, chunk, waiting, reply_to, answer FROM imports
     WHERE (import_id, chunk) IN (SELECT r.import_id, r.chunk FROM {1: import_id uuid, chunk bigint} AS r)",
);
static INSERT: Statement = Statement::new(
    "INSERT INTO imports (import_id, chunk, waiting, reply_to, answer, at)
     SELECT r.import_id, r.chunk, r.waiting, r.reply_to, r.answer, $1
     FROM {2: import_id uuid, chunk bigint, waiting bigint, reply_to text, answer text} AS r",
);
static TAKEN: Statement = Statement::new(
    "UPDATE imports SET waiting = imports.waiting & ~r.mask FROM {1: import_id uuid, chunk bigint, mask bigint} AS r
     WHERE imports.import_id = r.import_id AND imports.chunk = r.chunk
     RETURNING imports.import_id, imports.chunk, imports.waiting, imports.reply_to, imports.answer",
);
static FORGET: Statement = Statement::new("DELETE FROM imports WHERE waiting = 0 AND at < $1");

fn decode(row: &Row) -> Result<Chunk, StorageError> {
    let answer: String = row.get(4)?;
    Ok(Chunk {
        key: (ImportId(row.get(0)?), row.get(1)?),
        waiting: row.get(2)?,
        reply_to: row.get(3)?,
        answer: serde_json::from_str(&answer).map_err(|_| unknown_word("import", &answer))?,
    })
}

/// These chunks, as far as they were taken in before.
pub async fn load(tx: &mut Transaction, keys: &[ChunkKey]) -> Result<Vec<Chunk>, StorageError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = keys.iter().map(|(import, chunk)| vec![import.0.into(), (*chunk).into()]).collect();
    tx.query(&LOAD, Args::new().rows(rows)).await?.iter().map(decode).collect()
}

/// Writes new chunks.
pub async fn insert(tx: &mut Transaction, chunks: &[&Chunk], now: Timestamp) -> Result<(), StorageError> {
    if chunks.is_empty() {
        return Ok(());
    }
    let rows = chunks
        .iter()
        .map(|c| {
            let answer = serde_json::to_string(&c.answer).unwrap_or_default();
            vec![c.key.0.0.into(), c.key.1.into(), c.waiting.into(), c.reply_to.as_deref().into(), answer.into()]
        })
        .collect();
    tx.execute(&INSERT, Args::new().value(now.as_micros()).rows(rows)).await.map(drop)
}

/// Workers (the bits of each mask) have taken chunks; gives the chunks as they are now.
pub async fn taken(tx: &mut Transaction, masks: &[(ChunkKey, u32)]) -> Result<Vec<Chunk>, StorageError> {
    if masks.is_empty() {
        return Ok(Vec::new());
    }
    let rows = masks.iter().map(|((import, chunk), mask)| vec![import.0.into(), (*chunk).into(), (*mask).into()]).collect();
    tx.query(&TAKEN, Args::new().rows(rows)).await?.iter().map(decode).collect()
}

/// Forgets chunks that were answered before `before`.
pub async fn forget(db: &Database, before: Timestamp) -> Result<u64, StorageError> {
    db.execute(&FORGET, Args::new().value(before.as_micros())).await
}
