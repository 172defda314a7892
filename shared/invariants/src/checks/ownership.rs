//! I2: at each instant one owner is billed for an Azure subscription.

use crate::{
    Checked,
    data::{Id, Point},
};

pub(super) const HOUR: i64 = 3_600_000_000;

/// The change points of one Azure subscription, in the order of (`from`, revision): on whole hours, and at one `from` the
/// revisions are 0 to n without a gap, so that there is one highest.
pub fn points_are_sound(azure: Id, points: &[Point]) -> Checked {
    let mut checked = Checked::of("I2");
    checked.item();
    let mut before: Option<&Point> = None;
    for point in points {
        checked.expect(point.from.rem_euclid(HOUR) == 0, azure, || {
            format!("the ownership of the Azure subscription {azure} changes within an hour, at {} microseconds since 1970", point.from)
        });
        let expected = before.filter(|before| before.from == point.from).map_or(0, |before| before.revision + 1);
        let in_order = before.is_none_or(|before| before.from <= point.from);
        checked.expect(in_order && point.revision == expected, azure, || {
            format!("the ownership of the Azure subscription {azure} has revision {} where {expected} was due", point.revision)
        });
        before = Some(point);
    }
    checked
}

/// An Azure subscription of one partner, and who owns its usage.
#[derive(Clone, Copy, Debug)]
pub struct Attached<'a> {
    /// The Azure subscription.
    pub azure: Id,
    /// The plan that it is under.
    pub plan: Option<Id>,
    /// The transition that put it there.
    pub by: Option<Id>,
    /// That transition's hour, where it is known.
    pub effective_at: Option<i64>,
    /// The change points that this partner's transitions have set, in order.
    pub points: &'a [Point],
}

/// What is under a plan is owned by it in the end, from its transition's hour on; what is under none is legacy's.
pub fn owner_follows_attachment(attached: &Attached<'_>) -> Checked {
    let mut checked = Checked::of("I2");
    checked.item();
    let Attached { azure, plan, by, effective_at, points } = *attached;
    let last = points.iter().max_by_key(|point| (point.from, point.revision));
    let owner = last.and_then(|point| point.plan);
    let name = |plan: Option<Id>| plan.map_or_else(|| "legacy".to_owned(), |plan| format!("the plan {plan}"));
    let same = checked.expect(owner == plan, azure, || {
        format!("the Azure subscription {azure} is under {}, but {} owns its usage", name(plan), name(owner))
    });
    let Some(last) = last.filter(|_| same && plan.is_some()) else { return checked };
    checked.expect(Some(last.by) == by, azure, || {
        format!("the Azure subscription {azure} was given its owner by the transition {}, not by the one that attached it", last.by)
    });
    checked.expect(effective_at.is_none_or(|at| at == last.from), azure, || {
        format!("the Azure subscription {azure} changes its owner at another hour than its transition's effectiveAt")
    });
    checked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{OTHER, T, id, plan_id};

    const PLAN: Option<Id> = Some(Id(0x9000));

    fn point(hour: i64, revision: u32, plan: Option<Id>) -> Point {
        Point { from: hour * HOUR, revision, plan, by: T }
    }

    #[test]
    fn points_on_whole_hours_with_revisions_from_0() {
        assert!(points_are_sound(id(1), &[]).violations.is_empty());
        let sound = [point(10, 0, PLAN), point(10, 1, None), point(12, 0, PLAN), point(-3, 0, None)];
        assert!(points_are_sound(id(1), &sound[..3]).violations.is_empty());
        let half = Point { from: 11 * HOUR + HOUR / 2, ..point(0, 0, PLAN) };
        let broken: [&[Point]; 5] =
            [&[half], &[point(10, 1, PLAN)], &[point(10, 0, PLAN), point(10, 2, None)], &[point(10, 0, PLAN), point(10, 0, None)], &sound];
        for points in broken {
            assert_eq!(points_are_sound(id(1), points).violations.len(), 1, "{points:?}");
        }
    }

    #[test]
    fn the_last_owner_is_the_plan_that_it_is_under() {
        let under = [point(10, 0, PLAN), point(10, 1, None), point(12, 0, PLAN)];
        let sound = Attached { azure: id(1), plan: PLAN, by: Some(T), effective_at: Some(12 * HOUR), points: &under };
        assert!(owner_follows_attachment(&sound).violations.is_empty());
        let free = Attached { plan: None, by: None, effective_at: None, ..sound };
        assert!(owner_follows_attachment(&Attached { points: &under[..2], ..free }).violations.is_empty());
        assert!(owner_follows_attachment(&Attached { points: &[], ..free }).violations.is_empty());
        let broken = [
            free,
            Attached { points: &under[..2], ..sound },
            Attached { points: &[], ..sound },
            Attached { plan: Some(plan_id(1)), ..sound },
            Attached { by: Some(OTHER), ..sound },
            Attached { effective_at: Some(11 * HOUR), ..sound },
        ];
        for attached in broken {
            assert_eq!(owner_follows_attachment(&attached).violations.len(), 1, "{attached:?}");
        }
    }
}
