//! I3: plan, mapping, suspension, in this order for each line.

use crate::{
    Checked,
    data::{Effect, Entry, Transition},
};

/// How much earlier a later step may seem: each worker writes the time of its own host's clock. In microseconds.
pub const CLOCK_TOLERANCE: i64 = 60_000_000;

/// Each line whose suspension is done was mapped before, and its plan was there before that.
pub fn suspended_last(transition: &Transition) -> Checked {
    let mut checked = Checked::of("I3");
    let ledger = &transition.ledger;
    for line in &transition.lines {
        let Some(suspended) = done(ledger.suspensions.get(&line.commerce)) else { continue };
        checked.item();
        let (mapped, bought) = (done(ledger.mappings.get(&line.azure)), done(ledger.purchases.get(&line.reseller)));
        checked.expect(mapped.is_some() && bought.is_some(), transition.id, || {
            let missing = if mapped.is_none() { "is not mapped" } else { "has no plan" };
            format!("the commerce subscription {} is suspended, but its Azure subscription {} {missing}", line.commerce, line.azure)
        });
        let before = |earlier: Option<Entry>, later: Entry| earlier.is_none_or(|earlier| earlier.at <= later.at + CLOCK_TOLERANCE);
        let in_order = before(mapped, suspended) && mapped.is_none_or(|mapped| before(bought, mapped));
        checked.expect(in_order, transition.id, || {
            format!(
                "the commerce subscription {} was suspended before its line was mapped, or mapped before its plan was bought",
                line.commerce
            )
        });
    }
    checked
}

fn done(entry: Option<&Entry>) -> Option<Entry> {
    entry.copied().filter(|entry| entry.effect == Effect::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{compensated, completed};

    #[test]
    fn suspended_after_mapped_after_bought() {
        let sound = suspended_last(&completed());
        assert_eq!((sound.items, sound.violations.len()), (2, 0));
        assert_eq!(suspended_last(&compensated()).items, 0);

        let mut not_mapped = completed();
        not_mapped.ledger.mappings.clear();
        assert_eq!(suspended_last(&not_mapped).violations.len(), 2);
        let mut no_plan = completed();
        no_plan.ledger.purchases.values_mut().for_each(|e| e.effect = Effect::Refused);
        assert_eq!(suspended_last(&no_plan).violations.len(), 2);
    }

    #[test]
    fn clocks_may_differ_a_little() {
        let mut t = completed();
        t.ledger.mappings.values_mut().for_each(|e| e.at += CLOCK_TOLERANCE / 2);
        assert_eq!(suspended_last(&t).violations.len(), 0);
        t.ledger.mappings.values_mut().for_each(|e| e.at += CLOCK_TOLERANCE);
        assert_eq!(suspended_last(&t).violations.len(), 2);
    }
}
