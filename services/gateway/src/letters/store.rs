//! Redrives and what became of their messages; letters that were dropped. Kept for ever: they say who decided what, and why.

use super::{DeadLetters, Letter, Wanted};
use planshift_domain::{message::notice::MessageEnded, time::Timestamp};
use planshift_storage::{Args, Row, Statement, StorageError, Value};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What to redrive, and how.
#[derive(Clone, Debug)]
pub(crate) struct NewRedrive {
    pub(crate) id: Uuid,
    pub(crate) actor: String,
    pub(crate) reason: String,
    pub(crate) wanted: Wanted,
    /// Letters a second at most.
    pub(crate) rate: Option<u32>,
    /// The first so many must be seen to succeed before any other is sent.
    pub(crate) canary: u32,
    /// The request that orders it, as W3C trace context.
    pub(crate) traceparent: String,
}

/// Where a redrive stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) enum RedriveState {
    /// It sends, or waits for what it has sent.
    Running,
    /// All that was wanted was sent, and has come to an end.
    Done,
    /// Its canary died, or was not seen to finish.
    Stopped,
    /// Somebody cancelled it.
    Cancelled,
}

impl RedriveState {
    const ALL: [Self; 4] = [Self::Running, Self::Done, Self::Stopped, Self::Cancelled];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Done => "Done",
            Self::Stopped => "Stopped",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// A redrive, with what became of its letters so far.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Redrive {
    pub(crate) redrive_id: Uuid,
    pub(crate) created_at: Timestamp,
    pub(crate) actor: String,
    pub(crate) reason: String,
    pub(crate) wanted: Wanted,
    pub(crate) rate: Option<u32>,
    pub(crate) canary: u32,
    pub(crate) state: RedriveState,
    /// Why it was stopped or cancelled; else empty.
    pub(crate) note: String,
    /// When the last letters were sent.
    #[serde(skip)]
    pub(super) sent_at: Timestamp,
    /// The request that ordered it, as W3C trace context.
    #[serde(skip)]
    pub(super) traceparent: String,
    /// Nothing is left that is wanted.
    pub(crate) all_sent: bool,
    pub(crate) ended_at: Option<Timestamp>,
    /// Letters sent, those seen to finish well, and those that died again. The others are on their way.
    pub(crate) sent: u32,
    pub(crate) succeeded: u32,
    pub(crate) died: u32,
}

/// How the canary of a redrive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CanaryState {
    /// So many are still to be sent.
    ToSend(u32),
    /// Some are on their way.
    Flying,
    /// All have succeeded, or there is none.
    Alive,
    /// One died.
    Dead,
}

impl Redrive {
    pub(crate) fn canary_state(&self) -> CanaryState {
        let first = self.sent.min(self.canary);
        if self.sent > self.canary {
            // it was passed before the others were sent
            CanaryState::Alive
        } else if self.died > 0 && self.canary > 0 {
            CanaryState::Dead
        } else if first < self.canary && !self.all_sent {
            CanaryState::ToSend(self.canary - first)
        } else if self.succeeded < first {
            CanaryState::Flying
        } else {
            CanaryState::Alive
        }
    }

    /// Letters that were sent and not seen to end.
    pub(crate) const fn on_their_way(&self) -> u32 {
        self.sent.saturating_sub(self.succeeded + self.died)
    }
}

/// What was told of a letter's last chances.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ended {
    pub(crate) redrive_id: Uuid,
    pub(crate) letter: String,
    pub(crate) message_id: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) queue: String,
    pub(crate) reason: String,
    pub(crate) sent_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    /// Why it died again.
    pub(crate) died_of: Option<String>,
    pub(crate) description: Option<String>,
}

macro_rules! redrives {
    ($rest:literal) => {
        Statement::new(concat!(
            "SELECT d.id, d.created_at, d.actor, d.reason, d.wanted, d.rate, d.canary, d.state, d.note, d.sent_at, d.all_sent, d.ended_at,
                    (SELECT count(*) FROM redriven r WHERE r.redrive_id = d.id),
                    (SELECT count(*) FROM redriven r WHERE r.redrive_id = d.id AND r.ended_at IS NOT NULL AND r.dead IS NULL),
                    (SELECT count(*) FROM redriven r WHERE r.redrive_id = d.id AND r.dead IS NOT NULL),
                    d.traceparent
             FROM redrives d ",
            $rest
        ))
    };
}
static ONE: Statement = redrives!("WHERE d.id = $1");
static RUNNING: Statement = redrives!("WHERE d.state = 'Running' ORDER BY d.created_at, d.id LIMIT 1");
static NEWEST: Statement = redrives!("WHERE (d.created_at, d.id) < ($1::bigint, $2::uuid) ORDER BY d.created_at DESC, d.id DESC LIMIT $3");
static STATE: Statement = Statement::new("SELECT state FROM redrives WHERE id = $1");
static INSERT: Statement = Statement::new(
    "INSERT INTO redrives (id, created_at, actor, reason, wanted, rate, canary, state, note, sent_at, all_sent, traceparent)
     SELECT $1::uuid, $2::bigint, $3::text, $4::text, $5::text, $6::bigint, $7::bigint, 'Running', '', $2::bigint, false, $8::text
     WHERE true
     ON CONFLICT (id) DO NOTHING",
);
static SENDING: Statement = Statement::new("UPDATE redrives SET sent_at = $2, all_sent = $3 WHERE id = $1 AND state = 'Running'");
static END: Statement = Statement::new("UPDATE redrives SET state = $2, note = $3, ended_at = $4 WHERE id = $1 AND state = 'Running'");
static SENT: Statement = Statement::new(
    "INSERT INTO redriven (redrive_id, letter, message_id, kind, queue, reason, sent_at)
     SELECT $1::uuid, r.letter, r.message_id, r.kind, r.queue, r.reason, $2::bigint
     FROM {3: letter text, message_id text, kind text, queue text, reason text} AS r
     WHERE true
     ON CONFLICT (redrive_id, letter) DO NOTHING",
);
macro_rules! redriven {
    ($rest:literal) => {
        Statement::new(concat!(
            "SELECT redrive_id, letter, message_id, kind, queue, reason, sent_at, ended_at, dead, description FROM redriven ",
            $rest
        ))
    };
}
static OF_MESSAGE: Statement = redriven!("WHERE message_id = $1 ORDER BY sent_at, redrive_id LIMIT $2");
static DIED: Statement = redriven!("WHERE redrive_id = $1 AND dead IS NOT NULL ORDER BY letter LIMIT $2");
pub(crate) static ENDED: Statement = Statement::new(
    "UPDATE redriven SET ended_at = r.ended_at, dead = r.dead, description = r.description
     FROM {1: redrive_id uuid, letter text, ended_at bigint, dead text, description text} AS r
     WHERE redriven.redrive_id = r.redrive_id AND redriven.letter = r.letter AND redriven.ended_at IS NULL",
);
static DROP: Statement = Statement::new(
    "INSERT INTO dropped_letters (letter, dropped_at, actor, reason, body)
     SELECT r.letter, $2::bigint, $3::text, $4::text, r.body FROM {1: letter text, body text} AS r
     WHERE true
     ON CONFLICT (letter) DO NOTHING",
);
static DROPPED: Statement = Statement::new(
    "SELECT letter, dropped_at, actor, reason, body FROM dropped_letters
     WHERE (dropped_at, letter) < ($1::bigint, $2::text) ORDER BY dropped_at DESC, letter DESC LIMIT $3",
);

/// How many chances of one message are shown.
const CHANCES_SHOWN: i64 = 100;

/// A letter that was dropped.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Dropped {
    pub(crate) key: String,
    pub(crate) dropped_at: Timestamp,
    pub(crate) actor: String,
    pub(crate) reason: String,
    /// As it was.
    pub(crate) letter: Box<RawValue>,
}

impl DeadLetters {
    /// Begins a redrive, or finds it begun.
    pub(crate) async fn redrive(&self, new: &NewRedrive) -> Result<(), StorageError> {
        let args = Args::new()
            .value(new.id)
            .value(self.ports.clock.now().as_micros())
            .value(&new.actor)
            .value(&new.reason)
            .value(json(&new.wanted)?)
            .value(new.rate.map(i64::from))
            .value(new.canary)
            .value(&new.traceparent);
        self.database.execute(&INSERT, args).await?;
        self.news.notify_one();
        Ok(())
    }

    pub(crate) async fn find_redrive(&self, id: Uuid) -> Result<Option<Redrive>, StorageError> {
        self.database.query(&ONE, Args::new().value(id)).await?.first().map(redrive).transpose()
    }

    /// Is it still at work? Asked between batches: without counting what was sent, which grows.
    pub(super) async fn still_runs(&self, id: Uuid) -> Result<bool, StorageError> {
        let rows = self.database.query(&STATE, Args::new().value(id)).await?;
        Ok(rows.first().map(|row| row.get::<String>(0)).transpose()?.is_some_and(|state| state == RedriveState::Running.name()))
    }

    /// The oldest one that is at work.
    pub(super) async fn running(&self) -> Result<Option<Redrive>, StorageError> {
        self.database.query(&RUNNING, Args::new()).await?.first().map(redrive).transpose()
    }

    /// The newest first.
    pub(crate) async fn redrives(&self, before: Option<(Timestamp, Uuid)>, size: u32) -> Result<Vec<Redrive>, StorageError> {
        let (at, id) = before.map_or((i64::MAX, Uuid::max()), |(at, id)| (at.as_micros(), id));
        self.database.query(&NEWEST, Args::new().value(at).value(id).value(size)).await?.iter().map(redrive).collect()
    }

    /// Ends one that is at work. False where it is not.
    pub(crate) async fn end(&self, id: Uuid, state: RedriveState, note: &str) -> Result<bool, StorageError> {
        let args = Args::new().value(id).value(state.name()).value(note).value(self.ports.clock.now().as_micros());
        let ended = self.database.execute(&END, args).await? > 0;
        self.news.notify_one();
        Ok(ended)
    }

    /// These letters are about to be sent.
    pub(super) async fn sending(&self, id: Uuid, letters: &[Letter]) -> Result<(), StorageError> {
        let rows = letters.iter().map(|letter| {
            let texts = [&letter.key, &letter.message_id, &letter.kind, &letter.queue, &letter.reason];
            texts.map(|text| Value::from(storable(text))).to_vec()
        });
        let args = Args::new().value(id).value(self.ports.clock.now().as_micros()).rows(rows.collect());
        self.database.execute(&SENT, args).await.map(drop)
    }

    pub(super) async fn sent(&self, id: Uuid, at: Timestamp, all: bool) -> Result<(), StorageError> {
        self.database.execute(&SENDING, Args::new().value(id).value(at.as_micros()).value(all)).await.map(drop)
    }

    /// The chances that a message was given.
    pub(crate) async fn chances(&self, message_id: &str) -> Result<Vec<Ended>, StorageError> {
        if message_id.is_empty() {
            return Ok(Vec::new());
        }
        let args = Args::new().value(storable(message_id)).value(CHANCES_SHOWN);
        self.database.query(&OF_MESSAGE, args).await?.iter().map(ended).collect()
    }

    /// The letters of a redrive that died again, the first of them.
    pub(crate) async fn died(&self, id: Uuid) -> Result<Vec<Ended>, StorageError> {
        self.database.query(&DIED, Args::new().value(id).value(CHANCES_SHOWN)).await?.iter().map(ended).collect()
    }

    /// Keeps letters that are about to be dropped: their keys, and the whole of them as JSON.
    pub(super) async fn keep(&self, letters: Vec<(String, String)>, actor: &str, reason: &str) -> Result<(), StorageError> {
        let rows = letters.into_iter().map(|(key, body)| vec![key.into(), body.into()]).collect();
        let args = Args::new().rows(rows).value(self.ports.clock.now().as_micros()).value(actor).value(reason);
        self.database.execute(&DROP, args).await.map(drop)
    }

    /// What was dropped, the newest first.
    pub(crate) async fn dropped(&self, before: Option<(Timestamp, String)>, size: u32) -> Result<Vec<Dropped>, StorageError> {
        // behind every key, which is hexadecimal
        let (at, key) = before.map_or((i64::MAX, "~".to_owned()), |(at, key)| (at.as_micros(), key));
        let rows = self.database.query(&DROPPED, Args::new().value(at).value(key).value(size)).await?;
        rows.iter().map(dropped).collect()
    }
}

/// The rows of [`ENDED`]. What names no redrive of ours is nobody's.
pub(crate) fn ended_rows(notices: &[MessageEnded]) -> Vec<Vec<Value>> {
    // a message may be told of twice, and a statement must meet each row once: the first counts
    let mut firsts: BTreeMap<(Uuid, &str), &MessageEnded> = BTreeMap::new();
    for notice in notices {
        if let Some((id, letter)) = notice.redrive.split_once('/')
            && let Ok(id) = Uuid::try_parse(id)
        {
            firsts.entry((id, letter)).or_insert(notice);
        }
    }
    let rows = firsts.into_iter().map(|((id, letter), notice)| {
        let dead = notice.dead.as_ref();
        vec![
            id.into(),
            storable(letter).into(),
            notice.at.as_micros().into(),
            dead.map(|dead| storable(&dead.reason)).into(),
            dead.map(|dead| storable(&dead.description)).into(),
        ]
    });
    rows.collect()
}

/// A text from outside: a database takes no NUL.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn json<T: Serialize>(value: &T) -> Result<String, StorageError> {
    serde_json::to_string(value).map_err(|error| StorageError::Statement(format!("what cannot be written as JSON: {error}")))
}

fn unreadable(what: &str) -> StorageError {
    StorageError::Statement(format!("{what} as it is stored cannot be read"))
}

fn redrive(row: &Row) -> Result<Redrive, StorageError> {
    let (wanted, state): (String, String) = (row.get(4)?, row.get(7)?);
    let time = |index| row.get::<i64>(index).map(Timestamp::from_micros);
    Ok(Redrive {
        redrive_id: row.get(0)?,
        created_at: time(1)?,
        actor: row.get(2)?,
        reason: row.get(3)?,
        wanted: serde_json::from_str(&wanted).map_err(|_| unreadable("a redrive"))?,
        rate: row.get(5)?,
        canary: row.get(6)?,
        state: RedriveState::ALL.into_iter().find(|known| known.name() == state).ok_or_else(|| unreadable("a redrive's state"))?,
        note: row.get(8)?,
        sent_at: time(9)?,
        all_sent: row.get(10)?,
        ended_at: row.get::<Option<i64>>(11)?.map(Timestamp::from_micros),
        sent: row.get(12)?,
        succeeded: row.get(13)?,
        died: row.get(14)?,
        traceparent: row.get(15)?,
    })
}

fn ended(row: &Row) -> Result<Ended, StorageError> {
    Ok(Ended {
        redrive_id: row.get(0)?,
        letter: row.get(1)?,
        message_id: row.get(2)?,
        kind: row.get(3)?,
        queue: row.get(4)?,
        reason: row.get(5)?,
        sent_at: Timestamp::from_micros(row.get(6)?),
        ended_at: row.get::<Option<i64>>(7)?.map(Timestamp::from_micros),
        died_of: row.get(8)?,
        description: row.get(9)?,
    })
}

fn dropped(row: &Row) -> Result<Dropped, StorageError> {
    Ok(Dropped {
        key: row.get(0)?,
        dropped_at: Timestamp::from_micros(row.get(1)?),
        actor: row.get(2)?,
        reason: row.get(3)?,
        letter: RawValue::from_string(row.get(4)?).map_err(|_| unreadable("a dropped letter"))?,
    })
}
