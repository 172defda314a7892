//! I10: one transition at a time for a customer.

use crate::{Checked, data::Id};

/// The transitions of one customer (of one partner) that are not at an end.
pub fn one_live_transition(customer: Id, live: &[Id]) -> Checked {
    let mut checked = Checked::of("I10");
    checked.item();
    checked.expect(live.len() <= 1, customer, || {
        let ids: Vec<String> = live.iter().map(ToString::to_string).collect();
        format!("the customer {customer} has {} transitions that are not at an end: {}", live.len(), ids.join(", "))
    });
    checked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{OTHER, T, id};

    #[test]
    fn at_most_one() {
        for sound in [&[][..], &[T]] {
            assert!(one_live_transition(id(1), sound).violations.is_empty());
        }
        assert_eq!(one_live_transition(id(1), &[T, OTHER]).violations.len(), 1);
    }
}
