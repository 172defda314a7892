//! Partner earned credit: who has it on which day, and who loses it and why.
//!
//! Source: the domain's sections 1.2 and 8. It is daily, 15 % or nothing, under an Azure plan alone, for who has had access for the whole day.

use crate::{
    Decimal, UsageRecord,
    owned::{Interval, owner_in},
};
use planshift_domain::{ownership::Owner, time::Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// In percent, where it is earned.
pub fn earned_percent() -> Decimal {
    Decimal::scaled(15, 0)
}

/// A UTC day in seconds.
const DAY: i64 = 24 * 3600;

/// The UTC day that an instant is in, by its beginning.
pub const fn day_of(instant: Timestamp) -> Timestamp {
    Timestamp::from_micros(instant.as_micros() - instant.as_micros().rem_euclid(DAY * 1_000_000))
}

/// Why there is no credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CreditLoss {
    /// The usage is the legacy offer's.
    LegacyOffer,
    /// The plan owns a part of the day alone: the day of the cut, and that of an undo.
    NotTheWholeDay,
    /// Neither the partner nor the reseller on record has a role that counts.
    NoAccess,
    /// A reservation or a savings plan, Spot, or another publisher's product.
    ProductWithout,
}

/// Who has which role on an Azure subscription.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// The MPN id of the partner that bills.
    pub provider: &'a str,
    /// The MPN id of the reseller on record.
    pub reseller: Option<&'a str>,
    /// Each assignment: an MPN id and a role's name.
    pub roles: &'a [(&'a str, &'a str)],
}

impl Access<'_> {
    /// `Owner` or `Contributor`, by the provider or the reseller on record: a `Reader` earns nothing, and neither does a third partner.
    pub fn counts(&self) -> bool {
        self.roles.iter().any(|(mpn_id, role)| {
            (*mpn_id == self.provider || self.reseller == Some(*mpn_id))
                && ["owner", "contributor"].iter().any(|counts| role.eq_ignore_ascii_case(counts))
        })
    }
}

/// Does the product earn credit at all? By what a daily rated record tells of it.
pub fn product_earns(record: &UsageRecord) -> bool {
    let benefit = record.rated.as_ref().and_then(|rated| rated.benefit_type.as_deref()).unwrap_or_default().to_ascii_lowercase();
    let covered = ["reservation", "savingsplan", "savings plan"].iter().any(|kind| benefit.contains(kind));
    let spot = [&record.resource.name, &record.resource.subcategory].iter().any(|text| {
        let text = text.to_ascii_lowercase();
        text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "spot")
    });
    // a marketplace product has an order of its own
    !covered && !spot && record.resource.order_number.is_empty()
}

/// May there be credit on this day? `day` is its beginning; `earns` says whether the product does ([`product_earns`]).
///
/// # Errors
/// Why not: the first reason that holds, in the order of [`CreditLoss`].
pub fn credit_on(day: Timestamp, intervals: &[Interval], access: Access<'_>, earns: bool) -> Result<(), CreditLoss> {
    let end = day.plus_seconds(DAY);
    let begins = owner_in(intervals, day);
    // one owner for the whole of it: none other begins within
    let whole = !intervals.iter().any(|interval| interval.from.is_some_and(|from| day < from && from < end));
    match begins {
        Owner::Legacy if whole => Err(CreditLoss::LegacyOffer),
        _ if !whole => Err(CreditLoss::NotTheWholeDay),
        _ if !access.counts() => Err(CreditLoss::NoAccess),
        _ if !earns => Err(CreditLoss::ProductWithout),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::owned::intervals;
    use planshift_domain::{ids::PlanId, ownership::ChangePoint};
    use uuid::Uuid;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }
    fn plan_from(text: &str) -> ChangePoint {
        ChangePoint { from: at(text), revision: 0, owner: Owner::Plan(PlanId(Uuid::from_u128(7))) }
    }
    const OWNER: Access<'static> = Access { provider: "1", reseller: Some("2"), roles: &[("1", "Owner")] };

    #[test]
    fn the_day_of_the_cut_earns_nothing_and_the_next_one_does() {
        let cut = intervals(&[plan_from("2026-09-18T10:00:00Z")]);
        let on = |day: &str| credit_on(at(day), &cut, OWNER, true);
        assert_eq!(on("2026-09-17T00:00:00Z"), Err(CreditLoss::LegacyOffer));
        assert_eq!(on("2026-09-18T00:00:00Z"), Err(CreditLoss::NotTheWholeDay));
        assert_eq!(on("2026-09-19T00:00:00Z"), Ok(()));
        let at_midnight = intervals(&[plan_from("2026-09-18T00:00:00Z")]);
        assert_eq!(credit_on(at("2026-09-18T00:00:00Z"), &at_midnight, OWNER, true), Ok(()));
    }

    /// Worked example C: an hour of a plan, and no credit on that day or any other.
    #[test]
    fn an_hour_of_a_plan_earns_nothing() {
        let back = ChangePoint { from: at("2026-09-18T12:00:00Z"), revision: 0, owner: Owner::Legacy };
        let hour = intervals(&[plan_from("2026-09-18T11:00:00Z"), back]);
        assert_eq!(credit_on(at("2026-09-18T00:00:00Z"), &hour, OWNER, true), Err(CreditLoss::NotTheWholeDay));
        assert_eq!(credit_on(at("2026-09-19T00:00:00Z"), &hour, OWNER, true), Err(CreditLoss::LegacyOffer));
    }

    #[test]
    fn who_counts() {
        for (roles, counts) in [
            (&[("1", "Owner")][..], true),
            (&[("1", "Contributor")], true),
            (&[("2", "contributor")], true),
            (&[("1", "Reader")], false),
            (&[("2", "Reader"), ("3", "Owner")], false),
            (&[("3", "Owner")], false),
            (&[("3", "Reader"), ("2", "Owner")], true),
            (&[], false),
        ] {
            assert_eq!(Access { provider: "1", reseller: Some("2"), roles }.counts(), counts, "{roles:?}");
        }
        assert!(!Access { provider: "1", reseller: None, roles: &[("2", "Owner")] }.counts());
        let plan = intervals(&[plan_from("2026-09-01T00:00:00Z")]);
        let day = at("2026-09-18T00:00:00Z");
        assert_eq!(credit_on(day, &plan, Access { roles: &[("1", "Reader")], ..OWNER }, true), Err(CreditLoss::NoAccess));
        assert_eq!(credit_on(day, &plan, OWNER, false), Err(CreditLoss::ProductWithout));
    }

    #[test]
    fn a_day_begins_at_midnight_before_1970_too() {
        assert_eq!(day_of(at("2026-09-18T23:59:59.999999Z")), at("2026-09-18T00:00:00Z"));
        assert_eq!(day_of(at("2026-09-18T00:00:00Z")), at("2026-09-18T00:00:00Z"));
        assert_eq!(day_of(at("1969-12-31T05:00:00Z")), at("1969-12-31T00:00:00Z"));
    }
}
