//! The judge of `tests/run chaos`: a history in which all went well, and one broken way after the other: each must be found, and nothing else.

use planshift_tests::chaos::{
    evidence::{Evidence, Line, Plan, Suspended, Transition},
    history::{Failure, LineView, PlanView, Recorded, Start, Told, View},
    judge::{Verdict, judge},
};
use uuid::Uuid;

const fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// Customer 1: transition 10 completed, its client in doubt at first. Customer 2: transition 20 compensated, then 21 completed with the
/// same plan.
fn history() -> (Recorded, Evidence) {
    let (mut recorded, mut evidence) = (Recorded::default(), Evidence::default());
    for (number, customer, state) in [(10, 1, "Completed"), (20, 2, "Compensated"), (21, 2, "Completed")] {
        let (transition, request, done) = (id(number), id(number + 100), state == "Completed");
        let told = Some(Told::Accepted(transition));
        let start = Start { request, customer: id(customer), tries: 1, was_unknown: number == 10, told };
        recorded.starts.insert(request, start);
        let row = Transition { id: transition, request_id: request, customer_id: id(customer), state: state.to_owned(), has_ended: true };
        evidence.transitions.push(row);
        let (azure, commerce, plan) = (id(1_000 + customer), id(2_000 + customer), id(3_000 + customer));
        evidence.lines.push(Line {
            transition_id: transition,
            azure_subscription_id: azure,
            commerce_subscription_id: commerce,
            reseller: "none".to_owned(),
        });
        let path: &[&str] = if done {
            &["PurchasingPlans", "MappingSubscriptions", "SuspendingCommerce"]
        } else {
            &["PurchasingPlans", "MappingSubscriptions", "Compensating"]
        };
        evidence.reached.extend(path.iter().map(|state| (transition, (*state).to_owned())));
        let line = LineView {
            azure_subscription_id: azure,
            commerce_subscription_id: commerce,
            plan_id: done.then_some(plan),
            state: state.to_owned(),
            commerce_status: if done { "suspended" } else { "active" }.to_owned(),
        };
        let view = View {
            transition_id: transition,
            customer_id: id(customer),
            state: state.to_owned(),
            failure: (!done).then(|| Failure { step: "mapping".to_owned(), code: "Cancelled".to_owned() }),
            plans: vec![PlanView { plan_id: plan, partner_id: None }],
            lines: vec![line],
        };
        evidence.views.insert(transition, view);
        evidence.points.push((azure, transition, Some(plan)));
        let ledger = if done { "done" } else { "undone" };
        for (step, item) in [("purchasing", "none".to_owned()), ("mapping", azure.to_string())] {
            evidence.ledger.insert((transition, step.to_owned(), item), (ledger.to_owned(), 1));
        }
        if done {
            evidence.plans.push(Plan {
                plan_id: plan,
                customer_id: id(customer),
                reseller: "none".to_owned(),
                is_active: true,
                activated_by: Some(transition),
            });
            evidence.attached.insert(azure, (plan, transition));
            evidence
                .suspended
                .insert(commerce, Suspended { commerce_subscription_id: commerce, suspended_by: Some(transition), changes: 1 });
            evidence.ledger.insert((transition, "suspension".to_owned(), commerce.to_string()), ("done".to_owned(), 1));
        } else {
            evidence.points.push((azure, transition, None));
        }
    }
    (recorded, evidence)
}

/// What the judge finds once the history was broken: of what, and (lost, duplicated, unexpected).
fn found(break_it: impl Fn(&mut Recorded, &mut Evidence)) -> Vec<(&'static str, [usize; 3])> {
    let (mut recorded, mut evidence) = history();
    break_it(&mut recorded, &mut evidence);
    let verdicts = judge(&recorded, &evidence);
    let counts = |verdict: &Verdict| (verdict.of, [verdict.lost.len(), verdict.duplicated.len(), verdict.unexpected.len()]);
    verdicts.iter().filter(|verdict| !verdict.is_clean()).map(counts).collect()
}

#[test]
fn a_history_without_a_fault_is_clean() {
    let (recorded, evidence) = history();
    let verdicts = judge(&recorded, &evidence);
    assert!(verdicts.iter().all(Verdict::is_clean), "{verdicts:#?}");
    let counts: Vec<_> = verdicts.iter().map(|verdict| (verdict.attempted, verdict.acknowledged, verdict.recovered)).collect();
    // plans: the compensated one's is the later one's now
    assert_eq!(counts, [(3, 3, 1), (3, 2, 1), (1, 1, 0), (3, 2, 1), (1, 1, 0), (2, 2, 1)]);
}

#[test]
fn lost_transitions_are_found() {
    let lost = [("transitions", [1, 0, 0])];
    assert_eq!(found(|_, evidence| evidence.transitions[0].has_ended = false), lost);
    assert_eq!(found(|_, evidence| drop(evidence.transitions.remove(0))), lost);
    assert_eq!(found(|_, evidence| evidence.transitions[1].state = "Completed".to_owned()), lost, "the API tells otherwise");
    assert_eq!(
        found(|_, evidence| drop(evidence.views.remove(&id(20))))[0],
        lost[0],
        "the API does not show it (and so its undone effects are nobody's)"
    );
}

#[test]
fn duplicated_transitions_are_found() {
    let twice = |_: &mut Recorded, evidence: &mut Evidence| {
        let second = Transition { id: id(99), ..evidence.transitions[0].clone() };
        evidence.transitions.push(second);
    };
    assert_eq!(found(twice), [("transitions", [0, 1, 0])]);
    let both_live = |_: &mut Recorded, evidence: &mut Evidence| {
        evidence.transitions[1].has_ended = false;
        evidence.transitions[2].has_ended = false;
    };
    assert_eq!(found(both_live), [("transitions", [2, 1, 0])]);
}

#[test]
fn unexpected_transitions_are_found() {
    let nobodys = |_: &mut Recorded, evidence: &mut Evidence| {
        let stray = Transition { id: id(99), request_id: id(98), ..evidence.transitions[0].clone() };
        evidence.transitions.push(stray);
    };
    assert_eq!(found(nobodys), [("transitions", [0, 0, 1])]);
    let refused = |recorded: &mut Recorded, _: &mut Evidence| {
        recorded.starts.get_mut(&id(120)).unwrap().told = Some(Told::Refused(409, String::new()));
    };
    assert_eq!(found(refused), [("transitions", [0, 0, 1])], "there, though its client was told that it is not");
}

#[test]
fn faults_of_plans_are_found() {
    assert_eq!(found(|_, evidence| drop(evidence.plans.remove(0))), [("plans had", [1, 0, 0])]);
    let second = |_: &mut Recorded, evidence: &mut Evidence| {
        let second = Plan { plan_id: id(99), is_active: false, activated_by: None, ..evidence.plans[0].clone() };
        evidence.plans.push(second);
    };
    assert_eq!(found(second), [("plans had", [0, 1, 0])]);
    let stray = |_: &mut Recorded, evidence: &mut Evidence| {
        let stray = Plan { plan_id: id(99), customer_id: id(7), activated_by: Some(id(98)), ..evidence.plans[0].clone() };
        evidence.plans.push(stray);
    };
    assert_eq!(found(stray), [("plans had", [0, 0, 1])]);
    let not_undone = |_: &mut Recorded, evidence: &mut Evidence| {
        evidence.plans[1].activated_by = Some(id(20));
        evidence.ledger.remove(&(id(20), "purchasing".to_owned(), "none".to_owned()));
    };
    assert_eq!(found(not_undone), [("plans had", [1, 0, 1]), ("plans undone", [1, 0, 0])]);
}

#[test]
fn faults_of_mappings_are_found() {
    assert_eq!(found(|_, evidence| _ = evidence.attached.remove(&id(1_001))), [("subscriptions mapped", [1, 0, 0])]);
    let elsewhere = |_: &mut Recorded, evidence: &mut Evidence| _ = evidence.attached.insert(id(1_001), (id(99), id(10)));
    assert_eq!(found(elsewhere), [("subscriptions mapped", [1, 0, 0])], "under another plan than is told");
    let without_usage = |_: &mut Recorded, evidence: &mut Evidence| evidence.points.retain(|point| point.1 != id(10));
    assert_eq!(found(without_usage), [("subscriptions mapped", [1, 0, 0])]);
    let twice = |_: &mut Recorded, evidence: &mut Evidence| evidence.points.push((id(1_001), id(10), Some(id(3_001))));
    assert_eq!(found(twice), [("subscriptions mapped", [0, 1, 0])]);
    let stray = |_: &mut Recorded, evidence: &mut Evidence| {
        evidence.attached.insert(id(1_099), (id(99), id(98)));
        evidence.points.push((id(1_099), id(98), Some(id(99))));
    };
    assert_eq!(found(stray), [("subscriptions mapped", [0, 0, 1])]);
    let after_its_undo = |_: &mut Recorded, evidence: &mut Evidence| _ = evidence.attached.insert(id(1_002), (id(3_002), id(20)));
    assert_eq!(found(after_its_undo), [("subscriptions mapped", [1, 0, 1]), ("mappings undone", [1, 0, 0])]);
}

#[test]
fn faults_of_undone_mappings_are_found() {
    let not_given_back = |_: &mut Recorded, evidence: &mut Evidence| evidence.points.retain(|point| point.2.is_some());
    assert_eq!(found(not_given_back), [("mappings undone", [1, 0, 0])]);
    let twice = |_: &mut Recorded, evidence: &mut Evidence| evidence.points.push((id(1_002), id(20), None));
    assert_eq!(found(twice), [("mappings undone", [0, 1, 0])]);
    let stray = |_: &mut Recorded, evidence: &mut Evidence| evidence.points.push((id(1_099), id(98), None));
    assert_eq!(found(stray), [("mappings undone", [0, 0, 1])]);
}

#[test]
fn faults_of_suspensions_are_found() {
    assert_eq!(found(|_, evidence| _ = evidence.suspended.remove(&id(2_001))), [("subscriptions suspended", [1, 0, 0])]);
    let twice = |_: &mut Recorded, evidence: &mut Evidence| evidence.suspended.get_mut(&id(2_001)).unwrap().changes = 2;
    assert_eq!(found(twice), [("subscriptions suspended", [0, 1, 0])]);
    let of_another =
        |_: &mut Recorded, evidence: &mut Evidence| evidence.suspended.get_mut(&id(2_001)).unwrap().suspended_by = Some(id(98));
    assert_eq!(found(of_another), [("subscriptions suspended", [1, 0, 1])]);
}

#[test]
fn an_item_that_was_tried_again_is_recovered() {
    let (recorded, mut evidence) = history();
    evidence.ledger.get_mut(&(id(21), "suspension".to_owned(), id(2_002).to_string())).unwrap().1 = 2;
    assert_eq!(judge(&recorded, &evidence)[5].recovered, 2, "that of a start in doubt, and that of a second attempt");
}
