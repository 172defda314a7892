//! Where spans go: an OTLP receiver (Jaeger, a collector), over HTTP.
//!
//! `OTEL_EXPORTER_OTLP_ENDPOINT` names it; without it nothing is recorded. `OTEL_EXPORTER_OTLP_HEADERS`, `_TIMEOUT` and the others of the
//! specification are read by the exporter itself, `OTEL_RESOURCE_ATTRIBUTES` by the resource. A thread of its own sends what is there
//! every few seconds: whoever records never waits, and spans beyond what it holds are dropped and counted in its log.

use crate::{Sampler, Tracer, ids::Ids};
use opentelemetry::KeyValue;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler::AlwaysOn, SdkTracerProvider},
};
use std::{sync::Arc, time::Duration};

/// Names the receiver: its address without a path, as `http://jaeger:4318`.
pub const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// How many spans wait to be sent at most: those of some hundred transitions.
const WAITING: usize = 16_384;
/// How many are sent at once.
const AT_ONCE: usize = 1_024;
/// How many links a span has at most: more than a batch has messages.
const LINKS: u32 = 1_024;
/// How often what is there is sent.
const EVERY: Duration = Duration::from_secs(2);

/// Where the spans of a process go, and which are recorded; each of its services has a [`Tracer`] of its own.
#[derive(Clone, Debug)]
pub struct Tracing {
    endpoint: Option<String>,
    sampler: Arc<Sampler>,
    instance: String,
}

impl Tracing {
    /// As the variables say. `instance` tells this process from others with the same services.
    ///
    /// # Errors
    /// Names the variable that is wrong, and says what was expected.
    pub fn from_variables(instance: String, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let endpoint = variable(ENDPOINT).filter(|text| !text.is_empty());
        if let Some(wrong) = endpoint.as_ref().filter(|text| !text.starts_with("http://") && !text.starts_with("https://")) {
            return Err(format!("{ENDPOINT}: {wrong:?} is no URL: one as http://localhost:4318 was expected"));
        }
        Ok(Self { endpoint, sampler: Arc::new(Sampler::from_variables(variable)?), instance })
    }

    /// As the environment of this process says; the instance is the machine's name and the process's id.
    ///
    /// # Errors
    /// As [`from_variables`](Self::from_variables).
    pub fn from_env() -> Result<Self, String> {
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let instance = format!("{}-{}", machine.trim(), std::process::id());
        Self::from_variables(instance, &|name| std::env::var(name).ok())
    }

    /// For a service of this process; off where no endpoint is named.
    ///
    /// # Errors
    /// The exporter cannot be made: a variable that it reads itself is wrong.
    pub fn of(&self, service: &str) -> Result<Tracer, String> {
        let Some(endpoint) = &self.endpoint else { return Ok(Tracer::off()) };
        let traces = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let exporter = SpanExporter::builder().with_http().with_endpoint(traces).build().map_err(|error| format!("{ENDPOINT}: {error}"))?;
        let batches = BatchConfigBuilder::default().with_max_queue_size(WAITING).with_max_export_batch_size(AT_ONCE);
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches.with_scheduled_delay(EVERY).build()).build();
        let resource = Resource::builder().with_service_name(format!("planshift-{service}")).with_attributes([
            KeyValue::new("service.namespace", "planshift"),
            KeyValue::new("service.instance.id", self.instance.clone()),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ]);
        let provider = SdkTracerProvider::builder().with_resource(resource.build()).with_span_processor(processor);
        // whether a trace is recorded was decided where it began: what gets here is wanted
        let provider = provider.with_sampler(AlwaysOn).with_id_generator(Ids::default()).with_max_links_per_span(LINKS).build();
        Ok(Tracer::on(provider, self.sampler.clone(), self.instance.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_endpoint_nothing_is_recorded_and_a_wrong_one_is_named() {
        let with = |endpoint: &str| {
            let endpoint = endpoint.to_owned();
            Tracing::from_variables("a".into(), &move |name| (name == ENDPOINT).then(|| endpoint.clone()))
        };
        assert!(!with("").unwrap().of("mapping").unwrap().is_on());
        assert!(with("jaeger:4317").unwrap_err().contains(ENDPOINT));
        let tracer = with("http://127.0.0.1:9/").unwrap().of("mapping").unwrap();
        assert_eq!((tracer.is_on(), tracer.instance()), (true, "a"));
    }
}
