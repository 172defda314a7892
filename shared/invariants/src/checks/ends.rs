//! I4, I13, I16, S1: what must be true of a transition that has come to an end.

use crate::{
    Checked,
    data::{Effect, LegacyStatus, Stand, Step, Transition},
};

/// I4: of a completed transition each line is under the plan of its reseller, and its commerce subscription is suspended.
pub fn completed_wholly(transition: &Transition) -> Checked {
    let mut checked = Checked::of("I4");
    if transition.stand != Stand::Completed {
        return checked;
    }
    let id = transition.id;
    for line in &transition.lines {
        checked.item();
        let plan = transition.plan_of(&line.reseller).and_then(|plan| plan.plan);
        let attached = line.attachment.is_some_and(|a| a.plan.is_some() && a.plan == plan && a.by == Some(id));
        checked.expect(attached, id, || {
            format!(
                "the transition {id} is completed, but the Azure subscription {} is not under the plan of {}",
                line.azure, line.reseller
            )
        });
        let suspended = line.legacy.is_some_and(|legacy| match legacy.status {
            LegacyStatus::Suspended => legacy.suspended_by == Some(id),
            LegacyStatus::Deleted => true,
            LegacyStatus::Other => false,
        });
        let evidence = transition.ledger.suspensions.get(&line.commerce).is_some_and(|entry| entry.effect == Effect::Done);
        checked.expect(suspended && evidence, id, || {
            format!("the transition {id} is completed, but the commerce subscription {} is not suspended by it", line.commerce)
        });
    }
    checked
}

/// I13: a plan that was bought here and has something attached is active.
pub fn plans_in_use_are_active(transition: &Transition) -> Checked {
    let mut checked = Checked::of("I13");
    for plan in transition.plans.iter().filter_map(|plan| plan.stored.as_ref()) {
        let in_use = transition.lines.iter().filter_map(|line| line.attachment).any(|a| a.plan == Some(plan.plan));
        if in_use && plan.bought {
            checked.item();
            checked.expect(plan.active, plan.plan, || format!("the plan {} has Azure subscriptions under it and is not active", plan.plan));
        }
    }
    checked
}

/// I16: of a compensated transition nothing is left: nothing attached, suspended or active by it.
pub fn as_it_was(transition: &Transition) -> Checked {
    let mut checked = Checked::of("I16");
    if transition.stand != Stand::Compensated {
        return checked;
    }
    let id = transition.id;
    for line in &transition.lines {
        checked.item();
        checked.expect(line.attachment.is_none_or(|a| a.by != Some(id)), id, || {
            format!("the transition {id} is compensated, but the Azure subscription {} is where it was put by it", line.azure)
        });
        checked.expect(line.legacy.is_none_or(|legacy| legacy.suspended_by != Some(id)), id, || {
            format!("the transition {id} is compensated, but the commerce subscription {} is suspended by it", line.commerce)
        });
    }
    for plan in transition.plans.iter().filter_map(|plan| plan.stored.as_ref()) {
        checked.item();
        let left = plan.bought && plan.active && plan.activated_by == Some(id);
        checked.expect(!left, id, || format!("the transition {id} is compensated, but its plan {} is still active", plan.plan));
    }
    checked
}

/// S1: of a compensated transition each item of each step that was ever commanded is undone or fenced, as the ledgers say.
pub fn undone_wholly(transition: &Transition) -> Checked {
    let mut checked = Checked::of("S1");
    if transition.stand != Stand::Compensated {
        return checked;
    }
    let (id, ledger) = (transition.id, &transition.ledger);
    let mut confirm = |step: Step, item: &dyn std::fmt::Display, effect: Option<Effect>, must_be_there: bool| {
        checked.item();
        let confirmed = effect.map_or(!must_be_there, Effect::is_undone_or_fenced);
        checked.expect(confirmed, id, || {
            let says = effect.map_or_else(|| "nothing".to_owned(), |effect| format!("{effect:?}").to_lowercase());
            format!("the transition {id} is compensated, but the ledger of {} says {says} of {item}", step.name())
        });
    };
    confirm(Step::Eligibility, &"the check", ledger.check.map(|e| e.effect), transition.commanded(Step::Eligibility));
    let (plans, mappings) = (transition.commanded(Step::Purchasing), transition.commanded(Step::Mapping));
    for reseller in transition.resellers() {
        confirm(Step::Purchasing, &reseller, ledger.purchases.get(reseller).map(|e| e.effect), plans);
    }
    for line in &transition.lines {
        confirm(Step::Mapping, &line.azure, ledger.mappings.get(&line.azure).map(|e| e.effect), mappings);
    }
    for (item, entry) in &ledger.suspensions {
        // never undone, so none may ever have been done
        if entry.effect == Effect::Done {
            confirm(Step::Suspension, item, Some(entry.effect), true);
        }
    }
    checked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{Attachment, Legacy},
        samples::{OTHER, T, Twin, compensated, completed, id},
    };

    fn broken(of: fn() -> Transition, how: impl Fn(&mut Transition)) -> Transition {
        let mut transition = of();
        how(&mut transition);
        transition
    }

    #[test]
    fn completed_means_under_the_plan_and_suspended() {
        let sound = completed_wholly(&completed());
        assert_eq!((sound.items, sound.violations.len()), (2, 0));
        assert_eq!(completed_wholly(&compensated()).items, 0);
        let deleted = |t: &mut Transition| t.lines[0].legacy = Some(Legacy { status: LegacyStatus::Deleted, suspended_by: None });
        assert!(completed_wholly(&broken(completed, deleted)).violations.is_empty());
        let twins: [fn(&mut Transition); 6] = [
            |t| t.lines[0].attachment = None,
            |t| t.lines[0].attachment = Some(Attachment { plan: None, by: None }),
            |t| t.lines[0].attachment = t.lines[1].attachment,
            |t| t.lines[0].legacy = Some(Legacy { status: LegacyStatus::Other, suspended_by: Some(T) }),
            |t| t.lines[0].legacy = Some(Legacy { status: LegacyStatus::Suspended, suspended_by: Some(OTHER) }),
            |t| t.ledger.suspensions.retain(|item, _| *item != t.lines[0].commerce),
        ];
        for twin in twins {
            assert_eq!(completed_wholly(&broken(completed, twin)).violations.len(), 1);
        }
    }

    #[test]
    fn a_plan_in_use_is_active() {
        assert!(plans_in_use_are_active(&completed()).violations.is_empty());
        assert_eq!(plans_in_use_are_active(&compensated()).items, 0);
        let away = broken(completed, |t| t.plans[0].stored.iter_mut().for_each(|p| p.active = false));
        assert_eq!(plans_in_use_are_active(&away).violations.len(), 1);
    }

    #[test]
    fn compensated_means_that_nothing_is_left() {
        let sound = as_it_was(&compensated());
        assert_eq!((sound.items, sound.violations.len()), (4, 0));
        let twins: [fn(&mut Transition); 3] = [
            |t| t.lines[0].attachment = Some(Attachment { plan: Some(id(1)), by: Some(T) }),
            |t| t.lines[0].legacy = Some(Legacy { status: LegacyStatus::Suspended, suspended_by: Some(T) }),
            |t| t.plans[0].stored.iter_mut().for_each(|p| p.active = true),
        ];
        for twin in twins {
            assert_eq!(as_it_was(&broken(compensated, twin)).violations.len(), 1);
        }
    }

    #[test]
    fn compensated_needs_evidence_for_each_item() {
        let sound = undone_wholly(&compensated());
        assert_eq!((sound.items, sound.violations.len()), (5, 0));
        let twins: [Twin; 5] = [
            (|t| t.ledger.check = None, 1),
            (|t| t.ledger.mappings.clear(), 2),
            (|t| t.ledger.mappings.values_mut().for_each(|e| e.effect = Effect::Done), 2),
            (|t| t.ledger.purchases.values_mut().for_each(|e| e.effect = Effect::Refused), 2),
            (|t| t.ledger.suspensions = completed().ledger.suspensions, 2),
        ];
        for (twin, found) in twins {
            assert_eq!(undone_wholly(&broken(compensated, twin)).violations.len(), found);
        }
        // set by hand
        assert_eq!(undone_wholly(&broken(completed, |t| t.stand = Stand::Compensated)).violations.len(), 7);
        // a step that was never commanded needs none
        let early = broken(compensated, |t| {
            t.ledger.mappings.clear();
            t.commanded[Step::Mapping as usize] = false;
        });
        assert!(undone_wholly(&early).violations.is_empty());
    }
}
