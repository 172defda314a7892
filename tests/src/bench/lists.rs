//! Lists behind few and behind very many finished transitions: is a page as quick on the millionth as on the first?
//!
//! A whole list is walked from its first page to its last, and the answers of the first pages, of those in the middle and of the last
//! are told apart; then come lists that are narrowed down, each asked for again and again.

use super::{
    cpu, document, history,
    markdown::table,
    printed::{Printed, Void, progress},
    settings::{self, SystemName},
    store::Store,
    system::System,
    timed::Times,
};
use crate::{block_on, http, wait};
use planshift_domain::time::Timestamp;
use reqwest::{Client, RequestBuilder};
use serde::Serialize;
use serde_json::Value;
use std::{
    panic::{self, AssertUnwindSafe},
    time::{Duration, Instant},
};

/// The largest page.
const PAGE: usize = 500;
/// How many pages of the whole list are told of together.
const TOGETHER: usize = 50;
/// How often each of the other lists is asked for.
const READINGS: usize = 100;
/// How long everything may take to be counted.
const COUNTED_WITHIN: Duration = Duration::from_secs(900);

/// What to measure.
#[derive(Clone, Debug)]
pub struct Settings {
    systems: Vec<SystemName>,
    /// Finished transitions.
    histories: Vec<usize>,
}

impl Settings {
    /// From the environment.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn from_env() -> Result<Self, String> {
        Ok(Self { systems: settings::systems()?, histories: settings::many("PLANSHIFT_BENCH_LISTS", "1000,1000000")? })
    }
}

/// The figures of one list.
#[derive(Clone, Debug, Serialize)]
struct Line {
    system: String,
    part: &'static str,
    history: usize,
    list: String,
    #[serde(flatten)]
    times: Times,
}

/// How long it took until the number of all was known, in a database in which nothing had been counted.
#[derive(Clone, Debug, Serialize)]
struct Counted {
    system: String,
    part: &'static str,
    history: usize,
    counted_s: f64,
}

/// Everything.
pub fn all(settings: &Settings) {
    let mut printed = Printed::default();
    let mut lines = Vec::new();
    for name in &settings.systems {
        for history in &settings.histories {
            let measured = panic::catch_unwind(AssertUnwindSafe(|| measure(*name, *history, &mut printed)));
            match measured.unwrap_or_else(|_| Err("it broke off; see above".to_owned())) {
                Ok(measured) => {
                    measured.iter().for_each(|line| printed.json(line));
                    lines.extend(measured);
                }
                Err(void) => printed.json(&Void { system: &name.to_string(), part: "lists", of: history.to_string(), void }),
            }
        }
    }
    println!("{}", told(&lines));
}

fn measure(name: SystemName, history: usize, printed: &mut Printed) -> Result<Vec<Line>, String> {
    progress(format!("{name}: lists behind {history} finished transitions"));
    let store = Store::migrated(name);
    history::load(&store, history);
    let system = System::start_on(name, store);
    let total = history + 1; // the one that the history is made of
    let begun = Instant::now();
    let first = format!("{}/v1/productUpgrades?size=1", system.api());
    wait::until("all are counted", COUNTED_WITHIN, || http::get(&first).expect(200).json()["totalCount"] == total);
    let (system_name, part) = (name.to_string(), "lists");
    printed.json(&Counted { system: system_name.clone(), part, history, counted_s: begun.elapsed().as_secs_f64() });
    cpu::wait_for_quiet();
    let api = Api::new(system.api())?;
    let line = |list: &str, times: Times| Line { system: system_name.clone(), part, history, list: list.to_owned(), times };
    let mut lines = Vec::new();
    let pages = block_on(api.walk(total))?;
    let together = TOGETHER.min(pages.len());
    let middle = (pages.len() - together) / 2;
    for (place, from) in [("first", 0), ("middle", middle), ("last", pages.len() - together)] {
        lines.push(line(&format!("all, {place} pages of {PAGE}"), Times::of(pages[from..from + together].to_vec())));
    }
    for (list, query) in narrowed(&system)? {
        lines.push(line(&list, Times::of(block_on(api.again_and_again(&query))?)));
    }
    Ok(lines)
}

/// Lists that are narrowed down, by name.
fn narrowed(system: &System) -> Result<Vec<(String, String)>, String> {
    let newest = http::get(&format!("{}/v1/productUpgrades?size=1", system.api())).expect(200).json();
    let text = |name: &str| newest["items"][0][name].as_str().map(str::to_owned).ok_or(format!("the newest one has no {name}"));
    let (customer, transition, started) = (text("customerId")?, text("transitionId")?, text("startedAt")?);
    let newest: Timestamp = started.parse().map_err(|_| format!("startedAt {started}"))?;
    let (partner, hour_before) = (document::partner(), newest.plus_seconds(-3600));
    let one = http::get(&format!("{}/v1/productUpgrades/{transition}", system.api())).expect(200).json();
    let azure = one["lines"][0]["azureSubscriptionId"].as_str().ok_or("the newest one has no line")?.to_owned();
    Ok([
        ("100 of a partner", format!("partnerId={partner}")),
        ("100 of a partner that completed", format!("partnerId={partner}&state=Completed")),
        ("of another partner, failed: none", format!("partnerId={customer}&status=Failed")),
        ("under way: none", "status=InProgress".to_owned()),
        ("of a customer", format!("customerId={customer}")),
        ("with an Azure subscription's id", format!("id={azure}")),
        ("100 of the last hour", format!("startedAfter={hour_before}")),
        ("100 before the last hour", format!("startedBefore={hour_before}")),
        ("a text that none has, one look", "q=no-such-text".to_owned()),
    ]
    .map(|(name, query)| (name.to_owned(), query))
    .to_vec())
}

struct Api {
    client: Client,
    lists: String,
}

impl Api {
    fn new(api: &str) -> Result<Self, String> {
        let client = http::client().tcp_nodelay(true).build().map_err(|error| error.to_string())?;
        Ok(Self { client, lists: format!("{api}/v1/productUpgrades") })
    }

    /// The whole list, page by page.
    async fn walk(&self, total: usize) -> Result<Vec<Duration>, String> {
        let (mut took, mut seen, mut next) = (Vec::new(), 0, None);
        loop {
            let request = self.client.get(format!("{}?size={PAGE}", self.lists));
            let request = next.iter().fold(request, |request, token: &String| request.header("MS-ContinuationToken", token));
            let (page, one) = timed(request).await?;
            took.push(one);
            seen += page["items"].as_array().map_or(0, Vec::len);
            if page["totalCount"] != total {
                return Err(format!("{total} are there, and a page says {}", page["totalCount"]));
            }
            let uri = page["links"]["next"]["uri"].as_str();
            next = uri.and_then(|uri| uri.split("continuationToken=").nth(1)).map(str::to_owned);
            if next.is_none() {
                return if seen == total { Ok(took) } else { Err(format!("{total} are there, and {seen} were listed")) };
            }
        }
    }

    async fn again_and_again(&self, query: &str) -> Result<Vec<Duration>, String> {
        let mut took = Vec::with_capacity(READINGS);
        for _ in 0..READINGS {
            let (page, one) = timed(self.client.get(format!("{}?{query}", self.lists))).await?;
            page["items"].as_array().ok_or(format!("{query}: no list"))?;
            took.push(one);
        }
        Ok(took)
    }
}

/// Until the last byte is here.
async fn timed(request: RequestBuilder) -> Result<(Value, Duration), String> {
    let begun = Instant::now();
    let response = request.send().await.map_err(|error| format!("{error:?}"))?;
    let status = response.status();
    let body = response.bytes().await.map_err(|error| error.to_string())?;
    let took = begun.elapsed();
    if !status.is_success() {
        return Err(format!("HTTP {status}: {}", String::from_utf8_lossy(&body)));
    }
    serde_json::from_slice(&body).map(|page| (page, took)).map_err(|error| error.to_string())
}

fn told(lines: &[Line]) -> String {
    let rows: Vec<Vec<String>> =
        lines.iter().map(|line| vec![line.system.clone(), line.history.to_string(), line.list.clone(), line.times.told()]).collect();
    format!("\nAnswers of GET /v1/productUpgrades, p50 (p99, most)\n\n{}\n", table(&["system", "finished", "list", "ms"], &rows))
}
