//! Lines of invoices against what was metered.
//!
//! A line is compared in the grain that it has: a *stretch* of a meter. A plan's line is for a day of one subscription; a legacy line is for a
//! billing cycle and, as a rule, for all of a customer's subscriptions. Late usage keeps its own dates on the next invoice, and is found by
//! these. What is too much in one place and too little in the other explains each other: so each fault is told once, where it is to be seen.
//!
//! A customer's subscriptions come one after the other, and only what is wrong is remembered: so the memory does not grow with what is right.

use super::{InvoiceLine, LinePlace, Series, Used};
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

/// How many faults of a customer are told one by one. Whoever has more has a file too few, and the others are counted.
pub const MOST_FINDINGS: usize = 50_000;
/// How many lines a finding names.
const MOST_LINES: usize = 50;
/// A day in seconds.
const DAY: i64 = 24 * 3600;

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
    /// From then, as that invoice counts days,
    pub from: Timestamp,
    /// until then.
    pub to: Timestamp,
    /// What there should be: a quantity, or of `wronglyCharged` an amount.
    pub expected: Decimal,
    /// What there is.
    pub found: Decimal,
    /// The invoices' lines that it is about, the first fifty of them. Of what is missing there are none.
    pub lines: Vec<LinePlace>,
}

/// For what time invoices have come. Of others nothing is said to be missing.
#[derive(Clone, Debug, Default)]
pub struct Came {
    /// Of the legacy invoice, by its own days.
    pub legacy: Vec<(Timestamp, Timestamp)>,
    /// Of the plan's, by UTC days.
    pub plan: Vec<(Timestamp, Timestamp)>,
}

impl Came {
    /// These invoices, for all time.
    pub fn all(series: &[Series]) -> Self {
        let always = |one| {
            if series.contains(&one) { vec![(Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX))] } else { Vec::new() }
        };
        Self { legacy: always(Series::Legacy), plan: always(Series::Plan) }
    }

    /// Has that invoice come for the day?
    pub fn has(&self, series: Series, day: Timestamp) -> bool {
        let windows = if series == Series::Legacy { &self.legacy } else { &self.plan };
        windows.iter().any(|(from, to)| *from <= day && day < *to)
    }
}

/// What lines of one invoice are for, of one customer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Stretch {
    azure: Option<AzureSubscriptionId>,
    meter: String,
    from: Timestamp,
    to: Timestamp,
}

impl Stretch {
    fn of(line: &InvoiceLine) -> Self {
        Self { azure: line.azure_subscription_id, meter: line.meter_id.clone(), from: line.from, to: line.to }
    }

    fn of_day(used: &Used, day: Timestamp) -> Self {
        Self { azure: Some(used.azure_subscription_id), meter: used.meter_id.clone(), from: day, to: day.plus_seconds(DAY) }
    }
}

/// What there should be of a stretch on one invoice, and what there is.
#[derive(Debug, Default)]
struct Side {
    expected: Decimal,
    found: Decimal,
    lines: Vec<LinePlace>,
}

impl Side {
    fn over(&self) -> Decimal {
        less(&self.found, &self.expected)
    }
    fn under(&self) -> Decimal {
        less(&self.expected, &self.found)
    }
    fn has(&mut self, line: &InvoiceLine) {
        add(&mut self.found, &line.quantity);
        if self.lines.len() < MOST_LINES {
            self.lines.push(line.place.clone());
        }
    }
}

/// `one - other`, or nothing where that is less.
fn less(one: &Decimal, other: &Decimal) -> Decimal {
    (one.clone() + -other.clone()).max(Decimal::default())
}

fn add(sum: &mut Decimal, more: &Decimal) {
    *sum = std::mem::take(sum) + more.clone();
}

/// Takes as much of `quantity` as there is, at most `most`.
fn take(quantity: &mut Decimal, most: &Decimal) -> Decimal {
    let taken = quantity.clone().min(most.clone()).max(Decimal::default());
    *quantity = less(quantity, &taken);
    taken
}

/// A stretch of the plan's invoice that is not as it should be.
#[derive(Debug)]
struct Stray {
    stretch: Stretch,
    side: Side,
    /// What of its days belongs on the legacy invoice.
    of_legacy: Decimal,
}

/// A stretch of the legacy invoice, with what the plan's has of the same usage.
#[derive(Debug, Default)]
struct Wide {
    side: Side,
    /// What is on the plan's invoice, and belongs there.
    on_plan: Decimal,
    /// What belongs on a plan's invoice that has not come.
    not_come: Decimal,
    strays: Vec<Stray>,
}

/// The comparison of one customer's lines with what was metered.
#[derive(Debug)]
pub struct Comparison {
    customer: CustomerId,
    came: Came,
    stretches: Stretches,
    wide: BTreeMap<Stretch, Wide>,
    findings: Vec<Finding>,
    /// Kept as strays, beside the findings.
    kept: usize,
    unlisted: u64,
}

impl Comparison {
    /// With all legacy lines that are compared.
    pub fn new(customer: CustomerId, legacy: &[InvoiceLine], came: Came) -> Self {
        let stretches = Stretches::of(legacy.iter().map(Stretch::of).collect());
        let mut comparison = Self { customer, came, stretches, wide: BTreeMap::new(), findings: Vec::new(), kept: 0, unlisted: 0 };
        for line in comparison.once(legacy) {
            if let Some(stretch) = comparison.stretches.holding(&Stretch::of(line)) {
                comparison.wide.entry(stretch).or_default().side.has(line);
            }
        }
        comparison
    }

    /// All that a subscription used, and all its lines on the plan's invoice.
    pub fn subscription(&mut self, used: &[Used], lines: &[InvoiceLine]) {
        let days = used.iter().filter(|used| !used.plan.is_zero()).map(|used| Stretch::of_day(used, used.day));
        let stretches = Stretches::of(lines.iter().map(Stretch::of).chain(days).collect());
        let mut plans: BTreeMap<Stretch, Stray> = BTreeMap::new();
        // where its usage of the legacy offer is billed: what is too much on the plan's invoice may be missing there
        let mut beside: BTreeMap<Stretch, Stretch> = BTreeMap::new();
        let mut narrow: BTreeMap<Stretch, Wide> = BTreeMap::new();
        let stray = |stretch: &Stretch| Stray { stretch: stretch.clone(), side: Side::default(), of_legacy: Decimal::default() };
        for used in used {
            let held = stretches.holding(&Stretch::of_day(used, used.day));
            if let Some(stretch) = &held {
                let plan = plans.entry(stretch.clone()).or_insert_with(|| stray(stretch));
                add(&mut plan.side.expected, &used.plan);
                add(&mut plan.of_legacy, &used.legacy);
            }
            if used.legacy.is_zero() {
                continue;
            }
            let of_cycle = Stretch::of_day(used, used.cycle_day);
            let (stretch, wide) = match self.stretches.holding(&of_cycle) {
                Some(stretch) => (stretch.clone(), self.wide.entry(stretch).or_default()),
                None => (of_cycle.clone(), narrow.entry(of_cycle).or_default()),
            };
            add(&mut wide.side.expected, &used.legacy);
            if let Some(held) = held {
                beside.entry(held).or_insert(stretch);
            }
        }
        for line in self.once(lines) {
            if let Some(stretch) = stretches.holding(&Stretch::of(line)) {
                plans.entry(stretch.clone()).or_insert_with(|| stray(&stretch)).side.has(line);
            }
        }
        for (stretch, plan) in plans {
            let first_day = Stretch { to: stretch.from.plus_seconds(DAY), ..stretch.clone() };
            let place = beside.remove(&stretch).or_else(|| self.stretches.holding(&first_day)).unwrap_or(first_day);
            let wide = match self.wide.get_mut(&place) {
                Some(wide) => wide,
                None => narrow.entry(place).or_default(),
            };
            add(&mut wide.on_plan, &plan.side.found.clone().min(plan.side.expected.clone()));
            if !self.came.has(Series::Plan, stretch.from) {
                add(&mut wide.not_come, &plan.side.under());
            }
            if plan.side.found == plan.side.expected {
                continue;
            }
            if self.kept < MOST_FINDINGS {
                self.kept += 1;
                wide.strays.push(plan);
            } else {
                self.unlisted += 1;
            }
        }
        for (stretch, wide) in narrow {
            self.judge(&stretch, wide);
        }
    }

    /// Everything that is wrong, in the order of subscription, meter and time; and how much more there is that is not listed.
    pub fn end(mut self) -> (Vec<Finding>, u64) {
        for (stretch, wide) in std::mem::take(&mut self.wide) {
            self.judge(&stretch, wide);
        }
        self.findings.sort_by(|a, b| key(a).cmp(&key(b)));
        (self.findings, self.unlisted)
    }

    /// Lines, each once: the same one again is told of by itself (which one, and not only that there is too much).
    fn once<'a>(&mut self, lines: &'a [InvoiceLine]) -> Vec<&'a InvoiceLine> {
        let mut seen = HashSet::new();
        let mut once = Vec::with_capacity(lines.len());
        for line in lines {
            let stretch = Stretch::of(line);
            if let (Some(charged), Some(reckoned)) = (&line.charged, &line.reckoned)
                && !reckoned.fits(charged)
            {
                let lines = vec![line.place.clone()];
                self.say(Fault::WronglyCharged, line.series, &stretch, reckoned.rounded.clone(), charged.clone(), lines);
            }
            if seen.insert((line.series, &line.place.invoice, stretch.clone(), &line.detail, &line.quantity, &line.charged)) {
                once.push(line);
            } else {
                let lines = vec![line.place.clone()];
                self.say(Fault::Doubled, line.series, &stretch, Decimal::default(), line.quantity.clone(), lines);
            }
        }
        once
    }

    fn say(&mut self, fault: Fault, series: Series, stretch: &Stretch, expected: Decimal, found: Decimal, lines: Vec<LinePlace>) {
        if self.findings.len() >= MOST_FINDINGS {
            self.unlisted += 1;
            return;
        }
        let Stretch { azure, meter, from, to } = stretch.clone();
        let (customer_id, azure_subscription_id, meter_id) = (self.customer, azure, meter);
        self.findings.push(Finding { fault, series, customer_id, azure_subscription_id, meter_id, from, to, expected, found, lines });
    }

    fn judge(&mut self, stretch: &Stretch, wide: Wide) {
        let Wide { side, mut on_plan, mut not_come, strays } = wide;
        let legacy_came = self.came.has(Series::Legacy, stretch.from);
        let (mut under, mut over) = (side.under(), side.over());
        let mut strayed_here = Decimal::default();
        for stray in strays {
            let Stray { stretch: place, side: plan, mut of_legacy } = stray;
            let mut too_much = plan.over();
            // it belongs on the legacy invoice, and is not there
            let strayed = if legacy_came { take(&mut under, &too_much) } else { take(&mut of_legacy, &too_much) };
            if legacy_came {
                of_legacy = less(&of_legacy, &strayed);
            }
            too_much = less(&too_much, &strayed);
            // it belongs there, and is there too
            let mut doubled = take(&mut too_much, &of_legacy);
            if is_again(&too_much, &plan.expected) {
                add(&mut doubled, &std::mem::take(&mut too_much));
            }
            let missing = {
                let mut missing = if self.came.has(Series::Plan, place.from) { plan.under() } else { Decimal::default() };
                let found = take(&mut over, &missing);
                missing = less(&missing, &found);
                add(&mut strayed_here, &found);
                missing
            };
            self.too_much(
                Series::Plan,
                &place,
                &plan,
                [(Fault::OnTheWrongInvoice, strayed), (Fault::Doubled, doubled), (Fault::NotMetered, too_much)],
            );
            self.missing(Series::Plan, &place, &plan, &missing);
        }
        add(&mut strayed_here, &take(&mut over, &std::mem::take(&mut not_come)));
        let mut doubled = take(&mut over, &std::mem::take(&mut on_plan));
        if is_again(&over, &side.expected) {
            add(&mut doubled, &std::mem::take(&mut over));
        }
        self.too_much(
            Series::Legacy,
            stretch,
            &side,
            [(Fault::OnTheWrongInvoice, strayed_here), (Fault::Doubled, doubled), (Fault::NotMetered, over)],
        );
        if legacy_came {
            self.missing(Series::Legacy, stretch, &side, &under);
        }
    }

    fn too_much(&mut self, series: Series, stretch: &Stretch, side: &Side, faults: [(Fault, Decimal); 3]) {
        for (fault, quantity) in faults.into_iter().filter(|(_, quantity)| !quantity.is_zero()) {
            self.say(fault, series, stretch, side.expected.clone(), side.expected.clone() + quantity, side.lines.clone());
        }
    }

    fn missing(&mut self, series: Series, stretch: &Stretch, side: &Side, missing: &Decimal) {
        if !missing.is_zero() {
            let found = less(&side.expected, missing);
            self.say(Fault::Missing, series, stretch, side.expected.clone(), found, Vec::new());
        }
    }
}

/// Is it all of it once more, or twice more?
fn is_again(over: &Decimal, expected: &Decimal) -> bool {
    !over.is_zero() && !expected.is_zero() && (over.value() % expected.value()).is_zero()
}

fn key(finding: &Finding) -> (Option<AzureSubscriptionId>, &str, Timestamp, Series, Fault, Option<&LinePlace>) {
    (finding.azure_subscription_id, &finding.meter_id, finding.from, finding.series, finding.fault, finding.lines.first())
}

/// Everything that is wrong with `lines`, given all that was metered in the time that they are for, in the order of customer, subscription,
/// meter and time. For what fits in memory; what may not is given to a [`Comparison`] bit by bit.
pub fn compare(used: &[Used], lines: &[InvoiceLine], came: &Came) -> Vec<Finding> {
    type Parts = (Vec<InvoiceLine>, BTreeMap<AzureSubscriptionId, (Vec<Used>, Vec<InvoiceLine>)>);
    let mut customers: BTreeMap<CustomerId, Parts> = BTreeMap::new();
    for used in used {
        let (_, subscriptions) = customers.entry(used.customer_id).or_default();
        subscriptions.entry(used.azure_subscription_id).or_default().0.push(used.clone());
    }
    for line in lines {
        let (legacy, subscriptions) = customers.entry(line.customer_id).or_default();
        match (line.series, line.azure_subscription_id) {
            (Series::Plan, Some(azure)) => subscriptions.entry(azure).or_default().1.push(line.clone()),
            _ => legacy.push(line.clone()),
        }
    }
    let of_customer = |(customer, (legacy, subscriptions)): (CustomerId, Parts)| {
        let mut comparison = Comparison::new(customer, &legacy, came.clone());
        for (used, lines) in subscriptions.values() {
            comparison.subscription(used, lines);
        }
        comparison.end().0
    };
    customers.into_iter().flat_map(of_customer).collect()
}

/// The stretches that are compared: those of lines, and of days that no line is for. None holds another one, so those of a holder that
/// begin later end later too.
#[derive(Debug)]
struct Stretches(BTreeMap<Holder, Vec<(Timestamp, Timestamp)>>);

/// Whose meter: of all of a customer's subscriptions, or of one.
type Holder = (String, Option<AzureSubscriptionId>);

impl Stretches {
    fn of(mut all: Vec<Stretch>) -> Self {
        // a customer's before a subscription's, and the wider before what it holds
        all.sort_by_key(|stretch| (stretch.azure, stretch.from, Reverse(stretch.to)));
        let mut kept = Self(BTreeMap::new());
        for stretch in all {
            if kept.holding(&stretch).is_none() {
                kept.0.entry((stretch.meter, stretch.azure)).or_default().push((stretch.from, stretch.to));
            }
        }
        kept
    }

    /// The one that holds `inner`, if any does.
    fn holding(&self, inner: &Stretch) -> Option<Stretch> {
        [None, inner.azure].into_iter().find_map(|azure| {
            let all = self.0.get(&(inner.meter.clone(), azure))?;
            let (from, to) = *all.get(all.partition_point(|(from, _)| *from <= inner.from).checked_sub(1)?)?;
            (inner.to <= to).then(|| Stretch { azure, from, to, meter: inner.meter.clone() })
        })
    }
}
