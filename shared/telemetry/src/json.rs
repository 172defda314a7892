//! A log line as a JSON object: docs/logs.md says which fields there are.

use crate::current;
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    registry::LookupSpan,
};

/// Where the library behind an event stands that came through the crate `log`.
const LOG_TARGET: &str = "log.target";
/// What every event of the crate `log` says besides.
const LOGS_OWN: &str = "log.";

/// Writes events as JSON, one object a line.
pub(crate) struct Json {
    /// Whose process it is; an event that names its service knows better.
    pub(crate) service: &'static str,
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'static str,
    service: &'a str,
    target: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    trace_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    span_id: &'a str,
    #[serde(flatten)]
    fields: &'a Map<String, Value>,
}

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut fields = fields.0;
        let mut take = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) => Some(text),
            Some(other) => Some(other.to_string()),
            None => None,
        };
        let (message, service, target) = (take("message"), take("service"), take(LOG_TARGET));
        // what a line says about its trace comes before that of the task: a batch has messages of many
        let context = current();
        let trace_id = take("trace_id").unwrap_or_else(|| context.trace_id.clone());
        let span_id = if context.is_sampled() && context.trace_id == trace_id { context.span_id.as_str() } else { "" };
        fields.retain(|name, _| !name.starts_with(LOGS_OWN));
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let line = Line {
            timestamp,
            level: event.metadata().level().as_str(),
            service: service.as_deref().unwrap_or(self.service),
            target: target.as_deref().unwrap_or(event.metadata().target()),
            message: message.as_deref().unwrap_or_default(),
            trace_id: &trace_id,
            span_id,
            fields: &fields,
        };
        writeln!(writer, "{}", serde_json::to_string(&line).map_err(|_| fmt::Error)?)
    }
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TraceContext, under};
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_line_says_whose_it_is_and_to_which_trace_it_belongs() {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt().event_format(Json { service: "mapping" }).with_writer(move || writer.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let context = TraceContext::parse(&format!("00-{trace}-b7ad6b7169203331-01"), "").unwrap();
        tracing::info!(count = 3, none = None::<&str>, "no trace");
        under(context.clone(), async {
            tracing::warn!(error = %"a \"quoted\"\nerror", is_it = true, "of the task");
            tracing::warn!(service = "gateway", trace_id = "4bf92f3577b34da6a3ce929d0e0e4736", "of another");
        })
        .await;
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let says = |line: usize, name: &str| lines[line][name].clone();
        assert_eq!(lines.len(), 3);
        assert_eq!((says(0, "service"), says(0, "message"), says(0, "count")), ("mapping".into(), "no trace".into(), 3.into()));
        assert!(
            lines[0].get("trace_id").is_none() && lines[0].get("none").is_none() && says(0, "timestamp").as_str().unwrap().ends_with('Z')
        );
        assert_eq!((says(1, "trace_id"), says(1, "span_id"), says(1, "level")), (trace.into(), "b7ad6b7169203331".into(), "WARN".into()));
        assert_eq!((says(1, "error"), says(1, "is_it")), ("a \"quoted\"\nerror".into(), true.into()));
        assert_eq!((says(2, "trace_id"), says(2, "service")), ("4bf92f3577b34da6a3ce929d0e0e4736".into(), "gateway".into()));
        assert!(lines[2].get("span_id").is_none(), "the task's span is of another trace");
    }
}
