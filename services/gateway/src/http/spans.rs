//! The span of a request: a server's, as OpenTelemetry's conventions for HTTP have it (v1.44).

use super::context::Context;
use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    response::Response,
};
use planshift_telemetry::{Kind, Span, SpanStart, TraceContext, Tracer};

/// Begins it, under what the client says, or at the root of a trace. It is named once its path is known.
pub(super) fn begin(tracer: &Tracer, request: &Request, above: &TraceContext) -> Span {
    let method = request.method().as_str().to_owned();
    let start = SpanStart::new(Kind::Server, method.clone()).with("http.request.method", method).with("url.scheme", "http");
    let start = start.with("url.path", request.uri().path().to_owned());
    // a trace that begins here has no span above it
    let is_root = request.headers().get("traceparent").is_none();
    if is_root { tracer.begin_root(start, above) } else { tracer.begin(start, above) }
}

/// Says how it ended.
pub(super) fn finish(span: &mut Span, method: &Method, context: &Context, response: &Response) {
    if !span.is_recorded() {
        return;
    }
    if let Some(path) = response.extensions().get::<MatchedPath>() {
        span.rename(format!("{method} {}", path.as_str()));
        span.set("http.route", path.as_str().to_owned());
    }
    let location = response.headers().get("location").and_then(|value| value.to_str().ok());
    for (prefix, key) in [("productUpgrades/", "planshift.transition.id"), ("deadLetters/redrives/", "planshift.redrive.id")] {
        if let Some(id) = location.and_then(|location| location.strip_prefix(prefix)) {
            span.set(key, id.to_owned());
        }
    }
    if let Some(partner) = context.caller.partner {
        span.set("planshift.partner.id", partner.to_string());
    }
    span.set("planshift.request.id", context.given_id.to_string());
    span.set("planshift.correlation.id", context.correlation_id.to_string());
    let status = response.status();
    span.set("http.response.status_code", i64::from(status.as_u16()));
    // a client's mistake is no failure of ours
    if status.is_server_error() {
        span.fail(status.as_str().to_owned(), status.canonical_reason().unwrap_or("it failed"));
    }
}
