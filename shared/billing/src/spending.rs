//! What usage has come to, and which thresholds of a budget that has passed.
//!
//! Only what a record says of its price counts: what has none is counted, and never guessed. An amount is in the currencies that the
//! record itself states it in (what is billed, and what prices are in); no other rate is known here, and none is applied.

use crate::{
    Decimal, Rated,
    charge::{plan_charge, round_down},
};
use bigdecimal::RoundingMode;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// What is stated in one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stated {
    /// Added over the records that state it.
    pub amount: Decimal,
    /// How many those are.
    pub records: i64,
}

/// What records come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    /// Rated daily records, with a price or without.
    pub rated: i64,
    /// Those of them that have none.
    pub unpriced: i64,
    /// Utilisation records: another view of use, without prices.
    pub utilization: i64,
    /// By currency (ISO 4217). A record that is billed in another currency than it is priced in is in both.
    pub amounts: BTreeMap<String, Stated>,
}

impl Spending {
    /// Adds a rated daily record.
    pub fn add(&mut self, rated: &Rated, quantity: &Decimal) {
        self.rated += 1;
        let stated = stated(rated, quantity);
        if stated.is_empty() {
            self.unpriced += 1;
        }
        for (currency, amount) in stated {
            self.put(currency, amount, 1);
        }
    }

    /// Puts `new` in the place of `old`, which is in here.
    pub fn exchange(&mut self, old: &Self, new: &Self) {
        self.rated += new.rated - old.rated;
        self.unpriced += new.unpriced - old.unpriced;
        self.utilization += new.utilization - old.utilization;
        for (currency, Stated { amount, records }) in &old.amounts {
            self.put(currency.clone(), -amount.clone(), -records);
        }
        for (currency, Stated { amount, records }) in &new.amounts {
            self.put(currency.clone(), amount.clone(), *records);
        }
        self.amounts.retain(|_, stated| stated.records != 0 || !stated.amount.is_zero());
    }

    fn put(&mut self, currency: String, amount: Decimal, records: i64) {
        let stated = self.amounts.entry(currency).or_default();
        stated.amount = std::mem::take(&mut stated.amount) + amount;
        stated.records += records;
    }

    /// Is there nothing in it?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is stated in this currency; nothing where rated records are there and none of them states it, or where there are none but
    /// utilisation records: how much that is, is not known.
    pub fn in_currency(&self, currency: &str) -> Option<Decimal> {
        match self.amounts.get(currency) {
            Some(stated) => Some(stated.amount.clone()),
            None if self.rated == 0 && self.utilization == 0 => Some(Decimal::default()),
            None => None,
        }
    }

    /// How many priced records do not state an amount in this currency.
    pub fn in_others(&self, currency: &str) -> i64 {
        self.rated - self.unpriced - self.amounts.get(currency).map_or(0, |stated| stated.records)
    }
}

/// A record's amounts, as it states them or as its own price, quantity and rate say.
fn stated(rated: &Rated, quantity: &Decimal) -> Vec<(String, Decimal)> {
    let currency = |text: &Option<String>| text.as_deref().map(|text| text.trim().to_uppercase()).filter(|text| !text.is_empty());
    let price = rated.effective_unit_price.as_ref();
    let mut stated = Vec::with_capacity(2);
    if let Some(currency) = currency(&rated.billing_currency) {
        let reckoned = || Some(plan_charge(price?, quantity, rated.exchange_rate.as_ref()?).billing);
        stated.extend(rated.billing_pre_tax_total.clone().or_else(reckoned).map(|amount| (currency, amount)));
    }
    if let Some(currency) = currency(&rated.pricing_currency)
        && stated.iter().all(|(other, _)| *other != currency)
    {
        let reckoned = || Some(round_down(&(price? * quantity)));
        stated.extend(rated.pricing_pre_tax_total.clone().or_else(reckoned).map(|amount| (currency, amount)));
    }
    stated
}

/// How many percent of `budget` are `spent`, to two places, rounded down; none of a budget of nothing.
pub fn percent(spent: &Decimal, budget: &Decimal) -> Option<Decimal> {
    (!budget.is_zero()).then(|| {
        let hundredfold = spent * &Decimal::scaled(100, 0);
        (hundredfold.value() / budget.value()).with_scale_round(2, RoundingMode::Floor).into()
    })
}

/// Beyond the last threshold that is named, one more for each so many percent.
const FURTHER: u32 = 100;
/// And none beyond this: whoever has not looked by then is not helped by another warning.
const LAST: u32 = 1_000;
/// How many may be named.
const NAMED: usize = 20;

/// At which percentages of a budget somebody is warned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thresholds(Vec<u32>);

/// A text that is no list of thresholds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no list of thresholds: at most {NAMED} whole percentages from 1 to {LAST}, each greater than the one before, as 80,100,120,150,200"
)]
pub struct InvalidThresholds(pub String);

impl Default for Thresholds {
    fn default() -> Self {
        Self(Self::with_further(vec![80, 100, 120, 150, 200]))
    }
}

impl Thresholds {
    fn with_further(mut named: Vec<u32>) -> Vec<u32> {
        let last = named.last().copied().unwrap_or_default();
        named.extend((last / FURTHER + 1..=LAST / FURTHER).map(|hundreds| hundreds * FURTHER));
        named
    }

    /// Those that `spent` has reached, in their order. Of a budget of nothing, those up to 100 are reached by whatever is spent.
    pub fn reached(&self, spent: &Decimal, budget: &Decimal) -> Vec<u32> {
        let hundredfold = spent * &Decimal::scaled(100, 0);
        let reached = |threshold: &u32| {
            if budget.is_zero() {
                *threshold <= 100 && *spent > Decimal::default()
            } else {
                hundredfold >= budget * &Decimal::scaled(i64::from(*threshold), 0)
            }
        };
        self.0.iter().copied().filter(reached).collect()
    }
}

impl FromStr for Thresholds {
    type Err = InvalidThresholds;

    fn from_str(text: &str) -> Result<Self, InvalidThresholds> {
        let wrong = || InvalidThresholds(text.chars().take(80).collect());
        let named: Vec<u32> = text.split(',').map(|one| one.trim().parse().map_err(|_| wrong())).collect::<Result<_, _>>()?;
        let rises = named.windows(2).all(|two| two[0] < two[1]);
        if named.len() > NAMED || !rises || named.iter().any(|one| !(1..=LAST).contains(one)) {
            return Err(wrong());
        }
        Ok(Self(Self::with_further(named)))
    }
}

impl fmt::Display for Thresholds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&texts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn billed(amount: &str, currency: &str) -> Rated {
        Rated { billing_pre_tax_total: Some(decimal(amount)), billing_currency: Some(currency.into()), ..Rated::default() }
    }

    #[test]
    fn what_is_stated_counts_and_nothing_is_guessed() {
        let mut spending = Spending::default();
        assert_eq!(spending.in_currency("EUR"), Some(decimal("0")), "nothing used is nothing spent");
        spending.utilization = 7;
        assert_eq!(spending.in_currency("EUR"), None, "used, and what it cost is not known");
        let both = Rated { pricing_pre_tax_total: Some(decimal("12.15")), pricing_currency: Some("USD".into()), ..billed("10.28", "eur ") };
        spending.add(&both, &decimal("14"));
        spending.add(&billed("0.005", "EUR"), &decimal("1"));
        spending.add(&Rated::default(), &decimal("1"));
        assert_eq!((spending.in_currency("EUR"), spending.in_currency("USD")), (Some(decimal("10.285")), Some(decimal("12.15"))));
        assert_eq!((spending.in_others("EUR"), spending.in_others("USD"), spending.in_others("CHF")), (0, 1, 2));
        assert_eq!((spending.in_currency("CHF"), spending.rated, spending.unpriced), (None, 3, 1));
    }

    /// As the plan's invoice rounds; worked example E of the domain.
    #[test]
    fn where_no_amount_stands_price_quantity_and_rate_say_it() {
        let rated = Rated {
            effective_unit_price: Some(decimal("0.868")),
            exchange_rate: Some(decimal("0.846202666")),
            billing_currency: Some("EUR".into()),
            pricing_currency: Some("USD".into()),
            ..Rated::default()
        };
        let mut spending = Spending::default();
        spending.add(&rated, &decimal("14"));
        assert_eq!((spending.in_currency("EUR"), spending.in_currency("USD")), (Some(decimal("10.28")), Some(decimal("12.15"))));
        let without_a_rate = Rated { exchange_rate: None, ..rated };
        let mut spending = Spending::default();
        spending.add(&without_a_rate, &decimal("14"));
        assert_eq!((spending.in_currency("EUR"), spending.in_currency("USD")), (None, Some(decimal("12.15"))), "no rate, no amount");
    }

    #[test]
    fn a_part_is_exchanged_and_nothing_of_the_old_one_stays() {
        let of = |amounts: &[(&str, &str)]| {
            let mut spending = Spending { utilization: 2, ..Spending::default() };
            amounts.iter().for_each(|(amount, currency)| spending.add(&billed(amount, currency), &decimal("1")));
            spending
        };
        let (old, new) = (of(&[("1.5", "EUR"), ("2", "CHF")]), of(&[("0.25", "EUR")]));
        let mut sum = Spending::default();
        sum.exchange(&Spending::default(), &of(&[("10", "EUR")]));
        sum.exchange(&Spending::default(), &old);
        sum.exchange(&old, &new);
        let mut expected = of(&[("10", "EUR"), ("0.25", "EUR")]);
        expected.utilization = 4;
        assert_eq!(sum, expected);
        let whole = sum.clone();
        sum.exchange(&whole, &Spending::default());
        assert!(sum.is_empty(), "{sum:?}");
    }

    #[test]
    fn thresholds_are_reached_at_the_cent() {
        let thresholds = Thresholds::default();
        for (spent, budget, reached) in [
            ("79.99", "100", &[][..]),
            ("80", "100", &[80]),
            ("99.999999", "100", &[80]),
            ("100.00", "100", &[80, 100]),
            ("250", "100", &[80, 100, 120, 150, 200]),
            ("399", "100", &[80, 100, 120, 150, 200, 300]),
            ("1000000", "1", &[80, 100, 120, 150, 200, 300, 400, 500, 600, 700, 800, 900, 1000]),
            ("-5", "100", &[]),
            ("0", "0", &[]),
            ("0.01", "0", &[80, 100]),
        ] {
            assert_eq!(thresholds.reached(&decimal(spent), &decimal(budget)), reached, "{spent} of {budget}");
        }
        for (spent, budget, is) in [("1", "3", "33.33"), ("99.9999", "100", "99.99"), ("150", "100", "150"), ("-1", "3", "-33.34")] {
            assert_eq!(percent(&decimal(spent), &decimal(budget)), Some(decimal(is)));
        }
        assert_eq!(percent(&decimal("1"), &decimal("0.00")), None);
    }

    #[test]
    fn thresholds_are_read_and_nonsense_is_refused() {
        assert_eq!("50, 90".parse::<Thresholds>().unwrap().to_string(), "50,90,100,200,300,400,500,600,700,800,900,1000");
        assert_eq!("1000".parse::<Thresholds>().unwrap().to_string(), "1000");
        for wrong in ["", "80,80", "100,80", "0", "1001", "80,", "80%", "-1", "1.5"] {
            assert!(wrong.parse::<Thresholds>().is_err(), "{wrong:?}");
        }
    }
}
