use super::*;
use crate::{
    Decimal,
    charge::{Reckoned, effective_unit_price},
    owned::{intervals, owner_in},
};
use planshift_domain::{
    ids::{AzureSubscriptionId, CustomerId, PlanId},
    ownership::{ChangePoint, Owner, give_back_at},
    time::Timestamp,
};
use std::ops::ControlFlow;
use uuid::Uuid;

const CUSTOMER: CustomerId = CustomerId(Uuid::from_u128(1));
const METER: &str = "meter";
const BOTH: &[Series] = &[Series::Legacy, Series::Plan];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}
fn azure(n: u128) -> AzureSubscriptionId {
    AzureSubscriptionId(Uuid::from_u128(n))
}
fn used(subscription: u128, day: &str, legacy: &str, plan: &str) -> Used {
    Used {
        customer_id: CUSTOMER,
        azure_subscription_id: azure(subscription),
        meter_id: METER.into(),
        day: at(&format!("{day}T00:00:00Z")),
        cycle_day: at(&format!("{day}T00:00:00Z")),
        legacy: decimal(legacy),
        plan: decimal(plan),
    }
}
/// A line of the legacy invoice, for a cycle and all of the customer's subscriptions.
fn legacy(row: u64, from: &str, to: &str, quantity: &str) -> InvoiceLine {
    InvoiceLine {
        series: Series::Legacy,
        place: place("D1", row),
        customer_id: CUSTOMER,
        azure_subscription_id: None,
        meter_id: METER.into(),
        from: at(&format!("{from}T00:00:00Z")),
        to: at(&format!("{to}T00:00:00Z")),
        detail: row.to_string(),
        quantity: decimal(quantity),
        charged: None,
        reckoned: None,
    }
}
/// A line of the plan's invoice, for a day of one subscription.
fn plan(row: u64, subscription: u128, day: &str, quantity: &str) -> InvoiceLine {
    let from = at(&format!("{day}T00:00:00Z"));
    InvoiceLine {
        series: Series::Plan,
        place: place("G1", row),
        azure_subscription_id: Some(azure(subscription)),
        from,
        to: from.plus_seconds(24 * 3600),
        ..legacy(row, day, day, quantity)
    }
}
fn place(invoice: &str, row: u64) -> LinePlace {
    LinePlace { file: Uuid::nil(), invoice: invoice.into(), row }
}
fn told(findings: &[Finding]) -> Vec<(Fault, Series, String, String)> {
    findings.iter().map(|f| (f.fault, f.series, f.expected.to_string(), f.found.to_string())).collect()
}
fn case(fault: Fault, series: Series, expected: &str, found: &str) -> Vec<(Fault, Series, String, String)> {
    vec![(fault, series, expected.into(), found.into())]
}

/// The day of the cut of worked example E, and the day before and after it, of a machine that runs all day.
fn around_the_cut() -> Vec<Used> {
    vec![used(1, "2026-09-17", "24", "0"), used(1, "2026-09-18", "10", "14"), used(1, "2026-09-19", "0", "24")]
}

#[test]
fn invoices_that_are_right_have_no_findings() {
    let lines = [legacy(2, "2026-08-28", "2026-09-28", "34"), plan(2, 1, "2026-09-18", "14"), plan(3, 1, "2026-09-19", "24")];
    assert_eq!(compare(&around_the_cut(), &lines, &Came::all(BOTH)), []);
}

#[test]
fn what_is_on_neither_is_missing_if_that_invoice_has_come() {
    let lines = [legacy(2, "2026-08-28", "2026-09-28", "34"), plan(2, 1, "2026-09-18", "14")];
    let findings = compare(&around_the_cut(), &lines, &Came::all(BOTH));
    assert_eq!(told(&findings), case(Fault::Missing, Series::Plan, "24", "0"));
    let missing = (findings[0].azure_subscription_id, findings[0].from, findings[0].lines.len());
    assert_eq!(missing, (Some(azure(1)), at("2026-09-19T00:00:00Z"), 0), "which day of what");
    assert_eq!(compare(&around_the_cut(), &lines, &Came::all(&[Series::Legacy])), [], "the plan's invoice has not come yet");
}

#[test]
fn an_hour_before_the_cut_on_the_plan_s_invoice() {
    let cycle = |hours: &str| legacy(2, "2026-08-28", "2026-09-28", hours);
    let on_plan = |hours: &str| [plan(2, 1, "2026-09-18", hours), plan(3, 1, "2026-09-19", "24")];
    // instead of the legacy one
    let lines: Vec<_> = std::iter::once(cycle("33")).chain(on_plan("15")).collect();
    assert_eq!(told(&compare(&around_the_cut(), &lines, &Came::all(BOTH))), case(Fault::OnTheWrongInvoice, Series::Plan, "14", "15"));
    // and there too
    let lines: Vec<_> = std::iter::once(cycle("34")).chain(on_plan("15")).collect();
    assert_eq!(told(&compare(&around_the_cut(), &lines, &Came::all(BOTH))), case(Fault::Doubled, Series::Plan, "14", "15"));
}

#[test]
fn usage_after_the_cut_on_the_legacy_invoice() {
    let lines = [legacy(2, "2026-08-28", "2026-09-28", "58"), plan(2, 1, "2026-09-18", "14")];
    assert_eq!(told(&compare(&around_the_cut(), &lines, &Came::all(BOTH))), case(Fault::OnTheWrongInvoice, Series::Legacy, "34", "58"));
    let lines = [legacy(2, "2026-08-28", "2026-09-28", "58"), plan(2, 1, "2026-09-18", "14"), plan(3, 1, "2026-09-19", "24")];
    assert_eq!(told(&compare(&around_the_cut(), &lines, &Came::all(BOTH))), case(Fault::Doubled, Series::Legacy, "34", "58"));
}

#[test]
fn a_line_that_is_there_twice_is_named() {
    let twice =
        [plan(2, 1, "2026-09-19", "24"), InvoiceLine { place: place("G1", 9), detail: "2".into(), ..plan(2, 1, "2026-09-19", "24") }];
    let findings = compare(&around_the_cut()[2..], &twice, &Came::all(&[Series::Plan]));
    assert_eq!(told(&findings), case(Fault::Doubled, Series::Plan, "0", "24"));
    assert_eq!(findings[0].lines, [place("G1", 9)]);
    // on another invoice it is a line of its own, and the sum tells
    let again = [plan(2, 1, "2026-09-19", "24"), InvoiceLine { place: place("G2", 2), ..plan(2, 1, "2026-09-19", "24") }];
    assert_eq!(told(&compare(&around_the_cut()[2..], &again, &Came::all(&[Series::Plan]))), case(Fault::Doubled, Series::Plan, "24", "48"));
}

#[test]
fn more_than_was_metered_and_what_nobody_used() {
    let lines = [plan(2, 1, "2026-09-19", "25"), plan(3, 5, "2026-09-19", "3")];
    let findings = compare(&around_the_cut()[2..], &lines, &Came::all(&[Series::Plan]));
    assert_eq!(
        findings.iter().map(|f| (f.fault, f.azure_subscription_id.unwrap(), f.found.to_string())).collect::<Vec<_>>(),
        [(Fault::NotMetered, azure(1), "25".to_owned()), (Fault::NotMetered, azure(5), "3".to_owned()),]
    );
}

/// Usage of the day of the cut that is reported later is on the next legacy invoice, under its own dates.
#[test]
fn late_usage_keeps_its_dates() {
    let late = InvoiceLine { place: place("D2", 2), ..legacy(2, "2026-09-18", "2026-09-19", "1") };
    let cycle = legacy(2, "2026-08-28", "2026-09-28", "33");
    let rest = [plan(2, 1, "2026-09-18", "14"), plan(3, 1, "2026-09-19", "24")];
    let lines: Vec<_> = [cycle, late].into_iter().chain(rest).collect();
    assert_eq!(compare(&around_the_cut(), &lines, &Came::all(BOTH)), []);
}

#[test]
fn a_charge_is_reckoned_again() {
    let effective = effective_unit_price(&decimal("0.868"), &decimal("0"));
    let reckoned = Reckoned::plan(&effective, &decimal("14"), &decimal("0.846202666"));
    let line =
        |charged: &str| InvoiceLine { charged: Some(decimal(charged)), reckoned: Some(reckoned.clone()), ..plan(2, 1, "2026-09-18", "14") };
    let day = [used(1, "2026-09-18", "0", "14")];
    assert_eq!(compare(&day, &[line("10.28")], &Came::all(&[Series::Plan])), []);
    assert_eq!(
        told(&compare(&day, &[line("10.29")], &Came::all(&[Series::Plan]))),
        case(Fault::WronglyCharged, Series::Plan, "10.28", "10.29")
    );
}

/// A daily rated usage file is the plan's invoice, line by line.
#[test]
fn a_daily_rated_file_is_an_invoice() {
    let file = "CustomerId,EntitlementId,UsageDate,MeterId,ResourceURI,Quantity,Unit,InvoiceNumber,UnitPrice,EffectiveUnitPrice,\
                PCToBCExchangeRate,BillingPreTaxTotal\n\
                00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000001,2026-09-18,METER,/x,14,Hours,G1,0.868,0.868,0.846202666,10.28\n\
                00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000001,2026-09-19,METER,/x,24,Hours,G1,0.868,0.7378,0.846202666,14.99\n\
                00000000-0000-0000-0000-000000000001,00000000-0000-0000-0000-000000000001,2026-09-20,METER,/x,24,Hours,,0.868,0.7378,0.846202666,\n";
    let mut lines = Vec::new();
    let take = |row, record| {
        lines.extend(InvoiceLine::of_rated(row, &record, None));
        ControlFlow::Continue(())
    };
    crate::read(file.as_bytes(), crate::Format::Csv, &crate::Defaults::default(), take).unwrap();
    assert_eq!(
        lines.iter().map(|line| (line.place.row, line.place.invoice.as_str())).collect::<Vec<_>>(),
        [(2, "G1"), (3, "G1")],
        "what is not billed is on no invoice"
    );
    let findings = compare(&around_the_cut(), &lines, &Came::all(&[Series::Plan]));
    assert_eq!(told(&findings), case(Fault::WronglyCharged, Series::Plan, "14.97", "14.99"));
    assert_eq!(findings[0].lines, [place("G1", 3)]);
}

/// Worked example C: an hour of two subscriptions is the plan's, all the rest and the third one's are the legacy offer's.
#[test]
fn a_transition_that_was_undone() {
    let plan_id = Owner::Plan(PlanId(Uuid::from_u128(9)));
    let cut = at("2026-09-18T11:00:00Z");
    let back = give_back_at(cut, at("2026-09-18T11:05:00Z"));
    let moved =
        intervals(&[ChangePoint { from: cut, revision: 0, owner: plan_id }, ChangePoint { from: back, revision: 0, owner: Owner::Legacy }]);
    let hours = |intervals: &[crate::owned::Interval], owner: Owner| {
        let hour = |n: i64| at("2026-09-18T00:00:00Z").plus_seconds(n * 3600);
        (0..24).filter(|n| owner_in(intervals, hour(*n)) == owner).count().to_string()
    };
    let rows: Vec<Used> = [(1, &moved), (2, &moved), (3, &intervals(&[]))]
        .map(|(n, intervals)| used(n, "2026-09-18", &hours(intervals, Owner::Legacy), &hours(intervals, plan_id)))
        .into();
    assert_eq!(
        rows.iter().map(|row| (row.legacy.to_string(), row.plan.to_string())).collect::<Vec<_>>(),
        [("23".into(), "1".into()), ("23".into(), "1".into()), ("24".into(), "0".into())]
    );
    let lines = [legacy(2, "2026-09-18", "2026-09-19", "70"), plan(2, 1, "2026-09-18", "1"), plan(3, 2, "2026-09-18", "1")];
    assert_eq!(compare(&rows, &lines, &Came::all(BOTH)), []);
    let sum = |part: fn(&Used) -> &Decimal| rows.iter().map(|row| part(row).clone()).sum::<Decimal>();
    let check = SumCheck::of(decimal("72"), sum(|row| &row.legacy), sum(|row| &row.plan));
    assert!(check.holds && check.difference.is_zero());
    assert!(!SumCheck::of(decimal("73"), check.legacy, check.plan).holds);
}

/// Whatever was used, invoices that have it say nothing; take a line away, or put one in twice, and it is found.
#[test]
fn any_line_too_few_or_too_many_is_found() {
    let rows: Vec<Used> = (0..40)
        .map(|n| {
            let day = format!("2026-09-{:02}", 1 + n % 20);
            if n % 3 == 0 { used(1 + n / 20, &day, "2.5", "0.25") } else { used(1 + n / 20, &day, "0", "1.125") }
        })
        .map(|mut row| {
            row.azure_subscription_id = azure(row.azure_subscription_id.0.as_u128());
            row
        })
        .collect();
    let plans = rows.iter().zip(2..).map(|(row, n)| {
        let day = row.day.to_string();
        plan(n, row.azure_subscription_id.0.as_u128(), &day[..10], &row.plan.to_string())
    });
    let legacy_sum: Decimal = rows.iter().map(|row| row.legacy.clone()).sum();
    let lines: Vec<InvoiceLine> = std::iter::once(legacy(1, "2026-09-01", "2026-10-01", &legacy_sum.to_string())).chain(plans).collect();
    assert_eq!(compare(&rows, &lines, &Came::all(BOTH)), []);
    for n in 0..lines.len() {
        let mut fewer = lines.clone();
        let gone = fewer.remove(n);
        let findings = compare(&rows, &fewer, &Came::all(BOTH));
        assert!(findings.iter().any(|f| f.fault == Fault::Missing && f.series == gone.series), "without line {n}: {findings:?}");
        let mut more = lines.clone();
        more.push(InvoiceLine { place: place("X9", 1), ..gone });
        assert!(compare(&rows, &more, &Came::all(BOTH)).iter().any(|f| f.fault != Fault::Missing), "with line {n} twice");
    }
}

/// A day too few of one subscription and too much of another come to the same sum on the customer's legacy line, and are told all the same.
#[test]
fn faults_of_two_subscriptions_do_not_cancel_out() {
    let rows = [used(1, "2026-09-17", "24", "0"), used(1, "2026-09-19", "0", "24"), used(2, "2026-09-19", "0", "24")];
    let lines = [legacy(2, "2026-08-28", "2026-09-28", "24"), plan(2, 1, "2026-09-19", "48")];
    let findings = compare(&rows, &lines, &Came::all(BOTH));
    let told: Vec<_> =
        findings.iter().map(|one| (one.fault, one.azure_subscription_id, one.expected.to_string(), one.found.to_string())).collect();
    let one = |fault, n, expected: &str, found: &str| (fault, Some(azure(n)), expected.to_owned(), found.to_owned());
    assert_eq!(told, [one(Fault::Doubled, 1, "24", "48"), one(Fault::Missing, 2, "24", "0")]);
}

/// Before the legacy invoice has come, what the plan's has of the legacy offer's usage is on the wrong one all the same.
#[test]
fn what_belongs_on_an_invoice_that_has_not_come_is_on_the_wrong_one() {
    let lines = [plan(2, 1, "2026-09-18", "24"), plan(3, 1, "2026-09-19", "24")];
    let findings = compare(&around_the_cut(), &lines, &Came::all(&[Series::Plan]));
    assert_eq!(told(&findings), case(Fault::OnTheWrongInvoice, Series::Plan, "14", "24"));
    let lines = [legacy(2, "2026-08-28", "2026-09-28", "58")];
    let findings = compare(&around_the_cut(), &lines, &Came::all(&[Series::Legacy]));
    assert_eq!(told(&findings), case(Fault::OnTheWrongInvoice, Series::Legacy, "34", "58"));
}

/// An hour before seven in the morning is of the legacy invoice's day before, and of the plan's invoice's day itself.
#[test]
fn each_invoice_counts_by_its_own_days() {
    let early = Used { cycle_day: at("2026-09-17T00:00:00Z"), ..used(1, "2026-09-18", "5", "0") };
    let rows = [early, used(1, "2026-09-18", "0", "14")];
    let cycle = |hours: &str| legacy(2, "2026-08-18", "2026-09-18", hours);
    assert_eq!(compare(&rows, &[cycle("5"), plan(2, 1, "2026-09-18", "14")], &Came::all(BOTH)), []);
    let strayed = compare(&rows, &[cycle("4"), plan(2, 1, "2026-09-18", "15")], &Came::all(BOTH));
    assert_eq!(told(&strayed), case(Fault::OnTheWrongInvoice, Series::Plan, "14", "15"));
}
