//! Logs, W3C trace context, spans and where they go: the one crate that knows how they leave the process.

mod current;
mod ids;
mod json;
mod logs;
mod otlp;
#[cfg(any(test, feature = "recorded"))]
pub mod recorded;
mod sampler;
mod spans;
mod trace;

pub use current::{current, under};
pub use logs::{LogFormat, init};
pub use otlp::{ENDPOINT, Tracing};
pub use sampler::{Sampler, TRACES_A_SECOND};
pub use spans::{Kind, Span, SpanStart, Tracer};
pub use trace::TraceContext;
