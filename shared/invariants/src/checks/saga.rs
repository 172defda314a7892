//! S2, S6: the saga's own, as they show in the ledgers.

use crate::{
    Checked,
    data::{Effect, Entry, Id, Step, Transition},
};
use std::{collections::HashSet, fmt::Display};

/// S2: once a suspension was commanded, nothing of the transition is undone or fenced.
pub fn nothing_undone_past_the_pivot(transition: &Transition) -> Checked {
    let mut checked = Checked::of("S2");
    if !transition.commanded(Step::Suspension) {
        return checked;
    }
    checked.item();
    let ledger = &transition.ledger;
    let entries = ledger.check.iter().chain(ledger.purchases.values()).chain(ledger.mappings.values()).chain(ledger.suspensions.values());
    let undone = entries.filter(|entry| entry.effect.is_undone_or_fenced()).count();
    let id = transition.id;
    checked.expect(undone == 0, id, || format!("the transition {id} is past its pivot, and {undone} of its effects are undone or fenced"));
    checked
}

/// S6: each row of a ledger is about an item that the transition has commanded, and each effect stands in a ledger.
pub fn effects_were_commanded(transition: &Transition) -> Checked {
    let mut checked = Checked::of("S6");
    let (id, ledger) = (transition.id, &transition.ledger);
    let azure: HashSet<Id> = transition.lines.iter().map(|line| line.azure).collect();
    let commerce: HashSet<Id> = transition.lines.iter().map(|line| line.commerce).collect();
    let resellers = transition.resellers();
    let mut row = |step: Step, item: &dyn Display, is_known: bool| {
        checked.item();
        checked.expect(is_known && transition.commanded(step), id, || {
            format!("the ledger of {} has {item} for the transition {id}, which has not commanded it", step.name())
        });
    };
    if ledger.check.is_some() {
        row(Step::Eligibility, &"a check", true);
    }
    ledger.purchases.keys().for_each(|item| row(Step::Purchasing, item, resellers.contains(item.as_str())));
    ledger.mappings.keys().for_each(|item| row(Step::Mapping, item, azure.contains(item)));
    ledger.suspensions.keys().for_each(|item| row(Step::Suspension, item, commerce.contains(item)));
    for item in &ledger.strange {
        checked.item();
        checked.expect(false, id, || format!("a ledger has {item:?} for the transition {id}, which is nothing that can be commanded"));
    }
    let was_done = |entry: Option<&Entry>| entry.is_some_and(|entry| matches!(entry.effect, Effect::Done | Effect::Undone));
    for line in &transition.lines {
        let attached = line.attachment.is_some_and(|a| a.by == Some(id));
        checked.expect(!attached || was_done(ledger.mappings.get(&line.azure)), id, || {
            format!("the Azure subscription {} was attached by the transition {id}, and the ledger does not say so", line.azure)
        });
        let suspended = line.legacy.is_some_and(|legacy| legacy.suspended_by == Some(id));
        checked.expect(!suspended || was_done(ledger.suspensions.get(&line.commerce)), id, || {
            format!("the commerce subscription {} was suspended by the transition {id}, and the ledger does not say so", line.commerce)
        });
    }
    checked
}

/// S6: whoever has left a trace is a transition that the coordinator knows.
pub fn is_known(transition: Id, where_found: &str, known: bool) -> Checked {
    let mut checked = Checked::of("S6");
    checked.item();
    checked.expect(known, transition, || format!("{where_found} names the transition {transition}, which the coordinator does not know"));
    checked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{T, Twin, compensated, completed, id};

    #[test]
    fn nothing_is_undone_after_the_pivot() {
        for sound in [completed(), compensated()] {
            assert!(nothing_undone_past_the_pivot(&sound).violations.is_empty());
        }
        let mut twin = completed();
        twin.ledger.mappings.values_mut().for_each(|e| e.effect = Effect::Undone);
        assert_eq!(nothing_undone_past_the_pivot(&twin).violations.len(), 1);
    }

    #[test]
    fn every_effect_was_commanded() {
        for sound in [completed(), compensated()] {
            assert!(effects_were_commanded(&sound).violations.is_empty());
        }
        let twins: [Twin; 6] = [
            (|t| t.commanded[Step::Suspension as usize] = false, 2),
            (|t| drop(t.lines.pop()), 3),
            (|t| t.ledger.mappings.retain(|item, _| *item != t.lines[0].azure), 1),
            (|t| t.ledger.mappings.values_mut().for_each(|e| e.effect = Effect::Fenced), 2),
            (|t| t.ledger.suspensions.clear(), 2),
            (|t| t.ledger.strange.push("mapping x".into()), 1),
        ];
        for (twin, found) in twins {
            let mut broken = completed();
            twin(&mut broken);
            assert_eq!(effects_were_commanded(&broken).violations.len(), found);
        }
        assert!(is_known(T, "a ledger", true).violations.is_empty());
        assert_eq!(is_known(id(3), "a ledger", false).violations.len(), 1);
    }
}
