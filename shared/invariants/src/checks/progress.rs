//! I3, I4, I7, I12, I16, I21, S1 to S4, S6: what a saga knows by itself while it runs, by the answers that it has counted. Each looks
//! at a few numbers, so that it can be asked at every step.

use crate::{
    Checked,
    data::{Answers, Progress, Stand, Step},
};

/// I3: suspensions are commanded once every plan was had and every line was mapped.
pub fn suspends_last(progress: &Progress) -> Checked {
    let mut checked = Checked::of("I3");
    if progress.done(Step::Suspension).commanded {
        let (id, plans, mapped) = (progress.id, progress.done(Step::Purchasing), progress.done(Step::Mapping));
        checked.item();
        checked.expect(plans.proven && mapped.proven && mapped.good == progress.lines, id, || {
            format!("the transition {id} suspends while {} of its {} lines are mapped", mapped.good, progress.lines)
        });
    }
    checked
}

/// I4: at `Completed` the answers prove each line mapped and each commerce subscription suspended.
pub fn completes_by_evidence(progress: &Progress) -> Checked {
    let mut checked = Checked::of("I4");
    if progress.stand == Stand::Completed {
        let (id, lines, suspended) = (progress.id, progress.lines, progress.done(Step::Suspension));
        checked.item();
        checked.expect(suspended.proven && suspended.good == lines && progress.mapped() == lines, id, || {
            format!("the transition {id} is completed with {} mapped and {} suspended of {lines} lines", progress.mapped(), suspended.good)
        });
    }
    checked
}

/// I7: mappings are commanded once there is a plan for each reseller.
pub fn maps_under_every_plan(progress: &Progress) -> Checked {
    let mut checked = Checked::of("I7");
    if progress.done(Step::Mapping).commanded {
        let (id, plans, had) = (progress.id, progress.plans, progress.done(Step::Purchasing));
        checked.item();
        checked.expect(had.proven && had.good == plans, id, || format!("the transition {id} maps with {} of its {plans} plans", had.good));
    }
    checked
}

/// I12: what is moved has lines, and no more plans than lines; at an end each step that was commanded is answered for each line.
pub fn no_line_is_skipped(progress: &Progress) -> Checked {
    let mut checked = Checked::of("I12");
    if !progress.done(Step::Purchasing).commanded {
        return checked;
    }
    let Progress { id, lines, plans, .. } = *progress;
    checked.item();
    checked.expect(plans >= 1 && plans <= lines, id, || format!("the transition {id} has {plans} plan(s) for {lines} line(s)"));
    if progress.stand == Stand::Completed {
        for step in [Step::Mapping, Step::Suspension] {
            let answered = progress.done(step).good;
            checked.item();
            checked.expect(answered == lines, id, || {
                format!("the transition {id} is completed, and {} has answered for {answered} of its {lines} lines", step.name())
            });
        }
    }
    checked
}

/// I16: at `Compensated` nothing is suspended, and whatever was mapped or bought was given back.
pub fn gives_everything_back(progress: &Progress) -> Checked {
    let mut checked = Checked::of("I16");
    if progress.stand == Stand::Compensated {
        let id = progress.id;
        checked.item();
        let given_back = |step| progress.undone(step).good >= progress.done(step).good;
        let left = [Step::Purchasing, Step::Mapping].into_iter().find(|step| !given_back(*step));
        checked.expect(left.is_none() && !progress.done(Step::Suspension).commanded, id, || {
            format!("the transition {id} is compensated, and something of {} is left", left.unwrap_or(Step::Suspension).name())
        });
    }
    checked
}

/// S1: at `Compensated` every step that was ever commanded is proven undone.
pub fn undo_is_proven(progress: &Progress) -> Checked {
    let mut checked = Checked::of("S1");
    if progress.stand == Stand::Compensated {
        let id = progress.id;
        checked.item();
        let unproven = Step::ALL.into_iter().find(|step| progress.done(*step).commanded && !progress.undone(*step).proven);
        checked.expect(unproven.is_none(), id, || {
            format!("the transition {id} is compensated without the proof that {} is undone", unproven.map_or("", Step::name))
        });
    }
    checked
}

/// S2: past the pivot no undo is commanded.
pub fn never_turns_past_the_pivot(progress: &Progress) -> Checked {
    let mut checked = Checked::of("S2");
    if progress.done(Step::Suspension).commanded {
        let id = progress.id;
        checked.item();
        let undone = Step::ALL.into_iter().find(|step| progress.undone(*step).commanded);
        checked.expect(undone.is_none() && !progress.turns_back, id, || {
            format!("the transition {id} is past its pivot, and goes back{}", undone.map_or("", |_| " with commanded undos"))
        });
    }
    checked
}

/// I21, S3, S4: from one moment of a saga to the next. Progress does not go back but on the way back; counts of good answers only
/// grow; what has come to an end stays as it is.
pub fn goes_on(before: &Progress, after: &Progress) -> [Checked; 3] {
    let mut all = ["I21", "S3", "S4"].map(Checked::of);
    all.iter_mut().for_each(Checked::item);
    let [progress, counts, end] = &mut all;
    let id = after.id;
    let suspended = |of: &Progress| of.done(Step::Suspension).good;
    let goes_on = after.mapped() >= before.mapped() && suspended(after) >= suspended(before);
    progress.expect(goes_on || before.turns_back || after.turns_back, id, || {
        let (was, is) = ((before.mapped(), suspended(before)), (after.mapped(), suspended(after)));
        format!("the transition {id} went from {} mapped and {} suspended to {} and {}", was.0, was.1, is.0, is.1)
    });
    let good = |of: &Progress| of.steps.as_flattened().iter().map(|answers: &Answers| answers.good).collect::<Vec<_>>();
    let grows = before.steps.as_flattened().iter().zip(after.steps.as_flattened()).all(|(before, after)| before.good <= after.good);
    counts.expect(grows, id, || format!("the good answers of the transition {id} went from {:?} to {:?}", good(before), good(after)));
    let stays = !before.stand.is_end() || (before.stand, before.ended_at) == (after.stand, after.ended_at);
    end.expect(stays, id, || format!("the transition {id} had ended as {:?} and is {:?}", before.stand, after.stand));
    all
}

/// S6: whoever answers that something was done, or undone, was told to.
pub fn was_commanded(progress: &Progress, step: Step, is_undo: bool) -> Checked {
    let mut checked = Checked::of("S6");
    checked.item();
    let commanded = progress.steps[step as usize][usize::from(is_undo)].commanded;
    checked.expect(commanded, progress.id, || {
        let what = if is_undo { "an undo" } else { "an effect" };
        format!("{} answers with {what} of the transition {}, which has not commanded it", step.name(), progress.id)
    });
    checked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{progress_compensated, progress_completed};

    type Check = fn(&Progress) -> Checked;
    type Twin = fn(&mut Progress);
    const CHECKS: [Check; 7] = [
        suspends_last,
        completes_by_evidence,
        maps_under_every_plan,
        no_line_is_skipped,
        gives_everything_back,
        undo_is_proven,
        never_turns_past_the_pivot,
    ];

    fn done(progress: &mut Progress, step: Step) -> &mut Answers {
        &mut progress.steps[step as usize][0]
    }
    fn undone(progress: &mut Progress, step: Step) -> &mut Answers {
        &mut progress.steps[step as usize][1]
    }

    #[test]
    fn what_goes_well_is_sound() {
        for sound in [progress_completed(), progress_compensated()] {
            for check in CHECKS {
                assert_eq!(check(&sound).violations, []);
            }
            assert!(goes_on(&sound, &sound).iter().all(|checked| checked.violations.is_empty()));
        }
        let looked_at = |of: &Progress| CHECKS.map(|check| check(of).items);
        assert_eq!(looked_at(&progress_completed()), [1, 1, 1, 3, 0, 0, 1]);
        assert_eq!(looked_at(&progress_compensated()), [0, 0, 1, 1, 1, 1, 0]);
    }

    #[test]
    fn each_check_catches_its_twin() {
        let completed: [(Check, Twin); 8] = [
            (suspends_last, |p| done(p, Step::Mapping).good = 1),
            (suspends_last, |p| done(p, Step::Purchasing).proven = false),
            (completes_by_evidence, |p| done(p, Step::Suspension).good = 1),
            (completes_by_evidence, |p| undone(p, Step::Mapping).good = 1),
            (maps_under_every_plan, |p| done(p, Step::Purchasing).good = 1),
            (no_line_is_skipped, |p| p.plans = 3),
            (no_line_is_skipped, |p| done(p, Step::Suspension).good = 3),
            (never_turns_past_the_pivot, |p| undone(p, Step::Mapping).commanded = true),
        ];
        let compensated: [(Check, Twin); 4] = [
            (gives_everything_back, |p| undone(p, Step::Mapping).good = 0),
            (gives_everything_back, |p| done(p, Step::Suspension).commanded = true),
            (undo_is_proven, |p| undone(p, Step::Purchasing).proven = false),
            (never_turns_past_the_pivot, |p| done(p, Step::Suspension).commanded = true),
        ];
        for (sound, twins) in [(progress_completed(), &completed[..]), (progress_compensated(), &compensated[..])] {
            for (number, (check, twin)) in twins.iter().enumerate() {
                let mut broken = sound;
                twin(&mut broken);
                assert_eq!(check(&broken).violations.len(), 1, "{number}");
            }
        }
    }

    #[test]
    fn nothing_goes_back() {
        let sound = progress_completed();
        let twins: [(usize, Twin); 4] = [
            (0, |p| undone(p, Step::Mapping).good = 1),
            (1, |p| done(p, Step::Eligibility).good = 0),
            (2, |p| p.stand = Stand::UnderWay),
            (2, |p| p.ended_at = None),
        ];
        for (place, twin) in twins {
            let mut broken = sound;
            twin(&mut broken);
            let found = goes_on(&sound, &broken).map(|checked| checked.violations.len());
            let mut expected = [0; 3];
            expected[place] = 1;
            assert_eq!(found, expected);
        }
        // on the way back it does
        let mut back = sound;
        (back.stand, back.turns_back) = (Stand::UnderWay, true);
        let mut further = back;
        undone(&mut further, Step::Mapping).good = 1;
        assert_eq!(goes_on(&back, &further).map(|checked| checked.violations.len()), [0; 3]);
    }

    #[test]
    fn nobody_does_what_was_not_commanded() {
        let progress = progress_completed();
        assert_eq!(was_commanded(&progress, Step::Mapping, false).violations, []);
        assert_eq!(was_commanded(&progress, Step::Mapping, true).violations.len(), 1);
    }
}
