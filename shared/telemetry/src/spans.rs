//! Spans of one service, on their way to an OTLP receiver.
//!
//! A span is begun with the context that it belongs under, and gives the context for what comes beneath it. Whether a trace is recorded
//! is decided once, where it begins ([`Sampler`](crate::Sampler)), and travels as the `sampled` bit; a span that has failed is recorded
//! whatever that says. Where nothing is recorded, a context passes through as it is: no span is its own child.

use crate::{Sampler, TraceContext, ids::with_id};
use opentelemetry::{
    Context, KeyValue, Value,
    trace::{Link, Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer as _},
};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span as SdkSpan};
use std::{borrow::Cow, str::FromStr, sync::Arc, time::SystemTime};
use uuid::Uuid;

/// What a span is for. Source: OpenTelemetry's specification, SpanKind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request that is answered.
    Server,
    /// A request that is made.
    Client,
    /// A message that is sent.
    Producer,
    /// A message that is processed.
    Consumer,
}

impl From<Kind> for SpanKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Server => Self::Server,
            Kind::Client => Self::Client,
            Kind::Producer => Self::Producer,
            Kind::Consumer => Self::Consumer,
        }
    }
}

/// Begins the spans of one service. Cheap to clone. One that is [`off`](Self::off) records nothing.
#[derive(Clone, Debug)]
pub struct Tracer(Option<Arc<On>>);

#[derive(Debug)]
struct On {
    tracer: SdkTracer,
    provider: SdkTracerProvider,
    sampler: Arc<Sampler>,
    instance: String,
}

/// A span before it is begun.
#[derive(Debug)]
pub struct SpanStart {
    name: Cow<'static, str>,
    kind: Kind,
    at: SystemTime,
    links: Vec<Link>,
    attributes: Vec<KeyValue>,
    whatever_is_sampled: bool,
    id: Option<u64>,
}

impl SpanStart {
    /// With this name, beginning now.
    pub fn new(kind: Kind, name: impl Into<Cow<'static, str>>) -> Self {
        let at = SystemTime::now();
        Self { name: name.into(), kind, at, links: Vec::new(), attributes: Vec::new(), whatever_is_sampled: false, id: None }
    }

    /// Beginning then.
    #[must_use]
    pub const fn at(mut self, at: SystemTime) -> Self {
        self.at = at;
        self
    }

    /// With an attribute.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.attributes.push(KeyValue::new(key, value));
        self
    }

    /// Linked to a span of this or of another trace; nothing where there is none.
    #[must_use]
    pub fn linked(mut self, to: &TraceContext) -> Self {
        self.links.extend(remote(to).map(|context| Link::new(context, Vec::new(), 0)));
        self
    }

    /// Under this id instead of a random one, so that others can be linked to it who were never told of it. At most one span may have it.
    #[must_use]
    pub const fn known_as(mut self, id: u64) -> Self {
        self.id = Some(id);
        self
    }

    /// Recorded also where the trace is not: a failure, or what follows one.
    #[must_use]
    pub const fn kept(mut self, keep: bool) -> Self {
        self.whatever_is_sampled |= keep;
        self
    }
}

impl Tracer {
    /// Records nothing.
    pub const fn off() -> Self {
        Self(None)
    }

    pub(crate) fn on(provider: SdkTracerProvider, sampler: Arc<Sampler>, instance: String) -> Self {
        use opentelemetry::trace::TracerProvider as _;
        let tracer = provider.tracer("planshift");
        Self(Some(Arc::new(On { tracer, provider, sampler, instance })))
    }

    /// Which of the processes of its service it is in; empty where nothing is recorded.
    pub fn instance(&self) -> &str {
        self.0.as_ref().map_or("", |on| &on.instance)
    }

    /// Where a trace begins, from 16 random bytes: recorded or not, as the sampler decides. `changes`: something may follow from it.
    pub fn root(&self, random: Uuid, changes: bool) -> TraceContext {
        match &self.0 {
            Some(on) if on.sampler.decides(changes, random) => TraceContext::root(random),
            _ => TraceContext::unrecorded(random),
        }
    }

    /// Does a batch of several messages, some of which are recorded, get a trace of its own?
    pub fn records_batch(&self) -> bool {
        self.0.as_ref().is_some_and(|on| on.sampler.decides_of_batch())
    }

    /// Does it record anything?
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Begins a span beneath `parent`; without one it begins a trace of its own.
    pub fn begin(&self, start: SpanStart, parent: &TraceContext) -> Span {
        let above = remote(parent).map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent));
        self.begin_in(&above, start, parent)
    }

    /// Begins the first span of a trace, where [`root`](Self::root) says that it is recorded.
    pub fn begin_root(&self, start: SpanStart, root: &TraceContext) -> Span {
        self.begin_in(&Context::new(), start, root)
    }

    fn begin_in(&self, above: &Context, start: SpanStart, parent: &TraceContext) -> Span {
        let wanted = start.whatever_is_sampled || parent.is_sampled();
        let Some(on) = self.0.as_ref().filter(|_| wanted) else { return Span { span: None, context: parent.clone() } };
        let builder = on.tracer.span_builder(start.name).with_kind(start.kind.into()).with_start_time(start.at);
        let builder = builder.with_attributes(start.attributes).with_links(start.links);
        let span = with_id(start.id, || builder.start_with_context(&on.tracer, above));
        let own = span.span_context();
        let context = TraceContext {
            trace_id: own.trace_id().to_string(),
            span_id: own.span_id().to_string(),
            flags: parent.flags | 1,
            tracestate: parent.tracestate.clone(),
        };
        Span { span: Some(span), context }
    }

    /// What stands for a span that is not recorded: its context passes through.
    pub const fn pass(context: TraceContext) -> Span {
        Span { span: None, context }
    }

    /// Sends what has been recorded, and ends. It blocks, for seconds at most: not to be called where others wait.
    pub fn shut_down(&self) {
        if let Some(on) = &self.0
            && let Err(error) = on.provider.shutdown()
        {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// A span that has begun. It ends when it is dropped, or [`then`](Self::end_at).
#[derive(Debug)]
pub struct Span {
    span: Option<SdkSpan>,
    context: TraceContext,
}

impl Span {
    /// What comes beneath it belongs under this.
    pub const fn context(&self) -> &TraceContext {
        &self.context
    }

    /// Is it recorded?
    pub const fn is_recorded(&self) -> bool {
        self.span.is_some()
    }

    /// Gives it another name.
    pub fn rename(&mut self, name: impl Into<Cow<'static, str>>) {
        if let Some(span) = &mut self.span {
            span.update_name(name);
        }
    }

    /// Sets an attribute.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(span) = &mut self.span {
            span.set_attribute(KeyValue::new(key, value));
        }
    }

    /// It has failed: with a word for what kind of failure it is (`error.type`), and in words.
    pub fn fail(&mut self, kind: impl Into<Value>, description: impl Into<Cow<'static, str>>) {
        if let Some(span) = &mut self.span {
            span.set_attribute(KeyValue::new("error.type", kind));
            span.set_status(Status::error(description));
        }
    }

    /// Ends then.
    pub fn end_at(mut self, at: SystemTime) {
        if let Some(span) = &mut self.span {
            span.end_with_timestamp(at);
        }
    }
}

fn remote(context: &TraceContext) -> Option<SpanContext> {
    let trace_id = TraceId::from_hex(&context.trace_id).ok()?;
    let span_id = SpanId::from_hex(&context.span_id).ok()?;
    let state = TraceState::from_str(&context.tracestate).unwrap_or_default();
    let remote = SpanContext::new(trace_id, span_id, TraceFlags::new(context.flags), true, state);
    remote.is_valid().then_some(remote)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorded::Recorded;

    #[test]
    fn a_child_is_under_its_parent_and_gives_its_own_context() {
        let recorded = Recorded::new("mapping");
        let parent = TraceContext::root(Uuid::from_u128(5 << 64 | 9));
        let other = TraceContext::root(Uuid::from_u128(6 << 64 | 8));
        let start = SpanStart::new(Kind::Consumer, "process x").with("n", 7).linked(&other).linked(&TraceContext::default());
        let mut span = recorded.tracer().begin(start, &parent);
        assert_eq!((&span.context().trace_id, span.context().is_sampled()), (&parent.trace_id, true));
        assert_ne!(span.context().span_id, parent.span_id);
        span.fail("Faulty", "it could not be done");
        let own = span.context().clone();
        drop(span);
        let [span] = &recorded.spans()[..] else { panic!("one span") };
        assert_eq!((&span.parent, &span.id, &span.links[..]), (&parent.span_id, &own.span_id, &[other.span_id][..]));
        assert_eq!((span.attribute("n").as_deref(), span.error.as_deref()), (Some("7"), Some("it could not be done")));
    }

    #[test]
    fn a_span_is_known_by_the_id_that_it_was_given_and_the_next_by_another() {
        let recorded = Recorded::new("mapping");
        let parent = TraceContext::root(Uuid::from_u128(5 << 64 | 9));
        let known = recorded.tracer().begin(SpanStart::new(Kind::Consumer, "x").known_as(0xab), &parent);
        let nothing = recorded.tracer().begin(SpanStart::new(Kind::Consumer, "x").known_as(0), &parent);
        let other = recorded.tracer().begin(SpanStart::new(Kind::Consumer, "x"), &parent);
        assert_eq!(known.context().span_id, "00000000000000ab");
        assert!(nothing.context().span_id != "0000000000000000" && other.context().span_id != known.context().span_id);
    }

    #[test]
    fn what_is_not_sampled_passes_through_unless_it_is_kept() {
        let recorded = Recorded::new("mapping");
        let unsampled = TraceContext { flags: 0, ..TraceContext::root(Uuid::from_u128(5 << 64 | 9)) };
        let span = recorded.tracer().begin(SpanStart::new(Kind::Client, "x"), &unsampled);
        assert_eq!((span.context(), span.is_recorded()), (&unsampled, false));
        let span = recorded.tracer().begin(SpanStart::new(Kind::Client, "x").kept(true), &unsampled);
        assert!(span.is_recorded() && span.context().is_sampled() && span.context().trace_id == unsampled.trace_id);
        let off = Tracer::off().begin(SpanStart::new(Kind::Client, "x").kept(true), &unsampled);
        assert_eq!((off.context(), off.is_recorded()), (&unsampled, false));
    }
}
