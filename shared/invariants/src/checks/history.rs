//! I14, I19: what the history of a transition tells.

use crate::{Checked, data::Id};

/// A transition's history, as far as its states go.
#[derive(Clone, Copy, Debug)]
pub struct HistoryOf<'a, S> {
    /// The transition.
    pub transition: Id,
    /// The state after each entry, in order.
    pub states: &'a [S],
    /// The state that the transition is in.
    pub state: S,
    /// It says that it has ended.
    pub has_ended: bool,
}

/// I14: from one entry to the next the state stays or makes a legal move, `NeedsOperator` goes back to what it left, the last
/// entry's state is the transition's, and a time of end stands beside a state that is an end and beside no other.
pub fn moves_are_legal<S: Copy + PartialEq + std::fmt::Display>(
    history: &HistoryOf<'_, S>,
    is_legal: impl Fn(S, S) -> bool,
    is_end: impl Fn(S) -> bool,
    needs_operator: S,
) -> Checked {
    let mut checked = Checked::of("I14");
    checked.item();
    let HistoryOf { transition, states, state, has_ended } = *history;
    let mut left = None;
    for pair in states.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let back = from != needs_operator || left.is_none_or(|left| left == to);
        checked.expect(from == to || (is_legal(from, to) && back), transition, || {
            format!("the transition {transition} went from {from} to {to}")
        });
        if from != to && to == needs_operator {
            left = Some(from);
        }
    }
    checked.expect(states.last().is_none_or(|last| *last == state), transition, || {
        format!("the transition {transition} is {state}, and its history does not tell how it came there")
    });
    checked.expect(is_end(state) == has_ended, transition, || {
        let not = if has_ended { "" } else { " no" };
        format!("the transition {transition} is {state} and has{not} time of end")
    });
    checked
}

/// I19: no entry is missing or was changed. `broken_at` is the first entry whose hash or number is not what the one before it
/// demands; `told` and `stored` are how many entries the transition says that it has, and how many there are.
pub fn history_is_whole(transition: Id, told: usize, stored: usize, broken_at: Option<u32>, same_end: bool) -> Checked {
    let mut checked = Checked::of("I19");
    checked.item();
    let whole = checked.expect(broken_at.is_none(), transition, || {
        format!("the history of the transition {transition} was changed at entry {}", broken_at.unwrap_or_default())
    });
    checked.expect(!whole || (told == stored && same_end), transition, || {
        format!("the history of the transition {transition} does not end where it should: {stored} of {told} entries")
    });
    checked
}

/// How a customer's chain is stored.
#[derive(Clone, Copy, Debug)]
pub struct ChainOf {
    /// The customer.
    pub customer: Id,
    /// How many entries it says that it has.
    pub told: u32,
    /// How many there are.
    pub stored: u32,
    /// The first entry whose hash or number is not what the one before it demands.
    pub broken_at: Option<u32>,
    /// The last entry's hash is the one that the chain says that it ends with.
    pub same_end: bool,
}

/// I19: no entry of a customer's chain is missing or was changed.
pub fn chain_is_whole(chain: &ChainOf) -> Checked {
    let ChainOf { customer, told, stored, broken_at, same_end } = *chain;
    let mut checked = Checked::of("I19");
    checked.item();
    let whole = checked.expect(broken_at.is_none(), customer, || {
        format!("the chain of the customer {customer} was changed at entry {}", broken_at.unwrap_or_default())
    });
    checked.expect(!whole || (told == stored && same_end), customer, || {
        format!("the chain of the customer {customer} does not end where it should: {stored} of {told} entries")
    });
    checked
}

/// I19: the history of a transition is still what a customer's chain has sealed. `is` is the hash of the history's entry of that
/// number, where there is one.
pub fn seal_holds(customer: Id, transition: Id, entries: u32, sealed: &str, is: Option<&str>) -> Checked {
    let mut checked = Checked::of("I19");
    checked.item();
    checked.expect(is == Some(sealed), transition, || {
        format!(
            "the first {entries} entries of the transition {transition} are not those that the chain of its customer {customer} has sealed"
        )
    });
    checked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::T;

    fn found(states: &[char], state: char, has_ended: bool) -> usize {
        let legal = |from, to| matches!((from, to), ('a', 'b' | 'c') | ('b' | 'c', 'n' | 'e') | ('n', 'b' | 'c'));
        moves_are_legal(&HistoryOf { transition: T, states, state, has_ended }, legal, |s| s == 'e', 'n').violations.len()
    }

    #[test]
    fn only_legal_moves() {
        assert_eq!(found(&['a', 'a', 'b', 'n', 'b', 'e', 'e'], 'e', true), 0);
        assert_eq!(found(&['a', 'b'], 'b', false), 0);
        assert_eq!(found(&['a', 'e'], 'e', true), 1, "a move that is not in the table");
        assert_eq!(found(&['a', 'b', 'e', 'b'], 'b', false), 1, "an end that was left");
        assert_eq!(found(&['a', 'b', 'n', 'c'], 'c', false), 1, "back where it did not come from");
        assert_eq!(found(&['a', 'b'], 'e', true), 1, "a state set by hand");
        assert_eq!(found(&['a', 'b', 'e'], 'e', false), 1, "an end without its time");
    }

    #[test]
    fn a_changed_or_shortened_history_is_found() {
        assert!(history_is_whole(T, 3, 3, None, true).violations.is_empty());
        for (stored, broken, same_end) in [(3, Some(2), true), (2, None, true), (3, None, false)] {
            assert_eq!(history_is_whole(T, 3, stored, broken, same_end).violations.len(), 1);
        }
    }

    #[test]
    fn a_changed_or_shortened_chain_and_a_broken_seal_are_found() {
        let chain = ChainOf { customer: T, told: 3, stored: 3, broken_at: None, same_end: true };
        assert!(chain_is_whole(&chain).violations.is_empty());
        for broken in [
            ChainOf { broken_at: Some(2), ..chain },
            ChainOf { stored: 2, ..chain },
            ChainOf { told: 2, ..chain },
            ChainOf { same_end: false, ..chain },
        ] {
            assert_eq!(chain_is_whole(&broken).violations.len(), 1, "{broken:?}");
        }
        assert!(seal_holds(T, T, 1, "a", Some("a")).violations.is_empty());
        assert_eq!(seal_holds(T, T, 1, "a", Some("b")).violations.len() + seal_holds(T, T, 1, "a", None).violations.len(), 2);
    }
}
