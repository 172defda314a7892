//! The ids of spans: random ones, and those that are known before they begin.
//!
//! Who handles a message again must name the span of the attempt before, and a message carries nothing of it. So that id is not made up,
//! but follows from what both know ([`SpanStart::known_as`](crate::SpanStart::known_as)).

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use std::cell::Cell;

thread_local! {
    /// The id of the span that this thread begins next; the SDK asks for it while it begins, on the same thread.
    static NEXT: Cell<Option<SpanId>> = const { Cell::new(None) };
}

/// Runs `begin`, in which one span begins, under this id.
pub(crate) fn with_id<T>(id: Option<u64>, begin: impl FnOnce() -> T) -> T {
    NEXT.set(id.map(|id| SpanId::from_bytes(id.to_be_bytes())).filter(|id| *id != SpanId::INVALID));
    let begun = begin();
    NEXT.set(None);
    begun
}

/// Gives out ids.
#[derive(Debug, Default)]
pub(crate) struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        self.0.new_trace_id()
    }

    fn new_span_id(&self) -> SpanId {
        NEXT.take().unwrap_or_else(|| self.0.new_span_id())
    }
}
