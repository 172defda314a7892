//! One request to a receiver, and what became of it.

use super::{
    Reachable, Webhooks,
    deliveries::Try,
    due::Taken,
    guard::{Resolver, Unreachable},
    retry,
    signer::Signing,
};
use reqwest::{Client, RequestBuilder, Url, header, redirect};
use std::{error::Error, sync::Arc, time::Duration};
use tokio::sync::OnceCell;

/// How long a connection to a receiver may take to be made.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// How long a connection is kept that nothing is sent on.
const IDLE_TIME: Duration = Duration::from_secs(20);
/// How much of an answer is read, and for how long: nothing of it is looked at.
const ANSWER_BYTES: usize = 16 * 1024;
const REST_TIME: Duration = Duration::from_millis(500);
/// The longest description of a failure.
const ERROR_CHARS: usize = 300;

/// Partner Center's names.
const SIGNATURE: &str = "x-ms-signature";
const CERTIFICATE_URL: &str = "x-ms-certificate-url";
const ALGORITHM: &str = "x-ms-signature-algorithm";
/// The same at each attempt of a delivery, as for any request of Partner Center's that is repeated.
const REQUEST_ID: &str = "ms-requestid";
const CORRELATION_ID: &str = "ms-correlationid";
/// From 1, for people who look at a receiver's log.
const ATTEMPT: &str = "x-planshift-attempt";

/// Calls receivers. Cheap to clone; clones share.
#[derive(Clone)]
pub(super) struct Caller {
    reachable: Reachable,
    /// Made when it is first needed: the system's certificates take a while to read.
    client: Arc<OnceCell<Client>>,
}

impl Caller {
    pub(super) fn new(reachable: Reachable) -> Self {
        Self { reachable, client: Arc::default() }
    }

    /// The HTTP client.
    pub(super) async fn client(&self) -> Result<Client, reqwest::Error> {
        let make = || {
            Client::builder()
                // a proxy of the environment would resolve names by itself, and reach what it likes
                .no_proxy()
                .dns_resolver(Resolver(self.reachable))
                .https_only(self.reachable == Reachable::Public)
                // where an answer leads, nobody has registered
                .redirect(redirect::Policy::none())
                .connect_timeout(CONNECT_TIME)
                .pool_idle_timeout(IDLE_TIME)
                .user_agent(concat!("planshift/", env!("CARGO_PKG_VERSION")))
                .build()
        };
        self.client.get_or_try_init(async || make()).await.cloned()
    }
}

/// What is known of an attempt, and for how long the receiver wants to be left alone.
pub(super) type Attempted = (Try, Option<Duration>);

impl Webhooks {
    /// Sends a delivery once. 2xx is success; whatever else is none, a redirect too.
    pub(super) async fn attempt(&self, client: &Client, url: &str, taken: &Taken, signing: &Signing) -> Attempted {
        let begun = self.ports.clock.now();
        let request = self.caller.reachable.url(url).map_err(|why| why.to_string()).and_then(|url| {
            let signature = signing.sign(taken.body.as_bytes()).ok_or("it could not be signed")?;
            Ok(self.request(client, url, taken, &signature))
        });
        let sent = match request {
            Ok(request) => tokio::select! {
                sent = self.answer(request) => sent,
                () = self.ports.clock.sleep(self.settings.answer) => Err("it took too long".to_owned()),
            },
            Err(why) => Err(why),
        };
        let took = self.ports.clock.now().as_micros().saturating_sub(begun.as_micros());
        let (status, error, asked) = match sent {
            Ok((status, _)) if (200..300).contains(&status) => (Some(status), None, None),
            Ok((status, asked)) => (Some(status), Some(format!("HTTP {status}")), asked),
            Err(error) => (None, Some(error.chars().take(ERROR_CHARS).collect()), None),
        };
        let milliseconds = u64::try_from(took).unwrap_or_default() / 1_000;
        (Try { at: begun, status, error, milliseconds }, asked)
    }

    /// The answer's status and `Retry-After`, or why there is no answer.
    async fn answer(&self, request: RequestBuilder) -> Result<(u16, Option<Duration>), String> {
        let mut response = request.send().await.map_err(|error| why(&error))?;
        let asked = response.headers().get(header::RETRY_AFTER).and_then(|value| retry::retry_after(value.to_str().ok()?));
        let status = response.status().as_u16();
        // what comes after its head changes nothing, and is read so that the connection can be used again
        let rest = async {
            let mut read = 0;
            while let Ok(Some(piece)) = response.chunk().await {
                read += piece.len();
                if read > ANSWER_BYTES {
                    break;
                }
            }
        };
        tokio::select! {
            () = rest => {}
            () = self.ports.clock.sleep(REST_TIME) => {}
        }
        Ok((status, asked))
    }

    fn request(&self, client: &Client, url: Url, taken: &Taken, signature: &str) -> RequestBuilder {
        let request = client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .header(header::AUTHORIZATION, format!("Signature {signature}"))
            .header(SIGNATURE, signature)
            .header(ALGORITHM, "rsa-sha256")
            .header(CERTIFICATE_URL, format!("{}/webhooks/v1/certificate", self.base))
            .header(REQUEST_ID, taken.id.to_string())
            .header(CORRELATION_ID, taken.transition.map_or(taken.id, |transition| transition.0).to_string())
            .header(ATTEMPT, (taken.attempts + 1).to_string());
        request.body(taken.body.clone())
    }
}

/// What kept a request from being answered: the innermost cause, which says most, and never the URL, which may be a secret.
fn why(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        if inner.is::<Unreachable>() {
            return inner.to_string();
        }
        cause = inner;
    }
    let kind = if error.is_connect() { "not reached" } else { "no answer" };
    format!("{kind}: {cause}")
}
