//! Who is billed for an Azure subscription's usage from when: an append-only list of change points.
//!
//! The owner at an instant is that of the latest `from` at or before it, and of the highest revision there. So intervals
//! have no gaps and do not overlap by construction, whatever was appended.

use crate::{ids::PlanId, time::Timestamp};

/// Who owns the usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The legacy commerce subscription (invoice D).
    Legacy,
    /// An Azure plan (invoice G).
    Plan(PlanId),
}

/// From `from` on, `owner` owns the usage, unless a later point or a higher revision at the same point says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangePoint {
    /// A whole UTC hour.
    pub from: Timestamp,
    /// Counts up at one `from`, from 0.
    pub revision: u32,
    /// From then on.
    pub owner: Owner,
}

/// The owner at `instant`: legacy before the first point.
pub fn owner_at(points: &[ChangePoint], instant: Timestamp) -> Owner {
    points.iter().filter(|p| p.from <= instant).max_by_key(|p| (p.from, p.revision)).map_or(Owner::Legacy, |p| p.owner)
}

/// When an undo gives ownership back: at `effective_at`, or at the first whole hour after the undo where that is later.
/// Before `effective_at` that is a higher revision at the same point, and the plan never owned anything.
pub fn give_back_at(effective_at: Timestamp, undone_at: Timestamp) -> Timestamp {
    undone_at.next_whole_hour().max(effective_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }
    const PLAN: Owner = Owner::Plan(PlanId(Uuid::from_u128(1)));

    /// Worked example C of the domain: mapped for 11:00, undone at 11:05, given back at 12:00.
    #[test]
    fn an_hour_that_has_begun_stays_with_the_plan() {
        let back = give_back_at(at("2026-09-18T11:00:00Z"), at("2026-09-18T11:05:00Z"));
        assert_eq!(back, at("2026-09-18T12:00:00Z"));
        let points = [
            ChangePoint { from: at("2026-09-18T11:00:00Z"), revision: 0, owner: PLAN },
            ChangePoint { from: back, revision: 0, owner: Owner::Legacy },
        ];
        assert_eq!(owner_at(&points, at("2026-09-18T10:59:59Z")), Owner::Legacy);
        assert_eq!(owner_at(&points, at("2026-09-18T11:00:00Z")), PLAN);
        assert_eq!(owner_at(&points, at("2026-09-18T11:59:59Z")), PLAN);
        assert_eq!(owner_at(&points, at("2026-09-18T12:00:00Z")), Owner::Legacy);
    }

    #[test]
    fn an_undo_before_the_cut_leaves_the_plan_nothing() {
        let cut = at("2026-09-18T11:00:00Z");
        assert_eq!(give_back_at(cut, at("2026-09-18T10:40:00Z")), cut);
        let points = [ChangePoint { from: cut, revision: 0, owner: PLAN }, ChangePoint { from: cut, revision: 1, owner: Owner::Legacy }];
        assert_eq!(owner_at(&points, cut), Owner::Legacy);
        assert_eq!(owner_at(&points, at("2027-01-01T00:00:00Z")), Owner::Legacy);
    }

    #[test]
    fn an_undo_at_the_cut_itself_gives_back_an_hour_later() {
        let cut = at("2026-09-18T11:00:00Z");
        assert_eq!(give_back_at(cut, cut), at("2026-09-18T12:00:00Z"));
    }
}
