//! Lines of invoices against what was metered.
//!
//! A legacy line is for a billing cycle and, as a rule, for all of a customer's subscriptions; a plan's line is for a day of one. So both are
//! compared in the widest grain that their lines have: a *stretch* of a meter, which is what a line is for. Late usage keeps its own
//! dates on the next invoice, and is found by these.

use super::{InvoiceLine, Series, Used};
use crate::Decimal;
use bigdecimal::Zero as _;
use planshift_domain::{
    ids::{AzureSubscriptionId, CustomerId},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet},
};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// It was metered, belongs on this invoice, and is on neither.
    Missing,
    /// It belongs on the other invoice, and is missing there.
    OnTheWrongInvoice,
    /// It is there more often than it was metered: on both invoices, or twice on this one.
    Doubled,
    /// More than was metered at all.
    NotMetered,
    /// The line's charge is not its price times its quantity, rounded as that invoice rounds.
    WronglyCharged,
}

/// A fault, with what it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What is wrong.
    pub fault: Fault,
    /// On which invoice it is to be seen.
    pub series: Series,
    /// Whose.
    pub customer_id: CustomerId,
    /// The Azure subscription; none where the invoice does not tell them apart.
    pub azure_subscription_id: Option<AzureSubscriptionId>,
    /// The meter.
    pub meter_id: String,
    /// From then,
    pub from: Timestamp,
    /// until then.
    pub to: Timestamp,
    /// What there should be: a quantity, or of `wronglyCharged` an amount.
    pub expected: Decimal,
    /// What there is.
    pub found: Decimal,
    /// The invoices' lines that it is about: a number and a row each. Of what is missing there are none.
    pub lines: Vec<(String, u64)>,
}

/// What lines of one invoice are for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Stretch {
    customer: CustomerId,
    azure: Option<AzureSubscriptionId>,
    meter: String,
    from: Timestamp,
    to: Timestamp,
}

impl Stretch {
    fn of(line: &InvoiceLine) -> Self {
        Self { customer: line.customer_id, azure: line.azure_subscription_id, meter: line.meter_id.clone(), from: line.from, to: line.to }
    }

    fn of_day(used: &Used) -> Self {
        let to = used.day.plus_seconds(24 * 3600);
        Self { customer: used.customer_id, azure: Some(used.azure_subscription_id), meter: used.meter_id.clone(), from: used.day, to }
    }
}

/// One invoice's side of a stretch.
#[derive(Default)]
struct Side {
    expected: Decimal,
    found: Decimal,
    lines: Vec<(String, u64)>,
}

impl Side {
    fn over(&self) -> Decimal {
        positive(self.found.clone() + -self.expected.clone())
    }
    fn under(&self) -> Decimal {
        positive(self.expected.clone() + -self.found.clone())
    }
}

fn positive(number: Decimal) -> Decimal {
    if number < Decimal::default() { Decimal::default() } else { number }
}

/// Everything that is wrong with `lines`, given all that was metered in the time that they are for, in the order of customer, subscription,
/// meter and time. `came`: the invoices that are all there; of another one nothing is said to be missing.
pub fn compare(used: &[Used], lines: &[InvoiceLine], came: &[Series]) -> Vec<Finding> {
    let stretches = Stretches::of(used, lines);
    let mut sides: BTreeMap<Stretch, [Side; 2]> = BTreeMap::new();
    for used in used {
        if let Some(stretch) = stretches.holding(&Stretch::of_day(used)) {
            let [legacy, plan] = sides.entry(stretch).or_default();
            legacy.expected = legacy.expected.clone() + used.legacy.clone();
            plan.expected = plan.expected.clone() + used.plan.clone();
        }
    }
    let mut findings = Vec::new();
    let mut seen = HashSet::new();
    for line in lines {
        let stretch = Stretch::of(line);
        findings.extend(wrongly_charged(line));
        // the same line twice is told of by itself: which one, and not only that there is too much
        if !seen.insert((line.series, &line.invoice, stretch.clone(), &line.detail, &line.quantity, &line.charged)) {
            let lines = vec![(line.invoice.clone(), line.row)];
            findings.push(finding(Fault::Doubled, line.series, &stretch, Decimal::default(), line.quantity.clone(), lines));
        } else if let Some(stretch) = stretches.holding(&stretch) {
            let side = &mut sides.entry(stretch).or_default()[line.series as usize];
            side.found = side.found.clone() + line.quantity.clone();
            side.lines.push((line.invoice.clone(), line.row));
        }
    }
    for (stretch, sides) in &sides {
        judge(stretch, sides, came, &mut findings);
    }
    findings.sort_by(|a, b| key(a).cmp(&key(b)));
    findings
}

fn key(finding: &Finding) -> (CustomerId, Option<AzureSubscriptionId>, &str, Timestamp, Series, Fault) {
    (finding.customer_id, finding.azure_subscription_id, &finding.meter_id, finding.from, finding.series, finding.fault)
}

/// The stretches that are compared: those of lines, and of days that no line is for. None holds another one, so those of a holder that
/// begin later end later too.
struct Stretches(BTreeMap<Holder, Vec<(Timestamp, Timestamp)>>);

/// Whose meter: of all of a customer's subscriptions, or of one.
type Holder = (CustomerId, String, Option<AzureSubscriptionId>);

impl Stretches {
    fn of(used: &[Used], lines: &[InvoiceLine]) -> Self {
        let mut all: Vec<Stretch> = lines.iter().map(Stretch::of).chain(used.iter().map(Stretch::of_day)).collect();
        // a customer's before a subscription's, and the wider before what it holds
        let place = |stretch: &Stretch| (stretch.azure, stretch.from, Reverse(stretch.to));
        all.sort_by_key(place);
        let mut kept = Self(BTreeMap::new());
        for stretch in all {
            if kept.holding(&stretch).is_none() {
                kept.0.entry((stretch.customer, stretch.meter, stretch.azure)).or_default().push((stretch.from, stretch.to));
            }
        }
        kept
    }

    /// The one that holds `inner`, if any does.
    fn holding(&self, inner: &Stretch) -> Option<Stretch> {
        [None, inner.azure].into_iter().find_map(|azure| {
            let all = self.0.get(&(inner.customer, inner.meter.clone(), azure))?;
            let (from, to) = *all.get(all.partition_point(|(from, _)| *from <= inner.from).checked_sub(1)?)?;
            (inner.to <= to).then(|| Stretch { azure, from, to, ..inner.clone() })
        })
    }
}

fn judge(stretch: &Stretch, sides: &[Side; 2], came: &[Series], findings: &mut Vec<Finding>) {
    let both = [Series::Legacy, Series::Plan];
    let mut unexplained = both.map(|series| sides[series as usize].under());
    for series in both {
        let (here, there) = (&sides[series as usize], &sides[series.other() as usize]);
        let mut over = here.over();
        let mut say = |fault, quantity: Decimal| {
            let found = here.expected.clone() + quantity.clone();
            findings.push(finding(fault, series, stretch, here.expected.clone(), found, here.lines.clone()));
        };
        // what is too much here and too little there has come to the wrong invoice
        let strayed = over.clone().min(unexplained[series.other() as usize].clone());
        if !strayed.is_zero() && came.contains(&series.other()) {
            say(Fault::OnTheWrongInvoice, strayed.clone());
            let left = &mut unexplained[series.other() as usize];
            *left = left.clone() + -strayed.clone();
            over = over + -strayed;
        }
        // what is here and is there too, where it belongs, is billed twice
        let doubled = over.clone().min(there.expected.clone()).min(there.found.clone());
        if !doubled.is_zero() {
            say(Fault::Doubled, doubled.clone());
            over = over + -doubled;
        }
        // all of it once more, or twice more, on this invoice alone
        let again = !here.expected.is_zero() && (over.value() % here.expected.value()).is_zero();
        if !over.is_zero() {
            say(if again { Fault::Doubled } else { Fault::NotMetered }, over);
        }
    }
    for series in both {
        let missing = &unexplained[series as usize];
        if !missing.is_zero() && came.contains(&series) {
            let side = &sides[series as usize];
            let found = side.expected.clone() + -missing.clone();
            findings.push(finding(Fault::Missing, series, stretch, side.expected.clone(), found, Vec::new()));
        }
    }
}

fn wrongly_charged(line: &InvoiceLine) -> Option<Finding> {
    let (charged, reckoned) = (line.charged.clone()?, line.reckoned.clone()?);
    let lines = vec![(line.invoice.clone(), line.row)];
    (!reckoned.fits(&charged)).then(|| finding(Fault::WronglyCharged, line.series, &Stretch::of(line), reckoned.rounded, charged, lines))
}

fn finding(fault: Fault, series: Series, stretch: &Stretch, expected: Decimal, found: Decimal, lines: Vec<(String, u64)>) -> Finding {
    let Stretch { customer, azure, meter, from, to } = stretch.clone();
    Finding { fault, series, customer_id: customer, azure_subscription_id: azure, meter_id: meter, from, to, expected, found, lines }
}
