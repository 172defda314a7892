//! Through the HTTP API, as `planshift run` does: a request that starts, then long polls until the transition has settled. As many
//! are on their way at once as are outstanding; of a burst all, each on a connection of its own.

use super::{Report, Stopwatch, Task};
use crate::http;
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::{Client, RequestBuilder, Response};
use serde::Deserialize;
use serde_json::json;
use std::{cell::RefCell, time::Duration};
use uuid::Uuid;

/// How long a look waits for a change, in seconds: as `planshift run` has it.
const WAIT_SECONDS: u32 = 25;
/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(90);

#[derive(Deserialize)]
struct Progress {
    state: String,
    version: u32,
    settled: bool,
}

pub(super) async fn drive(address: &str, task: &Task, mut go: impl FnMut()) -> Result<Report, String> {
    let client = http::client().tcp_nodelay(true).timeout(ANSWER_WITHIN).build().map_err(|error| error.to_string())?;
    let api = Api { client, address, partner: task.partner };
    go();
    let stopwatch = RefCell::new(Stopwatch::start(task));
    let moved = stream::iter(&task.customers).map(Ok::<_, String>).try_for_each_concurrent(task.concurrency, async |customer| {
        let started = stopwatch.borrow().now();
        api.move_one(*customer).await.map_err(|fault| format!("{customer}: {fault}"))?;
        stopwatch.borrow_mut().ended(started);
        Ok(())
    });
    moved.await?;
    Ok(stopwatch.into_inner().report())
}

struct Api<'a> {
    client: Client,
    address: &'a str,
    partner: Uuid,
}

impl Api<'_> {
    async fn move_one(&self, customer: Uuid) -> Result<(), String> {
        let id = self.start(customer).await?;
        let (mut after, mut wait) = (None, 0);
        loop {
            let Progress { state, version, settled } = self.progress(&id, after, wait).await?;
            if settled {
                return if state == "Completed" { Ok(()) } else { Err(format!("its transition is {state}")) };
            }
            after = Some(version);
            // one that has come to its end but does not show whole yet gets whole without a new version
            wait = if matches!(state.as_str(), "Completed" | "Ineligible" | "Compensated" | "NeedsOperator") { 1 } else { WAIT_SECONDS };
        }
    }

    async fn start(&self, customer: Uuid) -> Result<String, String> {
        let body = json!({ "customerId": customer, "productFamily": "Azure", "partnerId": self.partner });
        let request = self.client.post(format!("{}/v1/productUpgrades", self.address));
        let response = answer(request.header("MS-RequestId", Uuid::new_v4().to_string()).json(&body)).await?;
        let location = response.headers().get("location").and_then(|location| location.to_str().ok()).unwrap_or_default();
        let id = location.rsplit('/').next().unwrap_or_default().to_owned();
        // the connection is free for the next request once the answer was read
        response.bytes().await.map_err(|error| error.to_string())?;
        Ok(id)
    }

    async fn progress(&self, id: &str, after: Option<u32>, wait: u32) -> Result<Progress, String> {
        let mut request = self.client.get(format!("{}/v1/productUpgrades/{id}/progress", self.address));
        if let Some(after) = after {
            request = request.query(&[("afterVersion", after), ("waitSeconds", wait)]);
        }
        answer(request).await?.json().await.map_err(|error| error.to_string())
    }
}

async fn answer(request: RequestBuilder) -> Result<Response, String> {
    let response = request.send().await.map_err(|error| format!("{error:?}"))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    Err(format!("HTTP {status}: {}", response.text().await.unwrap_or_default()))
}
