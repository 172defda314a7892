//! A day of a meter: what of it belongs on which invoice.
//!
//! Records of both kinds may tell of the same use. They are never added where they do: one of them is what is counted, and the other one must
//! agree with it.
//!
//! On a day with one owner that is simple. On the day of a change it is not: a daily rated record begins at midnight, and by the rule of routing
//! (who owns it at its start owns all of it) it would be the legacy offer's. But such a file is of Azure plans: what it lists of that day is the
//! part that the plan owns. So on that day, and on no other, it is the plan's. Hours split the day exactly; where they do, the rated record
//! must be what they come to while the plan owned it, and where it is not, both numbers are told. Where nothing splits the day, it is said that
//! nothing proves the split.
//!
//! Source: the domain's sections 8 and 10 E; why: ADR 31.

use crate::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A sum, and of how many records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub records: u64,
    /// What they come to.
    pub quantity: Decimal,
}

impl Sum {
    /// More of the same.
    pub fn add(&mut self, records: u64, quantity: &Decimal) {
        self.records += records;
        self.quantity = std::mem::take(&mut self.quantity) + quantity.clone();
    }
}

/// What the records of a meter and a UTC day come to, each by its owner at its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayUse {
    /// The owner changes within the day: neither with its beginning nor with its end.
    pub changes: bool,
    /// Utilisation of the legacy offer.
    pub legacy: Sum,
    /// Utilisation of a plan.
    pub plan: Sum,
    /// How many of those records last beyond the change: they are their owner's as a whole.
    pub beyond: u64,
    /// Daily rated usage of the legacy offer, by the rule of routing.
    pub rated_legacy: Sum,
    /// Daily rated usage of a plan.
    pub rated_plan: Sum,
}

/// What decides what belongs where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Basis {
    /// Utilisation records, each with one owner.
    Utilization,
    /// Daily rated records, of a day with one owner.
    Rated,
    /// The day of a change: utilisation before it, and what the daily rated file lists for the rest. Nothing else tells of the rest.
    UtilizationAndRated,
    /// The day of a change, and only records that last beyond it, or daily rated ones.
    Unproven,
}

/// What belongs where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Belonging {
    /// On the legacy invoice.
    pub legacy: Decimal,
    /// On the plan's.
    pub plan: Decimal,
    /// What decided that.
    pub basis: Basis,
    /// What was told once more by the other kind of record, and is not counted.
    pub again: Decimal,
    /// Where the daily rated file says otherwise: what it says. `None` where it agrees, or is what was counted.
    pub rated_says: Option<Decimal>,
}

impl DayUse {
    /// All that the daily rated file lists.
    pub fn rated(&self) -> Decimal {
        self.rated_legacy.quantity.clone() + self.rated_plan.quantity.clone()
    }

    /// What belongs where.
    pub fn belonging(&self) -> Belonging {
        let has_rated = self.rated_legacy.records + self.rated_plan.records > 0;
        let has_used = self.legacy.records + self.plan.records > 0;
        let rated = self.rated();
        let (legacy, plan) = (self.legacy.quantity.clone(), self.plan.quantity.clone());
        let counted = |legacy, plan, basis| Belonging { legacy, plan, basis, again: Decimal::default(), rated_says: None };
        let told_again = |legacy: Decimal, plan: Decimal, basis, must_be: &Decimal| {
            let rated_says = (has_rated && rated != *must_be).then(|| rated.clone());
            Belonging { legacy, plan, basis, again: rated.clone(), rated_says }
        };
        if !self.changes {
            if !has_used {
                return counted(self.rated_legacy.quantity.clone(), self.rated_plan.quantity.clone(), Basis::Rated);
            }
            let all = legacy.clone() + plan.clone();
            return told_again(legacy, plan, Basis::Utilization, &all);
        }
        match (has_used, has_rated) {
            // the plan's part of the day, by what such a file is
            (false, _) => counted(Decimal::default(), rated, Basis::Unproven),
            (true, _) if self.plan.records > 0 => {
                let must_be = plan.clone();
                told_again(legacy, plan, if self.beyond > 0 { Basis::Unproven } else { Basis::Utilization }, &must_be)
            }
            (true, true) => counted(legacy, rated, if self.beyond > 0 { Basis::Unproven } else { Basis::UtilizationAndRated }),
            (true, false) => counted(legacy, plan, if self.beyond > 0 { Basis::Unproven } else { Basis::Utilization }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(records: u64, quantity: &str) -> Sum {
        Sum { records, quantity: quantity.parse().unwrap() }
    }
    fn told(day: &DayUse) -> (String, String, Basis, String, Option<String>) {
        let one = day.belonging();
        (one.legacy.to_string(), one.plan.to_string(), one.basis, one.again.to_string(), one.rated_says.map(|says| says.to_string()))
    }
    fn case(d: &str, g: &str, basis: Basis, again: &str, rated_says: Option<&str>) -> (String, String, Basis, String, Option<String>) {
        (d.into(), g.into(), basis, again.into(), rated_says.map(Into::into))
    }

    /// Worked example E: ten hours before the cut, fourteen after it, and the daily file has the latter, from midnight on.
    #[test]
    fn the_day_of_the_cut_is_split_by_its_hours_and_the_daily_file_must_agree() {
        let cut = DayUse { changes: true, legacy: sum(10, "10"), plan: sum(14, "14"), rated_legacy: sum(1, "14"), ..DayUse::default() };
        assert_eq!(told(&cut), case("10", "14", Basis::Utilization, "14", None));
        let whole = DayUse { rated_legacy: sum(1, "24"), ..cut.clone() };
        assert_eq!(told(&whole), case("10", "14", Basis::Utilization, "24", Some("24")), "the whole day is too much");
        let none = DayUse { rated_legacy: Sum::default(), ..cut };
        assert_eq!(told(&none), case("10", "14", Basis::Utilization, "0", None), "it has not come yet");
    }

    /// The legacy offer's utilisation ends with the cut, and the rest of the day is in the daily file alone.
    #[test]
    fn utilisation_until_the_cut_and_the_daily_file_are_the_day() {
        let cut = DayUse { changes: true, legacy: sum(10, "10"), rated_legacy: sum(1, "14"), ..DayUse::default() };
        assert_eq!(told(&cut), case("10", "14", Basis::UtilizationAndRated, "0", None));
    }

    #[test]
    fn what_nothing_splits_is_said_to_be_unproven() {
        let rated = DayUse { changes: true, rated_legacy: sum(1, "14"), ..DayUse::default() };
        assert_eq!(told(&rated), case("0", "14", Basis::Unproven, "0", None));
        let daily = DayUse { changes: true, legacy: sum(1, "10"), beyond: 1, ..DayUse::default() };
        assert_eq!(told(&daily), case("10", "0", Basis::Unproven, "0", None));
        let both = DayUse { rated_legacy: sum(1, "14"), ..daily };
        assert_eq!(told(&both), case("10", "14", Basis::Unproven, "0", None));
    }

    #[test]
    fn on_a_day_with_one_owner_both_kinds_tell_of_the_same_use() {
        let plan = DayUse { plan: sum(24, "24"), rated_plan: sum(2, "24"), ..DayUse::default() };
        assert_eq!(told(&plan), case("0", "24", Basis::Utilization, "24", None));
        let more = DayUse { rated_plan: sum(1, "25"), ..plan };
        assert_eq!(told(&more), case("0", "24", Basis::Utilization, "25", Some("25")));
        let rated = DayUse { rated_plan: sum(1, "25"), ..DayUse::default() };
        assert_eq!(told(&rated), case("0", "25", Basis::Rated, "0", None));
        // a daily file that lists a day before the cut: by the ledger it is the legacy offer's
        let before = DayUse { rated_legacy: sum(1, "24"), ..DayUse::default() };
        assert_eq!(told(&before), case("24", "0", Basis::Rated, "0", None));
    }
}
