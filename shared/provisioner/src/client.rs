//! One call, and what its answer means. The table is in `docs/provisioner.md`.

use crate::retry_after;
use async_trait::async_trait;
use planshift_domain::transition::ItemError;
use planshift_telemetry::TraceContext;
use planshift_worker::provisioner::{Call, Effect, Provisioner, Reply};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url, header, redirect};
use serde::Deserialize;
use std::{
    error::Error,
    time::{Duration, SystemTime},
};

/// How long a connection may take to be made.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// How long a connection is kept that nothing is sent on.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// How much of an answer is read; what is beyond is not looked at.
const ANSWER_BYTES: usize = 16 * 1024;
/// The longest code and description that are taken over.
const CODE_CHARS: usize = 64;
const DESCRIPTION_CHARS: usize = 300;
/// The code of a refusal that names none.
const REFUSED: &str = "ProvisionerRefused";

/// There can be no client: the token is no header, or the system has no certificates.
#[derive(Debug, thiserror::Error)]
#[error("there can be no HTTP client for it")]
pub struct InvalidClient(#[from] Box<dyn Error + Send + Sync>);

/// An outside system, by its URL.
pub struct HttpProvisioner {
    client: Client,
    effects: Url,
}

/// What an answer's body may say.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    code: Option<String>,
    description: Option<String>,
    had: Option<bool>,
}

impl HttpProvisioner {
    /// The system whose effects are at `{url}/effects/{key}`.
    ///
    /// # Errors
    /// `InvalidClient`.
    pub fn new(url: &Url, token: Option<&str>) -> Result<Self, InvalidClient> {
        let mut headers = header::HeaderMap::new();
        if let Some(token) = token {
            let mut value = header::HeaderValue::from_str(&format!("Bearer {token}")).map_err(|error| InvalidClient(error.into()))?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let client = Client::builder()
            .default_headers(headers)
            // where an answer leads, nobody has set
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIME)
            .pool_idle_timeout(IDLE_TIME)
            .user_agent(concat!("planshift/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| InvalidClient(error.into()))?;
        let mut effects = url.clone();
        effects.set_path(&format!("{}/effects/", url.path().trim_end_matches('/')));
        Ok(Self { client, effects })
    }

    fn request(&self, call: Call, effect: &Effect, trace: &TraceContext) -> Result<RequestBuilder, String> {
        // a key is made of characters that need no escape
        let url = self.effects.join(&effect.key).map_err(|error| error.to_string())?;
        let method = match call {
            Call::Provision => Method::PUT,
            Call::LookUp => Method::GET,
            Call::Undo => Method::DELETE,
        };
        let mut request = self.client.request(method, url).header("idempotency-key", &effect.key);
        if call == Call::Provision {
            request = request.header(header::CONTENT_TYPE, "application/json").body(effect.body.clone());
        }
        if !trace.trace_id.is_empty() {
            request = request.header("traceparent", trace.traceparent());
            if !trace.tracestate.is_empty() {
                request = request.header("tracestate", &trace.tracestate);
            }
        }
        Ok(request)
    }
}

#[async_trait]
impl Provisioner for HttpProvisioner {
    async fn call(&self, call: Call, effect: &Effect, trace: &TraceContext) -> Reply {
        let request = match self.request(call, effect, trace) {
            Ok(request) => request,
            Err(why) => return Reply::Unknown(why),
        };
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Reply::Unknown(why(&error)),
        };
        let status = response.status();
        let after = response.headers().get(header::RETRY_AFTER);
        let after = after.and_then(|value| retry_after::parse(value.to_str().ok()?, SystemTime::now()));
        match body(response).await {
            Ok(body) => reply(call, status, after, body),
            Err(error) => Reply::Unknown(why(&error)),
        }
    }
}

/// The beginning of the body; nothing where it is not what the contract says, for the status says most.
async fn body(mut response: Response) -> Result<Body, reqwest::Error> {
    let mut read = Vec::new();
    while let Some(piece) = response.chunk().await? {
        let room = ANSWER_BYTES.saturating_sub(read.len());
        read.extend_from_slice(piece.get(..room).unwrap_or(&piece));
        if read.len() >= ANSWER_BYTES {
            break;
        }
    }
    Ok(serde_json::from_slice(&read).unwrap_or_default())
}

fn reply(call: Call, status: StatusCode, after: Option<Duration>, body: Body) -> Reply {
    match (status.as_u16(), call) {
        (200 | 201, Call::Provision | Call::LookUp) => Reply::Done,
        (200, Call::Undo) => Reply::Gone { had: body.had.unwrap_or(true) },
        (204, Call::Undo) => Reply::Gone { had: false },
        (202, _) => Reply::Pending { after },
        (404, Call::LookUp) => Reply::Absent,
        (409 | 422, _) => Reply::Refused(refusal(body)),
        (410, _) => Reply::Gone { had: body.had.unwrap_or(false) },
        (429, _) => Reply::Throttled { after },
        (503, _) if after.is_some() => Reply::Busy { after: after.unwrap_or_default() },
        (404, Call::Undo) => Reply::Unknown("HTTP 404: of a key that is not known it must remember that it is undone".to_owned()),
        (code, _) => Reply::Unknown(format!("HTTP {code}")),
    }
}

fn refusal(body: Body) -> ItemError {
    let plain = |text: String, most: usize| text.chars().filter(|c| !c.is_control()).take(most).collect::<String>();
    let code = body.code.map(|code| plain(code, CODE_CHARS)).filter(|code| !code.is_empty());
    let description = body.description.map(|text| plain(text, DESCRIPTION_CHARS)).filter(|text| !text.is_empty());
    ItemError {
        code: code.unwrap_or_else(|| REFUSED.to_owned()),
        description: description.unwrap_or_else(|| "the outside system refuses it, and does not say why".to_owned()),
    }
}

/// The innermost cause, which says most, and never the URL, which may be a secret.
fn why(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let kind = if error.is_connect() { "not reached" } else { "no answer" };
    format!("{kind}: {cause}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(call: Call, status: u16, after: Option<u64>, body: &str) -> Reply {
        let body = serde_json::from_str(body).unwrap_or_default();
        reply(call, StatusCode::from_u16(status).unwrap(), after.map(Duration::from_secs), body)
    }

    #[test]
    fn what_each_answer_means() {
        use Call::{LookUp, Provision, Undo};
        let refused = |code: &str, description: &str| Reply::Refused(ItemError { code: code.into(), description: description.into() });
        let after = |seconds| Some(Duration::from_secs(seconds));
        for (call, status, retry, body, expected) in [
            (Provision, 200, None, "", Reply::Done),
            (Provision, 201, None, "not json", Reply::Done),
            (LookUp, 200, None, "{}", Reply::Done),
            (LookUp, 404, None, "", Reply::Absent),
            (Provision, 202, Some(3), "", Reply::Pending { after: after(3) }),
            (LookUp, 202, None, "", Reply::Pending { after: None }),
            (Provision, 422, None, r#"{"code":"NoQuota","description":"too\nmany"}"#, refused("NoQuota", "toomany")),
            (Provision, 409, None, "[]", refused(REFUSED, "the outside system refuses it, and does not say why")),
            (Provision, 410, None, "", Reply::Gone { had: false }),
            (Undo, 200, None, r#"{"had":true}"#, Reply::Gone { had: true }),
            (Undo, 200, None, r#"{"had":false}"#, Reply::Gone { had: false }),
            (Undo, 204, None, "", Reply::Gone { had: false }),
            (Provision, 429, Some(7), "", Reply::Throttled { after: after(7) }),
            (LookUp, 429, None, "", Reply::Throttled { after: None }),
            (Provision, 503, Some(9), "", Reply::Busy { after: Duration::from_secs(9) }),
        ] {
            assert_eq!(of(call, status, retry, body), expected, "{call:?} {status}");
        }
        for (call, status) in
            [(Provision, 500), (Provision, 503), (Provision, 404), (Undo, 404), (Provision, 302), (Provision, 401), (LookUp, 204)]
        {
            assert!(matches!(of(call, status, None, ""), Reply::Unknown(why) if why.contains(&status.to_string())), "{call:?} {status}");
        }
    }

    #[test]
    fn a_refusal_is_taken_over_within_bounds() {
        let long = format!(r#"{{"code":"{}","description":"{}"}}"#, "c".repeat(1_000), "d".repeat(10_000));
        let Reply::Refused(error) = of(Call::Provision, 409, None, &long) else { panic!("refused") };
        assert_eq!((error.code.len(), error.description.len()), (CODE_CHARS, DESCRIPTION_CHARS));
    }

    #[test]
    fn effects_are_beneath_the_url() {
        for (url, expected) in [("http://localhost:1", "http://localhost:1/effects/k"), ("http://h/a/b/", "http://h/a/b/effects/k")] {
            let provisioner = HttpProvisioner::new(&Url::parse(url).unwrap(), Some("t")).unwrap();
            assert_eq!(provisioner.effects.join("k").unwrap().as_str(), expected);
        }
        assert!(HttpProvisioner::new(&Url::parse("http://h").unwrap(), Some("a\nb")).is_err());
    }
}
