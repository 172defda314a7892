//! Timers, in the order of their times, and of their making where those are the same.

use super::Sim;
use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

/// Whoever waits for a time.
#[derive(Default)]
pub(super) struct Timers {
    waiting: BTreeMap<(i64, u64), Waker>,
    made: u64,
}

impl Timers {
    /// When the next one is due.
    pub(super) fn next(&self) -> Option<i64> {
        self.waiting.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes out those that are due.
    pub(super) fn due(&mut self, now: i64) -> Vec<Waker> {
        let later = self.waiting.split_off(&(now + 1, 0));
        std::mem::replace(&mut self.waiting, later).into_values().collect()
    }

    fn add(&mut self, at: i64, waker: Waker) -> (i64, u64) {
        self.made += 1;
        self.waiting.insert((at, self.made), waker);
        (at, self.made)
    }
}

/// A wait for a time of the machine's.
pub struct Sleep {
    sim: Sim,
    until: i64,
    timer: Option<(i64, u64)>,
}

impl Sleep {
    pub(super) fn new(sim: Sim, duration: Duration) -> Self {
        // a hundred years are for ever
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX).min(100 * 365 * 86_400 * 1_000_000);
        let until = sim.now() + micros;
        Self { sim, until, timer: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let sleep = self.get_mut();
        let mut state = sleep.sim.state();
        if state.now >= sleep.until {
            return Poll::Ready(());
        }
        match sleep.timer.and_then(|timer| state.timers.waiting.get_mut(&timer)) {
            Some(waker) => waker.clone_from(context.waker()),
            None => sleep.timer = Some(state.timers.add(sleep.until, context.waker().clone())),
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            let waker = self.sim.state().timers.waiting.remove(&timer);
            drop(waker);
        }
    }
}
