//! An OTLP receiver: takes spans over HTTP, as a collector does, and keeps them for a test to look at.

use crate::block_on;
use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{Span as Received, span::SpanKind, status::StatusCode as Outcome},
};
use prost::Message as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// A span.
#[derive(Clone, Debug)]
pub struct Span {
    /// `service.name` of its resource.
    pub service: String,
    /// Its name.
    pub name: String,
    /// `Server`, `Client`, `Producer`, `Consumer`.
    pub kind: &'static str,
    /// Its trace.
    pub trace: String,
    /// Its id.
    pub id: String,
    /// The one above it; empty: none.
    pub parent: String,
    /// Those that it is linked to.
    pub links: Vec<String>,
    /// Why it failed, where it did.
    pub error: Option<String>,
    /// In nanoseconds since 1970.
    pub times: (u64, u64),
    attributes: BTreeMap<String, String>,
}

impl Span {
    /// An attribute as text; empty where there is none.
    pub fn attribute(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }
}

/// A receiver. It ends when it is dropped.
#[derive(Debug)]
pub struct Receiver {
    endpoint: String,
    spans: Arc<Mutex<Vec<Span>>>,
    serving: JoinHandle<()>,
}

impl Receiver {
    /// Listens on a port of its own.
    ///
    /// # Panics
    /// Where it cannot.
    pub fn start() -> Self {
        let spans: Arc<Mutex<Vec<Span>>> = Arc::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(spans.clone());
        let (endpoint, serving) = block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port for spans");
            let endpoint = format!("http://{}", listener.local_addr().expect("an address for spans"));
            let serve = async move { axum::serve(listener, router).await.expect("spans are taken") };
            (endpoint, tokio::spawn(serve))
        });
        Self { endpoint, spans, serving }
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What has come so far.
    pub fn spans(&self) -> Vec<Span> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The trace of a transition: the one that the request began in which it was accepted.
    ///
    /// # Panics
    /// Where there is no such request, or there are several.
    pub fn trace_of(&self, transition: &str) -> Trace {
        let spans = self.spans();
        let began: Vec<&Span> =
            spans.iter().filter(|span| span.kind == "Server" && span.attribute("planshift.transition.id") == transition).collect();
        let [began] = began[..] else { panic!("one request began it: {began:#?}") };
        Trace(spans.iter().filter(|span| span.trace == began.trace).cloned().collect())
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(State(spans): State<Arc<Mutex<Vec<Span>>>>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body) else { return StatusCode::BAD_REQUEST };
    let mut kept = spans.lock().unwrap_or_else(PoisonError::into_inner);
    for resource in request.resource_spans {
        let of = resource.resource.map(|resource| texts(&resource.attributes)).unwrap_or_default();
        let service = of.get("service.name").cloned().unwrap_or_default();
        kept.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans).map(|span| read(&service, span)));
    }
    StatusCode::OK
}

fn read(service: &str, span: Received) -> Span {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Span {
        service: service.to_owned(),
        kind: match span.kind() {
            SpanKind::Server => "Server",
            SpanKind::Client => "Client",
            SpanKind::Producer => "Producer",
            SpanKind::Consumer => "Consumer",
            SpanKind::Internal | SpanKind::Unspecified => "Internal",
        },
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        links: span.links.iter().map(|link| hex(&link.span_id)).collect(),
        error: span.status.filter(|status| status.code() == Outcome::Error).map(|status| status.message),
        times: (span.start_time_unix_nano, span.end_time_unix_nano),
        attributes: texts(&span.attributes),
        name: span.name,
    }
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |pair: &KeyValue| match pair.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        Value::BoolValue(yes) => Some(yes.to_string()),
        Value::DoubleValue(number) => Some(number.to_string()),
        _ => None,
    };
    attributes.iter().filter_map(|pair| Some((pair.key.clone(), text(pair)?))).collect()
}

/// All spans of a trace.
#[derive(Clone, Debug)]
pub struct Trace(pub Vec<Span>);

impl Trace {
    /// The one above a span, where it is of this trace.
    pub fn above(&self, span: &Span) -> Option<&Span> {
        self.0.iter().find(|other| other.id == span.parent)
    }

    /// The one span that nothing is above.
    ///
    /// # Panics
    /// Where there are several, or spans whose parents never came.
    #[track_caller]
    pub fn root(&self) -> &Span {
        let roots: Vec<&Span> = self.0.iter().filter(|span| span.parent.is_empty()).collect();
        let orphans: Vec<&Span> = self.0.iter().filter(|span| !span.parent.is_empty() && self.above(span).is_none()).collect();
        assert!(orphans.is_empty(), "their parents never came: {orphans:#?}");
        let [root] = roots[..] else { panic!("one root: {roots:#?}") };
        root
    }

    /// Which service sent which type of message to which: each once.
    pub fn messages(&self) -> BTreeSet<(String, String, String)> {
        let processed = self.0.iter().filter(|span| span.kind == "Consumer");
        let of = |span: &Span| {
            let mut above = self.above(span);
            while above.is_some_and(|above| above.kind != "Producer") {
                above = above.and_then(|above| self.above(above));
            }
            let short = |service: &str| service.trim_start_matches("planshift-").to_owned();
            Some((short(&above?.service), span.attribute("planshift.message.type").to_owned(), short(&span.service)))
        };
        processed.filter_map(of).collect()
    }

    /// Those that have failed.
    pub fn failed(&self) -> Vec<&Span> {
        self.0.iter().filter(|span| span.error.is_some()).collect()
    }
}
