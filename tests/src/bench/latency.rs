//! How long a start and a look take: on an idle system, and while it works at half of its highest throughput.
//!
//! The highest throughput is that of a burst in the same run. Under load, starts come at a fixed pace whatever became of those before
//! them, and the time of each runs from when it was due: a system that falls behind cannot hide it. A moment after each start its
//! status is asked for, as a script does.

use super::{
    cpu, document,
    driving::Driving,
    figures::rounded,
    markdown::table,
    printed::{Printed, Void, progress},
    settings::{InTurn, PLANS, SUBSCRIPTIONS, SystemName, Through},
    system::System,
    timed::Times,
};
use crate::{block_on, http, wait};
use futures::future;
use reqwest::Client;
use serde::Serialize;
use serde_json::{Value, json};
use std::{
    ops::Range,
    panic::{self, AssertUnwindSafe},
    time::{Duration, Instant},
};
use uuid::Uuid;

/// How many transitions the burst has that tells the highest throughput; one before it, which is not measured, warms everything up.
const BURST: usize = 2_000;
/// How many are started one by one on an idle system.
const IDLE: usize = 200;
/// How long the load takes.
const LOAD: Duration = Duration::from_secs(20);
/// How long after a start its status is asked for.
const LOOK_AFTER: Duration = Duration::from_millis(50);
/// How long everything may take to end.
const ENDED_WITHIN: Duration = Duration::from_secs(300);

/// The figures of one kind of request.
#[derive(Clone, Debug, Serialize)]
struct Line {
    system: String,
    part: &'static str,
    /// Starts a second; none where the system was idle.
    pace: f64,
    request: &'static str,
    #[serde(flatten)]
    times: Times,
}

/// Everything.
pub fn all(settings: &InTurn) {
    let mut printed = Printed::default();
    let mut lines = Vec::new();
    for repetition in 1..=settings.repetitions {
        for name in &settings.systems {
            progress(format!("{name}: latencies, {repetition} of {}", settings.repetitions));
            let measured = panic::catch_unwind(AssertUnwindSafe(|| measure(*name)));
            match measured.unwrap_or_else(|_| Err("it broke off; see above".to_owned())) {
                Ok(measured) => {
                    measured.iter().for_each(|line| printed.json(line));
                    lines.extend(measured);
                }
                Err(void) => printed.json(&Void { system: &name.to_string(), part: "latency", of: repetition.to_string(), void }),
            }
        }
    }
    println!("{}", told(&lines));
}

fn measure(name: SystemName) -> Result<Vec<Line>, String> {
    let system = System::start(name);
    let mut customers = Customers { system: &system, next: 0 };
    burst(&system, customers.import(BURST))?;
    let highest = burst(&system, customers.import(BURST))?;
    let pace = rounded(highest / 2.0);
    let under_load = customers.import((pace * LOAD.as_secs_f64()) as usize);
    let idle = customers.import(IDLE);
    system.checkpoint();
    cpu::wait_for_quiet();
    let api = Api::new(system.api())?;
    let (starts, looks) = block_on(api.one_by_one(idle))?;
    let (part, system_name) = ("latency", name.to_string());
    let line = |pace, request, took| Line { system: system_name.clone(), part, pace, request, times: Times::of(took) };
    let mut lines = vec![line(0.0, "start", starts), line(0.0, "status", looks)];
    let (starts, looks) = block_on(api.at_a_pace(under_load, pace))?;
    lines.extend([line(pace, "start", starts), line(pace, "status", looks)]);
    let under_way = format!("{}/v1/productUpgrades?size=1&status=", system.api());
    let is_empty = |status: &str| http::get(&format!("{under_way}{status}")).expect(200).json()["totalCount"] == 0;
    wait::until("all have ended", ENDED_WITHIN, || is_empty("Pending") && is_empty("InProgress"));
    let failed = http::get(&format!("{under_way}Failed")).expect(200).json()["totalCount"].clone();
    if failed != 0 { Err(format!("{failed} failed")) } else { Ok(lines) }
}

/// Transitions a second.
fn burst(system: &System, customers: Range<usize>) -> Result<f64, String> {
    let many = customers.len();
    let report = Driving::start(Through::Api, system.api(), customers, many)?.go()?;
    Ok(many as f64 / report.wall_s)
}

struct Customers<'a> {
    system: &'a System,
    next: usize,
}

impl Customers<'_> {
    fn import(&mut self, many: usize) -> Range<usize> {
        let customers = self.next..self.next + many;
        self.next = customers.end;
        self.system.import(&document::file(self.system.store().folder(), customers.clone(), PLANS, SUBSCRIPTIONS));
        customers
    }
}

struct Api {
    client: Client,
    upgrades: String,
}

type Took = (Vec<Duration>, Vec<Duration>);

impl Api {
    fn new(api: &str) -> Result<Self, String> {
        let client = http::client().tcp_nodelay(true).build().map_err(|error| error.to_string())?;
        Ok(Self { client, upgrades: format!("{api}/v1/productUpgrades") })
    }

    /// Each is at its end before the next one begins.
    async fn one_by_one(&self, customers: Range<usize>) -> Result<Took, String> {
        let mut took = Took::default();
        for customer in customers {
            let (id, start) = self.start(customer, Instant::now()).await?;
            let (_, look) = self.look(&id, customer).await?;
            took.0.push(start);
            took.1.push(look);
            while self.look(&id, customer).await?.0 != "Completed" {
                tokio::time::sleep(LOOK_AFTER).await;
            }
        }
        Ok(took)
    }

    /// So many a second.
    async fn at_a_pace(&self, customers: Range<usize>, pace: f64) -> Result<Took, String> {
        let begun = Instant::now();
        let one = async |number: usize, customer: usize| {
            let due = begun + Duration::from_secs_f64(number as f64 / pace);
            tokio::time::sleep_until(due.into()).await;
            let (id, start) = self.start(customer, due).await?;
            tokio::time::sleep(LOOK_AFTER).await;
            Ok::<_, String>((start, self.look(&id, customer).await?.1))
        };
        let all = customers.enumerate().map(|(number, customer)| one(number, customer));
        Ok(future::try_join_all(all).await?.into_iter().unzip())
    }

    /// The id of its transition, and how long after `due` the answer was here.
    async fn start(&self, customer: usize, due: Instant) -> Result<(String, Duration), String> {
        let body = json!({ "customerId": document::customer(customer), "productFamily": "Azure", "partnerId": document::partner() });
        let request = self.client.post(&self.upgrades).header("MS-RequestId", Uuid::new_v4().to_string()).json(&body);
        let response = request.send().await.map_err(|error| format!("{error:?}"))?;
        let location = response.headers().get("location").and_then(|location| location.to_str().ok()).map(str::to_owned);
        let status = response.status();
        let body = response.text().await.map_err(|error| error.to_string())?;
        let took = due.elapsed();
        let id = location.and_then(|location| location.rsplit('/').next().map(str::to_owned));
        id.map(|id| (id, took)).ok_or(format!("HTTP {status}: {body}"))
    }

    /// Its status, as Partner Center's scripts ask for it, and how long that took.
    async fn look(&self, id: &str, customer: usize) -> Result<(String, Duration), String> {
        let body = json!({ "customerId": document::customer(customer), "productFamily": "Azure" });
        let begun = Instant::now();
        let request = self.client.post(format!("{}/{id}/status", self.upgrades)).json(&body);
        let response = request.send().await.map_err(|error| format!("{error:?}"))?;
        let answer: Value = response.json().await.map_err(|error| error.to_string())?;
        let took = begun.elapsed();
        let status = answer["status"].as_str().ok_or(format!("no status: {answer}"))?;
        Ok((status.to_owned(), took))
    }
}

fn told(lines: &[Line]) -> String {
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| {
            let load = if line.pace > 0.0 { format!("{:.0} starts/s", line.pace) } else { "idle".to_owned() };
            vec![line.system.clone(), load, line.request.to_owned(), line.times.requests.to_string(), line.times.told()]
        })
        .collect();
    let (plans, subscriptions) = (PLANS, SUBSCRIPTIONS);
    format!(
        "\nAnswers to single requests, p50 (p99, most); {plans} plans and {subscriptions} subscriptions of each\n\n{}\n",
        table(&["system", "load", "request", "requests", "ms"], &rows)
    )
}
