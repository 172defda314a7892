//! Idempotency keys, and the answers under them.

use super::{ReadModel, from_json, to_json};
use crate::together::Together;
use futures::FutureExt as _;
use planshift_domain::time::Timestamp;
use planshift_storage::{Args, Row, Statement, StorageError, Value};
use std::collections::{BTreeMap, HashMap, HashSet};
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
    "INSERT INTO requests (partner_id, request_id, target, body_hash, created_at)
     SELECT r.partner_id, r.request_id, r.target, r.body_hash, r.created_at
     FROM {1: partner_id uuid, request_id uuid, target text, body_hash text, created_at bigint} AS r
     WHERE true
     ORDER BY r.partner_id, r.request_id
     ON CONFLICT (partner_id, request_id) DO NOTHING
     RETURNING partner_id, request_id",
);
static FIND: Statement = Statement::new(
    "SELECT q.partner_id, q.request_id, q.target, q.body_hash, q.status, q.headers, q.body
     FROM {1: partner_id uuid, request_id uuid} AS r CROSS JOIN requests AS q
     WHERE q.partner_id = r.partner_id AND q.request_id = r.request_id",
);
static ANSWER: Statement = Statement::new(
    "UPDATE requests SET status = r.status, headers = r.headers, body = r.body
     FROM {1: partner_id uuid, request_id uuid, status bigint, headers text, body text} AS r
     WHERE requests.partner_id = r.partner_id AND requests.request_id = r.request_id AND requests.status IS NULL
     RETURNING requests.partner_id, requests.request_id",
);

/// Whose request, and its id.
type Key = (Uuid, Uuid);

/// A key that a request wants.
#[derive(Clone)]
pub(super) struct Reservation {
    key: Key,
    target: String,
    hash: String,
    now: Timestamp,
}

/// The keys that are wanted and the answers that are to be stored, of all requests under way: each write is one for many of them.
#[derive(Default)]
pub(super) struct Keys {
    reservations: Together<Reservation, Result<Reserved, StorageError>>,
    answers: Together<(Key, StoredAnswer), Result<StoredAnswer, StorageError>>,
}

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
        let wanted = Reservation { key: (partner, request), target: target.to_owned(), hash: hash.to_owned(), now };
        let model = self.clone();
        let work = move |wanted: Vec<Reservation>| {
            let model = model.clone();
            async move { all(model.reserve_all(&wanted).await, wanted.len()) }.boxed()
        };
        self.keys.reservations.join(wanted, work).await
    }

    async fn reserve_all(&self, wanted: &[Reservation]) -> Result<Vec<Reserved>, StorageError> {
        // of two that want the same one at once, the first has it
        let mut firsts: BTreeMap<Key, &Reservation> = BTreeMap::new();
        for wanted in wanted {
            firsts.entry(wanted.key).or_insert(wanted);
        }
        let rows = firsts.into_values().map(|Reservation { key, target, hash, now }| {
            vec![key.0.into(), key.1.into(), target.into(), hash.into(), now.as_micros().into()]
        });
        let mut taken = keys(&self.database.query(&RESERVE, Args::new().rows(rows.collect())).await?)?;
        let has: Vec<bool> = wanted.iter().map(|wanted| taken.remove(&wanted.key)).collect();
        let known = self.find(wanted.iter().zip(&has).filter(|(_, has)| !**has).map(|(wanted, _)| wanted.key)).await?;
        let reserved = |(wanted, has): (&Reservation, &bool)| match known.get(&wanted.key) {
            Some(row) if !has => reserved(row, &wanted.target, &wanted.hash),
            _ => Ok(Reserved::UnderWay),
        };
        wanted.iter().zip(&has).map(reserved).collect()
    }

    /// Stores the answer under a key that was reserved, and gives the one that is stored: of two that come at once, the first.
    pub(crate) async fn answer(&self, partner: Uuid, request: Uuid, answer: StoredAnswer) -> Result<StoredAnswer, StorageError> {
        let model = self.clone();
        let work = move |answers: Vec<(Key, StoredAnswer)>| {
            let model = model.clone();
            async move { all(model.answer_all(&answers).await, answers.len()) }.boxed()
        };
        self.keys.answers.join(((partner, request), answer), work).await
    }

    async fn answer_all(&self, answers: &[(Key, StoredAnswer)]) -> Result<Vec<StoredAnswer>, StorageError> {
        let mut firsts: BTreeMap<Key, &StoredAnswer> = BTreeMap::new();
        for (key, answer) in answers {
            firsts.entry(*key).or_insert(answer);
        }
        let rows = firsts.iter().map(|((partner, request), answer)| {
            let (status, headers) = (i64::from(answer.status), to_json(&answer.headers)?);
            Ok(vec![(*partner).into(), (*request).into(), status.into(), headers.into(), Value::from(&answer.body)])
        });
        let rows: Vec<_> = rows.collect::<Result<_, StorageError>>()?;
        let stored_now = keys(&self.database.query(&ANSWER, Args::new().rows(rows)).await?)?;
        let known = self.find(firsts.keys().filter(|key| !stored_now.contains(key)).copied()).await?;
        let mut given = Vec::with_capacity(answers.len());
        for (key, answer) in answers {
            let before = known.get(key).map(stored).transpose()?.flatten();
            // neither now nor before: the key is so old that it was forgotten meanwhile
            given.push(before.unwrap_or_else(|| firsts.get(key).map_or_else(|| answer.clone(), |first| (*first).clone())));
        }
        Ok(given)
    }

    async fn find(&self, of: impl Iterator<Item = Key>) -> Result<HashMap<Key, Row>, StorageError> {
        let rows: Vec<_> = of.map(|(partner, request)| vec![partner.into(), request.into()]).collect();
        if rows.is_empty() {
            return Ok(HashMap::new());
        }
        let found = self.database.query(&FIND, Args::new().rows(rows)).await?;
        found.into_iter().map(|row| Ok(((row.get(0)?, row.get(1)?), row))).collect()
    }
}

/// The same for each of the round's callers.
fn all<T>(done: Result<Vec<T>, StorageError>, callers: usize) -> Vec<Result<T, StorageError>> {
    match done {
        Ok(results) => results.into_iter().map(Ok).collect(),
        Err(error) => std::iter::repeat_n(error, callers).map(Err).collect(),
    }
}

fn keys(rows: &[Row]) -> Result<HashSet<Key>, StorageError> {
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

fn reserved(row: &Row, target: &str, hash: &str) -> Result<Reserved, StorageError> {
    if row.get::<String>(2)? != target || row.get::<String>(3)? != hash {
        return Ok(Reserved::Another);
    }
    Ok(stored(row)?.map_or(Reserved::UnderWay, Reserved::Answered))
}

fn stored(row: &Row) -> Result<Option<StoredAnswer>, StorageError> {
    let Some(status) = row.get::<Option<u32>>(4)? else { return Ok(None) };
    let (headers, body): (Option<String>, Option<String>) = (row.get(5)?, row.get(6)?);
    Ok(Some(StoredAnswer {
        status: u16::try_from(status).unwrap_or(500),
        headers: headers.map(|text| from_json("a stored answer", &text)).transpose()?.unwrap_or_default(),
        body: body.unwrap_or_default(),
    }))
}
