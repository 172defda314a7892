//! What usage costs: each invoice reckons in its own way, and rounds in its own way.
//!
//! Source: the domain's section 8; worked example E of section 10.

use crate::Decimal;
use bigdecimal::RoundingMode;

/// Places after the point of an amount of money on both invoices.
const CENTS: i64 = 2;

/// To whole cents, towards zero: Microsoft's `ROUNDDOWN(…, 2)`.
pub fn round_down(amount: &Decimal) -> Decimal {
    amount.value().with_scale_round(CENTS, RoundingMode::Down).into()
}

/// To the nearest cent, a half away from zero.
pub fn round_to_cent(amount: &Decimal) -> Decimal {
    amount.value().with_scale_round(CENTS, RoundingMode::HalfUp).into()
}

/// A line of the legacy invoice (D), before tax: the list price times the quantity beyond what is included, to the nearest cent. In the
/// currency of the list.
pub fn legacy_charge(list_price: &Decimal, overage: &Decimal) -> Decimal {
    round_to_cent(&(list_price * overage))
}

/// The price of a unit under an Azure plan, after partner earned credit of so many percent: in the pricing currency, exact.
pub fn effective_unit_price(unit_price: &Decimal, credit_percent: &Decimal) -> Decimal {
    unit_price * &(Decimal::scaled(1, 0) + -(credit_percent * &Decimal::scaled(1, 2)))
}

/// A line of the plan's invoice (G), before tax.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanCharge {
    /// In the pricing currency (US dollars as a rule).
    pub pricing: Decimal,
    /// In the billing currency.
    pub billing: Decimal,
}

/// `ROUNDDOWN(ROUNDDOWN(EffectiveUnitPrice × BillableQuantity, 2) × PCToBCExchangeRate, 2)`, with both of its steps.
pub fn plan_charge(effective_unit_price: &Decimal, billable_quantity: &Decimal, exchange_rate: &Decimal) -> PlanCharge {
    let pricing = round_down(&(effective_unit_price * billable_quantity));
    let billing = round_down(&(&pricing * exchange_rate));
    PlanCharge { pricing, billing }
}

/// What a line costs by its own price and quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reckoned {
    /// Rounded as that invoice rounds.
    pub rounded: Decimal,
    /// Not rounded: daily files print what a day comes to with many places.
    pub exact: Decimal,
}

impl Reckoned {
    /// Of a line of the legacy invoice.
    pub fn legacy(list_price: &Decimal, overage: &Decimal) -> Self {
        Self { rounded: legacy_charge(list_price, overage), exact: list_price * overage }
    }

    /// Of a line of the plan's invoice, in the billing currency.
    pub fn plan(effective_unit_price: &Decimal, billable_quantity: &Decimal, exchange_rate: &Decimal) -> Self {
        let rounded = plan_charge(effective_unit_price, billable_quantity, exchange_rate).billing;
        Self { rounded, exact: &(effective_unit_price * billable_quantity) * exchange_rate }
    }

    /// Is `charged` right? In whole cents it must be the rounded amount; with more places, the exact one to as many.
    pub fn fits(&self, charged: &Decimal) -> bool {
        let places = charged.value().fractional_digit_count();
        if places <= CENTS {
            return *charged == self.rounded;
        }
        [RoundingMode::HalfUp, RoundingMode::Down].iter().any(|mode| self.exact.value().with_scale_round(places, *mode) == *charged.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn on_the_plan(price: &str, credit: &str, quantity: &str, rate: &str) -> (String, String) {
        let effective = effective_unit_price(&decimal(price), &decimal(credit));
        let charge = plan_charge(&effective, &decimal(quantity), &decimal(rate));
        (charge.pricing.to_string(), charge.billing.to_string())
    }

    /// Worked example E, to the cent.
    #[test]
    fn the_day_of_the_cut_costs_what_the_example_says() {
        assert_eq!(legacy_charge(&decimal("0.868"), &decimal("10")), decimal("8.68"));
        assert_eq!(on_the_plan("0.868", "0", "14", "0.846202666"), ("12.15".into(), "10.28".into()));
        assert_eq!(on_the_plan("0.868", "15", "24", "0.846202666"), ("17.7".into(), "14.97".into()));
        // and Microsoft's own table
        assert_eq!(on_the_plan("0.868", "15", "29", "1").0, "21.39");
    }

    #[test]
    fn the_legacy_invoice_rounds_to_the_nearest_cent_and_the_plan_s_towards_zero() {
        for (amount, nearest, down) in [
            ("0.005", "0.01", "0"),
            ("0.0049", "0", "0"),
            ("1.999", "2", "1.99"),
            ("-0.005", "-0.01", "0"),
            ("-1.999", "-2", "-1.99"),
            ("7", "7", "7"),
        ] {
            assert_eq!((round_to_cent(&decimal(amount)), round_down(&decimal(amount))), (decimal(nearest), decimal(down)), "{amount}");
        }
    }

    #[test]
    fn a_charge_in_cents_is_the_rounded_one_and_a_longer_one_is_exact_to_its_places() {
        let reckoned = Reckoned::plan(&decimal("0.868"), &decimal("14"), &decimal("0.846202666"));
        for (charged, fits) in [
            ("10.28", true),
            ("10.29", false),
            ("10.283", true),
            ("10.2830547", true),
            ("10.284", false),
            ("10.2831", true),
            ("10.3", false),
        ] {
            assert_eq!(reckoned.fits(&decimal(charged)), fits, "{charged} of {:?}", reckoned.exact);
        }
        assert!(Reckoned::legacy(&decimal("0.868"), &decimal("10")).fits(&decimal("8.68")));
    }

    /// Both of its steps round: once would be a cent more.
    #[test]
    fn the_plan_s_invoice_rounds_before_it_changes_money() {
        let charge = plan_charge(&decimal("0.999"), &decimal("1"), &decimal("1.02"));
        assert_eq!((charge.pricing, charge.billing), (decimal("0.99"), decimal("1")));
        assert_eq!(round_down(&decimal("1.01898")), decimal("1.01"));
    }
}
