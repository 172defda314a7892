//! Jobs to outcomes: so many calls in flight, each with a time limit, none that is not admitted.
//!
//! Nobody waits here for a time to come: what may not be called now is told when to come again, and the others go on.

use super::{
    Call, Effect, Limits, Reply, Target,
    breaker::Breaker,
    bucket::{Bucket, LONGEST, bounded},
};
use crate::{
    Ports,
    metrics::{Metrics, PROVISIONER_BREAKER, PROVISIONER_CALL_TIME, PROVISIONER_CALLS, PROVISIONER_IN_FLIGHT, PROVISIONER_THROTTLED},
};
use futures::future::join_all;
use planshift_domain::{ids::PartnerId, transition::ItemError};
use planshift_telemetry::{Kind, SpanStart, current};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// How long calls in flight may take once the service is to stop; the next process looks up what came of the others.
const STOP_TIME: Duration = Duration::from_secs(5);
/// Partners whose pace is remembered; beyond, those are forgotten that ask for nothing.
const PARTNERS: usize = 10_000;

/// What is wanted of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Have it, for the first time.
    Have,
    /// An earlier call may have had it: look, and have it where it is not there.
    Make,
    /// Let there be none.
    Withdraw,
}

/// Something to be done outside, by `K`.
pub(crate) struct Job<K> {
    pub key: K,
    pub want: Want,
    pub effect: Effect,
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The effect is there.
    Had,
    /// It was refused.
    Refused(ItemError),
    /// It is not there and never will be; `had`: it was once.
    Gone { had: bool },
    /// Later.
    Wait(Wait),
}

/// Why later, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    /// When the first of those that wait has its time, and when the last.
    first: Duration,
    last: Duration,
    /// An attempt has failed. Else it is only not the time for one.
    pub is_fault: bool,
    pub why: String,
}

impl Wait {
    pub(crate) fn quiet(after: Duration, why: impl Into<String>) -> Self {
        Self { first: after, last: after, is_fault: false, why: why.into() }
    }

    pub(crate) fn fault(why: impl Into<String>) -> Self {
        Self { is_fault: true, ..Self::quiet(Duration::ZERO, why) }
    }

    /// Both, and a fault where one of them is.
    pub(crate) fn and(self, other: Self) -> Self {
        let (first, last) = (self.first.min(other.first), self.last.max(other.last));
        let why = if other.is_fault && !self.is_fault { other.why } else { self.why };
        Self { first, last, is_fault: self.is_fault || other.is_fault, why }
    }
}

/// The outside system of a step, as one process calls it.
pub(crate) struct Outside {
    target: Target,
    step: &'static str,
    ports: Ports,
    metrics: Metrics,
    permits: Semaphore,
    pace: Mutex<Pace>,
    stopping: CancellationToken,
}

struct Pace {
    breaker: Breaker,
    buckets: HashMap<PartnerId, Bucket>,
}

impl Outside {
    pub(crate) fn new(target: Target, step: &'static str, ports: Ports, metrics: Metrics) -> Self {
        let pace = Mutex::new(Pace { breaker: Breaker::new(), buckets: HashMap::new() });
        let permits = Semaphore::new(target.limits.in_flight.max(1));
        let outside = Self { target, step, ports, metrics, permits, pace, stopping: CancellationToken::new() };
        outside.metrics.set(PROVISIONER_BREAKER, &[("step", step)], 0.0);
        outside.metrics.set(PROVISIONER_IN_FLIGHT, &[("step", step)], 0.0);
        outside.metrics.add(PROVISIONER_THROTTLED, &[("step", step)], 0);
        outside
    }

    /// From now on no call is begun.
    pub(crate) fn stop(&self) {
        self.stopping.cancel();
    }

    /// After how long a packet comes back whose items have to wait so: when all of them have their turn, or as many as may come at once.
    pub(crate) fn comes_back(&self, wait: &Wait) -> Duration {
        let Limits { rate, burst, .. } = self.target.limits;
        let at_once = rate.and_then(|rate| Duration::try_from_secs_f64(f64::from(burst) / rate).ok()).unwrap_or(LONGEST);
        wait.last.min(wait.first.saturating_add(at_once))
    }

    /// Does all of them, side by side: one outcome for each.
    pub(crate) async fn all<K>(&self, jobs: Vec<Job<K>>) -> Vec<(K, Outcome)> {
        join_all(jobs.into_iter().map(async |job| (job.key, self.one(job.want, &job.effect).await))).await
    }

    async fn one(&self, want: Want, effect: &Effect) -> Outcome {
        let stopping = || Outcome::Wait(Wait::quiet(Duration::ZERO, "this process stops"));
        let permit = tokio::select! {
            biased;
            () = self.stopping.cancelled() => return stopping(),
            permit = self.permits.acquire() => permit,
        };
        // it is never closed
        let Ok(_permit) = permit else { return stopping() };
        self.show_in_flight(0);
        let outcome = tokio::select! {
            biased;
            outcome = self.calls(want, effect) => outcome,
            () = self.cut() => Outcome::Wait(Wait::quiet(Duration::ZERO, "this process stops; what came of the call is looked up")),
        };
        self.show_in_flight(1);
        outcome
    }

    async fn cut(&self) {
        self.stopping.cancelled().await;
        self.ports.clock.sleep(STOP_TIME).await;
    }

    /// `ended`: so many that are about to end.
    fn show_in_flight(&self, ended: usize) {
        let in_flight = self.target.limits.in_flight.max(1).saturating_sub(self.permits.available_permits() + ended);
        self.metrics.set(PROVISIONER_IN_FLIGHT, &[("step", self.step)], in_flight as f64);
    }

    async fn calls(&self, want: Want, effect: &Effect) -> Outcome {
        let first = match want {
            Want::Have => Call::Provision,
            Want::Make => Call::LookUp,
            Want::Withdraw => Call::Undo,
        };
        if let Err(wait) = self.admit(effect.partner) {
            return Outcome::Wait(wait);
        }
        match self.call(first, effect).await {
            // within the same share: where a partner has one call at a time, a look would else use it up each time
            Reply::Absent if want == Want::Make => outcome(self.call(Call::Provision, effect).await),
            reply => outcome(reply),
        }
    }

    async fn call(&self, call: Call, effect: &Effect) -> Reply {
        let start = SpanStart::new(Kind::Client, method(call))
            .with("http.request.method", method(call))
            .with("planshift.step", self.step)
            .with("planshift.effect.key", effect.key.clone());
        let mut span = self.ports.tracer.begin(start, &current());
        let begun = self.ports.clock.now().as_micros();
        let limit = self.target.limits.timeout;
        let context = span.context().clone();
        let reply = tokio::select! {
            biased;
            reply = self.target.provisioner.call(call, effect, &context) => reply,
            () = self.ports.clock.sleep(limit) => Reply::Unknown(format!("no answer within {} ms", limit.as_millis())),
        };
        let took = self.ports.clock.now().as_micros().saturating_sub(begun);
        self.metrics.add(PROVISIONER_CALLS, &[("step", self.step), ("outcome", name(&reply))], 1);
        self.metrics.observe(PROVISIONER_CALL_TIME, &[("step", self.step)], took as f64 / 1e6);
        if let Reply::Unknown(why) = &reply {
            span.fail("Unknown", why.clone());
            tracing::warn!(step = self.step, key = effect.key, ?call, "what came of it is not known: {why}");
        }
        self.heard(effect.partner, &reply);
        reply
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        // whole values are written, whatever panics
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, partner: PartnerId) -> Result<(), Wait> {
        let now = self.ports.clock.now().as_micros();
        let (rate, burst, limit) = (self.target.limits.rate, self.target.limits.burst, self.target.limits.timeout);
        let pace = &mut *self.pace();
        if pace.buckets.len() > PARTNERS {
            pace.buckets.retain(|_, bucket| !bucket.is_idle(now, rate, burst));
        }
        // the partner first: one that is put off must not take the place of the call that tries
        let bucket = pace.buckets.entry(partner).or_insert_with(|| Bucket::new(now, burst));
        if let Err(after) = bucket.take(now, rate, burst) {
            self.metrics.add(PROVISIONER_THROTTLED, &[("step", self.step)], 1);
            return Err(Wait::quiet(after, format!("partner {partner} has had its share of calls")));
        }
        let admitted = pace.breaker.admit(now, limit);
        self.metrics.set(PROVISIONER_BREAKER, &[("step", self.step)], pace.breaker.level());
        admitted.map_err(|after| Wait::quiet(after, "the outside system does not answer: it is left alone for a while"))
    }

    fn heard(&self, partner: PartnerId, reply: &Reply) {
        let now = self.ports.clock.now().as_micros();
        let burst = self.target.limits.burst;
        let pace = &mut *self.pace();
        match reply {
            Reply::Unknown(_) => pace.breaker.failed(now, None),
            Reply::Busy { after } => pace.breaker.failed(now, Some(bounded(Some(*after)))),
            Reply::Throttled { after } => {
                pace.breaker.answered();
                pace.buckets.entry(partner).or_insert_with(|| Bucket::new(now, burst)).close(now, *after);
            }
            _ => pace.breaker.answered(),
        }
        self.metrics.set(PROVISIONER_BREAKER, &[("step", self.step)], pace.breaker.level());
    }
}

fn outcome(reply: Reply) -> Outcome {
    Outcome::Wait(match reply {
        Reply::Done => return Outcome::Had,
        Reply::Refused(error) => return Outcome::Refused(error),
        Reply::Gone { had } => return Outcome::Gone { had },
        Reply::Pending { after } => Wait::quiet(bounded(after), "the outside system is not through with it"),
        Reply::Throttled { after } => Wait::quiet(bounded(after), "the outside system wants this partner to wait"),
        Reply::Busy { after } => Wait::quiet(bounded(Some(after)), "the outside system wants to be left alone"),
        Reply::Unknown(why) => Wait::fault(format!("what came of the call is not known: {why}")),
        Reply::Absent => Wait::fault("the outside system does not know what it was told"),
    })
}

const fn method(call: Call) -> &'static str {
    match call {
        Call::Provision => "PUT",
        Call::LookUp => "GET",
        Call::Undo => "DELETE",
    }
}

/// What may come of a call.
pub(crate) const OUTCOMES: &[&str] = &["done", "absent", "refused", "gone", "pending", "throttled", "busy", "unknown"];

const fn name(reply: &Reply) -> &'static str {
    match reply {
        Reply::Done => "done",
        Reply::Absent => "absent",
        Reply::Refused(_) => "refused",
        Reply::Gone { .. } => "gone",
        Reply::Pending { .. } => "pending",
        Reply::Throttled { .. } => "throttled",
        Reply::Busy { .. } => "busy",
        Reply::Unknown(_) => "unknown",
    }
}
