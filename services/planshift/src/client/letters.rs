//! Dead letters and redrives, as the API tells them.

use super::{Api, ApiError, REQUEST_ID, said};
use crate::cli::{MeantArgs, RedriveArgs, WhichArgs, WhoArgs};
use planshift_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// How long the API may take to look through all dead letters, and to wait for another look.
const LOOK_TIMEOUT: Duration = Duration::from_secs(120);

/// Dead letters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetters {
    /// How many are meant.
    pub total_count: u64,
    /// All were looked at.
    pub complete: bool,
    /// By reason, queue and type.
    pub groups: Vec<LetterGroup>,
    /// The oldest of them.
    pub items: Vec<DeadLetter>,
}

/// Letters that died alike.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LetterGroup {
    /// Why.
    pub reason: String,
    /// In which queue.
    pub queue: String,
    /// Of which type.
    #[serde(rename = "type")]
    pub kind: String,
    /// How many.
    pub count: u64,
    /// When the first of them was sent.
    pub oldest: Timestamp,
    /// When the last of them was sent.
    pub newest: Timestamp,
}

/// A dead letter in a list.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// What it is known by.
    pub key: String,
    /// The message's id.
    pub message_id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its transition.
    pub correlation_id: String,
    /// When it was first sent.
    pub sent_at: Timestamp,
    /// Where it died.
    pub queue: String,
    /// Why.
    pub reason: String,
    /// In words.
    pub description: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Bytes of its body.
    pub size: u64,
}

/// A redrive.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Redrive {
    /// Which.
    pub redrive_id: Uuid,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// By whom.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Running, Done, Stopped or Cancelled.
    pub state: String,
    /// Why it was stopped or cancelled.
    pub note: String,
    /// Letters sent.
    pub sent: u32,
    /// Those that were seen to finish well.
    pub succeeded: u32,
    /// Those that died again.
    pub died: u32,
    /// Nothing is left that is wanted.
    pub all_sent: bool,
    /// Letters that died again, the first of them.
    #[serde(default)]
    pub died_again: Vec<DiedAgain>,
}

impl Redrive {
    /// It does nothing more.
    pub fn has_ended(&self) -> bool {
        self.state != "Running"
    }

    /// All that was wanted was sent, and was seen to finish well.
    pub fn went_well(&self) -> bool {
        self.state == "Done" && self.succeeded == self.sent
    }
}

/// A letter that died again.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiedAgain {
    /// The message.
    pub message_id: String,
    /// Why, this time.
    pub died_of: Option<String>,
    /// In words.
    pub description: Option<String>,
}

/// A page of something.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Items<T> {
    /// What is on it.
    pub items: Vec<T>,
}

/// A letter that was dropped.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dropped {
    /// What it was known by.
    pub key: String,
    /// When.
    pub dropped_at: Timestamp,
    /// By whom.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// As it was.
    pub letter: Value,
}

impl Api {
    /// Looks through the dead letters.
    ///
    /// # Errors
    /// Any.
    pub async fn dead_letters(&self, which: &WhichArgs, size: u32) -> Result<DeadLetters, ApiError> {
        let mut request = self.client.get(self.letters("")).query(&[("size", size)]);
        let transition = which.transition.map(|id| id.to_string());
        for (name, value) in [("code", &which.code), ("queue", &which.queue), ("type", &which.kind), ("transitionId", &transition)] {
            if let Some(value) = value {
                request = request.query(&[(name, value)]);
            }
        }
        self.json(request.timeout(LOOK_TIMEOUT)).await
    }

    /// One letter, whole.
    ///
    /// # Errors
    /// Any.
    pub async fn dead_letter(&self, key: &str) -> Result<Value, ApiError> {
        self.json(self.client.get(self.letters(&format!("/{key}"))).timeout(LOOK_TIMEOUT)).await
    }

    /// Drops letters for good: how many, and whether all were looked at.
    ///
    /// # Errors
    /// Any.
    pub async fn drop_letters(&self, meant: &MeantArgs, who: &WhoArgs) -> Result<(u64, bool), ApiError> {
        let request = self.client.post(self.letters("/drop")).json(&body(meant, who)).header(REQUEST_ID, Uuid::new_v4().to_string());
        let answer: Value = self.json(request.timeout(LOOK_TIMEOUT)).await?;
        Ok((answer["dropped"].as_u64().unwrap_or_default(), answer["complete"].as_bool().unwrap_or_default()))
    }

    /// What was dropped.
    ///
    /// # Errors
    /// Any.
    pub async fn dropped_letters(&self, size: u32) -> Result<Items<Dropped>, ApiError> {
        self.json(self.client.get(self.letters("/dropped")).query(&[("size", size)])).await
    }

    /// Gives letters another chance. The same `request` again is the same redrive.
    ///
    /// # Errors
    /// Any.
    pub async fn redrive(&self, args: &RedriveArgs, request: Uuid) -> Result<Redrive, ApiError> {
        let mut body = body(&args.meant, &args.who);
        body["rate"] = json!(args.rate);
        body["canary"] = json!(args.canary);
        self.json(self.client.post(self.letters("/redrives")).json(&body).header(REQUEST_ID, request.to_string())).await
    }

    /// Redrives, the newest first.
    ///
    /// # Errors
    /// Any.
    pub async fn redrives(&self, size: u32) -> Result<Items<Redrive>, ApiError> {
        self.json(self.client.get(self.letters("/redrives")).query(&[("size", size)])).await
    }

    /// A redrive, once it has ended or after so many seconds.
    ///
    /// # Errors
    /// Any.
    pub async fn redrive_after(&self, id: Uuid, wait_seconds: u32) -> Result<Redrive, ApiError> {
        let request = self.client.get(self.letters(&format!("/redrives/{id}"))).query(&[("wait", format!("{wait_seconds}s"))]);
        self.json(request.timeout(LOOK_TIMEOUT)).await
    }

    /// Cancels a redrive.
    ///
    /// # Errors
    /// A refusal with the name `NotAllowedInState`; any other.
    pub async fn cancel_redrive(&self, id: Uuid, who: &WhoArgs) -> Result<Redrive, ApiError> {
        self.json(self.client.post(self.letters(&format!("/redrives/{id}/cancel"))).json(&said(who))).await
    }

    fn letters(&self, rest: &str) -> String {
        format!("{}/v1/deadLetters{rest}", self.base)
    }
}

fn body(meant: &MeantArgs, who: &WhoArgs) -> Value {
    let mut body = said(who);
    body["all"] = json!(meant.all);
    body["keys"] = json!(meant.keys);
    body["code"] = json!(meant.which.code);
    body["queue"] = json!(meant.which.queue);
    body["type"] = json!(meant.which.kind);
    body["transitionId"] = json!(meant.which.transition);
    body
}
