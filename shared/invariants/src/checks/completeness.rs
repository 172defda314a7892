//! I12: each subscription in scope is exactly one line, and each line ends.

use crate::{
    Checked,
    data::{Effect, Id, Stand, Step, Transition},
};
use std::collections::HashSet;

/// The lines of a transition from `PurchasingPlans` on: as many as it says, none twice; once it is completed, each one is a line
/// of it for eligibility too; once it is at an end, each one is final in every step that was commanded.
pub fn lines_are_whole(transition: &Transition) -> Checked {
    let mut checked = Checked::of("I12");
    if !transition.commanded(Step::Purchasing) {
        return checked;
    }
    let (id, ledger) = (transition.id, &transition.ledger);
    checked.item();
    checked.expect(transition.lines.len() == transition.line_count, id, || {
        format!("the transition {id} has {} line(s) of {}", transition.lines.len(), transition.line_count)
    });
    let azure: HashSet<Id> = transition.lines.iter().map(|line| line.azure).collect();
    let commerce: HashSet<Id> = transition.lines.iter().map(|line| line.commerce).collect();
    let each_once = azure.len() == transition.lines.len() && commerce.len() == transition.lines.len();
    checked.expect(each_once, id, || format!("the transition {id} has a subscription in two lines"));
    if !transition.stand.is_end() {
        return checked;
    }
    for line in &transition.lines {
        checked.item();
        if transition.stand == Stand::Completed {
            let is_marked = line.mark.as_ref().is_some_and(|mark| mark.line_of == id && mark.commerce == line.commerce);
            checked.expect(is_marked, id, || {
                format!("the Azure subscription {} is a line of the transition {id}, but not for eligibility", line.azure)
            });
        }
        let ended = |step, entry: Option<&crate::data::Entry>| {
            !transition.commanded(step) || entry.is_some_and(|entry| !matches!(entry.effect, Effect::Intent | Effect::Refused))
        };
        let all_ended =
            ended(Step::Mapping, ledger.mappings.get(&line.azure)) && ended(Step::Suspension, ledger.suspensions.get(&line.commerce));
        checked.expect(all_ended, id, || format!("the transition {id} is at an end, but its line {} is not", line.azure));
    }
    checked
}

/// How many lines a transition has for the coordinator, and for eligibility.
#[derive(Clone, Copy, Debug)]
pub struct Count {
    /// The transition.
    pub transition: Id,
    /// Where it stands.
    pub stand: Stand,
    /// How many lines it says that it has.
    pub lines: u64,
    /// How many subscriptions eligibility says are lines of it.
    pub marked: u64,
}

/// A completed transition has as many lines as eligibility has marked for it; one that moved nothing holds none.
pub fn lines_are_counted(count: &Count) -> Checked {
    let mut checked = Checked::of("I12");
    let Count { transition, stand, lines, marked } = *count;
    let expected = match stand {
        Stand::Completed => lines,
        Stand::Compensated | Stand::Ineligible => 0,
        Stand::UnderWay | Stand::NeedsOperator => return checked,
    };
    checked.item();
    checked.expect(marked == expected, transition, || {
        format!("eligibility holds {marked} subscription(s) as lines of the transition {transition}, which has {expected}")
    });
    checked
}

/// What was in scope of a completed transition by the same facts and has become nobody's line.
pub fn nothing_is_left(transition: Id, left: &[Id]) -> Checked {
    let mut checked = Checked::of("I12");
    checked.item();
    for commerce in left {
        checked.expect(false, transition, || {
            format!("the transition {transition} is completed, but the commerce subscription {commerce} was in scope and is no line")
        });
    }
    checked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{T, Twin, compensated, completed, id};

    #[test]
    fn each_line_is_there_once_and_ends() {
        for sound in [completed(), compensated()] {
            let checked = lines_are_whole(&sound);
            assert_eq!((checked.items, checked.violations.len()), (3, 0));
        }
        let twins: [Twin; 6] = [
            (|t| drop(t.lines.pop()), 1),
            (|t| t.line_count = 1, 1),
            (|t| t.lines[1] = t.lines[0].clone(), 1),
            (|t| t.lines[0].mark = None, 1),
            (|t| t.ledger.mappings.retain(|item, _| *item != t.lines[0].azure), 1),
            (|t| t.ledger.suspensions.values_mut().for_each(|e| e.effect = Effect::Refused), 2),
        ];
        for (twin, found) in twins {
            let mut broken = completed();
            twin(&mut broken);
            assert_eq!(lines_are_whole(&broken).violations.len(), found);
        }
    }

    #[test]
    fn both_sides_count_the_same() {
        let count = |stand, marked| lines_are_counted(&Count { transition: T, stand, lines: 2, marked }).violations.len();
        assert_eq!((count(Stand::Completed, 2), count(Stand::Compensated, 0), count(Stand::UnderWay, 7)), (0, 0, 0));
        assert_eq!((count(Stand::Completed, 3), count(Stand::Compensated, 1), count(Stand::Ineligible, 1)), (1, 1, 1));
    }

    #[test]
    fn what_was_left_out_is_found() {
        assert!(nothing_is_left(T, &[]).violations.is_empty());
        assert_eq!(nothing_is_left(T, &[id(1), id(2)]).violations.len(), 2);
    }
}
