//! The API, asked in this process: the same router that answers requests from outside, with the same rights, for the one who looks at the
//! page. Nothing of the wire is there: a question costs what its handler costs, and the JSON between.

use crate::http::{ApiError, Context};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
    response::Response,
};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

/// The longest answer that a page is made of: a list of 500 customers, or a plan with 1,000 subscriptions, is some hundred kilobytes.
const ANSWER_BYTES: usize = 32 * 1024 * 1024;

/// Where lists without links say how they go on.
const CONTINUATION: &str = "ms-continuationtoken";
/// What a body is unless something else is said.
pub(super) const JSON: &str = "application/json";

/// The API's routes.
#[derive(Clone)]
pub(crate) struct Api(Router);

/// What was answered: where it points to, and what it says.
pub(super) struct Answered {
    pub(super) location: Option<String>,
    /// What the next page of a list is asked for with, where the list says so in a header.
    pub(super) next: Option<String>,
    pub(super) body: Value,
}

impl Api {
    pub(crate) const fn new(routes: Router) -> Self {
        Self(routes)
    }

    /// Reads something.
    pub(super) async fn get<T: DeserializeOwned>(&self, context: &Context, uri: &str) -> Result<T, ApiError> {
        let answered = self.ask(context, Method::GET, uri, (JSON, Body::empty())).await?;
        serde_json::from_value(answered.body).map_err(|error| ApiError::internal(&format!("{uri}: {error}")))
    }

    /// Reads a page of a list, and what the next one is asked for with.
    pub(super) async fn page<T: DeserializeOwned>(&self, context: &Context, uri: &str) -> Result<(T, Option<String>), ApiError> {
        let answered = self.ask(context, Method::GET, uri, (JSON, Body::empty())).await?;
        let page = serde_json::from_value(answered.body).map_err(|error| ApiError::internal(&format!("{uri}: {error}")))?;
        Ok((page, answered.next))
    }

    /// Does something, or asks a question that has a body. `key` makes it one request, however often it is sent.
    pub(super) async fn post(&self, context: &Context, key: Option<Uuid>, uri: &str, body: &Value) -> Result<Answered, ApiError> {
        self.send(context, key, (Method::POST, uri), (JSON, body.to_string())).await
    }

    /// The same with another method, or with something that is no JSON.
    pub(super) async fn send(
        &self,
        context: &Context,
        key: Option<Uuid>,
        (method, uri): (Method, &str),
        body: (&'static str, impl Into<Body>),
    ) -> Result<Answered, ApiError> {
        let mut context = context.clone();
        if let Some(key) = key {
            let caller = context.caller.clone();
            (context.given_id, context.request_id) = (key, key);
            context.set_caller(caller);
        }
        self.ask(&context, method, uri, (body.0, body.1.into())).await
    }

    /// Hands a file over, of that content type, as it comes.
    pub(super) async fn bring(&self, context: &Context, uri: &str, kind: &'static str, file: Body) -> Result<Value, ApiError> {
        Ok(self.ask(context, Method::POST, uri, (kind, file)).await?.body)
    }

    /// Passes a request on, and its answer back as it is: a stream, for example.
    pub(super) async fn pass(&self, context: &Context, mut request: Request<Body>) -> Result<Response, ApiError> {
        request.extensions_mut().insert(context.clone());
        let service = TowerToHyperService::new(self.0.clone());
        service.call(request).await.map_err(|never| ApiError::internal(&never))
    }

    async fn ask(&self, context: &Context, method: Method, uri: &str, (kind, body): (&'static str, Body)) -> Result<Answered, ApiError> {
        let request = Request::builder().method(method).uri(uri).header(header::ACCEPT, "application/json");
        let request = request.header(header::CONTENT_TYPE, kind).body(body);
        let mut response = self.pass(context, request.map_err(|error| ApiError::internal(&error))?).await?;
        if let Some(error) = response.extensions_mut().remove::<ApiError>() {
            return Err(error);
        }
        let status = response.status();
        let location = text_of(response.headers(), header::LOCATION.as_str());
        let next = text_of(response.headers(), CONTINUATION);
        let bytes = to_bytes(response.into_body(), ANSWER_BYTES).await.map_err(|error| ApiError::internal(&error))?;
        let body = match bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&bytes).map_err(|error| ApiError::internal(&error))?,
        };
        if status.is_success() { Ok(Answered { location, next, body }) } else { Err(stored(status, &body)) }
    }
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// A refusal that was stored under its key, and is given again.
fn stored(status: StatusCode, body: &Value) -> ApiError {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let mut error = ApiError::new(status, "409", text("errorName"), crate::words::Words::translated(text("description"), None));
    for name in ["transitionId", "batchId", "upgradeId", "scheduleId"] {
        if let Some(value) = body.get(name) {
            error = error.with(name, value);
        }
    }
    error
}

/// A value in a URI.
pub(super) fn encoded(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}
