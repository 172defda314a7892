//! W3C trace context: carried in every message, so that one trace id goes from the start of a transition to its end.
//! Source: the W3C recommendation "Trace Context", level 1.

use uuid::Uuid;

/// Where a message belongs in a trace.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TraceContext {
    /// 32 lower-case hexadecimal digits; empty: no trace.
    pub trace_id: String,
    /// 16 lower-case hexadecimal digits: the sender's span.
    pub span_id: String,
    /// Bit 0: sampled.
    pub flags: u8,
    /// Vendors' part, passed on as it is.
    pub tracestate: String,
}

impl TraceContext {
    /// A new trace from 16 random bytes.
    pub fn root(random: Uuid) -> Self {
        let hex = random.as_simple().to_string();
        Self { span_id: hex[16..].to_owned(), trace_id: hex, flags: 1, tracestate: String::new() }
    }

    /// The same of a trace that is not recorded: what the services do of their own accord.
    pub fn unrecorded(random: Uuid) -> Self {
        Self { flags: 0, ..Self::root(random) }
    }

    /// From the headers `traceparent` and `tracestate`; `None` where they are not a valid context.
    pub fn parse(traceparent: &str, tracestate: &str) -> Option<Self> {
        let mut fields = traceparent.split('-');
        let (version, trace_id, span_id, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let hex = |text: &str, len: usize| text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let zero = |text: &str| text.bytes().all(|b| b == b'0');
        let known = hex(version, 2) && version != "ff" && (version != "00" || fields.next().is_none());
        if !known || !hex(trace_id, 32) || !hex(span_id, 16) || !hex(flags, 2) || zero(trace_id) || zero(span_id) {
            return None;
        }
        let flags = u8::from_str_radix(flags, 16).ok()?;
        Some(Self { trace_id: trace_id.to_owned(), span_id: span_id.to_owned(), flags, tracestate: tracestate.to_owned() })
    }

    /// Is it recorded? No trace is not.
    pub const fn is_sampled(&self) -> bool {
        self.flags & 1 == 1 && !self.trace_id.is_empty()
    }

    /// The header `traceparent`; empty where there is no trace.
    pub fn traceparent(&self) -> String {
        if self.trace_id.is_empty() { String::new() } else { format!("00-{}-{}-{:02x}", self.trace_id, self.span_id, self.flags) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_survives_the_headers() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let context = TraceContext::parse(text, "vendor=1").unwrap();
        assert_eq!(context.traceparent(), text);
        assert_eq!(context.tracestate, "vendor=1");
        assert_eq!(TraceContext::parse(&TraceContext::root(Uuid::from_u128(5 << 64 | 9)).traceparent(), "").unwrap().flags, 1);
        assert_eq!(TraceContext::default().traceparent(), "");
    }

    #[test]
    fn what_is_no_context_is_refused() {
        for wrong in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            assert_eq!(TraceContext::parse(wrong, ""), None, "{wrong}");
        }
    }
}
