//! Idempotency keys, and the answers under them.

use super::{ReadModel, from_json, to_json};
use planshift_domain::time::Timestamp;
use planshift_storage::{Args, Row, Statement, StorageError, Value};
use uuid::Uuid;

/// An answer as it was given, and as it is given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredAnswer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// What is known of an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reserved {
    /// It is this request's, and there is no answer yet.
    UnderWay,
    /// It is this request's, and was answered.
    Answered(StoredAnswer),
    /// It is another request's.
    Another,
}

static RESERVE: Statement = Statement::new(
    "INSERT INTO requests (partner_id, request_id, target, body_hash, created_at) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (partner_id, request_id) DO NOTHING",
);
static FIND: Statement =
    Statement::new("SELECT target, body_hash, status, headers, body FROM requests WHERE partner_id = $1 AND request_id = $2");
static ANSWER: Statement =
    Statement::new("UPDATE requests SET status = $3, headers = $4, body = $5 WHERE partner_id = $1 AND request_id = $2 AND status IS NULL");

impl ReadModel {
    /// Takes a key for a request, or says what it was taken for.
    pub(crate) async fn reserve(
        &self,
        partner: Uuid,
        request: Uuid,
        target: &str,
        hash: &str,
        now: Timestamp,
    ) -> Result<Reserved, StorageError> {
        let args = Args::new().value(partner).value(request).value(target).value(hash).value(now.as_micros());
        if self.database.execute(&RESERVE, args).await? > 0 {
            return Ok(Reserved::UnderWay);
        }
        let rows = self.database.query(&FIND, Args::new().value(partner).value(request)).await?;
        rows.first().map_or(Ok(Reserved::UnderWay), |row| reserved(row, target, hash))
    }

    /// Stores the answer under a key that was reserved, and gives the one that is stored: of two that come at once, the first.
    pub(crate) async fn answer(&self, partner: Uuid, request: Uuid, answer: StoredAnswer) -> Result<StoredAnswer, StorageError> {
        let key = || Args::new().value(partner).value(request);
        let args = key().value(i64::from(answer.status)).value(Value::Text(to_json(&answer.headers)?)).value(&answer.body);
        if self.database.execute(&ANSWER, args).await? > 0 {
            return Ok(answer);
        }
        let rows = self.database.query(&FIND, key()).await?;
        match rows.first().map(stored).transpose()? {
            Some(Some(first)) => Ok(first),
            _ => Ok(answer), // the key is so old that it was forgotten meanwhile
        }
    }
}

fn reserved(row: &Row, target: &str, hash: &str) -> Result<Reserved, StorageError> {
    if row.get::<String>(0)? != target || row.get::<String>(1)? != hash {
        return Ok(Reserved::Another);
    }
    Ok(stored(row)?.map_or(Reserved::UnderWay, Reserved::Answered))
}

fn stored(row: &Row) -> Result<Option<StoredAnswer>, StorageError> {
    let Some(status) = row.get::<Option<u32>>(2)? else { return Ok(None) };
    let (headers, body): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
    Ok(Some(StoredAnswer {
        status: u16::try_from(status).unwrap_or(500),
        headers: headers.map(|text| from_json("a stored answer", &text)).transpose()?.unwrap_or_default(),
        body: body.unwrap_or_default(),
    }))
}
