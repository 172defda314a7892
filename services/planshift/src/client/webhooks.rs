//! Webhooks, as the API tells them.

use super::{Api, ApiError, Items, REQUEST_ID};
use crate::cli::{DeliveriesArgs, RegisterArgs, ReplayArgs};
use planshift_domain::{
    ids::{PartnerId, TransitionId},
    time::Timestamp,
};
use reqwest::{Method, RequestBuilder};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// What is registered for unless something else is said.
const ALL: [&str; 5] = [
    "product-upgrade-created",
    "product-upgrade-progressed",
    "product-upgrade-completed",
    "product-upgrade-failed",
    "usagerecords-thresholdExceeded",
];

/// A registration.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Registration {
    /// What the partner knows it by.
    pub subscriber_id: Uuid,
    /// Where events are sent.
    pub webhook_url: String,
    /// Which.
    pub webhook_events: Vec<String>,
    /// Whose.
    pub partner_id: PartnerId,
    /// When it was last changed.
    pub changed_at: Timestamp,
    /// By whom.
    pub changed_by: String,
}

/// A delivery in a list.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookDelivery {
    /// What receivers tell it by.
    pub id: Uuid,
    /// Whose.
    pub partner_id: PartnerId,
    /// What happened.
    pub event: String,
    /// To which transition; none of a test.
    pub transition_id: Option<TransitionId>,
    /// When.
    pub happened_at: Timestamp,
    /// `pending`, `delivered`, `dead`.
    pub state: String,
    /// Since it was last begun anew.
    pub attempts: u32,
    /// What the receiver answered last.
    pub last_status: Option<u16>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When the next one is.
    pub next_attempt_at: Option<Timestamp>,
}

/// A replay.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replay {
    /// What it is known by.
    pub id: Uuid,
    /// From then on.
    pub from: Timestamp,
    /// Before that.
    pub to: Timestamp,
    /// How many events were found so far.
    pub found: u64,
    /// `running`, `done`.
    pub state: String,
}

/// How a test went.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tested {
    /// What it is known by.
    pub correlation_id: Uuid,
    /// `pending`, `completed`, `failed`.
    pub status: String,
    /// Where it was sent.
    pub callback_url: Option<String>,
    /// Its attempts.
    pub results: Vec<TestResult>,
}

/// An attempt of a test.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    /// What the receiver answered.
    pub response_code: Option<String>,
    /// Why it failed.
    pub response_message: String,
    /// When.
    pub date_time_utc: Timestamp,
}

impl Api {
    /// The registration.
    ///
    /// # Errors
    /// Any.
    pub async fn webhook(&self, partner: Option<PartnerId>) -> Result<Registration, ApiError> {
        self.json(self.hooks(Method::GET, "registration", partner)).await
    }

    /// Registers, or changes what is registered.
    ///
    /// # Errors
    /// Any.
    pub async fn register_webhook(&self, args: &RegisterArgs) -> Result<Registration, ApiError> {
        let events: Vec<&str> = if args.events.is_empty() { ALL.to_vec() } else { args.events.iter().map(String::as_str).collect() };
        let body = json!({ "WebhookUrl": args.url, "WebhookEvents": events });
        let send = |method| self.hooks(method, "registration", args.whose.partner.partner).json(&body);
        match self.json(send(Method::POST)).await {
            Err(ApiError::Refused(refusal)) if refusal.error_name == "WebhookAlreadyRegistered" => self.json(send(Method::PUT)).await,
            other => other,
        }
    }

    /// Takes the registration away.
    ///
    /// # Errors
    /// Any.
    pub async fn unregister_webhook(&self, partner: Option<PartnerId>) -> Result<(), ApiError> {
        self.send(self.hooks(Method::DELETE, "registration", partner)).await.map(drop)
    }

    /// Has a test sent: the id that it is known by.
    ///
    /// # Errors
    /// Any.
    pub async fn test_webhook(&self, partner: Option<PartnerId>) -> Result<Uuid, ApiError> {
        let request = self.hooks(Method::POST, "registration/validationEvents", partner).header(REQUEST_ID, Uuid::new_v4().to_string());
        let answer: Value = self.json(request).await?;
        answer["correlationId"].as_str().and_then(|id| id.parse().ok()).ok_or_else(|| self.garbled("it names no correlationId"))
    }

    /// How a test went so far.
    ///
    /// # Errors
    /// Any.
    pub async fn tested_webhook(&self, id: Uuid) -> Result<Tested, ApiError> {
        self.json(self.hooks(Method::GET, &format!("registration/validationEvents/{id}"), None)).await
    }

    /// Deliveries, newest first.
    ///
    /// # Errors
    /// Any.
    pub async fn webhook_deliveries(&self, args: &DeliveriesArgs) -> Result<Items<WebhookDelivery>, ApiError> {
        let mut request = self.hooks(Method::GET, "deliveries", args.whose.partner.partner).query(&[("size", args.size)]);
        for (name, value) in [("state", &args.state), ("event", &args.event)] {
            if let Some(value) = value {
                request = request.query(&[(name, value)]);
            }
        }
        self.json(request).await
    }

    /// One, whole.
    ///
    /// # Errors
    /// Any.
    pub async fn webhook_delivery(&self, id: Uuid) -> Result<Value, ApiError> {
        self.json(self.hooks(Method::GET, &format!("deliveries/{id}"), None)).await
    }

    /// Has one sent anew.
    ///
    /// # Errors
    /// Any.
    pub async fn redeliver_webhook(&self, id: Uuid) -> Result<Value, ApiError> {
        self.json(self.hooks(Method::POST, &format!("deliveries/{id}/redeliver"), None)).await
    }

    /// Has what happened within a time told again.
    ///
    /// # Errors
    /// Any.
    pub async fn replay_webhooks(&self, args: &ReplayArgs) -> Result<Replay, ApiError> {
        let body = json!({ "from": args.from, "to": args.to, "event": args.event });
        let request = self.hooks(Method::POST, "deliveries/replay", args.whose.partner.partner).json(&body);
        self.json(request.header(REQUEST_ID, Uuid::new_v4().to_string())).await
    }

    /// How far a replay is.
    ///
    /// # Errors
    /// Any.
    pub async fn webhook_replay(&self, id: Uuid, partner: Option<PartnerId>) -> Result<Replay, ApiError> {
        self.json(self.hooks(Method::GET, &format!("deliveries/replay/{id}"), partner)).await
    }

    fn hooks(&self, method: Method, rest: &str, partner: Option<PartnerId>) -> RequestBuilder {
        let request = self.client.request(method, format!("{}/webhooks/v1/{rest}", self.base));
        match partner {
            Some(partner) => request.query(&[("partnerId", partner)]),
            None => request,
        }
    }
}
