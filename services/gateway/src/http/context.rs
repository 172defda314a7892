//! What belongs to one request: its ids, its caller, its trace.

use super::errors::ApiError;
use crate::{
    auth::Caller,
    words::{Locale, words},
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use planshift_domain::ids::parse_guid;
use planshift_telemetry::TraceContext;
use planshift_worker::Ports;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The idempotency key: a retry sends the same.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("ms-requestid");
/// The caller's own id for what it does.
pub(crate) const CORRELATION_ID: HeaderName = HeaderName::from_static("ms-correlationid");
/// Microsoft's tracing vector, handed back.
pub(crate) const VECTOR: HeaderName = HeaderName::from_static("ms-cv");
/// The longest tracing vector that is handed back. Source: the correlation vector specification, version 2.1.
const VECTOR_BYTES: usize = 128;

/// What belongs to one request.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// The idempotency key, as those who are asked get it: the same one of two partners is not the same.
    pub(crate) request_id: Uuid,
    /// The same as it was given, to be handed back.
    pub(crate) given_id: Uuid,
    pub(crate) correlation_id: Uuid,
    vector: String,
    /// In which language people are told.
    pub(crate) locale: Locale,
    pub(crate) trace: TraceContext,
    /// Who asks; nobody until the token was looked at.
    pub(crate) caller: Caller,
    /// Cancelled when the client is gone. Only what has no effect may be cut short by it.
    pub(crate) gone: CancellationToken,
}

impl Context {
    /// From the headers; what is missing is made up. An id that is no GUID is an error, told under a made-up one.
    pub(crate) fn new(method: &Method, headers: &HeaderMap, ports: &Ports) -> (Self, Option<ApiError>) {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let mut wrong = None;
        let mut guid = |name: &HeaderName| match headers.get(name) {
            None => ports.random.id(),
            Some(value) => value.to_str().ok().and_then(parse_guid).unwrap_or_else(|| {
                let text = words!("The header {name} must be a GUID.", "L’en-tête {name} doit être un GUID.");
                wrong = Some(ApiError::bad_input("InvalidHeader", text));
                ports.random.id()
            }),
        };
        let (request_id, correlation_id) = (guid(&REQUEST_ID), guid(&CORRELATION_ID));
        let given = text(&VECTOR).filter(|text| !text.is_empty() && text.len() <= VECTOR_BYTES);
        let vector = given.map_or_else(|| format!("{}.0", &ports.random.id().as_simple().to_string()[..22]), str::to_owned);
        let trace = headers.get("traceparent").and_then(|value| value.to_str().ok());
        let state = headers.get("tracestate").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let trace = trace
            .and_then(|parent| TraceContext::parse(parent, state))
            .unwrap_or_else(|| ports.tracer.root(ports.random.id(), !method.is_safe()));
        let (caller, gone, locale) = (Caller::nobody(), CancellationToken::new(), Locale::of(headers));
        (Self { request_id, given_id: request_id, correlation_id, vector, locale, trace, caller, gone }, wrong)
    }

    /// Whose it is. Clients choose their ids, and some always the same: between partners, that must not make two requests one.
    pub(crate) fn set_caller(&mut self, caller: Caller) {
        if let Some(partner) = caller.partner {
            self.request_id = Uuid::new_v5(&partner.0, self.given_id.as_bytes());
        }
        self.caller = caller;
    }

    /// Hands the ids back.
    pub(crate) fn stamp(&self, headers: &mut HeaderMap) {
        for (name, value) in
            [(REQUEST_ID, self.given_id.to_string()), (CORRELATION_ID, self.correlation_id.to_string()), (VECTOR, self.vector.clone())]
        {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }
}
