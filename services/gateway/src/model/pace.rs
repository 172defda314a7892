//! How fast a transition goes, by the packets of its present step that were answered last.

use super::ReadModel;
use planshift_domain::{
    ids::TransitionId,
    step::Step,
    time::Timestamp,
    transition::{State, TransitionRow},
};
use planshift_storage::{Args, Statement, StorageError};

/// How many moments at which packets were told of are looked at.
const MOMENTS: u32 = 20;
/// A transition that is silent for so many times its usual pause, and this many microseconds more, has no end that could be told.
const SILENT_TIMES: i64 = 10;
const SILENT_AT_LEAST: i64 = 30_000_000;

static PACE: Statement = Statement::new(
    "SELECT told_at, count(*), (SELECT count(*) FROM packets AS p WHERE p.transition_id = $1 AND p.step = $2 AND p.action = 'do')
     FROM packets WHERE transition_id = $1 AND step = $2 AND action = 'do' AND told_at > 0
     GROUP BY told_at ORDER BY told_at DESC LIMIT $3",
);

/// The packets of a step that were told of at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    at: i64,
    packets: i64,
}

/// What is known of a transition's pace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    /// The newest first.
    moments: Vec<Moment>,
    /// How many packets of the step were answered in all.
    answered: i64,
}

impl ReadModel {
    /// The pace of the step that the transition is at; nothing where it is at none that has a pace.
    pub(crate) async fn pace(&self, row: &TransitionRow) -> Result<Pace, StorageError> {
        let step = match row.state {
            State::MappingSubscriptions => Step::Mapping,
            State::SuspendingCommerce => Step::Suspension,
            _ => return Ok(Pace::default()),
        };
        self.pace_of(row.id, step).await
    }

    async fn pace_of(&self, id: TransitionId, step: Step) -> Result<Pace, StorageError> {
        let rows = self.database.query(&PACE, Args::new().value(id.0).value(step.name()).value(MOMENTS)).await?;
        let mut pace = Pace::default();
        for row in &rows {
            pace.moments.push(Moment { at: row.get(0)?, packets: row.get(1)? });
            pace.answered = row.get(2)?;
        }
        Ok(pace)
    }
}

/// How far a transition is, per cent: each subscription is mapped and suspended. Nothing where it turned back: what is left to undo
/// is not counted.
pub(crate) fn percent(row: &TransitionRow) -> Option<u32> {
    match row.state {
        State::Completed => Some(100),
        State::Compensating | State::Compensated | State::Ineligible => None,
        State::NeedsOperator if row.left_state == Some(State::Compensating) => None,
        _ => {
            let all = u64::from(row.lines) * 2;
            let done = u64::from(row.mapped) + u64::from(row.suspended);
            // all but the last word: 100 is said of what has completed alone
            Some(u32::try_from((done * 100).checked_div(all).unwrap_or_default()).unwrap_or_default().min(99))
        }
    }
}

/// When the transition ends, should it go on as fast as lately. While it maps, suspending is taken to be as fast as mapping. Nothing
/// where fewer than two moments are known, where it is silent for long, and in any other state.
pub(crate) fn expected_end(row: &TransitionRow, pace: &Pace, now: Timestamp) -> Option<Timestamp> {
    let (done, left) = match row.state {
        State::MappingSubscriptions => (row.mapped, u64::from(row.lines.saturating_sub(row.mapped)) + u64::from(row.lines)),
        State::SuspendingCommerce => (row.suspended, u64::from(row.lines.saturating_sub(row.suspended))),
        _ => return None,
    };
    let (newest, oldest) = (pace.moments.first()?, pace.moments.last()?);
    let span = newest.at - oldest.at;
    // what was told at the oldest moment was done before the span begins
    let packets: i64 = pace.moments.iter().map(|moment| moment.packets).sum::<i64>() - oldest.packets;
    if span <= 0 || packets <= 0 || done == 0 || pace.answered <= 0 {
        return None;
    }
    let pauses = i64::try_from(pace.moments.len()).unwrap_or(i64::MAX) - 1;
    let silent = now.as_micros() - newest.at;
    if silent > (span / pauses.max(1)).saturating_mul(SILENT_TIMES).saturating_add(SILENT_AT_LEAST) {
        return None;
    }
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "an estimate, of numbers far below 2^52")]
    let micros = {
        let lines_a_packet = f64::from(done) / pace.answered as f64;
        let micros_a_line = span as f64 / (packets as f64 * lines_a_packet);
        (left as f64 * micros_a_line) as i64
    };
    Some(Timestamp::from_micros(newest.at.saturating_add(micros).max(now.as_micros())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{at, transition};

    fn row(state: State, mapped: u32, suspended: u32) -> TransitionRow {
        TransitionRow { lines: 1_000, mapped, suspended, ..transition(1, 9, state) }
    }

    fn pace(moments: &[(i64, i64)], answered: i64) -> Pace {
        Pace { moments: moments.iter().map(|(second, packets)| Moment { at: second * 1_000_000, packets: *packets }).collect(), answered }
    }

    #[test]
    fn the_end_is_told_by_the_last_packets_and_not_without_them() {
        // 50 lines a packet, two packets a second: 100 lines a second, and 900 + 1,000 to go
        let half = pace(&[(12, 1), (11, 2), (10, 5)], 2);
        let mapping = row(State::MappingSubscriptions, 100, 0);
        let end = expected_end(&mapping, &half, at(12)).unwrap();
        assert_eq!(end.as_micros(), (12_000_000 + 1_900 * 2_000_000 / 150), "three packets of 50 in two seconds");
        let suspending = row(State::SuspendingCommerce, 1_000, 500);
        assert_eq!(expected_end(&suspending, &pace(&[(20, 10), (10, 1)], 10), at(20)), Some(at(30)));
        assert_eq!(expected_end(&suspending, &pace(&[(20, 10), (10, 1)], 10), at(25)), Some(at(30)));
        for nothing in [pace(&[], 0), pace(&[(10, 3)], 3)] {
            assert_eq!(expected_end(&mapping, &nothing, at(12)), None);
        }
        assert_eq!(expected_end(&mapping, &half, at(12 + 60)), None, "silent");
        assert_eq!(expected_end(&row(State::Compensating, 100, 0), &half, at(12)), None);
    }

    #[test]
    fn how_far_is_counted_in_what_is_mapped_and_suspended() {
        for (row, expected) in [
            (transition(1, 1, State::Requested), Some(0)),
            (row(State::MappingSubscriptions, 500, 0), Some(25)),
            (row(State::SuspendingCommerce, 1_000, 1_000), Some(99)),
            (row(State::Completed, 1_000, 1_000), Some(100)),
            (row(State::NeedsOperator, 1_000, 500), Some(75)),
            (row(State::Compensating, 500, 0), None),
            (row(State::Ineligible, 0, 0), None),
        ] {
            assert_eq!(percent(&row), expected, "{:?}", row.state);
        }
    }
}
