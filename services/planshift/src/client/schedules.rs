//! Schedules, through the API.

use super::{Api, ApiError, BatchItems, BatchRow, REQUEST_ID};
use planshift_domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A schedule, as far as this client reads it; the rest of it is printed as it came.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Which.
    pub schedule_id: Uuid,
    /// The partner's own name of it.
    pub external_reference_id: String,
    /// Where it stands.
    pub state: String,
    /// What does the work.
    pub batch_id: Uuid,
    /// Where that stands.
    pub batch_state: String,
    /// How many rows it has.
    pub rows: u64,
    /// The local date or time.
    pub at: String,
    /// Of this time zone.
    pub time_zone: String,
    /// The hours in which something may begin.
    #[serde(default)]
    pub window: Option<ScheduleWindow>,
    /// The days of the week.
    #[serde(default)]
    pub days: Vec<String>,
    /// When there is something to do for it.
    #[serde(default)]
    pub next_at: Option<Timestamp>,
    /// How late something of it is, in seconds.
    #[serde(default)]
    pub late_by: Option<u64>,
    /// How many rows are in each state; none in lists.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
    /// Its days; none in lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub planned: Vec<ScheduleDay>,
    /// Whatever else there is.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// Hours of a day.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ScheduleWindow {
    /// When they begin.
    pub from: String,
    /// When they end.
    pub to: String,
}

/// A day of a schedule.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleDay {
    /// Which, from 1.
    pub day: u64,
    /// When it begins.
    pub opens_at: Timestamp,
    /// Until when something of it may begin.
    #[serde(default)]
    pub closes_at: Option<Timestamp>,
    /// How many rows it has.
    pub rows: u64,
    /// When it has begun.
    #[serde(default)]
    pub begun_at: Option<Timestamp>,
    /// How late it is, or has begun, in seconds.
    #[serde(default)]
    pub late_by: Option<u64>,
    /// Whatever else there is.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Api {
    /// Makes a schedule. The same `request` again is the same schedule.
    ///
    /// # Errors
    /// A refusal that says what is wrong with it; any other.
    pub async fn create_schedule(&self, body: &Map<String, Value>, request: Uuid) -> Result<Schedule, ApiError> {
        self.json(self.client.post(self.schedules("")).header(REQUEST_ID, request.to_string()).json(body)).await
    }

    /// A schedule.
    ///
    /// # Errors
    /// Any.
    pub async fn schedule(&self, id: Uuid) -> Result<Schedule, ApiError> {
        self.json(self.client.get(self.schedules(&format!("/{id}")))).await
    }

    /// The first rows of a schedule.
    ///
    /// # Errors
    /// Any.
    pub async fn schedule_rows(&self, id: Uuid, size: u32) -> Result<BatchItems<BatchRow>, ApiError> {
        self.json(self.client.get(self.schedules(&format!("/{id}/rows"))).query(&[("size", size)])).await
    }

    /// Schedules, the newest first, that meet all that is given.
    ///
    /// # Errors
    /// Any.
    pub async fn list_schedules(&self, filter: &[(&str, String)]) -> Result<BatchItems<Schedule>, ApiError> {
        self.json(self.client.get(self.schedules("")).query(filter)).await
    }

    /// Moves what of a schedule has not begun.
    ///
    /// # Errors
    /// A refusal with the name `NotAllowedInState` or `NothingWaits`; any other.
    pub async fn move_schedule(&self, id: Uuid, body: &Map<String, Value>) -> Result<Schedule, ApiError> {
        let request = self.client.put(self.schedules(&format!("/{id}"))).json(body);
        self.json(request.header(REQUEST_ID, Uuid::new_v4().to_string())).await
    }

    /// Cancels a schedule.
    ///
    /// # Errors
    /// A refusal with the name `NotAllowedInState`; any other.
    pub async fn cancel_schedule(&self, id: Uuid, body: &Value) -> Result<Schedule, ApiError> {
        let request = self.client.post(self.schedules(&format!("/{id}/cancel"))).json(body);
        self.json(request.header(REQUEST_ID, Uuid::new_v4().to_string())).await
    }

    fn schedules(&self, rest: &str) -> String {
        format!("{}/v1/productUpgrades/schedules{rest}", self.base)
    }
}
