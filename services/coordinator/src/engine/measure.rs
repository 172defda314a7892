//! What is shown of transitions: how many there are in each state, and how old they are.

use super::Engine;
use crate::store::measure::{Alike, InLine, measure};
use planshift_domain::{message::request::Priority, step::Step, time::Timestamp, transition::State};
use planshift_storage::StorageError;
use planshift_worker::metrics::{
    Metrics, TRANSITIONS_ACTIVE, TRANSITIONS_HELD, TRANSITIONS_OLDEST, TRANSITIONS_UNMOVED, TRANSITIONS_UNSENT, TRANSITIONS_UNSENT_OLDEST,
    TRANSITIONS_WAITING, TRANSITIONS_WAITING_OLDEST,
};

impl Engine {
    /// Shows how many transitions there are, and how old.
    ///
    /// # Errors
    /// The database's; what was shown before stays.
    pub async fn measure(&self) -> Result<(), StorageError> {
        let (alike, line) = measure(&self.db).await?;
        show(&self.metrics, &alike, &line, self.ports.clock.now());
        Ok(())
    }
}

fn show(metrics: &Metrics, alike: &[Alike], line: &[InLine], now: Timestamp) {
    // what a row says may be a little newer than the clock here
    let ago = |times: &mut dyn Iterator<Item = Timestamp>| {
        times.min().map_or(0.0, |since| now.as_micros().saturating_sub(since.as_micros()).max(0) as f64 / 1e6)
    };
    for state in State::ALL.into_iter().filter(|state| !state.is_end()) {
        let labels = [("state", state.name())];
        let of_it = || alike.iter().filter(move |alike| alike.state == state);
        metrics.set(TRANSITIONS_ACTIVE, &labels, of_it().map(|alike| alike.count).sum::<i64>() as f64);
        metrics.set(TRANSITIONS_OLDEST, &labels, ago(&mut of_it().map(|alike| alike.started_at)));
        // who is held at a paused step waits for whoever has paused it
        metrics.set(TRANSITIONS_UNMOVED, &labels, ago(&mut of_it().filter(|alike| alike.held.is_none()).map(|alike| alike.touched_at)));
    }
    for step in Step::ALL {
        let held = alike.iter().filter(|alike| alike.held == Some(step) && !alike.state.is_end()).map(|alike| alike.count);
        metrics.set(TRANSITIONS_HELD, &[("step", step.name())], held.sum::<i64>() as f64);
    }
    for priority in Priority::ALL {
        let labels = [("priority", priority.name())];
        let of_it = || line.iter().filter(move |of| of.priority == priority);
        metrics.set(TRANSITIONS_WAITING, &labels, of_it().map(|of| of.count).sum::<i64>() as f64);
        metrics.set(TRANSITIONS_WAITING_OLDEST, &labels, ago(&mut of_it().map(|of| of.since)));
    }
    metrics.set(TRANSITIONS_UNSENT, &[], alike.iter().map(|alike| alike.unsent).sum::<i64>() as f64);
    metrics.set(TRANSITIONS_UNSENT_OLDEST, &[], ago(&mut alike.iter().filter_map(|alike| alike.unsent_since)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_of_the_oldest_and_who_is_held_does_not_stand_still() {
        let at = Timestamp::from_micros;
        let one = |state, held, started, touched, unsent: Option<i64>| Alike {
            state,
            held,
            count: 2,
            started_at: at(started),
            touched_at: at(touched),
            unsent: i64::from(unsent.is_some()),
            unsent_since: unsent.map(at),
        };
        let alike = [
            one(State::MappingSubscriptions, None, 2_000_000, 9_000_000, None),
            one(State::MappingSubscriptions, Some(Step::Mapping), 1_000_000, 3_000_000, Some(7_000_000)),
            one(State::Completed, None, 0, 0, Some(8_000_000)),
        ];
        let metrics = Metrics::new();
        let line = [InLine { priority: Priority::Background, count: 3, since: at(4_000_000) }];
        show(&metrics, &alike, &line, at(10_000_000));
        let text = metrics.text();
        for line in [
            "planshift_transitions_active{state=\"MappingSubscriptions\"} 4",
            "planshift_transitions_active{state=\"NeedsOperator\"} 0",
            "planshift_transitions_oldest_seconds{state=\"MappingSubscriptions\"} 9",
            "planshift_transitions_unmoved_seconds{state=\"MappingSubscriptions\"} 1",
            "planshift_transitions_oldest_seconds{state=\"Requested\"} 0",
            "planshift_transitions_held{step=\"mapping\"} 2",
            "planshift_transitions_waiting{priority=\"background\"} 3",
            "planshift_transitions_waiting{priority=\"interactive\"} 0",
            "planshift_transitions_waiting_oldest_seconds{priority=\"background\"} 6",
            "planshift_transitions_unsent 2",
            "planshift_transitions_unsent_oldest_seconds 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        assert!(!text.contains("Completed"), "{text}");
    }
}
