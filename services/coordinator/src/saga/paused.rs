//! Steps that are paused for everyone: nothing of them is commanded or undone, and no deadline of theirs runs.
//!
//! What was commanded before goes on to its end, and its answers are taken. A saga that comes to a paused step is *held* there: its
//! commands wait until the step is resumed, and then its time runs on from where it stood.

use super::{Decision, Rules, Saga, Send, Which, decide::under_way};
use planshift_domain::{
    said::story,
    step::{Action, Step},
    time::Timestamp,
};

/// Which steps are paused, and since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Paused([Option<Timestamp>; 4]);

impl Paused {
    /// No step is.
    pub const NONE: Self = Self([None; 4]);

    /// The same with this step paused since then, or not paused.
    #[must_use]
    pub const fn with(mut self, step: Step, since: Option<Timestamp>) -> Self {
        self.0[step as usize] = since;
        self
    }

    /// Since when the step is paused; `None`: it is not.
    pub const fn since(&self, step: Step) -> Option<Timestamp> {
        self.0[step as usize]
    }
}

/// A saga held at a paused step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hold {
    /// The step.
    pub step: Step,
    /// Since when its time stands still.
    pub since: Timestamp,
    /// The step's commands were not sent; false: they were before the pause.
    pub withheld: bool,
}

/// Does time stand still for it?
pub(super) fn stands_still(saga: &Saga, rules: &Rules) -> bool {
    saga.held.is_some() || under_way(saga).is_some_and(|(step, _)| rules.paused.since(step).is_some())
}

/// Takes back what a decision would send to a paused step, holds the saga there, or lets it go on.
pub(super) fn hold(decision: &mut Decision, before: &Saga, now: Timestamp, rules: &Rules) {
    let at = under_way(&decision.saga);
    let paused = at.and_then(|(step, _)| Some((step, rules.paused.since(step)?)));
    let sends = decision.send.len();
    decision.send.retain(|send| rules.paused.since(send.step).is_none());
    let withheld = decision.send.len() < sends;
    match (decision.saga.held, paused) {
        (None, None) => {}
        (None, Some((step, since))) => {
            // one that was at the step before it was paused has stood still since then
            let since = if under_way(before) == at { since.min(now) } else { now };
            decision.saga.held = Some(Hold { step, since, withheld });
            decision.note("Held", story::HELD.with(&[&step]));
        }
        (Some(held), Some((step, _))) => {
            let began_anew = decision.saga.give_up_at != before.give_up_at;
            let since = if began_anew { now } else { held.since };
            decision.saga.held = Some(Hold { step, since, withheld: withheld || (held.withheld && held.step == step) });
        }
        (Some(held), None) => go_on(decision, held, at, before, now, rules),
    }
}

fn go_on(decision: &mut Decision, held: Hold, at: Option<(Step, Action)>, before: &Saga, now: Timestamp, rules: &Rules) {
    decision.saga.held = None;
    let Some((step, action)) = at else { return };
    if decision.saga.give_up_at == before.give_up_at {
        let stood = now.as_micros().saturating_sub(held.since.as_micros()).max(0);
        decision.saga.give_up_at = Timestamp::from_micros(decision.saga.give_up_at.as_micros().saturating_add(stood));
    }
    if decision.send.is_empty() {
        // also what was on its way when the step was paused: it may have been lost with whatever the pause was for
        decision.send.push(Send { step, action, which: Which::Pending });
    }
    decision.saga.resend_at = now.plus_seconds(i64::from(rules.limits.resend_seconds));
    decision.note("Released", story::RELEASED.with(&[&held.step]));
}
