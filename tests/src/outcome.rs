//! What `run --json` printed: its promised shape, and what it says.

use crate::program::Outcome;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The objects of a run, checked for their shape: customers by id, and the summary.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The transition of each customer.
    pub customers: BTreeMap<String, Value>,
    /// The last line.
    pub summary: Value,
}

impl Ran {
    /// What an outcome says.
    ///
    /// # Panics
    /// Where it does not have the promised shape, or its counts or its exit code do not fit its customers.
    #[track_caller]
    pub fn of(outcome: &Outcome) -> Self {
        let mut objects = outcome.json();
        let Some(summary) = objects.pop().and_then(|last| last.get("summary").cloned()) else {
            panic!("the last line is no summary\n{outcome}");
        };
        let mut customers = BTreeMap::new();
        for object in objects {
            check_transition(&object);
            let id = object["customerId"].as_str().unwrap_or_default().to_owned();
            assert!(customers.insert(id.clone(), object).is_none(), "{id} is printed twice");
        }
        let ran = Self { customers, summary };
        ran.check_summary(outcome.code);
        ran
    }

    /// The only customer's transition.
    ///
    /// # Panics
    /// Where there is another number of them.
    #[track_caller]
    pub fn only(&self) -> &Value {
        assert_eq!(self.customers.len(), 1, "one customer");
        self.customers.values().next().expect("one customer")
    }

    /// How many are in that state.
    pub fn count(&self, state: &str) -> usize {
        self.customers.values().filter(|customer| customer["state"] == state).count()
    }

    /// How many plans were bought or taken by all of them.
    pub fn plans(&self) -> usize {
        self.customers.values().map(|customer| items(&customer["plans"]).len()).sum()
    }

    /// How many lines all of them have.
    pub fn lines(&self) -> usize {
        self.customers.values().map(|customer| items(&customer["lines"]).len()).sum()
    }

    fn check_summary(&self, code: i32) {
        keys(&self.summary, &["customers", "completed", "ineligible", "compensated", "needsOperator", "subscriptions", "seconds"]);
        assert!(self.summary["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{}", self.summary);
        let counted = json!({
            "customers": self.customers.len(),
            "completed": self.count("Completed"),
            "ineligible": self.count("Ineligible"),
            "compensated": self.count("Compensated"),
            "needsOperator": self.count("NeedsOperator"),
            "subscriptions": self.lines(),
            "seconds": self.summary["seconds"],
        });
        assert_eq!(self.summary, counted, "the summary counts what was printed");
        let expected = if self.count("Completed") == self.customers.len() { 0 } else { 3 };
        assert_eq!(code, expected, "the exit code says whether all are completed");
    }
}

/// The items of a list.
///
/// # Panics
/// Where it is none.
#[track_caller]
pub fn items(list: &Value) -> &[Value] {
    list.as_array().unwrap_or_else(|| panic!("a list was expected: {list}"))
}

/// The line of an Azure subscription.
///
/// # Panics
/// Where there is none.
#[track_caller]
pub fn line<'a>(transition: &'a Value, azure_id: &str) -> &'a Value {
    items(&transition["lines"]).iter().find(|line| line["azureSubscriptionId"] == azure_id).unwrap_or_else(|| panic!("no line {azure_id}"))
}

/// The states of a transition's lines.
pub fn line_states(transition: &Value) -> Vec<&str> {
    items(&transition["lines"]).iter().filter_map(|line| line["state"].as_str()).collect()
}

/// Everything is as it was: no line under a plan, every commerce subscription active, no plan bought by it active.
///
/// # Panics
/// Where it is not.
#[track_caller]
pub fn assert_as_it_was(transition: &Value) {
    for line in items(&transition["lines"]) {
        assert_eq!((&line["planId"], &line["effectiveAt"]), (&Value::Null, &Value::Null), "{line}");
        assert_eq!(line["commerceStatus"], "active", "{line}");
    }
    for plan in items(&transition["plans"]) {
        assert_eq!(plan["status"], "suspended", "{plan}");
    }
}

/// What a sample's expected outcome says of a customer, from what was printed.
pub fn as_expected(transition: &Value) -> Value {
    let codes = |findings: &Value| -> Value {
        items(findings).iter().map(|finding| json!({ "code": finding["code"], "resourceId": finding["resourceId"] })).collect()
    };
    let (mut plans, mut reused) = (Map::new(), Vec::new());
    for plan in items(&transition["plans"]) {
        let reseller = plan["partnerId"].as_str().unwrap_or("none").to_owned();
        let under = items(&transition["lines"]).iter().filter(|line| line["planId"] == plan["planId"]);
        let azure: BTreeSet<&str> = under.filter_map(|line| line["azureSubscriptionId"].as_str()).collect();
        if plan["reused"] == true {
            reused.push(reseller.clone());
        }
        assert!(plans.insert(reseller, json!(azure)).is_none(), "two plans of one reseller: {transition}");
    }
    json!({
        "state": transition["state"],
        "reasons": codes(&transition["reasons"]),
        "warnings": codes(&transition["warnings"]),
        "plans": plans,
        "reused": reused,
    })
}

/// The codes of warnings, in the order that is promised: theirs, and for one code by the resource.
const WARNINGS: [&str; 7] = [
    "SegmentNotCommercial",
    "SupportPlanPresent",
    "BudgetWillNotCarryOver",
    "ReportingWillChange",
    "AzurePlanAlreadyExists",
    "ReservationPresent",
    "AdminAccessMissing",
];

/// A sample's expected outcome with its warnings in the order that is promised: for two customers of `portfolio` the file lists
/// them by subscription first.
pub fn in_promised_order(mut expected: Value) -> Value {
    if let Some(warnings) = expected["warnings"].as_array_mut() {
        let rank = |warning: &Value| WARNINGS.iter().position(|code| warning["code"] == *code);
        warnings.sort_by_cached_key(|warning| (rank(warning), warning["resourceId"].to_string()));
    }
    expected
}

/// A transition as the API gives it: what `run` prints, its version, how far it is and when it is expected to end.
///
/// # Panics
/// Where it has no version, or is otherwise not as it must be.
#[track_caller]
pub fn from_api(mut answer: Value) -> Value {
    let version = answer.as_object_mut().and_then(|object| object.remove("version"));
    assert!(version.is_some_and(|version| version.is_u64()), "a version: {answer}");
    for name in ["percent", "expectedEnd"] {
        let value = answer.as_object_mut().and_then(|object| object.remove(name));
        assert!(value.is_some(), "{name}: {answer}");
    }
    check_transition(&answer);
    answer
}

/// Does a transition have the promised shape?
///
/// # Panics
/// Where it does not.
#[track_caller]
pub fn check_transition(transition: &Value) {
    keys(
        transition,
        &["customerId", "transitionId", "state", "adopted", "reasons", "warnings", "failure", "plans", "lines", "startedAt", "endedAt"],
    );
    guid(&transition["customerId"]);
    guid(&transition["transitionId"]);
    assert!(transition["adopted"].is_boolean(), "{transition}");
    for finding in items(&transition["reasons"]).iter().chain(items(&transition["warnings"])) {
        keys(finding, &["code", "resourceId", "description"]);
        assert!(finding["description"].as_str().is_some_and(|text| !text.is_empty()), "{finding}");
    }
    if !transition["failure"].is_null() {
        keys(&transition["failure"], &["step", "resourceId", "code", "description"]);
    }
    time(&transition["startedAt"]);
    if !transition["endedAt"].is_null() {
        time(&transition["endedAt"]);
    }
    check_plans(items(&transition["plans"]));
    check_lines(items(&transition["lines"]), transition["state"] == "Completed");
    if transition["state"] == "Ineligible" {
        assert!(items(&transition["plans"]).is_empty() && items(&transition["lines"]).is_empty(), "{transition}");
        assert!(!items(&transition["reasons"]).is_empty(), "{transition}");
    }
    let failed = matches!(transition["state"].as_str(), Some("Compensated" | "NeedsOperator"));
    assert_eq!(!transition["failure"].is_null(), failed, "a failure is told where there is one: {transition}");
}

fn check_plans(plans: &[Value]) {
    for plan in plans {
        keys(plan, &["planId", "partnerId", "reused", "status"]);
        guid(&plan["planId"]);
    }
    let resellers: Vec<Option<&str>> = plans.iter().map(|plan| plan["partnerId"].as_str()).collect();
    assert!(
        resellers.is_sorted_by_key(|reseller| (reseller.is_none(), *reseller)),
        "plans in the order of partnerId, null last: {plans:?}"
    );
}

fn check_lines(lines: &[Value], completed: bool) {
    for line in lines {
        keys(line, &["azureSubscriptionId", "commerceSubscriptionId", "planId", "state", "commerceStatus", "effectiveAt", "error"]);
        guid(&line["azureSubscriptionId"]);
        guid(&line["commerceSubscriptionId"]);
        assert_eq!(line["planId"].is_null(), line["effectiveAt"].is_null(), "a plan and the hour that it begins go together: {line}");
        if !line["planId"].is_null() {
            guid(&line["planId"]);
            let at = time(&line["effectiveAt"]);
            assert!(at.ends_with(":00:00Z"), "a whole hour without a fraction: {line}");
        }
        if !line["error"].is_null() {
            keys(&line["error"], &["code", "description"]);
        }
        assert_eq!(line["state"] == "Failed", !line["error"].is_null(), "an error is told where there is one: {line}");
        if completed {
            assert_eq!((&line["state"], &line["commerceStatus"]), (&json!("Completed"), &json!("suspended")), "{line}");
            assert!(!line["planId"].is_null(), "{line}");
        }
    }
    assert!(lines.is_sorted_by_key(|line| line["azureSubscriptionId"].as_str()), "lines in the order of azureSubscriptionId");
}

#[track_caller]
fn keys(object: &Value, expected: &[&str]) {
    let found: BTreeSet<&str> = object.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    assert_eq!(found, expected.iter().copied().collect(), "exactly these properties: {object}");
}

#[track_caller]
fn guid(value: &Value) {
    let text = value.as_str().unwrap_or_default();
    let parsed = uuid::Uuid::parse_str(text).unwrap_or_else(|_| panic!("a GUID was expected: {value}"));
    assert_eq!(text, parsed.hyphenated().to_string(), "GUIDs in lower case with hyphens");
}

#[track_caller]
fn time(value: &Value) -> &str {
    let text = value.as_str().unwrap_or_default();
    let pattern = |text: &str| {
        let (date, rest) = text.split_once('T')?;
        let clock = rest.strip_suffix('Z')?;
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
        let digits = |text: &str, separator: char, lengths: &[usize]| {
            text.split(separator)
                .map(|part| if part.bytes().all(|byte| byte.is_ascii_digit()) { part.len() } else { 0 })
                .eq(lengths.iter().copied())
        };
        (digits(date, '-', &[4, 2, 2]) && digits(clock, ':', &[2, 2, 2]) && fraction.bytes().all(|byte| byte.is_ascii_digit()))
            .then_some(())
    };
    assert!(pattern(text).is_some(), "a time in RFC 3339, in UTC with Z, was expected: {value}");
    text
}
