//! Partner earned credit by day: who has it, who loses it, and why.

use super::{AT_ONCE, After, Money, Reconciliation, Scope, facts::Facts, rated::PricedPages, reckon::pay};
use planshift_billing::{
    credit::{Access, CreditLoss, credit_on},
    owned::owner_in,
};
use planshift_domain::{
    ids::{AzureSubscriptionId, CustomerId, PlanId},
    ownership::Owner,
    time::Timestamp,
};
use planshift_storage::StorageError;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What became of the credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Outcome {
    /// It is there.
    Earned,
    /// It is not, and why is said.
    Lost,
    /// It is there though it must not be.
    Unexpected,
    /// Nothing stands against it, and no daily rated usage tells of it.
    Unknown,
}

impl Outcome {
    pub(crate) const ALL: [Self; 4] = [Self::Earned, Self::Lost, Self::Unexpected, Self::Unknown];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Earned => "earned",
            Self::Lost => "lost",
            Self::Unexpected => "unexpected",
            Self::Unknown => "unknown",
        }
    }
}

/// The credit of a subscription on a day.
#[derive(Clone, Debug)]
pub(crate) struct CreditRow {
    pub(crate) azure: AzureSubscriptionId,
    pub(crate) customer: CustomerId,
    /// The plan that owns the end of the day.
    pub(crate) plan: Option<PlanId>,
    pub(crate) day: Timestamp,
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<CreditLoss>,
    /// Whose: the reseller on record; none where the partner sells directly.
    pub(crate) reseller: Option<String>,
    /// How many daily rated records it is about.
    pub(crate) records: u64,
    /// What it comes to.
    pub(crate) amount: Money,
}

/// By day, outcome, reason and reseller.
type Key = (Timestamp, Outcome, Option<CreditLoss>, Option<String>);

impl Reconciliation {
    /// Of the next subscriptions of the scope, and where the next ones begin; none at the end.
    pub(crate) async fn credit(&self, scope: &Scope, after: After) -> Result<(Vec<CreditRow>, Option<After>), StorageError> {
        let subscriptions = self.subscriptions(scope, after, AT_ONCE).await?;
        let next = subscriptions.last().filter(|_| subscriptions.len() == AT_ONCE as usize).map(|(customer, azure)| (customer.0, azure.0));
        let span = (scope.from, scope.to);
        let facts = self.facts(scope.partner, &subscriptions, span).await?;
        let azure: Vec<AzureSubscriptionId> = facts.iter().map(|facts| facts.azure).collect();
        let by_id: BTreeMap<AzureSubscriptionId, &Facts> = facts.iter().map(|facts| (facts.azure, facts)).collect();
        let mut all: BTreeMap<AzureSubscriptionId, BTreeMap<Key, (u64, Money)>> = BTreeMap::new();
        let mut pages = PricedPages::new(scope.partner, &azure, span);
        while pages.after.is_some() {
            for priced in self.priced(&mut pages).await? {
                let Some(facts) = by_id.get(&priced.azure) else { continue };
                let given = priced.given().is_some_and(|given| !given.is_zero());
                let (outcome, reason) = match (priced.may_earn(facts), given) {
                    (Ok(()), true) => (Outcome::Earned, None),
                    (Ok(()), false) if priced.given().is_none() => (Outcome::Unknown, None),
                    // everything but access is known here, and speaks for credit
                    (Ok(()), false) => (Outcome::Lost, Some(CreditLoss::NoAccess)),
                    (Err(reason), true) => (Outcome::Unexpected, Some(reason)),
                    (Err(reason), false) => (Outcome::Lost, Some(reason)),
                };
                let key = (priced.day, outcome, reason, priced.rated.reseller_mpn_id.clone().or_else(|| facts.reseller.clone()));
                let (records, amount) = all.entry(priced.azure).or_default().entry(key).or_default();
                *records += 1;
                // what can have no credit has nothing to lose
                let is_some =
                    !matches!(reason, Some(CreditLoss::LegacyOffer | CreditLoss::ProductWithout)) || outcome == Outcome::Unexpected;
                if let Some(credit) = priced.credit().filter(|_| is_some && outcome != Outcome::Unknown) {
                    pay(amount, &priced.currency(), &credit);
                }
            }
        }
        let mut rows = Vec::new();
        for facts in &facts {
            let mut of_this = all.remove(&facts.azure).unwrap_or_default();
            let told: BTreeSet<Timestamp> = of_this.keys().map(|(day, ..)| *day).collect();
            // days that no daily rated usage tells of, of subscriptions that were ever moved
            if !facts.points.is_empty() {
                for day in facts.days.keys().map(|(_, day)| *day).filter(|day| !told.contains(day)) {
                    let somebody = Access { provider: "", reseller: None, roles: &[("", "Owner")] };
                    let (outcome, reason) = match credit_on(day, &facts.intervals, somebody, true) {
                        Ok(()) => (Outcome::Unknown, None),
                        Err(reason) => (Outcome::Lost, Some(reason)),
                    };
                    of_this.entry((day, outcome, reason, facts.reseller.clone())).or_default();
                }
            }
            for ((day, outcome, reason, reseller), (records, amount)) in of_this {
                let plan = match owner_in(&facts.intervals, day.plus_seconds(24 * 3600 - 1)) {
                    Owner::Plan(plan) => Some(plan),
                    Owner::Legacy => None,
                };
                let (azure, customer) = (facts.azure, facts.customer);
                rows.push(CreditRow { azure, customer, plan, day, outcome, reason, reseller, records, amount });
            }
        }
        Ok((rows, next))
    }
}
