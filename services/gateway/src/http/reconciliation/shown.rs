//! A subscription, as answers and tables have it.

use super::began;
use crate::{
    http::{
        tables::Cell,
        usage::{check, with_owner},
    },
    reconciliation::{DayRow, MeterRow, Money, Reconciled},
};
use planshift_billing::{Decimal, reconcile::Series};
use planshift_domain::{ownership::Owner, time::Timestamp};
use serde_json::{Map, Value, json};

/// How much of a subscription is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Subscription,
    Meter,
    Day,
}

impl By {
    pub(super) fn of(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "subscription" => Some(Self::Subscription),
            "meter" => Some(Self::Meter),
            "day" => Some(Self::Day),
            _ => None,
        }
    }
}

pub(super) fn money(money: &Money) -> Value {
    let currency = |currency: &str| if currency.is_empty() { Value::Null } else { json!(currency) };
    money.iter().map(|(of, amount)| json!({ "currency": currency(of), "amount": amount })).collect()
}

pub(super) fn amounts(d: &Money, g: &Money) -> Value {
    json!({ "d": money(d), "g": money(g) })
}

/// A day of an invoice, as its date.
fn date(day: Timestamp) -> String {
    day.to_string().chars().take(10).collect()
}

fn cycle(cycle: Option<(Timestamp, Timestamp)>) -> Value {
    cycle.map_or(Value::Null, |(from, to)| json!({ "from": began(Series::Legacy, from), "to": began(Series::Legacy, to) }))
}

pub(super) fn subscription(one: &Reconciled, by: By) -> Value {
    let ends = one.intervals.iter().skip(1).map(|(next, _)| next.from).chain([None]);
    let intervals = one.intervals.iter().zip(ends).map(|((interval, transition), end)| {
        with_owner(json!({ "from": interval.from, "to": end, "transitionId": transition }), interval.owner)
    });
    // the change to a plan that counts: the last one
    let cut = one.intervals.iter().rev().find(|(interval, _)| matches!(interval.owner, Owner::Plan(_)));
    let units = one.units.iter().map(|(unit, sums, again)| check(json!({ "unit": unit, "toldTwice": again }), sums));
    let cycles = one.cycles.iter().map(|((of, unit), quantity)| json!({ "cycle": cycle(*of), "unit": unit, "quantity": quantity }));
    let (unproven, otherwise) = one.doubts();
    let mut value = json!({
        "azureSubscriptionId": one.azure,
        "customerId": one.customer,
        "commerceSubscriptionId": one.commerce,
        "planIds": one.plans,
        "billingSubscriptionIds": one.billing_ids,
        "transitionIds": one.transitions,
        "effectiveAt": cut.and_then(|(interval, _)| interval.from),
        "intervals": intervals.collect::<Vec<_>>(),
        "units": units.collect::<Vec<_>>(),
        "agrees": one.agrees(),
        "amounts": amounts(&one.d_amount, &one.g_amount),
        "legacyCycles": cycles.collect::<Vec<_>>(),
        "unprovenDays": unproven,
        "otherwiseDays": otherwise,
    });
    match by {
        By::Subscription => {}
        By::Meter => value["meters"] = one.meters.iter().map(meter).collect(),
        By::Day => value["days"] = one.days.iter().map(day).collect(),
    }
    value
}

fn meter(row: &MeterRow) -> Value {
    json!({ "meterId": row.meter, "name": row.name, "unit": row.unit, "d": row.d, "g": row.g, "amounts": amounts(&row.d_amount, &row.g_amount) })
}

fn day(row: &DayRow) -> Value {
    json!({
        "meterId": row.meter,
        "day": date(row.day),
        "unit": row.unit,
        "d": row.d,
        "g": row.g,
        "basis": row.basis,
        "ratedSays": row.rated_says,
        "legacyCycle": cycle(row.cycle),
        "amounts": amounts(&row.d_amount, &row.g_amount),
    })
}

/// The columns of a table of them.
pub(super) const fn header(by: By) -> &'static [&'static str] {
    match by {
        By::Subscription => &[
            "customerId",
            "azureSubscriptionId",
            "commerceSubscriptionId",
            "planIds",
            "billingSubscriptionIds",
            "transitionIds",
            "effectiveAt",
            "unit",
            "metered",
            "d",
            "g",
            "difference",
            "agrees",
            "amountsD",
            "amountsG",
            "unprovenDays",
            "otherwiseDays",
        ],
        By::Meter => &[
            "customerId",
            "azureSubscriptionId",
            "commerceSubscriptionId",
            "planIds",
            "meterId",
            "meter",
            "unit",
            "d",
            "g",
            "amountsD",
            "amountsG",
        ],
        By::Day => &[
            "customerId",
            "azureSubscriptionId",
            "commerceSubscriptionId",
            "planIds",
            "day",
            "meterId",
            "unit",
            "d",
            "g",
            "basis",
            "ratedSays",
            "legacyCycleFrom",
            "legacyCycleTo",
            "amountsD",
            "amountsG",
        ],
    }
}

fn joined<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(" ")
}

/// `8.68 EUR`; of several currencies, one after the other.
pub(super) fn paid(money: &Money) -> Cell {
    let one = |(currency, amount): (&String, &Decimal)| format!("{amount} {currency}").trim_end().to_owned();
    Cell::Own(money.iter().map(one).collect::<Vec<_>>().join("; "))
}

/// The rows of a table of one of them.
pub(super) fn rows(one: &Reconciled, by: By) -> Vec<Vec<Cell>> {
    let ids = || vec![Cell::own(&one.customer), Cell::own(&one.azure), Cell::maybe(one.commerce), Cell::own(&joined(&one.plans))];
    let with = |more: Vec<Cell>| {
        let mut row = ids();
        row.extend(more);
        row
    };
    match by {
        By::Subscription => {
            let cut = one.intervals.iter().rev().find(|(interval, _)| matches!(interval.owner, Owner::Plan(_)));
            let (unproven, otherwise) = one.doubts();
            let row = |(place, (unit, sums, _)): (usize, &(String, planshift_billing::reconcile::SumCheck, Decimal))| {
                // amounts are the subscription's: once, in its first row
                let (d, g) = if place == 0 { (paid(&one.d_amount), paid(&one.g_amount)) } else { (Cell::own(""), Cell::own("")) };
                with(vec![
                    Cell::Text(joined(&one.billing_ids)),
                    Cell::own(&joined(&one.transitions)),
                    Cell::maybe(cut.and_then(|(interval, _)| interval.from)),
                    Cell::Text(unit.clone()),
                    Cell::own(&sums.metered),
                    Cell::own(&sums.legacy),
                    Cell::own(&sums.plan),
                    Cell::own(&sums.difference),
                    Cell::own(&sums.holds),
                    d,
                    g,
                    Cell::own(&unproven),
                    Cell::own(&otherwise),
                ])
            };
            one.units.iter().enumerate().map(row).collect()
        }
        By::Meter => one
            .meters
            .iter()
            .map(|row| {
                let (name, unit) = (Cell::Text(row.name.clone()), Cell::Text(row.unit.clone()));
                let meter = Cell::Text(row.meter.clone());
                with(vec![meter, name, unit, Cell::own(&row.d), Cell::own(&row.g), paid(&row.d_amount), paid(&row.g_amount)])
            })
            .collect(),
        By::Day => one
            .days
            .iter()
            .map(|row| {
                with(vec![
                    Cell::own(&date(row.day)),
                    Cell::Text(row.meter.clone()),
                    Cell::Text(row.unit.clone()),
                    Cell::own(&row.d),
                    Cell::own(&row.g),
                    Cell::own(json!(row.basis).as_str().unwrap_or_default()),
                    Cell::maybe(row.rated_says.as_ref()),
                    Cell::maybe(row.cycle.map(|(from, _)| began(Series::Legacy, from))),
                    Cell::maybe(row.cycle.map(|(_, to)| began(Series::Legacy, to))),
                    paid(&row.d_amount),
                    paid(&row.g_amount),
                ])
            })
            .collect(),
    }
}

/// What a scope comes to in all.
#[derive(Default)]
pub(super) struct Totals {
    subscriptions: u64,
    units: std::collections::BTreeMap<String, [Decimal; 4]>,
    d: Money,
    g: Money,
    unproven: usize,
    otherwise: usize,
    /// Subscriptions whose own sums do not agree: two of them may make up for each other in the sum of all.
    disagreeing: u64,
}

impl Totals {
    pub(super) fn add(&mut self, one: &Reconciled) {
        self.subscriptions += 1;
        for (unit, sums, again) in &one.units {
            let all = self.units.entry(unit.clone()).or_default();
            for (sum, more) in all.iter_mut().zip([&sums.metered, &sums.legacy, &sums.plan, again]) {
                *sum = std::mem::take(sum) + more.clone();
            }
        }
        for (sum, more) in [(&mut self.d, &one.d_amount), (&mut self.g, &one.g_amount)] {
            for (currency, amount) in more {
                let amounts = sum.entry(currency.clone()).or_default();
                *amounts = std::mem::take(amounts) + amount.clone();
            }
        }
        let (unproven, otherwise) = one.doubts();
        (self.unproven, self.otherwise) = (self.unproven + unproven, self.otherwise + otherwise);
        self.disagreeing += u64::from(!one.agrees());
    }

    pub(super) fn shown(self) -> Map<String, Value> {
        let units = self.units.into_iter().map(|(unit, [metered, d, g, again])| {
            check(json!({ "unit": unit, "toldTwice": again }), &planshift_billing::reconcile::SumCheck::of(metered, d, g))
        });
        let value = json!({
            "subscriptions": self.subscriptions,
            "units": units.collect::<Vec<_>>(),
            "amounts": amounts(&self.d, &self.g),
            "unprovenDays": self.unproven,
            "otherwiseDays": self.otherwise,
            "disagreeing": self.disagreeing,
            "agrees": self.disagreeing == 0,
        });
        match value {
            Value::Object(object) => object,
            _ => Map::new(),
        }
    }
}
