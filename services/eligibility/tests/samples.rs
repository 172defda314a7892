//! The sample documents, read and assessed: reasons, warnings and plans must be those that stand next to them.
//!
//! Reasons are compared in their order, and warnings after theirs was restored: for two customers of `portfolio` the
//! expected file lists warnings by subscription and then by code, against the order that is promised (by code, then by
//! `resourceId`, like the reasons). `tests/rules.rs` holds that one.

use planshift_domain::{
    account::{
        self, Checked, codes,
        facts::{CustomerPart, PlanStatus, SubscriptionFacts},
    },
    ids::Reseller,
    time::Timestamp,
    transition::Finding,
};
use planshift_eligibility::rules::{Assessed, Assessment, RuleSettings, Subject};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::ControlFlow,
    path::PathBuf,
};

#[derive(Deserialize)]
struct Expected {
    state: String,
    reasons: Vec<Named>,
    warnings: Vec<Named>,
    plans: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
struct Named {
    code: String,
    resource_id: String,
}

fn named(findings: &[Finding]) -> Vec<Named> {
    findings.iter().map(|f| Named { code: f.code.clone(), resource_id: f.resource_id.clone() }).collect()
}

fn sample(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/accounts").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn in_scope(parts: &[CustomerPart]) -> Vec<&SubscriptionFacts> {
    let mut all: Vec<_> = parts.iter().flat_map(|p| &p.subscriptions).filter(|s| s.is_in_scope()).collect();
    all.sort_by_key(|s| s.resource_id());
    all
}

fn assess(checked: &Checked, parts: &[CustomerPart]) -> Assessed {
    let resellers = parts.iter().flat_map(|p| &p.resellers).map(|r| (r.mpn_id.clone(), r.clone())).collect();
    let plans = parts.iter().flat_map(|p| &p.plans);
    let active_plans: BTreeSet<_> = plans.filter(|p| p.status == PlanStatus::Active).map(|p| p.reseller.clone()).collect();
    let now: Timestamp = "2026-11-22T16:20:00Z".parse().unwrap();
    let mut assessment = Assessment::begin(Subject {
        partner: &checked.partner,
        customer_id: parts[0].customer_id,
        customer: &parts[0].customer,
        resellers: &resellers,
        active_plans: &active_plans,
        now,
        settings: RuleSettings::default(),
    });
    for subscription in in_scope(parts) {
        assessment.subscription(subscription);
    }
    assessment.finish()
}

fn plans(parts: &[CustomerPart]) -> BTreeMap<String, Vec<String>> {
    let mut plans: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for subscription in in_scope(parts) {
        plans.entry(subscription.reseller.key().to_owned()).or_default().push(subscription.resource_id());
    }
    plans
}

/// Expected warnings in the order that is promised.
fn in_order(mut expected: Vec<Named>) -> Vec<Named> {
    expected.sort_by_key(|f| (codes::rank(&f.code), f.resource_id.clone()));
    expected
}

/// Assesses every customer of a sample, and gives how many there were.
fn holds(name: &str) -> usize {
    let document = sample(&format!("{name}.json"));
    let expected: BTreeMap<String, Expected> = serde_json::from_slice(&sample(&format!("{name}.expected.json"))).unwrap();
    let mut expected: BTreeMap<_, _> = expected.into_iter().map(|(id, outcome)| (id.to_lowercase(), outcome)).collect();
    let checked = account::check(&document[..]).unwrap();
    let mut customers = 0;
    let read = account::read(&document[..], &checked, |parts| {
        let id = parts[0].customer_id.to_string();
        let expected = expected.remove(&id).unwrap_or_else(|| panic!("{name}: {id} is not expected"));
        let assessed = assess(&checked, &parts);
        assert_eq!(named(&assessed.findings.reasons), expected.reasons, "{name} {id}");
        assert_eq!(named(&assessed.findings.warnings), in_order(expected.warnings), "{name} {id}");
        assert_eq!(assessed.is_eligible(), expected.state != "Ineligible", "{name} {id}");
        if assessed.is_eligible() {
            assert_eq!(plans(&parts), expected.plans, "{name} {id}");
            let counts: BTreeMap<_, _> = expected.plans.iter().map(|(k, v)| (Reseller::from_key(k).unwrap(), v.len())).collect();
            assert_eq!(assessed.groups.iter().map(|(k, v)| (k.clone(), *v as usize)).collect::<BTreeMap<_, _>>(), counts, "{name} {id}");
        }
        for finding in assessed.findings.reasons.iter().chain(&assessed.findings.warnings) {
            assert!(finding.description.len() > 40 && finding.description.ends_with('.'), "{finding:?}");
        }
        customers += 1;
        ControlFlow::<()>::Continue(())
    });
    assert!(read.unwrap().is_continue() && expected.is_empty());
    assert_eq!(checked.customers.len(), customers);
    customers
}

#[test]
fn two_resellers() {
    assert_eq!(holds("two-resellers"), 1);
}

#[test]
fn direct_one_plan() {
    assert_eq!(holds("direct-one-plan"), 1);
}

#[test]
fn moved_billing_owner() {
    assert_eq!(holds("moved-billing-owner"), 1);
}

#[test]
fn blocked() {
    assert_eq!(holds("blocked"), 13);
}

#[test]
fn portfolio() {
    assert_eq!(holds("portfolio"), 40);
}

#[test]
fn every_customer_of_a_generated_document_may_move() {
    let mut document = Vec::new();
    account::sample::write(account::sample::SampleOptions { customers: 40, subscriptions: 30, seed: 7, resellers: 3 }, &mut document)
        .unwrap();
    let checked = account::check(&document[..]).unwrap();
    let read = account::read(&document[..], &checked, |parts| {
        let assessed = assess(&checked, &parts);
        assert!(assessed.is_eligible(), "{:?}", assessed.findings.reasons);
        assert_eq!(assessed.groups.values().sum::<u32>(), 30);
        ControlFlow::<()>::Continue(())
    });
    assert!(read.unwrap().is_continue());
}
