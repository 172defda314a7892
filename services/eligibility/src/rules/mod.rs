//! May this customer move? The rules, pure: facts in, findings out.
//!
//! | file | rules about |
//! |---|---|
//! | `partner` | the partner |
//! | `customer` | the customer |
//! | `subscription` | each subscription in scope |
//! | `reseller` | each reseller on record of a subscription in scope |
//!
//! All rules are always looked at, so that a partner sees everything at once; and warnings also where something blocks.

mod customer;
mod partner;
mod reseller;
mod subscription;

use planshift_domain::{
    account::{
        codes::{self, Blocking, Warning},
        facts::{CustomerFacts, PartnerFacts, ResellerFacts, SubscriptionFacts},
    },
    ids::{CustomerId, MpnId, Reseller},
    time::Timestamp,
    transition::{Finding, Findings},
};
use std::collections::{BTreeMap, BTreeSet};

/// What an operator may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleSettings {
    /// A subscription bought less than so many hours ago blocks.
    pub recent_window_hours: u32,
}

impl Default for RuleSettings {
    fn default() -> Self {
        Self { recent_window_hours: 24 }
    }
}

/// Who is assessed, and against what.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The transacting partner.
    pub partner: &'a PartnerFacts,
    /// The customer.
    pub customer_id: CustomerId,
    /// The customer's facts.
    pub customer: &'a CustomerFacts,
    /// The resellers that the partner knows, at least those on record of the subscriptions that are in scope.
    pub resellers: &'a BTreeMap<MpnId, ResellerFacts>,
    /// For whom the customer has an `active` Azure plan.
    pub active_plans: &'a BTreeSet<Reseller>,
    /// The present.
    pub now: Timestamp,
    /// What an operator may set.
    pub settings: RuleSettings,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assessed {
    /// What blocks and what to know, in the order in which it is shown.
    pub findings: Findings,
    /// For whom a plan is needed, and how many subscriptions in scope go under it.
    pub groups: BTreeMap<Reseller, u32>,
}

impl Assessed {
    /// May the customer move?
    pub const fn is_eligible(&self) -> bool {
        self.findings.reasons.is_empty()
    }
}

/// An assessment under way. Subscriptions come one at a time and in any order; only what is found is kept of them.
#[derive(Debug)]
pub struct Assessment<'a> {
    subject: Subject<'a>,
    found: Found,
    groups: BTreeMap<Reseller, u32>,
}

impl<'a> Assessment<'a> {
    /// Begins with the partner and the customer.
    pub fn begin(subject: Subject<'a>) -> Self {
        let mut found = Found::default();
        partner::assess(&subject, &mut found);
        customer::assess(&subject, &mut found);
        Self { subject, found, groups: BTreeMap::new() }
    }

    /// A subscription that is in scope: of the legacy offer, not deleted, and not under a plan by an earlier transition.
    pub fn subscription(&mut self, subscription: &SubscriptionFacts) {
        subscription::assess(&self.subject, subscription, &mut self.found);
        match self.groups.get_mut(&subscription.reseller) {
            Some(count) => *count += 1,
            None => {
                self.groups.insert(subscription.reseller.clone(), 1);
            }
        }
    }

    /// Ends with what can be said once all subscriptions are known.
    pub fn finish(mut self) -> Assessed {
        if self.groups.is_empty() {
            customer::assess_nothing_in_scope(&self.subject, &mut self.found);
        }
        for (reseller, count) in &self.groups {
            reseller::assess(&self.subject, reseller, *count, &mut self.found);
        }
        let Found(mut findings) = self.found;
        codes::sort(&mut findings.reasons);
        codes::sort(&mut findings.warnings);
        Assessed { findings, groups: self.groups }
    }
}

/// What was found so far.
#[derive(Debug, Default)]
struct Found(Findings);

impl Found {
    fn block(&mut self, code: Blocking, resource_id: impl Into<String>, description: String) {
        self.0.reasons.push(Finding { code: code.name().to_owned(), resource_id: resource_id.into(), description });
    }

    fn warn(&mut self, code: Warning, resource_id: impl Into<String>, description: String) {
        self.0.warnings.push(Finding { code: code.name().to_owned(), resource_id: resource_id.into(), description });
    }
}
