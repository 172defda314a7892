//! I20: usage before a change of its owner is the one's, from then on the other's; and I2 of the copy of the change points.

use crate::{
    Checked,
    data::{Id, Point},
};

/// A usage record as it is stored: of which Azure subscription, when it begins (microseconds since 1970), and the plan that it was given to.
#[derive(Clone, Copy, Debug)]
pub struct UsageOwned {
    /// The Azure subscription.
    pub azure: Id,
    /// Its start.
    pub start: i64,
    /// The plan, or `None` for legacy.
    pub plan: Option<Id>,
}

/// A record is its owner's at its start, by all change points that are known where it is stored.
pub fn usage_follows_ownership(record: &UsageOwned, points: &[Point]) -> Checked {
    let mut checked = Checked::of("I20");
    checked.item();
    let UsageOwned { azure, start, plan } = *record;
    let owner =
        points.iter().filter(|point| point.from <= start).max_by_key(|point| (point.from, point.revision)).and_then(|point| point.plan);
    let name = |plan: Option<Id>| plan.map_or_else(|| "legacy".to_owned(), |plan| format!("the plan {plan}"));
    checked.expect(owner == plan, azure, || {
        format!(
            "usage of the Azure subscription {azure} at {start} microseconds since 1970 is {}'s, and was given to {}",
            name(owner),
            name(plan)
        )
    });
    checked
}

/// What is known of change points elsewhere is what mapping has said: of the same instant and revision the same owner, by the same
/// transition. That not all of them are known yet is no violation: news takes a moment.
pub fn copied_points_are_mappings(azure: Id, copied: &[Point], said: &[Point]) -> Checked {
    let mut checked = Checked::of("I2");
    checked.item();
    for point in copied {
        checked.expect(said.contains(point), azure, || {
            format!(
                "usage of the Azure subscription {azure} follows a change of its owner that mapping has never said, revision {}",
                point.revision
            )
        });
    }
    checked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{OTHER, T, id};

    const HOUR: i64 = 3_600_000_000;
    const PLAN: Option<Id> = Some(Id(0x9000));

    fn points() -> [Point; 3] {
        let point = |hour: i64, revision, plan| Point { from: hour * HOUR, revision, plan, by: T };
        [point(10, 0, PLAN), point(12, 0, None), point(12, 1, PLAN)]
    }

    #[test]
    fn a_record_is_its_owners_at_its_start() {
        for (start, plan) in [(10 * HOUR - 1, None), (10 * HOUR, PLAN), (11 * HOUR, PLAN), (12 * HOUR, PLAN)] {
            let record = UsageOwned { azure: id(1), start, plan };
            assert!(usage_follows_ownership(&record, &points()).violations.is_empty(), "{start}");
            let other = UsageOwned { plan: if plan.is_some() { None } else { PLAN }, ..record };
            assert_eq!(usage_follows_ownership(&other, &points()).violations.len(), 1, "{start}");
        }
    }

    #[test]
    fn a_copy_may_be_behind_and_never_says_more() {
        let said = points();
        assert!(copied_points_are_mappings(id(1), &said[..2], &said).violations.is_empty());
        assert_eq!(copied_points_are_mappings(id(1), &said, &said[..2]).violations.len(), 1);
        let other = [Point { by: OTHER, ..said[0] }];
        assert_eq!(copied_points_are_mappings(id(1), &other, &said).violations.len(), 1);
    }
}
