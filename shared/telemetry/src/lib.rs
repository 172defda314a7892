//! Logs, W3C trace context and metrics: the one crate that knows how they leave the process.

mod logs;
mod trace;

pub use logs::{LogFormat, init};
pub use trace::TraceContext;
