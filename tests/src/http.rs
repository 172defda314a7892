//! Requests to the API and to administration addresses.

use crate::block_on;
use planshift_contract::{Contract, Heard};
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, header};
use serde_json::Value;
use std::{sync::LazyLock, time::Duration};
use uuid::Uuid;

/// How long an answer may take: more than the longest time that the API promises to wait.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(70);

/// The local token of every service that a test starts, and what its clients send.
pub const TOKEN: &str = "local-token-of-the-tests-0123456789abcdef";
/// How long a connection is kept that nothing is asked on: less than the API keeps it, so that none is used that is just being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

static CLIENT: LazyLock<Client> = LazyLock::new(|| client().timeout(ANSWER_TIMEOUT).build().expect("an HTTP client for the tests"));

/// A client of the API, with the tests' token.
///
/// # Panics
/// Never: the token can stand in a header.
pub fn client() -> ClientBuilder {
    let bearer = header::HeaderValue::try_from(format!("Bearer {TOKEN}")).expect("a token for a header");
    let headers = header::HeaderMap::from_iter([(header::AUTHORIZATION, bearer)]);
    // no certificate is looked at: everything is here, over HTTP
    Client::builder().no_proxy().tls_certs_only([]).pool_idle_timeout(IDLE_TIMEOUT).default_headers(headers)
}

/// What a request is known by.
const REQUEST_ID: &str = "MS-RequestId";

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header `Location`, where there is one.
    pub location: Option<String>,
    /// All headers.
    pub headers: header::HeaderMap,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// It is as the API's own document says.
    ///
    /// # Panics
    /// Where it is not.
    #[track_caller]
    pub fn as_declared(self, contract: &Contract, method: &str, path: &str) -> Self {
        let headers = self.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
        let body = Some(self.body.as_bytes());
        let faults = contract.faults(&Heard { method, path, status: self.status, headers, body });
        assert!(faults.is_empty(), "{method} {path} answers {}, and the document says otherwise: {faults:#?}\n{}", self.status, self.body);
        self
    }

    /// With this status.
    ///
    /// # Panics
    /// With another one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "another status than expected: {}", self.body);
        self
    }
}

/// A request, and its answer; `None` where nobody answers.
pub fn ask(method: Method, url: &str, body: Option<&Value>) -> Option<Answer> {
    ask_with(method, url, &[], body)
}

/// The same with headers. With a body it has a request id of its own, unless they bring one.
pub fn ask_with(method: Method, url: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Option<Answer> {
    let mut request = CLIENT.request(method, url);
    if let Some(body) = body {
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(REQUEST_ID)) {
            request = request.header(REQUEST_ID, Uuid::new_v4().to_string());
        }
        request = request.json(body);
    }
    send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)))
}

/// A request whose body is JSON that must go as it stands there.
pub fn send_text(method: Method, url: &str, body: &str) -> Option<Answer> {
    send(CLIENT.request(method, url).header("Content-Type", "application/json").body(body.to_owned()))
}

fn send(request: RequestBuilder) -> Option<Answer> {
    block_on(async {
        let response = request.send().await.ok()?;
        let location = response.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Some(Answer { status, location, headers, body: response.text().await.ok()? })
    })
}

/// GET.
///
/// # Panics
/// Where nobody answers.
#[track_caller]
pub fn get(url: &str) -> Answer {
    ask(Method::GET, url, None).unwrap_or_else(|| panic!("nobody answers at {url}"))
}

/// POST, with a request id of its own.
///
/// # Panics
/// Where nobody answers.
#[track_caller]
pub fn post(url: &str, body: &Value) -> Answer {
    ask(Method::POST, url, Some(body)).unwrap_or_else(|| panic!("nobody answers at {url}"))
}

/// The sum of all series of a counter that have these labels, from the text of `/metrics`.
pub fn counter(metrics: &str, name: &str, labels: &[(&str, &str)]) -> u64 {
    let wanted: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
    let of = |line: &str| {
        let (series, count) = line.rsplit_once(' ')?;
        let (found, labels) = series.split_once('{')?;
        (found == name && wanted.iter().all(|label| labels.contains(label.as_str()))).then(|| count.parse::<u64>().ok()).flatten()
    };
    metrics.lines().filter_map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::counter;

    #[test]
    fn series_are_summed_by_their_labels() {
        let text = "# TYPE a counter\na{b=\"1\",c=\"x\"} 2\na{b=\"2\",c=\"x\"} 3\naa{b=\"1\"} 5\n";
        assert_eq!(counter(text, "a", &[("c", "x")]), 5);
        assert_eq!(counter(text, "a", &[("b", "1")]), 2);
    }
}
