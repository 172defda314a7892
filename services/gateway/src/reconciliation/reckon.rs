//! A subscription: what belongs on which invoice, what it costs there, and whether that is all that was metered.

use super::{
    AT_ONCE, After, Reconciliation, Scope, count_sums,
    facts::{DayFacts, Facts, MeterDay},
    rated::PricedPages,
};
use planshift_billing::{
    Decimal,
    charge::legacy_charge,
    owned::Interval,
    reconcile::{Basis, Belonging, SumCheck, Used, cycle},
};
use planshift_domain::{
    ids::{AzureSubscriptionId, CustomerId, PlanId, TransitionId},
    ownership::Owner,
    time::Timestamp,
};
use planshift_storage::StorageError;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A day in seconds.
const DAY: i64 = 24 * 3600;

/// Amounts by currency; what has no currency in its file is under an empty one.
pub(crate) type Money = BTreeMap<String, Decimal>;

/// What belongs where of a meter on a day.
#[derive(Clone, Debug)]
pub(crate) struct DayRow {
    pub(crate) meter: String,
    pub(crate) day: Timestamp,
    pub(crate) unit: String,
    pub(crate) d: Decimal,
    pub(crate) g: Decimal,
    pub(crate) basis: Basis,
    /// Where the daily rated file says otherwise: what it says.
    pub(crate) rated_says: Option<Decimal>,
    /// The billing cycle that it falls to on the legacy invoice; of what begins before 07:00Z the day before decides.
    pub(crate) cycle: Option<(Timestamp, Timestamp)>,
    pub(crate) d_amount: Money,
    pub(crate) g_amount: Money,
}

/// The same of all days.
#[derive(Clone, Debug, Default)]
pub(crate) struct MeterRow {
    pub(crate) meter: String,
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) d: Decimal,
    pub(crate) g: Decimal,
    pub(crate) d_amount: Money,
    pub(crate) g_amount: Money,
}

/// A subscription.
#[derive(Clone, Debug)]
pub(crate) struct Reconciled {
    pub(crate) azure: AzureSubscriptionId,
    pub(crate) customer: CustomerId,
    pub(crate) commerce: Option<Uuid>,
    pub(crate) plans: Vec<PlanId>,
    pub(crate) billing_ids: BTreeSet<String>,
    pub(crate) transitions: Vec<Uuid>,
    /// Who owned it from when, and which transition made it so.
    pub(crate) intervals: Vec<(Interval, Option<TransitionId>)>,
    /// By unit; what both kinds of record tell of is in it once, and so is the number of it.
    pub(crate) units: Vec<(String, SumCheck, Decimal)>,
    /// What of the legacy invoice's part falls to which cycle, by unit; without a cycle where none is known.
    pub(crate) cycles: BTreeMap<(Option<(Timestamp, Timestamp)>, String), Decimal>,
    pub(crate) d_amount: Money,
    pub(crate) g_amount: Money,
    pub(crate) meters: Vec<MeterRow>,
    pub(crate) days: Vec<DayRow>,
}

impl Reconciled {
    /// Do all sums agree?
    pub(crate) fn agrees(&self) -> bool {
        self.units.iter().all(|(_, check, _)| check.holds)
    }

    /// How many days of meters nothing splits; and how many the daily rated file says something else of.
    pub(crate) fn doubts(&self) -> (usize, usize) {
        let count = |is_so: fn(&DayRow) -> bool| self.days.iter().filter(|day| is_so(day)).count();
        (count(|day| day.basis == Basis::Unproven), count(|day| day.rated_says.is_some()))
    }
}

/// By meter and day.
type JudgedDays = BTreeMap<MeterDay, Judged>;

/// A day with what belongs where.
struct Judged {
    facts: DayFacts,
    belonging: Belonging,
    g_amount: Money,
}

impl Judged {
    fn new(facts: DayFacts) -> Self {
        let belonging = facts.day.belonging();
        Self { facts, belonging, g_amount: Money::new() }
    }

    fn has_used(&self) -> bool {
        self.facts.day.legacy.records + self.facts.day.plan.records > 0
    }

    /// Is what belongs on the plan's invoice counted by daily rated records?
    fn plan_is_rated(&self) -> bool {
        let day = &self.facts.day;
        day.rated_legacy.records + day.rated_plan.records > 0 && (!self.has_used() || (day.changes && day.plan.records == 0))
    }

    fn units(&self) -> (&str, &str) {
        let DayFacts { unit, rated_unit, .. } = &self.facts;
        let of_legacy = if self.has_used() { unit } else { rated_unit };
        (of_legacy, if self.plan_is_rated() { rated_unit } else { unit })
    }
}

pub(super) fn add(sum: &mut Decimal, more: &Decimal) {
    *sum = std::mem::take(sum) + more.clone();
}

pub(super) fn pay(money: &mut Money, currency: &str, amount: &Decimal) {
    add(money.entry(currency.to_owned()).or_default(), amount);
}

/// What a meter used, for the comparison with invoices.
pub(super) fn used(facts: &Facts) -> Vec<Used> {
    let mut all = Vec::new();
    for ((meter, day), known) in &facts.days {
        let Belonging { legacy, plan, .. } = known.day.belonging();
        let of = |cycle_day, legacy, plan| Used {
            customer_id: facts.customer,
            azure_subscription_id: facts.azure,
            meter_id: meter.clone(),
            day: *day,
            cycle_day,
            legacy,
            plan,
        };
        let late = legacy + -known.early.clone();
        if !known.early.is_zero() {
            all.push(of(day.plus_seconds(-DAY), known.early.clone(), Decimal::default()));
        }
        all.push(of(*day, late, plan));
    }
    all
}

impl Reconciliation {
    /// The next subscriptions of the scope, at most `limit` and at most some dozens. `anchor`: the first day of a cycle of the legacy invoice.
    pub(crate) async fn page(
        &self,
        scope: &Scope,
        anchor: Option<Timestamp>,
        after: After,
        limit: u32,
    ) -> Result<Vec<Reconciled>, StorageError> {
        let subscriptions = self.subscriptions(scope, after, limit.min(AT_ONCE)).await?;
        let span = (scope.from, scope.to);
        let facts = self.facts(scope.partner, &subscriptions, span).await?;
        let azure: Vec<AzureSubscriptionId> = facts.iter().map(|facts| facts.azure).collect();
        let mut judged: Vec<(Facts, JudgedDays)> = facts
            .into_iter()
            .map(|mut facts| {
                let days = std::mem::take(&mut facts.days).into_iter().map(|(key, day)| (key, Judged::new(day))).collect();
                (facts, days)
            })
            .collect();
        // the first price that is met of a meter, for what of it is the legacy offer's
        let mut prices: BTreeMap<(AzureSubscriptionId, String), (Decimal, String)> = BTreeMap::new();
        let places: BTreeMap<AzureSubscriptionId, usize> = azure.iter().enumerate().map(|(place, azure)| (*azure, place)).collect();
        let mut pages = PricedPages::new(scope.partner, &azure, span);
        while pages.after.is_some() {
            for priced in self.priced(&mut pages).await? {
                if let Some(price) = &priced.rated.unit_price {
                    let currency = priced.rated.pricing_currency.clone().unwrap_or_default();
                    prices.entry((priced.azure, priced.meter.clone())).or_insert_with(|| (price.clone(), currency));
                }
                let Some((facts, days)) = places.get(&priced.azure).and_then(|place| judged.get_mut(*place)) else { continue };
                let Some(day) = days.get_mut(&(priced.meter.clone(), priced.day)) else { continue };
                // of a day before the cut it is on the legacy invoice; of the day of the cut it is the plan's part
                if day.belonging.plan.is_zero() {
                    continue;
                }
                let known = &day.facts.day;
                let is_alone = known.rated_legacy.records + known.rated_plan.records == 1;
                // where hours say how much of the day is the plan's, that is what may be charged
                let quantity = if is_alone { day.belonging.plan.clone() } else { priced.quantity.clone() };
                if let Some(amount) = priced.due(&quantity, facts) {
                    pay(&mut day.g_amount, &priced.currency(), &amount);
                }
            }
        }
        let page: Vec<Reconciled> = judged.into_iter().map(|(facts, days)| reconciled(facts, days, &prices, anchor)).collect();
        let disagreeing: Vec<_> = page.iter().filter(|one| !one.agrees()).map(|one| one.azure).collect();
        count_sums(&self.metrics, page.len() - disagreeing.len(), disagreeing.len());
        for azure in disagreeing {
            tracing::error!(partner = %scope.partner, %azure, "what was metered is not what belongs on both invoices");
        }
        Ok(page)
    }
}

fn reconciled(
    facts: Facts,
    judged: JudgedDays,
    prices: &BTreeMap<(AzureSubscriptionId, String), (Decimal, String)>,
    anchor: Option<Timestamp>,
) -> Reconciled {
    let mut sums: BTreeMap<String, [Decimal; 4]> = BTreeMap::new();
    for (unit, metered) in &facts.metered {
        sums.entry(unit.clone()).or_default()[0] = metered.clone();
    }
    let cycle_of = |day| anchor.map(|anchor| cycle::cycle_of(day, anchor));
    let mut cycles: BTreeMap<(Option<(Timestamp, Timestamp)>, String), Decimal> = BTreeMap::new();
    let mut meters: BTreeMap<String, MeterRow> = BTreeMap::new();
    let mut days = Vec::with_capacity(judged.len());
    for ((meter, day), one) in judged {
        let (d_unit, g_unit) = one.units();
        let (d_unit, g_unit) = (d_unit.to_owned(), g_unit.to_owned());
        let Judged { facts: known, belonging, g_amount } = one;
        add(&mut sums.entry(d_unit.clone()).or_default()[1], &belonging.legacy);
        add(&mut sums.entry(g_unit.clone()).or_default()[2], &belonging.plan);
        add(&mut sums.entry(known.rated_unit.clone()).or_default()[3], &belonging.again);
        let late = belonging.legacy.clone() + -known.early.clone();
        for (day, part) in [(day.plus_seconds(-DAY), &known.early), (day, &late)] {
            if !part.is_zero() {
                add(cycles.entry((cycle_of(day), d_unit.clone())).or_default(), part);
            }
        }
        let price = prices.get(&(facts.azure, meter.clone()));
        let mut d_amount = Money::new();
        if let Some((price, currency)) = price.filter(|_| !belonging.legacy.is_zero()) {
            pay(&mut d_amount, currency, &legacy_charge(price, &belonging.legacy));
        }
        let row = meters.entry(meter.clone()).or_insert_with(|| {
            let name = facts.names.get(&meter).cloned().unwrap_or_default();
            MeterRow { meter: meter.clone(), name, unit: d_unit.clone(), ..MeterRow::default() }
        });
        add(&mut row.d, &belonging.legacy);
        add(&mut row.g, &belonging.plan);
        for (currency, amount) in &g_amount {
            pay(&mut row.g_amount, currency, amount);
        }
        let unit = if belonging.legacy.is_zero() { g_unit } else { d_unit };
        let Belonging { legacy: d, plan: g, basis, rated_says, .. } = belonging;
        days.push(DayRow { meter, day, unit, d, g, basis, rated_says, cycle: cycle_of(day), d_amount, g_amount });
    }
    let (mut d_amount, mut g_amount) = (Money::new(), Money::new());
    for row in meters.values_mut() {
        // a line of the legacy invoice is of a meter and a cycle, and is rounded as a whole
        if let Some((price, currency)) = prices.get(&(facts.azure, row.meter.clone())).filter(|_| !row.d.is_zero()) {
            pay(&mut row.d_amount, currency, &legacy_charge(price, &row.d));
        }
        row.d_amount.iter().for_each(|(currency, amount)| pay(&mut d_amount, currency, amount));
        row.g_amount.iter().for_each(|(currency, amount)| pay(&mut g_amount, currency, amount));
    }
    let check = |(unit, [metered, d, g, again]): (String, [Decimal; 4])| (unit, SumCheck::of(metered + -again.clone(), d, g), again);
    // a unit of nothing is that of a kind that has no records
    let units = sums.into_iter().filter(|(_, sums)| sums.iter().any(|sum| !sum.is_zero())).map(check).collect();
    let made_by = |interval: &Interval| {
        let made = facts.points.iter().filter(|(point, _)| interval.from == Some(point.from)).max_by_key(|(point, _)| point.revision);
        (*interval, made.map(|(_, transition)| *transition))
    };
    let plan_of = |interval: &Interval| if let Owner::Plan(plan) = interval.owner { Some(plan) } else { None };
    let mut plans: Vec<PlanId> = facts.intervals.iter().filter_map(plan_of).collect();
    plans.dedup();
    Reconciled {
        azure: facts.azure,
        customer: facts.customer,
        commerce: facts.commerce,
        plans,
        intervals: facts.intervals.iter().map(made_by).collect(),
        billing_ids: facts.billing_ids,
        transitions: facts.transitions,
        units,
        cycles,
        d_amount,
        g_amount,
        meters: meters.into_values().collect(),
        days,
    }
}
