//! A client of the API: it asks again, with the same `MS-RequestId`, for as long as it does not know.

use super::history::View;
use crate::http;
use reqwest::{Client, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long an answer may take: more than the API promises to wait.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);
/// How long a client goes on asking. Far longer than any fault lasts.
const PATIENCE: Duration = Duration::from_secs(300);
/// Between two tries.
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// Between two looks for a transition that does not show yet.
const LOOK_AGAIN: Duration = Duration::from_millis(40);
/// How long a look waits for a change, in seconds.
const WAIT_SECONDS: u32 = 20;

/// The client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    url: String,
}

/// A definite answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The transition that `Location`, or the body, names.
    pub transition: Option<Uuid>,
    /// The body.
    pub body: String,
    /// How often it was asked.
    pub tries: u32,
    /// Of some try the outcome was not known.
    pub was_unknown: bool,
}

#[derive(Deserialize)]
struct Progress {
    state: String,
    version: u32,
    settled: bool,
}

/// States that nothing follows by itself.
pub const SETTLED: [&str; 4] = ["Completed", "Ineligible", "Compensated", "NeedsOperator"];

impl Api {
    /// A client of the API at this URL.
    ///
    /// # Panics
    /// Where there can be no HTTP client.
    pub fn new(url: String) -> Self {
        Self { client: http::client().build().expect("an HTTP client"), url }
    }

    /// Starts a transition. The first answer is not waited for longer than `first_wait`, where that is given.
    ///
    /// # Errors
    /// There is no definite answer after a long time.
    pub async fn start(&self, request: Uuid, customer: Uuid, partner: Uuid, first_wait: Option<Duration>) -> Result<Answer, String> {
        let body = json!({ "customerId": customer, "productFamily": "Azure", "partnerId": partner });
        self.post("/v1/productUpgrades", request, &body, first_wait).await
    }

    /// Cancels or resumes a transition.
    ///
    /// # Errors
    /// As [`Api::start`].
    pub async fn act(&self, request: Uuid, transition: Uuid, act: &str) -> Result<Answer, String> {
        self.post(&format!("/v1/productUpgrades/{transition}/{act}"), request, &json!({ "reason": "chaos" }), None).await
    }

    /// Imports a document. Again is harmless.
    ///
    /// # Errors
    /// As [`Api::start`].
    pub async fn import(&self, document: &Value) -> Result<Answer, String> {
        self.post("/v1/accounts", Uuid::new_v4(), document, None).await
    }

    async fn post(&self, path: &str, request: Uuid, body: &Value, first_wait: Option<Duration>) -> Result<Answer, String> {
        let (begun, mut tries, mut was_unknown) = (Instant::now(), 0, false);
        loop {
            let limit = first_wait.filter(|_| tries == 0).unwrap_or(ANSWER_WITHIN);
            tries += 1;
            let sending = self.client.post(format!("{}{path}", self.url)).header("MS-RequestId", request.to_string());
            let outcome = self.definite(sending.json(body).timeout(limit)).await;
            match outcome {
                Ok((status, transition, body)) => return Ok(Answer { status, transition, body, tries, was_unknown }),
                Err(reason) if begun.elapsed() > PATIENCE => return Err(format!("{path}: no answer in {tries} tries: {reason}")),
                Err(_) => was_unknown = true,
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// An answer that the same request would get again.
    async fn definite(&self, request: reqwest::RequestBuilder) -> Result<(u16, Option<Uuid>, String), String> {
        let response = request.send().await.map_err(|error| error.to_string())?;
        let status = response.status();
        let location = response.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = response.text().await.map_err(|error| error.to_string())?;
        if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
            return Err(format!("HTTP {status}: {body}"));
        }
        let json: Value = serde_json::from_str(&body).unwrap_or_default();
        if json["isRetryable"] == Value::Bool(true) {
            return Err(format!("HTTP {status}: {body}"));
        }
        let named = location.as_deref().and_then(|location| location.rsplit('/').next()).or(json["transitionId"].as_str());
        Ok((status.as_u16(), named.and_then(|id| id.parse().ok()), body))
    }

    /// The newest transition of a customer, once there is one.
    ///
    /// # Errors
    /// There is none after a long time.
    pub async fn find(&self, customer: Uuid) -> Result<Uuid, String> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let listed: Value = self.get(&format!("/v1/productUpgrades?customerId={customer}&size=1")).await.unwrap_or_default();
            if let Some(id) = listed["items"][0]["transitionId"].as_str().and_then(|id| id.parse().ok()) {
                return Ok(id);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Err(format!("no transition of {customer} shows"))
    }

    /// The transition once nothing follows by itself, or once it is in a state that `enough` takes.
    ///
    /// # Errors
    /// It is not there after a long time.
    pub async fn wait(&self, transition: Uuid, enough: impl Fn(&str) -> bool) -> Result<View, String> {
        let (begun, mut after, mut wait) = (Instant::now(), None, 0);
        let mut seen = String::new();
        while begun.elapsed() < PATIENCE {
            match self.progress(transition, after, wait).await {
                Ok(progress) if progress.settled || enough(&progress.state) => match self.view(transition).await {
                    // a look later it may have moved on
                    Ok(view) if SETTLED.contains(&view.state.as_str()) || enough(&view.state) => return Ok(view),
                    Ok(_) => after = None,
                    Err(_) => tokio::time::sleep(ASK_AGAIN).await,
                },
                Ok(progress) => {
                    wait = if SETTLED.contains(&progress.state.as_str()) { 1 } else { WAIT_SECONDS };
                    after = Some(progress.version);
                    seen = progress.state;
                }
                Err(_) => tokio::time::sleep(ASK_AGAIN).await,
            }
        }
        Err(format!("the transition {transition} has not ended within {PATIENCE:?}; last seen: {seen:?}"))
    }

    async fn progress(&self, transition: Uuid, after: Option<u32>, wait: u32) -> Result<Progress, String> {
        let mut path = format!("/v1/productUpgrades/{transition}/progress");
        if let Some(after) = after {
            path += &format!("?afterVersion={after}&waitSeconds={wait}");
        }
        self.get(&path).await
    }

    /// The transition as it is now.
    ///
    /// # Errors
    /// There is no answer, or it is not there.
    pub async fn view(&self, transition: Uuid) -> Result<View, String> {
        self.get(&format!("/v1/productUpgrades/{transition}")).await
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, String> {
        let request = self.client.request(Method::GET, format!("{}{path}", self.url)).timeout(ANSWER_WITHIN);
        let response = request.send().await.map_err(|error| error.to_string())?;
        let status = response.status();
        let text = response.text().await.map_err(|error| error.to_string())?;
        if !status.is_success() {
            return Err(format!("HTTP {status}: {text}"));
        }
        serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))
    }
}
