//! Spans kept in memory, for tests.

use crate::{Sampler as Decides, Tracer, ids::Ids};
use opentelemetry::trace::{SpanId, SpanKind, Status};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

/// A service's tracer, and the spans that have ended.
#[derive(Clone, Debug)]
pub struct Recorded {
    tracer: Tracer,
    spans: Kept,
}

/// A span that has ended.
#[derive(Clone, Debug)]
pub struct RecordedSpan {
    /// The service that it is of.
    pub service: String,
    /// Its name.
    pub name: String,
    /// `server`, `client`, `producer`, `consumer`.
    pub kind: &'static str,
    /// Its trace.
    pub trace: String,
    /// Its own id.
    pub id: String,
    /// That of the span above it; empty where there is none.
    pub parent: String,
    /// The ids of those that it is linked to.
    pub links: Vec<String>,
    /// When it began and ended.
    pub times: (SystemTime, SystemTime),
    /// Why it has failed.
    pub error: Option<String>,
    attributes: BTreeMap<String, String>,
}

impl RecordedSpan {
    /// An attribute as text.
    pub fn attribute(&self, key: &str) -> Option<String> {
        self.attributes.get(key).cloned()
    }
}

type Kept = Arc<Mutex<Vec<RecordedSpan>>>;

#[derive(Debug)]
struct Exporter {
    service: String,
    spans: Kept,
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.into_iter().map(|span| read(&self.service, span));
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).extend(spans);
        Ok(())
    }
}

fn read(service: &str, span: SpanData) -> RecordedSpan {
    let attributes = span.attributes.iter().map(|pair| (pair.key.to_string(), pair.value.to_string())).collect();
    RecordedSpan {
        service: service.to_owned(),
        name: span.name.to_string(),
        kind: match span.span_kind {
            SpanKind::Server => "server",
            SpanKind::Client => "client",
            SpanKind::Producer => "producer",
            SpanKind::Consumer => "consumer",
            SpanKind::Internal => "internal",
        },
        trace: span.span_context.trace_id().to_string(),
        id: span.span_context.span_id().to_string(),
        parent: if span.parent_span_id == SpanId::INVALID { String::new() } else { span.parent_span_id.to_string() },
        links: span.links.iter().map(|link| link.span_context.span_id().to_string()).collect(),
        times: (span.start_time, span.end_time),
        error: match span.status {
            Status::Error { description } => Some(description.to_string()),
            Status::Unset | Status::Ok => None,
        },
        attributes,
    }
}

impl Recorded {
    /// Of the service of that name.
    pub fn new(service: &str) -> Self {
        Self::beside(service, Kept::default())
    }

    /// Of another service, kept with these.
    #[must_use]
    pub fn and(&self, service: &str) -> Self {
        Self::beside(service, self.spans.clone())
    }

    fn beside(service: &str, spans: Kept) -> Self {
        let exporter = Exporter { service: service.to_owned(), spans: spans.clone() };
        let provider = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOn).with_id_generator(Ids::default());
        let provider = provider.with_simple_exporter(exporter).build();
        Self { tracer: Tracer::on(provider, Arc::new(Decides::Share(1.0)), "test".to_owned()), spans }
    }

    /// Its tracer.
    pub const fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// The spans that have ended, in the order of their ends.
    pub fn spans(&self) -> Vec<RecordedSpan> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
