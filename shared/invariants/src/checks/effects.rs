//! I2, I11, I19, I23: what a service sees of its own effects, in the moment of having them.

use crate::{
    Checked,
    data::{Effect, Id},
};

/// I11: an effect is had where there was none (nothing, a refusal, or a call outside whose outcome was looked up), and undone where
/// there was one.
pub fn had_once(item: &str, before: Option<Effect>, is_undo: bool) -> Checked {
    let mut checked = Checked::of("I11");
    checked.item();
    let sound = match before {
        None | Some(Effect::Refused) => !is_undo,
        Some(Effect::Intent) => true,
        Some(Effect::Done) => is_undo,
        Some(Effect::Undone | Effect::Fenced) => false,
    };
    checked.expect(sound, item, || {
        let what = if is_undo { "undone" } else { "done" };
        format!("{item} is to be {what}, and the ledger says {before:?} of it")
    });
    checked
}

/// I2: each change of owner is on a whole hour (`from`: microseconds since 1970) …
pub fn changes_on_the_hour(changes: impl IntoIterator<Item = (Id, i64)>) -> Checked {
    let mut checked = Checked::of("I2");
    for (azure, from) in changes {
        checked.item();
        checked.expect(from.rem_euclid(super::ownership::HOUR) == 0, azure, || {
            format!("the ownership of the Azure subscription {azure} is to change within an hour, at {from} microseconds since 1970")
        });
    }
    checked
}

/// … and I2: none of the changes of a batch is lost. There may be more of them than were asked for: those that lie later are
/// overruled by one each.
pub fn every_change_is_stored(asked: usize, stored: u64) -> Checked {
    let mut checked = Checked::of("I2");
    checked.item();
    checked.expect(stored >= asked as u64, "ownership", || format!("of {asked} changes of ownership {stored} were stored"));
    checked
}

/// I19: a change of state is the last thing that the history tells, and its entries are numbered on from those before.
pub fn change_is_told<S: Copy + PartialEq + std::fmt::Display>(
    transition: Id,
    (before, after): (S, S),
    entries_before: u32,
    entries: impl IntoIterator<Item = (u32, S)>,
) -> Checked {
    let mut checked = Checked::of("I19");
    checked.item();
    let (mut numbers, mut told, mut in_order) = (entries_before, before, true);
    for (number, state) in entries {
        in_order &= number == numbers + 1;
        (numbers, told) = (number, state);
    }
    checked.expect(in_order && told == after, transition, || {
        format!("the transition {transition} went from {before} to {after}, and its history tells of {told} in entry {numbers}")
    });
    checked
}

/// I23: for one customer and reseller, at most one plan is bought, and none where there was one to be used again.
pub fn bought_at_most_once(customer: Id, reseller: &str, had: bool, bought: usize) -> Checked {
    let mut checked = Checked::of("I23");
    checked.item();
    checked.expect(bought == 0 || (bought == 1 && !had), customer, || {
        let there = if had { "one was there" } else { "none was there" };
        format!("{bought} plan(s) are bought for the customer {customer} and the reseller {reseller}, and {there}")
    });
    checked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{T, id};

    #[test]
    fn an_effect_is_had_once() {
        let sound = |before, is_undo| had_once("x", before, is_undo).violations.is_empty();
        for before in [None, Some(Effect::Refused)] {
            assert!(sound(before, false) && !sound(before, true));
        }
        assert!(sound(Some(Effect::Done), true) && !sound(Some(Effect::Done), false));
        assert!(sound(Some(Effect::Intent), false) && sound(Some(Effect::Intent), true));
        for last in [Effect::Undone, Effect::Fenced] {
            assert!(!sound(Some(last), false) && !sound(Some(last), true));
        }
    }

    #[test]
    fn owners_change_on_the_hour_and_every_change_is_kept() {
        let hour = 3_600_000_000;
        assert_eq!(changes_on_the_hour([(id(1), hour), (id(2), 0)]).violations, []);
        let twin = changes_on_the_hour([(id(1), hour + 1), (id(2), 0)]);
        assert_eq!((twin.items, twin.violations.len()), (2, 1));
        assert!(every_change_is_stored(2, 2).violations.is_empty() && every_change_is_stored(2, 5).violations.is_empty());
        assert_eq!(every_change_is_stored(2, 1).violations.len(), 1);
    }

    #[test]
    fn every_change_of_state_is_told() {
        let told = |states, entries: &[(u32, char)]| change_is_told(T, states, 3, entries.iter().copied()).violations.len();
        assert_eq!(told(('a', 'b'), &[(4, 'a'), (5, 'b')]), 0);
        assert_eq!(told(('a', 'a'), &[]), 0);
        assert_eq!(told(('a', 'b'), &[]), 1);
        assert_eq!(told(('a', 'b'), &[(4, 'a')]), 1);
        assert_eq!(told(('a', 'b'), &[(5, 'b')]), 1);
    }

    #[test]
    fn a_plan_is_bought_where_there_is_none() {
        let violations = |had, bought| bought_at_most_once(id(1), "r", had, bought).violations.len();
        assert_eq!((violations(true, 0), violations(false, 1), violations(false, 0)), (0, 0, 0));
        assert_eq!((violations(true, 1), violations(false, 2)), (1, 1));
    }
}
