//! I7, I8, I23: plans and their resellers.

use crate::{
    Checked,
    data::{Id, Stand, Step, StoredPlan, Transition},
};
use std::collections::{BTreeMap, BTreeSet};

/// I7: a transition has as many plans as its lines have resellers; once it is completed, one of its own for each.
pub fn one_plan_each(transition: &Transition) -> Checked {
    let mut checked = Checked::of("I7");
    if !transition.commanded(Step::Purchasing) {
        return checked;
    }
    checked.item();
    let (id, resellers) = (transition.id, transition.resellers());
    checked.expect(transition.plan_count == resellers.len(), id, || {
        format!("the transition {id} has {} plan(s) for the {} reseller(s) of its lines", transition.plan_count, resellers.len())
    });
    if transition.stand == Stand::Completed {
        let with_plan: BTreeSet<&str> = transition.plans.iter().filter(|p| p.plan.is_some()).map(|p| p.reseller.as_str()).collect();
        let plans: BTreeSet<Id> = transition.plans.iter().filter_map(|p| p.plan).collect();
        checked.expect(with_plan == resellers && plans.len() == resellers.len(), id, || {
            format!("the transition {id} is completed with {} plan(s) for {} reseller(s)", plans.len(), resellers.len())
        });
    }
    checked
}

/// I7: of all plans of one customer, at most one that was bought here is active for each reseller.
pub fn one_active_plan(customer: Id, plans: &[StoredPlan]) -> Checked {
    at_most_one("I7", customer, plans, |plan| plan.active, "active plans that were bought")
}

/// I23: of all plans of one customer, at most one was ever bought here for each reseller, but for those that are gone: an
/// empty one that a compensation left is used again.
pub fn one_bought_plan(customer: Id, plans: &[StoredPlan]) -> Checked {
    at_most_one("I23", customer, plans, |plan| !plan.deleted, "plans that were bought, though one was there to be used again")
}

fn at_most_one(invariant: &'static str, customer: Id, plans: &[StoredPlan], counts: impl Fn(&StoredPlan) -> bool, what: &str) -> Checked {
    let mut checked = Checked::of(invariant);
    let mut by_reseller: BTreeMap<&str, usize> = BTreeMap::new();
    for plan in plans.iter().filter(|plan| plan.bought) {
        *by_reseller.entry(&plan.reseller).or_default() += usize::from(counts(plan));
    }
    for (reseller, count) in by_reseller {
        checked.item();
        checked.expect(count <= 1, customer, || format!("the customer {customer} has {count} {what} for the reseller {reseller}"));
    }
    checked
}

/// I8: the plan that a line is under is one of the line's reseller, as it was on record when the line was made.
pub fn reseller_is_kept(transition: &Transition) -> Checked {
    let mut checked = Checked::of("I8");
    let id = transition.id;
    for line in &transition.lines {
        let under = line.attachment.filter(|a| a.by == Some(id)).and_then(|a| a.plan);
        let plan = under.and_then(|under| transition.plans.iter().filter_map(|p| p.stored.as_ref()).find(|p| p.plan == under));
        let then = line.mark.as_ref().filter(|mark| mark.line_of == id).map(|mark| mark.reseller.as_str());
        if plan.is_none() && then.is_none() {
            continue;
        }
        checked.item();
        for (whose, reseller) in [("its plan's", plan.map(|plan| plan.reseller.as_str())), ("the one on record", then)] {
            checked.expect(reseller.is_none_or(|reseller| reseller == line.reseller), id, || {
                let other = reseller.unwrap_or_default();
                format!("the reseller of the Azure subscription {} is {} and {whose} is {other}", line.azure, line.reseller)
            });
        }
    }
    checked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{compensated, completed, plan_id, stored};

    #[test]
    fn one_plan_for_each_reseller() {
        for sound in [completed(), compensated()] {
            assert!(one_plan_each(&sound).violations.is_empty());
        }
        let twins: [fn(&mut Transition); 4] =
            [|t| t.plan_count = 1, |t| drop(t.plans.pop()), |t| t.plans[1].plan = t.plans[0].plan, |t| t.plans[1].plan = None];
        for twin in twins {
            let mut broken = completed();
            twin(&mut broken);
            assert_eq!(one_plan_each(&broken).violations.len(), 1);
        }
    }

    #[test]
    fn never_two_active_and_none_bought_in_vain() {
        let customer = Id(5);
        let second = |active| StoredPlan { plan: plan_id(7), active, ..stored(0) };
        let sound = [stored(0), stored(1), StoredPlan { bought: false, ..second(true) }];
        assert_eq!(one_active_plan(customer, &sound).items, 2);
        assert!(one_active_plan(customer, &sound).violations.is_empty());
        assert!(one_bought_plan(customer, &sound).violations.is_empty());
        assert_eq!(one_active_plan(customer, &[stored(0), second(true)]).violations.len(), 1);
        // one put away, another bought
        let twin = [stored(0), second(false)];
        assert!(one_active_plan(customer, &twin).violations.is_empty());
        assert_eq!(one_bought_plan(customer, &twin).violations.len(), 1);
        assert!(one_bought_plan(customer, &[stored(0), StoredPlan { deleted: true, ..second(false) }]).violations.is_empty());
    }

    #[test]
    fn a_line_is_under_a_plan_of_its_reseller() {
        let sound = reseller_is_kept(&completed());
        assert_eq!((sound.items, sound.violations.len()), (2, 0));
        let mut elsewhere = completed();
        elsewhere.lines[0].attachment = elsewhere.lines[1].attachment;
        assert_eq!(reseller_is_kept(&elsewhere).violations.len(), 1);
        let mut renamed = completed();
        renamed.lines[0].mark.iter_mut().for_each(|mark| mark.reseller = "none".into());
        assert_eq!(reseller_is_kept(&renamed).violations.len(), 1);
    }
}
