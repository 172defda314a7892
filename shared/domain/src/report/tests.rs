use super::*;
use crate::{
    account::facts::PlanStatus,
    ids::MpnId,
    said::{failures, story},
    transition::{Failure, Finding, ItemError},
    view::{LineState, LineView, PlanView},
};
use uuid::Uuid;

fn id<T: From<Uuid>>(n: u128) -> T {
    T::from(Uuid::from_u128(n))
}

fn line(n: u128, state: LineState, under_plan: bool, commerce_status: SubscriptionStatus) -> LineView {
    LineView {
        azure_subscription_id: id(n),
        commerce_subscription_id: id(1_000_000 + n),
        plan_id: under_plan.then(|| id(77)),
        state,
        commerce_status,
        effective_at: None,
        error: None,
    }
}

fn plan(status: PlanStatus, reused: bool) -> PlanView {
    PlanView { plan_id: id(77), partner_id: MpnId::try_new("4847383").ok(), reused, status }
}

fn view(state: State, lines: Vec<LineView>, plans: Vec<PlanView>) -> TransitionView {
    TransitionView {
        customer_id: id(5),
        transition_id: id(9),
        state,
        adopted: false,
        reasons: Vec::new(),
        warnings: Vec::new(),
        failure: None,
        plans,
        lines,
        started_at: Timestamp::from_micros(0),
        ended_at: state.is_end().then(|| Timestamp::from_micros(1_000_000)),
    }
}

fn failure(step: Step, resource: u128, code: &str) -> Option<Failure> {
    Some(Failure {
        step,
        resource_id: Uuid::from_u128(resource).to_string(),
        code: code.into(),
        description: "it was refused for good".into(),
    })
}

fn history(events: &[&str]) -> Vec<HistoryEntry> {
    let mut entries: Vec<HistoryEntry> = Vec::new();
    for (number, event) in (1..).zip(events) {
        let previous = entries.last().map_or(String::new(), |e| e.hash.clone());
        let entry = HistoryEntry {
            number,
            at: Timestamp::from_micros(0),
            state: State::Requested,
            event: (*event).into(),
            text: "for a reason".into(),
            actor: "maria".into(),
            hash: String::new(),
        };
        entries.push(entry.sealed(id(9), &previous));
    }
    entries
}

fn text_of(report: &Report) -> String {
    let text = report.to_string();
    for line in text.lines() {
        assert!(line.chars().count() <= text::COLUMNS, "too wide: {line}");
    }
    let json = serde_json::to_string(report).unwrap();
    assert_eq!(&serde_json::from_str::<Report>(&json).unwrap(), report, "it survives JSON");
    text
}

#[test]
fn a_completed_one_says_that_all_went_well() {
    let lines = vec![line(1, LineState::Completed, true, SubscriptionStatus::Suspended)];
    let report = Report::new(&view(State::Completed, lines, vec![plan(PlanStatus::Active, false)]), &history(&["Started", "Moved"]));
    let text = text_of(&report);
    assert!(text.contains("All went well: 1 Azure subscription is under 1 Azure plan"), "{text}");
    assert!(report.failed.is_empty() && report.undone.is_empty() && report.under_plan.is_empty());
    assert!(!text.contains("planshift "), "no command is needed: {text}");
}

#[test]
fn an_ineligible_one_names_every_reason_and_what_to_do() {
    let mut view = view(State::Ineligible, Vec::new(), Vec::new());
    view.reasons = (0..3)
        .map(|n| Finding { code: "SubscriptionTooRecent".into(), resource_id: format!("resource-{n}"), description: "wait a day".into() })
        .collect();
    let text = text_of(&Report::new(&view, &[]));
    assert!(text.contains("3 reasons block") && text.contains("resource-2") && text.contains("the eligibility rules"), "{text}");
    assert!(text.contains("Nothing was bought, mapped or suspended."), "{text}");
    assert!(text.trim_end().ends_with(&format!("planshift start --customer {}", view.customer_id)), "{text}");
}

#[test]
fn a_compensated_one_shows_what_was_undone_and_what_is_as_it_was() {
    let mut refused = line(1, LineState::Failed, false, SubscriptionStatus::Active);
    refused.error = Some(ItemError { code: "2012".into(), description: "it was refused for good".into() });
    let mut lines = vec![refused];
    lines.extend((2..=1_961).map(|n| line(n, LineState::Compensated, false, SubscriptionStatus::Active)));
    let mut view = view(State::Compensated, lines, vec![plan(PlanStatus::Suspended, false)]);
    view.failure = failure(Step::Mapping, 1, "2012");
    let report = Report::new(&view, &history(&["Started", "Refused", "Moved"]));
    let text = text_of(&report);
    assert_eq!(report.failed.len(), 1, "what failed first is not told twice");
    assert_eq!(report.failed[0].said_by, "mapping");
    assert_eq!(report.undone.len(), 1_961, "JSON has them all");
    assert!(text.contains("and 1,951 more"), "{text}");
    assert!(text.contains("1,961 commerce subscriptions are active."), "{text}");
    assert!(text.contains("SHA-256"), "{text}");
    assert!(text.contains(&format!("planshift close {}", view.transition_id)), "{text}");
    assert!(text.trim_end().ends_with(&format!("planshift start --customer {}", view.customer_id)), "{text}");
}

#[test]
fn one_that_was_closed_is_not_told_to_be() {
    let mut view = view(State::Compensated, Vec::new(), Vec::new());
    view.failure = failure(Step::Mapping, 1, "2012");
    let mut told = history(&["Started", "Moved", "Closed"]);
    told[2].text = story::CLOSED.with(&[&": seen"]).into();
    let text = text_of(&Report::new(&view, &told));
    assert!(!text.contains("planshift close") && text.contains("planshift start"), "{text}");
}

#[test]
fn a_cancelled_one_names_the_one_who_cancelled() {
    let mut view = view(State::Compensated, Vec::new(), Vec::new());
    view.failure = failure(Step::Purchasing, 5, "Cancelled");
    assert_eq!(Report::new(&view, &history(&["Started"])).failed[0].said_by, "the one who cancelled it");
    let mut told = history(&["Started", "Moved", "Moved"]);
    told[1].text = story::TURNS_BACK.with(&[&"Cancelled", &"purchasing"]).into();
    let report = Report::new(&view, &told);
    assert_eq!(report.failed[0].said_by, "maria");
    assert!(text_of(&report).contains("It was cancelled"));
    assert!(report.as_it_was.iter().any(|said| said.contains("Nothing was bought")));
}

#[test]
fn past_the_pivot_it_shows_what_is_under_the_plan_and_still_active() {
    let mut stuck = line(3, LineState::Failed, true, SubscriptionStatus::Active);
    stuck.error = Some(ItemError { code: "800082".into(), description: "not ready".into() });
    let done = line(2, LineState::Completed, true, SubscriptionStatus::Suspended);
    let mut view = view(State::NeedsOperator, vec![done, stuck], vec![plan(PlanStatus::Active, false)]);
    view.failure = failure(Step::Suspension, 1_000_003, "800082");
    let report = Report::new(&view, &history(&["Started"]));
    let text = text_of(&report);
    assert_eq!(report.failed.len(), 1);
    assert_eq!(report.under_plan.len(), 2);
    let (active, suspended) = (text.find("still active").unwrap(), text.find(" is suspended").unwrap());
    assert!(active < suspended, "those to act on come first: {text}");
    assert!(text.contains("why 1 commerce subscription could not"), "{text}");
    assert!(text.trim_end().ends_with(&format!("planshift resume {}", view.transition_id)), "{text}");
}

#[test]
fn an_undo_that_failed_shows_what_is_left_under_the_plan() {
    let mut stuck = line(3, LineState::Failed, true, SubscriptionStatus::Active);
    stuck.error = Some(ItemError { code: "UndoRefused".into(), description: "locked".into() });
    let back = line(2, LineState::Compensated, false, SubscriptionStatus::Active);
    let mut view = view(State::NeedsOperator, vec![back, stuck], vec![plan(PlanStatus::Active, false)]);
    view.failure = failure(Step::Mapping, 4, "2012");
    let report = Report::new(&view, &[]);
    assert_eq!(report.failed.iter().map(|f| f.code.as_str()).collect::<Vec<_>>(), ["2012", "UndoRefused"]);
    assert_eq!((report.undone.len(), report.under_plan.len()), (1, 1));
    assert!(text_of(&report).contains("could not be undone"));
}

#[test]
fn one_under_way_says_how_to_watch_it() {
    for state in [State::Requested, State::CheckingEligibility, State::PurchasingPlans, State::MappingSubscriptions, State::Compensating] {
        assert!(text_of(&Report::new(&view(state, Vec::new(), Vec::new()), &[])).contains("planshift watch"));
    }
}

#[test]
fn somebody_elses_words_neither_break_lines_nor_reach_the_terminal() {
    let mut view = view(State::Compensated, Vec::new(), Vec::new());
    view.failure = failure(Step::Mapping, 1, "2012");
    if let Some(failure) = &mut view.failure {
        failure.description = format!("a\nb \u{1b}[31m{}", "é".repeat(500));
    }
    let text = text_of(&Report::new(&view, &[]));
    assert!(!text.contains('\u{1b}') && text.contains("a b"), "{text}");
}

#[test]
fn it_is_said_in_french_but_for_the_words_of_others() {
    let mut refused = line(1, LineState::Failed, false, SubscriptionStatus::Active);
    refused.error = Some(ItemError { code: "2012".into(), description: "it was refused for good".into() });
    let mut gone = line(3, LineState::Failed, false, SubscriptionStatus::Active);
    gone.error =
        Some(ItemError { code: "SubscriptionNotFound".into(), description: failures::NO_AZURE_SUBSCRIPTION.with(&[&"a3"]).into() });
    let back = line(2, LineState::Compensated, false, SubscriptionStatus::Active);
    let mut view = view(State::Compensated, vec![refused, gone, back], vec![plan(PlanStatus::Suspended, false)]);
    view.failure = failure(Step::Mapping, 1, "2012");
    let mut told = history(&["Started", "Moved"]);
    told[0].text = story::STARTED.into();
    let report = Report::new(&view, &told).in_french();
    let text = report.to_string();
    for said in [
        "Mise à niveau ",
        "Elle a échoué avant le pivot, et ce qu’elle avait fait a été défait.",
        "Ce qui a échoué\n",
        "selon mapping : it was refused for good",
        "le client n’a plus d’abonnement Azure a3",
        "le plan du revendeur 4847383 est suspendu",
        "3 abonnements Azure ne sont sous aucun plan",
        "Started : Acceptée ; le client est verrouillé",
        "  - Le partenaire : Pour en rester là",
    ] {
        assert!(text.split_whitespace().collect::<Vec<_>>().join(" ").contains(said.trim()), "{said}: {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= text::COLUMNS), "{text}");
    assert!(text.contains(" : actif"), "{text}");
    let english = ["The ", " is ", " are ", "Nothing", "What ", "undone"];
    assert!(english.iter().all(|word| !text.contains(word)), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((json["next"][0]["who"].as_str(), json["state"].as_str()), (Some("Le partenaire"), Some("Compensated")));
}
