//! Who owns records: the intervals of a subscription.

use planshift_domain::{
    ownership::{ChangePoint, Owner},
    time::Timestamp,
};

/// From `from` until the next interval begins, `owner` owns the usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// None: from the beginning.
    pub from: Option<Timestamp>,
    /// Who.
    pub owner: Owner,
}

/// The intervals that change points come to, in their order: of points at one instant the highest revision counts, and one that changes
/// nothing is left out. The first one has no beginning, and each ends where the next begins: no gap, no overlap.
pub fn intervals(points: &[ChangePoint]) -> Vec<Interval> {
    let mut sorted = points.to_vec();
    sorted.sort_by_key(|point| (point.from, point.revision));
    let mut intervals = vec![Interval { from: None, owner: Owner::Legacy }];
    for (place, point) in sorted.iter().enumerate() {
        if sorted.get(place + 1).is_some_and(|next| next.from == point.from) {
            continue;
        }
        if intervals.last().is_some_and(|last| last.owner != point.owner) {
            intervals.push(Interval { from: Some(point.from), owner: point.owner });
        }
    }
    intervals
}

/// The owner at `instant`, of intervals in their order.
pub fn owner_in(intervals: &[Interval], instant: Timestamp) -> Owner {
    let began = intervals.partition_point(|interval| interval.from.is_none_or(|from| from <= instant));
    began.checked_sub(1).and_then(|place| intervals.get(place)).map_or(Owner::Legacy, |interval| interval.owner)
}
